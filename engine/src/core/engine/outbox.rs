//! Everything that comes out: effects and journal entries.

use std::time::Duration;

use super::{Engine, Errand, JOURNAL_KEPT, Pending};
use crate::core::effect::{Effect, IdempotencyKey, Intent};
use crate::core::ids::{EffectId, Epoch, Nonce};
use crate::core::journal::{Happening, JournalEntry};
use crate::core::lease::{LeaseRequest, Purpose, Wish};
use crate::core::signal::PeerMessage;
use crate::core::time::{Now, Timestamp};
use crate::workflow::{Patience, StepId};

/// Marks the idempotency keys of effects that belong to no workflow step.
const NO_STEP: u16 = u16::MAX;

/// Whether an intent only looks, so that it is allowed in shadow mode.
const fn only_looks(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::Lease {
            request: LeaseRequest::Read,
            ..
        } | Intent::DescribeDatabase
            | Intent::ReadSwitches
    )
}

/// Whether an intent only keeps the region that holds the lease serving, or stops it. Disarming stops role changes, not
/// these.
const fn keeps_serving(intent: &Intent) -> bool {
    intent.is_routine()
        || matches!(
            intent,
            Intent::Lease {
                request: LeaseRequest::Release { .. },
                ..
            } | Intent::OpenIntake
                | Intent::OpenProcessing
                | Intent::CloseOrderPath
                | Intent::Page(_)
        )
}

impl Engine {
    /// The epoch in whose name this engine acts: its own, or the next one while it takes over.
    pub(super) fn term(&self) -> Epoch {
        self.keeper.record().map_or(Epoch(0), |record| {
            if record.holder == self.identity.region && !seeded!(self.settings.bug, ActsInTheNextEpoch) {
                record.epoch
            } else {
                record.epoch.next()
            }
        })
    }

    pub(super) const fn next_nonce(&mut self) -> Nonce {
        self.serial += 1;
        Nonce {
            incarnation: self.identity.incarnation,
            serial: self.serial,
        }
    }

    /// Asks for something that the keeper wants.
    pub(super) fn grant(&mut self, now: Now, wish: Wish) {
        let nonce = self.next_nonce();
        let intent = match wish.intent {
            Intent::Lease { request, .. } => Intent::Lease { request, nonce },
            Intent::TellPeer(PeerMessage::GrantRequest { from, epoch, .. }) => {
                Intent::TellPeer(PeerMessage::GrantRequest { from, epoch, nonce })
            }
            other => other,
        };
        let errand = (wish.purpose == Purpose::Serving).then_some(Errand::WriteServing);
        let timeout = match intent {
            Intent::ReadDatabaseClock | Intent::WriteServing { .. } => self.settings.patience(Patience::DatabaseWrite),
            _ => self.settings.patience(Patience::LeaseOperation),
        };
        // What renews the lease may not wait for the lease. The serving row may: it carries its own end.
        let id = self.issue(now, intent, timeout, now.boot.after(timeout), NO_STEP, errand);
        if let Some(id) = id {
            self.keeper.issued(now.boot, id, nonce, wish);
        }
    }

    /// Asks for something beside the workflow.
    pub(super) fn errand(&mut self, now: Now, intent: Intent, errand: Errand) {
        let timeout = match intent {
            Intent::CloseOrderPath => self.settings.patience(Patience::Draining),
            Intent::ReadDatabaseClock | Intent::WriteServing { .. } => self.settings.patience(Patience::DatabaseWrite),
            _ => self.settings.patience(Patience::LeaseOperation),
        };
        self.issue(now, intent, timeout, now.boot.after(timeout), NO_STEP, Some(errand));
    }

    /// Asks for a step's effect. What needs the lease is not begun after the lease's end.
    pub(super) fn issue_step(&mut self, now: Now, step: StepId, patience: Patience, intent: Intent) {
        let timeout = self.settings.patience(patience);
        let not_after = if seeded!(self.settings.bug, NoLastMoment) {
            Timestamp::NEVER
        } else if self.keeper.holds() {
            self.keeper.serve_until()
        } else {
            now.boot.after(timeout)
        };
        if let Some(id) = self.issue(now, intent, timeout, not_after, step as u16, None) {
            self.runner.running(step, id);
        }
    }

    fn issue(
        &mut self,
        now: Now,
        intent: Intent,
        timeout: Duration,
        not_after: Timestamp,
        step: u16,
        errand: Option<Errand>,
    ) -> Option<EffectId> {
        let acts = self.is_armed() || seeded!(self.settings.bug, ActsDisarmed);
        let allowed = acts || only_looks(&intent) || (self.keeps_lease && keeps_serving(&intent));
        if !allowed {
            return None;
        }
        self.serial += 1;
        #[cfg(feature = "seeded-bugs")]
        if seeded!(self.settings.bug, HiddenState) {
            self.serial = super::super::seeded::shared_serial();
        }
        let epoch = self.term();
        let effect = Effect {
            id: EffectId(self.serial),
            epoch,
            not_after,
            timeout,
            key: IdempotencyKey { epoch, step },
            intent,
        };
        self.pending.push(Pending {
            effect,
            asked: now.boot,
            errand,
        });
        self.effects.push_back(effect);
        let secret = seeded!(self.settings.bug, SecretPromotion) && matches!(intent, Intent::PromoteDatabase { .. });
        if !intent.is_routine() && !secret {
            self.note(now, Happening::Asked(effect));
        }
        Some(effect.id)
    }

    pub(super) fn note(&mut self, now: Now, what: Happening) {
        if self.journal.len() == JOURNAL_KEPT {
            self.journal.pop_front();
        }
        self.journal.push_back(JournalEntry { at: now, what });
    }
}
