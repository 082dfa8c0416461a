//! The command line against a running sidecar, and a whole process from its start to its end.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tempfile::TempDir;
use understudy_engine::core::effect::{Effect, Outcome};
use understudy_engine::core::ids::Region;
use understudy_engine::service::clock::Clock;
use understudy_engine::service::parts::Executor;
use understudy_policies::shipped;

use crate::stage::{Stage, TOKEN, one_token};
use crate::world::World;

const ENGINE: &str = env!("CARGO_BIN_EXE_understudy-engine");

#[test]
fn every_command_answers_as_written_down() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

/// Asks a stage with the program itself.
async fn asked(stage: &Stage, arguments: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let mut command = Command::new(ENGINE);
    command
        .args(arguments)
        .args(["--address", &stage.url("/")])
        .stdin(Stdio::null());
    if !matches!(arguments[0], "status" | "why" | "history") {
        command.arg("--token-file").arg(&token).args(["--by", "ada"]);
    }
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        drop(folder);
        output
    })
    .await
    .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_fits_on_a_screen_and_needs_no_colour() {
    let stage = Stage::new().await;
    stage.until("its seat", |status| status["drives"] == true).await;
    let output = asked(&stage, &["status"]).await;
    let text = out(&output);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(
        text.starts_with("us-east-2, sidecar 1: ARMED, drives its region\n  steady: standing by"),
        "{text}"
    );
    assert!(text.contains("What needs you\n  nothing"), "{text}");
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_and_history_tell_a_failover() {
    let stage = Stage::new().await;
    stage.change(|world| world.home_up = false);
    stage.until_state("rejoining").await;
    let why = out(&asked(&stage, &["why"]).await);
    assert!(
        why.contains("fail over: us-east-1 is assessed as region lost, and every guard agrees"),
        "{why}"
    );
    assert!(
        why.contains("it would have turned with: failure domains that call the region breached: 1 instead of 2"),
        "{why}"
    );
    let history = out(&asked(&stage, &["history", "--since", "1h"]).await);
    assert!(history.contains("moving -> verifying"), "{history}");
    let shadow = out(&asked(&stage, &["history", "--shadow"]).await);
    assert!(
        shadow.contains("An armed engine would have\n  done nothing"),
        "{shadow}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_as_json_is_one_object_and_an_error_is_one_too() {
    let stage = Stage::new().await;
    let status: Value = serde_json::from_str(&out(&asked(&stage, &["status", "--json"]).await)).unwrap();
    assert_eq!(status["state"]["name"], "steady");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = Command::new(ENGINE)
        .args(["status", "--json", "--address", &format!("http://{nobody}")])
        .output()
        .unwrap();
    assert_eq!(code(&output), 3);
    let answer: Value = serde_json::from_str(&out(&output)).unwrap();
    assert!(
        answer["error"].as_str().unwrap().contains("nobody listens there"),
        "{answer}"
    );
    assert!(err(&output).contains("is it running"), "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_asked_a_change_needs_yes() {
    let stage = Stage::new().await;
    let output = asked(&stage, &["pause"]).await;
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("add `--yes`"), "{}", err(&output));
    assert_eq!(stage.get("/v1/status").await.1["paused"], false);
    let output = asked(&stage, &["pause", "--yes", "--reason", "maintenance"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).starts_with("Done: sidecar 1 of us-east-2 changes no role until it is resumed"));
    stage.until("paused", |status| status["paused"] == true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_exits_1_and_names_the_guard() {
    let stage = Stage::new().await;
    asked(&stage, &["pause", "--yes"]).await;
    for arguments in [&["failover", "--dry-run"][..], &["failover", "--yes"]] {
        let output = asked(&stage, arguments).await;
        assert_eq!(code(&output), 1, "{arguments:?}");
        assert!(
            out(&output).contains("OBJECTS not-paused      nobody has paused role changes: no"),
            "{}",
            out(&output)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_lists_the_steps() {
    let stage = Stage::new().await;
    stage.until("its seat", |status| status["drives"] == true).await;
    let output = asked(&stage, &["failover", "--dry-run"]).await;
    let text = out(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert!(
        text.starts_with("It would be done: us-east-2 takes over from us-east-1. Nothing has been done."),
        "{text}"
    );
    assert!(text.contains("    moving\n      open-intake "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_a_change_says_what_it_does_and_asks() {
    let stage = Stage::new().await;
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    for (answer, expected, paused) in [("n\n", 1, false), ("y\n", 0, true)] {
        let line = format!(
            "exec {ENGINE} pause --by ada --token-file {} --address {}",
            token.display(),
            stage.url("/")
        );
        let output = tokio::task::spawn_blocking(move || {
            // `script` gives the program a terminal.
            let mut child = Command::new("script")
                .args(["--quiet", "--return", "--command", &line, "/dev/null"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            std::io::Write::write_all(&mut stdin, answer.as_bytes()).unwrap();
            // Kept open: the end of it would end the terminal as well.
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            output
        })
        .await
        .unwrap();
        let text = out(&output);
        assert!(
            text.contains("It would be done: sidecar 1 of us-east-2 changes no role"),
            "{text}"
        );
        assert!(text.contains("Do it? [y/N]"), "{text}");
        assert_eq!(code(&output), expected, "{text}");
        assert_eq!(stage.get("/v1/status").await.1["paused"], paused);
    }
}

/// A process that ends with its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_sidecar_starts_serves_answers_and_leaves_with_a_log_that_tells_no_secret() {
    let world = World::new(Region::Home, Clock::real());
    let played = Router::new()
        .route("/home-1/{part}", post(play))
        .with_state(Arc::clone(&world));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let parts = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, played).await });
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    // No `humans`: what is missing is told of once, and not every second.
    let platform = format!(
        "version = 1\nenvironment = \"dev1\"\n[primary]\n[standby]\n[played]\naddress = \"http://{parts}/home-1\"\n\
         parts = [\"lease\", \"database\", \"name\", \"order-path\", \"peers\"]\n"
    );
    let platform = file("platform.toml", &platform);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/trading.toml");
    let (operators, peers) = (free(), free());
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let child = Command::new(ENGINE)
        .args(["run", "--region", "us-east-1", "--log", "json"])
        .args(["--listen", &operators, "--peer-listen", &peers])
        .arg("--policy")
        .arg(policy)
        .arg("--platform")
        .arg(platform)
        .arg("--journal")
        .arg(folder.path().join("journal"))
        .arg("--token-file")
        .arg(file("token", TOKEN))
        .arg("--peer-token-file")
        .arg(file("peer-token", "fedcba9876543210fedc"))
        .stderr(log)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let client = understudy_engine::service::parts::http::client().unwrap();
    let get = async |path: &str| client.get(format!("http://{operators}{path}")).send().await;
    let patience = Duration::from_secs(120);
    let ready = async {
        loop {
            let ready = get("/readyz").await.is_ok_and(|answer| answer.status().as_u16() == 200);
            let status = get("/v1/status").await;
            if ready && status.unwrap().json::<Value>().await.unwrap()["serving"] == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(patience, ready).await.expect("it serves");
    let address = format!("http://{operators}");
    let output = Command::new(ENGINE)
        .args(["status", "--address", &address])
        .output()
        .unwrap();
    assert!(
        out(&output).starts_with("us-east-1, sidecar 1: ARMED"),
        "{}",
        out(&output)
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    let id = process.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || process.0.wait().unwrap().code());
    assert_eq!(
        tokio::time::timeout(patience, ended).await.expect("it ends").unwrap(),
        Some(0)
    );
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.lines().count() > 2, "{log}");
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|wrong| panic!("{wrong}: {line}"));
        assert!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
    }
    for secret in [TOKEN, "fedcba9876543210fedc"] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.matches("platform file names no such part").count() <= 2, "{log}");
}

async fn play(State(world): State<Arc<World>>, Json(effect): Json<Effect>) -> Json<Outcome> {
    Json(world.carry_out(&effect).await)
}

/// An address that nobody listens on.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

/// Where nobody writes files, the environment says what the files would.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_would_say_may_come_out_of_the_environment() {
    let stage = Stage::with(shipped::trading(), one_token()).await;
    let address = stage.url("/");
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(ENGINE);
        command
            .args([
                "pause",
                "--yes",
                "--address",
                &address,
                "--token-file",
                "env:UNDERSTUDY_TOKEN",
            ])
            .env("UNDERSTUDY_TOKEN", TOKEN);
        command.output().unwrap()
    });
    let output = output.await.unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
}

#[test]
fn a_variable_that_is_missing_or_wrong_is_a_matter_of_usage() {
    let run = |policy: Option<&str>| {
        let mut command = Command::new(ENGINE);
        command.args(["run", "--region", "us-east-1", "--policy", "env:UNDERSTUDY_POLICY"]);
        command.args(["--platform", "env:UNDERSTUDY_PLATFORM"]);
        command.args([
            "--token-file",
            "env:UNDERSTUDY_TOKEN",
            "--peer-token-file",
            "env:UNDERSTUDY_PEER_TOKEN",
        ]);
        command.envs(policy.map(|policy| ("UNDERSTUDY_POLICY", policy)));
        let output = command.output().unwrap();
        (code(&output), err(&output))
    };
    for (policy, said) in [
        (None, "`env:UNDERSTUDY_POLICY` names a variable that is not set"),
        (Some("version = 9"), "env:UNDERSTUDY_POLICY:1:11"),
        (
            Some(shipped::TRADING.text),
            "`env:UNDERSTUDY_PLATFORM` names a variable that is not set",
        ),
    ] {
        let (code, error) = run(policy);
        assert_eq!(code, 2);
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_is_missing_or_wrong_is_a_matter_of_usage() {
    let stage = Stage::with(shipped::trading(), one_token()).await;
    let folder = TempDir::new().unwrap();
    let wrong = folder.path().join("wrong");
    std::fs::write(&wrong, "a-token-of-somebody-else").unwrap();
    for (path, said) in [
        (folder.path().join("none"), "cannot be read"),
        (wrong, "not an operator's token"),
    ] {
        let address = stage.url("/");
        let output = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(ENGINE);
            command
                .args(["pause", "--yes", "--address", &address, "--token-file"])
                .arg(path);
            command.output().unwrap()
        });
        let output = output.await.unwrap();
        assert_eq!(code(&output), 2);
        assert!(err(&output).contains(said), "{}", err(&output));
    }
}
