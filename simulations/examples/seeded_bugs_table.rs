//! Runs the same campaign with each of the bugs that are put in on purpose, and writes what it found as the table of
//! `docs/campaigns.md`: in how many timelines, named by which invariants, and how small it became. With the name of a bug
//! it writes the first timeline's scenario file instead, as it was made small.

use std::collections::BTreeMap;

use understudy_policies::{Policy, shipped};
use understudy_simulations::campaign::{HORIZON, Source, Timeline, Workload};
use understudy_simulations::digest::Digest;
use understudy_simulations::run::digest_with_bug;
use understudy_simulations::scenario::write;
use understudy_simulations::seeded::Bug;
use understudy_simulations::shrink::{Failure, shrink_by};

/// How many timelines the campaign has, from seed 1 on.
const TIMELINES: u64 = 500;

fn main() {
    let policy = shipped::trading();
    let source = Source::Workload(Workload::Outages, HORIZON);
    let timelines: Vec<Timeline> = (1..=TIMELINES).map(|seed| source.timeline(seed, &policy)).collect();
    if let Some(name) = std::env::args().nth(1) {
        let bug = Bug::all().find(|bug| bug.name() == name);
        print!(
            "{}",
            bug.map_or_else(|| "no such bug\n".to_owned(), |bug| small(bug, &timelines, &policy))
        );
        return;
    }
    println!("| Bug | Wrong timelines of {TIMELINES} | What says so | First seed | Faults there, and left |");
    println!("|--|--|--|--|--|");
    for bug in Bug::all() {
        println!("{}", row(bug, &timelines, &policy));
    }
}

fn run(bug: Bug, timeline: &Timeline, policy: &Policy) -> Digest {
    let conditions = timeline.conditions(policy);
    digest_with_bug(bug, &timeline.scenario, policy, timeline.seed, conditions)
}

fn row(bug: Bug, timelines: &[Timeline], policy: &Policy) -> String {
    let mut found = BTreeMap::<String, u32>::new();
    let mut wrong = Vec::new();
    for timeline in timelines {
        let Some(failure) = Failure::of(timeline, &run(bug, timeline, policy)) else {
            continue;
        };
        let what = match failure {
            Failure::Broken(invariant) => invariant.to_owned(),
            other => other.in_words(),
        };
        *found.entry(what).or_default() += 1;
        wrong.push(timeline);
    }
    let name = bug.name();
    let Some(first) = wrong.first() else {
        return format!("| `{name}` | 0 | | | |");
    };
    let small = shrink_by(first, |candidate| run(bug, candidate, policy))
        .map_or_else(|| "?".to_owned(), |shrunk| pieces(&shrunk.timeline).to_string());
    let mut words: Vec<(String, u32)> = found.into_iter().collect();
    words.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let words: Vec<String> = words.iter().map(|(what, times)| format!("{what} ({times})")).collect();
    format!(
        "| `{name}` | {} | {} | {} | {} to {small} |",
        wrong.len(),
        words.join("; "),
        first.seed,
        pieces(first)
    )
}

/// The scenario file of what is left of the first timeline that a bug shows in.
fn small(bug: Bug, timelines: &[Timeline], policy: &Policy) -> String {
    let found = timelines.iter().find_map(|timeline| {
        let shrunk = shrink_by(timeline, |candidate| run(bug, candidate, policy))?;
        let digest = run(bug, &shrunk.timeline, policy);
        let mut told = vec![format!("Seed {}, after {} runs.", timeline.seed, shrunk.runs)];
        told.extend(
            digest
                .violations
                .first()
                .map(|it| format!("At {:.3} s: {}.", it.at_seconds, it.text)),
        );
        Some(write(&shrunk.scenario(bug.name(), digest.failovers > 0), &told))
    });
    found.unwrap_or_else(|| "it shows in none of the timelines\n".to_owned())
}

/// Faults and what operators do.
fn pieces(timeline: &Timeline) -> usize {
    timeline.scenario.faults.len() + timeline.scenario.operations.len()
}
