//! Runs as a whole: what was promised of the command line and of the shipped scenarios.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use understudy_engine::core::decision::Guard;
use understudy_policies::shipped as policies;
use understudy_simulations::conditions::Conditions;
use understudy_simulations::invariants;
use understudy_simulations::render;
use understudy_simulations::report::Report;
use understudy_simulations::run::{conditions_rng, digest_with, run};
use understudy_simulations::scenario::{Expect, Scenario, shipped};

const SEED: u64 = 1;

fn replay(name: &str, seed: u64) -> Report {
    let scenario = shipped::find(name).unwrap().scenario().unwrap();
    let policy = policies::Shipped::find(&scenario.policy).unwrap().policy().unwrap();
    run(&scenario, &policy, seed)
}

fn understudy_sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-sim"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn output(arguments: &[&str]) -> Output {
    understudy_sim(arguments).output().unwrap()
}

#[test]
fn every_shipped_scenario_is_judged_right() {
    thread::scope(|scope| {
        for shipped in shipped::ALL {
            scope.spawn(|| {
                let report = replay(shipped.name, SEED);
                assert!(
                    render::is_right(&report),
                    "{}",
                    render::run(&report, render::Look::PLAIN)
                );
            });
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_another_run() {
    let json = |seed| serde_json::to_string(&replay("region-loss", seed)).unwrap();
    assert_eq!(json(SEED), json(SEED));
    assert_ne!(json(SEED), json(SEED + 1));
}

#[test]
fn the_same_day_gives_opposite_answers_for_different_order_paths() {
    let scenarios: Vec<Scenario> = shipped::ALL.iter().map(|shipped| shipped.scenario().unwrap()).collect();
    let find = |name| scenarios.iter().find(|scenario| scenario.name == name).unwrap();
    let (on_instances, on_services) = (find("aws-2021-12-07-network"), find("aws-2021-12-07-network-api"));
    assert_ne!(on_instances.expect.decision, on_services.expect.decision);
    let said = |scenario| render::siblings(scenario, &scenarios, render::Look::PLAIN);
    assert_eq!(
        said(on_instances).trim(),
        "same incident, another order path: aws-2021-12-07-network-api (fail over)"
    );
    assert_eq!(said(find("partition")), "");
}

#[test]
fn a_run_that_is_not_what_the_scenario_states_is_wrong() {
    type Statement = (&'static str, fn(&mut Expect));
    let statements: [Statement; 7] = [
        ("nothing went home", |it| it.failback_by = Some(Duration::from_secs(60))),
        ("could not place orders for", |it| {
            it.interrupted_max = Some(Duration::from_secs(1));
        }),
        ("failovers decided: 1; expected: 2", |it| it.failovers = Some(2)),
        ("no refusal names the guard `data-loss`", |it| {
            it.blocked_by = Some(Guard::DataLoss);
        }),
        ("no engine asked an operator", |it| it.needs_operator = Some(true)),
        ("acknowledged orders lost", |it| it.orders_lost_max = Some(0)),
        ("an invariant holds that ought to be broken", |it| {
            it.breaks = vec![invariants::ALL[0].name];
        }),
    ];
    let shipped = shipped::find("region-loss").unwrap().scenario().unwrap();
    let policy = policies::TRADING.policy().unwrap();
    for (said, state) in statements {
        let mut scenario = shipped.clone();
        state(&mut scenario.expect);
        let verdict = run(&scenario, &policy, SEED).verdict;
        let wrong: Vec<&str> = verdict
            .points
            .iter()
            .filter(|it| !it.right)
            .map(|it| it.text.as_str())
            .collect();
        assert!(
            !verdict.right && wrong.len() == 1 && wrong[0].contains(said),
            "{said}: {wrong:?}"
        );
    }
}

#[test]
fn exactly_the_invariants_that_a_scenario_names_may_break() {
    let mut scenario = shipped::find("clock-crawls-in-isolated-primary")
        .unwrap()
        .scenario()
        .unwrap();
    let policy = policies::TRADING.policy().unwrap();
    let report = run(&scenario, &policy, SEED);
    assert!(render::is_right(&report), "{:#?}", report.verdict.points);
    let broken: Vec<&str> = report.violations.iter().map(|it| it.invariant).collect();
    assert_eq!(broken, scenario.expect.breaks);
    scenario.expect.breaks.clear();
    let report = run(&scenario, &policy, SEED);
    assert!(!render::is_right(&report));
    assert!(!report.verdict.right, "{:#?}", report.verdict.points);
}

#[test]
fn what_a_scenario_states_and_a_run_does_is_right() {
    let mut scenario = shipped::find("region-loss").unwrap().scenario().unwrap();
    let expect = &mut scenario.expect;
    expect.interrupted_max = Some(Duration::from_secs(60));
    expect.failovers = Some(1);
    expect.needs_operator = Some(false);
    expect.orders_lost_max = Some(1_000);
    let verdict = run(&scenario, &policies::TRADING.policy().unwrap(), SEED).verdict;
    assert!(verdict.right, "{verdict:?}");
    assert_eq!(verdict.points.len(), 8);
}

#[test]
fn json_is_one_object_on_standard_output_and_nothing_else_is_there() {
    for arguments in [
        &["run", "region-loss", "--json"][..],
        &["scenarios", "--json"],
        &["run", "tests/cmd/files/ought-to-hold.toml", "--json"],
    ] {
        let output = output(arguments);
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(object.is_object(), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_report_has_the_documented_fields() {
    let report = serde_json::to_value(replay("region-loss", SEED)).unwrap();
    let fields: BTreeSet<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "actual",
        "conditions",
        "decisions",
        "disregarded",
        "expected",
        "invariants",
        "ledger",
        "orders",
        "policy",
        "scenario",
        "seed",
        "standing",
        "timeline",
        "verdict",
        "violations",
    ];
    assert_eq!(fields, BTreeSet::from(documented));
}

#[test]
fn a_run_against_its_stated_decision_exits_with_1_and_a_right_one_with_0() {
    let right = output(&["run", "region-loss"]);
    assert_eq!(right.status.code(), Some(0));
    let wrong = output(&["run", "tests/cmd/files/ought-to-hold.toml"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8(wrong.stdout).unwrap().contains("WRONG"));
}

#[test]
fn a_scenario_is_read_from_standard_input() {
    let text = shipped::find("region-loss").unwrap().text;
    let mut child = understudy_sim(&["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"region-loss\n"));
}

#[test]
fn a_reader_who_leaves_early_is_no_reason_to_panic() {
    for arguments in [&["run", "region-loss", "--json"][..], &["scenarios"]] {
        let mut child = understudy_sim(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_is_written_down_about_scenario_files_is_read() {
    let readme = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let source = understudy_policies::source::Source::new("mine.toml", example);
    if let Err(wrong) = understudy_simulations::scenario::read(&source) {
        panic!("{wrong}");
    }
}

#[test]
fn a_digest_says_what_the_report_says() {
    for name in ["region-loss", "partition", "standby-loss"] {
        let scenario = shipped::find(name).unwrap().scenario().unwrap();
        let policy = policies::Shipped::find(&scenario.policy).unwrap().policy().unwrap();
        for seed in 0..4 {
            let conditions = Conditions::modelled(&policy, &mut conditions_rng(seed));
            let digest = digest_with(&scenario, &policy, seed, conditions);
            let report = run(&scenario, &policy, seed);
            assert_eq!(digest.failovers, report.actual.failovers, "{name} {seed}");
            assert_eq!(digest.accepted_rto, report.ledger.accepted_rto_seconds, "{name} {seed}");
            assert_eq!(
                digest.processed_rto, report.ledger.processed_rto_seconds,
                "{name} {seed}"
            );
            assert_eq!(digest.orders, report.orders, "{name} {seed}");
            assert_eq!(digest.violations, report.violations, "{name} {seed}");
            assert_eq!(digest.within_bounds, report.conditions.within_bounds, "{name} {seed}");
        }
    }
}

#[test]
fn the_oracle_agrees_with_the_shipped_scenarios() {
    for shipped in shipped::ALL {
        let scenario = shipped.scenario().unwrap();
        let policy = policies::Shipped::find(&scenario.policy).unwrap().policy().unwrap();
        let conditions = Conditions::modelled(&policy, &mut conditions_rng(SEED));
        let judgement = digest_with(&scenario, &policy, SEED, conditions).judgement;
        assert_eq!(
            (judgement.false_failovers, judgement.missed_failovers),
            (0, 0),
            "{}",
            shipped.name
        );
        if shipped.name == "region-loss" {
            assert_eq!(judgement.demanded_failovers, 1);
        }
    }
}
