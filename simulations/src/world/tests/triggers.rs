//! Faults that begin when an engine comes to a step or a state, and faults of one sidecar.

use understudy_engine::core::machine::StateName;
use understudy_engine::workflow::StepId;

use super::*;

fn crash(number: u16, origin: Origin, after_millis: u64) -> Fault {
    let at = Duration::from_millis(after_millis);
    let place = Place::Away;
    Fault {
        origin,
        at,
        until: Some(at + Duration::from_secs(5)),
        ..fault(Subject::Sidecar { place, number }, FaultState::Down, 0, None)
    }
}

/// A region loss during which a sidecar of the standby crashes, in a world that is never slow.
fn lost_and(crash: Fault, sidecars: u16) -> Report {
    let policy = shipped::trading();
    let mut scenario = region_loss();
    scenario.horizon += Duration::from_secs(2 * MINUTE);
    scenario.sidecars = Some(sidecars);
    scenario.faults.push(crash);
    let mut conditions = Conditions::modelled(&policy, &mut conditions_rng(1));
    conditions.restart = Duration::from_secs(10);
    run_with(&scenario, &policy, 1, conditions)
}

fn promotion(report: &Report) -> Option<f64> {
    says(report, Kind::Database, "the promotion of us-east-2's database begins")
}

#[test]
fn a_crash_at_a_step_comes_between_the_intent_and_its_effect() {
    let report = lost_and(crash(1, Origin::Step(StepId::PromoteDatabase), 0), 1);
    let asked = says(&report, Kind::Effect, "asks: promote").unwrap();
    assert_eq!(says(&report, Kind::Fault, "us-east-2 sidecar 1 refuses"), Some(asked));
    // It crashes for 5 s and starts in 10 s: nothing was on its way meanwhile.
    assert!(promotion(&report).unwrap() > asked + 15.0, "{:#?}", report.timeline);
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
    assert_eq!(report.violations, []);
}

#[test]
fn a_crash_shortly_after_a_step_comes_between_the_effect_and_its_answer() {
    let report = lost_and(crash(1, Origin::Step(StepId::PromoteDatabase), 100), 1);
    let asked = says(&report, Kind::Effect, "asks: promote").unwrap();
    assert!(promotion(&report).unwrap() < asked + 0.1);
    let crashed = says(&report, Kind::Fault, "us-east-2 sidecar 1 refuses").unwrap();
    assert!((crashed - asked - 0.1).abs() < 1e-6, "{crashed} {asked}");
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
}

#[test]
fn the_other_sidecar_finishes_what_the_one_that_crashed_began() {
    let report = lost_and(crash(1, Origin::State(StateName::Acquiring), 0), 2);
    let crashed = says(&report, Kind::Fault, "us-east-2 sidecar 1 refuses").unwrap();
    let acquiring = says(&report, Kind::State, "-> acquiring").unwrap();
    assert_eq!(crashed, acquiring);
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
    assert_eq!(report.violations, []);
}

#[test]
fn the_first_row_of_a_new_epoch_is_a_step_like_any_other() {
    let report = lost_and(crash(1, Origin::Step(StepId::WriteServingRow), 0), 1);
    let crashed = says(&report, Kind::Fault, "us-east-2 sidecar 1 refuses").unwrap();
    let writes = says(&report, Kind::Database, "us-east-2's database takes writes").unwrap();
    assert!((0.0..1.5).contains(&(crashed - writes)), "{crashed} {writes}");
}

#[test]
fn a_crash_of_one_sidecar_of_two_is_no_outage() {
    for place in [Place::Home, Place::Away] {
        for number in [1, 2] {
            let one = fault(Subject::Sidecar { place, number }, FaultState::Down, 0, None);
            let mut scenario = scenario(ExpectedDecision::Hold, 2 * MINUTE, vec![one]);
            scenario.sidecars = Some(2);
            scenario.expect.uninterrupted = true;
            let report = run(&scenario, &shipped::trading(), 1);
            assert!(report.verdict.right, "{place} {number}: {:#?}", report.verdict);
            let down: Vec<_> = report.standing.iter().filter(|it| it.state.is_none()).collect();
            assert_eq!(down.len(), 1);
            assert_eq!(down[0].who, format!("{place} engine {number}"));
        }
    }
}

#[test]
fn a_fault_that_no_engine_came_to_makes_the_verdict_wrong() {
    let never = crash(1, Origin::Step(StepId::SwitchOverDatabase), 0);
    let report = lost_and(never, 1);
    let wrong: Vec<_> = report.verdict.points.iter().filter(|point| !point.right).collect();
    assert_eq!(wrong.len(), 1, "{:#?}", report.verdict);
    assert!(
        wrong[0]
            .text
            .contains("no engine came to the step switch-over-database")
    );
    assert!(says(&report, Kind::Fault, "no engine came to the step switch-over-database").is_some());
}

#[test]
fn what_ends_at_a_moment_is_over_before_the_next_stage_begins() {
    let faults = vec![
        broken(Part::Lambda, Place::Home, FaultState::Down, 0, Some(20)),
        broken(Part::Sqs, Place::Home, FaultState::Hang, 20, None),
    ];
    let report = run(
        &scenario(ExpectedDecision::FailOver, MINUTE, faults),
        &shipped::trading(),
        1,
    );
    let told: Vec<&str> = report
        .timeline
        .iter()
        .filter(|entry| entry.kind == Kind::Fault)
        .map(|entry| entry.text.as_str())
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[1], "us-east-1 lambda: over");
}
