//! Virtual time, and the clocks that the machines in it believe in.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::time::{DatabaseTime, Now, Timestamp, WallTime};

/// A moment of true, virtual time: microseconds since the start of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(u64);

impl Moment {
    /// The start of the scenario.
    pub(crate) const START: Self = Self(0);

    /// So many microseconds after the start.
    #[must_use]
    pub(crate) const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    #[must_use]
    pub(crate) const fn micros(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, or the last there is.
    #[must_use]
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The moment `duration` earlier, or the start.
    #[must_use]
    pub(crate) fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// From `earlier` until this moment, or zero.
    #[must_use]
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Microseconds from `origin` to this moment; negative if it is earlier.
    #[must_use]
    pub(crate) fn relative_to(self, origin: Self) -> i64 {
        signed(self.0) - signed(origin.0)
    }
}

/// A duration in whole microseconds.
#[must_use]
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// The clocks of one machine: a boot-time clock that drifts and a wall clock that is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MachineClock {
    /// Since when the boot-time clock has run at its rate.
    pub since: Moment,
    /// What the boot-time clock showed then, in microseconds.
    pub boot_then: u64,
    /// How much faster the boot-time clock runs than true time, in parts per million. More than -1,000,000.
    pub drift_ppm: i32,
    /// What the wall clock shows at the start of the scenario, if it is not set in the meantime.
    pub wall_at_start: WallTime,
}

impl MachineClock {
    /// Both clocks.
    #[must_use]
    pub(crate) fn now(&self, at: Moment) -> Now {
        Now {
            boot: self.boot(at),
            wall: self.wall(at),
        }
    }

    /// The boot-time clock.
    #[must_use]
    pub(crate) fn boot(&self, at: Moment) -> Timestamp {
        let elapsed = at.0.saturating_sub(self.since.0);
        let drifted = scaled(elapsed, i64::from(self.drift_ppm), 1_000_000);
        let boot = i128::from(self.boot_then) + i128::from(elapsed) + drifted;
        Timestamp::from_micros(u64::try_from(boot).unwrap_or(u64::MAX))
    }

    /// The wall clock.
    #[must_use]
    pub(crate) fn wall(&self, at: Moment) -> WallTime {
        WallTime::from_millis(self.wall_at_start.as_millis() + signed(at.0 / 1_000))
    }

    /// The same clock, with another rate from this moment on. What it shows makes no jump.
    #[must_use]
    pub(crate) fn at_rate(&self, now: Moment, drift_ppm: i32) -> Self {
        Self {
            since: now,
            boot_then: self.boot(now).as_micros(),
            drift_ppm,
            ..*self
        }
    }

    /// The same clock, with its wall clock set ahead, or back.
    #[must_use]
    pub(crate) const fn set_ahead(&self, millis: i64) -> Self {
        Self {
            wall_at_start: WallTime::from_millis(self.wall_at_start.as_millis().saturating_add(millis)),
            ..*self
        }
    }

    /// The first true moment, since the clock has had its rate, at which the boot-time clock shows `timestamp` or later.
    #[must_use]
    pub(crate) fn when(&self, timestamp: Timestamp) -> Moment {
        let shown = timestamp.as_micros().saturating_sub(self.boot_then);
        let guess = i128::from(self.since.0) + scaled(shown, 1_000_000, 1_000_000 + i64::from(self.drift_ppm));
        let mut at = Moment(u64::try_from(guess).unwrap_or(u64::MAX));
        // Rounding is off by a microsecond or two at most.
        while at > self.since && self.boot(Self::step_back(at)) >= timestamp {
            at = Self::step_back(at);
        }
        while at.0 < u64::MAX && self.boot(at) < timestamp {
            at = Moment(at.0 + 1);
        }
        at
    }

    const fn step_back(at: Moment) -> Moment {
        Moment(at.0 - 1)
    }
}

/// `micros * numerator / denominator`. Clocks are read with every event, and dividing 128 bits is slow: it is done only
/// for times so long that 64 do not hold them.
fn scaled(micros: u64, numerator: i64, denominator: i64) -> i128 {
    let product = i64::try_from(micros)
        .ok()
        .and_then(|micros| micros.checked_mul(numerator));
    match product {
        Some(product) => i128::from(product / denominator),
        None => i128::from(micros) * i128::from(numerator) / i128::from(denominator),
    }
}

/// The clocks of the two databases: right but for an offset that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DatabaseClocks {
    at_start: [i64; 2],
    /// By how many microseconds each was set ahead.
    ahead: [i64; 2],
}

impl DatabaseClocks {
    /// Clocks that show the scenario's start, each with its offset in microseconds.
    #[must_use]
    pub(crate) const fn new(start: WallTime, offset_micros: [i64; 2]) -> Self {
        let start = start.as_millis() * 1_000;
        Self {
            at_start: [start + offset_micros[0], start + offset_micros[1]],
            ahead: [0; 2],
        }
    }

    /// Sets a clock ahead of what it would show by itself, or back. False: it was so already.
    pub(crate) fn set_ahead(&mut self, region: Region, micros: i64) -> bool {
        let before = std::mem::replace(&mut self.ahead[region.index()], micros);
        self.at_start[region.index()] += micros - before;
        micros != before
    }

    /// What the clock of a region's database shows.
    #[must_use]
    pub(crate) fn show(&self, region: Region, at: Moment) -> DatabaseTime {
        DatabaseTime(self.at_start[region.index()] + signed(at.0))
    }

    /// When the clock of a region's database shows this time; the start of the scenario if that is past.
    #[must_use]
    pub(crate) fn when(&self, region: Region, time: DatabaseTime) -> Moment {
        Moment(u64::try_from(time.0.saturating_sub(self.at_start[region.index()])).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIFTS: [i32; 5] = [-20_000, -37, 0, 41, 15_625];

    const fn clock(drift_ppm: i32) -> MachineClock {
        MachineClock {
            since: Moment::START,
            boot_then: 1_234_567,
            drift_ppm,
            wall_at_start: WallTime::from_millis(1_600_000_000_000),
        }
    }

    #[test]
    fn a_wake_up_comes_at_the_first_moment_at_which_the_clock_shows_it() {
        for drift in DRIFTS {
            let clock = clock(drift);
            // The last one is ten thousand years away.
            for boot in [1_234_567, 1_234_568, 2_000_001, 98_765_432_109, 315_360_000_000_000_000] {
                let timestamp = Timestamp::from_micros(boot);
                let at = clock.when(timestamp);
                assert!(clock.boot(at) >= timestamp, "{drift} {boot}");
                assert!(at.0 == 0 || clock.boot(Moment(at.0 - 1)) < timestamp, "{drift} {boot}");
            }
        }
    }

    #[test]
    fn a_fast_clock_shows_more_time_than_has_passed() {
        let clock = clock(20_000);
        let lease = clock.boot(Moment(8_000_000)).since(clock.boot(Moment::START));
        assert_eq!(lease, Duration::from_millis(8_160));
    }

    #[test]
    fn another_rate_makes_no_jump() {
        let before = clock(20_000);
        let turn = Moment(60_000_000);
        let after = before.at_rate(turn, -300_000);
        assert_eq!(after.boot(turn), before.boot(turn));
        assert_eq!(after.wall(turn), before.wall(turn));
        let second = after.boot(Moment(61_000_000)).since(after.boot(turn));
        assert_eq!(second, Duration::from_millis(700));
        let timestamp = after.boot(Moment(75_000_001));
        let at = after.when(timestamp);
        assert!(after.boot(at) >= timestamp && after.boot(Moment(at.0 - 1)) < timestamp);
    }

    #[test]
    fn setting_a_wall_clock_moves_no_boot_time_clock() {
        let before = clock(41);
        let after = before.set_ahead(-2_000);
        let at = Moment(5_000_000);
        assert_eq!(after.boot(at), before.boot(at));
        assert_eq!(after.wall(at).as_millis(), before.wall(at).as_millis() - 2_000);
    }

    #[test]
    fn a_database_whose_clock_is_set_back_shows_every_time_later() {
        let mut clocks = DatabaseClocks::new(WallTime::from_millis(5_000), [0, 0]);
        let at = Moment::from_micros(3_000_000);
        let shown = clocks.show(Region::Home, at);
        assert!(clocks.set_ahead(Region::Home, -500_000));
        assert!(!clocks.set_ahead(Region::Home, -500_000));
        assert_eq!(clocks.when(Region::Home, shown), at.after(Duration::from_millis(500)));
        assert!(clocks.set_ahead(Region::Home, 0));
        assert_eq!(clocks.show(Region::Home, at), shown);
    }

    #[test]
    fn a_database_is_asked_and_believed_on_its_own_clock() {
        let clocks = DatabaseClocks::new(WallTime::from_millis(5_000), [0, -250]);
        let at = Moment::from_micros(9);
        assert_eq!(clocks.show(Region::Away, at), DatabaseTime(5_000_000 - 250 + 9));
        assert_eq!(clocks.when(Region::Away, clocks.show(Region::Away, at)), at);
    }
}
