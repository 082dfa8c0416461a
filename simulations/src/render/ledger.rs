//! Where the budget went: a bar per phase against the budget's line, and both figures.

use super::text::{Ink, Paper, budget, span};
use crate::report::{LedgerReport, PhaseReport, Report};

const LABEL: usize = 12;
const FIGURES: usize = 21;

/// From seconds to columns.
#[derive(Debug, Clone, Copy)]
struct Scale {
    columns: usize,
    end_seconds: f64,
}

impl Scale {
    fn fitting(paper: &Paper, ledger: &LedgerReport) -> Self {
        let columns = paper.width().saturating_sub(2 + LABEL + 1 + FIGURES + 1).clamp(20, 91);
        let ends = ledger.phases.iter().filter_map(|phase| phase.to_seconds);
        let figures = [ledger.accepted_rto_seconds, ledger.processed_rto_seconds];
        let longest = ends
            .chain(figures.into_iter().flatten())
            .fold(ledger.budget_seconds, f64::max);
        // What takes hours would press everything else into one column: it runs off the edge instead.
        let end_seconds = longest.min(ledger.budget_seconds * 2.0) * 1.02;
        Self { columns, end_seconds }
    }

    fn column(self, seconds: f64) -> usize {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "columns of a terminal"
        )]
        let column = (seconds.max(0.0) / self.end_seconds * self.columns as f64).round() as usize;
        column.min(self.columns)
    }
}

pub(super) fn write(paper: &mut Paper, report: &Report) {
    let ledger = &report.ledger;
    let total = budget(ledger.budget_seconds);
    if ledger.phases.is_empty() {
        paper.heading("Budget");
        paper.paragraph(2, &format!("no failover, so nothing of the {total} was spent"));
    } else {
        paper.heading(&format!("Budget of {total} by phase, in seconds from the onset"));
        write_bars(paper, ledger);
    }
    write_figures(paper, ledger);
}

fn write_bars(paper: &mut Paper, ledger: &LedgerReport) {
    let scale = Scale::fitting(paper, ledger);
    let line = scale.column(ledger.budget_seconds);
    write_axis(paper, scale, ledger.budget_seconds);
    for phase in &ledger.phases {
        let from = scale.column(phase.from_seconds - ledger.counted_from_seconds);
        let to = phase
            .to_seconds
            .map_or(scale.columns, |to| scale.column(to - ledger.counted_from_seconds));
        let bar = bar(paper, from, to, line, scale.columns, is_visibly_over(phase));
        let (figures, ink) = phase_figures(phase);
        let figures = paper.inked(ink, &figures);
        paper.line(&format!("  {:<LABEL$} {bar} {figures}", phase.phase));
    }
    for (label, figure) in [
        ("= accepted", ledger.accepted_rto_seconds),
        ("= processed", ledger.processed_rto_seconds),
    ] {
        let Some(seconds) = figure else { continue };
        let bar = marker(paper, scale.column(seconds), line, scale.columns);
        paper.line(&format!("  {label:<LABEL$} {bar} {seconds:>6.1}"));
    }
}

/// The scale: zero, thirds of the budget, and the budget itself.
fn write_axis(paper: &mut Paper, scale: Scale, total: f64) {
    let mut axis = vec![b' '; scale.columns + 8];
    for third in 0..=3 {
        let seconds = total * f64::from(third) / 3.0;
        let label = format!("{seconds:.0}");
        let column = scale.column(seconds).saturating_sub(label.len() / 2);
        axis[column..column + label.len()].copy_from_slice(label.as_bytes());
    }
    let mut axis = String::from_utf8_lossy(&axis).trim_end().to_owned();
    let figures = scale.columns + 1;
    while axis.len() < figures {
        axis.push(' ');
    }
    let line = format!("  {:<LABEL$} {axis} {:>6} of allotted", "", "used");
    let line = paper.inked(Ink::Dim, &line);
    paper.line(&line);
}

fn phase_figures(phase: &PhaseReport) -> (String, Ink) {
    let (tail, ink) = match (is_visibly_over(phase), phase.to_seconds) {
        (true, _) => ("over", Ink::Bad),
        (false, None) => ("not over yet", Ink::Warn),
        (false, Some(_)) => ("", Ink::Normal),
    };
    let text = format!("{:>6.1} of {:>5.1} {tail}", phase.used_seconds, phase.allotted_seconds);
    (text.trim_end().to_owned(), ink)
}

/// An overrun that the printed tenths do not show is a clock's drift, and `--json` has it.
fn is_visibly_over(phase: &PhaseReport) -> bool {
    phase.over && phase.used_seconds - phase.allotted_seconds >= 0.05
}

/// A bar from one column to another. The shortest phase still shows.
fn bar(paper: &Paper, from: usize, to: usize, line: usize, columns: usize, over: bool) -> String {
    let from = from.min(columns.saturating_sub(1));
    let to = to.max(from + 1);
    let (full, budget) = if paper.fancy() { ('█', '│') } else { ('#', '|') };
    let ink = if over { Ink::Bad } else { Ink::Good };
    // The budget's line disappears behind a bar that crosses it: the bar itself shows that it does.
    let blank = |range: std::ops::RangeInclusive<usize>| -> String {
        range.map(|column| if column == line { budget } else { ' ' }).collect()
    };
    let before = from.checked_sub(1).map_or_else(String::new, |last| blank(0..=last));
    let filled = paper.inked(ink, &full.to_string().repeat(to - from));
    format!("{before}{filled}{}", blank(to..=columns))
}

/// A line up to the moment at which a promise was kept.
fn marker(paper: &Paper, at: usize, line: usize, columns: usize) -> String {
    let (dash, end, budget) = if paper.fancy() {
        ('─', '●', '│')
    } else {
        ('-', 'o', '|')
    };
    (0..=columns)
        .map(|column| match column {
            column if column == at => end,
            column if column < at => dash,
            column if column == line => budget,
            _ => ' ',
        })
        .collect()
}

fn write_figures(paper: &mut Paper, ledger: &LedgerReport) {
    if ledger.counted_from_seconds > 0.0 {
        let line = format!(
            "both figures count from {} after the first fault: what broke before hurt nobody",
            span(ledger.counted_from_seconds)
        );
        paper.paragraph(2, &line);
    }
    let stopped = [ledger.interrupted_at_seconds, ledger.processing_stopped_at_seconds];
    let figures = [ledger.accepted_rto_seconds, ledger.processed_rto_seconds];
    let labels = ["orders accepted again", "orders processed again"];
    for ((label, figure), stopped) in labels.into_iter().zip(figures).zip(stopped) {
        let (said, ink) = figure_in_words(ledger, figure, stopped);
        let first = format!("  {label:<24}");
        paper.hanging(&first, 26, ink, &said);
    }
    if let Some(stretched) = ledger.stretched_rto_seconds {
        let said = format!(
            "{} for clients whose resolvers stretch TTLs, apart from the promise",
            span(stretched)
        );
        paper.hanging(&format!("  {:<24}", ""), 26, Ink::Dim, &said);
    }
    if let (true, Some(phase)) = (over_budget(ledger), ledger.overrun_phase) {
        paper.hanging("  ", 2, Ink::Bad, &format!("the phase that overran by most: {phase}"));
    }
    if ledger.interruptions > 0 {
        let times = match ledger.interruptions {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let line = format!(
            "fewer than 95 % of clients could place orders {times}, for {} in all",
            span(ledger.interrupted_seconds)
        );
        paper.paragraph(2, &line);
    }
}

fn over_budget(ledger: &LedgerReport) -> bool {
    let late = |figure: Option<f64>, stopped: Option<f64>| match figure {
        Some(seconds) => seconds > ledger.budget_seconds,
        None => stopped.is_some(),
    };
    late(ledger.accepted_rto_seconds, ledger.interrupted_at_seconds)
        || late(ledger.processed_rto_seconds, ledger.processing_stopped_at_seconds)
}

fn figure_in_words(ledger: &LedgerReport, figure: Option<f64>, stopped: Option<f64>) -> (String, Ink) {
    let total = budget(ledger.budget_seconds);
    match (figure, stopped) {
        (Some(seconds), _) if seconds <= ledger.budget_seconds => {
            (format!("{} from onset, inside {total}", span(seconds)), Ink::Good)
        }
        (Some(seconds), _) => {
            let over = span(seconds - ledger.budget_seconds);
            (
                format!("{} from onset, OVER {total} by {over}", span(seconds)),
                Ink::Bad,
            )
        }
        (None, None) => ("never interrupted".to_owned(), Ink::Good),
        (None, Some(_)) => ("not within the run".to_owned(), Ink::Bad),
    }
}
