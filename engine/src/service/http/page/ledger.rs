//! The account of the 60 seconds: one bar for each phase, on one scale.

use maud::{Markup, html};

use crate::service::operators::shapes::{LedgerAnswer, PhaseAnswer};
use crate::words;

/// The width of a bar's drawing, in its own units.
const WIDTH: f64 = 300.0;

pub(super) fn draw(ledger: Option<&LedgerAnswer>) -> Markup {
    html! {
        section data-part="ledger" aria-labelledby="h-ledger" {
            h2 #h-ledger { "Budget" }
            @match ledger {
                None => { p .fine { "No breach since the start: the clock has not begun." } }
                Some(ledger) => (account(ledger)),
            }
        }
    }
}

fn account(ledger: &LedgerAnswer) -> Markup {
    let budget = ledger.budget_seconds;
    // The line of the budget stays inside the drawing, also when the time is over.
    let scale = WIDTH / (ledger.elapsed_seconds.max(budget) * 1.08);
    html! {
        p {
            strong { (words::span(ledger.elapsed_seconds)) } " of " (words::span(budget))
            @if ledger.running { ", and the clock runs" } @else { ", and the clock has stopped" }
            "."
            @if let Some(over) = &ledger.overrun {
                " " strong .late { (over.phase) " is over its allotment by " (words::span(over.seconds)) "." }
            }
        }
        p .quiet {
            "Counted from the first breach that this sidecar saw. The promise counts from the onset, which is a few seconds earlier."
        }
        table .ledger {
            thead { tr {
                th scope="col" { "Phase" }
                td aria-hidden="true" { (axis(budget, scale)) }
                th scope="col" { "Used of allotted" }
            } }
            tbody {
                @for phase in &ledger.phases {
                    tr {
                        th scope="row" { (phase.phase) }
                        td aria-hidden="true" { (bar(phase, budget, scale)) }
                        td {
                            (format!("{:.1} of {:.1} s", phase.used_seconds, phase.allotted_seconds))
                            @if phase.running { small { "under way" } }
                        }
                    }
                }
            }
        }
    }
}

fn axis(budget: f64, scale: f64) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {WIDTH} 16")) width="100%" focusable="false" {
            text x="0" y="12" { "0" }
            text x=(number(budget * scale)) y="12" text-anchor="end" { (format!("{budget:.0} s")) }
        }
    }
}

fn bar(phase: &PhaseAnswer, budget: f64, scale: f64) -> Markup {
    let late = phase.used_seconds > phase.allotted_seconds;
    let class = match (late, phase.running) {
        (true, _) => "bar late",
        (false, true) => "bar running",
        (false, false) => "bar",
    };
    html! {
        svg viewBox=(format!("0 0 {WIDTH} 20")) width="100%" focusable="false" {
            rect .allotted x=(number(phase.began_seconds * scale)) y="4" height="12" rx="2"
                width=(number(phase.allotted_seconds * scale)) {}
            rect class=(class) x=(number(phase.began_seconds * scale)) y="4" height="12" rx="2"
                width=(number((phase.used_seconds * scale).max(2.0))) {}
            line .limit x1=(number(budget * scale)) x2=(number(budget * scale)) y1="0" y2="20" {}
        }
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}
