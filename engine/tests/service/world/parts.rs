//! What each effect does to the world.

use std::time::Duration;

use understudy_engine::core::effect::{DatabaseView, Effect, Intent, Outcome, Reconciliation};
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::time::DatabaseTime;

use super::http::region_of;
use super::{Shared, State};

const PROMOTION: Duration = Duration::from_secs(2);
const SWITCHOVER: Duration = Duration::from_secs(2);
const REBUILD: Duration = Duration::from_secs(3);

impl Shared {
    /// Applies an effect of a process.
    pub(super) async fn apply(&self, who: &str, effect: &Effect) -> Outcome {
        let own = region_of(who).expect("only sidecars act");
        match effect.intent {
            Intent::PromoteDatabase { .. } => self.promote(own).await,
            Intent::SwitchOverDatabase { to } => self.switch_over(to).await,
            Intent::RejoinDatabase => {
                self.clock.sleep(REBUILD).await;
                let mut state = self.lock();
                let other = own.other();
                if state.regions[other.index()].lost || state.writer != Some(own) {
                    return Outcome::Failed;
                }
                state.regions[other.index()].accepts = false;
                state.replica_attached = true;
                Outcome::Done
            }
            _ => {
                let now = self.micros();
                self.lock().apply(own, effect, now)
            }
        }
    }

    async fn promote(&self, to: Region) -> Outcome {
        {
            let mut state = self.lock();
            if state.refuses_promotion {
                return Outcome::Refused;
            }
            state.moving = true;
            let at = self.micros();
            state.moves.push((at, to));
        }
        self.clock.sleep(PROMOTION).await;
        while self.lock().promotes_slowly {
            self.clock.sleep(PROMOTION).await;
        }
        let mut state = self.lock();
        state.moving = false;
        state.writer = Some(to);
        state.regions[to.index()].accepts = true;
        // Nothing tells the old writer.
        state.replica_attached = false;
        Outcome::Done
    }

    async fn switch_over(&self, to: Region) -> Outcome {
        {
            let mut state = self.lock();
            if state.refuses_switchover || !state.replica_attached {
                return Outcome::Refused;
            }
            state.moving = true;
            let at = self.micros();
            state.moves.push((at, to));
        }
        self.clock.sleep(SWITCHOVER).await;
        let mut state = self.lock();
        state.moving = false;
        state.writer = Some(to);
        state.regions[to.index()].accepts = true;
        state.regions[to.other().index()].accepts = false;
        Outcome::Done
    }
}

impl State {
    fn apply(&mut self, own: Region, effect: &Effect, now: u64) -> Outcome {
        let epoch = effect.epoch;
        match effect.intent {
            Intent::Lease { request, nonce } => match self.lease.apply(&request, nonce) {
                Ok(next) => {
                    self.lease = next;
                    Outcome::Lease(next)
                }
                Err(conflict) => Outcome::Conflict(conflict.0),
            },
            Intent::ReadDatabaseClock if self.regions[own.index()].accepts => {
                Outcome::DatabaseClock(DatabaseTime(i64::try_from(now).unwrap()))
            }
            Intent::ReadDatabaseClock => Outcome::Failed,
            Intent::WriteServing { valid_until } => {
                let region = &mut self.regions[own.index()];
                if !region.accepts || epoch < region.serving_epoch {
                    return Outcome::Refused;
                }
                let until = u64::try_from(valid_until.0).unwrap();
                if epoch > region.serving_epoch {
                    region.valid_until = 0;
                }
                region.serving_epoch = epoch;
                region.valid_until = region.valid_until.max(until);
                Outcome::Done
            }
            Intent::DescribeDatabase => Outcome::Database(DatabaseView {
                writer: self.writer,
                moving: self.moving,
                replica_attached: self.replica_attached,
            }),
            Intent::ReconcileDatabase => Outcome::Reconciled(Reconciliation {
                orders_lost: 0,
                residual_commits: 0,
            }),
            Intent::SetSwitch { switch, engaged, order } => {
                let switch = &mut self.switches[switch.index()];
                if (epoch, order) < (switch.1, switch.2) {
                    return Outcome::Refused;
                }
                *switch = (engaged, epoch, order);
                Outcome::Done
            }
            Intent::ReadSwitches => Outcome::Switches(self.switches.map(|(engaged, ..)| Some(engaged))),
            Intent::PinRecord { to } => {
                self.pinned = Some(to);
                Outcome::Done
            }
            Intent::UnpinRecord => {
                self.pinned = None;
                Outcome::Done
            }
            Intent::OpenIntake | Intent::OpenProcessing | Intent::CloseOrderPath => {
                self.path(own, epoch, effect.intent)
            }
            Intent::VerifyWrite => match self.commits_in(own, now) {
                Some(committed) if committed == epoch => Outcome::Done,
                _ => Outcome::Failed,
            },
            Intent::VerifyRouting { region } if self.name() == region => Outcome::Done,
            Intent::VerifyRouting { .. } => Outcome::Failed,
            Intent::TellPeer(_) => Outcome::Failed,
            _ => Outcome::Done,
        }
    }

    fn path(&mut self, own: Region, epoch: Epoch, intent: Intent) -> Outcome {
        let region = &mut self.regions[own.index()];
        if epoch < region.path_epoch {
            return Outcome::Refused;
        }
        if epoch > region.path_epoch {
            (region.path_epoch, region.intake, region.processing) = (epoch, false, false);
        }
        match intent {
            Intent::OpenIntake => region.intake = true,
            Intent::OpenProcessing => region.processing = true,
            _ => (region.intake, region.processing) = (false, false),
        }
        Outcome::Done
    }

    /// Where the public name leads: home, unless it is pinned or one of the switches holds traffic away.
    pub(crate) fn name(&self) -> Region {
        let away = self.switches.iter().any(|(engaged, ..)| *engaged);
        self.pinned.unwrap_or(if away { Region::Away } else { Region::Home })
    }
}
