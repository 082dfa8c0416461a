//! What a restart must not make an engine forget.

use std::time::Duration;

use crate::pair::Pair;
use crate::scenes::{AWAY, SECOND, failed_over, pair};
use understudy_engine::core::decision::{Guard, Verdict};
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::engine::{Engine, Identity};
use understudy_engine::core::ids::{Region, SidecarId};
use understudy_engine::core::machine::StateName;
use understudy_engine::core::memory::Memory;
use understudy_engine::core::signal::Command;
use understudy_engine::core::time::{Now, Timestamp, WallTime};
use understudy_policies::model::Mode;
use understudy_policies::shipped;

fn objecting(pair: &Pair, side: usize) -> Vec<Guard> {
    let last = pair.decisions(side).pop().expect("a decision");
    let objecting = last.findings.iter().filter(|finding| !finding.passed);
    objecting.map(|finding| finding.guard).collect()
}

#[test]
fn a_disarmed_engine_is_still_disarmed_after_a_restart() {
    let mut pair = pair();
    assert!(pair.command(AWAY, Command::Disarm));
    let away = pair.restart(AWAY);
    pair.run(15 * SECOND);
    pair.lose(Region::Home);
    pair.run(60 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked);
    assert_eq!(pair.verdicts(away).last(), Some(&Verdict::WouldFailOver));
}

#[test]
fn a_paused_engine_is_still_paused_after_a_restart() {
    let mut pair = pair();
    assert!(pair.command(AWAY, Command::Pause));
    let away = pair.restart(AWAY);
    pair.run(15 * SECOND);
    pair.lose(Region::Home);
    pair.run(60 * SECOND);
    assert_eq!(objecting(&pair, away), [Guard::NotPaused]);
}

#[test]
fn a_restart_does_not_end_the_cool_down() {
    let mut pair = failed_over();
    let home = pair.bring_back(Region::Home);
    pair.run_to("standby", 3600 * 3 * SECOND, |p| p.states()[1] == StateName::Soaking);
    pair.run(15 * SECOND);
    // The home region's new sidecar has not seen the role change: it slept through it.
    assert!(pair.sides[home].engine.memory(pair.at()).role_changes.is_empty());
    let away = pair.restart(AWAY);
    pair.run(15 * SECOND);
    let remembered = pair.sides[away].engine.memory(pair.at()).role_changes;
    assert_eq!(remembered.len(), 1, "the epoch that it raised itself");
}

#[test]
fn a_role_change_that_was_slept_through_counts() {
    let mut pair = pair();
    let memory = pair.sides[0].engine.memory(pair.at());
    assert_eq!(memory.role_changes, []);
    pair.lose(Region::Home);
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    pair.bring_back(Region::Home);
    pair.sides.pop();
    let home = pair.restart(0);
    pair.run(15 * SECOND);
    assert_eq!(pair.sides[home].engine.memory(pair.at()).role_changes.len(), 1);
}

#[test]
fn an_engine_that_asked_for_an_operator_still_asks_after_a_restart() {
    let mut pair = pair();
    pair.faults
        .always
        .push((|i| matches!(i, Intent::VerifyWrite), Outcome::Failed));
    pair.lose(Region::Home);
    pair.run_to("call for help", 600 * SECOND, |p| {
        p.states()[1] == StateName::NeedsOperator
    });
    pair.faults.always.clear();
    let away = pair.restart(AWAY);
    pair.run(120 * SECOND);
    assert_eq!(pair.states()[1], StateName::NeedsOperator, "nothing resumes by itself");
    assert!(pair.command(away, Command::Acknowledge));
    pair.run(60 * SECOND);
    assert_eq!(pair.states()[1], StateName::Rejoining);
}

#[test]
fn a_lag_measured_right_before_a_restart_is_known_after_it() {
    let mut pair = pair();
    pair.lag = Some(Duration::from_millis(300));
    pair.run(5 * SECOND);
    pair.lose(Region::Home);
    let away = pair.restart(AWAY);
    pair.run(60 * SECOND);
    assert_eq!(pair.verdicts(away).last(), Some(&Verdict::FailOver));
}

#[test]
fn ages_survive_another_machine_and_are_never_taken_for_less() {
    let identity = Identity {
        region: Region::Away,
        sidecar: SidecarId(1),
        incarnation: 1,
    };
    let at = |boot_seconds: u64, wall_seconds: i64| Now {
        boot: Timestamp::from_micros(boot_seconds * 1_000_000),
        wall: WallTime::from_millis(wall_seconds * 1_000),
    };
    let memory = Memory {
        mode: Some(Mode::Shadow),
        role_changes: vec![WallTime::from_millis(1_000_000_000)],
        ..Memory::default()
    };
    // This machine booted five seconds ago: the age of ten minutes does not fit on its clock.
    let engine = Engine::remembering(&shipped::trading(), identity, &memory, at(5, 1_000_600));
    let kept = engine.memory(at(5, 1_000_600));
    assert_eq!(kept.mode, Some(Mode::Shadow));
    assert_eq!(
        kept.role_changes,
        [WallTime::from_millis(1_000_595_000)],
        "younger, so the guard is stricter"
    );
    let engine = Engine::remembering(&shipped::trading(), identity, &memory, at(5_000, 1_000_600));
    assert_eq!(engine.memory(at(5_000, 1_000_600)).role_changes, memory.role_changes);
}
