//! Each request of the lease protocol as one conditional update. What it does must be exactly what
//! [`LeaseRecord::apply`](crate::core::lease::LeaseRecord::apply) does; a test runs both side by side.

use super::super::expression::{Update, flag, number};
use super::item::{CHANGE, CHANGE_STEP, CLAIM_NONCE, CLAIM_REGION, DRIVERS, FORMAT, named, nonce};
use crate::core::ids::{Epoch, Nonce, Region};
use crate::core::lease::{Driver, LeaseRequest, RoleChangeKind};
use crate::workflow::StepId;

/// The update of a request; none: it only reads.
pub(super) fn update(request: &LeaseRequest, mark: Nonce) -> Option<Update> {
    let marked = Update::default()
        .when("format", number(FORMAT))
        .count("version")
        .set("nonce", nonce(mark));
    let update = match *request {
        LeaseRequest::Read => return None,
        LeaseRequest::Renew { epoch, region } => held_by(marked, region, epoch)
            .when_absent(CLAIM_REGION)
            .count("renewals")
            .set("released", flag(false)),
        LeaseRequest::Claim { epoch, region } => held_by(marked, region.other(), epoch)
            .when_absent_or(CLAIM_REGION, named(&region))
            .set(CLAIM_REGION, named(&region))
            .set_if_absent(CLAIM_NONCE, nonce(mark)),
        LeaseRequest::Withdraw { epoch, region } => without_claim(
            held_by(marked, region.other(), epoch)
                .when(CLAIM_REGION, named(&region))
                .set("released", flag(false)),
        ),
        LeaseRequest::Acquire { epoch, region, claim } => new_term(
            held_by(marked, region.other(), epoch)
                .when(CLAIM_REGION, named(&region))
                .when(CLAIM_NONCE, nonce(claim)),
            region,
        )
        .set(CHANGE, named(&RoleChangeKind::Failover))
        .set(CHANGE_STEP, named(&StepId::RaiseEpoch))
        .set("protected", flag(false)),
        LeaseRequest::Release {
            epoch,
            region,
            renewals,
        } => held_by(marked, region, epoch)
            .when("renewals", number(renewals))
            .set("released", flag(true)),
        LeaseRequest::Transfer { epoch, from, protected } => new_term(held_by(marked, from, epoch), from.other())
            .set("protected", flag(protected))
            .remove(CHANGE)
            .remove(CHANGE_STEP),
        LeaseRequest::Record {
            epoch,
            region,
            role_change,
            protected,
        } => {
            let update = held_by(marked, region, epoch).set("protected", flag(protected));
            match role_change {
                Some(change) => update
                    .set(CHANGE, named(&change.kind))
                    .set(CHANGE_STEP, named(&change.step)),
                None => update.remove(CHANGE).remove(CHANGE_STEP),
            }
        }
        LeaseRequest::Drive { region, sidecar, seen } => {
            let (driver, beats) = DRIVERS[region.index()];
            let next = seen.map_or(0, |driver| driver.beats) + 1;
            seen_driver(marked, region, seen)
                .set(driver, number(sidecar.0))
                .set(beats, number(next))
        }
    };
    Some(update)
}

fn held_by(update: Update, region: Region, epoch: Epoch) -> Update {
    update.when("holder", named(&region)).when("epoch", number(epoch.0))
}

fn new_term(update: Update, holder: Region) -> Update {
    without_claim(
        update
            .count("epoch")
            .count("renewals")
            .set("holder", named(&holder))
            .set("released", flag(false)),
    )
}

fn without_claim(update: Update) -> Update {
    update.remove(CLAIM_REGION).remove(CLAIM_NONCE)
}

fn seen_driver(update: Update, region: Region, seen: Option<Driver>) -> Update {
    let (driver, beats) = DRIVERS[region.index()];
    match seen {
        Some(seen) => update
            .when(driver, number(seen.sidecar.0))
            .when(beats, number(seen.beats)),
        None => update.when_absent(driver),
    }
}
