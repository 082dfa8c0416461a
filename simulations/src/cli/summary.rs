//! What `run --all --json` prints: each run's report without its timeline.

use serde::Serialize;
use understudy_simulations::render;
use understudy_simulations::report::{
    ActualReport, ExpectedReport, LedgerReport, OrdersReport, Report, ScenarioReport, VerdictReport, Violation,
};

/// Every shipped scenario, run once.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    /// The seed of each run whose scenario names none of its own.
    seed: u64,
    /// Whether every run is right.
    right: bool,
    /// Each run; `run SCENARIO --json` has the rest of its report.
    runs: Vec<Run<'a>>,
}

/// The fields of a report by their own names.
#[derive(Debug, Serialize)]
struct Run<'a> {
    scenario: &'a ScenarioReport,
    policy: &'a str,
    seed: u64,
    ledger: &'a LedgerReport,
    orders: &'a OrdersReport,
    violations: &'a [Violation],
    expected: &'a ExpectedReport,
    actual: &'a ActualReport,
    verdict: &'a VerdictReport,
}

impl<'a> Summary<'a> {
    pub(super) fn new(seed: u64, reports: &'a [Report]) -> Self {
        let run = |report: &'a Report| Run {
            scenario: &report.scenario,
            policy: &report.policy,
            seed: report.seed,
            ledger: &report.ledger,
            orders: &report.orders,
            violations: &report.violations,
            expected: &report.expected,
            actual: &report.actual,
            verdict: &report.verdict,
        };
        Self {
            seed,
            right: reports.iter().all(render::is_right),
            runs: reports.iter().map(run).collect(),
        }
    }
}
