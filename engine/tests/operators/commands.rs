//! Changing: tokens, dry runs, refusals, two people.

use std::time::Duration;

use serde_json::json;
use understudy_engine::core::ids::Region;
use understudy_engine::service::given::Given;
use understudy_engine::service::secret::Tokens;
use understudy_policies::shipped;

use crate::stage::{Stage, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn a_change_needs_the_token_and_says_so() {
    let stage = Stage::new().await;
    let body = json!({ "command": "pause" });
    let bare = stage
        .client
        .post(stage.url("/v1/commands"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status().as_u16(), 401);
    let (status, answer) = stage.command_with("0123456789abcdef0124", &body).await;
    assert_eq!(status, 401);
    assert_eq!(answer["error"], "this is not an operator's token");
    assert_eq!(stage.get("/v1/status").await.1["paused"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_command_is_refused_and_a_flood_is_not_read() {
    let stage = Stage::new().await;
    let post = || stage.client.post(stage.url("/v1/commands")).bearer_auth(TOKEN);
    let json = |post: reqwest::RequestBuilder| post.header("content-type", "application/json");
    let status = async |post: reqwest::RequestBuilder| post.send().await.unwrap().status().as_u16();
    assert_eq!(status(json(post()).body("{")).await, 400);
    assert_eq!(status(json(post()).body("{\"command\":\"reboot\"}")).await, 400);
    assert_eq!(
        status(json(post()).body("{\"command\":\"pause\",\"dryrun\":true}")).await,
        400
    );
    assert_eq!(
        status(json(post()).body("{\"command\":\"pause\",\"accept_loss\":true}")).await,
        400
    );
    assert_eq!(
        status(json(post()).body("{\"command\":\"pause\",\"by\":\"a\\nb\"}")).await,
        400
    );
    assert_eq!(status(post().body("{\"command\":\"pause\"}")).await, 415);
    assert_eq!(status(json(post()).body(vec![b' '; 64 * 1024])).await, 413);
    assert_eq!(stage.get("/v1/status").await.1["paused"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_carried_out_signed_and_written_down() {
    let stage = Stage::new().await;
    let (status, answer) = stage
        .command(&json!({ "command": "pause", "by": "ada", "reason": "switch maintenance" }))
        .await;
    assert_eq!((status, &answer["result"]), (200, &json!("done")), "{answer:#}");
    let paused = stage.until("paused", |status| status["paused"] == true).await;
    assert_eq!(paused["needs"][0]["command"], "understudy-engine resume");
    let (_, history) = stage.get("/v1/history").await;
    let texts: Vec<&str> = history["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["text"].as_str())
        .collect();
    assert!(
        texts.contains(&"ada asked for pause, because: switch maintenance"),
        "{texts:#?}"
    );
    assert!(texts.contains(&"pause: carried out"), "{texts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_a_failover_says_guards_effects_and_steps_and_does_nothing() {
    let stage = Stage::new().await;
    stage.until("its seat", |status| status["drives"] == true).await;
    let (status, answer) = stage.command(&json!({ "command": "failover", "dry_run": true })).await;
    assert_eq!(
        (status, &answer["result"]),
        (200, &json!("would-be-done")),
        "{answer:#}"
    );
    assert_eq!(
        answer["sentence"],
        "us-east-2 takes over from us-east-1. Nothing has been done."
    );
    let at_once = answer["at_once"].as_array().unwrap();
    assert!(
        at_once.contains(&json!("An operator asked for the failover: taking over.")),
        "{answer:#}"
    );
    assert!(at_once.contains(&json!("claim the lease")), "{answer:#}");
    let steps = answer["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .any(|step| step["step"] == "promote-database" && step["retry"] == "look-first")
    );
    assert!(
        answer["guards"]
            .as_array()
            .unwrap()
            .iter()
            .all(|guard| guard["passed"] == true)
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.get("/v1/status").await.1["state"]["name"], "steady");
    assert_eq!(stage.world.lease().claim, None);
    let (_, history) = stage.get("/v1/history").await;
    assert!(!history.to_string().contains("failover"), "{history:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_guard_and_a_dry_run_agrees_with_it() {
    let stage = Stage::new().await;
    stage.command(&json!({ "command": "pause" })).await;
    for (dry_run, result, expected) in [(true, "would-be-refused", 200), (false, "refused", 409)] {
        let (status, answer) = stage
            .command(&json!({ "command": "failover", "dry_run": dry_run }))
            .await;
        assert_eq!((status, &answer["result"]), (expected, &json!(result)), "{answer:#}");
        assert_eq!(answer["guard"], "not-paused");
        let guards = answer["guards"].as_array().unwrap();
        assert!(
            guards
                .iter()
                .any(|guard| guard["guard"] == "not-paused" && guard["passed"] == false)
        );
    }
    let (status, answer) = stage.command(&json!({ "command": "acknowledge" })).await;
    assert_eq!((status, &answer["guard"]), (409, &serde_json::Value::Null));
    assert!(answer["sentence"].as_str().unwrap().contains("steady"), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_above_the_bound_takes_two_people() {
    let stage = Stage::new().await;
    stage.change(|world| world.lag = Duration::from_secs(9));
    stage
        .until("the lag", |status| status["replication_lag"]["seconds"] == 9.0)
        .await;
    stage.until("its seat", |status| status["drives"] == true).await;
    let (status, answer) = stage.command(&json!({ "command": "failover", "by": "ada" })).await;
    assert_eq!((status, &answer["guard"]), (409, &json!("data-loss")), "{answer:#}");
    let accepting = |by: Option<&str>| json!({ "command": "failover", "accept_loss": true, "by": by });
    let (status, answer) = stage.command(&accepting(None)).await;
    assert_eq!(status, 400, "{answer}");
    for _ in 0..2 {
        let (status, answer) = stage.command(&accepting(Some("ada"))).await;
        assert_eq!(
            (status, &answer["result"]),
            (202, &json!("consent-recorded")),
            "{answer:#}"
        );
    }
    assert_eq!(stage.get("/v1/status").await.1["state"]["name"], "steady");
    assert!(
        stage
            .text("/")
            .await
            .contains("<strong>A second person is needed: </strong>ada has consented")
    );
    let (status, answer) = stage.command(&accepting(Some("grace"))).await;
    assert_eq!((status, &answer["result"]), (200, &json!("done")), "{answer:#}");
    stage
        .until("a claim", |status| status["state"]["superstate"] == "taking_over")
        .await;
    let (_, history) = stage.get("/v1/history").await;
    let texts = history.to_string();
    assert!(
        texts.contains("ada consented to failover, accepting a loss above the bound"),
        "{history:#}"
    );
    assert!(
        texts.contains("grace asked for failover, accepting a loss above the bound"),
        "{history:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_names_cannot_speak_for_others() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("ada {TOKEN}\ngrace fedcba9876543210fedc\n")).unwrap();
    let stage = Stage::with(shipped::trading(), Tokens::read(&Given::from(file.path())).unwrap()).await;
    let (status, answer) = stage.command(&json!({ "command": "pause", "by": "grace" })).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("the token is that of ada"));
    let (status, _) = stage
        .command_with("fedcba9876543210fedc", &json!({ "command": "pause" }))
        .await;
    assert_eq!(status, 200);
    assert!(
        stage
            .get("/v1/history")
            .await
            .1
            .to_string()
            .contains("grace asked for pause")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_takes_over_without_evidence_and_the_lease_moves() {
    let stage = Stage::new().await;
    stage.until("its seat", |status| status["drives"] == true).await;
    let (status, answer) = stage.command(&json!({ "command": "failover", "by": "ada" })).await;
    assert_eq!(status, 200, "{answer:#}");
    stage.change(|world| world.home_up = false);
    stage.until_state("rejoining").await;
    assert_eq!(stage.world.lease().holder, Region::Away);
}
