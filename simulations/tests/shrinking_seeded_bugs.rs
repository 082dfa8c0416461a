//! Bugs that were put in on purpose: a campaign finds them, and what it found shrinks to the few faults that it takes.

use understudy_policies::{Policy, shipped};
use understudy_simulations::campaign::{HORIZON, Source, Timeline, Workload};
use understudy_simulations::digest::Digest;
use understudy_simulations::run::digest_with_bug;
use understudy_simulations::seeded::Bug;
use understudy_simulations::shrink::{Failure, shrink_by};

/// How many timelines the campaign has.
const SEEDS: u64 = 150;
/// How many of the bugs it must find. Some need a policy of their own, and one shows in few timelines only.
const FOUND_MIN: usize = 12;
/// A failure that needs more is not small.
const LEFT_MAX: usize = 3;

fn run(bug: Bug, timeline: &Timeline, policy: &Policy) -> Digest {
    let conditions = timeline.conditions(policy);
    digest_with_bug(bug, &timeline.scenario, policy, timeline.seed, conditions)
}

fn pieces(timeline: &Timeline) -> usize {
    timeline.scenario.faults.len() + timeline.scenario.operations.len()
}

#[test]
fn a_bug_that_a_campaign_finds_shrinks_to_at_most_three_faults_and_shows_in_none_of_them_without_the_bug() {
    let policy = shipped::trading();
    let source = Source::Workload(Workload::Outages, HORIZON);
    let timelines: Vec<Timeline> = (0..SEEDS).map(|seed| source.timeline(seed, &policy)).collect();
    let mut found = Vec::new();
    for bug in Bug::all() {
        // What fails without the bug says nothing about it.
        let shows = |timeline: &&Timeline| {
            Failure::of(timeline, &run(bug, timeline, &policy)).is_some()
                && Failure::of(timeline, &timeline.digest(&policy)).is_none()
        };
        let Some(timeline) = timelines.iter().find(shows) else {
            continue;
        };
        let shrunk = shrink_by(timeline, |candidate| run(bug, candidate, &policy)).expect("it fails");
        let left = pieces(&shrunk.timeline);
        assert!(left <= LEFT_MAX, "{}: {left} of {}", bug.name(), pieces(timeline));
        let clean = shrunk.timeline.digest(&policy);
        assert!(
            !shrunk.failure.shows_in(&shrunk.timeline, &clean),
            "{}: it is the bug that shows",
            bug.name()
        );
        found.push(bug.name());
    }
    assert!(found.len() >= FOUND_MIN, "found only {found:?}");
}
