//! What became of the orders, where the engines stand, and whether the run was right.

use super::text::{Ink, Paper, count, moment, plural};
use crate::report::Report;
use crate::scenario::ExpectedDecision;

pub(super) fn write(paper: &mut Paper, report: &Report) {
    write_orders(paper, report);
    write_standing(paper, report);
    write_violations(paper, report);
    write_verdict(paper, report);
}

fn write_orders(paper: &mut Paper, report: &Report) {
    let orders = &report.orders;
    paper.heading("Orders");
    let figures = [
        (orders.placed, "placed", false),
        (orders.accepted, "accepted", false),
        (orders.refused, "refused or unanswered", false),
        (orders.processed, "processed", false),
        (orders.pending, "accepted and not processed within the run", true),
        (orders.lost, "acknowledged and lost", true),
        (orders.residual_commits, "committed within the declared residual", true),
    ];
    let said: Vec<String> = figures
        .iter()
        .filter(|(number, _, only_if_any)| *number > 0 || !only_if_any)
        .map(|(number, what, _)| format!("{} {what}", count(*number)))
        .collect();
    let none_lost = if orders.lost == 0 { "; none lost" } else { "" };
    paper.paragraph(2, &format!("{}{none_lost}", said.join(", ")));
}

/// Where each engine stands: for a run that held, this is why it holds.
fn write_standing(paper: &mut Paper, report: &Report) {
    paper.heading("At the end");
    for standing in &report.standing {
        let state = standing.state.unwrap_or("not running");
        paper.hanging("  ", 2, Ink::Normal, &format!("{}: {state}", standing.who));
        let Some(now) = &standing.now else { continue };
        paper.paragraph(4, &now.text);
        if let Some(flip) = &now.flip {
            let first = format!("    {}", paper.inked(Ink::Calm, "turns if: "));
            paper.hanging(&first, 14, Ink::Normal, flip);
        }
    }
}

fn write_violations(paper: &mut Paper, report: &Report) {
    if report.violations.is_empty() {
        return;
    }
    paper.heading("Broken invariants");
    for violation in &report.violations {
        let first = format!("{} {}  ", paper.inked(Ink::Bad, "X"), moment(violation.at_seconds));
        let indent = 4 + moment(violation.at_seconds).len();
        let text = format!("{}: {}", violation.invariant, violation.text);
        paper.hanging(&first, indent, Ink::Bad, &text);
    }
}

fn write_verdict(paper: &mut Paper, report: &Report) {
    let right = is_right(report);
    let (word, ink) = if right {
        ("right", Ink::Good)
    } else {
        ("WRONG", Ink::Bad)
    };
    paper.heading("Verdict");
    let verdict = paper.inked(ink, word);
    paper.line(&format!("  {verdict}"));
    for point in &report.verdict.points {
        let (mark, ink) = if point.right {
            ("ok", Ink::Good)
        } else {
            ("NO", Ink::Bad)
        };
        let first = format!("  {}  ", paper.inked(ink, mark));
        paper.hanging(&first, 6, Ink::Normal, &point.text);
    }
    let unexpected = report.unexpected_violations();
    if report.verdict.right && unexpected > 0 {
        let first = format!("  {}  ", paper.inked(Ink::Bad, "NO"));
        paper.hanging(&first, 6, Ink::Normal, &plural(unexpected, "broken invariant"));
    }
}

/// Whether nothing speaks against the run.
#[must_use]
pub fn is_right(report: &Report) -> bool {
    report.verdict.right && report.unexpected_violations() == 0
}

/// A decision in words.
pub(super) const fn decision(decision: ExpectedDecision) -> &'static str {
    match decision {
        ExpectedDecision::Hold => "hold",
        ExpectedDecision::FailOver => "fail over",
    }
}
