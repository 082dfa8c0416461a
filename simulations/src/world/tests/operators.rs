//! What operators ask for is heard by the engines of their region.

use understudy_engine::core::ids::Region;
use understudy_engine::core::signal::Command;

use super::*;
use crate::scenario::Operation;

fn asked(region: Region, command: Command, at: u64) -> Operation {
    Operation {
        origin: Origin::Onset,
        at: Duration::from_secs(at),
        region,
        sidecar: None,
        command,
        note: "because".to_owned(),
    }
}

fn with(mut scenario: Scenario, operations: Vec<Operation>) -> Scenario {
    scenario.operations = operations;
    scenario
}

#[test]
fn a_paused_engine_holds_until_it_is_resumed() {
    let before_onset = Operation {
        origin: Origin::BeforeOnset(Duration::from_secs(30)),
        at: Duration::ZERO,
        ..asked(Region::Away, Command::Pause, 0)
    };
    let mut scenario = with(
        region_loss(),
        vec![before_onset, asked(Region::Away, Command::Resume, 70)],
    );
    scenario.horizon += Duration::from_secs(MINUTE);
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(says(&report, Kind::Human, "pause of us-east-2: because"), Some(-30.0));
    assert!(report.actual.decided_at_seconds >= Some(70.0), "{:?}", report.actual);
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
}

#[test]
fn an_operators_failover_needs_no_evidence() {
    let scenario = with(
        scenario(ExpectedDecision::FailOver, 2 * MINUTE, Vec::new()),
        vec![asked(Region::Away, Command::FailOver { accept_loss: false }, 0)],
    );
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(report.actual.failovers, 1);
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
    assert_eq!(report.violations, []);
}

#[test]
fn a_sidecar_that_hangs_does_not_hear_its_operator() {
    let hangs = broken(Part::Sidecars, Place::Away, FaultState::Hang, 0, None);
    let scenario = with(
        scenario(ExpectedDecision::Hold, 2 * MINUTE, vec![hangs]),
        vec![asked(Region::Away, Command::FailOver { accept_loss: false }, 5)],
    );
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(report.actual.failovers, 0);
    assert_eq!(
        says(&report, Kind::Human, "no sidecar of us-east-2 hears it"),
        Some(5.0)
    );
}

#[test]
fn a_sidecar_that_is_shut_down_alone_waits_drains_ends_and_starts_again() {
    let mut scenario = with(
        scenario(ExpectedDecision::Hold, 4 * MINUTE, Vec::new()),
        vec![asked(Region::Home, Command::ShutDown, 0)],
    );
    scenario.sidecars = Some(1);
    let policy = shipped::trading();
    let mut conditions = Conditions::modelled(&policy, &mut conditions_rng(1));
    conditions.restart = Duration::from_secs(20);
    let report = run_with(&scenario, &policy, 1, conditions);
    let drains = says(&report, Kind::State, "serving -> draining").unwrap();
    assert!((9.0..17.0).contains(&drains), "{drains}");
    let ended = says(&report, Kind::State, "ends, and starts again in 20 s").unwrap();
    assert!((drains + 0.02..drains + 10.0).contains(&ended), "{ended}");
    let back = says(&report, Kind::State, "recovering -> serving").unwrap();
    let served_again = report
        .timeline
        .iter()
        .rev()
        .find(|entry| entry.text.contains("recovering -> serving"));
    assert!(
        back < 0.0 && served_again.unwrap().at_seconds > ended + 20.0,
        "{:#?}",
        report.timeline
    );
    assert_eq!(report.actual.ends_in, Some("us-east-1"));
    assert_eq!(report.violations, []);
}

#[test]
fn a_driver_that_is_shut_down_serves_until_the_other_sidecar_has_its_seat() {
    let mut scenario = with(
        scenario(ExpectedDecision::Hold, 4 * MINUTE, Vec::new()),
        vec![Operation {
            sidecar: Some(1),
            ..asked(Region::Home, Command::ShutDown, 0)
        }],
    );
    scenario.sidecars = Some(2);
    scenario.expect.uninterrupted = true;
    let report = run(&scenario, &shipped::trading(), 1);
    assert!(says(&report, Kind::State, "ends, and starts again in").is_some());
    assert_eq!(says(&report, Kind::State, "serving -> draining"), None);
    assert!(report.verdict.right, "{:#?}", report.verdict.points);
}

#[test]
fn a_scenario_states_its_sidecars_and_its_resolvers_itself() {
    let mut scenario = region_loss();
    scenario.sidecars = Some(3);
    scenario.stretching_resolvers = Some(crate::scenario::Share::from_fraction(0.3));
    let report = run(&scenario, &shipped::trading(), 1);
    let figure = |name| {
        let mut figures = report.conditions.figures.iter();
        figures.find(|figure| figure.name == name).map(|figure| figure.value)
    };
    assert_eq!(figure("sidecars-per-region"), Some(3.0));
    assert_eq!(figure("clients-behind-stretching-resolvers"), Some(60.0));
    assert_eq!(report.standing.len(), 6);
}
