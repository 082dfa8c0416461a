//! The time of a drill: one small file that the drill writes and all its processes read.
//!
//! A drill runs at any speed, and changes it while it runs. Every process maps the machine's boot-time clock to the
//! drill's time in the same way, so all of them agree at every moment, also one that was suspended meanwhile. Time can be
//! held: it never gets past `held_at`, which the drill moves ahead while every process keeps up with it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::time::ClockId;

use super::micros;
use crate::core::time::{Now, Timestamp, WallTime};

/// How a drill's time runs: at the real moment `began` it was `shows`, since then it has run `speed` times as fast, and
/// it stops at `held_at`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The machine's boot-time clock when this pace began, in microseconds.
    pub began: u64,
    /// The drill's time then, in microseconds since the drill's start.
    pub shows: u64,
    /// How many of the drill's seconds pass in one real one. At least 1.
    pub speed: f64,
    /// The drill's time does not get past this, in microseconds since the drill's start.
    pub held_at: u64,
    /// What the drill's wall clock shows at the drill's start, in milliseconds since 1970-01-01T00:00:00Z.
    pub starts: i64,
}

/// What the drill's boot-time clock shows at its start, in microseconds. Any moment that lies well after the clock's
/// origin would do.
const BOOT_AT_START: u64 = 1_000_000_000;
/// The number of the pace before and after it: a reader that sees two different ones has met a writer, and looks again.
const FIELDS: usize = 7;
const BYTES: usize = FIELDS * 8;
/// A writer needs a microsecond.
const LOOKS_MAX: usize = 10_000;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the drill's time in {} cannot be used: {because}", path.display())]
pub struct NoDrillTime {
    path: PathBuf,
    because: std::io::Error,
}

/// The drill's time, as one process sees it.
#[derive(Debug)]
pub struct DrillTime {
    file: File,
}

impl DrillTime {
    /// Begins a drill's time. Whoever does may change its [`Pace`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(path: &Path, pace: &Pace) -> Result<Self, NoDrillTime> {
        let failed = |because| NoDrillTime {
            path: path.to_owned(),
            because,
        };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(path);
        let time = Self {
            file: file.map_err(failed)?,
        };
        time.write(1, pace).map_err(failed)?;
        Ok(time)
    }

    /// Joins a drill.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no time.
    pub fn join(path: &Path) -> Result<Self, NoDrillTime> {
        let failed = |because| NoDrillTime {
            path: path.to_owned(),
            because,
        };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length != BYTES as u64 {
            return Err(failed(std::io::ErrorKind::InvalidData.into()));
        }
        Ok(Self { file })
    }

    /// For the rest of the process's life, so that a clock is cheap to hand around.
    #[must_use]
    pub fn forever(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    /// How time runs now.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.read().1
    }

    /// Changes how time runs.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&self, pace: &Pace) -> std::io::Result<()> {
        self.write(self.read().0 + 1, pace)
    }

    /// The drill's time in microseconds since its start.
    #[must_use]
    pub fn micros(&self) -> u64 {
        // The machine's clock first: if the pace changes in between, no time is counted at a speed that came later.
        let real = micros(ClockId::Boottime);
        self.pace().at(real)
    }

    pub(super) fn now(&self) -> Now {
        let real = micros(ClockId::Boottime);
        let pace = self.pace();
        let micros = pace.at(real);
        let millis = i64::try_from(micros / 1_000).unwrap_or(i64::MAX);
        Now {
            boot: Self::boot_at(micros),
            wall: WallTime::from_millis(pace.starts.saturating_add(millis)),
        }
    }

    /// What the drill's boot-time clock shows, so many microseconds after the drill's start.
    #[must_use]
    pub const fn boot_at(micros: u64) -> Timestamp {
        Timestamp::from_micros(BOOT_AT_START + micros)
    }

    fn read(&self) -> (u64, Pace) {
        let mut bytes = [0; BYTES];
        let mut fields = [0; FIELDS];
        for _ in 0..LOOKS_MAX {
            // Nobody makes the file shorter: what cannot be read leaves what was read before.
            if self.file.read_exact_at(&mut bytes, 0).is_ok() {
                for (field, bytes) in fields.iter_mut().zip(bytes.as_chunks::<8>().0) {
                    *field = u64::from_le_bytes(*bytes);
                }
                if fields[0] == fields[FIELDS - 1] {
                    break;
                }
            }
        }
        let [number, began, shows, speed, held_at, starts, _] = fields;
        let pace = Pace {
            began,
            shows,
            speed: f64::from_bits(speed),
            held_at,
            starts: starts.cast_signed(),
        };
        (number, pace)
    }

    fn write(&self, number: u64, pace: &Pace) -> std::io::Result<()> {
        let starts = pace.starts.cast_unsigned();
        let fields = [
            number,
            pace.began,
            pace.shows,
            pace.speed.to_bits(),
            pace.held_at,
            starts,
            number,
        ];
        let mut bytes = [0; BYTES];
        for (bytes, field) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
            *bytes = field.to_le_bytes();
        }
        self.file.write_all_at(&bytes, 0)
    }
}

impl Pace {
    /// A pace that begins now.
    #[must_use]
    pub fn from_now(shows: u64, speed: f64, starts: i64) -> Self {
        Self {
            began: micros(ClockId::Boottime),
            shows,
            speed,
            held_at: u64::MAX,
            starts,
        }
    }

    /// The same time, at another speed from now on.
    #[must_use]
    pub fn at_speed(&self, speed: f64) -> Self {
        let real = micros(ClockId::Boottime);
        Self {
            began: real,
            shows: self.at(real),
            speed,
            ..*self
        }
    }

    /// The same time, held at another moment. What it was held up by is not caught up with.
    #[must_use]
    pub fn held_at(&self, held_at: u64) -> Self {
        Self {
            held_at,
            ..self.at_speed(self.speed)
        }
    }

    /// The drill's time at a moment of the machine's boot-time clock, in microseconds since the drill's start.
    fn at(&self, real: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "2^53 microseconds are 285 years, and the speed is positive"
        )]
        let run = (real.saturating_sub(self.began) as f64 * self.speed.max(1.0)) as u64;
        self.shows.saturating_add(run).min(self.held_at.max(self.shows))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::service::clock::Clock;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("understudy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_pace_runs_at_its_speed_and_is_held_where_it_is_told() {
        let pace = Pace {
            began: 1_000,
            shows: 500,
            speed: 10.0,
            held_at: 4_000,
            starts: 0,
        };
        assert_eq!(
            [900, 1_000, 1_100, 2_000].map(|real| pace.at(real)),
            [500, 500, 1_500, 4_000]
        );
    }

    #[test]
    fn everybody_who_joins_sees_the_same_time_and_every_change_of_its_pace() {
        let folder = folder("joined");
        let path = folder.join("time");
        let pace = Pace {
            held_at: 5_000_000,
            ..Pace::from_now(5_000_000, 1.0, 1_700_000_000_000)
        };
        let own = DrillTime::begin(&path, &pace).unwrap();
        let clock = Clock::of_drill(DrillTime::join(&path).unwrap().forever());
        assert_eq!(clock.boot(), DrillTime::boot_at(5_000_000));
        assert_eq!(clock.wall(), WallTime::from_millis(1_700_000_005_000));
        own.set(&own.pace().held_at(9_000_000).at_speed(100.0)).unwrap();
        assert_eq!(clock.real_span(Duration::from_secs(20)), Duration::from_millis(200));
        assert!(DrillTime::join(&folder.join("no-time")).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn whoever_waits_in_a_drill_waits_for_its_time_and_not_for_the_machines() {
        let folder = folder("waiting");
        let path = folder.join("time");
        let held = Pace {
            held_at: 0,
            ..Pace::from_now(0, 1000.0, 0)
        };
        let own = DrillTime::begin(&path, &held).unwrap();
        let clock = Clock::of_drill(DrillTime::join(&path).unwrap().forever());
        let waiting = tokio::spawn(async move {
            clock
                .timeout(Duration::from_secs(1), std::future::pending::<()>())
                .await
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(
            !waiting.is_finished(),
            "twenty seconds of the drill, had it not been held"
        );
        own.set(&own.pace().held_at(u64::MAX)).unwrap();
        assert_eq!(waiting.await.unwrap(), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
