//! The one way by which events become inputs of the core: from a queue, from `POST /events`, from a recorded file.
//!
//! ```text
//!  body ──▶ decode ──▶ a signal or a notice ──▶ the core's inbox, with the receipt
//!             ├──▶ ignored: none of the platform's business; the receipt is done at once
//!             └──▶ poison: nothing of it reaches the core; whoever brought it deals with it
//! ```
//!
//! Everything is counted. What goes into the log is bounded: a storm of bad events is a line for each reason now and
//! then, and the counters have the rest.
#![expect(
    clippy::disallowed_types,
    reason = "several sources feed one intake; the core behind the inbox sees none of this"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{debug, warn};

use super::throttle::Throttle;
use crate::core::signal::Signal;
use crate::core::time::WallTime;
use crate::decode::{
    Content, Counters, Decoded, Directory, Ignored, Kind, OutcomeGroup, ReasonKind, Rejection, decode,
};
use crate::service::clock::Clock;
use crate::service::context::Context;
use crate::service::shell::{Inbox, Input, Receipt};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It waits for the core. Its receipt is done once what follows from it is durable.
    Delivered(Kind),
    /// It was understood, and is none of the engine's business. Its receipt is done.
    Ignored(Kind, Ignored),
    /// Nothing of it reached the core, and sending it again will not help. Its receipt was dropped.
    Poison(Rejection),
    /// The engine takes nothing in any more: the process ends. Its receipt was dropped.
    Ending,
}

/// Decodes events and feeds the core.
#[derive(Debug)]
pub struct Intake {
    directory: Directory,
    inbox: Arc<Inbox>,
    clock: Clock,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    counters: Counters,
    rejected: [Throttle; ReasonKind::ALL.len()],
}

impl Intake {
    /// The intake of one sidecar.
    #[must_use]
    pub fn new(context: &Context, inbox: Arc<Inbox>) -> Self {
        let policy = &context.policy;
        Self {
            directory: Directory::new(&policy.regions, &policy.witnesses, &context.platform.environment),
            inbox,
            clock: context.clock,
            book: Mutex::default(),
        }
    }

    /// Takes one event in. The core judges it by the observer's own time, which stands in it.
    pub fn take(&self, body: &[u8], receipt: Receipt) -> Verdict {
        self.take_with(body, receipt, |observed| observed)
    }

    /// Takes one event in as if what it says had been observed at another moment: a recorded one is old by now.
    pub(super) fn take_as_of(&self, body: &[u8], observed: WallTime, receipt: Receipt) -> Verdict {
        self.take_with(body, receipt, |_| observed)
    }

    fn take_with(&self, body: &[u8], receipt: Receipt, when: impl FnOnce(WallTime) -> WallTime) -> Verdict {
        let result = decode(&self.directory, body, self.clock.wall());
        self.note(&result);
        let decoded = match result {
            Ok(decoded) => decoded,
            Err(rejection) => return Verdict::Poison(rejection),
        };
        let input = match decoded.content {
            Content::Ignored(ignored) => {
                receipt.done();
                return Verdict::Ignored(decoded.kind, ignored);
            }
            Content::Notice { notice, .. } => Input::Notice(notice, Some(receipt)),
            Content::Signal(signal) => {
                let observed = when(signal.observed);
                Input::Signal(Signal { observed, ..signal }, Some(receipt))
            }
        };
        if self.inbox.put(input) {
            Verdict::Delivered(decoded.kind)
        } else {
            Verdict::Ending
        }
    }

    /// How often each outcome occurred.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.book().counters.clone()
    }

    fn note(&self, result: &Result<Decoded, Rejection>) {
        let (group, name) = label(result);
        metrics::counter!("understudy_events_total", "outcome" => group.label(), "kind" => name).increment(1);
        let mut book = self.book();
        book.counters.record(result);
        match result {
            Ok(decoded) => {
                drop(book);
                debug!(outcome = group.label(), kind = name, "an event");
                if let Some(delay) = decoded.delay() {
                    metrics::histogram!("understudy_event_delay_seconds", "kind" => name).record(delay.as_secs_f64());
                }
            }
            Err(rejection) => {
                let line = book.rejected[rejection.reason.kind() as usize].admit(self.clock.boot());
                drop(book);
                if let Some(held_back) = line {
                    warn!(%rejection, kind = name, not_shown = held_back, "an event is rejected");
                }
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Whoever panicked while holding it left a count that is off by one at most.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names by which an outcome is counted.
fn label(result: &Result<Decoded, Rejection>) -> (OutcomeGroup, &'static str) {
    match result {
        Ok(Decoded {
            content: Content::Ignored(ignored),
            ..
        }) => (OutcomeGroup::Ignored, ignored.label()),
        Ok(Decoded { kind, .. }) => (OutcomeGroup::Decoded, kind.label()),
        Err(rejection) => (OutcomeGroup::Rejected, rejection.reason.kind().label()),
    }
}
