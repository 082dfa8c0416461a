//! What a drill on real databases found.

use std::fmt::Write as _;

use serde::Serialize;
use understudy_engine::core::ledger::{Ledger, Phase};
use understudy_engine::core::time::Timestamp;

use super::{Fault, Target};

/// Every run, and what they come to.
#[derive(Debug, Clone, Serialize)]
pub struct PostgresReport {
    /// The policy's name.
    pub policy: String,
    /// Each fault, as the medians of its runs.
    pub faults: Vec<FaultReport>,
    /// Every run.
    pub runs: Vec<RunReport>,
    /// Whether every target was reached.
    pub right: bool,
}

/// One fault.
#[derive(Debug, Clone, Serialize)]
pub struct FaultReport {
    /// Which.
    pub fault: Fault,
    /// What must be reached.
    pub target: Target,
    /// How many runs.
    pub runs: usize,
    /// From the fault until the new writer acknowledged a row, in milliseconds; none: in half of the runs it did not.
    pub writable_again_ms_median: Option<u64>,
    /// Acknowledged rows that were missing afterwards, in the worst run.
    pub acknowledged_lost_max: u64,
    /// Whether it was reached.
    pub reached: bool,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// What happened.
    pub fault: Fault,
    /// From the fault until the new writer acknowledged a row, in milliseconds; none: it did not.
    pub writable_again_ms: Option<u64>,
    /// From the fault until the old writer acknowledged its last row, in milliseconds; none: it acknowledged none.
    pub old_writer_until_ms: Option<u64>,
    /// Rows that were acknowledged, by either writer.
    pub acknowledged: u64,
    /// Rows that were acknowledged and are missing in the new writer.
    pub acknowledged_lost: u64,
    /// Rows that the commit fence refused.
    pub refused_by_fence: u64,
    /// Where the engine's time went, in milliseconds from the fault.
    pub ledger: Vec<LedgerLine>,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerLine {
    /// Which.
    pub phase: &'static str,
    /// When it began.
    pub began_ms: u64,
    /// When it ended; none: it had not when the run did.
    pub ended_ms: Option<u64>,
}

impl PostgresReport {
    pub(super) fn of(policy: String, faults: &[Fault], runs: Vec<RunReport>) -> Self {
        let faults: Vec<FaultReport> = faults.iter().map(|fault| FaultReport::of(*fault, &runs)).collect();
        Self {
            policy,
            right: faults.iter().all(|fault| fault.reached),
            faults,
            runs,
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = format!(
            "Two real PostgreSQL servers under `{}`. Measured, from the fault.\n\n",
            self.policy
        );
        text.push_str("fault                 runs   writable again   acknowledged rows lost   target\n");
        for fault in &self.faults {
            let target = match fault.target {
                Target::WritableWithin { millis } => format!("writable within {}", seconds(Some(millis))),
                Target::NothingLost => "nothing lost".to_owned(),
            };
            let reached = if fault.reached { "reached" } else { "MISSED" };
            let _ = writeln!(
                text,
                "{:<21} {:>4}   {:>14}   {:>22}   {target}: {reached}",
                fault.fault.name(),
                fault.runs,
                seconds(fault.writable_again_ms_median),
                fault.acknowledged_lost_max,
            );
        }
        text.push_str("\nTimes are medians, losses are the worst run's.\n");
        text
    }
}

impl FaultReport {
    fn of(fault: Fault, runs: &[RunReport]) -> Self {
        let runs: Vec<&RunReport> = runs.iter().filter(|run| run.fault == fault).collect();
        let median = median(runs.iter().map(|run| run.writable_again_ms).collect());
        let lost = runs.iter().map(|run| run.acknowledged_lost).max().unwrap_or(0);
        let reached = match fault.target() {
            Target::WritableWithin { millis } => median.is_some_and(|median| median <= millis),
            Target::NothingLost => median.is_some() && lost == 0,
        };
        Self {
            fault,
            target: fault.target(),
            runs: runs.len(),
            writable_again_ms_median: median,
            acknowledged_lost_max: lost,
            reached,
        }
    }
}

impl RunReport {
    /// One line for people, and the ledger.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = format!(
            "{}: writable again after {}, {} of {} acknowledged rows lost, {} refused by the fence",
            self.fault.name(),
            seconds(self.writable_again_ms),
            self.acknowledged_lost,
            self.acknowledged,
            self.refused_by_fence,
        );
        if let Some(until) = self.old_writer_until_ms {
            let _ = write!(text, ", the old writer acknowledged until {}", seconds(Some(until)));
        }
        for line in &self.ledger {
            let _ = write!(
                text,
                "\n    {:<12} {:>8} to {:>8}",
                line.phase,
                seconds(Some(line.began_ms)),
                seconds(line.ended_ms)
            );
        }
        text
    }
}

/// A ledger on the clock of the fault.
pub(super) fn lines(ledger: &Ledger, fault: Timestamp) -> Vec<LedgerLine> {
    Phase::ALL
        .into_iter()
        .filter_map(|phase| {
            let span = ledger.span(phase)?;
            Some(LedgerLine {
                phase: phase.name(),
                began_ms: millis(span.began, fault),
                ended_ms: span.ended.map(|ended| millis(ended, fault)),
            })
        })
        .collect()
}

/// From the fault until then.
pub(super) fn millis(at: Timestamp, fault: Timestamp) -> u64 {
    u64::try_from(at.since(fault).as_millis()).unwrap_or(u64::MAX)
}

/// The lower one of the two in the middle would flatter, so it is their mean. A run that never got there is the slowest.
fn median(mut times: Vec<Option<u64>>) -> Option<u64> {
    times.sort_by_key(|time| time.unwrap_or(u64::MAX));
    let middle = times.len() / 2;
    let upper = *times.get(middle)?;
    if times.len() % 2 == 1 {
        return upper;
    }
    let (lower, upper) = (times[middle - 1]?, upper?);
    Some(u64::midpoint(lower, upper))
}

fn seconds(millis: Option<u64>) -> String {
    millis.map_or_else(
        || "never".to_owned(),
        |millis| format!("{}.{:03} s", millis / 1000, millis % 1000),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(fault: Fault, writable_again_ms: Option<u64>, acknowledged_lost: u64) -> RunReport {
        RunReport {
            fault,
            writable_again_ms,
            old_writer_until_ms: None,
            acknowledged: 100,
            acknowledged_lost,
            refused_by_fence: 0,
            ledger: Vec::new(),
        }
    }

    #[test]
    fn a_median_counts_a_run_that_never_got_there_as_the_slowest() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![Some(5), None, Some(3)]), Some(5));
        assert_eq!(median(vec![Some(4), Some(3), Some(8), Some(1)]), Some(3));
        assert_eq!(median(vec![Some(4), None]), None);
    }

    #[test]
    fn one_lost_row_misses_the_target_of_losing_nothing() {
        let fault = Fault::PostmasterSuspended;
        let runs = |lost| vec![run(fault, Some(5_000), 0), run(fault, Some(5_000), lost)];
        assert!(PostgresReport::of("local".to_owned(), &[fault], runs(0)).right);
        assert!(!PostgresReport::of("local".to_owned(), &[fault], runs(1)).right);
        let never = vec![run(fault, None, 0)];
        assert!(!PostgresReport::of("local".to_owned(), &[fault], never).right);
    }

    #[test]
    fn a_slow_median_misses_its_target() {
        let fault = Fault::Killed;
        let runs = |millis| vec![run(fault, Some(millis), 3)];
        assert!(PostgresReport::of("local".to_owned(), &[fault], runs(6_000)).right);
        assert!(!PostgresReport::of("local".to_owned(), &[fault], runs(6_001)).right);
    }
}
