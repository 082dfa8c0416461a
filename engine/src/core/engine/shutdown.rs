//! Shutting one sidecar down. A deployment replaces sidecars one after the other, and must not close the region.

use super::{Engine, Refusal};
use crate::core::machine::{Event, StateName};
use crate::core::time::{Now, Timestamp};

/// How a sidecar that was asked to shut down leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nothing depends on it.
    AtOnce,
    /// It goes on serving, but beats no more: another sidecar of the region is to take the driver's seat by then.
    HandingOver { until: Timestamp },
    /// There is nobody to hand over to, or no time: it drains and releases the lease.
    GivingUp,
}

impl Engine {
    /// Whether the shell may end the process: it was asked to shut down, and nothing depends on it any more. To be
    /// looked at after every input once `Command::ShutDown` was accepted.
    #[must_use]
    pub fn may_end(&self) -> bool {
        let left = matches!(self.leaving, Some(Leaving::AtOnce | Leaving::GivingUp));
        left && self.machine.state() != StateName::Draining
    }

    pub(super) fn shut_down(&mut self, now: Now) -> Result<(), Refusal> {
        let state = self.machine.state();
        if state.is_role_change() {
            return Err(Refusal::WrongState(state));
        }
        match self.leaving {
            // Whoever asks again does not want to wait.
            Some(Leaving::HandingOver { .. }) => self.give_up(now),
            Some(Leaving::AtOnce | Leaving::GivingUp) => {}
            // While another sidecar drives, it renews as well; and one that does not serve has nothing to hand over.
            None if state.serves() && self.keeper.has_the_seat() => {
                let until = self.keeper.seat_passes_by(now.boot);
                self.leaving = Some(Leaving::HandingOver { until });
            }
            None => self.leaving = Some(Leaving::AtOnce),
        }
        Ok(())
    }

    /// Looks whether another sidecar has taken over, or whether it is time to drain instead.
    pub(super) fn hand_over(&mut self, now: Now) {
        let Some(Leaving::HandingOver { until }) = self.leaving else {
            return;
        };
        let state = self.machine.state();
        let stopped = matches!(state, StateName::SelfFenced | StateName::NeedsOperator);
        if stopped || !self.keeper.holds() || !self.keeper.has_the_seat() {
            self.leaving = Some(Leaving::AtOnce);
        } else if now.boot >= until && !state.is_role_change() {
            // A sidecar that resumed a role change right before is out of it as soon as its seat has run out.
            self.give_up(now);
        }
    }

    /// When the wait for another sidecar ends.
    pub(super) fn handover_due(&self) -> Timestamp {
        match self.leaving {
            Some(Leaving::HandingOver { until }) if until > self.clock => until,
            _ => Timestamp::NEVER,
        }
    }

    /// Whether the lease is not to be renewed any more.
    pub(super) fn gives_up(&self) -> bool {
        self.leaving == Some(Leaving::GivingUp)
    }

    fn give_up(&mut self, now: Now) {
        self.leaving = Some(Leaving::GivingUp);
        self.turn(now, Event::ShutdownAsked);
    }
}
