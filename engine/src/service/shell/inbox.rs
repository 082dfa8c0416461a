//! What waits for the core. Bounded, and ordered by what matters: outcomes, commands and peers before signals.
//!
//! A burst of alarms never delays a decision: of each witness about each region only the last few observations are
//! kept, because what a witness said before that no longer matters. Whatever is dropped is counted.
#![expect(
    clippy::disallowed_types,
    reason = "the shell is where threads meet; the core behind it sees none of this"
)]

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::core::effect::Outcome;
use crate::core::engine::Refusal;
use crate::core::ids::{EffectId, Region, WitnessId};
use crate::core::journal::Happening;
use crate::core::signal::{Command, Notice, PeerMessage, Signal};
use crate::core::status::{Explanation, Rehearsal};

/// Observations of one witness about one region that wait. More than any policy wants in a row before it believes a
/// witness (`breach-after`, `clear-after`: at most 20).
const SIGNALS_PER_WITNESS_MAX: usize = 24;
/// Notices that wait: they only make the core look, so a few are as good as many.
const NOTICES_MAX: usize = 256;
/// Messages of the other region that wait. Each is good for a second at most.
const PEER_MESSAGES_MAX: usize = 256;
/// Commands and questions of operators that wait.
const COMMANDS_MAX: usize = 64;

/// Called once what came with an input is durable, or matters no more. Whoever drops it without calling leaves the
/// message where it was, to be delivered again.
pub struct Receipt(Box<dyn FnOnce() + Send>);

impl Receipt {
    /// Calls `done` when the input needs no second delivery.
    pub fn new(done: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(done))
    }

    /// The input is dealt with.
    pub fn done(self) {
        (self.0)();
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

/// One thing for the core.
#[derive(Debug)]
#[expect(missing_docs, reason = "the core's own inputs")]
pub enum Input {
    Outcome(EffectId, Outcome),
    Command(Command, oneshot::Sender<Result<(), Refusal>>),
    Explain(oneshot::Sender<Explanation>),
    Rehearse(Command, oneshot::Sender<Rehearsal>),
    /// Something that the shell knows and the core does not, for the journal.
    Note(Happening),
    Peer(PeerMessage),
    Notice(Notice, Option<Receipt>),
    Signal(Signal, Option<Receipt>),
    /// End as soon as the engine rests, to be started again.
    Rest,
    /// Do not, after all.
    GoOn,
}

/// How much has been put in and dropped so far, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pressure {
    /// Everything that was put in.
    pub accepted: u64,
    /// Observations that newer ones of the same witness replaced.
    pub signals_replaced: u64,
    /// Notices beyond the bound.
    pub notices_dropped: u64,
    /// Peer messages beyond the bound.
    pub peers_dropped: u64,
    /// Commands beyond the bound; whoever sent one is told.
    pub commands_refused: u64,
    /// What waits now.
    pub waiting: usize,
}

/// What one witness said about one region, oldest first.
type Waiting = VecDeque<(Signal, Option<Receipt>)>;

#[derive(Debug, Default)]
struct State {
    outcomes: VecDeque<(EffectId, Outcome)>,
    commands: VecDeque<Input>,
    peers: VecDeque<PeerMessage>,
    notices: VecDeque<(Notice, Option<Receipt>)>,
    signals: BTreeMap<(WitnessId, Region), Waiting>,
    pressure: Pressure,
    closed: bool,
}

/// What waits for the core.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    filled: Condvar,
}

impl Inbox {
    /// Puts something in. Never blocks for longer than a copy takes. Returns whether it was taken: a refused command's
    /// sender is dropped, which its receiver sees.
    pub fn put(&self, input: Input) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let taken = state.put(input);
        drop(state);
        self.filled.notify_one();
        taken
    }

    /// Everything that waits, the most important first; waits for `patience` at most if there is nothing.
    pub(super) fn take(&self, patience: Duration, into: &mut Vec<Input>) {
        let mut state = self.lock();
        if state.is_empty() && !state.closed {
            let waited = self.filled.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.take(into);
    }

    /// Wakes the core, and takes nothing more in.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How much came and was dropped.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        let state = self.lock();
        let signals: usize = state.signals.values().map(VecDeque::len).sum();
        let waiting = state.outcomes.len() + state.commands.len() + state.peers.len() + state.notices.len() + signals;
        Pressure {
            waiting,
            ..state.pressure
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked while it held the lock left nothing half done: each change is one push.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, input: Input) -> bool {
        self.pressure.accepted += 1;
        match input {
            // As many as effects were asked for, so bounded by the core itself.
            Input::Outcome(id, outcome) => self.outcomes.push_back((id, outcome)),
            Input::Command(..)
            | Input::Explain(_)
            | Input::Rehearse(..)
            | Input::Note(_)
            | Input::Rest
            | Input::GoOn => {
                if self.commands.len() == COMMANDS_MAX {
                    self.pressure.commands_refused += 1;
                    return false;
                }
                self.commands.push_back(input);
            }
            Input::Peer(message) => {
                if self.peers.len() == PEER_MESSAGES_MAX {
                    self.peers.pop_front();
                    self.pressure.peers_dropped += 1;
                }
                self.peers.push_back(message);
            }
            Input::Notice(notice, receipt) => {
                if self.notices.len() == NOTICES_MAX {
                    self.pressure.notices_dropped += 1;
                    let dropped = self.notices.pop_front();
                    confirm(dropped.and_then(|(_, receipt)| receipt));
                }
                self.notices.push_back((notice, receipt));
            }
            Input::Signal(signal, receipt) => {
                let waiting = self.signals.entry((signal.witness, signal.target)).or_default();
                if waiting.len() == SIGNALS_PER_WITNESS_MAX {
                    self.pressure.signals_replaced += 1;
                    let replaced = waiting.pop_front();
                    confirm(replaced.and_then(|(_, receipt)| receipt));
                }
                waiting.push_back((signal, receipt));
            }
        }
        true
    }

    fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
            && self.commands.is_empty()
            && self.peers.is_empty()
            && self.notices.is_empty()
            && self.signals.values().all(VecDeque::is_empty)
    }

    fn take(&mut self, into: &mut Vec<Input>) {
        into.extend(self.outcomes.drain(..).map(|(id, outcome)| Input::Outcome(id, outcome)));
        into.extend(self.commands.drain(..));
        into.extend(self.peers.drain(..).map(Input::Peer));
        into.extend(
            self.notices
                .drain(..)
                .map(|(notice, receipt)| Input::Notice(notice, receipt)),
        );
        for waiting in self.signals.values_mut() {
            into.extend(
                waiting
                    .drain(..)
                    .map(|(signal, receipt)| Input::Signal(signal, receipt)),
            );
        }
    }
}

fn confirm(receipt: Option<Receipt>) {
    if let Some(receipt) = receipt {
        receipt.done();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::core::signal::Observation;
    use crate::core::time::WallTime;

    fn signal(witness: u8, at: i64) -> Signal {
        Signal {
            witness: WitnessId(witness),
            target: Region::Home,
            observation: Observation::Breached,
            observed: WallTime::from_millis(at),
        }
    }

    fn taken(inbox: &Inbox) -> Vec<Input> {
        let mut into = Vec::new();
        inbox.take(Duration::ZERO, &mut into);
        into
    }

    #[test]
    fn outcomes_come_before_signals() {
        let inbox = Inbox::default();
        inbox.put(Input::Signal(signal(0, 1), None));
        inbox.put(Input::Outcome(EffectId(7), Outcome::Done));
        assert!(matches!(taken(&inbox)[..], [Input::Outcome(..), Input::Signal(..)]));
    }

    #[test]
    fn a_storm_of_one_witness_keeps_its_last_words_and_no_other_witness_loses_any() {
        let inbox = Inbox::default();
        let confirmed = Arc::new(AtomicUsize::new(0));
        inbox.put(Input::Signal(signal(1, 0), None));
        for at in 0..10_000 {
            let confirmed = Arc::clone(&confirmed);
            let receipt = Receipt::new(move || {
                confirmed.fetch_add(1, Ordering::Relaxed);
            });
            inbox.put(Input::Signal(signal(0, at), Some(receipt)));
        }
        let kept = SIGNALS_PER_WITNESS_MAX;
        assert_eq!(inbox.pressure().signals_replaced, 10_000 - kept as u64);
        assert_eq!(confirmed.load(Ordering::Relaxed), 10_000 - kept);
        let inputs = taken(&inbox);
        assert_eq!(inputs.len(), kept + 1);
        assert!(matches!(
            inputs[kept - 1],
            Input::Signal(Signal { observed, .. }, _) if observed == WallTime::from_millis(9_999)
        ));
    }

    #[test]
    fn what_is_closed_takes_nothing_in() {
        let inbox = Inbox::default();
        inbox.close();
        assert!(!inbox.put(Input::Outcome(EffectId(1), Outcome::Done)));
    }
}
