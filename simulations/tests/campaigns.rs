//! The campaign command: what it prints, what it exits with, and that it can be interrupted.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn understudy_sim() -> Command {
    Command::new(env!("CARGO_BIN_EXE_understudy-sim"))
}

fn campaign(arguments: &[&str]) -> Output {
    understudy_sim()
        .arg("campaign")
        .args(arguments)
        .output()
        .expect("it starts")
}

/// The object that it printed, without how long it took and on how many cores.
fn object(output: &Output) -> Value {
    let mut object: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    for key in ["wall_seconds", "simulated_seconds_per_wall_second_per_core"] {
        assert!(object[key].as_f64().is_some_and(|figure| figure > 0.0), "{key}");
        object[key] = Value::Null;
    }
    object["cores"] = Value::Null;
    object
}

fn total(counts: &Value, key: &str) -> u64 {
    let counts = counts.as_array().expect("a list");
    counts.iter().filter_map(|count| count[key].as_u64()).sum()
}

#[test]
fn the_same_campaign_gives_the_same_object_on_any_number_of_cores() {
    let one = campaign(&["--timelines", "24", "--seed", "7", "--json", "--cores", "1"]);
    let three = campaign(&["--timelines", "24", "--seed", "7", "--json", "--cores", "3"]);
    assert!(one.stderr.is_empty(), "nothing is drawn where nobody looks");
    let found = object(&one);
    assert_eq!(found, object(&three));
    assert_eq!(found["timelines"], 24);
    assert_eq!(total(&found["drawn"], "timelines"), 24);
    assert_eq!(
        total(&found["drawn"], "failovers"),
        found["failovers"].as_u64().unwrap()
    );
    // A minute until the onset and half an hour after it, each.
    assert_eq!(found["simulated_seconds"], 24.0 * 31.0 * 60.0);
    let right = found["right"].as_bool().unwrap();
    assert_eq!(one.status.code(), Some(if right { 0 } else { 1 }));
}

#[test]
fn a_region_loss_campaign_fails_over_in_every_timeline_and_tells_both_figures() {
    let output = campaign(&["--scenario", "region-loss", "--timelines", "12", "--json"]);
    let found = object(&output);
    assert_eq!(output.status.code(), Some(0), "{found:#}");
    assert_eq!(found["scenario"], "region-loss");
    assert_eq!(found["timelines_with_failover"], 12);
    assert_eq!(found["demanded_failovers"], 12);
    for figure in ["accepted_rto_seconds", "processed_rto_seconds"] {
        let figures = &found[figure];
        assert_eq!(figures["count"], 12);
        let figure = |name: &str| figures[name].as_f64().expect("a figure");
        assert!(figure("p50") <= figure("p99") && figure("p99") <= figure("p999") && figure("p999") <= figure("max"));
        assert!(
            figure("p50") > 5.0,
            "nobody detects, waits for the lease and redirects faster"
        );
    }
    assert_eq!(found["over_budget_inside_bounds"], 0);
}

#[test]
fn a_failover_in_a_scenario_that_ought_to_hold_is_false_and_names_its_replay() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/files/ought-to-hold.toml");
    let output = campaign(&["--scenario", file, "--timelines", "3", "--seed", "5", "--json"]);
    let found = object(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(found["false_failovers"], 3);
    let replay = found["false_failover_seeds"][0]["replay"].as_str().unwrap();
    assert_eq!(replay, format!("understudy-sim replay 5 --scenario {file}"));
    let shown = understudy_sim().args(replay.split(' ').skip(1)).output().unwrap();
    assert_eq!(shown.status.code(), Some(1), "the replay shows what the campaign found");
}

#[test]
fn interrupting_a_campaign_prints_what_was_run_until_then() {
    let mut running = understudy_sim();
    running.args(["campaign", "--timelines", "100000000", "--cores", "1", "--json"]);
    let child = running
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait();
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let found = object(&output);
    assert_eq!(found["interrupted"], true);
    let timelines = found["timelines"].as_u64().unwrap();
    assert!((1..100_000_000).contains(&timelines), "{timelines}");
    assert_eq!(found["simulated_seconds"].as_f64(), Some(timelines as f64 * 1_860.0));
}

/// Long enough for a process to start and to run some timelines, on a busy machine, too.
#[expect(clippy::disallowed_methods, reason = "a person waits before pressing Ctrl-C")]
fn wait() {
    std::thread::sleep(std::time::Duration::from_secs(3));
}
