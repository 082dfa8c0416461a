//! Recorded events, played as if they happened now: `run --events FILE`.
//!
//! One line of JSON for each, either the event itself or, with its pauses,
//!
//! ```json
//! {"after_ms": 1500, "late_ms": 200, "event": {"detail-type": "CloudWatch Alarm State Change", "…": "…"}}
//! ```
//!
//! - `after_ms`: how long after the line before it (or after the start) it arrives. At once, if left out.
//! - `late_ms`: how long before that it was observed. Just then, if left out.
//!
//! The moments that stand in the events themselves are over, and the core takes nothing that is stale; so each counts as
//! observed when it is played. Empty lines are skipped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::{info, warn};

use super::intake::{Intake, Verdict};
use super::schedule::Stamps;
use crate::core::time::WallTime;
use crate::decode::BODY_BYTES_MAX;
use crate::service::clock::Clock;
use crate::service::shell::Receipt;

/// The largest file, because it is held in memory while it is played.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The longest pause: a day. A longer one is a slip of the unit.
const PAUSE_MS_MAX: u64 = 24 * 3600 * 1000;

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum Unplayable {
    /// It cannot be read.
    #[error("the events {} cannot be read: {because}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        because: std::io::Error,
    },
    /// It is too large.
    #[error("the events {} take more than {} MiB; play them in parts", .0.display(), FILE_BYTES_MAX / 1024 / 1024)]
    TooLarge(PathBuf),
    /// A line is none.
    #[error("{}, line {line}: {because}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        because: String,
    },
}

/// Events to play.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    after: Duration,
    late: Duration,
    event: Box<str>,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line of it is no JSON object. Whether an object is an event shows when it is played.
    pub fn read(path: &Path) -> Result<Self, Unplayable> {
        let unreadable = |because| Unplayable::Unreadable {
            path: path.to_owned(),
            because,
        };
        if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            return Err(Unplayable::TooLarge(path.to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let lines = parse(&text).map_err(|(line, because)| Unplayable::Line {
            path: path.to_owned(),
            line,
            because,
        })?;
        Ok(Self {
            path: path.to_owned(),
            lines,
        })
    }

    /// Plays every event, in order.
    pub async fn play(self, intake: Arc<Intake>, clock: Clock) {
        let events = self.lines.len();
        let mut stamps = Stamps::default();
        for line in self.lines {
            clock.sleep(line.after).await;
            let late = i64::try_from(line.late.as_millis()).unwrap_or(i64::MAX);
            let observed = WallTime::from_millis(clock.wall().as_millis().saturating_sub(late));
            // Nobody waits for it: a recording is not sent again.
            let receipt = Receipt::new(|| {});
            match intake.take_as_of(line.event.as_bytes(), stamps.at(observed), receipt) {
                Verdict::Poison(rejection) => {
                    warn!(file = %self.path.display(), line = line.number, %rejection, "a recorded event is rejected");
                }
                Verdict::Ending => return,
                Verdict::Delivered(_) | Verdict::Ignored(..) => {}
            }
        }
        info!(file = %self.path.display(), events, "the recorded events were played");
    }
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    after_ms: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timed<'a> {
    #[serde(default)]
    after_ms: u64,
    #[serde(default)]
    late_ms: u64,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The lines of a text, or the number of the first that is wrong and what is wrong with it.
fn parse(text: &str) -> Result<Vec<Line>, (usize, String)> {
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(number, text)| line(number, text).map_err(|because| (number, because)))
        .collect()
}

fn line(number: usize, text: &str) -> Result<Line, String> {
    // The line is named already, and a place in it is a column.
    let wrong = |error: serde_json::Error| {
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        format!("column {}: {said}", error.column())
    };
    if !text.trim_start().starts_with('{') {
        return Err("no event; write one JSON object in each line".to_owned());
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(wrong)?;
    let (after_ms, late_ms, event) = match fields {
        Fields { event: Some(_), .. } => {
            let timed: Timed<'_> = serde_json::from_str(text).map_err(wrong)?;
            (timed.after_ms, timed.late_ms, timed.event.get())
        }
        Fields { after_ms: Some(_), .. } => {
            return Err("`after_ms` without an event; put the event into `event`".to_owned());
        }
        Fields { .. } => (0, 0, text),
    };
    if after_ms.max(late_ms) > PAUSE_MS_MAX {
        return Err(format!(
            "a pause of more than {PAUSE_MS_MAX} ms; is it in milliseconds?"
        ));
    }
    if event.len() > BODY_BYTES_MAX {
        return Err(format!("the event takes more than {} KiB", BODY_BYTES_MAX / 1024));
    }
    Ok(Line {
        number,
        after: Duration::from_millis(after_ms),
        late: Duration::from_millis(late_ms),
        event: event.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_events_with_or_without_pauses() {
        let text = "{\"source\":\"aws.rds\"}\n\n{\"after_ms\": 1500, \"event\": {\"a\": 1}, \"late_ms\": 20}\n";
        let line = |number, after, late, event: &str| Line {
            number,
            after: Duration::from_millis(after),
            late: Duration::from_millis(late),
            event: event.into(),
        };
        let expected = [
            line(1, 0, 0, "{\"source\":\"aws.rds\"}"),
            line(3, 1_500, 20, "{\"a\": 1}"),
        ];
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("{}\n[1]", "no event"),
            ("{}\n{\"a\": }", "column 7: expected value"),
            ("{}\n{\"after_ms\": 5}", "put the event into `event`"),
            ("{}\n{\"after\": 5, \"event\": {}}", "unknown field `after`"),
            ("{}\n{\"after_ms\": -5, \"event\": {}}", "invalid value"),
            ("{}\n{\"after_ms\": 86400001, \"event\": {}}", "is it in milliseconds"),
        ];
        for (text, expected) in cases {
            let (number, because) = parse(text).unwrap_err();
            assert_eq!(number, 2, "{text}");
            assert!(because.contains(expected), "{text}: {because}");
        }
    }
}
