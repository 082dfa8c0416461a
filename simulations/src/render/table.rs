//! Many runs at a glance: expected and actual, side by side.

use std::collections::BTreeSet;

use super::Look;
use super::text::{Ink, Paper, plural, span};
use super::verdict::{decision, is_right};
use crate::report::{LedgerReport, Report};

/// A row per run, then what was wrong with the wrong ones.
#[must_use]
pub fn table(reports: &[Report], look: Look) -> String {
    let mut paper = Paper::new(look);
    let widest = reports.iter().map(|report| report.scenario.name.len()).max();
    let name = widest.unwrap_or(0).max("scenario".len());
    let header = row(name, ["scenario", "expected", "actual", "accepted", "processed"]);
    paper.line(&format!("{}  verdict", paper.inked(Ink::Bold, &header)));
    for report in reports {
        let ledger = &report.ledger;
        let cells = row(
            name,
            [
                &report.scenario.name,
                decision(report.expected.decision),
                decision(report.actual.decision),
                &figure(ledger, ledger.accepted_rto_seconds, ledger.interrupted_at_seconds),
                &figure(
                    ledger,
                    ledger.processed_rto_seconds,
                    ledger.processing_stopped_at_seconds,
                ),
            ],
        );
        let verdict = if is_right(report) {
            paper.inked(Ink::Good, "right")
        } else {
            paper.inked(Ink::Bad, "WRONG")
        };
        paper.line(&format!("{cells}  {verdict}"));
    }
    let policies: BTreeSet<&str> = reports.iter().map(|report| report.policy.as_str()).collect();
    let policies: Vec<&str> = policies.into_iter().collect();
    let seed = reports.first().map_or(0, |report| report.seed);
    paper.paragraph(0, "");
    paper.paragraph(0, &format!("policy {}, seed {seed}", policies.join(", ")));
    paper.paragraph(
        0,
        "accepted, processed: modelled time from the onset until orders are accepted (by 95 % of clients) and processed \
         again; `-`: never interrupted; `!`: over the budget.",
    );
    for report in reports.iter().filter(|report| !is_right(report)) {
        paper.heading(&report.scenario.name);
        let points = report.verdict.points.iter().filter(|point| !point.right);
        for point in points {
            paper.hanging("  NO  ", 6, Ink::Normal, &point.text);
        }
        let unexpected = report.unexpected_violations();
        if report.verdict.right && unexpected > 0 {
            let broken = plural(unexpected, "broken invariant");
            paper.hanging("  NO  ", 6, Ink::Bad, &broken);
        }
    }
    let right = reports.iter().filter(|report| is_right(report)).count();
    paper.heading(&format!("{right} of {} right", reports.len()));
    paper.finish()
}

fn row(name: usize, [scenario, expected, actual, accepted, processed]: [&str; 5]) -> String {
    format!("{scenario:<name$}  {expected:<9}  {actual:<9}  {accepted:>9}  {processed:>9}")
}

fn figure(ledger: &LedgerReport, figure: Option<f64>, stopped: Option<f64>) -> String {
    match (figure, stopped) {
        (Some(seconds), _) if seconds > ledger.budget_seconds => format!("! {}", short(seconds)),
        (Some(seconds), _) => short(seconds),
        (None, Some(_)) => "! never".to_owned(),
        (None, None) => "-".to_owned(),
    }
}

/// As short as a column needs it.
fn short(seconds: f64) -> String {
    if seconds < 99.95 {
        return span(seconds);
    }
    let whole = super::text::millis(seconds) / 1_000;
    match (whole / 3_600, whole / 60 % 60) {
        (0, minutes) => format!("{minutes}m{:02}s", whole % 60),
        (hours, minutes) => format!("{hours}h{minutes:02}m"),
    }
}
