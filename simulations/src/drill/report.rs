//! What a drill found: the documented object that `drill --json` prints.
//!
//! It holds the report of the run, as `run --json` has it, with three differences. The two figures and the orders are
//! *measured*, by clients that really placed orders. The engines are processes, so what they only believe is not judged
//! (`not_judged`). And the conditions hold only what is still modelled: AWS.

use std::time::Duration;

use serde::Serialize;

use super::governor::Speed;
use crate::invariants;
use crate::report::{OrdersReport, Report};
use crate::world::outside::is_judged;

/// One drill of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrillReport {
    /// Whether everything is as it ought to be.
    pub right: bool,
    /// Orders accepted again, in seconds from the onset, as clients measured it; null: never interrupted, or not within
    /// the drill.
    pub accepted_again_seconds: Option<f64>,
    /// Orders processed again, likewise.
    pub processed_again_seconds: Option<f64>,
    /// What the two figures mostly consist of: figures of AWS, which are modelled.
    pub dominated_by: Vec<AssumptionReport>,
    /// What the clients measured besides.
    pub measured: MeasuredReport,
    /// How fast the drill ran while something happened.
    pub speed: f64,
    /// Whether it ran faster while nothing did.
    pub adaptive: bool,
    /// How much to make of it, in sentences.
    pub notes: Vec<String>,
    /// How long it took in real time, in seconds.
    pub took_seconds: f64,
    /// What was so from when to when.
    pub lanes: Vec<LaneReport>,
    /// What went wrong with the drill itself. Empty in a right one.
    pub troubles: Vec<String>,
    /// Invariants that cannot be judged from outside an engine's process.
    pub not_judged: Vec<&'static str>,
    /// The engine's processes that ran when the drill was over. None of them is left.
    pub processes: Vec<u32>,
    /// Where the status pages were while it ran.
    pub pages: Vec<PageReport>,
    /// The run.
    pub run: Report,
}

/// A modelled figure that dominates a measured one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssumptionReport {
    /// `accepted` or `processed`.
    pub figure: &'static str,
    /// The modelled figure's name.
    pub name: &'static str,
    /// Its value in this drill, in seconds.
    pub seconds: f64,
    /// The bound that the policy declares for it, in seconds.
    pub bound_seconds: Option<f64>,
    /// Where its distribution comes from.
    pub source: &'static str,
}

/// What clients found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MeasuredReport {
    /// How many clients.
    pub clients: usize,
    /// Attempts to place an order.
    pub placed: u64,
    /// Attempts that were acknowledged.
    pub accepted: u64,
    /// Attempts that were refused or not answered in time.
    pub refused: u64,
    /// Orders whose clients were told that they are processed.
    pub processed_at_once: u64,
    /// Orders whose clients were told that they are processed, and that are in no database that survived.
    pub acknowledged_and_lost: u64,
}

/// One thing that was in one way after another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneReport {
    /// What: `us-east-2 engine`, `public name`, `orders in us-east-1`, `clients`, `faults`.
    pub who: String,
    /// In which ways.
    pub spans: Vec<SpanReport>,
}

/// One way, from when to when, in seconds from the onset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpanReport {
    /// Its beginning.
    pub from_seconds: f64,
    /// Its end.
    pub to_seconds: f64,
    /// Which way.
    pub what: String,
}

/// Where a process could be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageReport {
    /// Whose.
    pub who: String,
    /// Its address.
    pub url: String,
}

/// What the clients' share of the two figures mostly is.
const DOMINATES: [(&str, &[&str]); 2] = [
    ("accepted", &["dns-propagation", "checker-reach"]),
    (
        "processed",
        &["aurora-detach", "aurora-managed", "postgres-promotion", "lease-stall"],
    ),
];

/// What a drill leaves besides the report of its run.
pub(crate) struct Remains {
    pub(crate) measured: MeasuredReport,
    pub(crate) lanes: Vec<LaneReport>,
    pub(crate) speed: Speed,
    pub(crate) took: Duration,
    pub(crate) followed: Duration,
    pub(crate) processes: Vec<u32>,
    pub(crate) pages: Vec<PageReport>,
    pub(crate) troubles: Vec<String>,
}

impl DrillReport {
    pub(crate) fn new(mut run: Report, remains: Remains) -> Self {
        let measured = remains.measured;
        run.invariants.retain(|invariant| is_judged(invariant.name));
        run.scenario.length_seconds = remains.followed.as_secs_f64();
        run.orders = OrdersReport {
            placed: measured.placed,
            accepted: measured.accepted,
            refused: measured.refused,
            processed: measured.processed_at_once,
            pending: measured.accepted - measured.processed_at_once,
            lost: measured.acknowledged_and_lost,
            residual_commits: run.orders.residual_commits,
        };
        let not_judged = invariants::ALL.iter().map(|invariant| invariant.name);
        Self {
            right: run.verdict.right && run.unexpected_violations() == 0 && remains.troubles.is_empty(),
            accepted_again_seconds: run.ledger.accepted_rto_seconds,
            processed_again_seconds: run.ledger.processed_rto_seconds,
            dominated_by: dominated_by(&run),
            measured,
            speed: remains.speed.measured(),
            adaptive: remains.speed == Speed::Adaptive,
            notes: notes(remains.speed),
            took_seconds: remains.took.as_secs_f64(),
            lanes: remains.lanes,
            troubles: remains.troubles,
            not_judged: not_judged.filter(|name| !is_judged(name)).collect(),
            processes: remains.processes,
            pages: remains.pages,
            run,
        }
    }
}

fn dominated_by(run: &Report) -> Vec<AssumptionReport> {
    let largest = |(figure, names): (&'static str, &[&str])| {
        let modelled = run.conditions.figures.iter();
        let modelled = modelled.filter(|modelled| names.contains(&modelled.name) && modelled.unit == "s");
        let largest = modelled.max_by(|one, other| one.value.total_cmp(&other.value))?;
        Some(AssumptionReport {
            figure,
            name: largest.name,
            seconds: largest.value,
            bound_seconds: largest.bound,
            source: largest.source,
        })
    };
    DOMINATES.into_iter().filter_map(largest).collect()
}

fn notes(speed: Speed) -> Vec<String> {
    let mut notes = vec!["the engine is measured; AWS is modelled".to_owned()];
    let measured = speed.measured();
    if speed != Speed::Fixed(1.0) {
        notes.push(format!(
            "the drill ran at {measured} times the speed of life{}; what the machine itself delays counts {measured} times, and \
             time waited for processes that did not keep up",
            if speed == Speed::Adaptive { " while something happened, and faster while nothing did" } else { "" }
        ));
    }
    if measured > Speed::SURE {
        notes.push(format!(
            "above {} times the speed of life the verdict also depends on how the machine schedules processes",
            Speed::SURE
        ));
    }
    notes
}

/// Several drills of the same scenario, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeated {
    /// Which scenario.
    pub scenario: String,
    /// How many drills.
    pub drills: usize,
    /// How many of them were right.
    pub right: usize,
    /// The budget in seconds.
    pub budget_seconds: f64,
    /// Orders accepted again.
    pub accepted_again: SpreadReport,
    /// Orders processed again.
    pub processed_again: SpreadReport,
    /// Acknowledged orders lost, in all drills together.
    pub acknowledged_and_lost: u64,
    /// How much to make of it, in sentences.
    pub notes: Vec<String>,
}

/// One figure over several drills, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpreadReport {
    /// In how many drills it was inside the budget.
    pub inside: usize,
    /// The one in the middle; null: it was never measured.
    pub median_seconds: Option<f64>,
    /// The largest.
    pub most_seconds: Option<f64>,
    /// Each of them, in the order of the drills.
    pub each_seconds: Vec<Option<f64>>,
}

impl Repeated {
    /// What several drills add up to.
    #[must_use]
    pub fn new(reports: &[DrillReport]) -> Self {
        let first = reports.first();
        let budget = first.map_or(0.0, |report| report.run.ledger.budget_seconds);
        let spread = |figure: &dyn Fn(&DrillReport) -> Option<f64>| {
            SpreadReport::new(reports.iter().map(figure).collect(), budget)
        };
        Self {
            scenario: first.map(|report| report.run.scenario.name.clone()).unwrap_or_default(),
            drills: reports.len(),
            right: reports.iter().filter(|report| report.right).count(),
            budget_seconds: budget,
            accepted_again: spread(&|report| report.accepted_again_seconds),
            processed_again: spread(&|report| report.processed_again_seconds),
            acknowledged_and_lost: reports.iter().map(|report| report.measured.acknowledged_and_lost).sum(),
            notes: first.map(|report| report.notes.clone()).unwrap_or_default(),
        }
    }
}

impl SpreadReport {
    fn new(each: Vec<Option<f64>>, budget: f64) -> Self {
        let mut sorted: Vec<f64> = each.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            inside: sorted.iter().filter(|seconds| **seconds <= budget).count(),
            median_seconds: sorted.get(sorted.len() / 2).copied(),
            most_seconds: sorted.last().copied(),
            each_seconds: each,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_not_measured_is_not_inside() {
        let spread = SpreadReport::new(vec![Some(30.0), None, Some(61.0), Some(20.0)], 60.0);
        assert_eq!(spread.inside, 2);
        assert_eq!((spread.median_seconds, spread.most_seconds), (Some(30.0), Some(61.0)));
    }
}
