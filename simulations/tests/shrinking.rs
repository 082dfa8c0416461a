//! A failure that a campaign finds becomes small, stays the same failure, and can be kept as a file.

use understudy_policies::Policy;
use understudy_policies::shipped;
use understudy_policies::source::Source as Text;
use understudy_simulations::campaign::{HORIZON, Source, Timeline, Workload};
use understudy_simulations::digest::Digest;
use understudy_simulations::run::digest_with;
use understudy_simulations::scenario::{read, write};
use understudy_simulations::shrink::{Failure, RUNS_MAX, shrink, shrink_by};

/// A world in which something goes wrong that no policy declares: the clocks of us-east-2 run at twice the speed, so
/// that a taker there waits for half of the time that it should.
fn with_a_fast_clock(timeline: &Timeline, policy: &Policy) -> Digest {
    let mut conditions = timeline.conditions(policy);
    conditions.drift_ppm = [0, 1_000_000];
    digest_with(&timeline.scenario, policy, timeline.seed, conditions)
}

/// The first timeline of a campaign in which an invariant is broken, with at least so many faults.
fn first_failing(policy: &Policy, faults: usize) -> Timeline {
    let source = Source::Workload(Workload::Outages, HORIZON);
    (0..400)
        .map(|seed| source.timeline(seed, policy))
        .filter(|timeline| timeline.scenario.faults.len() >= faults)
        .find(|timeline| !with_a_fast_clock(timeline, policy).violations.is_empty())
        .expect("a clock at twice the speed breaks an invariant sooner or later")
}

#[test]
fn a_failure_shrinks_to_the_few_faults_that_it_takes_and_stays_the_same_failure() {
    let policy = shipped::trading();
    let found = first_failing(&policy, 4);
    let run = |timeline: &Timeline| with_a_fast_clock(timeline, &policy);
    let shrunk = shrink_by(&found, run).expect("it fails");
    assert_eq!(Some(shrunk.failure), Failure::of(&found, &run(&found)));
    assert!(shrunk.failure.shows_in(&shrunk.timeline, &run(&shrunk.timeline)));
    let left = &shrunk.timeline.scenario;
    assert!(left.faults.len() + left.operations.len() <= 3, "{left:#?}");
    assert!(left.horizon <= found.scenario.horizon);
    assert!(shrunk.runs <= RUNS_MAX);
    assert_eq!(
        shrink_by(&found, run),
        Some(shrunk),
        "the same timeline shrinks to the same one"
    );
}

#[test]
fn what_is_left_is_written_as_a_file_that_is_read_back_as_the_same_scenario() {
    let policy = shipped::trading();
    let found = first_failing(&policy, 2);
    let shrunk = shrink_by(&found, |timeline| with_a_fast_clock(timeline, &policy)).expect("it fails");
    let scenario = shrunk.scenario("two-writers", true);
    let text = write(&scenario, &["Shows what a fast clock does.".to_owned()]);
    let again = read(&Text::new("two-writers.toml", &text)).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert_eq!(again, scenario);
    assert_eq!(again.seed, Some(found.seed));
}

#[test]
fn what_is_false_only_because_so_little_is_lost_is_never_made_worse() {
    let policy = shipped::trading();
    let file = Text::new("ought-to-hold.toml", include_str!("cmd/files/ought-to-hold.toml"));
    let scenario = read(&file).unwrap_or_else(|wrong| panic!("{wrong}"));
    let source = Source::Scenario(Box::new(scenario.clone()), None);
    let shrunk = shrink(&source.timeline(1, &policy), &policy).expect("it fails over, and ought to hold");
    assert_eq!(shrunk.failure, Failure::FalseFailover);
    for fault in &shrunk.timeline.scenario.faults {
        let before = scenario.faults.iter().find(|before| before.subject == fault.subject);
        let before = before.expect("no fault is made up");
        assert_eq!((fault.state, fault.at), (before.state, before.at));
        assert!(
            fault
                .until
                .is_none_or(|until| before.until.is_none_or(|before| until <= before))
        );
    }
    assert!(shrunk.timeline.scenario.horizon < scenario.horizon);
}

#[test]
fn nothing_shrinks_that_is_not_wrong() {
    let policy = shipped::trading();
    let source = Source::Workload(Workload::Quiet, HORIZON);
    assert_eq!(shrink(&source.timeline(1, &policy), &policy), None);
}

#[test]
fn every_timeline_that_can_be_drawn_is_a_scenario_that_can_be_kept() {
    let policy = shipped::trading();
    for workload in [Workload::Quiet, Workload::Flapping, Workload::Outages] {
        let source = Source::Workload(workload, HORIZON);
        for seed in 0..400 {
            let scenario = source.timeline(seed, &policy).scenario;
            if scenario.faults.is_empty() {
                continue;
            }
            let text = write(&scenario, &[]);
            let file = Text::new(&format!("{}.toml", scenario.name), &text);
            let again = read(&file).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
            assert_eq!(again, scenario);
        }
    }
}
