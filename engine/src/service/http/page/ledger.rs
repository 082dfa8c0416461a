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
                None => { p .fine { "No failover is under way, and there was none since the start." } }
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
            strong { (format!("{:.1} s", ledger.elapsed_seconds)) } (format!(" of {budget:.0} s"))
            @if ledger.running { ", and the clock runs" } @else { ", and the clock has stopped" }
            "."
            @if let Some(over) = &ledger.overrun {
                " " strong .late { (over.phase) " is over its allotment by " (words::span(over.seconds)) "." }
            }
        }
        p .quiet {
            "Counted from the first breach that this sidecar saw. The promise counts from the onset, which is a few seconds earlier."
        }
        div .ledger {
            svg .axis viewBox=(format!("0 0 {WIDTH} 12")) aria-hidden="true" focusable="false" {
                text x="0" y="10" { "0 s" }
                text x=(number(budget * scale)) y="10" text-anchor="end" { (format!("{budget:.0} s")) }
            }
            dl {
                @for phase in &ledger.phases {
                    div {
                        dt { (phase.phase) @if phase.running { " " small { "under way" } } }
                        dd { (format!("{:.1} of {:.1} s", phase.used_seconds, phase.allotted_seconds)) }
                        dd .bars aria-hidden="true" { (bar(phase, budget, scale)) }
                    }
                }
            }
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
        svg viewBox=(format!("0 0 {WIDTH} 20")) preserveAspectRatio="none" focusable="false" {
            rect .allotted x=(number(phase.began_seconds * scale)) y="3" height="14"
                width=(number(phase.allotted_seconds * scale)) {}
            rect class=(class) x=(number(phase.began_seconds * scale)) y="3" height="14"
                width=(number((phase.used_seconds * scale).max(1.5))) {}
            line .limit x1=(number(budget * scale)) x2=(number(budget * scale)) y1="0" y2="20" {}
        }
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}
