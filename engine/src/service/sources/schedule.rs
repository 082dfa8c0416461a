//! When a probe is due: on a grid that begins with the process, without drift and without overlap.

use std::time::Duration;

use crate::core::time::{Timestamp, WallTime};
use crate::service::clock::Clock;

/// One turn of a schedule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// When the next turn is due.
    ends: Timestamp,
}

impl Slot {
    /// How long a look may take that is allowed `timeout`. One that is allowed the whole interval began a little late,
    /// as every timer does; it gives way to the next by at most a tenth. Otherwise a hanging target would push each look
    /// further behind the grid. One that began much later than that keeps its time: that was not the target's fault.
    pub(super) fn patience(&self, timeout: Duration, now: Timestamp) -> Duration {
        let left = self.ends.since(now);
        if left >= timeout.mul_f64(0.9) {
            timeout.min(left)
        } else {
            timeout
        }
    }
}

/// Turns, one every `interval` of a clock. One that lasts longer than its slot makes the next one begin at once, and
/// those in between are left out.
#[derive(Debug)]
pub(super) struct Schedule {
    clock: Clock,
    interval: Duration,
    began: Timestamp,
    /// The number of the last turn; none has begun yet.
    last: Option<u32>,
}

impl Schedule {
    /// A schedule whose first turn is due now.
    pub(super) fn new(clock: Clock, interval: Duration) -> Self {
        Self {
            clock,
            interval: interval.max(Duration::from_millis(1)),
            began: clock.boot(),
            last: None,
        }
    }

    /// Waits until the next turn is due.
    pub(super) async fn next(&mut self) -> Slot {
        let number = self
            .last
            .map_or(0, |last| next(last, self.interval, self.clock.boot().since(self.began)));
        self.last = Some(number);
        self.clock.sleep(self.due(number).since(self.clock.boot())).await;
        Slot {
            ends: self.due(number.saturating_add(1)),
        }
    }

    fn due(&self, number: u32) -> Timestamp {
        self.began.after(self.interval.saturating_mul(number))
    }
}

/// The number of the turn after this one, when so much has passed since turn 0 was due.
fn next(number: u32, interval: Duration, passed: Duration) -> u32 {
    let under_way = passed.as_micros() / interval.as_micros().max(1);
    u32::try_from(under_way)
        .unwrap_or(u32::MAX)
        .max(number.saturating_add(1))
}

/// Gives every observation of one witness a moment of its own. Two answers can be known within one millisecond (of a
/// drill's: twenty), and the core takes two observations of one moment for one.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    last: Option<WallTime>,
}

/// A wall clock that was set back by more than this is believed.
const TIED: Duration = Duration::from_millis(50);

impl Stamps {
    /// The moment of an observation that is known now.
    pub(super) fn at(&mut self, wall: WallTime) -> WallTime {
        let stamp = match self.last {
            Some(last) if last >= wall && last.since(wall) <= TIED => {
                WallTime::from_millis(last.as_millis().saturating_add(1))
            }
            _ => wall,
        };
        self.last = Some(stamp);
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn turns_stay_on_the_grid() {
        let millis = Duration::from_millis;
        assert_eq!(next(0, SECOND, millis(3)), 1, "a quick one waits for the next slot");
        assert_eq!(next(0, SECOND, millis(1_002)), 1, "a late one goes on at once");
        assert_eq!(
            next(7, SECOND, millis(60_500)),
            60,
            "what was slept through is left out"
        );
    }

    #[test]
    fn a_look_gives_way_to_the_next_by_a_tenth_at_most() {
        let slot = Slot {
            ends: Timestamp::from_micros(5_000_000),
        };
        let patience = |begun| slot.patience(SECOND, Timestamp::from_micros(begun));
        assert_eq!(patience(4_002_000), Duration::from_millis(998));
        assert_eq!(patience(4_500_000), SECOND);
        assert_eq!(slot.patience(SECOND / 2, Timestamp::from_micros(4_002_000)), SECOND / 2);
    }

    #[test]
    fn no_two_observations_share_a_moment_and_a_clock_that_was_set_back_is_believed() {
        let mut stamps = Stamps::default();
        let at = WallTime::from_millis;
        let stamped = [1_000, 1_000, 1_000, 2_000, 1_500].map(|wall| stamps.at(at(wall)).as_millis());
        assert_eq!(stamped, [1_000, 1_001, 1_002, 2_000, 1_500]);
    }
}
