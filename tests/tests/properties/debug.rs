use crate::outage::*;
use std::time::Duration;
use understudy_policies::shipped;
use understudy_simulations::conditions::Conditions;
use understudy_simulations::run::{conditions_rng, run_with};
use understudy_simulations::scenario::*;
#[test]
fn debug() {
    let policy = shipped::trading();
    let seed = 1208577033457849691;
    let conditions = Conditions::within_bounds(&policy, &mut conditions_rng(seed));
    println!("{conditions:?}");
    let report = run_with(
        &scenario(
            vec![for_good(part(Part::Region, Place::Away), FaultState::Down)],
            Duration::from_secs(30),
            Duration::from_secs(300),
        ),
        &policy,
        seed,
        conditions,
    );
    for e in &report.timeline {
        if e.at_seconds > -1.0 {
            println!("{:9.3} {} {}", e.at_seconds, e.who, e.text);
        }
    }
    println!("{:?}", report.standing);
}
