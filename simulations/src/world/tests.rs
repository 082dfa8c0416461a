//! Whole runs, of small scenarios.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::time::WallTime;
use understudy_policies::{Policy, shipped};

use crate::conditions::Conditions;
use crate::invariants::COMMITS_FENCED;
use crate::report::{Kind, Report};
use crate::run::{conditions_rng, run, run_with};
use crate::scenario::{Evidence, Expect, ExpectedDecision, Fault, FaultState, Origin, Part, Place, Scenario, Subject};

mod clocks;
mod deeds;
mod deliveries;
mod operators;
mod triggers;

const MINUTE: u64 = 60;

fn says(report: &Report, kind: Kind, what: &str) -> Option<f64> {
    let found = report
        .timeline
        .iter()
        .find(|entry| entry.kind == kind && entry.text.contains(what));
    found.map(|entry| entry.at_seconds)
}

fn broken(part: Part, place: Place, state: FaultState, at: u64, until: Option<u64>) -> Fault {
    fault(Subject::Part { part, place }, state, at, until)
}

fn cut(from: Place, to: Place, at: u64, until: Option<u64>) -> Fault {
    let subject = Subject::Link {
        from,
        to,
        both_ways: true,
    };
    fault(subject, FaultState::Hang, at, until)
}

fn fault(subject: Subject, state: FaultState, at: u64, until: Option<u64>) -> Fault {
    Fault {
        subject,
        state,
        origin: Origin::Onset,
        at: Duration::from_secs(at),
        until: until.map(Duration::from_secs),
        evidence: Evidence::Inferred,
        note: String::new(),
    }
}

fn scenario(decision: ExpectedDecision, seconds: u64, faults: Vec<Fault>) -> Scenario {
    Scenario {
        name: "made-up".to_owned(),
        title: String::new(),
        theme: None,
        variant_of: None,
        // A Tuesday morning in New York.
        start: WallTime::from_millis(1_772_549_700_000),
        onset: Duration::from_secs(MINUTE),
        horizon: Duration::from_secs(MINUTE + seconds),
        order_path: vec![Part::ApiGateway, Part::Lambda, Part::Sqs, Part::Aurora],
        policy: "trading".to_owned(),
        begins_in: Region::Home,
        mode: None,
        approval_after: None,
        sidecars: None,
        stretching_resolvers: None,
        seed: None,
        sources: Vec::new(),
        expect: Expect::only(decision, ""),
        faults,
        operations: Vec::new(),
    }
}

fn region_loss() -> Scenario {
    let lost = broken(Part::Region, Place::Home, FaultState::Hang, 0, None);
    scenario(ExpectedDecision::FailOver, 2 * MINUTE, vec![lost])
}

/// Home serves clients and sees neither the other region nor the witness region: the two would be a split brain.
fn isolation() -> Scenario {
    let faults = vec![
        cut(Place::Home, Place::Away, 0, None),
        cut(Place::Home, Place::Witness, 0, None),
    ];
    scenario(ExpectedDecision::FailOver, 2 * MINUTE, faults)
}

fn within_bounds(scenario: &Scenario, policy: &Policy, seed: u64, sidecars: u16) -> Report {
    let mut conditions = Conditions::within_bounds(policy, &mut conditions_rng(seed));
    conditions.sidecars = sidecars;
    run_with(scenario, policy, seed, conditions)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let policy = shipped::trading();
    let json = |seed| serde_json::to_string(&run(&region_loss(), &policy, seed)).unwrap();
    assert_eq!(json(3), json(3));
    assert_ne!(json(3), json(4));
}

#[test]
fn a_lost_region_is_left_within_the_budget_inside_the_bounds() {
    let policy = shipped::trading();
    for seed in 0..12 {
        let report = within_bounds(&region_loss(), &policy, seed, 1);
        assert_eq!(
            report.actual.within_budget,
            Some(true),
            "seed {seed}: {:#?}",
            report.ledger
        );
        assert!(report.verdict.right, "seed {seed}: {:#?}", report.verdict);
        assert_eq!(report.actual.ends_in, Some("us-east-2"), "seed {seed}");
    }
}

#[test]
fn a_cut_off_writer_stops_by_itself_before_the_other_region_promotes() {
    let policy = shipped::trading();
    for seed in 0..12 {
        for sidecars in [1, 2] {
            let report = within_bounds(&isolation(), &policy, seed, sidecars);
            assert_eq!(report.actual.failovers, 1, "seed {seed}");
            assert_eq!(report.violations, [], "seed {seed}");
        }
    }
}

#[test]
fn a_clock_far_beyond_its_bound_breaks_the_commit_invariant_and_every_such_commit_is_reported() {
    let policy = shipped::trading();
    let mut broken = 0;
    for seed in 0..8 {
        let mut conditions = Conditions::modelled(&policy, &mut conditions_rng(seed));
        // The taker's clock runs at twice the speed: it waits for half of the time that it should.
        conditions.drift_ppm = [0, 1_000_000];
        let report = run_with(&isolation(), &policy, seed, conditions);
        assert!(!report.conditions.within_bounds);
        let found = report
            .violations
            .iter()
            .any(|violation| violation.invariant == COMMITS_FENCED);
        if found {
            broken += 1;
            assert!(report.orders.lost > 0, "seed {seed}: such commits are lost");
            assert!(!report.verdict.right, "seed {seed}");
        }
    }
    assert!(broken > 0, "the invariant must be able to break");
}

#[test]
fn losing_all_monitoring_is_no_reason_to_move() {
    let missing = |part, place| broken(part, place, FaultState::Missing, 0, None);
    let faults = vec![
        missing(Part::Cloudwatch, Place::Home),
        missing(Part::Cloudwatch, Place::Away),
        missing(Part::Eventbridge, Place::Home),
        missing(Part::Eventbridge, Place::Away),
        missing(Part::Heartbeat, Place::Home),
        missing(Part::Heartbeat, Place::Away),
        broken(Part::Region, Place::Witness, FaultState::Hang, 0, None),
        cut(Place::Home, Place::Away, 10, None),
    ];
    let scenario = scenario(ExpectedDecision::Hold, 3 * MINUTE, faults);
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(report.actual.decision, ExpectedDecision::Hold);
    assert_eq!(report.violations, []);
}

#[test]
fn a_fault_of_both_regions_alike_is_no_reason_to_move() {
    let faults = [Place::Home, Place::Away].map(|place| broken(Part::Lambda, place, FaultState::Hang, 0, None));
    let scenario = scenario(ExpectedDecision::Hold, 2 * MINUTE, faults.to_vec());
    let report = run(&scenario, &shipped::trading(), 1);
    assert!(report.verdict.right, "{:#?}", report.verdict);
}

#[test]
fn a_region_that_was_paused_does_not_serve_on_when_it_wakes() {
    let faults = vec![broken(Part::Region, Place::Home, FaultState::Hang, 0, Some(90))];
    let scenario = scenario(ExpectedDecision::FailOver, 4 * MINUTE, faults);
    for seed in 0..4 {
        let report = run(&scenario, &shipped::trading(), seed);
        assert_eq!(report.actual.ends_in, Some("us-east-2"), "seed {seed}");
        assert_eq!(report.violations, [], "seed {seed}");
        let fenced = report
            .timeline
            .iter()
            .any(|entry| entry.who == "us-east-1 engine" && entry.kind == Kind::State && entry.at_seconds >= 90.0);
        assert!(fenced, "seed {seed}: the old region's engine must have found out");
    }
}

#[test]
fn a_standby_whose_copy_is_damaged_is_not_promoted() {
    let faults = vec![
        broken(Part::Region, Place::Home, FaultState::Hang, 0, None),
        broken(Part::Aurora, Place::Away, FaultState::Damaged, 0, None),
    ];
    let scenario = scenario(ExpectedDecision::FailOver, 3 * MINUTE, faults);
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(report.actual.ends_in, None);
    assert_eq!(report.ledger.processed_rto_seconds, None);
    assert!(report.orders.processed < report.orders.placed);
}

#[test]
fn every_order_is_accounted_for() {
    let report = run(&region_loss(), &shipped::trading(), 5);
    let orders = report.orders;
    assert_eq!(orders.placed, orders.accepted + orders.refused);
    assert_eq!(orders.accepted, orders.processed + orders.pending);
    assert_eq!(orders.placed, 200 * 3 * MINUTE);
}

#[test]
fn a_platform_that_begins_away_from_home_serves_there_and_is_soaking() {
    let mut scenario = scenario(
        ExpectedDecision::Hold,
        5 * MINUTE,
        vec![broken(Part::Kinesis, Place::Home, FaultState::Down, 0, None)],
    );
    scenario.begins_in = Region::Away;
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
    assert_eq!(report.violations, []);
    assert_eq!(report.ledger.interruptions, 0);
    let states: Vec<_> = report.standing.iter().map(|standing| standing.state).collect();
    assert_eq!(states, [Some("steady"), Some("soaking")]);
}

#[test]
fn the_loss_of_the_region_away_from_home_brings_the_platform_home() {
    let lost = broken(Part::Region, Place::Away, FaultState::Hang, 0, None);
    let mut scenario = scenario(ExpectedDecision::FailOver, 5 * MINUTE, vec![lost]);
    scenario.begins_in = Region::Away;
    for seed in 0..8 {
        let report = within_bounds(&scenario, &shipped::trading(), seed, 1);
        assert_eq!(report.actual.ends_in, Some("us-east-1"), "seed {seed}");
        assert_eq!(report.violations, [], "seed {seed}");
    }
}

#[test]
fn a_sidecar_whose_restart_falls_due_while_its_region_hangs_starts_when_it_answers() {
    let faults = vec![
        broken(Part::Sidecars, Place::Away, FaultState::Down, 0, Some(2)),
        broken(Part::Region, Place::Away, FaultState::Hang, 3, Some(180)),
    ];
    let scenario = scenario(ExpectedDecision::Hold, 6 * MINUTE, faults);
    for seed in 0..4 {
        let report = run(&scenario, &shipped::trading(), seed);
        let spoke = report.timeline.iter().filter(|entry| entry.who == "us-east-2 engine");
        let during = spoke.filter(|entry| (10.0..180.0).contains(&entry.at_seconds));
        assert_eq!(during.count(), 0, "seed {seed}");
        assert_eq!(report.standing[1].state, Some("steady"), "seed {seed}");
    }
}
