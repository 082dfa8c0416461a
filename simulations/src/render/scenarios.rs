//! The scenarios at a glance.

use super::Look;
use super::text::{Ink, Paper, plural, span, wall_clock};
use super::verdict::decision;
use crate::scenario::{Evidence, Scenario};

/// Each scenario with what it is about and what ought to happen, and the variants of the same incident.
#[must_use]
pub fn scenarios(scenarios: &[Scenario], look: Look) -> String {
    let mut paper = Paper::new(look);
    for (number, scenario) in scenarios.iter().enumerate() {
        if number > 0 {
            paper.line("");
        }
        let name = paper.inked(Ink::Bold, &scenario.name);
        paper.line(&format!("{name}: {}", decision(scenario.expect.decision)));
        paper.paragraph(2, &scenario.title);
        let path: Vec<&str> = scenario.order_path.iter().map(|part| part.name()).collect();
        paper.hanging("  orders need ", 14, Ink::Normal, &path.join(", "));
        let published = scenario
            .faults
            .iter()
            .filter(|fault| fault.evidence == Evidence::Published)
            .count();
        let faults = format!(
            "from {} for {}; {} published, {} inferred",
            wall_clock(scenario.start.as_millis()),
            span(scenario.horizon.as_secs_f64()),
            plural(published, "fault"),
            scenario.faults.len() - published,
        );
        paper.paragraph(2, &faults);
        write_siblings(&mut paper, scenario, scenarios);
    }
    paper.finish()
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
