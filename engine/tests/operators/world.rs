//! A made-up platform for one sidecar of the away region: what its effects meet, and what its witnesses say.
#![expect(
    clippy::disallowed_types,
    reason = "the shell is where threads meet, and so do its tests"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use understudy_engine::core::effect::{DatabaseView, Effect, Intent, Outcome, Reconciliation};
use understudy_engine::core::ids::{Nonce, Region, WitnessId};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::core::time::DatabaseTime;
use understudy_engine::service::clock::Clock;
use understudy_engine::service::parts::Executor;
use understudy_engine::service::shell::{Inbox, Input};
use understudy_policies::Policy;
use understudy_policies::model::{FailureDomain, WitnessKind};

/// What a test may change.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// Whether the home region answers and renews.
    pub(crate) home_up: bool,
    /// Whether a promotion ends.
    pub(crate) promotes: bool,
    /// What committing a probe order comes to.
    pub(crate) verifies: Outcome,
    /// The replication lag that is measured.
    pub(crate) lag: Duration,
    /// Whether the witnesses say anything.
    pub(crate) watched: bool,
}

#[derive(Debug)]
struct State {
    conditions: Conditions,
    lease: LeaseRecord,
    writer: Region,
    switches: [bool; 2],
}

#[derive(Debug)]
pub(crate) struct World {
    region: Region,
    clock: Clock,
    state: Mutex<State>,
}

impl World {
    pub(crate) fn new(region: Region, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            region,
            clock,
            state: Mutex::new(State {
                conditions: Conditions {
                    home_up: true,
                    promotes: true,
                    verifies: Outcome::Done,
                    lag: Duration::from_millis(300),
                    watched: true,
                },
                lease: LeaseRecord::initial(),
                writer: Region::Home,
                switches: [false; 2],
            }),
        })
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Conditions)) {
        how(&mut self.state.lock().unwrap().conditions);
    }

    pub(crate) fn lease(&self) -> LeaseRecord {
        self.state.lock().unwrap().lease
    }

    /// The home region's sidecar, and the witnesses of this one, second by second.
    pub(crate) async fn live(self: Arc<Self>, policy: Arc<Policy>, inbox: Arc<Inbox>) {
        for serial in 0.. {
            let conditions = {
                let mut state = self.state.lock().unwrap();
                if state.conditions.home_up && self.region == Region::Away {
                    let renewal = LeaseRequest::Renew {
                        epoch: state.lease.epoch,
                        region: Region::Home,
                    };
                    let nonce = Nonce { incarnation: 1, serial };
                    if let Ok(renewed) = state.lease.apply(&renewal, nonce) {
                        state.lease = renewed;
                    }
                }
                state.conditions.clone()
            };
            if conditions.watched {
                for (number, witness) in policy.witnesses.iter().enumerate() {
                    for target in Region::BOTH {
                        let said = self.says(&conditions, witness.kind, witness.failure_domain, target);
                        if let Some(observation) = said {
                            let signal = Signal {
                                witness: WitnessId(u8::try_from(number).unwrap()),
                                target,
                                observation,
                                observed: self.clock.wall(),
                            };
                            inbox.put(Input::Signal(signal, None));
                        }
                    }
                }
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    fn says(
        &self,
        conditions: &Conditions,
        kind: WitnessKind,
        domain: FailureDomain,
        target: Region,
    ) -> Option<Observation> {
        let up = target == self.region || conditions.home_up;
        let heard = match domain {
            FailureDomain::TargetRegion => target == self.region,
            FailureDomain::PeerRegion => target != self.region,
            FailureDomain::WitnessRegion | FailureDomain::Internet | FailureDomain::Provider => true,
        };
        if !heard {
            return None;
        }
        match kind {
            WitnessKind::LeaseRenewal | WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check => None,
            WitnessKind::Heartbeat => up.then_some(Observation::Healthy),
            WitnessKind::ReplicationLag => up.then_some(Observation::Lag(conditions.lag)),
            WitnessKind::AwsHealth | WitnessKind::Reference => Some(Observation::Healthy),
            WitnessKind::HttpProbe | WitnessKind::DatabaseProbe if up => Some(Observation::Healthy),
            WitnessKind::HttpProbe | WitnessKind::DatabaseProbe => Some(Observation::Breached),
        }
    }

    fn apply(&self, intent: &Intent) -> Option<Outcome> {
        let mut state = self.state.lock().unwrap();
        let done = |so: bool| if so { Outcome::Done } else { Outcome::Failed };
        Some(match *intent {
            Intent::Lease { request, nonce } => match state.lease.apply(&request, nonce) {
                Ok(record) => {
                    state.lease = record;
                    Outcome::Lease(record)
                }
                Err(conflict) => Outcome::Conflict(conflict.0),
            },
            Intent::ReadDatabaseClock if state.writer == self.region => {
                Outcome::DatabaseClock(DatabaseTime(i64::try_from(self.clock.boot().as_micros()).unwrap()))
            }
            Intent::ReadDatabaseClock => Outcome::Failed,
            Intent::PromoteDatabase { .. } if !state.conditions.promotes => return None,
            Intent::PromoteDatabase { .. } => {
                state.writer = self.region;
                Outcome::Done
            }
            Intent::SwitchOverDatabase { to } => {
                state.writer = to;
                Outcome::Done
            }
            Intent::DescribeDatabase => Outcome::Database(DatabaseView {
                writer: Some(state.writer),
                moving: false,
                replica_attached: state.conditions.home_up,
            }),
            Intent::RejoinDatabase => done(state.conditions.home_up),
            Intent::ReconcileDatabase => Outcome::Reconciled(Reconciliation {
                orders_lost: 0,
                residual_commits: 0,
            }),
            Intent::SetSwitch { switch, engaged, .. } => {
                state.switches[switch.index()] = engaged;
                Outcome::Done
            }
            Intent::ReadSwitches => Outcome::Switches(state.switches.map(Some)),
            Intent::VerifyWrite => state.conditions.verifies,
            Intent::RequestApproval(_) => return None,
            Intent::WriteServing { .. }
            | Intent::TellPeer(_)
            | Intent::PinRecord { .. }
            | Intent::UnpinRecord
            | Intent::OpenIntake
            | Intent::OpenProcessing
            | Intent::CloseOrderPath
            | Intent::VerifyRouting { .. }
            | Intent::Announce(_)
            | Intent::Page(_) => Outcome::Done,
        })
    }
}

#[async_trait]
impl Executor for World {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        match self.apply(&effect.intent) {
            Some(outcome) => outcome,
            None => std::future::pending().await,
        }
    }
}
