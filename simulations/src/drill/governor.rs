//! How fast a drill's time runs, and what it waits for.
//!
//! At real time nothing is governed: what the machine delays is measured. At any other speed a delay of the machine would
//! count many times, and a region would look lost because a processor was busy. So time is held: it never gets further
//! ahead than the world and every process of the engine have kept up with. A slow machine makes a fast drill longer, and
//! its answer no other.

use std::io;
use std::time::Duration;

use understudy_engine::service::clock::DrillTime;

/// How fast a drill is to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as life, from beginning to end.
    Fixed(f64),
    /// As fast as the machine can while nothing happens, and [`Speed::AWAKE`] while something does.
    Adaptive,
}

impl Speed {
    /// How fast an adaptive drill runs while something happens.
    pub const AWAKE: f64 = 10.0;
    /// The fastest.
    pub const MAX: f64 = 400.0;
    /// Above this a verdict depends on how the processes were scheduled.
    pub const SURE: f64 = 10.0;

    /// The speed at which something that happens is measured.
    #[must_use]
    pub const fn measured(self) -> f64 {
        match self {
            Self::Fixed(speed) => speed,
            Self::Adaptive => Self::AWAKE,
        }
    }
}

/// How far time may get ahead of the world itself.
const AHEAD_OF_WORLD: Duration = Duration::from_millis(400);
/// How far time may get ahead of the last time that a process did what it does every second.
const AHEAD_OF_PROCESS: Duration = Duration::from_millis(1_500);
/// By how much an adaptive drill gets faster in each of its seconds. Whoever sleeps wakes up late by no more.
const FASTER: f64 = 0.05;
/// By how much it gets slower whenever somebody does not keep up.
const SLOWER: f64 = 0.9;

/// Keeps a drill's pace.
#[derive(Debug)]
pub(crate) struct Governor {
    time: &'static DrillTime,
    speed: Speed,
    /// When the pace was last changed.
    changed: u64,
}

impl Governor {
    pub(crate) const fn new(time: &'static DrillTime, speed: Speed) -> Self {
        Self {
            time,
            speed,
            changed: 0,
        }
    }

    /// How fast the drill was told to run.
    pub(crate) const fn speed(&self) -> Speed {
        self.speed
    }

    /// How fast time runs now.
    pub(crate) fn speed_now(&self) -> f64 {
        self.time.pace().speed
    }

    /// Everybody is there: time begins.
    pub(crate) fn begin(&self) -> io::Result<()> {
        let held_at = if self.is_governed() {
            micros(AHEAD_OF_WORLD)
        } else {
            u64::MAX
        };
        self.time.set(&self.time.pace().held_at(held_at))
    }

    /// Lets time go on. `heard` is the moment at which whatever is done every second was last done by the one that is
    /// furthest behind, in microseconds of the drill.
    pub(crate) fn go_on(&mut self, something_happens: bool, heard: Option<u64>) -> io::Result<()> {
        if !self.is_governed() {
            return Ok(());
        }
        let pace = self.time.pace();
        let now = self.time.micros();
        let limit = heard.map_or(u64::MAX, |heard| heard.saturating_add(micros(AHEAD_OF_PROCESS)));
        let held_at = now
            .saturating_add(micros(AHEAD_OF_WORLD))
            .min(limit)
            .max(pace.held_at)
            .max(now);
        let speed = match self.speed {
            Speed::Fixed(speed) => speed,
            Speed::Adaptive if something_happens => Speed::AWAKE,
            Speed::Adaptive if now >= pace.held_at => (pace.speed * SLOWER).max(Speed::AWAKE),
            Speed::Adaptive => {
                let seconds = Duration::from_micros(now.saturating_sub(self.changed)).as_secs_f64();
                (pace.speed * (1.0 + FASTER * seconds.min(1.0))).min(Speed::MAX)
            }
        };
        self.changed = now;
        self.time.set(&pace.at_speed(speed).held_at(held_at))
    }

    pub(crate) fn is_governed(&self) -> bool {
        self.speed != Speed::Fixed(1.0)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use understudy_engine::service::clock::Pace;

    use super::super::folder::Folder;
    use super::*;

    fn held(folder: &Folder) -> &'static DrillTime {
        let pace = Pace {
            held_at: 0,
            ..Pace::from_now(0, Speed::AWAKE, 0)
        };
        DrillTime::begin(&folder.path("time"), &pace).unwrap().forever()
    }

    #[test]
    fn a_fast_drill_waits_for_the_most_silent_process_and_real_time_waits_for_nobody() {
        let folder = Folder::new().unwrap();
        let time = held(&folder);
        let mut governor = Governor::new(time, Speed::Adaptive);
        governor.begin().unwrap();
        for _ in 0..200_000 {
            governor.go_on(false, Some(1_000_000)).unwrap();
        }
        assert!(time.micros() <= 2_500_000, "{}", time.micros());
        let folder = Folder::new().unwrap();
        let time = held(&folder);
        Governor::new(time, Speed::Fixed(1.0)).begin().unwrap();
        assert_eq!(time.pace().held_at, u64::MAX);
    }

    #[test]
    fn an_adaptive_drill_slows_down_at_once_and_gets_faster_bit_by_bit() {
        let folder = Folder::new().unwrap();
        let time = held(&folder);
        let mut governor = Governor::new(time, Speed::Adaptive);
        governor.begin().unwrap();
        let mut before = Speed::AWAKE;
        while governor.speed_now() < 15.0 {
            governor.go_on(false, None).unwrap();
            assert!(governor.speed_now() <= before * (1.0 + FASTER) + 1e-9);
            before = governor.speed_now();
        }
        governor.go_on(true, None).unwrap();
        assert!((governor.speed_now() - Speed::AWAKE).abs() < 1e-9);
    }
}
