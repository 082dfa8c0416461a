//! The thread that the core lives on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot, watch};
use tracing::{error, info};
use understudy_policies::Policy;

use super::dispatch::Dispatcher;
use super::inbox::{Inbox, Input, Receipt};
use super::journal_thread::{Answer, JournalThread, Turn};
use super::stall::Stall;
use crate::core::engine::{Engine, Identity};
use crate::core::journal::JournalEntry;
use crate::core::machine::StateName;
use crate::core::memory::Memory;
use crate::core::signal::Command;
use crate::core::status::Status;
use crate::core::time::{Now, Timestamp};
use crate::service::clock::Clock;
use crate::service::journal::{Journal, Reader};
use crate::service::observability;
use crate::service::parts::Executor;

/// The core is woken at least this often, so that a clock that was suspended with the machine is noticed.
const WAKE_MAX: Duration = Duration::from_secs(1);
/// Memory that changed by time alone (the age of the last lag) is written this often.
const MEMORY_EVERY: Duration = Duration::from_secs(10);
/// How long the end waits for the disk.
const FINISH_PATIENCE: Duration = Duration::from_secs(10);

/// What others may look at, as it was after the core's last turn.
#[derive(Debug, Clone)]
pub struct Views {
    /// The status. Changes are seen at once.
    pub status: watch::Receiver<Arc<Status>>,
    /// The journal as it grows: the last entries, for pages that are live.
    pub journal: broadcast::Sender<Arc<JournalEntry>>,
    /// The journal as it is kept.
    pub history: Reader,
    /// When the core last turned, in microseconds of its boot-time clock. It turns at least every second.
    pub turned: Arc<AtomicU64>,
}

/// Why the core's thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellEnd {
    /// The engine was asked to shut down, and nothing depends on it any more.
    MayEnd,
    /// The inbox was closed: the process ends whatever the engine thinks of it.
    Closed,
    /// The engine rests, as it was asked to, and can be started again with another policy.
    Rested,
    /// The journal cannot be written.
    JournalFailed,
    /// The core panicked: a bug.
    CoreFailed,
}

/// What the core's thread leaves behind: why it ended, and the journal, if everything is on the disk.
#[derive(Debug)]
pub struct Left {
    /// Why it ended.
    pub end: ShellEnd,
    /// The journal, for whoever goes on.
    pub journal: Option<Journal>,
}

/// A core that runs.
#[derive(Debug)]
pub struct Shell {
    inbox: Arc<Inbox>,
    views: Views,
    ended: oneshot::Receiver<Left>,
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
        let turned = Arc::new(AtomicU64::new(now.boot.as_micros()));
        let (live, from_the_start) = broadcast::channel(256);
        let history = journal.reader();
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
            stall: Stall::new(),
            status,
            live: live.clone(),
            turned: Arc::clone(&turned),
            noted: Vec::new(),
            remembered: Memory::default(),
            remembered_at: now.boot,
            leaving: false,
            resting: false,
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
                history,
                turned,
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

    /// The journal as it grows, from its first entry on. Taken once.
    pub const fn journal(&mut self) -> Option<broadcast::Receiver<Arc<JournalEntry>>> {
        self.journal.take()
    }

    /// Waits for the end of the core's thread: what was written down is on disk by then. May be given up and waited for
    /// again.
    pub async fn ended(&mut self) -> Left {
        match (&mut self.ended).await {
            Ok(left) => left,
            Err(_) => {
                error!("the core panicked; this sidecar ends, and another one takes over");
                Left {
                    end: ShellEnd::CoreFailed,
                    journal: None,
                }
            }
        }
    }

    /// Whether the thread itself is gone.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

struct CoreThread {
    engine: Engine,
    clock: Clock,
    inbox: Arc<Inbox>,
    dispatcher: Dispatcher,
    journal: JournalThread,
    stall: Stall,
    status: watch::Sender<Arc<Status>>,
    live: broadcast::Sender<Arc<JournalEntry>>,
    turned: Arc<AtomicU64>,
    /// What the shell itself has to write down with the next turn.
    noted: Vec<JournalEntry>,
    remembered: Memory,
    remembered_at: Timestamp,
    leaving: bool,
    /// Asked to end as soon as the engine rests.
    resting: bool,
}

/// What is to happen once an input's turn is on the disk.
#[derive(Default)]
struct Waiting {
    receipt: Option<Receipt>,
    answer: Option<Answer>,
}

impl CoreThread {
    fn run(mut self) -> Left {
        let mut end = self.turns();
        match end {
            ShellEnd::JournalFailed | ShellEnd::CoreFailed => {
                error!("the journal cannot be written; this sidecar ends, and another one takes over");
            }
            ShellEnd::MayEnd | ShellEnd::Closed | ShellEnd::Rested => {
                info!(state = self.engine.state().name(), "the core ends");
            }
        }
        self.inbox.close();
        // Whoever waits for what came too late is told.
        self.inbox.take(Duration::ZERO, &mut Vec::new());
        let patience = match end {
            // Nobody waits for a disk that does not answer.
            ShellEnd::JournalFailed => Duration::ZERO,
            _ => FINISH_PATIENCE,
        };
        let journal = self.journal.finish(patience);
        if journal.is_none() {
            end = ShellEnd::JournalFailed;
        }
        Left { end, journal }
    }

    fn turns(&mut self) -> ShellEnd {
        let mut inputs = Vec::new();
        // What the engine asked for when it was made.
        if !self.settle(self.clock.now(), Waiting::default()) {
            return ShellEnd::JournalFailed;
        }
        loop {
            let patience = self.engine.poll_timeout().map_or(WAKE_MAX, |at| self.clock.until(at));
            self.inbox.take(patience.min(WAKE_MAX), &mut inputs);
            if !self.pass_time() {
                return ShellEnd::JournalFailed;
            }
            for input in inputs.drain(..) {
                // Time first: what a process is told that was suspended meanwhile is judged by the clock of now.
                if !self.pass_time() {
                    return ShellEnd::JournalFailed;
                }
                let now = self.clock.now();
                let waiting = self.feed(now, input);
                if !self.settle(now, waiting) {
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
            if self.resting && rests(self.engine.state()) {
                return ShellEnd::Rested;
            }
            // What waits for it would wait for ever.
            if self.journal.has_failed() {
                return ShellEnd::JournalFailed;
            }
            if self.stall.goes_on(self.journal.unanswered()) {
                error!("the disk has not answered for too long");
                return ShellEnd::JournalFailed;
            }
        }
    }

    /// Lets the core do what is due. False: the journal is gone.
    fn pass_time(&mut self) -> bool {
        let now = self.clock.now();
        if self.engine.poll_timeout().is_none_or(|at| at > now.boot) {
            return true;
        }
        self.engine.handle_timeout(now);
        self.settle(now, Waiting::default())
    }

    fn feed(&mut self, now: Now, input: Input) -> Waiting {
        let mut waiting = Waiting::default();
        match input {
            Input::Outcome(id, outcome) => self.engine.handle_outcome(now, id, outcome),
            Input::Signal(signal, receipt) => {
                self.engine.handle_signal(now, signal);
                waiting.receipt = receipt;
            }
            Input::Notice(notice, receipt) => {
                self.engine.handle_notice(now, notice);
                waiting.receipt = receipt;
            }
            Input::Peer(message) => self.engine.handle_peer(now, message),
            Input::Command(command, to) => {
                let result = self.engine.handle_command(now, command);
                self.leaving |= command == Command::ShutDown && result.is_ok();
                waiting.answer = Some((to, result));
            }
            Input::Explain(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.engine.explain(now));
            }
            Input::Rehearse(command, answer) => {
                let _ = answer.send(self.engine.rehearse(now, command));
            }
            Input::Note(what) => self.noted.push(JournalEntry { at: now, what }),
            Input::Rest => self.resting = true,
            Input::GoOn => self.resting = false,
        }
        waiting
    }

    /// Takes out everything that the core has to say. False: the journal is gone.
    fn settle(&mut self, now: Now, waiting: Waiting) -> bool {
        let mut turn = Turn::default();
        let mut noted = std::mem::take(&mut self.noted).into_iter();
        while let Some(entry) = noted.next().or_else(|| self.engine.poll_journal()) {
            observability::count(&entry);
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
        turn.must_remember = differs(&memory, &self.remembered);
        let due = now.boot.since(self.remembered_at) >= MEMORY_EVERY && memory != self.remembered;
        if due || turn.must_remember || !turn.entries.is_empty() {
            self.remembered_at = now.boot;
            self.remembered = memory.clone();
            turn.memory = Some(memory);
        }
        turn.receipts.extend(waiting.receipt);
        turn.answers.extend(waiting.answer);
        if turn.is_empty() {
            // Nothing of it is in the journal, so there is nothing to wait for.
            turn.release(&self.dispatcher);
            return true;
        }
        self.journal.write(turn)
    }

    fn publish(&self, now: Now) {
        self.turned.store(now.boot.as_micros(), Ordering::Relaxed);
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

/// Whether the engine can be started again without interrupting anything.
#[must_use]
pub const fn rests(state: StateName) -> bool {
    matches!(
        state,
        StateName::Serving | StateName::Steady | StateName::Soaking | StateName::SelfFenced | StateName::NeedsOperator
    )
}

/// Whether something changed that a guard must not forget. The times in it move by a millisecond whenever they are read.
fn differs(now: &Memory, then: &Memory) -> bool {
    (now.mode, now.paused, now.operator_asked, now.epoch) != (then.mode, then.paused, then.operator_asked, then.epoch)
        || now.role_changes.len() != then.role_changes.len()
        || now.lag.is_some() != then.lag.is_some()
}
