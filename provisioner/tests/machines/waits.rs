//! Steps that say "not yet", say no for good, or do not answer, on an emulator.

use serde_json::json;
use understudy_policies::{policy, shipped};

use crate::emulator::{AS_SAID, FAST, asked, entered, run, run_under};

/// The engine goes on with the other switch, and so does the machine: with neither, until it looks whether clients arrive.
#[test]
fn a_switch_that_cannot_be_written_holds_up_nobody() {
    let seen = run("aurora-detach", "lost_switches", AS_SAID);
    let complete = &seen["complete"];
    assert_eq!(complete["status"], "RUNNING", "the switches are tried on: {complete}");
    assert_eq!(
        (&complete["lease"]["holder"], &complete["lease"]["epoch"]),
        (&json!("away"), &json!("2"))
    );
    assert!(
        complete["writer"].as_array().unwrap().contains(&json!("us-east-2")),
        "{complete}"
    );
    assert_eq!(complete["order_path"]["processing"], "2");
    let seconds = seen["seconds"].as_f64().unwrap();
    let deadline = shipped::trading().deadlines.acquiring.as_secs_f64();
    assert!(seconds < deadline, "a lease is waited for, and no switch: {seconds} s");
    assert!(
        asked(complete, "engage-switch-a") > 2 && asked(complete, "engage-switch-b") > 2,
        "{complete}"
    );
    // The switches can be written again.
    let end = &seen["end"];
    assert_eq!(end["status"], "SUCCEEDED", "{end}");
    assert_eq!(end["lease"]["protected"], true);
}

#[test]
fn a_switch_that_is_lost_for_good_is_told_to_people_and_fails_nothing() {
    // Twenty minutes of tries, each of which calls a function, are long on an emulator.
    let text = shipped::TRADING.text.replace("moving = \"15m\"", "moving = \"2m\"");
    let text = text.replace("verifying = \"5m\"", "verifying = \"1m\"");
    let policy = policy::parse("trading.toml", &text).unwrap();
    let seen = run_under(&policy, "given_up", FAST);
    let failover = &seen["failover"];
    assert_eq!(failover["status"], "SUCCEEDED", "{failover}");
    assert!(!entered(failover).contains(&"needs_operator"), "{failover}");
    let deadlines = &policy.deadlines;
    let window = deadlines.acquiring + deadlines.moving + deadlines.verifying;
    assert_eq!(asked(failover, "engage-switch-a") as u64, window.as_secs() / 3 + 1);
    assert_eq!(asked(failover, "engage-switch-b"), 1);
    let told = seen["told"].as_str().unwrap();
    assert!(
        told.contains("engage-switch-a could not be done") && !told.contains("engage-switch-b"),
        "{told}"
    );
}

#[test]
fn what_is_not_yet_there_is_asked_for_again() {
    let seen = run("aurora-detach", "not_yet", FAST);
    let failover = &seen["failover"];
    assert_eq!(failover["status"], "SUCCEEDED", "{failover}");
    for (step, times) in [
        ("write-serving-row", 4),
        ("verify-write", 3),
        ("await-region", 6),
        ("reconcile-database", 2),
    ] {
        assert_eq!(asked(failover, step), times, "{step}");
    }
}

/// Nobody undoes a failover in which the writer has moved: people are asked.
#[test]
fn what_is_never_there_ends_at_the_deadline_with_its_name() {
    let seen = run("aurora-detach", "never", FAST);
    let failover = &seen["failover"];
    assert_eq!(
        (&failover["status"], &failover["error"]),
        (&json!("FAILED"), &json!("VerifyRoutingFailed"))
    );
    assert!(failover["cause"].as_str().unwrap().contains("not yet"), "{failover}");
    let states = entered(failover);
    assert!(
        states.contains(&"needs_operator") && !states.contains(&"reverting"),
        "{states:?}"
    );
    assert_eq!(failover["lease"]["holder"], "away");
    // A try takes five seconds at most, and one second is between two.
    let deadline = shipped::trading().deadlines.verifying.as_secs();
    assert_eq!(asked(failover, "verify-routing") as u64, deadline / 6 + 1);
    // Without a renewal, nobody has seen the home region serve.
    let failback = &seen["failback"];
    assert_eq!(
        (&failback["status"], &failback["error"]),
        (&json!("FAILED"), &json!("ConfirmHomeFailed")),
        "{failback}"
    );
    assert_eq!(failback["lease"]["holder"], "home");
}
