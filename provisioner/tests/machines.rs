//! The rendered state machines, run: on an emulator, in which the writer really moves.
//!
//! `machines/run.py` plays what is around them (the lease item, the home region's renewals, the function `steps`) and tells what
//! it saw. `scripts/test emulators` installs the emulator.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::core::machine::StateName;
use understudy_engine::workflow::{FAILBACK, FAILOVER, OnFailure, Retry};
use understudy_policies::source::Source;
use understudy_policies::{Policy, policy, shipped};
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::templates::{Platform, synthesize};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The trading policy with another way to move the database.
fn with_method(method: &str) -> Policy {
    let text = shipped::TRADING
        .text
        .replace("method = \"aurora-detach\"", &format!("method = \"{method}\""));
    policy::parse("trading.toml", &text).unwrap()
}

fn made(policy: &Policy) -> (Platform, Deployment) {
    let deployment = Deployment::read(&Source::new("deployment.toml", EXAMPLE), policy, None).unwrap();
    (synthesize(policy, &deployment), deployment)
}

/// A running emulator, stopped with the test.
struct Emulator {
    child: Child,
    port: u16,
}

impl Emulator {
    fn start() -> Self {
        let program = root().join("target/emulators/venv/bin/ministack");
        assert!(
            program.exists(),
            "{} is missing; `scripts/test emulators` installs it",
            program.display()
        );
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(program)
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("LOG_LEVEL", "WARNING")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let emulator = Self { child, port };
        let began = Instant::now();
        while !emulator.answers().unwrap_or(false) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the emulator does not start; run it by hand to see why"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }

    fn answers(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(
            stream,
            "GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1 200")
    }

    fn python(&self, script: &Path, arguments: &[&str]) -> String {
        let output = Command::new(root().join("target/emulators/venv/bin/python"))
            .arg(script)
            .arg(format!("http://127.0.0.1:{}", self.port))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the script saw of each execution.
fn run(method: &str) -> Value {
    let (platform, deployment) = made(&with_method(method));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(method);
    for file in platform.files(&deployment) {
        let path = folder.join(&file.name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
    let emulator = Emulator::start();
    emulator.python(&root().join("deploy/emulator/make.py"), &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines/run.py");
    let machines = folder.join("machines");
    serde_json::from_str(&emulator.python(&script, &[machines.to_str().unwrap(), method])).unwrap()
}

fn entered(execution: &Value) -> Vec<&str> {
    execution["entered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

#[test]
fn the_failover_machine_moves_the_writer_and_the_failback_machine_brings_it_home() {
    let seen = run("aurora-managed");
    let failover = &seen["failover"];
    assert_eq!(failover["status"], "SUCCEEDED", "{failover}");
    assert_eq!(failover["writer"], serde_json::json!(["us-east-2"]));
    assert_eq!(failover["lease"]["holder"], "away");
    assert_eq!(failover["lease"]["epoch"], "2");
    assert_eq!(failover["lease"]["protected"], true);
    assert!(failover["lease"].get("claim_region").is_none() && failover["lease"].get("role_change").is_none());
    assert_eq!(failover["order_path"]["intake"], "2");
    assert_eq!(failover["order_path"]["processing"], "2");
    // Pinned to the standby, and its health check kept.
    assert_eq!(failover["records"]["primary"][0], "to-us-east-2.orders.example.com");
    assert_eq!(
        failover["records"]["primary"][1],
        "11111111-1111-1111-1111-111111111111"
    );
    let states = entered(failover);
    let wanted = [
        "recovering",
        "claiming",
        "acquiring",
        "moving",
        "verifying",
        "rejoining",
        "reconciling",
        "protected",
    ];
    assert!(wanted.iter().all(|state| states.contains(state)), "{states:?}");

    let failback = &seen["failback"];
    assert_eq!(failback["status"], "SUCCEEDED", "{failback}");
    assert_eq!(failback["writer"], serde_json::json!(["us-east-1"]));
    assert_eq!(failback["lease"]["holder"], "home");
    assert_eq!(failback["lease"]["epoch"], "3");
    assert_eq!(failback["order_path"]["intake"], "0", "closed here");
    assert_eq!(failback["records"]["primary"][0], "to-us-east-1.orders.example.com");
}

#[test]
fn by_a_detach_the_standbys_cluster_writes_alone() {
    let seen = run("aurora-detach");
    let failover = &seen["failover"];
    assert_eq!(failover["status"], "SUCCEEDED", "{failover}");
    // The old one is fenced by the lease, not by Aurora: it stands there as it was.
    assert_eq!(failover["writer"], serde_json::json!(["us-east-1", "us-east-2"]));
    assert_eq!(failover["lease"]["holder"], "away");
}

#[test]
fn a_dry_run_and_a_refusal_change_nothing_and_say_why() {
    let seen = run("aurora-managed");
    let dry = &seen["dry_run"];
    assert_eq!(dry["status"], "SUCCEEDED");
    assert_eq!(entered(dry).last(), Some(&"dry_run"));
    for (execution, holder) in [("refused", "home"), ("again", "away")] {
        let refused = &seen[execution];
        assert_eq!(refused["status"], "FAILED");
        assert_eq!(refused["error"], "Refused");
        assert!(refused["cause"].as_str().unwrap().contains("nothing was changed"));
        assert_eq!(refused["lease"]["holder"], holder);
    }
}

/// All states of a definition, those of branches included.
fn states(definition: &Value, all: &mut Vec<(String, Value)>) {
    for (name, state) in definition["States"].as_object().unwrap() {
        all.push((name.clone(), state.clone()));
        for branch in state["Branches"].as_array().into_iter().flatten() {
            states(branch, all);
        }
    }
}

#[test]
fn every_state_and_every_step_has_the_name_that_the_engine_gives_it() {
    let (platform, _) = made(&shipped::trading());
    for machine in &platform.machines {
        let mut all = Vec::new();
        states(&machine.definition, &mut all);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let definition = match machine.way {
            RoleChangeKind::Failover => FAILOVER,
            RoleChangeKind::Failback => FAILBACK,
        };
        for step in definition.steps {
            let name = serde_json::to_value(step.id).unwrap();
            assert!(names.contains(&name.as_str().unwrap()), "{name} in {names:?}");
            assert!(names.contains(&step.state.name()), "{:?}", step.state);
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "a name stands for one state");
    }
}

#[test]
fn what_must_not_be_done_twice_is_never_retried_and_every_call_is_caught() {
    let (platform, _) = made(&shipped::trading());
    for machine in &platform.machines {
        let mut all = Vec::new();
        states(&machine.definition, &mut all);
        for (name, state) in &all {
            if state["Type"] == "Task" {
                let caught = state["Catch"].as_array().into_iter().flatten();
                assert!(
                    caught
                        .map(|catch| &catch["ErrorEquals"][0])
                        .any(|error| error == "States.ALL"),
                    "{name}"
                );
                assert!(
                    state["TimeoutSeconds"].as_u64().is_some_and(|seconds| seconds >= 1),
                    "{name}"
                );
            }
            if state["Type"] == "Fail" {
                assert!(state["Error"].is_string() || state["ErrorPath"].is_string(), "{name}");
                assert!(state["Cause"].is_string() || state["CausePath"].is_string(), "{name}");
            }
        }
        let definition = match machine.way {
            RoleChangeKind::Failover => FAILOVER,
            RoleChangeKind::Failback => FAILBACK,
        };
        for step in definition.steps.iter().filter(|step| step.retry == Retry::LookFirst) {
            let name = serde_json::to_value(step.id).unwrap();
            let (_, state) = all.iter().find(|(found, _)| *found == name).unwrap();
            assert!(state["Retry"].is_null(), "{name}");
        }
    }
}

#[test]
fn a_failed_step_leads_where_its_definition_says() {
    let (platform, _) = made(&shipped::trading());
    let failover = platform
        .machines
        .iter()
        .find(|machine| machine.way == RoleChangeKind::Failover)
        .unwrap();
    let top = &failover.definition["States"];
    for step in FAILOVER.steps.iter().filter(|step| step.state != StateName::Reverting) {
        let name = serde_json::to_value(step.id).unwrap();
        let words = name.as_str().unwrap().split('-');
        let error: String = words
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect::<String>()
            + "Failed";
        let catches = top[step.state.name()]["Catch"].as_array().unwrap();
        let named = catches
            .iter()
            .find(|catch| catch["ErrorEquals"].as_array().unwrap().iter().any(|one| *one == error));
        let leads_to = named.map_or("needs_operator", |catch| catch["Next"].as_str().unwrap());
        let wanted = if step.on_failure == OnFailure::Revert {
            "reverting"
        } else {
            "needs_operator"
        };
        assert_eq!(leads_to, wanted, "{name}");
    }
}

/// All states of the trading policy's failover machine, by name.
fn failover_states() -> BTreeMap<String, Value> {
    let (platform, _) = made(&shipped::trading());
    let mut machines = platform.machines.iter();
    let failover = machines
        .find(|machine| machine.way == RoleChangeKind::Failover)
        .unwrap();
    let mut all = Vec::new();
    states(&failover.definition, &mut all);
    all.into_iter().collect()
}

#[test]
fn the_taker_waits_for_a_whole_lease_whatever_the_item_says() {
    let lease = shipped::trading().lease;
    let wait = &failover_states()["await-lease"];
    assert_eq!(wait["Type"], "Wait");
    assert!(wait["Seconds"].as_u64().unwrap() >= lease.ttl.as_secs(), "{wait}");
}

#[test]
fn a_promotion_that_is_not_seen_is_looked_for_until_the_deadline_and_never_undone() {
    let all = failover_states();
    let looks = all["promote-database_judge"]["Choices"][1]["NumericGreaterThanEquals"].as_u64();
    let every = all["promote-database_wait"]["Seconds"].as_u64();
    let deadline = shipped::trading().deadlines.moving.as_secs();
    assert!(looks.unwrap() * every.unwrap() >= deadline);
    let end = &all["promote-database_failed"];
    assert_eq!(end["Error"], "WriterUnknown");
    for catch in all["moving"]["Catch"].as_array().unwrap() {
        let errors = catch["ErrorEquals"].as_array().unwrap();
        assert!(!errors.contains(&end["Error"]), "{catch}");
        assert_eq!(errors[0] == "States.ALL", catch["Next"] == "needs_operator", "{catch}");
    }
    // Nor is it begun where the pair is not.
    assert_eq!(all["promote-database_found"]["Default"], "promote-database_elsewhere");
    assert_eq!(all["promote-database_elsewhere"]["Error"], "WriterUnknown");
}

#[test]
fn a_lease_that_was_raised_is_handed_back_by_people() {
    let all = failover_states();
    let pick = &all["give-up-lease_pick"]["Choices"][0];
    assert_eq!(pick["Next"], "give-up-lease_raised");
    assert_eq!(all["give-up-lease_raised"]["Type"], "Fail");
    // What is written withdraws the claim, and changes no holder.
    let update = &all["give-up-lease"]["Parameters"]["UpdateExpression"];
    let update = update.as_str().unwrap();
    assert!(
        update.contains("REMOVE #claim_region") && !update.contains("#holder"),
        "{update}"
    );
}

#[test]
fn an_execution_does_not_carry_what_its_branches_ended_with() {
    for (name, state) in failover_states() {
        if state["Type"] == "Parallel" {
            assert!(state.as_object().unwrap().contains_key("ResultPath"), "{name}");
            assert!(state["ResultPath"].is_null(), "{name}");
        }
    }
}

#[test]
fn what_says_not_yet_is_asked_until_the_deadline() {
    let all = failover_states();
    let deadlines = shipped::trading().deadlines;
    for (step, deadline) in [
        ("await-region", deadlines.rejoining),
        ("rejoin-database", deadlines.rejoining),
        ("reconcile-database", deadlines.reconciling),
    ] {
        let retry = &all[step]["Retry"][0];
        let seconds = retry["IntervalSeconds"].as_u64().unwrap() * retry["MaxAttempts"].as_u64().unwrap();
        assert!(seconds >= deadline.as_secs(), "{step}: {seconds} s");
    }
}

#[test]
fn a_lease_item_that_is_missing_is_named() {
    let all = failover_states();
    assert_eq!(all["recovering"]["Next"], "lease_there");
    assert_eq!(all["lease_there"]["Default"], "lease_missing");
    assert_eq!(all["lease_missing"]["Error"], "LeaseMissing");
}

#[test]
fn both_regions_run_the_same_apart_from_their_names() {
    let (platform, _) = made(&shipped::trading());
    for way in [RoleChangeKind::Failover, RoleChangeKind::Failback] {
        let text = |region: &str, peer: &str| {
            let machines = &platform.machines;
            let machine = machines
                .iter()
                .find(|machine| machine.way == way && machine.region.as_str() == region)
                .unwrap();
            let mut definition = machine.definition.clone();
            // The one place that tells the regions apart names both, in both.
            definition["States"]["place"] = Value::Null;
            definition
                .to_string()
                .replace(region, "{here}")
                .replace(peer, "{there}")
        };
        assert_eq!(text("us-east-1", "us-east-2"), text("us-east-2", "us-east-1"));
    }
}
