//! Notices a disk that neither writes nor fails. A sidecar that cannot write its journal can begin nothing, and must
//! leave its seat to one that can.

use std::time::{Duration, Instant};

/// For so long, in real time, a write may go unanswered. A choice: longer than the hiccups of a network disk, and short
/// enough that another sidecar takes over within half a minute.
const STALL_MAX: Duration = Duration::from_secs(10);
/// What one look may count for: a process that was suspended has not waited for its disk.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// How long the present write has gone unanswered.
#[derive(Debug)]
pub(super) struct Stall {
    write: Option<u64>,
    waited: Duration,
    looked: Instant,
}

impl Stall {
    pub(super) fn new() -> Self {
        Self {
            write: None,
            waited: Duration::ZERO,
            looked: now(),
        }
    }

    /// Whether the write of this number has gone unanswered for too long.
    pub(super) fn goes_on(&mut self, unanswered: Option<u64>) -> bool {
        let now = now();
        let passed = now.duration_since(self.looked).min(LOOK_MAX);
        self.looked = now;
        if unanswered.is_none() || unanswered != self.write {
            self.write = unanswered;
            self.waited = Duration::ZERO;
            return false;
        }
        self.waited += passed;
        self.waited >= STALL_MAX
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a disk knows no drill: its time is the machine's"
)]
fn now() -> Instant {
    Instant::now()
}
