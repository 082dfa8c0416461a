//! Commands, consent and approvals.

use std::time::Duration;

use crate::pair::Pair;
use crate::scenes::{AWAY, HOUR, SECOND, pair};
use understudy_engine::core::decision::Verdict;
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::engine::Refusal;
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::lease::LeaseRequest;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_policies::shipped;

#[test]
fn fast_promotion_inside_the_bounds_does_not_need_an_operator() {
    let mut pair = pair();
    pair.promotion = Duration::from_secs(1);
    pair.lose(Region::Home);
    pair.faults
        .always
        .push((|i| matches!(i, Intent::VerifyRouting { .. }), Outcome::Failed));
    pair.run_to("claim", 60 * SECOND, |p| p.lease.claim.is_some());
    pair.run(42 * SECOND); // checker-reach 10 + dns-propagation 30 + writes 2
    pair.faults.always.clear();
    pair.run(5 * SECOND);
    assert_eq!(pair.states()[1], StateName::Rejoining);
}

#[test]
fn a_refused_command_leaves_no_consent_behind() {
    let mut pair = Pair::new(shipped::trading());
    pair.lag = Some(9 * SECOND);
    pair.run(15 * SECOND);
    pair.command(AWAY, Command::Pause);
    assert!(!pair.command(AWAY, Command::FailOver { accept_loss: true }));
    pair.command(AWAY, Command::Resume);
    pair.run(3600 * SECOND);
    pair.lose(Region::Home);
    pair.run(60 * SECOND);
    assert_eq!(pair.states()[1], StateName::Blocked, "9 s of lag, nobody accepted it");
}

#[test]
fn an_unanswered_failover_approval_is_not_asked_again_and_again() {
    let mut policy = shipped::trading();
    policy.gates.approve_failover = true;
    let mut pair = Pair::settled(policy);
    pair.faults.hold = Some(|i| matches!(i, Intent::RequestApproval(_)));
    pair.lose(Region::Home);
    pair.run(10 * 60 * SECOND);
    let asked = pair.count(AWAY, |i| matches!(i, Intent::RequestApproval(_)));
    assert!(asked <= 2, "asked {asked} times");
}

#[test]
fn no_command_leaves_a_failover_half_done() {
    let mut bad = Vec::new();
    for command in [
        Command::Pause,
        Command::Disarm,
        Command::FailBack,
        Command::FailOver { accept_loss: false },
        Command::Acknowledge,
        Command::Approve,
    ] {
        for step in (0..23_u32).step_by(3) {
            let mut pair = pair();
            pair.lose(Region::Home);
            pair.run(SECOND * step * 2);
            let before = pair.states()[1];
            let taken = pair.command(AWAY, command);
            pair.run(4 * 60 * SECOND);
            let undo = [(Command::Pause, Command::Resume), (Command::Disarm, Command::Arm)];
            let undo = undo.iter().find(|(done, _)| *done == command && taken);
            if let Some((_, undo)) = undo.filter(|_| pair.states()[1] != StateName::Rejoining) {
                if pair.states()[1] != StateName::Blocked || pair.lease.epoch != Epoch(1) {
                    bad.push(format!(
                        "{command:?} after {} s in {before:?}: {:?}",
                        step * 2,
                        pair.states()
                    ));
                }
                pair.command(AWAY, *undo);
                pair.run(2 * 60 * SECOND);
            }
            if pair.states()[1] != StateName::Rejoining || !pair.open[1] {
                bad.push(format!(
                    "{command:?} at {} s in {before:?}, taken {taken}: {:?} holder {:?} writer {:?} open {:?}",
                    step * 2,
                    pair.states()[1],
                    pair.lease.holder,
                    pair.writer,
                    pair.open[1],
                ));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn shutting_down_is_refused_during_a_role_change() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("claiming", 60 * SECOND, |p| p.states()[1] == StateName::Claiming);
    let at = pair.at();
    let refused = pair.sides[AWAY].engine.handle_command(at, Command::ShutDown);
    assert_eq!(refused, Err(Refusal::WrongState(StateName::Claiming)));
    pair.drain(AWAY);
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    assert!(pair.command(AWAY, Command::ShutDown), "afterwards it is taken");
}

#[test]
fn commands_are_written_down() {
    let mut pair = pair();
    let before = pair.sides[AWAY].journal.len();
    pair.command(AWAY, Command::Disarm);
    pair.command(AWAY, Command::FailOver { accept_loss: false });
    assert!(pair.sides[AWAY].journal.len() > before);
}

#[test]
fn an_unanswered_failback_approval_is_asked_once() {
    let mut policy = shipped::trading();
    policy.gates.approve_failback = true;
    let mut pair = Pair::settled(policy);
    pair.lose(Region::Home);
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    pair.bring_back(Region::Home);
    pair.faults.hold = Some(|i| matches!(i, Intent::RequestApproval(_)));
    pair.run(10 * HOUR);
    let asked = pair.count(AWAY, |i| matches!(i, Intent::RequestApproval(_)));
    assert!(
        (1..=2).contains(&asked),
        "asked {asked} times, {} announcements",
        pair.count(AWAY, |i| matches!(i, Intent::Announce(_)))
    );
}

#[test]
fn an_engine_that_waits_for_an_operator_would_not_fail_over_now() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.faults.always.push((
        |i| {
            matches!(
                i,
                Intent::Lease {
                    request: LeaseRequest::Claim { .. } | LeaseRequest::Withdraw { .. },
                    ..
                }
            )
        },
        Outcome::TimedOut,
    ));
    pair.run_to("operator", 10 * 60 * SECOND, |p| {
        p.states()[1] == StateName::NeedsOperator
    });
    pair.run(10 * SECOND);
    let at = pair.at();
    let why = pair.sides[AWAY].engine.explain(at).now;
    assert_ne!(
        why.verdict,
        Verdict::FailOver,
        "an engine that waits for an operator says it would fail over now"
    );
}
