//! The core's two clocks, read from the machine.
//!
//! The boot-time clock is `CLOCK_BOOTTIME`: it never steps, and goes on while the machine is suspended. A drill may
//! run faster than life; then every process of it has the same [`Pace`], and nothing else knows.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::core::time::{Now, Timestamp, WallTime};

/// How a drill's time runs, agreed upon by all its processes: at the real moment `began` it was `shows`, and since then
/// it has run `speed` times as fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The real wall clock when the drill began.
    pub began: WallTime,
    /// What the drill's clocks showed then.
    pub shows: WallTime,
    /// How many of the drill's seconds pass in one real one. At least 1.
    pub speed: f64,
}

/// The clocks of this process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    pace: Option<Pace>,
}

impl Clock {
    /// The machine's own clocks.
    #[must_use]
    pub const fn real() -> Self {
        Self { pace: None }
    }

    /// The clocks of a drill.
    #[must_use]
    pub const fn of_drill(pace: Pace) -> Self {
        Self { pace: Some(pace) }
    }

    /// Both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            boot: self.boot(),
            wall: self.wall(),
        }
    }

    /// The boot-time clock.
    #[must_use]
    pub fn boot(&self) -> Timestamp {
        let micros = micros(ClockId::Boottime);
        Timestamp::from_micros(self.pace.map_or(micros, |pace| scale(micros, pace.speed)))
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(&self) -> WallTime {
        let millis = i64::try_from(micros(ClockId::Realtime) / 1000).unwrap_or(i64::MAX);
        let Some(pace) = self.pace else {
            return WallTime::from_millis(millis);
        };
        let since = u64::try_from(millis.saturating_sub(pace.began.as_millis())).unwrap_or(0);
        let shown = i64::try_from(scale(since, pace.speed)).unwrap_or(i64::MAX);
        WallTime::from_millis(pace.shows.as_millis().saturating_add(shown))
    }

    /// How long a span of this clock takes in real time. Every wait and every time-out goes through here.
    #[must_use]
    pub fn real_span(&self, span: Duration) -> Duration {
        match self.pace {
            Some(pace) => span.div_f64(pace.speed.max(1.0)),
            None => span,
        }
    }

    /// How long until a moment of the boot-time clock, in real time; zero if it is past.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Duration {
        self.real_span(at.since(self.boot()))
    }

    /// Sleeps for a span of this clock.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(self.real_span(span)).await;
    }
}

fn micros(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000 + nanos / 1_000
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a drill's clock: 2^53 microseconds are 285 years, and the factor is positive"
)]
fn scale(value: u64, speed: f64) -> u64 {
    (value as f64 * speed.max(1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_at_ten_times_the_speed_waits_a_tenth_of_the_time() {
        let clock = Clock::of_drill(Pace {
            began: Clock::real().wall(),
            shows: WallTime::from_millis(0),
            speed: 10.0,
        });
        assert_eq!(clock.real_span(Duration::from_secs(20)), Duration::from_secs(2));
        assert_eq!(clock.until(Timestamp::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_drill_shows_its_own_wall_clock() {
        let began = Clock::real().wall();
        let shows = WallTime::from_millis(1_000_000);
        let clock = Clock::of_drill(Pace {
            began,
            shows,
            speed: 1.0,
        });
        assert!(clock.wall() >= shows);
        assert!(clock.wall() < WallTime::from_millis(1_000_000 + 600_000));
    }
}
