//! Who hears how a run goes on, and the one that tells people.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use understudy_policies::model::RegionName;

use super::graph::{Done, Listen};
use super::stacks::Event;
use crate::aws::Trouble;
use crate::spanning::{ChangeKind, Difference, Watch};

/// Hears everything: nodes, calls, stack events.
pub trait Report: Watch + Listen {
    /// A stack's event.
    fn event(&self, region: &RegionName, stack: &str, event: &Event);
    /// Anything else worth a line.
    fn note(&self, text: &str);
}

/// Between two lines that say that something is still waited for.
const WAITS_EVERY: Duration = Duration::from_secs(30);

/// Tells people, line by line, on standard error.
#[derive(Debug)]
pub struct Console {
    began: Instant,
    last_wait: Mutex<Option<Instant>>,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            last_wait: Mutex::new(None),
        }
    }
}

impl Console {
    fn line(&self, who: &str, text: &str) {
        let at = self.began.elapsed().as_secs();
        // Whoever listened may have gone; the run goes on.
        let mut out = std::io::stderr().lock();
        drop(writeln!(out, "{:>3}:{:02}  {who:<39}  {text}", at / 60, at % 60));
    }
}

/// Seconds as people say them.
#[must_use]
pub fn about(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("about {seconds} s"),
        _ => format!("about {} min", seconds.div_ceil(60)),
    }
}

/// A change as a sign: `+`, `~`, `!`, `-`.
#[must_use]
pub const fn sign(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Add => "+",
        ChangeKind::Change => "~",
        ChangeKind::Replace => "!",
        ChangeKind::Remove => "-",
    }
}

impl Watch for Console {
    fn begins<'a>(&'a self, node: &'a str, difference: &'a Difference) -> BoxFuture<'a, Result<(), Trouble>> {
        let Difference {
            change,
            what,
            region,
            detail,
            ..
        } = difference;
        self.line(node, &format!("{} {what} in {region}  {detail}", sign(*change)));
        Box::pin(async { Ok(()) })
    }

    fn done<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn waits(&self, node: &str, what: &str, since: Duration) {
        let mut last = self.last_wait.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= WAITS_EVERY) {
            *last = Some(Instant::now());
            self.line(node, &format!("waits for {what}, for {} s by now", since.as_secs()));
        }
    }
}

impl Listen for Console {
    fn node_begins(&self, name: &str, eta_s: u64) {
        self.line(
            name,
            &format!("begins ({} left, if nothing is there yet)", about(eta_s)),
        );
    }

    fn node_ends(&self, name: &str, done: Result<Done, &Trouble>, eta_s: u64) {
        let text = match done {
            Ok(Done::Same) => "as it should be".to_owned(),
            Ok(Done::Changed) => format!("done ({} left, if nothing is there yet)", about(eta_s)),
            Err(trouble) => format!("FAILED: {trouble}"),
        };
        self.line(name, &text);
    }
}

impl Report for Console {
    fn event(&self, _: &RegionName, stack: &str, event: &Event) {
        let Event {
            resource,
            kind,
            status,
            reason,
        } = event;
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        self.line(stack, &format!("{status:<24} {resource} ({kind}){reason}"));
    }

    fn note(&self, text: &str) {
        self.line("", text);
    }
}
