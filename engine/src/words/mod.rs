//! The engine's names and values as a person reads them: the same sentences in logs, on the status page, on the command
//! line, and in the simulator's reports.
//!
//! The core knows two regions, home and away. A person knows them by name, so whatever speaks of a region takes
//! [`Names`].

mod decisions;
mod effects;
mod happenings;
mod states;
mod steps;

pub use decisions::{
    assessment, comparison, decision, finding, flip, guard, guard_subject, value, verdict, witness_state,
};
pub use effects::{announcement, gate, intent, intent_name, outcome_name, page_reason, switch};
pub use happenings::{command, happening, kind};
pub use states::{assessment_meaning, state, todo};
pub use steps::{patience, step};

use std::time::Duration;

use crate::core::ids::Region;

/// What the two regions are called, home first.
pub type Names<'a> = [&'a str; 2];

/// A region's name.
#[must_use]
pub const fn region<'a>(region: Region, names: Names<'a>) -> &'a str {
    names[region.index()]
}

/// A time span to the millisecond, largest units first, at most two of them.
#[must_use]
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    let millis = span.subsec_millis();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, secs) if millis == 0 => format!("{secs} s"),
        (0, 0, secs) => format!("{secs}.{millis:03} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// The same for a glance: whole seconds below a minute, tenths below ten seconds.
#[must_use]
pub fn span(seconds: f64) -> String {
    if seconds < 9.95 {
        format!("{:.1} s", seconds.max(0.0))
    } else {
        // The float-to-integer cast saturates, which is what is wanted here.
        duration(Duration::from_secs_f64(seconds.min(1e12).round()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_person_writes_them() {
        for (millis, text) in [
            (0, "0 s"),
            (1_500, "1.500 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (7_200_000, "2 h"),
            (7_260_000, "2 h 1 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_glance_needs_no_milliseconds() {
        for (seconds, text) in [(-1.0, "0.0 s"), (1.26, "1.3 s"), (9.96, "10 s"), (61.4, "1 min 1 s")] {
            assert_eq!(span(seconds), text);
        }
    }
}
