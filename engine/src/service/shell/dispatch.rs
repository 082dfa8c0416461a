//! Carries effects out: each once, in its own time, and never after its last moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::{Instrument, debug, error, info_span, warn};

use super::awake::while_awake;
use super::inbox::{Inbox, Input};
use crate::core::effect::{Effect, IdempotencyKey, Intent, Outcome};
use crate::core::ids::{EffectId, Nonce, Region};
use crate::core::lease::LeaseRequest;
use crate::service::clock::Clock;
use crate::service::observability;
use crate::service::parts::Executor;

/// Begins effects and puts their outcomes into the inbox.
#[derive(Debug, Clone)]
pub(super) struct Dispatcher {
    region: Region,
    lease_patience: Duration,
    clock: Clock,
    executor: Arc<dyn Executor>,
    inbox: Arc<Inbox>,
    runtime: Handle,
}

impl Dispatcher {
    pub(super) const fn new(
        region: Region,
        lease_patience: Duration,
        clock: Clock,
        executor: Arc<dyn Executor>,
        inbox: Arc<Inbox>,
        runtime: Handle,
    ) -> Self {
        Self {
            region,
            lease_patience,
            clock,
            executor,
            inbox,
            runtime,
        }
    }

    /// Begins an effect. Its outcome comes as an input.
    pub(super) fn begin(&self, effect: Effect) {
        let this = self.clone();
        let span = info_span!(
            "effect",
            id = effect.id.0,
            epoch = effect.epoch.0,
            step = effect.key.step
        );
        let settling = Settling {
            inbox: Arc::clone(&self.inbox),
            id: effect.id,
            outcome: None,
        };
        let work = async move {
            let began = this.clock.boot();
            let outcome = this.carry_out(&effect).await;
            observability::measure(&effect.intent, &outcome, this.clock.boot().since(began));
            debug!(?outcome, "settled");
            settling.with(outcome);
        };
        drop(self.runtime.spawn(work.instrument(span)));
    }

    async fn carry_out(&self, effect: &Effect) -> Outcome {
        if !changes_a_role(&effect.intent) {
            return self.attempt(effect).await;
        }
        let attempt = async {
            match self.objection(effect).await {
                Some(outcome) => outcome,
                None => self.attempt(effect).await,
            }
        };
        while_awake(self.clock, attempt).await.unwrap_or_else(|| {
            warn!("given up: the process was suspended meanwhile, and it may have happened or not");
            Outcome::TimedOut
        })
    }

    async fn attempt(&self, effect: &Effect) -> Outcome {
        // Looked at last: reading the lease may have taken its time, or the process may have been suspended.
        if self.clock.boot() > effect.not_after {
            warn!("dropped: its last moment is over");
            return Outcome::Failed;
        }
        let outcome = self
            .clock
            .timeout(effect.timeout, self.executor.carry_out(effect))
            .await;
        outcome.unwrap_or(Outcome::TimedOut)
    }

    /// Reads the lease right before a role change. Whoever does not hold it in this epoch, or cannot know, does not act.
    async fn objection(&self, effect: &Effect) -> Option<Outcome> {
        let read = Effect {
            id: EffectId(0),
            timeout: self.lease_patience,
            key: IdempotencyKey {
                epoch: effect.epoch,
                step: u16::MAX,
            },
            intent: Intent::Lease {
                request: LeaseRequest::Read,
                nonce: Nonce::default(),
            },
            ..*effect
        };
        let answer = self
            .clock
            .timeout(self.lease_patience, self.executor.carry_out(&read))
            .await;
        match answer {
            Some(Outcome::Lease(record)) if record.held_by(self.region, effect.epoch) => None,
            Some(Outcome::Lease(record)) => {
                warn!(epoch = record.epoch.0, "not begun: the lease is not ours in this epoch");
                Some(Outcome::Failed)
            }
            _ => {
                warn!("not begun: the lease cannot be read right before it");
                Some(Outcome::Failed)
            }
        }
    }
}

/// Tells the core what came of an effect, whatever happens: a step that waits for ever would be stuck.
struct Settling {
    inbox: Arc<Inbox>,
    id: EffectId,
    outcome: Option<Outcome>,
}

impl Settling {
    fn with(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        if self.outcome.is_none() && std::thread::panicking() {
            error!(
                id = self.id.0,
                "an adapter panicked; its effect may have happened or not"
            );
        }
        let outcome = self.outcome.unwrap_or(Outcome::TimedOut);
        self.inbox.put(Input::Outcome(self.id, outcome));
    }
}

/// What moves the platform from one region to the other, and cannot be undone by writing it again.
const fn changes_a_role(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::PromoteDatabase { .. } | Intent::SwitchOverDatabase { .. }
    )
}
