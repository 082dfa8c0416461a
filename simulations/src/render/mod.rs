//! A run as a person reads it, at any hour and on any width of terminal.

mod campaign;
mod drill;
mod fold;
mod ledger;
mod news;
mod replay;
mod scenarios;
mod scene;
mod table;
mod text;
mod timeline;
mod verdict;

use crate::report::Report;
use text::Paper;
pub(crate) use text::{count, moment, span, wall_clock};

pub use campaign::campaign;
pub use drill::{drill, repeated};
pub use replay::replay;
pub use scenarios::{scenarios, siblings};
pub use scene::scene;
pub use table::table;
pub use verdict::is_right;

/// How the text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns. Below 60, long words may stick out.
    pub width: usize,
    /// Colours and block characters; otherwise ASCII without colours.
    pub fancy: bool,
}

impl Look {
    /// For files, pipes and `NO_COLOR`.
    pub const PLAIN: Self = Self {
        width: 80,
        fancy: false,
    };
}

/// A whole run: what happened, what was decided and why, where the budget went, and whether it was right.
#[must_use]
pub fn run(report: &Report, look: Look) -> String {
    told(report, look, "every figure is modelled")
}

/// The same, with what its figures are.
fn told(report: &Report, look: Look, figures: &str) -> String {
    let mut paper = Paper::new(look);
    head(&mut paper, report, figures);
    timeline::write(&mut paper, report);
    ledger::write(&mut paper, report);
    verdict::write(&mut paper, report);
    paper.finish()
}

fn head(paper: &mut Paper, report: &Report, figures: &str) {
    let scenario = &report.scenario;
    paper.heading(&scenario.name);
    paper.paragraph(2, &scenario.title);
    let onset = wall_clock(scenario.onset_unix_millis);
    let length = span(scenario.length_seconds);
    let line = format!(
        "policy {}, seed {}; onset {onset}, followed for {length}; {figures}",
        report.policy, report.seed
    );
    paper.paragraph(2, &line);
    conditions(paper, report);
}

/// Only what is outside its bound is worth a line each: the promise does not hold there.
fn conditions(paper: &mut Paper, report: &Report) {
    let figures = &report.conditions.figures;
    let sampled = text::plural(figures.len(), "sampled condition");
    if report.conditions.within_bounds {
        paper.paragraph(2, &format!("{sampled}, all inside the policy's bounds"));
        return;
    }
    paper.paragraph(2, &format!("{sampled}; outside the policy's bounds:"));
    let outside = figures.iter().filter_map(|figure| Some((figure, figure.bound?)));
    for (figure, bound) in outside.filter(|(figure, bound)| figure.value > *bound) {
        let unit = figure.unit;
        let line = format!("{}: {:.3} {unit}, bound {bound:.3} {unit}", figure.name, figure.value);
        paper.paragraph(4, &line);
    }
}
