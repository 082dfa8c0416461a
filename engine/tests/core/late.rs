//! Answers and writes that arrive late, twice or not at all.

use std::time::Duration;

use crate::scenes::{AWAY, HOME, HOUR, SECOND, pair};
use understudy_engine::core::effect::{DatabaseView, Intent, Outcome};
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::{Command, PeerMessage};

#[test]
fn grants_to_a_lost_region_end() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.health[0].database = false;
    pair.health[0].store = false;
    pair.run_to("failover", 10 * 60 * SECOND, |p| p.lease.epoch == Epoch(2));
}

#[test]
fn an_answer_after_the_time_out_is_no_role_change() {
    let mut pair = pair();
    let old = pair.lease;
    pair.faults.hold = Some(|i| {
        matches!(
            i,
            Intent::Lease {
                request: LeaseRequest::Drive { .. },
                ..
            }
        )
    });
    pair.lose(Region::Home);
    pair.run_to("a beat under way", 3 * SECOND, |p| !p.faults.held.is_empty());
    pair.faults.hold = None;
    let late = pair.faults.held[0].1.id;
    pair.release(0, Outcome::TimedOut);
    pair.run_to("epoch", 60 * SECOND, |p| p.lease.epoch == Epoch(2));
    pair.run(SECOND);
    pair.answer(AWAY, late, Outcome::Conflict(old));
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    pair.bring_back(Region::Home);
    pair.run_to("soaking", 2 * HOUR, |p| p.states()[1] == StateName::Soaking);
    let at = pair.at();
    let why = pair.sides[AWAY].engine.explain(at).now;
    let finding = why
        .findings
        .iter()
        .find(|f| format!("{:?}", f.guard) == "RoleChanges")
        .unwrap();
    assert!(finding.passed, "{finding:?}");
}

#[test]
fn a_late_acquire_of_an_earlier_claim_does_not_skip_the_wait() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.faults.hold = Some(|i| {
        matches!(
            i,
            Intent::Lease {
                request: LeaseRequest::Acquire { .. },
                ..
            }
        )
    });
    pair.run_to("acquire under way", 60 * SECOND, |p| !p.faults.held.is_empty());
    let (_, late) = pair.faults.held[0];
    // Time-outs until the state's deadline; nothing was applied yet.
    while pair.states()[1] == StateName::Acquiring {
        if !pair.faults.held.is_empty() {
            pair.release(0, Outcome::TimedOut);
        }
        pair.run(SECOND / 2);
    }
    pair.health[0].application = true;
    pair.run_to("home again", 120 * SECOND, |p| {
        p.states() == [StateName::Serving, StateName::Steady]
    });
    pair.run(20 * SECOND);
    pair.health[0].application = false;
    pair.run_to("second claim", 60 * SECOND, |p| p.lease.claim.is_some());
    // The first attempt's write arrives now.
    let Intent::Lease { request, nonce } = late.intent else {
        unreachable!()
    };
    assert!(
        pair.serving[0] > pair.micros() + 2_000_000,
        "orders may commit at home for two seconds and more"
    );
    assert!(
        pair.lease.apply(&request, nonce).is_err(),
        "the epoch was raised without any wait"
    );
}

#[test]
fn a_reading_of_the_databases_clock_is_good_for_one_lease() {
    let mut pair = pair();
    assert!(pair.command(AWAY, Command::Pause));
    pair.peer_path = false;
    pair.faults.no_store.push(HOME);
    pair.run(5 * SECOND);
    // The last reading that nothing could be made of. From here on there is none.
    pair.health[0].database = false;
    pair.run(60 * SECOND);
    let before = pair.serving[0];
    pair.faults.no_store.clear();
    pair.run(3 * SECOND);
    assert_eq!(pair.lease.holder, Region::Home);
    assert_eq!(
        pair.serving[0], before,
        "clocks drift: a row made of a reading a minute old may outlive the lease"
    );
    pair.health[0].database = true;
    pair.run(3 * SECOND);
    assert!(pair.serving[0] > pair.micros());
}

#[test]
fn a_claim_that_came_to_nothing_is_undone_although_a_switch_is_out_of_reach() {
    let mut pair = pair();
    pair.faults.hold = Some(|i| {
        matches!(
            i,
            Intent::Lease {
                request: LeaseRequest::Claim { .. },
                ..
            }
        )
    });
    pair.health[0].application = false;
    pair.run_to("claiming", 60 * SECOND, |p| p.states()[1] == StateName::Claiming);
    pair.health[0].application = true;
    pair.faults
        .always
        .push((|i| matches!(i, Intent::SetSwitch { .. }), Outcome::TimedOut));
    pair.run_to("undoing", 60 * SECOND, |p| p.states()[1] == StateName::Reverting);
    pair.run(30 * SECOND);
    assert_eq!(
        pair.states()[1],
        StateName::Steady,
        "no switch was flipped, and none is waited for"
    );
}

#[test]
fn a_grant_longer_than_ours_is_not_believed() {
    let mut pair = pair();
    pair.health[0].store = false;
    pair.faults.hold = Some(|i| matches!(i, Intent::TellPeer(_)));
    pair.run_to("a request", 20 * SECOND, |p| {
        p.faults
            .held
            .iter()
            .any(|(s, e)| *s == HOME && matches!(e.intent, Intent::TellPeer(PeerMessage::GrantRequest { .. })))
    });
    let (_, effect) = *pair.faults.held.iter().find(|(s, _)| *s == HOME).unwrap();
    let Intent::TellPeer(PeerMessage::GrantRequest { nonce, .. }) = effect.intent else {
        unreachable!()
    };
    let at = pair.at();
    pair.sides[HOME].engine.handle_peer(
        at,
        PeerMessage::GrantAnswer {
            nonce,
            granted: Some(Duration::MAX),
        },
    );
    let until = pair.sides[HOME].engine.status(at).serve_until;
    assert!(until < pair.now.after(60 * SECOND), "{until}");
}

#[test]
fn a_late_refusal_of_the_acquire_does_not_stop_the_reverting() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.faults.hold = Some(|i| {
        matches!(
            i,
            Intent::Lease {
                request: LeaseRequest::Acquire { .. },
                ..
            }
        )
    });
    pair.run_to("acquire", 60 * SECOND, |p| !p.faults.held.is_empty());
    pair.faults.hold = Some(|i| {
        matches!(
            i,
            Intent::Lease {
                request: LeaseRequest::Acquire { .. },
                ..
            } | Intent::SetSwitch { engaged: false, .. }
        )
    });
    pair.run_to("reverting", 60 * SECOND, |p| p.states()[1] == StateName::Reverting);
    let free = LeaseRecord {
        claim: None,
        ..pair.lease
    };
    pair.release(0, Outcome::Conflict(free));
    assert_eq!(pair.states()[1], StateName::Reverting);
}

#[test]
fn a_lost_promotion_answer_does_not_need_an_operator() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.promotion = Duration::from_secs(180); // the shell's time-out
    pair.scripted
        .push((|i| matches!(i, Intent::PromoteDatabase { .. }), Outcome::TimedOut));
    pair.run_to("asked", 60 * SECOND, |p| {
        p.count(AWAY, |i| matches!(i, Intent::PromoteDatabase { .. })) > 0
    });
    pair.writer = Region::Away;
    pair.run(190 * SECOND);
    assert_ne!(pair.states()[1], StateName::NeedsOperator);
}

#[test]
fn a_late_answer_to_draining_does_not_release_a_lease_that_serves() {
    let mut pair = pair();
    pair.faults.hold = Some(|i| matches!(i, Intent::CloseOrderPath));
    pair.lease = pair
        .lease
        .apply(
            &LeaseRequest::Claim {
                epoch: Epoch(1),
                region: Region::Away,
            },
            pair.lease.nonce,
        )
        .unwrap();
    pair.sides[AWAY].up = false;
    pair.run_to("draining", 10 * SECOND, |p| p.states()[0] == StateName::Draining);
    pair.run_to("fenced", 10 * SECOND, |p| p.states()[0] == StateName::SelfFenced);
    pair.lease = pair
        .lease
        .apply(
            &LeaseRequest::Withdraw {
                epoch: Epoch(1),
                region: Region::Away,
            },
            pair.lease.nonce,
        )
        .unwrap();
    pair.run_to("serving", 10 * SECOND, |p| p.states()[0] == StateName::Serving);
    pair.run(SECOND / 10);
    pair.release(0, Outcome::Done);
    pair.run(SECOND / 20);
    assert!(
        !(pair.lease.released && pair.states()[0] == StateName::Serving),
        "released while serving"
    );
}

#[test]
fn a_claim_that_is_gone_ends_the_wait_for_the_lease() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.faults
        .always
        .push((|i| matches!(i, Intent::CloseOrderPath), Outcome::Failed)); // no early release
    pair.run_to("acquiring", 60 * SECOND, |p| p.states()[1] == StateName::Acquiring);
    pair.lease = pair
        .lease
        .apply(
            &LeaseRequest::Withdraw {
                epoch: Epoch(1),
                region: Region::Away,
            },
            pair.lease.nonce,
        )
        .unwrap();
    pair.health[0].application = true;
    pair.run(12 * SECOND);
    assert_eq!(
        pair.switches,
        [false, false],
        "traffic is held away from the region that serves: {:?}",
        pair.states()
    );
}

#[test]
fn a_refusal_after_an_unknown_promotion_is_looked_at() {
    let mut pair = pair();
    pair.health[0].application = false;
    // The detach went through; its answer was lost, the first describe is out of date, and doing it twice is refused.
    pair.faults
        .applied_unseen
        .push(|i| matches!(i, Intent::PromoteDatabase { .. }));
    pair.scripted.push((
        |i| matches!(i, Intent::DescribeDatabase),
        Outcome::Database(DatabaseView {
            writer: Some(Region::Home),
            moving: false,
            replica_attached: true,
        }),
    ));
    pair.run_to("looked", 90 * SECOND, |p| {
        p.count(AWAY, |i| matches!(i, Intent::DescribeDatabase)) > 1
    });
    pair.scripted
        .push((|i| matches!(i, Intent::PromoteDatabase { .. }), Outcome::Refused));
    pair.run(10 * SECOND);
    pair.health[0].application = true;
    pair.run(120 * SECOND);
    assert_eq!(
        pair.writer,
        pair.lease.holder,
        "{:?} protected {}",
        pair.states(),
        pair.lease.protected
    );
}

#[test]
fn a_taker_that_slept_hears_its_witnesses_again_before_it_withdraws_its_claim() {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("claim", 60 * SECOND, |p| p.states()[1] == StateName::Acquiring);
    pair.sides[AWAY].up = false;
    pair.run(20 * SECOND);
    pair.wake(AWAY);
    pair.run(60 * SECOND);
    assert_eq!(pair.states()[1], StateName::Rejoining);
    assert!(pair.open[1]);
}

#[test]
fn a_claim_whose_loss_is_over_when_the_taker_wakes_is_withdrawn() {
    let mut pair = pair();
    pair.health[0].application = false;
    pair.run_to("claim", 60 * SECOND, |p| p.states()[1] == StateName::Acquiring);
    pair.health[0].application = true;
    pair.sides[AWAY].up = false;
    pair.run(5 * SECOND);
    pair.wake(AWAY);
    pair.run(60 * SECOND);
    assert!(pair.lease.claim.is_none(), "{:?}", pair.lease);
    assert_eq!(pair.open.iter().filter(|open| **open).count(), 1);
}
