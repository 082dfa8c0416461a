//! A drill as one page of HTML: whole in one file, without scripts, readable on a phone, in the dark and on paper.

mod chart;
mod style;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::drill::report::{AssumptionReport, DrillReport};
use crate::render::{count, moment, span, wall_clock};
use crate::report::{DecisionReport, Kind, TimelineEntry};

/// The whole page.
#[must_use]
pub fn page(report: &DrillReport) -> String {
    let run = &report.run;
    let title = format!("Drill: {}", run.scenario.name);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(style::SHEET)) }
            }
            body {
                main {
                    (head(report))
                    (figures(report))
                    (verdict(report))
                    section {
                        h2 { "Where the budget went" }
                        (chart::ledger(&run.ledger))
                    }
                    section {
                        h2 { "What was so, from when to when" }
                        p.note { "Seconds from the onset. Each bar has its words as a tooltip; the table below the chart has them all." }
                        (chart::lanes(report))
                        (lanes(report))
                    }
                    (decisions(report))
                    (timeline(report))
                    (orders(report))
                    (invariants(report))
                    (conditions(report))
                    (about(report))
                }
            }
        }
    };
    page.into_string()
}

fn head(report: &DrillReport) -> Markup {
    let run = &report.run;
    let (word, class) = if report.right {
        ("right", "good")
    } else {
        ("wrong", "bad")
    };
    html! {
        header {
            p.kicker { "Understudy drill · policy " (run.policy) " · seed " (run.seed) }
            h1 { (run.scenario.name) " " span.badge.(class) { (word) } }
            p.lead { (run.scenario.title) }
            p.note {
                "Onset " (wall_clock(run.scenario.onset_unix_millis)) " on the drill's clock, followed for "
                (span(run.scenario.length_seconds)) "; it took " (span(report.took_seconds)) " of real time."
            }
        }
    }
}

fn figures(report: &DrillReport) -> Markup {
    let budget = report.run.ledger.budget_seconds;
    let assumption = |figure: &str| report.dominated_by.iter().find(|it| it.figure == figure);
    html! {
        section.cards aria-label="Figures" {
            (figure("Orders accepted again", report.accepted_again_seconds, budget, assumption("accepted")))
            (figure("Orders processed again", report.processed_again_seconds, budget, assumption("processed")))
            div.card {
                h3 { "Acknowledged orders lost" }
                p.figure { (count(report.measured.acknowledged_and_lost)) }
                p.note { "of " (count(report.measured.accepted)) " that were acknowledged. Replication is asynchronous, and its lag is modelled." }
            }
        }
    }
}

fn figure(label: &str, seconds: Option<f64>, budget: f64, assumption: Option<&AssumptionReport>) -> Markup {
    let class = match seconds {
        Some(seconds) if seconds > budget => "bad",
        Some(_) => "good",
        None => "",
    };
    html! {
        div.card {
            h3 { (label) }
            p.figure.(class) {
                @if let Some(seconds) = seconds { (format!("{seconds:.1} s")) } @else { "not interrupted" }
            }
            p.note {
                "measured by clients, from the onset; budget " (format!("{budget:.0} s")) "."
                @if let (Some(assumption), Some(_)) = (assumption, seconds) {
                    " Of it, " (format!("{:.1} s", assumption.seconds)) " are " code { (assumption.name) } ", modelled."
                }
            }
        }
    }
}

fn verdict(report: &DrillReport) -> Markup {
    html! {
        section {
            h2 { "Verdict" }
            ul.points {
                @for point in &report.run.verdict.points {
                    li.(if point.right { "good" } else { "bad" }) { (point.text) }
                }
                @for trouble in &report.troubles { li.bad { (trouble) } }
            }
            @for note in &report.notes { p.note { (sentence(note)) } }
        }
    }
}

/// `a sentence` as `A sentence.`
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn lanes(report: &DrillReport) -> Markup {
    html! {
        details {
            summary { "The same as a table" }
            div.scroll {
                table {
                    thead { tr { th { "What" } th.number { "From" } th.number { "To" } th { "Was" } } }
                    tbody {
                        @for lane in &report.lanes {
                            @for span in &lane.spans {
                                tr {
                                    td { (lane.who) }
                                    td.number { (moment(span.from_seconds)) }
                                    td.number { (moment(span.to_seconds)) }
                                    td { (span.what) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn decisions(report: &DrillReport) -> Markup {
    let after_onset = |decision: &&DecisionReport| decision.at_seconds >= 0.0;
    let decisions: Vec<_> = report.run.decisions.iter().filter(after_onset).collect();
    html! {
        section {
            h2 { "Decisions, with their reasons" }
            @if decisions.is_empty() { p { "Nothing was decided." } }
            @for decision in decisions {
                details open[decision.verdict == "fail-over" || decision.verdict == "fail-back"] {
                    summary {
                        span.number { (moment(decision.at_seconds)) } " " b { (decision.who) } ": " (decision.text)
                    }
                    ul.points {
                        @for finding in &decision.findings {
                            li.(if finding.passed { "good" } else { "bad" }) { (finding.text) }
                        }
                    }
                    @if let Some(flip) = &decision.flip { p.note { "Turns if: " (flip) } }
                }
            }
        }
    }
}

fn timeline(report: &DrillReport) -> Markup {
    let told = |entry: &&TimelineEntry| entry.at_seconds >= 0.0;
    html! {
        section {
            h2 { "Timeline" }
            details {
                summary { "Everything from the onset on, in the order in which it happened" }
                div.scroll {
                    table {
                        thead { tr { th.number { "When" } th { "Who" } th { "What" } } }
                        tbody {
                            @for entry in report.run.timeline.iter().filter(told) {
                                tr.(class(entry.kind)) {
                                    td.number { (moment(entry.at_seconds)) }
                                    td { (entry.who) }
                                    td { (entry.text) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Fault | Kind::Human => "warn",
        Kind::Decision | Kind::Completed => "strong",
        Kind::Violation | Kind::Unhandled => "bad",
        _ => "plain",
    }
}

fn orders(report: &DrillReport) -> Markup {
    let measured = &report.measured;
    let rows = [
        ("clients", count(u64::try_from(measured.clients).unwrap_or(u64::MAX))),
        ("attempts to place an order", count(measured.placed)),
        ("acknowledged", count(measured.accepted)),
        ("of these processed at once", count(measured.processed_at_once)),
        ("refused, or not answered in time", count(measured.refused)),
        (
            "acknowledged and in no database that survived",
            count(measured.acknowledged_and_lost),
        ),
    ];
    html! {
        section {
            h2 { "Orders" }
            table.narrow {
                tbody { @for (what, number) in rows { tr { td { (what) } td.number { (number) } } } }
            }
        }
    }
}

fn invariants(report: &DrillReport) -> Markup {
    html! {
        section {
            h2 { "Invariants" }
            ul.points {
                @for invariant in &report.run.invariants {
                    li.(if invariant.held { "good" } else { "bad" }) { (invariant.name) }
                }
            }
            @for violation in &report.run.violations {
                p.bad { (moment(violation.at_seconds)) " " (violation.invariant) ": " (violation.text) }
            }
            @if !report.not_judged.is_empty() {
                p.note { "Not judged, because it shows only inside an engine: " (report.not_judged.join("; ")) "." }
            }
        }
    }
}

fn conditions(report: &DrillReport) -> Markup {
    html! {
        section {
            h2 { "What is modelled" }
            p {
                "AWS is modelled: these figures were sampled from the seed before the drill began. The engine's own work is real: its "
                "processes, sockets, disk and clocks."
            }
            details {
                summary { "Every sampled figure, with its bound and its source" }
                div.scroll {
                    table {
                        thead { tr { th { "Figure" } th.number { "Value" } th.number { "Bound" } th { "Source" } } }
                        tbody {
                            @for figure in &report.run.conditions.figures {
                                tr {
                                    td { (figure.name) }
                                    td.number { (format!("{:.3} {}", figure.value, figure.unit)) }
                                    td.number { @if let Some(bound) = figure.bound { (format!("{bound:.3}")) } }
                                    td { (figure.source) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn about(report: &DrillReport) -> Markup {
    html! {
        footer {
            p.note {
                "Repeat it: " code { (format!("understudy-sim drill {} --seed {}", report.run.scenario.name, report.run.seed)) }
                ". The engine's processes were ended, and their files removed."
            }
        }
    }
}
