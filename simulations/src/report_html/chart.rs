//! The two drawings: the budget by phase, and the lanes.

use maud::{Markup, html};

use crate::drill::report::{DrillReport, LaneReport, SpanReport};
use crate::render::moment;
use crate::report::LedgerReport;

/// The width of a drawing, and where its bars begin, in its own units.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 150.0;
const ROW: f64 = 26.0;
const BAR: f64 = 18.0;
/// Right of the bars.
const RIGHT: f64 = 130.0;
/// A narrower span than this shows as a line of this width.
const LEAST: f64 = 1.5;
/// A letter in a bar, about.
const LETTER: f64 = 6.6;

/// Where seconds are on paper.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: f64,
    to: f64,
    right: f64,
}

impl Scale {
    fn x(&self, seconds: f64) -> f64 {
        let share = (seconds.clamp(self.from, self.to) - self.from) / (self.to - self.from).max(1e-6);
        LEFT + share * (WIDTH - LEFT - self.right)
    }

    /// Round moments, about eight of them.
    fn ticks(&self) -> Vec<f64> {
        const STEPS: [f64; 12] = [
            1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0,
        ];
        let wanted = (self.to - self.from) / 8.0;
        let step = STEPS.into_iter().find(|step| *step >= wanted).unwrap_or(wanted);
        let first = (self.from / step).ceil();
        (0..40)
            .map(|number| (first + f64::from(number)) * step)
            .take_while(|at| *at <= self.to)
            .collect()
    }
}

/// The phases against the budget, and the two figures.
pub(super) fn ledger(ledger: &LedgerReport) -> Markup {
    let figures = [
        ("accepted again", ledger.accepted_rto_seconds),
        ("processed again", ledger.processed_rto_seconds),
    ];
    let ends = ledger
        .phases
        .iter()
        .filter_map(|phase| phase.to_seconds)
        .map(|to| to - ledger.counted_from_seconds);
    let last = ends
        .chain(figures.into_iter().filter_map(|(_, figure)| figure))
        .fold(ledger.budget_seconds * 1.05, f64::max);
    let scale = Scale {
        from: 0.0,
        to: last,
        right: RIGHT,
    };
    let rows = ledger.phases.len() + figures.len();
    let height = row_top(rows) + 10.0;
    html! {
        div.chart {
            svg viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-label="What each phase used of the budget, in seconds from the onset" {
                (axis(scale, height, Some(ledger.budget_seconds)))
                @for (row, phase) in ledger.phases.iter().enumerate() {
                    @let from = phase.from_seconds - ledger.counted_from_seconds;
                    @let to = phase.to_seconds.map_or(last, |to| to - ledger.counted_from_seconds);
                    (label(row, phase.phase))
                    (bar(scale, row, (from, to), if phase.over { "wrong" } else { "plain" }, phase.phase))
                    (aside(row, &format!("{:.1} of {:.1} s", phase.used_seconds, phase.allotted_seconds)))
                }
                @for (number, (what, figure)) in figures.into_iter().enumerate() {
                    @let row = ledger.phases.len() + number;
                    (label(row, what))
                    @if let Some(seconds) = figure {
                        (bar(scale, row, (0.0, seconds), if seconds > ledger.budget_seconds { "wrong" } else { "ok" }, what))
                        (aside(row, &format!("{seconds:.1} s")))
                    } @else {
                        (aside(row, "not interrupted"))
                    }
                }
                @let x = scale.x(ledger.budget_seconds);
                line.line x1=(num(x)) x2=(num(x)) y1="22" y2=(num(height - 6.0)) {}
                text x=(num(x)) y="18" text-anchor="middle" { "budget " (tick(ledger.budget_seconds)) }
            }
        }
    }
}

/// Each lane with its spans.
pub(super) fn lanes(report: &DrillReport) -> Markup {
    let spans = || report.lanes.iter().flat_map(|lane| &lane.spans);
    let last = spans().map(|span| span.to_seconds).fold(1.0, f64::max);
    let scale = Scale {
        from: (-last / 12.0).max(-10.0),
        to: last,
        right: 16.0,
    };
    let height = row_top(report.lanes.len()) + 10.0;
    html! {
        div.chart {
            svg viewBox=(format!("0 0 {WIDTH} {height:.0}")) role="img" aria-label="Faults, clients, public name, orders and engines over time" {
                (axis(scale, height, None))
                @for (row, lane) in report.lanes.iter().enumerate() {
                    (label(row, &lane.who))
                    @for span in lane.spans.iter().filter(|span| span.to_seconds >= scale.from) {
                        (bar(scale, row, (span.from_seconds, span.to_seconds), class(lane, span), &span.what))
                    }
                }
            }
        }
    }
}

/// The colour of a span. The word in it says the same.
fn class(lane: &LaneReport, span: &SpanReport) -> &'static str {
    match span.what.as_str() {
        "none" | "suspended" | "not running" | "refuses" => "idle",
        "serving" | "steady" | "soaking" | "commits" | "can place orders" => "ok",
        "cannot place orders" | "self_fenced" | "needs_operator" | "blocked" => "wrong",
        _ if lane.who == "faults" => "wrong",
        _ if lane.who == "public name" => "plain",
        _ => "busy",
    }
}

/// The axis: with the onset, or with room for the budget's own line.
fn axis(scale: Scale, height: f64, budget: Option<f64>) -> Markup {
    let is_free = |at: &f64| budget.is_none_or(|budget| (scale.x(*at) - scale.x(budget)).abs() > 60.0);
    html! {
        @for at in scale.ticks().into_iter().filter(is_free) {
            @let x = scale.x(at);
            line.grid x1=(num(x)) x2=(num(x)) y1="22" y2=(num(height - 6.0)) {}
            text.soft x=(num(x)) y="18" text-anchor="middle" { (tick(at)) }
        }
        @if budget.is_none() {
            @let x = scale.x(0.0);
            line.onset x1=(num(x)) x2=(num(x)) y1="22" y2=(num(height - 6.0)) {}
        }
    }
}

fn tick(seconds: f64) -> String {
    if seconds.abs() < 600.0 {
        format!("{seconds:.0}")
    } else if seconds.abs() < 7_200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3_600.0)
    }
}

fn label(row: usize, text: &str) -> Markup {
    html! { text x="0" y=(num(row_top(row) + 14.0)) { (text) } }
}

fn aside(row: usize, text: &str) -> Markup {
    html! { text.soft x=(num(WIDTH)) y=(num(row_top(row) + 14.0)) text-anchor="end" { (text) } }
}

fn bar(scale: Scale, row: usize, (from, to): (f64, f64), class: &str, what: &str) -> Markup {
    let (x, end) = (scale.x(from), scale.x(to));
    let width = (end - x).max(LEAST);
    let top = row_top(row);
    #[expect(clippy::cast_precision_loss, reason = "a word has few letters")]
    let fits = width > what.chars().count() as f64 * LETTER + 8.0;
    html! {
        g {
            title { (what) ", " (moment(from)) " to " (moment(to)) }
            rect.(class) x=(num(x)) y=(num(top)) width=(num(width)) height=(num(BAR)) rx="2" {}
            @if fits { text.inside x=(num(x + 5.0)) y=(num(top + 13.5)) { (what) } }
        }
    }
}

fn row_top(row: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a drawing has a few rows")]
    let row = row as f64;
    28.0 + row * ROW
}

/// A tenth of a unit is finer than any screen.
fn num(value: f64) -> String {
    format!("{value:.1}")
}
