//! How fast outages are replayed, on one core: `cargo bench -p understudy-simulations --bench timelines`.
//!
//! An item is a simulated second, so "items per second" is simulated seconds per second of the wall clock. Every probe
//! and renewal of those seconds reaches a real engine core, and every invariant is looked at. No timeline is written.

use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use understudy_policies::{Policy, shipped};
use understudy_simulations::conditions::Conditions;
use understudy_simulations::run::{conditions_rng, digest_with};
use understudy_simulations::scenario::{self, Scenario};

/// How long a region-loss timeline goes on after its onset.
const FROM_ONSET: Duration = Duration::from_secs(30 * 60);

fn main() {
    divan::main();
}

/// The region is lost and stays lost, under conditions that each seed draws anew.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn region_loss(bencher: Bencher<'_, '_>) {
    let mut scenario = shipped_scenario("region-loss");
    scenario.horizon = scenario.onset + FROM_ONSET;
    replay(bencher, &scenario, &shipped::trading());
}

/// Half a day with everything in it: a failover, the way home, and hours in which nothing happens.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn region_loss_and_return(bencher: Bencher<'_, '_>) {
    replay(
        bencher,
        &shipped_scenario("region-loss-and-return"),
        &shipped::trading(),
    );
}

fn shipped_scenario(name: &str) -> Scenario {
    scenario::shipped::find(name)
        .and_then(|shipped| shipped.scenario().ok())
        .unwrap_or_else(|| panic!("{name} is shipped and can be read"))
}

fn replay(bencher: Bencher<'_, '_>, scenario: &Scenario, policy: &Policy) {
    let mut seed = 0;
    bencher
        .counter(ItemsCount::new(scenario.horizon.as_secs()))
        .bench_local(|| {
            seed += 1;
            let conditions = Conditions::modelled(policy, &mut conditions_rng(seed));
            digest_with(scenario, policy, seed, conditions)
        });
}
