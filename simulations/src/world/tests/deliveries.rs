//! Messages, probes and requests that are lost, come twice or are late by themselves.

use super::*;
use crate::scenario::Share;

fn held(faults: Vec<Fault>, seed: u64) -> Report {
    run(
        &scenario(ExpectedDecision::Hold, 3 * MINUTE, faults),
        &shipped::trading(),
        seed,
    )
}

fn lossy(share: f64) -> FaultState {
    let share = Share::from_fraction(share);
    FaultState::Lossy { share }
}

fn between(from: Place, to: Place, state: FaultState) -> Fault {
    let both_ways = true;
    fault(Subject::Link { from, to, both_ways }, state, 0, None)
}

#[test]
fn heartbeats_that_are_all_lost_are_missed_and_nothing_else_is() {
    let report = held(vec![broken(Part::Heartbeat, Place::Home, lossy(1.0), 0, None)], 1);
    let at = says(&report, Kind::Witness, "heartbeat about us-east-1: missing");
    assert!(at.is_some_and(|at| (0.0..60.0).contains(&at)), "{at:?}");
    assert!(report.verdict.right, "{:#?}", report.verdict);
}

#[test]
fn messages_that_come_twice_are_counted_once() {
    let by = Duration::from_millis(500);
    let twice = |place| broken(Part::Heartbeat, place, FaultState::Duplicated { by }, 0, None);
    let report = held(vec![twice(Place::Home), twice(Place::Away)], 1);
    let seen = report.disregarded;
    assert!(seen.duplicate + seen.out_of_order > 300, "{seen:?}");
    assert!(report.verdict.right, "{:#?}", report.verdict);
}

#[test]
fn messages_that_overtake_each_other_arrive_in_their_own_order() {
    let by = Duration::from_millis(1_500);
    let reordered = FaultState::Reordered { by };
    let report = held(vec![broken(Part::Heartbeat, Place::Home, reordered, 0, None)], 1);
    assert!(report.disregarded.out_of_order > 5, "{:?}", report.disregarded);
    assert!(report.verdict.right, "{:#?}", report.verdict);
}

#[test]
fn events_that_come_801_seconds_late_decide_nothing() {
    let by = Duration::from_secs(801);
    let delayed = broken(Part::Eventbridge, Place::Home, FaultState::Delayed { by }, 0, None);
    let scenario = scenario(ExpectedDecision::Hold, 20 * MINUTE, vec![delayed]);
    let report = run(&scenario, &shipped::trading(), 1);
    assert!(report.disregarded.stale > 10, "{:?}", report.disregarded);
    assert!(report.verdict.right, "{:#?}", report.verdict);
}

#[test]
fn probes_that_are_lost_time_out() {
    let report = held(vec![between(Place::Away, Place::Home, lossy(0.6))], 1);
    assert!(says(&report, Kind::Witness, "peer-application about us-east-1: breached").is_some());
    let observer = report.timeline.iter().find(|entry| {
        entry.at_seconds > 0.0 && entry.text.contains("observer-application") && entry.text.contains(": breached")
    });
    assert_eq!(observer, None, "the observer asks over another link");
    assert!(report.verdict.right, "{:#?}", report.verdict);
}

#[test]
fn renewals_over_a_link_that_loses_some_are_settled_and_break_nothing() {
    for seed in 0..6 {
        let faults = vec![
            broken(Part::LeaseEndpoint, Place::Home, FaultState::Down, 0, None),
            between(Place::Home, Place::Away, lossy(0.2)),
        ];
        let report = held(faults, seed);
        assert_eq!(report.violations, [], "seed {seed}");
        assert_eq!(report.actual.ends_in, Some("us-east-1"), "seed {seed}");
    }
}

#[test]
fn a_failover_over_bad_links_ends_where_it_should() {
    for seed in 0..6 {
        let mut scenario = region_loss();
        scenario.horizon += Duration::from_secs(2 * MINUTE);
        let by = Duration::from_millis(80);
        scenario.faults.extend([
            between(Place::Away, Place::Witness, lossy(0.1)),
            between(Place::Away, Place::Witness, FaultState::Reordered { by }),
        ]);
        let report = run(&scenario, &shipped::trading(), seed);
        assert_eq!(report.violations, [], "seed {seed}");
        assert_eq!(report.actual.ends_in, Some("us-east-2"), "seed {seed}");
    }
}

#[test]
fn what_is_lost_follows_from_the_seed() {
    let json = |seed| {
        let report = held(vec![between(Place::Away, Place::Home, lossy(0.3))], seed);
        serde_json::to_string(&report).unwrap()
    };
    assert_eq!(json(3), json(3));
    assert_ne!(json(3), json(4));
}
