//! The way back, and what can come between.

use crate::pair::Pair;
use crate::scenes::{AWAY, HOUR, SECOND, failed_over, pair, soaking};
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_policies::shipped;

/// Serving away from home, with a failback that waits for a person's approval.
fn asked_for_approval() -> Pair {
    let mut policy = shipped::trading();
    policy.gates.approve_failback = true;
    let mut pair = Pair::settled(policy);
    pair.lose(Region::Home);
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    pair.bring_back(Region::Home);
    pair.run_to("soaking", 2 * HOUR, |p| p.states()[1] == StateName::Soaking);
    pair.faults.hold = Some(|i| matches!(i, Intent::RequestApproval(_)));
    assert!(pair.command(AWAY, Command::FailBack));
    pair.run_to("asked", 60 * SECOND, |p| !p.faults.held.is_empty());
    pair
}

#[test]
fn a_rebuild_that_fails_is_not_a_busy_loop() {
    let mut pair = failed_over();
    pair.bring_back(Region::Home);
    pair.run_to("rejoin asked", HOUR, |p| {
        p.count(AWAY, |i| matches!(i, Intent::RejoinDatabase)) > 0
    });
    pair.lose(Region::Home);
    pair.run(HOUR / 2); // the rebuild fails after 20 min
}

#[test]
fn a_failback_that_keeps_failing_is_not_tried_for_ever() {
    let (mut pair, _) = soaking();
    pair.faults
        .always
        .push((|i| matches!(i, Intent::SwitchOverDatabase { .. }), Outcome::Refused));
    pair.run_to("the first try", 24 * HOUR, |p| p.states()[1] == StateName::Quiescing);
    pair.run(HOUR);
    let closed = pair.count(AWAY, |i| matches!(i, Intent::CloseOrderPath));
    let at = pair.at();
    assert!(
        closed <= 2,
        "closed {closed} times in an hour; {:?} {:?}",
        pair.states(),
        pair.sides[AWAY].engine.explain(at).now.flip
    );
}

#[test]
fn a_switchover_that_fails_for_certain_does_not_keep_the_order_path_closed() {
    let (mut pair, _) = soaking();
    pair.faults
        .always
        .push((|i| matches!(i, Intent::SwitchOverDatabase { .. }), Outcome::Failed));
    pair.command(AWAY, Command::FailBack);
    pair.run_to("moving the writer", HOUR, |p| p.states()[1] == StateName::SwitchingOver);
    assert!(!pair.open[1]);
    pair.run(60 * SECOND);
    assert!(pair.open[1], "still closed a minute later: {:?}", pair.states());
    assert_eq!(pair.states()[1], StateName::Soaking);
}

#[test]
fn a_declined_failback_leaves_the_lease_and_the_writer() {
    let mut pair = asked_for_approval();
    pair.release(0, Outcome::Refused);
    pair.run(30 * SECOND);
    assert_eq!(
        (pair.lease.holder, pair.writer),
        (Region::Away, Region::Away),
        "the lease left without the writer"
    );
    assert!(pair.open[1], "{:?}", pair.states());
}

#[test]
fn the_loss_of_home_while_it_is_confirmed_pages() {
    let (mut pair, home) = soaking();
    pair.command(AWAY, Command::FailBack);
    pair.run_to("confirming", HOUR, |p| p.states()[1] == StateName::Confirming);
    let before = pair.count(AWAY, |i| matches!(i, Intent::Page(_)));
    pair.sides[home].up = false;
    pair.lose(Region::Home);
    pair.run(9 * 60 * SECOND);
    assert!(
        pair.count(AWAY, |i| matches!(i, Intent::Page(_))) > before,
        "{:?} nine minutes after the loss, nobody told",
        pair.states()
    );
}

#[test]
fn an_operator_cannot_send_the_platform_to_a_region_that_is_lost() {
    let (mut pair, _) = soaking();
    pair.lose(Region::Home);
    pair.run(30 * SECOND);
    pair.command(AWAY, Command::FailBack);
    pair.run(60 * SECOND);
    assert!(
        pair.open[1],
        "orders stopped for a region that is lost: {:?}",
        pair.states()
    );
}

#[test]
fn after_a_failback_the_cool_down_holds() {
    let mut pair = pair();
    pair.command(AWAY, Command::FailOver { accept_loss: false });
    pair.run_to("soaking", 2 * HOUR, |p| p.states()[1] == StateName::Soaking);
    pair.command(AWAY, Command::FailBack);
    pair.run_to("home", HOUR, |p| p.states() == [StateName::Serving, StateName::Steady]);
    pair.run(20 * SECOND);
    pair.health[0].application = false;
    pair.run(30 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked);
}

#[test]
fn an_approval_is_no_good_for_a_home_region_that_is_lost_again() {
    let mut pair = asked_for_approval();
    pair.lose(Region::Home);
    pair.run(30 * SECOND);
    assert!(
        !pair.command(AWAY, Command::Approve),
        "nobody sends the platform to a lost region"
    );
    pair.release(0, Outcome::Done);
    pair.run(30 * SECOND);
    assert_eq!((pair.lease.holder, pair.writer), (Region::Away, Region::Away));
    assert!(pair.open[1], "orders go on: {:?}", pair.states());
}

#[test]
fn the_home_region_takes_over_by_letting_go_of_the_switches_and_pins_nothing() {
    let (mut pair, home) = soaking();
    assert_eq!(pair.switches, [true, true]);
    pair.run(40 * 60 * SECOND);
    pair.lose(Region::Away);
    pair.run_to("failover to home", 120 * SECOND, |p| {
        p.states()[0] == StateName::Rejoining
    });
    assert_eq!(pair.switches, [false, false], "the switches would hold clients away");
    assert_eq!(pair.count(home, |i| matches!(i, Intent::UnpinRecord)), 1);
    assert_eq!(
        pair.count(home, |i| matches!(i, Intent::PinRecord { .. })),
        0,
        "a record that is pinned to home would answer with it when home is lost next"
    );
}

#[test]
fn a_take_over_at_home_that_is_undone_leaves_clients_away() {
    let (mut pair, home) = soaking();
    pair.run(40 * 60 * SECOND);
    pair.health[1].application = false;
    pair.scripted
        .push((|i| matches!(i, Intent::PromoteDatabase { .. }), Outcome::Refused));
    pair.run_to("reverting", 120 * SECOND, |p| p.states()[0] == StateName::Reverting);
    pair.health[1].application = true;
    pair.run_to("undone", 120 * SECOND, |p| {
        p.states()[0] == StateName::Steady && p.lease.holder == Region::Away
    });
    assert_eq!(pair.switches, [true, true]);
    assert!(pair.count(home, |i| matches!(i, Intent::SetSwitch { engaged: true, .. })) >= 2);
}
