//! What a campaign found, as a person reads it.

use super::Look;
use super::text::{Ink, Paper, count, plural, span};
use crate::campaign::{CampaignReport, Figures, SeedReport};

/// How many seeds or violations are listed; `--json` has more.
const LISTED: usize = 10;

/// A campaign: what was run, what is wrong, the figures, and what was never reached.
#[must_use]
pub fn campaign(report: &CampaignReport, look: Look) -> String {
    let mut paper = Paper::new(look);
    head(&mut paper, report);
    wrong(&mut paper, report);
    figures(&mut paper, report);
    failovers(&mut paper, report);
    reached(&mut paper, report);
    verdict(&mut paper, report);
    paper.finish()
}

fn head(paper: &mut Paper, report: &CampaignReport) {
    let what = match (&report.scenario, report.workload) {
        (Some(scenario), _) => format!("scenario {scenario}"),
        (None, Some(workload)) => format!("workload {}", workload.name()),
        (None, None) => "nothing".to_owned(),
    };
    paper.heading(&format!("{} of {what}", timelines(report.timelines)));
    let last = report.seed.saturating_add(report.timelines.saturating_sub(1));
    let line = format!(
        "policy {}, seeds {} to {last}, each followed for {} from its onset; every figure is modelled",
        report.policy,
        report.seed,
        span(report.horizon_seconds)
    );
    paper.paragraph(2, &line);
    if report.interrupted {
        let line = format!(
            "interrupted: {} of {}",
            count(report.timelines),
            timelines(report.timelines_asked)
        );
        paper.hanging("  ", 2, Ink::Warn, &line);
    }
    for it in &report.drawn {
        let line = format!(
            "{} {}: {}; clients interrupted in {}, for {} in all",
            count(it.timelines),
            it.workload.name(),
            failed_over(it.failovers),
            count(it.interrupted_timelines),
            span(it.interrupted_seconds)
        );
        paper.paragraph(2, &line);
    }
    if let (Some(wall), Some(speed)) = (report.wall_seconds, report.simulated_seconds_per_wall_second_per_core) {
        let line = format!(
            "{} simulated in {} on {}: {} simulated seconds per second and core",
            span(report.simulated_seconds),
            span(wall),
            plural(report.cores, "core"),
            count(rounded(speed))
        );
        paper.paragraph(2, &line);
    }
}

fn wrong(paper: &mut Paper, report: &CampaignReport) {
    if report.violations_count > 0 {
        paper.heading(&format!("Broken invariants: {}", count(report.violations_count)));
        for (invariant, times) in &report.violations_by_invariant {
            paper.hanging("  X ", 4, Ink::Bad, &format!("{} times: {invariant}", count(*times)));
        }
        for violation in report.violations.iter().take(LISTED) {
            paper.paragraph(4, &format!("seed {}: {}", violation.seed, violation.text));
            paper.line(&format!("      {}", violation.replay));
        }
        more(paper, report.violations.len(), report.violations_count);
    }
    seeds(
        paper,
        "False failovers",
        report.false_failovers,
        &report.false_failover_seeds,
    );
    seeds(
        paper,
        "Missed failovers",
        report.missed_failovers,
        &report.missed_failover_seeds,
    );
    seeds(
        paper,
        "Over the budget, inside the declared bounds",
        report.over_budget_inside_bounds,
        &report.over_budget_seeds,
    );
}

fn seeds(paper: &mut Paper, what: &str, number: u64, seeds: &[SeedReport]) {
    if number == 0 {
        return;
    }
    paper.heading(&format!("{what}: {}", count(number)));
    for seed in seeds.iter().take(LISTED) {
        paper.line(&format!("    {}", seed.replay));
    }
    more(paper, seeds.len(), seeds.len() as u64);
}

fn more(paper: &mut Paper, listed: usize, all: u64) {
    if listed > LISTED {
        let more = count(all.saturating_sub(LISTED as u64));
        paper.paragraph(4, &format!("... and {more} more; `--json` lists the first 100"));
    }
}

fn figures(paper: &mut Paper, report: &CampaignReport) {
    paper.heading("Back again, from the onset (modelled)");
    let header = format!(
        "  {:<32}{:>10}{:>9}{:>9}{:>9}{:>9}",
        "", "timelines", "p50", "p99", "p99.9", "max"
    );
    paper.line(&header);
    for (what, figures) in [
        ("orders accepted", &report.accepted_rto_seconds),
        ("orders processed", &report.processed_rto_seconds),
        (
            "accepted, inside the bounds",
            &report.accepted_rto_inside_bounds_seconds,
        ),
        (
            "processed, inside the bounds",
            &report.processed_rto_inside_bounds_seconds,
        ),
    ] {
        row(paper, what, figures);
    }
    let line = format!(
        "inside the policy's bounds: {} of all timelines; over the budget there: {} of {} for which it is promised",
        percent(report.inside_bounds_share),
        count(report.over_budget_inside_bounds),
        count(report.promised)
    );
    paper.paragraph(2, &line);
    if !report.overruns.is_empty() {
        let overruns: Vec<String> = report
            .overruns
            .iter()
            .map(|(phase, times)| format!("{phase} {}", count(*times)))
            .collect();
        paper.paragraph(2, &format!("phases that overran: {}", overruns.join(", ")));
    }
    paper.heading("Availability (modelled)");
    let line = format!(
        "95 % of clients could place orders for {} of the time that these timelines cover",
        percent(report.availability)
    );
    paper.paragraph(2, &line);
    if let (Some(mean), Some(outages)) = (report.mean_interruption_seconds, report.outages_per_year_at_target) {
        let line = format!(
            "{} on average in a timeline in which they could not: {outages:.1} of these fit into a year at {}",
            span(mean),
            percent(report.availability_target)
        );
        paper.paragraph(2, &line);
    }
    let orders = &report.orders;
    let line = format!(
        "{} orders placed, {} accepted, {} refused or unanswered, {} acknowledged and lost",
        count(orders.placed),
        count(orders.accepted),
        count(orders.refused),
        count(orders.lost)
    );
    paper.paragraph(2, &line);
}

fn row(paper: &mut Paper, what: &str, figures: &Figures) {
    let seconds = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |it| format!("{it:.1} s"));
    let never = if figures.never > 0 {
        format!("  and {} not within the timeline", count(figures.never))
    } else {
        String::new()
    };
    let line = format!(
        "  {what:<32}{:>10}{:>9}{:>9}{:>9}{:>9}{never}",
        count(figures.count),
        seconds(figures.p50),
        seconds(figures.p99),
        seconds(figures.p999),
        seconds(figures.max)
    );
    paper.line(&line);
}

fn failovers(paper: &mut Paper, report: &CampaignReport) {
    paper.heading("Decisions");
    let line = format!(
        "{} in {}; {} demanded by the truth, {} false, {} missed; {}; a human was asked to take over in {}",
        failed_over(report.failovers),
        timelines(report.timelines_with_failover),
        count(report.demanded_failovers),
        count(report.false_failovers),
        count(report.missed_failovers),
        numbered(report.failbacks, "failback"),
        timelines(report.needs_operator)
    );
    paper.paragraph(2, &line);
    let ends: Vec<String> = report
        .ends_in
        .iter()
        .map(|(region, timelines)| format!("{region} {}", count(*timelines)))
        .collect();
    paper.paragraph(2, &format!("serving at the end: {}", ends.join(", ")));
    for seed in report.unserved_seeds.iter().take(LISTED) {
        paper.line(&format!("    none: {}", seed.replay));
    }
}

fn reached(paper: &mut Paper, report: &CampaignReport) {
    paper.heading("Reached");
    coverage(
        paper,
        "edges of the state machine",
        report.edges_reached.len(),
        &report.edges_unreached,
    );
    if report.workload.is_some() {
        coverage(
            paper,
            "kinds of faults",
            report.faults_reached.len(),
            &report.faults_unreached,
        );
    }
}

fn coverage(paper: &mut Paper, what: &str, reached: usize, unreached: &[String]) {
    let all = reached + unreached.len();
    paper.paragraph(2, &format!("{reached} of {all} {what}"));
    if !unreached.is_empty() {
        paper.paragraph(4, &format!("never: {}", unreached.join(", ")));
    }
}

fn verdict(paper: &mut Paper, report: &CampaignReport) {
    paper.heading("Verdict");
    let (word, ink) = match (report.right, report.interrupted) {
        (true, false) => ("right", Ink::Good),
        (true, true) => ("right so far", Ink::Good),
        (false, _) => ("WRONG", Ink::Bad),
    };
    let verdict = paper.inked(ink, word);
    let line = format!(
        "  {verdict}: {}, {} false and {} missed failovers",
        numbered(report.violations_count, "broken invariant"),
        count(report.false_failovers),
        count(report.missed_failovers)
    );
    paper.line(&line);
}

fn timelines(number: u64) -> String {
    numbered(number, "timeline")
}

fn failed_over(number: u64) -> String {
    numbered(number, "failover")
}

fn numbered(number: u64, what: &str) -> String {
    plural(usize::try_from(number).unwrap_or(usize::MAX), what)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn rounded(figure: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "speeds are not negative and far below 2^64"
    )]
    let rounded = figure.round() as u64;
    rounded
}
