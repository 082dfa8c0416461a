//! Made-up histories.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use understudy_engine::core::effect::{Effect, IdempotencyKey, Intent};
use understudy_engine::core::ids::{EffectId, Epoch, Nonce, Region};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::core::time::Timestamp;
use understudy_policies::shipped;

use super::{Ending, Fact, Invariant, Sidecar, Terms};
use crate::conditions::Conditions;
use crate::world::clock::Moment;

pub(crate) const HOME: Sidecar = Sidecar {
    slot: 0,
    region: Region::Home,
};
pub(crate) const AWAY: Sidecar = Sidecar {
    slot: 1,
    region: Region::Away,
};

/// The default policy's figures.
pub(crate) fn terms() -> Terms {
    let policy = shipped::trading();
    let conditions = Conditions::modelled(&policy, &mut ChaCha8Rng::seed_from_u64(1));
    Terms::new(&policy, &conditions, LeaseRecord::initial())
}

pub(crate) const fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

pub(crate) const fn boot(seconds: u64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// How often a history, each fact with its second, breaks an invariant.
pub(crate) fn breaches<I: Invariant>(history: impl IntoIterator<Item = (u64, Fact)>) -> usize {
    judge::<I>(&terms(), history, None)
}

/// How often a history and its end break an invariant, by these figures.
pub(crate) fn judge<I: Invariant>(
    terms: &Terms,
    history: impl IntoIterator<Item = (u64, Fact)>,
    ending: Option<(u64, &Ending)>,
) -> usize {
    let mut invariant = I::new(terms);
    let mut told = Vec::new();
    let mut broken = |when: Moment, text: String| told.push((when, text));
    for (second, fact) in history {
        invariant.see(at(second), &fact, &mut broken);
    }
    if let Some((second, ending)) = ending {
        invariant.end(at(second), ending, &mut broken);
    }
    told.len()
}

/// A write of the lease item, and the item after it.
pub(crate) fn write(by: Sidecar, before: LeaseRecord, request: LeaseRequest) -> (Fact, LeaseRecord) {
    let nonce = Nonce {
        incarnation: 7,
        serial: before.version,
    };
    let after = before.apply(&request, nonce).expect("the write's condition holds");
    let fact = Fact::LeaseWritten {
        by,
        request,
        before,
        after,
    };
    (fact, after)
}

/// A claim and the epoch that is raised with it: the facts, and the item after each.
pub(crate) fn take_over(by: Sidecar, before: LeaseRecord) -> [(Fact, LeaseRecord); 2] {
    let (epoch, region) = (before.epoch, by.region);
    let (claim, claimed) = write(by, before, LeaseRequest::Claim { epoch, region });
    let nonce = claimed.claim.map(|claim| claim.nonce).unwrap_or_default();
    let request = LeaseRequest::Acquire {
        epoch,
        region,
        claim: nonce,
    };
    let (acquire, acquired) = write(by, claimed, request);
    [(claim, claimed), (acquire, acquired)]
}

/// An effect of an epoch, good until a second of the shell's clock.
pub(crate) fn effect(id: u64, epoch: u64, not_after: u64, intent: Intent) -> Effect {
    Effect {
        id: EffectId(id),
        epoch: Epoch(epoch),
        not_after: boot(not_after),
        timeout: Duration::from_secs(1),
        key: IdempotencyKey {
            epoch: Epoch(epoch),
            step: 1,
        },
        intent,
    }
}
