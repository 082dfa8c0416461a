//! The facade: everything that goes into the core and everything that comes out.

use std::collections::VecDeque;

use understudy_policies::Policy;

use super::effect::{Effect, Outcome};
use super::ids::{EffectId, Region, SidecarId};
use super::journal::JournalEntry;
use super::signal::{Command, Notice, PeerMessage, Signal};
use super::status::{Explanation, Status};
use super::time::{Now, Timestamp};

/// Who this engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its region.
    pub region: Region,
    /// Which of the region's sidecars.
    pub sidecar: SidecarId,
    /// Different for every start of every sidecar. Makes nonces unique.
    pub incarnation: u64,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It makes no sense in this state.
    #[error("nothing to do in state {0}; `status` shows what is under way")]
    WrongState(&'static str),
    /// A guard objects even to an operator.
    #[error("refused by the guard {0:?}; `why` shows what it saw")]
    Guard(super::decision::Guard),
}

/// One sidecar's engine.
///
/// - Inputs: [`handle_signal`](Self::handle_signal), [`handle_notice`](Self::handle_notice),
///   [`handle_peer`](Self::handle_peer), [`handle_outcome`](Self::handle_outcome),
///   [`handle_command`](Self::handle_command), [`handle_timeout`](Self::handle_timeout).
/// - Outputs, to be polled after every input until they are empty: [`poll_effect`](Self::poll_effect),
///   [`poll_journal`](Self::poll_journal), then [`poll_timeout`](Self::poll_timeout) for when to come back.
/// - Views: [`status`](Self::status), [`explain`](Self::explain).
///
/// `now.boot` must never run back from one call to the next.
#[derive(Debug)]
pub struct Engine {
    effects: VecDeque<Effect>,
    journal: VecDeque<JournalEntry>,
}

#[expect(
    clippy::unused_self,
    clippy::missing_const_for_fn,
    missing_docs,
    unused_variables,
    reason = "skeleton"
)]
impl Engine {
    pub fn new(policy: &Policy, identity: Identity, now: Now) -> Self {
        Self {
            effects: VecDeque::new(),
            journal: VecDeque::new(),
        }
    }
    pub fn handle_signal(&mut self, now: Now, signal: Signal) {}
    pub fn handle_notice(&mut self, now: Now, notice: Notice) {}
    pub fn handle_peer(&mut self, now: Now, message: PeerMessage) {}
    pub fn handle_outcome(&mut self, now: Now, id: EffectId, outcome: Outcome) {}
    /// # Errors
    /// A [`Refusal`].
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<(), Refusal> {
        Ok(())
    }
    pub fn handle_timeout(&mut self, now: Now) {}
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }
    pub fn poll_journal(&mut self) -> Option<JournalEntry> {
        self.journal.pop_front()
    }
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }
    pub fn status(&self, now: Now) -> Option<Status> {
        None
    }
    pub fn explain(&self, now: Now) -> Option<Explanation> {
        None
    }
}
