//! The thread that writes the journal: first the intent, durably, then the effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::error;

use super::dispatch::Dispatcher;
use super::inbox::Receipt;
use crate::core::effect::Effect;
use crate::core::engine::Refusal;
use crate::core::journal::JournalEntry;
use crate::core::memory::Memory;
use crate::service::journal::{Journal, JournalFailure, Written};
use crate::service::observability;

/// Turns that may wait for the disk. A disk that is this far behind is no use any more.
const TURNS_MAX: usize = 4096;
/// What nothing waits for is on the disk after this time at the latest.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// An operator's command, and what is to be answered once it is on the disk.
pub(super) type Answer = (oneshot::Sender<Result<(), Refusal>>, Result<(), Refusal>);

/// What one turn of the core left to be written down, and what may happen once it is.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) entries: Vec<JournalEntry>,
    pub(super) memory: Option<Memory>,
    /// The memory holds something that a guard must not forget.
    pub(super) must_remember: bool,
    pub(super) effects: Vec<Effect>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) answers: Vec<Answer>,
}

impl Turn {
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.memory.is_none() && self.effects.is_empty()
    }

    /// Lets everything happen that waits for this turn to be on the disk.
    pub(super) fn release(self, dispatcher: &Dispatcher) {
        for effect in self.effects {
            dispatcher.begin(effect);
        }
        for receipt in self.receipts {
            receipt.done();
        }
        for (to, answer) in self.answers {
            // The operator may have gone meanwhile; the command stands all the same.
            let _ = to.send(answer);
        }
    }

    const fn must_last(&self) -> bool {
        self.must_remember || !self.effects.is_empty() || !self.receipts.is_empty() || !self.answers.is_empty()
    }

    fn absorb(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.memory = other.memory.or(self.memory.take());
        self.must_remember |= other.must_remember;
        self.effects.extend(other.effects);
        self.receipts.extend(other.receipts);
        self.answers.extend(other.answers);
    }
}

/// The writing end.
pub(super) struct JournalThread {
    turns: Option<SyncSender<Turn>>,
    thread: Option<JoinHandle<Option<Journal>>>,
    progress: Arc<Progress>,
}

/// How often the disk was asked, and how often it has answered.
#[derive(Debug, Default)]
struct Progress {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl JournalThread {
    pub(super) fn start(journal: Journal, dispatcher: Dispatcher) -> std::io::Result<Self> {
        let (turns, waiting) = sync_channel(TURNS_MAX);
        let progress = Arc::new(Progress::default());
        let seen = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keep(journal, &waiting, &dispatcher, &seen))?;
        Ok(Self {
            turns: Some(turns),
            thread: Some(thread),
            progress,
        })
    }

    /// Hands a turn over. False: the journal is gone, or too far behind.
    pub(super) fn write(&self, turn: Turn) -> bool {
        let Some(turns) = &self.turns else { return false };
        match turns.try_send(turn) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                error!(turns = TURNS_MAX, "the disk does not keep up with the journal");
                false
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Whether a write has failed: nothing that is handed over now is written.
    pub(super) fn has_failed(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// The write that the disk has not answered, by its number.
    pub(super) fn unanswered(&self) -> Option<u64> {
        let ended = self.progress.ended.load(Ordering::Acquire);
        let begun = self.progress.begun.load(Ordering::Acquire);
        (begun > ended).then_some(begun)
    }

    /// Waits until everything is on disk, and gives the journal back. None: it is not there within `patience`.
    pub(super) fn finish(&mut self, patience: Duration) -> Option<Journal> {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        self.turns = None;
        let thread = self.thread.take()?;
        let mut waited = Duration::ZERO;
        // Joining a thread that hangs in the kernel would hang as well.
        while !thread.is_finished() && waited < patience {
            pause(LOOK_EVERY);
            waited += LOOK_EVERY;
        }
        if thread.is_finished() {
            thread.join().ok().flatten()
        } else {
            None
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the core has ended: nothing is left to be blocked"
)]
fn pause(span: Duration) {
    std::thread::sleep(span);
}

fn keep(mut journal: Journal, turns: &Receiver<Turn>, dispatcher: &Dispatcher, progress: &Progress) -> Option<Journal> {
    // Whether something was written that is not on the disk yet.
    let mut loose = false;
    loop {
        let turn = if loose {
            match turns.recv_timeout(FLUSH_EVERY) {
                Ok(turn) => Some(turn),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        } else {
            match turns.recv() {
                Ok(turn) => Some(turn),
                Err(_) => break,
            }
        };
        progress.begun.fetch_add(1, Ordering::AcqRel);
        let written = match turn {
            Some(turn) => write(&mut journal, turn, turns, dispatcher),
            None => journal.flush().map(|()| Written::Durably),
        };
        progress.ended.fetch_add(1, Ordering::AcqRel);
        match written {
            Ok(written) => loose = written == Written::Soon,
            Err(failure) => {
                error!(%failure, "the journal was not written");
                return None;
            }
        }
    }
    match journal.flush() {
        Ok(()) => Some(journal),
        Err(failure) => {
            error!(%failure, "the end of the journal was not written");
            None
        }
    }
}

fn write(
    journal: &mut Journal,
    mut turn: Turn,
    turns: &Receiver<Turn>,
    dispatcher: &Dispatcher,
) -> Result<Written, JournalFailure> {
    // One flush for everything that waits.
    while let Ok(more) = turns.try_recv() {
        turn.absorb(more);
    }
    let written = if turn.must_last() {
        Written::Durably
    } else {
        Written::Soon
    };
    let timer = observability::Timer::start();
    journal.write(&turn.entries, turn.memory.as_ref(), written)?;
    timer.journal_written(written == Written::Durably);
    turn.release(dispatcher);
    Ok(written)
}
