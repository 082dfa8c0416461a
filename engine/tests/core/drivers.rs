//! More than one sidecar in a region: one drives, the others follow, and a replaced driver gives way.

use crate::pair::Pair;
use crate::scenes::{AWAY, SECOND, pair, soaking};
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::ids::Region;
use understudy_engine::core::journal::Happening;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_policies::model::Mode;
use understudy_policies::shipped;

#[test]
fn a_seat_that_nobody_has_is_taken_before_the_next_beat() {
    let policy = shipped::trading();
    let beat = policy.lease.renew_every;
    let mut pair = Pair::new(policy);
    let taken = pair.run_to("a driver in each region", 60 * SECOND, |pair| {
        pair.lease.drivers.iter().all(Option::is_some)
    });
    assert!(taken < beat, "{taken:?}");
}

#[test]
fn a_sidecar_that_comes_back_to_its_own_seat_shows_so_before_the_next_beat() {
    let mut pair = pair();
    let beats = |pair: &Pair| pair.lease.drivers[AWAY].unwrap().beats;
    pair.sides[AWAY].up = false;
    let before = beats(&pair);
    pair.run(SECOND);
    assert_eq!(beats(&pair), before);
    pair.restart(AWAY);
    let shown = pair.run_to("its first beat", 60 * SECOND, |pair| beats(pair) > before);
    assert!(shown < pair.policy.lease.renew_every, "{shown:?}");
}

#[test]
fn a_passive_sidecar_does_not_open_while_an_approval_is_awaited() {
    let mut policy = shipped::trading();
    policy.gates.reconcile_venues = true;
    let mut pair = Pair::settled(policy);
    let second = pair.add(Region::Away, 2);
    pair.add(Region::Home, 2);
    pair.run(5 * SECOND);
    pair.faults.hold = Some(|i| matches!(i, Intent::RequestApproval(_)));
    pair.lose(Region::Home);
    pair.run(60 * SECOND);
    assert_eq!(pair.sides[AWAY].engine.state(), StateName::Moving);
    assert_eq!(pair.count(second, |i| matches!(i, Intent::OpenProcessing)), 0);
    assert!(!pair.open[1], "processing is open although nobody approved");
}

#[test]
fn nothing_opens_before_the_promotion() {
    // d14 without any gate: the passive sidecar opens before the promotion is done.
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.run(5 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("opened", 60 * SECOND, |p| p.open[1]);
    assert_eq!(
        pair.writer,
        Region::Away,
        "opened at {} by {second} before the promotion: {:?}",
        pair.now,
        pair.sides[AWAY].engine.state()
    );
}

#[test]
fn a_passive_sidecar_in_shadow_mode_stays_out_of_a_failover() {
    let mut pair = pair();
    let mut shadow = shipped::trading();
    shadow.mode = Mode::Shadow;
    let armed = std::mem::replace(&mut pair.policy, shadow);
    let second = pair.add(Region::Away, 2);
    pair.policy = armed;
    pair.run(10 * SECOND);
    pair.lose(Region::Home);
    pair.run(5 * 60 * SECOND);
    assert_ne!(pair.sides[second].engine.state(), StateName::NeedsOperator);
    let states: Vec<_> = pair.sides[second]
        .journal
        .iter()
        .filter(|e| matches!(e.what, Happening::Moved { .. }))
        .map(|e| format!("{:?}", e.what))
        .collect();
    assert!(!states.iter().any(|s| s.contains("Acquiring")), "{states:?}");
}

#[test]
fn a_driver_that_slept_through_a_failover_does_not_ask_for_an_operator() {
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.run(5 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("moving", 60 * SECOND, |p| {
        p.sides[AWAY].engine.state() == StateName::Moving
    });
    pair.sides[AWAY].up = false;
    pair.run(5 * 60 * SECOND);
    assert_eq!(pair.sides[second].engine.state(), StateName::Rejoining);
    pair.wake(AWAY);
    pair.run(30 * SECOND);
    assert_ne!(pair.sides[AWAY].engine.state(), StateName::NeedsOperator);
}

#[test]
fn a_passive_sidecar_that_restarts_during_a_failback_does_not_open() {
    let (mut pair, _) = soaking();
    pair.add(Region::Away, 2);
    pair.run(10 * SECOND);
    pair.command(AWAY, Command::FailBack);
    pair.run_to("switching over", 60 * SECOND, |p| {
        p.sides[AWAY].engine.state() == StateName::SwitchingOver
    });
    assert!(!pair.open[1]);
    pair.add(Region::Away, 3);
    pair.run(10 * SECOND);
    assert_eq!(pair.sides[AWAY].engine.state(), StateName::SwitchingOver);
    assert!(!pair.open[1], "orders are processed while the writer moves");
}

#[test]
fn a_driver_that_slept_with_its_claim_does_not_undo_its_successors_failover() {
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.run(5 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("claiming", 20 * SECOND, |p| {
        p.sides[AWAY].engine.state() == StateName::Claiming
    });
    pair.run(SECOND / 50);
    pair.sides[AWAY].up = false; // suspended with its claim under way
    pair.run(12 * SECOND);
    pair.wake(AWAY);
    pair.run(120 * SECOND);
    assert_eq!(
        (pair.switches, pair.sides[second].engine.state()),
        ([true, true], StateName::Rejoining),
        "first: {:?}",
        pair.sides[AWAY].engine.state()
    );
}

#[test]
fn a_driver_that_slept_with_its_claim_does_not_hand_its_successors_lease_back() {
    for sleep in 8..24_u32 {
        let mut pair = pair();
        let second = pair.add(Region::Away, 2);
        pair.run(5 * SECOND);
        pair.health[0].application = false;
        pair.run_to("claiming", 20 * SECOND, |p| {
            p.sides[AWAY].engine.state() == StateName::Claiming
        });
        pair.run(SECOND / 50);
        pair.sides[AWAY].up = false;
        pair.run(SECOND * sleep);
        pair.health[0].application = true;
        let before = pair.sides[second].engine.state();
        pair.wake(AWAY);
        pair.run(90 * SECOND);
        assert!(
            pair.lease.holder == pair.writer,
            "slept {sleep} s while the second was {before:?}: holder {:?} epoch {:?} writer {:?} states {:?} {:?}",
            pair.lease.holder,
            pair.lease.epoch,
            pair.writer,
            pair.states()[0],
            (pair.sides[AWAY].engine.state(), pair.sides[second].engine.state())
        );
    }
}

#[test]
fn a_driver_that_is_cut_off_from_the_store_does_not_undo_its_successor() {
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.run(5 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("claiming", 20 * SECOND, |p| {
        p.sides[AWAY].engine.state() == StateName::Claiming
    });
    pair.faults.no_store.push(AWAY);
    pair.run(120 * SECOND);
    assert_eq!(
        (pair.switches, pair.sides[second].engine.state()),
        ([true, true], StateName::Rejoining),
        "first: {:?}",
        pair.sides[AWAY].engine.state()
    );
}

#[test]
fn a_replaced_driver_does_not_give_its_successors_lease_away() {
    let mut pair = pair();
    let second = pair.add(Region::Away, 2);
    pair.run(5 * SECOND);
    pair.health[0].application = false;
    // No early release: the old holder's order path hangs.
    pair.faults
        .always
        .push((|i| matches!(i, Intent::CloseOrderPath), Outcome::Failed));
    pair.run_to("acquiring", 20 * SECOND, |p| {
        p.sides[AWAY].engine.state() == StateName::Acquiring
    });
    pair.faults.no_store.push(AWAY); // the driver's zone loses the store; the second sidecar goes on
    pair.run(60 * SECOND);
    assert_eq!(pair.lease.holder, Region::Away);
    pair.health[0].application = true; // the old primary is well again
    pair.run(10 * SECOND);
    pair.faults.no_store.clear();
    pair.run(60 * SECOND);
    assert_eq!(
        (pair.lease.holder, pair.writer),
        (Region::Away, Region::Away),
        "epoch {:?}, second {:?}, switches {:?}",
        pair.lease.epoch,
        pair.sides[second].engine.state(),
        pair.switches
    );
}

#[test]
fn a_second_sidecar_that_fences_itself_does_not_close_what_the_driver_has_opened_again() {
    let mut pair = pair();
    let second = pair.add(Region::Home, 2);
    pair.run(15 * SECOND);
    for health in &mut pair.health {
        health.store = false;
    }
    pair.peer_path = false;
    pair.run(20 * SECOND);
    assert_eq!(pair.sides[second].engine.state(), StateName::SelfFenced);
    for health in &mut pair.health {
        health.store = true;
    }
    pair.peer_path = true;
    pair.run(30 * SECOND);
    assert!(pair.open[0], "{:?}", pair.states());
    assert_eq!(pair.count(second, |intent| *intent == Intent::CloseOrderPath), 0);
}

#[test]
fn an_order_path_that_somebody_closes_is_opened_again() {
    let mut pair = pair();
    pair.run(10 * SECOND);
    pair.open[0] = false;
    pair.intake[0] = false;
    pair.run(15 * SECOND);
    assert!(pair.open[0] && pair.intake[0]);
}
