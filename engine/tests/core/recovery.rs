//! What an engine does that cannot find out where the platform stands, and when it finally can.

use crate::pair::Pair;
use crate::scenes::{AWAY, HOME, SECOND, pair};
use understudy_engine::core::effect::{Intent, Outcome, PageReason};
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_policies::shipped;

fn lose_store(pair: &mut Pair, lost: bool) {
    for health in &mut pair.health {
        health.store = !lost;
    }
}

#[test]
fn a_region_that_lost_the_store_for_long_serves_again_when_it_is_back() {
    let mut pair = pair();
    lose_store(&mut pair, true);
    pair.peer_path = false;
    pair.run(20 * SECOND);
    assert_eq!(pair.states()[0], StateName::SelfFenced);
    // It comes back for a moment, so that the region begins to recover, and is gone for minutes.
    lose_store(&mut pair, false);
    pair.run_to("recovering", 10 * SECOND, |p| p.states()[0] != StateName::SelfFenced);
    lose_store(&mut pair, true);
    pair.run(120 * SECOND);
    assert_ne!(pair.states()[0], StateName::NeedsOperator);
    lose_store(&mut pair, false);
    pair.peer_path = true;
    pair.run(40 * SECOND);
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    assert!(pair.open[0], "the order path is open again");
}

#[test]
fn a_sidecar_that_starts_without_the_store_pages_once_and_recovers_by_itself() {
    let mut pair = pair();
    lose_store(&mut pair, true);
    let away = pair.restart(AWAY);
    pair.run(300 * SECOND);
    let pages = pair.count(away, |intent| *intent == Intent::Page(PageReason::CannotRead));
    assert_eq!(pages, 1);
    lose_store(&mut pair, false);
    pair.run(30 * SECOND);
    assert_eq!(pair.states()[1], StateName::Steady);
}

#[test]
fn a_sidecar_that_has_read_nothing_does_not_close_what_another_one_serves() {
    let mut pair = Pair::settled(shipped::trading());
    // The store is lost for both; the first sidecar serves on grants of the other region.
    lose_store(&mut pair, true);
    pair.run(20 * SECOND);
    assert_eq!(pair.sides[HOME].engine.state(), StateName::Serving);
    let second = pair.add(Region::Home, 2);
    pair.run(90 * SECOND);
    let closed = pair.count(second, |intent| *intent == Intent::CloseOrderPath);
    assert_eq!(closed, 0);
    assert!(pair.open[0]);
}

#[test]
fn a_verification_whose_answer_got_lost_is_made_again() {
    let mut pair = pair();
    pair.faults.hold = Some(|intent| matches!(intent, Intent::VerifyRouting { .. } | Intent::VerifyWrite));
    pair.lose(Region::Home);
    pair.run_to("verifying", 60 * SECOND, |p| p.states()[1] == StateName::Verifying);
    pair.run(SECOND);
    // The shell's own time-out.
    pair.faults.hold = None;
    let held = std::mem::take(&mut pair.faults.held);
    assert!(held.iter().all(|(_, effect)| effect.timeout <= 5 * SECOND), "{held:?}");
    for (side, effect) in held {
        let now = pair.at();
        pair.sides[side]
            .engine
            .handle_outcome(now, effect.id, Outcome::TimedOut);
        pair.drain(side);
    }
    pair.run(20 * SECOND);
    assert_eq!(pair.states()[1], StateName::Rejoining);
}
