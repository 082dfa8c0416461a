//! The core's two clocks, read from the machine.
//!
//! The boot-time clock is `CLOCK_BOOTTIME`: it never steps, and goes on while the machine is suspended. A drill may
//! run faster than life; then every process of it reads the same [`DrillTime`], and nothing else knows.

mod drill;

use std::future::Future;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

pub use drill::{DrillTime, NoDrillTime, Pace};

use crate::core::time::{Now, Timestamp, WallTime};

/// The clocks of this process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    drill: Option<&'static DrillTime>,
}

impl Clock {
    /// The machine's own clocks.
    #[must_use]
    pub const fn real() -> Self {
        Self { drill: None }
    }

    /// The clocks of a drill.
    #[must_use]
    pub const fn of_drill(time: &'static DrillTime) -> Self {
        Self { drill: Some(time) }
    }

    /// Both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        if let Some(drill) = self.drill {
            return drill.now();
        }
        Now {
            boot: Timestamp::from_micros(micros(ClockId::Boottime)),
            wall: WallTime::from_millis(i64::try_from(micros(ClockId::Realtime) / 1000).unwrap_or(i64::MAX)),
        }
    }

    /// The boot-time clock.
    #[must_use]
    pub fn boot(&self) -> Timestamp {
        self.now().boot
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(&self) -> WallTime {
        self.now().wall
    }

    /// How long a span of this clock takes in real time, as things go now. In a drill that can change, so whoever
    /// waits uses [`sleep`](Self::sleep) or [`timeout`](Self::timeout).
    #[must_use]
    pub fn real_span(&self, span: Duration) -> Duration {
        match self.drill {
            Some(drill) => span.div_f64(drill.pace().speed.max(1.0)),
            None => span,
        }
    }

    /// How long until a moment of the boot-time clock, in real time as things go now; zero if it is past.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Duration {
        self.real_span(at.since(self.boot()))
    }

    /// Sleeps for a span of this clock.
    pub async fn sleep(&self, span: Duration) {
        let Some(drill) = self.drill else {
            return tokio::time::sleep(span).await;
        };
        let end = drill.now().boot.after(span);
        loop {
            let left = end.since(drill.now().boot);
            if left.is_zero() {
                return;
            }
            // Time may stand still meanwhile: then it is looked at again and again, but not all the time.
            tokio::time::sleep(self.real_span(left).max(BLINK)).await;
        }
    }

    /// Waits for something, but no longer than a span of this clock. None: it took longer.
    pub async fn timeout<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.sleep(span) => None,
        }
    }
}

/// The shortest sleep in a drill.
const BLINK: Duration = Duration::from_micros(200);

fn micros(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000 + nanos / 1_000
}
