//! One mishap at every moment of a role change: it always ends well.

use crate::faults::Mishap;
use crate::pair::Pair;
use crate::scenes::{AWAY, SECOND, pair, soaking};
use understudy_engine::core::ids::Region;
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;

/// What is wrong at the end of a role change. The other end of a failback is that it was undone.
fn judge(pair: &Pair, kind: RoleChangeKind) -> Option<String> {
    let s = pair.states();
    let ok = if kind == RoleChangeKind::Failover {
        s == [StateName::SelfFenced, StateName::Rejoining]
    } else {
        s == [StateName::Serving, StateName::Steady] || s == [StateName::Steady, StateName::Soaking]
    };
    let h = pair.lease.holder.index();
    let ok = ok
        && pair.writer == pair.lease.holder
        && pair.open[h]
        && (kind == RoleChangeKind::Failover || !pair.open[1 - h])
        && pair.serving[h] > pair.micros()
        && pair.lease.claim.is_none()
        && pair.switches == [h == 1; 2];
    (!ok).then(|| {
        format!(
            "{s:?} writer {:?} holder {:?} open {:?} intake {:?} switches {:?} role {:?}",
            pair.writer, pair.lease.holder, pair.open, pair.intake, pair.switches, pair.lease.role_change
        )
    })
}

#[test]
fn one_effect_that_goes_wrong_ends_well() {
    let bases = [pair(), soaking().0];
    let mut bad = Vec::new();
    for kind in [RoleChangeKind::Failover, RoleChangeKind::Failback] {
        for how in [Mishap::Lost, Mishap::AppliedUnseen, Mishap::Failed] {
            for n in (1..30).step_by(2) {
                let mut pair = bases[usize::from(kind == RoleChangeKind::Failback)].clone();
                pair.open[0] = kind == RoleChangeKind::Failover;
                pair.faults.nth = Some((n, how));
                if kind == RoleChangeKind::Failover {
                    pair.lose(Region::Home);
                } else {
                    pair.command(AWAY, Command::FailBack);
                }
                pair.run(4 * 60 * SECOND);
                let Some(hit) = pair.faults.hit else { break };
                if let Some(what) = judge(&pair, kind) {
                    bad.push(format!("{kind:?} {how:?} {n} {hit:?}: {what}"));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a_restart_of_either_side_during_the_failback_ends_well() {
    let (base, home) = soaking();
    let mut bad = Vec::new();
    for victim in [0_usize, 1] {
        for step in (0..70_u32).step_by(4) {
            let mut pair = base.clone();
            pair.open[0] = false;
            pair.command(AWAY, Command::FailBack);
            // 20 ms per effect at first, then through the switchover.
            let wait = if step < 30 {
                SECOND * step / 50
            } else {
                30 * SECOND + SECOND * (step - 30) / 20
            };
            pair.run(wait);
            let index = if victim == 0 { home } else { AWAY };
            let identity = pair.sides[index].identity;
            pair.sides[index].up = false;
            pair.run(SECOND * 2);
            pair.add(identity.region, identity.sidecar.0);
            pair.run(4 * 60 * SECOND);
            if let Some(what) = judge(&pair, RoleChangeKind::Failback) {
                bad.push(format!("victim {victim} after {wait:?}: {what}"));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn the_death_of_the_driver_beside_a_second_sidecar_ends_well() {
    let mut bad = Vec::new();
    for step in (0..80_u32).step_by(4) {
        let mut pair = pair();
        pair.add(Region::Away, 2);
        pair.run(5 * SECOND);
        pair.lose(Region::Home);
        let wait = SECOND * step / 2;
        pair.run(wait);
        pair.sides[AWAY].up = false;
        pair.run(4 * 60 * SECOND);
        if let Some(what) = judge(&pair, RoleChangeKind::Failover) {
            bad.push(format!("after {wait:?}: {what}"));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a_driver_that_sleeps_beside_a_second_sidecar_ends_well() {
    let mut bad = Vec::new();
    for step in 0..40_u32 {
        for sleep in [4_u32, 9, 15, 40] {
            let mut pair = pair();
            let second = pair.add(Region::Away, 2);
            pair.run(5 * SECOND);
            pair.lose(Region::Home);
            pair.run(SECOND * step);
            pair.sides[AWAY].up = false;
            pair.run(SECOND * sleep);
            // what was under way is answered with a time-out when it wakes: the shell's timers
            pair.wake(AWAY);
            pair.run(4 * 60 * SECOND);
            let states = (pair.sides[AWAY].engine.state(), pair.sides[second].engine.state());
            let fine = [
                (StateName::Rejoining, StateName::Serving),
                (StateName::Serving, StateName::Rejoining),
            ]
            .contains(&states);
            if !fine || !pair.open[1] || pair.writer != Region::Away {
                bad.push(format!(
                    "after {step} s for {sleep} s: {states:?} writer {:?} holder {:?} open {:?} claim {:?}",
                    pair.writer, pair.lease.holder, pair.open, pair.lease.claim
                ));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}
