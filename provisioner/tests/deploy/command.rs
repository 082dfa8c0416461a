//! The program itself: exit codes, JSON, a real kill.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::emulator::Emulator;

fn command(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-provisioner"));
    command
        .args(arguments)
        .args(["--env", "dev1", "--json", "--endpoint-url", endpoint])
        .args(crate::support::LACKS.iter().flat_map(|kind| ["--leave-out", kind]))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdin(Stdio::null());
    command
}

fn run(endpoint: &str, arguments: &[&str]) -> (Option<i32>, serde_json::Value, String) {
    let Output { status, stdout, stderr } = command(endpoint, arguments).output().unwrap();
    let object =
        serde_json::from_slice(&stdout).unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&stderr)));
    (status.code(), object, String::from_utf8(stderr).unwrap())
}

#[test]
fn a_killed_apply_is_taken_up_and_everything_goes_again() {
    let emulator = Emulator::ministack();
    let endpoint = emulator.url();
    let (code, plan, _) = run(endpoint.as_str(), &["plan"]);
    assert_eq!(code, Some(0));
    assert!(plan["changes"].as_array().unwrap().len() > 50, "{plan}");
    for kill_after_ms in [300, 1500, 3000] {
        let mut child = command(endpoint.as_str(), &["apply", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_millis(kill_after_ms);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(child.kill());
        child.wait().unwrap();
    }
    let (code, account, progress) = run(endpoint.as_str(), &["apply", "--yes"]);
    assert_eq!(code, Some(0), "{account:#}\n{progress}");
    assert_eq!(account["verification"]["synchronized"], true);
    assert!(
        progress.contains("left, if nothing is there yet"),
        "an ETA is told: {progress}"
    );
    let (code, account, _) = run(endpoint.as_str(), &["apply", "--yes"]);
    assert_eq!((code, account["changed"].as_array().unwrap().len()), (Some(0), 0));
    assert_eq!(run(endpoint.as_str(), &["verify"]).0, Some(0));
    assert_eq!(run(endpoint.as_str(), &["drift"]).0, Some(0));
    let (code, destroyed, _) = run(endpoint.as_str(), &["destroy", "--confirm", "dev1", "--delete-data"]);
    assert_eq!(code, Some(0), "{destroyed:#}");
    assert_eq!(destroyed["failure"], serde_json::Value::Null);
    assert_eq!(
        run(endpoint.as_str(), &["verify"]).0,
        Some(1),
        "then nothing is synchronized"
    );
    assert_eq!(run(endpoint.as_str(), &["drift"]).0, Some(1));
}

#[test]
fn the_wrong_suffix_destroys_nothing() {
    let (code, said, _) = run("http://127.0.0.1:1", &["destroy", "--confirm", "prod"]);
    assert_eq!(code, Some(2));
    assert!(
        said["error"].as_str().unwrap().contains("write its suffix twice"),
        "{said}"
    );
}

#[test]
fn nobody_is_asked_where_nobody_answers() {
    let emulator = Emulator::ministack();
    let (code, said, _) = run(emulator.url().as_str(), &["apply"]);
    assert_eq!(code, Some(1));
    assert!(said["error"].as_str().unwrap().contains("`--yes`"), "{said}");
}
