//! Sidecars that are asked to shut down: who takes over, who drains, and when the process may end.

use crate::pair::Pair;
use crate::scenes::{AWAY, HOME, SECOND, pair, soaking};
use understudy_engine::core::decision::Guard;
use understudy_engine::core::effect::Intent;
use understudy_engine::core::engine::Refusal;
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;

fn closes(intent: &Intent) -> bool {
    *intent == Intent::CloseOrderPath
}

/// Follows the home region until a sidecar may end. Panics as soon as orders could not commit there.
fn leaves_without_interruption(pair: &mut Pair, side: usize) {
    for _ in 0..200 {
        if pair.sides[side].engine.may_end() {
            pair.sides[side].up = false;
            return;
        }
        pair.run(SECOND / 10);
        assert!(pair.open[0] && pair.intake[0], "closed at {}", pair.now);
        assert!(pair.serving[0] > pair.micros(), "fenced at {}", pair.now);
    }
    panic!("still there after 20 s: {:?}", pair.sides[side].engine.state());
}

#[test]
fn nobody_may_end_who_was_not_asked_to() {
    let pair = pair();
    assert!(pair.sides.iter().all(|side| !side.engine.may_end()));
}

#[test]
fn a_rolling_restart_of_two_sidecars_interrupts_nothing() {
    let mut pair = pair();
    let second = pair.add(Region::Home, 2);
    pair.run(10 * SECOND);
    assert!(pair.command(HOME, Command::ShutDown));
    assert!(!pair.sides[HOME].engine.may_end(), "nobody else drives yet");
    leaves_without_interruption(&mut pair, HOME);
    let at = pair.at();
    assert!(pair.sides[second].engine.status(at).drives);
    let first = pair.add(Region::Home, 1);
    pair.run(10 * SECOND);
    assert!(pair.command(second, Command::ShutDown));
    leaves_without_interruption(&mut pair, second);
    pair.run(60 * SECOND);
    assert!(pair.open[0] && pair.serving[0] > pair.micros());
    assert_eq!((pair.lease.holder, pair.lease.epoch), (Region::Home, Epoch(1)));
    for side in [HOME, second, first] {
        assert_eq!(pair.count(side, closes), 0);
    }
}

#[test]
fn a_sidecar_that_does_not_drive_may_end_at_once() {
    let mut pair = pair();
    let second = pair.add(Region::Home, 2);
    pair.run(10 * SECOND);
    for side in [second, AWAY] {
        assert!(pair.command(side, Command::ShutDown));
        assert!(pair.sides[side].engine.may_end());
        // A shell that is slow to end changes nothing.
        assert!(pair.command(side, Command::ShutDown));
    }
    pair.run(10 * SECOND);
    pair.sides[second].up = false;
    pair.run(10 * 60 * SECOND);
    assert_eq!(pair.sides[HOME].engine.state(), StateName::Serving);
    assert!(pair.open[0]);
    assert_eq!(pair.count(second, closes), 0);
}

#[test]
fn the_only_sidecar_of_its_region_drains_once_nobody_has_taken_over() {
    let mut pair = pair();
    pair.command(HOME, Command::ShutDown);
    pair.run(10 * SECOND);
    assert!(
        pair.open[0] && pair.serving[0] > pair.micros(),
        "it serves while it waits"
    );
    assert!(!pair.sides[HOME].engine.may_end());
    let drained = pair.run_to("ended", 10 * SECOND, |p| p.sides[HOME].engine.may_end());
    assert!(drained > SECOND, "another sidecar had no time to take the seat");
    assert!(pair.lease.released && !pair.open[0]);
    assert_eq!(pair.count(HOME, closes), 1);
    assert_eq!(pair.sides[HOME].engine.state(), StateName::SelfFenced);
}

#[test]
fn a_second_command_to_shut_down_drains_at_once() {
    let mut pair = pair();
    pair.add(Region::Home, 2);
    pair.run(10 * SECOND);
    pair.command(HOME, Command::ShutDown);
    pair.run(2 * SECOND);
    assert!(pair.open[0]);
    pair.command(HOME, Command::ShutDown);
    assert_eq!(pair.sides[HOME].engine.state(), StateName::Draining);
    assert!(!pair.sides[HOME].engine.may_end(), "orders are in hand");
    pair.run_to("ended", SECOND, |p| p.sides[HOME].engine.may_end());
    assert_eq!(pair.sides[HOME].engine.state(), StateName::SelfFenced);
}

#[test]
fn a_shell_that_is_slow_to_end_serves_nothing_that_was_given_up() {
    let mut pair = pair();
    pair.command(HOME, Command::ShutDown);
    pair.command(HOME, Command::ShutDown);
    pair.run(5 * SECOND);
    assert!(pair.sides[HOME].engine.may_end());
    assert!(pair.lease.released && !pair.open[0] && !pair.intake[0]);
}

#[test]
fn a_sidecar_that_leaves_begins_no_role_change() {
    let (mut pair, _) = soaking();
    let second = pair.add(Region::Away, 2);
    pair.run(20 * SECOND);
    pair.command(AWAY, Command::ShutDown);
    let at = pair.at();
    let refused = pair.sides[AWAY].engine.handle_command(at, Command::FailBack);
    assert_eq!(refused, Err(Refusal::Guard(Guard::NotPaused)));
    pair.drain(AWAY);
    pair.run_to("taken over", 20 * SECOND, |p| p.sides[AWAY].engine.may_end());
    pair.sides[AWAY].up = false;
    pair.run_to("soaking on", 30 * SECOND, |p| {
        p.sides[second].engine.state() == StateName::Soaking
    });
    assert!(pair.open[1], "the region serves on");
    assert!(pair.command(second, Command::FailBack), "its successor may");
}

#[test]
fn a_loss_while_the_holder_leaves_is_answered_as_ever() {
    let mut pair = pair();
    pair.add(Region::Home, 2);
    pair.run(10 * SECOND);
    pair.command(HOME, Command::ShutDown);
    pair.run(3 * SECOND);
    pair.lose(Region::Home);
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
}

#[test]
fn a_sidecar_whose_claimed_lease_is_drained_ends_only_then() {
    let mut pair = pair();
    pair.command(HOME, Command::ShutDown);
    pair.command(AWAY, Command::FailOver { accept_loss: false });
    pair.run_to("draining", 20 * SECOND, |p| p.states()[0] == StateName::Draining);
    assert!(!pair.sides[HOME].engine.may_end());
    pair.run_to("ended", 20 * SECOND, |p| p.sides[HOME].engine.may_end());
    assert!(!pair.open[0]);
}
