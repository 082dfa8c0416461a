//! The thread that the core lives on.
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot, watch};
use tracing::{error, info};
use understudy_policies::Policy;

use super::dispatch::Dispatcher;
use super::inbox::{Inbox, Input, Receipt};
use super::journal_thread::{JournalThread, Turn};
use crate::core::engine::{Engine, Identity};
use crate::core::journal::JournalEntry;
use crate::core::memory::Memory;
use crate::core::status::Status;
use crate::core::time::{Now, Timestamp};
use crate::service::clock::Clock;
use crate::service::journal::Journal;
use crate::service::parts::Executor;

/// The core is woken at least this often, so that a clock that was suspended with the machine is noticed.
const WAKE_MAX: Duration = Duration::from_secs(1);
/// Memory that changed by time alone (the age of the last lag) is written this often.
const MEMORY_EVERY: Duration = Duration::from_secs(10);

/// What others may look at, as it was after the core's last turn.
#[derive(Debug, Clone)]
pub struct Views {
    /// The status. Changes are seen at once.
    pub status: watch::Receiver<Arc<Status>>,
    /// The journal as it grows: the last entries, for pages that are live.
    pub journal: broadcast::Sender<Arc<JournalEntry>>,
}

/// Why the core's thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellEnd {
    /// The engine was asked to shut down, and nothing depends on it any more.
    MayEnd,
    /// The inbox was closed: the process ends whatever the engine thinks of it.
    Closed,
    /// The journal cannot be written.
    JournalFailed,
}

/// A core that runs.
#[derive(Debug)]
pub struct Shell {
    inbox: Arc<Inbox>,
    views: Views,
    ended: oneshot::Receiver<ShellEnd>,
    thread: JoinHandle<()>,
    journal: Option<broadcast::Receiver<Arc<JournalEntry>>>,
}

impl Shell {
    /// Starts a core on a thread of its own. It remembers what its journal holds.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        policy: &Policy,
        identity: Identity,
        clock: Clock,
        journal: Journal,
        executor: Arc<dyn Executor>,
        runtime: &Handle,
    ) -> std::io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let now = clock.now();
        let engine = match journal.memory() {
            Some(memory) => Engine::remembering(policy, identity, &memory, now),
            None => Engine::new(policy, identity, now),
        };
        let (status, status_seen) = watch::channel(Arc::new(engine.status(now)));
        let (live, from_the_start) = broadcast::channel(256);
        let dispatcher = Dispatcher::new(
            identity.region,
            policy.lease.operation_timeout,
            clock,
            executor,
            Arc::clone(&inbox),
            runtime.clone(),
        );
        let journal = JournalThread::start(journal, dispatcher.clone())?;
        let (end, ended) = oneshot::channel();
        let core = CoreThread {
            engine,
            clock,
            inbox: Arc::clone(&inbox),
            dispatcher,
            journal,
            status,
            live: live.clone(),
            remembered: Memory::default(),
            remembered_at: now.boot,
            leaving: false,
        };
        let thread = std::thread::Builder::new().name("core".to_owned()).spawn(move || {
            // Nobody may be waiting for it.
            let _ = end.send(core.run());
        })?;
        Ok(Self {
            inbox,
            views: Views {
                status: status_seen,
                journal: live,
            },
            ended,
            thread,
            journal: Some(from_the_start),
        })
    }

    /// Where everything for the core goes.
    #[must_use]
    pub const fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// What others may look at.
    #[must_use]
    pub const fn views(&self) -> &Views {
        &self.views
    }

    /// The journal from its very first entry on, for the first who asks.
    #[must_use]
    pub const fn journal(&mut self) -> Option<broadcast::Receiver<Arc<JournalEntry>>> {
        self.journal.take()
    }

    /// Waits for the end of the core's thread: what was written down is on disk by then.
    pub async fn ended(self) -> ShellEnd {
        let end = self.ended.await.unwrap_or(ShellEnd::JournalFailed);
        // It has sent its last word, so this is immediate.
        drop(self.thread.join());
        end
    }
}

struct CoreThread {
    engine: Engine,
    clock: Clock,
    inbox: Arc<Inbox>,
    dispatcher: Dispatcher,
    journal: JournalThread,
    status: watch::Sender<Arc<Status>>,
    live: broadcast::Sender<Arc<JournalEntry>>,
    remembered: Memory,
    remembered_at: Timestamp,
    leaving: bool,
}

impl CoreThread {
    fn run(mut self) -> ShellEnd {
        let end = self.turns();
        match end {
            ShellEnd::JournalFailed => {
                error!("the journal cannot be written; this sidecar ends, and another one takes over");
            }
            ShellEnd::MayEnd | ShellEnd::Closed => info!(state = self.engine.state().name(), "the core ends"),
        }
        let kept = self.journal.finish();
        if kept { end } else { ShellEnd::JournalFailed }
    }

    fn turns(&mut self) -> ShellEnd {
        let mut inputs = Vec::new();
        // What the engine asked for when it was made.
        if !self.settle(self.clock.now(), None) {
            return ShellEnd::JournalFailed;
        }
        loop {
            let patience = self.engine.poll_timeout().map_or(WAKE_MAX, |at| self.clock.until(at));
            self.inbox.take(patience.min(WAKE_MAX), &mut inputs);
            // Time first: what a suspended process is told when it wakes up is judged by the clock of now.
            let now = self.clock.now();
            if self.engine.poll_timeout().is_some_and(|at| at <= now.boot) {
                self.engine.handle_timeout(now);
                if !self.settle(now, None) {
                    return ShellEnd::JournalFailed;
                }
            }
            for input in inputs.drain(..) {
                let now = self.clock.now();
                let receipt = self.feed(now, input);
                if !self.settle(now, receipt) {
                    return ShellEnd::JournalFailed;
                }
            }
            self.publish(self.clock.now());
            if self.leaving && self.engine.may_end() {
                return ShellEnd::MayEnd;
            }
            if self.inbox.is_closed() {
                return ShellEnd::Closed;
            }
        }
    }

    fn feed(&mut self, now: Now, input: Input) -> Option<Receipt> {
        match input {
            Input::Outcome(id, outcome) => self.engine.handle_outcome(now, id, outcome),
            Input::Signal(signal, receipt) => {
                self.engine.handle_signal(now, signal);
                return receipt;
            }
            Input::Notice(notice, receipt) => {
                self.engine.handle_notice(now, notice);
                return receipt;
            }
            Input::Peer(message) => self.engine.handle_peer(now, message),
            Input::Command(command, answer) => {
                let result = self.engine.handle_command(now, command);
                self.leaving |= command == crate::core::signal::Command::ShutDown && result.is_ok();
                // An operator may have gone meanwhile; the command stands all the same.
                let _ = answer.send(result);
            }
            Input::Explain(answer) => {
                let _ = answer.send(self.engine.explain(now));
            }
        }
        None
    }

    /// Takes out everything that the core has to say. False: the journal is gone.
    fn settle(&mut self, now: Now, receipt: Option<Receipt>) -> bool {
        let mut turn = Turn::default();
        while let Some(entry) = self.engine.poll_journal() {
            // Nobody may be looking.
            let _ = self.live.send(Arc::new(entry.clone()));
            turn.entries.push(entry);
        }
        while let Some(effect) = self.engine.poll_effect() {
            if effect.intent.is_routine() {
                self.dispatcher.begin(effect);
            } else {
                turn.effects.push(effect);
            }
        }
        let memory = self.engine.memory(now);
        let due = now.boot.since(self.remembered_at) >= MEMORY_EVERY && memory != self.remembered;
        if due || differs(&memory, &self.remembered) || !turn.entries.is_empty() {
            self.remembered_at = now.boot;
            self.remembered = memory.clone();
            turn.memory = Some(memory);
        }
        if turn.is_empty() {
            // Nothing of it is in the journal, so there is nothing to wait for.
            if let Some(receipt) = receipt {
                receipt.done();
            }
            return true;
        }
        turn.receipts.extend(receipt);
        self.journal.write(turn)
    }

    fn publish(&self, now: Now) {
        let status = self.engine.status(now);
        self.status.send_if_modified(|seen| {
            let changed = **seen != status;
            if changed {
                *seen = Arc::new(status);
            }
            changed
        });
    }
}

/// Whether something changed that a guard must not forget. The times in it move by a millisecond whenever they are read.
fn differs(now: &Memory, then: &Memory) -> bool {
    (now.mode, now.paused, now.operator_asked, now.epoch) != (then.mode, then.paused, then.operator_asked, then.epoch)
        || now.role_changes.len() != then.role_changes.len()
        || now.lag.is_some() != then.lag.is_some()
}
