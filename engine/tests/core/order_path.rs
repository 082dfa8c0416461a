//! Opening and closing: the order path and the record follow the role, also when a call fails.

use crate::scenes::{AWAY, HOME, HOUR, SECOND, pair, soaking};
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;

#[test]
fn reopening_after_a_fence_survives_a_call_that_times_out() {
    let mut pair = pair();
    pair.health[0].store = false;
    pair.peer_path = false;
    pair.run_to("fenced", 30 * SECOND, |p| p.states()[0] == StateName::SelfFenced);
    pair.run(SECOND);
    pair.scripted
        .push((|i| matches!(i, Intent::OpenProcessing), Outcome::TimedOut));
    pair.health[0].store = true;
    pair.peer_path = true;
    pair.run(10 * 60 * SECOND);
    assert_eq!(pair.states()[0], StateName::Serving);
    assert!(pair.open[0], "serving with the order path closed");
}

#[test]
fn a_region_that_returns_as_standby_closes_its_order_path() {
    let mut pair = pair();
    pair.sides[HOME].up = false;
    pair.health[0].application = false;
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    pair.health[0].application = true;
    pair.add(Region::Home, 1);
    pair.run(60 * SECOND);
    assert_eq!(pair.states()[0], StateName::Steady);
    assert_eq!(pair.open, [false, true], "two open regions");
}

#[test]
fn a_standby_that_somebody_opens_by_hand_is_closed_again() {
    let mut pair = pair();
    pair.run(10 * SECOND);
    pair.open[1] = true;
    pair.intake[1] = true;
    pair.run(60 * SECOND);
    assert_eq!(pair.open, [true, false], "a standby that takes orders");
    assert!(!pair.intake[1]);
}

#[test]
fn reverting_closes_the_intake_again() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.scripted
        .push((|i| matches!(i, Intent::PromoteDatabase { .. }), Outcome::Refused));
    pair.run_to("undoing", 60 * SECOND, |p| p.states()[1] == StateName::Reverting);
    pair.health[0].application = true;
    pair.run_to("steady", 60 * SECOND, |p| {
        p.states() == [StateName::Serving, StateName::Steady]
    });
    assert!(!pair.intake[1], "the standby's intake still accepts orders");
}

#[test]
fn disarming_the_holder_is_no_outage() {
    let mut pair = pair();
    assert!(pair.command(HOME, Command::Disarm));
    pair.run(9 * SECOND);
    assert_eq!(pair.states()[0], StateName::Serving);
    assert!(pair.serving[0] > pair.micros(), "serving by name, no order can commit");
}

#[test]
fn a_fence_is_obeyed_in_needs_operator_too() {
    let mut pair = pair();
    pair.faults
        .always
        .push((|i| matches!(i, Intent::VerifyRouting { .. }), Outcome::Failed));
    pair.lose(Region::Home);
    pair.run_to("operator", 600 * SECOND, |p| p.states()[1] == StateName::NeedsOperator);
    assert!(pair.open[1]);
    pair.health[1].store = false;
    pair.run(60 * SECOND);
    assert!(pair.serving[1] < pair.micros());
    assert!(!pair.open[1] && !pair.intake[1], "no lease, and the order path is open");
}

#[test]
fn an_order_path_that_does_not_close_is_asked_now_and_then() {
    let mut pair = pair();
    pair.faults
        .always
        .push((|i| matches!(i, Intent::CloseOrderPath), Outcome::Failed));
    pair.command(HOME, Command::ShutDown);
    pair.command(HOME, Command::ShutDown);
    pair.run(10 * SECOND);
    let asked = pair.count(HOME, |i| matches!(i, Intent::CloseOrderPath));
    assert!((2..20).contains(&asked), "{asked}");
}

#[test]
fn a_fence_closes_the_order_path_even_if_one_call_fails() {
    let mut pair = pair();
    pair.scripted
        .push((|i| matches!(i, Intent::CloseOrderPath), Outcome::Failed));
    pair.health[0].store = false;
    pair.peer_path = false;
    pair.run_to("fenced", 30 * SECOND, |p| p.states()[0] == StateName::SelfFenced);
    pair.run(60 * SECOND);
    assert!(!pair.open[0]);
}

#[test]
fn a_pin_is_undone_before_a_failover_counts_as_reverted() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.scripted
        .push((|i| matches!(i, Intent::PromoteDatabase { .. }), Outcome::Refused));
    pair.scripted
        .push((|i| matches!(i, Intent::UnpinRecord), Outcome::Failed));
    pair.run_to("undoing", 60 * SECOND, |p| p.states()[1] == StateName::Reverting);
    pair.health[0].application = true;
    pair.run_to("steady", 60 * SECOND, |p| {
        p.states() == [StateName::Serving, StateName::Steady]
    });
    pair.run(HOUR);
    assert!(
        pair.count(AWAY, |i| matches!(i, Intent::UnpinRecord)) > 1,
        "the record stays pinned to the standby for ever"
    );
}

#[test]
fn the_record_is_pinned_once_the_control_plane_answers() {
    let mut pair = pair();
    pair.scripted
        .push((|i| matches!(i, Intent::PinRecord { .. }), Outcome::Failed));
    pair.lose(Region::Home);
    pair.run(HOUR);
    assert!(pair.count(AWAY, |i| matches!(i, Intent::PinRecord { .. })) > 1);
}

#[test]
fn taking_the_platform_home_from_a_lost_standby_flips_both_switches_home() {
    let (mut pair, home) = soaking();
    assert_eq!(pair.switches, [true; 2]);
    pair.run(HOUR);
    pair.lose(Region::Away);
    pair.run_to("home", 120 * SECOND, |p| p.states()[0] == StateName::Rejoining);
    assert_eq!(
        pair.switches, [false; 2],
        "engaged switches hold clients away from home"
    );
    assert!(pair.sides[home].up);
}

#[test]
fn a_switch_that_says_otherwise_is_flipped_by_whoever_serves() {
    let mut pair = pair();
    pair.switches = [true, false];
    pair.run(30 * SECOND);
    assert_eq!(pair.switches, [false; 2]);
}

#[test]
fn the_region_that_came_back_lets_go_of_its_switch_while_the_holder_has_no_sidecar() {
    let (mut pair, home) = soaking();
    pair.run(HOUR);
    pair.lose(Region::Away);
    pair.run_to("home", 120 * SECOND, |p| p.states()[0] == StateName::Rejoining);
    pair.run(5 * SECOND);
    pair.sides[home].up = false;
    let away = pair.bring_back(Region::Away);
    // It was out of reach when clients went home.
    pair.switches = [true, false];
    pair.run(60 * SECOND);
    assert_eq!(pair.switches, [false; 2], "{:?}", pair.sides[away].engine.state());
}

#[test]
fn disarmed_engines_leave_the_switches_alone() {
    let mut pair = pair();
    pair.command(HOME, Command::Disarm);
    pair.command(AWAY, Command::Disarm);
    pair.switches = [true, false];
    pair.run(60 * SECOND);
    assert_eq!(pair.switches, [true, false]);
}
