//! The thread that writes the journal: first the intent, durably, then the effect.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tracing::error;

use super::dispatch::Dispatcher;
use super::inbox::Receipt;
use crate::core::effect::Effect;
use crate::core::journal::JournalEntry;
use crate::core::memory::Memory;
use crate::service::journal::{Journal, Written};

/// Turns that may wait for the disk. A disk that is this far behind is no use any more.
const TURNS_MAX: usize = 4096;

/// What one turn of the core left to be written down, and what may happen once it is.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) entries: Vec<JournalEntry>,
    pub(super) memory: Option<Memory>,
    pub(super) effects: Vec<Effect>,
    pub(super) receipts: Vec<Receipt>,
}

impl Turn {
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.memory.is_none() && self.effects.is_empty() && self.receipts.is_empty()
    }

    fn absorb(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.memory = other.memory.or(self.memory.take());
        self.effects.extend(other.effects);
        self.receipts.extend(other.receipts);
    }
}

/// The writing end.
pub(super) struct JournalThread {
    turns: Option<SyncSender<Turn>>,
    thread: Option<JoinHandle<bool>>,
}

impl JournalThread {
    pub(super) fn start(journal: Journal, dispatcher: Dispatcher) -> std::io::Result<Self> {
        let (turns, waiting) = sync_channel(TURNS_MAX);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keep(journal, &waiting, &dispatcher))?;
        Ok(Self {
            turns: Some(turns),
            thread: Some(thread),
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

    /// Waits until everything is on disk. False: it is not.
    pub(super) fn finish(&mut self) -> bool {
        self.turns = None;
        self.thread.take().is_some_and(|thread| thread.join().unwrap_or(false))
    }
}

fn keep(mut journal: Journal, turns: &Receiver<Turn>, dispatcher: &Dispatcher) -> bool {
    while let Ok(mut turn) = turns.recv() {
        // One flush for everything that waits.
        while let Ok(more) = turns.try_recv() {
            turn.absorb(more);
        }
        let must_last = !turn.effects.is_empty() || !turn.receipts.is_empty();
        let written = if must_last { Written::Durably } else { Written::Soon };
        if let Err(failure) = journal.write(&turn.entries, turn.memory.as_ref(), written) {
            error!(%failure, "the journal was not written");
            return false;
        }
        for effect in turn.effects {
            dispatcher.begin(effect);
        }
        for receipt in turn.receipts {
            receipt.done();
        }
    }
    journal.close()
}
