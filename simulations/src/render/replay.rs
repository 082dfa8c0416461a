//! One timeline of a campaign, as a person reads it.

use std::time::Duration;

use super::text::{Ink, Paper, moment, plural, span, wall_clock};
use super::{Look, ledger, timeline, verdict};
use crate::campaign::{Focus, Replay};
use crate::report::{Sighting, words};
use crate::scenario::{Origin, Scenario, step_name};

/// What was drawn, with every parameter, and what came of it.
#[must_use]
pub fn replay(replay: &Replay<'_>, scenario: &Scenario, look: Look) -> String {
    let mut paper = Paper::new(look);
    let report = &replay.report;
    paper.heading(&report.scenario.title);
    let length = span(report.scenario.length_seconds);
    let line = format!(
        "policy {}, seed {}; followed for {length} from the onset; every figure is modelled",
        report.policy, replay.seed
    );
    paper.paragraph(2, &line);
    drawn(&mut paper, replay, scenario);
    conditions(&mut paper, replay);
    match &replay.focus {
        Some(focus) => sightings(&mut paper, focus),
        None => timeline::write(&mut paper, report),
    }
    ledger::write(&mut paper, report);
    verdict::write(&mut paper, report);
    paper.finish()
}

fn drawn(paper: &mut Paper, replay: &Replay<'_>, scenario: &Scenario) {
    paper.heading("Drawn");
    let parts: Vec<&str> = scenario.order_path.iter().map(|part| part.name()).collect();
    let start = format!(
        "{} serves, and the clock shows {} at the start",
        words::region(scenario.begins_in),
        wall_clock(scenario.start.as_millis())
    );
    let approval = match scenario.approval_after {
        Some(after) => format!("humans approve after {}", span(after.as_secs_f64())),
        None => "humans never approve".to_owned(),
    };
    let line = format!(
        "{start}, the onset is {} later; {} in each region; orders need {}; {approval}",
        span(scenario.onset.as_secs_f64()),
        plural(usize::from(replay.sidecars), "sidecar"),
        parts.join(", ")
    );
    paper.paragraph(2, &line);
    if !replay.left_out.is_empty() {
        paper.paragraph(2, &format!("left out by this seed: {}", replay.left_out.join(", ")));
    }
    for fault in &scenario.faults {
        let at = since(fault.origin, fault.at);
        let until = fault
            .until
            .map_or_else(|| "the end".to_owned(), |until| since(fault.origin, until));
        let first = format!("  {at} to {until:<10}  ");
        paper.hanging(&first, first.len().min(30), Ink::Normal, &fault.in_words());
    }
    for operation in &scenario.operations {
        let first = format!("  {:<24}  ", since(operation.origin, operation.at));
        let text = format!("an operator asks for {}: {}", operation.in_words(), operation.note);
        paper.hanging(&first, first.len().min(30), Ink::Normal, &text);
    }
}

/// A moment that counts from the onset, or from what it waits for.
fn since(origin: Origin, at: Duration) -> String {
    let seconds = at.as_secs_f64();
    match origin {
        Origin::Onset => moment(seconds),
        Origin::BeforeOnset(before) => moment(seconds - before.as_secs_f64()),
        Origin::Step(step) => format!("{} {}", step_name(step), moment(seconds)),
        Origin::State(state) => format!("{} {}", state.name(), moment(seconds)),
    }
}

fn conditions(paper: &mut Paper, replay: &Replay<'_>) {
    let conditions = &replay.report.conditions;
    let inside = if conditions.within_bounds { "all" } else { "not all" };
    paper.heading(&format!("Conditions, {inside} inside the policy's bounds"));
    for figure in &conditions.figures {
        let unit = if figure.unit == "count" { "" } else { figure.unit };
        let bound = figure
            .bound
            .map_or_else(String::new, |bound| format!(", bound {bound:.3}"));
        let line = format!("  {:<36}{:>12.3} {unit}{bound}", figure.name, figure.value);
        let outside = figure.bound.is_some_and(|bound| figure.value > bound);
        let line = if outside {
            paper.inked(Ink::Warn, &format!("{line}, outside"))
        } else {
            line
        };
        paper.line(&line);
    }
}

fn sightings(paper: &mut Paper, focus: &Focus) {
    paper.heading(&format!("What {} saw, counted from the onset", focus.witness));
    if focus.sightings.is_empty() {
        paper.paragraph(2, "it never changed its mind");
    }
    for sighting in &focus.sightings {
        let first = format!("  {}  ", moment(sighting.at_seconds));
        let ink = match sighting.to {
            "breached" => Ink::Bad,
            "missing" => Ink::Warn,
            _ => Ink::Good,
        };
        let Sighting {
            who, target, from, to, ..
        } = sighting;
        paper.hanging(
            &first,
            first.len(),
            ink,
            &format!("{who}: {target} is {to} (was {from})"),
        );
        let states: Vec<String> = sighting
            .states
            .iter()
            .map(|it| format!("{} {}", it.who, it.state.unwrap_or("not running")))
            .collect();
        paper.paragraph(first.len(), &states.join(", "));
    }
}
