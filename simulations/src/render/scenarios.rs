//! The scenarios at a glance.

use super::Look;
use super::text::{Ink, Paper, plural, span, wall_clock};
use super::verdict::decision;
use crate::scenario::{Evidence, Fault, Scenario};

/// Each scenario with what it is about and what ought to happen, and the variants of the same incident, under a heading
/// for each theme.
#[must_use]
pub fn scenarios(scenarios: &[Scenario], look: Look) -> String {
    let mut paper = Paper::new(look);
    let mut theme = None;
    for (number, scenario) in scenarios.iter().enumerate() {
        let is_incident = !scenario.sources.is_empty();
        match scenario.theme {
            Some(next) if theme != Some(next) => paper.heading(next.heading()),
            _ if is_incident && number > 0 => paper.line(""),
            _ => {}
        }
        theme = scenario.theme;
        let name = paper.inked(Ink::Bold, &scenario.name);
        paper.line(&format!("{name}: {}", decision(scenario.expect.decision)));
        paper.paragraph(2, &scenario.title);
        // What is made up is told by its title; what happened has a day, a stack that it is judged for, and gaps.
        if is_incident {
            write_incident(&mut paper, scenario);
            write_siblings(&mut paper, scenario, scenarios);
        }
    }
    paper.finish()
}

fn write_incident(paper: &mut Paper, scenario: &Scenario) {
    let path: Vec<&str> = scenario.order_path.iter().map(|part| part.name()).collect();
    paper.hanging("  orders need ", 14, Ink::Normal, &path.join(", "));
    let faults = format!(
        "from {} for {}; {}",
        wall_clock(scenario.start.as_millis()),
        span(scenario.horizon.as_secs_f64()),
        faults(scenario)
    );
    paper.paragraph(2, &faults);
}

/// What else there is about the same incident, for the end of a run. Empty if there is nothing.
#[must_use]
pub fn siblings(scenario: &Scenario, all: &[Scenario], look: Look) -> String {
    let mut paper = Paper::new(look);
    if scenario.siblings(all).next().is_some() {
        paper.line("");
        write_siblings(&mut paper, scenario, all);
    }
    paper.finish()
}

fn write_siblings(paper: &mut Paper, scenario: &Scenario, all: &[Scenario]) {
    for sibling in scenario.siblings(all) {
        let line = format!(
            "same incident, another order path: {} ({})",
            sibling.name,
            decision(sibling.expect.decision)
        );
        paper.hanging("  ", 2, Ink::Calm, &line);
    }
}

/// How much of it is known, and how much had to be filled in.
fn faults(scenario: &Scenario) -> String {
    let all = scenario.faults.len();
    let is_published = |fault: &&Fault| fault.evidence == Evidence::Published;
    let published = scenario.faults.iter().filter(is_published).count();
    format!(
        "{}: {published} published, {} inferred",
        plural(all, "fault"),
        all - published
    )
}
