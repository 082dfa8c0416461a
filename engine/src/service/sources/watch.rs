//! From a duty to something that goes on for ever: looks, says what was seen, and waits for its next slot.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use tracing::{debug, info, warn};
use understudy_policies::model::Witness;

use super::databases::{DatabaseProbe, Databases, Replica};
use super::peers::messenger::{Letter, Messenger};
use super::peers::wire::{HeartbeatBody, SignalText, SignalsBody};
use super::probe::{Seen, ask, ask_any};
use super::schedule::{Schedule, Slot, Stamps};
use super::vantage::{Duty, Task};
use crate::core::ids::{Region, SidecarId};
use crate::core::signal::{Observation, Signal};
use crate::service::clock::Clock;
use crate::service::context::Context;
use crate::service::platform::Place;
use crate::service::shell::{Inbox, Input};

/// Who is told what was seen.
#[derive(Debug, Clone)]
pub(super) enum Audience {
    /// This sidecar's own core.
    Core(Arc<Inbox>),
    /// Every sidecar of both regions.
    Sidecars(Messenger),
}

/// Who this process is to others, and what it can look with.
#[derive(Debug)]
pub(super) struct Lookout<'a> {
    pub(super) context: &'a Context,
    pub(super) databases: Databases,
    pub(super) audience: Audience,
    /// Which of its region's sidecars, if it is one.
    pub(super) sidecar: Option<SidecarId>,
}

impl Lookout<'_> {
    /// What a duty takes. None, and a line in the log: the platform file does not say where to look.
    pub(super) fn watch(&self, duty: Duty) -> Option<Watch> {
        let witness = self.context.policy.witnesses.get(usize::from(duty.witness.0))?;
        let target = self.context.region_name(duty.target).to_string();
        let Some(look) = self.look(duty) else {
            warn!(
                witness = witness.name,
                target, "nobody watches: the platform file does not say where to look"
            );
            return None;
        };
        Some(Watch {
            duty,
            witness: witness.clone(),
            target,
            clock: self.context.clock,
            look,
            audience: self.audience.clone(),
        })
    }

    fn look(&self, duty: Duty) -> Option<Look> {
        let platform = &self.context.platform;
        let target = &platform.regions[duty.target.index()];
        let client = self.context.fresh.clone();
        let health = |url: &Option<Url>| {
            Some(Look::Health {
                client: client.clone(),
                url: url.clone()?,
                healthy_answer: platform.healthy_answer.clone(),
            })
        };
        match duty.task {
            Task::AskHealth => health(&target.health),
            Task::AskDatabaseHealth => health(&target.database_health),
            Task::ProbeDatabase => self.databases.probes[duty.target.index()].clone().map(Look::Database),
            Task::MeasureLag => self.databases.replica.clone().map(Look::Lag),
            Task::AskReferences => (!platform.references.is_empty()).then(|| Look::References {
                client,
                urls: platform.references.clone().into(),
            }),
            Task::SendHeartbeat => self.heartbeat(duty.target.other()),
        }
    }

    fn heartbeat(&self, to: Region) -> Option<Look> {
        let sidecars = &self.context.platform.regions[to.index()].sidecars;
        let (Place::Serving(own), Some(sidecar)) = (self.context.place, self.sidecar) else {
            return None;
        };
        (!sidecars.is_empty()).then(|| Look::Heartbeat {
            messenger: Messenger::new(self.context, sidecars),
            region: self.context.region_name(own).to_string(),
            sidecar,
        })
    }
}

/// What is done in each turn.
#[derive(Debug, Clone)]
enum Look {
    Health {
        client: Client,
        url: Url,
        healthy_answer: Option<String>,
    },
    References {
        client: Client,
        urls: Arc<[Url]>,
    },
    Database(Arc<dyn DatabaseProbe>),
    Lag(Arc<dyn Replica>),
    Heartbeat {
        messenger: Messenger,
        region: String,
        sidecar: SidecarId,
    },
}

/// One witness at work.
#[derive(Debug)]
pub(super) struct Watch {
    duty: Duty,
    witness: Witness,
    target: String,
    clock: Clock,
    look: Look,
    audience: Audience,
}

/// What was seen before, and when.
#[derive(Debug, Default)]
struct Before {
    stamps: Stamps,
    seen: Option<Seen>,
}

impl Watch {
    /// Never ends.
    pub(super) async fn keep(self) {
        let mut schedule = Schedule::new(self.clock, self.witness.interval);
        let mut before = Before::default();
        loop {
            let slot = schedule.next().await;
            self.turn(slot, &mut before).await;
        }
    }

    async fn turn(&self, slot: Slot, before: &mut Before) {
        let began = self.clock.boot();
        let patience = slot.patience(self.witness.timeout, began);
        let seen = match &self.look {
            Look::Health {
                client,
                url,
                healthy_answer,
            } => ask(self.clock, client, url, healthy_answer.as_deref(), patience).await,
            Look::References { client, urls } => ask_any(self.clock, client, urls, patience).await,
            Look::Database(probe) => match self.clock.timeout(patience, probe.answers()).await {
                Some(true) => Seen::Healthy,
                Some(false) => Seen::WrongAnswer,
                None => Seen::TimedOut,
            },
            Look::Lag(replica) => {
                // Not a replica, or nobody knows: silence, which the policy judges.
                if let Some(Some(lag)) = self.clock.timeout(patience, replica.lag()).await {
                    self.tell(Observation::Lag(lag), before);
                }
                return;
            }
            Look::Heartbeat {
                messenger,
                region,
                sidecar,
            } => {
                let body = HeartbeatBody::new(region.clone(), sidecar.0, self.clock.wall().as_millis());
                drop(messenger.send(Letter::Heartbeat, &body, patience));
                return;
            }
        };
        self.note(seen, self.clock.boot().since(began), &mut before.seen);
        let healthy = seen == Seen::Healthy;
        self.tell(
            if healthy {
                Observation::Healthy
            } else {
                Observation::Breached
            },
            before,
        );
    }

    /// Tells what is known now.
    fn tell(&self, observation: Observation, before: &mut Before) {
        let observed = before.stamps.at(self.clock.wall());
        match &self.audience {
            Audience::Core(inbox) => {
                inbox.put(Input::Signal(
                    Signal {
                        witness: self.duty.witness,
                        target: self.duty.target,
                        observation,
                        observed,
                    },
                    None,
                ));
            }
            Audience::Sidecars(messenger) => {
                let body = SignalsBody::new(vec![SignalText {
                    witness: self.witness.name.clone(),
                    target: self.target.clone(),
                    observation: observation.into(),
                    observed_ms: observed.as_millis(),
                }]);
                // The next one says more than this one could, later.
                drop(messenger.send(Letter::Signals, &body, self.witness.interval));
            }
        }
    }

    /// Counts each look. Only a change is worth a line: a target that is down for an hour would fill the log.
    fn note(&self, seen: Seen, took: Duration, before: &mut Option<Seen>) {
        metrics::histogram!(
            "understudy_probe_seconds",
            "witness" => self.witness.name.clone(),
            "target" => self.target.clone(),
            "outcome" => seen.label(),
        )
        .record(took.as_secs_f64());
        let (witness, target) = (self.witness.name.as_str(), self.target.as_str());
        debug!(witness, target, seen = seen.label(), ?took, "looked");
        if *before != Some(seen) {
            info!(witness, target, seen = seen.label(), "the witness sees something else");
            *before = Some(seen);
        }
    }
}
