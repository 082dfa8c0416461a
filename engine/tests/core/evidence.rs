//! What counts as evidence: not what is old, out of order, from one observer or without end.

use std::time::Duration;

use crate::pair::Pair;
use crate::scenes::{AWAY, HOUR, SECOND, pair};
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::ids::{Epoch, Region, WitnessId};
use understudy_engine::core::lease::LeaseRequest;
use understudy_engine::core::ledger::Phase;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::{Command, DatabaseChange, ExecutionStatus, Notice, Observation, Signal};
use understudy_engine::core::time::WallTime;
use understudy_policies::model::LossAction;
use understudy_policies::shipped;

#[test]
fn a_lost_end_of_execution_event_does_not_block_for_ever() {
    let mut pair = pair();
    let at = pair.at();
    for status in [ExecutionStatus::Succeeded, ExecutionStatus::Running] {
        // out of order
        pair.sides[AWAY].engine.handle_notice(
            at,
            Notice::Execution {
                region: Region::Home,
                failover: false,
                status,
            },
        );
    }
    pair.run(HOUR);
    pair.lose(Region::Home);
    pair.run_to("failover", 10 * 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
}

/// Lets the home region's application fail for three seconds of every twenty, for so many rounds.
fn flap(pair: &mut Pair, rounds: u32) {
    for _ in 0..rounds {
        pair.run(17 * SECOND);
        pair.health[0].application = false;
        pair.run(3 * SECOND);
        pair.health[0].application = true;
    }
}

#[test]
fn a_database_that_fails_over_in_its_region_lends_no_time_to_a_blip_of_the_application() {
    let mut pair = pair();
    pair.health[0].database = false;
    flap(&mut pair, 1);
    pair.run(5 * SECOND);
    pair.health[0].database = true;
    pair.run(60 * SECOND);
    assert_eq!(pair.count(AWAY, |i| matches!(i, Intent::PromoteDatabase { .. })), 0);
    assert_eq!(pair.states()[1], StateName::Steady);
}

#[test]
fn an_application_that_comes_and_goes_takes_no_time_from_a_database_that_is_lost() {
    let mut pair = pair();
    pair.health[0].database = false;
    flap(&mut pair, 4);
    assert_eq!(pair.count(AWAY, |i| matches!(i, Intent::PromoteDatabase { .. })), 1);
}

#[test]
fn an_engine_that_was_suspended_does_not_decide_on_old_evidence() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.health[0].database = false;
    pair.run_to("quorum", 30 * SECOND, |p| {
        p.sides[AWAY].engine.status(p.at()).assessments[0].is_loss()
    });
    pair.faults.hold = Some(|i| {
        matches!(
            i,
            Intent::Lease {
                request: LeaseRequest::Drive { .. },
                ..
            }
        )
    });
    pair.run_to("a beat under way", 2 * SECOND, |p| {
        p.faults.held.iter().any(|(s, _)| *s == AWAY)
    });
    assert_eq!(pair.states()[1], StateName::Suspicious);
    // The process sleeps; the region is well again. The first thing it hears is the old answer.
    pair.now = pair.now.after(5 * SECOND);
    let position = pair.faults.held.iter().position(|(s, _)| *s == AWAY).unwrap();
    let record = pair.lease;
    pair.release(position, Outcome::Lease(record));
    assert_ne!(pair.states()[1], StateName::Claiming);
}

#[test]
fn a_wall_clock_that_steps_back_does_not_blind_the_engine() {
    let mut pair = pair();
    pair.wall_start -= 3_600_000;
    pair.run(10 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("failover", 10 * 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
}

#[test]
fn a_lag_measured_after_the_breach_does_not_count() {
    let mut pair = Pair::new(shipped::trading());
    pair.lag = Some(9 * SECOND);
    pair.run(15 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("suspicion", 20 * SECOND, |p| p.states()[1] == StateName::Suspicious);
    let witness = pair
        .policy
        .witnesses
        .iter()
        .position(|w| format!("{:?}", w.kind) == "ReplicationLag")
        .unwrap();
    let at = pair.at();
    pair.sides[AWAY].engine.handle_signal(
        at,
        Signal {
            witness: WitnessId(witness as u8),
            target: Region::Away,
            observation: Observation::Lag(Duration::ZERO),
            observed: at.wall,
        },
    );
    pair.run(20 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked, "9 s before the breach");
}

#[test]
fn the_wait_for_a_class_of_loss_begins_with_that_class() {
    let mut policy = shipped::trading();
    policy.losses.application.action = LossAction::Hold;
    let mut pair = Pair::settled(policy);
    pair.health[0].application = false;
    pair.run(120 * SECOND);
    pair.health[0].application = true;
    pair.health[0].database = false;
    pair.run(25 * SECOND);
    assert_eq!(
        (pair.lease.epoch, pair.lease.claim),
        (Epoch(1), None),
        "{:?}",
        pair.states()
    );
}

#[test]
fn a_lag_of_an_hour_ago_is_not_known() {
    let mut pair = pair();
    pair.lag = None;
    pair.run(HOUR);
    assert!(
        !pair.command(AWAY, Command::FailOver { accept_loss: false }),
        "lag-age-max is 30 s"
    );
}

#[test]
fn a_flood_of_database_events_is_bounded() {
    let mut pair = pair();
    let at = pair.at();
    for _ in 0..10_000 {
        pair.sides[AWAY].engine.handle_notice(
            at,
            Notice::Database {
                region: Region::Home,
                change: DatabaseChange::FailoverStarted,
            },
        );
    }
    pair.drain(AWAY);
    assert!(pair.sides[AWAY].unanswered.len() < 100);
}

#[test]
fn one_observer_that_is_wrong_about_the_standby_does_not_stop_a_failover() {
    let mut pair = pair();
    let number = pair
        .policy
        .witnesses
        .iter()
        .position(|w| w.name == "observer-database")
        .unwrap() as u8;
    pair.lose(Region::Home);
    let start = pair.now;
    while pair.now < start.after(60 * SECOND) {
        pair.run(SECOND / 4);
        let mut at = pair.at();
        at.wall = WallTime::from_millis(at.wall.as_millis() + 5);
        pair.sides[AWAY].engine.handle_signal(
            at,
            Signal {
                witness: WitnessId(number),
                target: Region::Away,
                observation: Observation::Breached,
                observed: at.wall,
            },
        );
        pair.drain(AWAY);
    }
    let at = pair.at();
    assert_eq!(
        pair.states()[1],
        StateName::Rejoining,
        "{:?}",
        pair.sides[AWAY].engine.explain(at).now.flip
    );
}

#[test]
fn evidence_that_comes_back_during_the_failover_does_not_count_as_corroborating() {
    let mut pair = pair();
    pair.promotion = 300 * SECOND;
    pair.lose(Region::Home);
    pair.run_to("promotion", 60 * SECOND, |p| p.states()[1] == StateName::Moving);
    let account = |pair: &Pair| pair.sides[AWAY].engine.status(pair.at()).ledger;
    let before = account(&pair);
    pair.health[0].reachable = true;
    pair.health[0].application = true;
    pair.health[0].database = true;
    pair.run(10 * SECOND);
    pair.lose(Region::Home);
    pair.run(20 * SECOND);
    assert_eq!(pair.states()[1], StateName::Moving);
    for phase in [Phase::Detect, Phase::Corroborate, Phase::Decide] {
        assert_eq!(account(&pair).span(phase), before.span(phase), "{phase:?}");
    }
}
