//! Reading: status, reasons, history, health, the stream. And who may read.

use serde_json::Value;
use understudy_policies::model::Mode;
use understudy_policies::shipped;

use crate::stage::{Stage, TOKEN, one_token};

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_says_who_it_is_what_it_sees_and_that_nothing_is_needed() {
    let stage = Stage::new().await;
    let status = stage.until("its seat", |status| status["drives"] == true).await;
    assert_eq!(status["region"], "us-east-2");
    assert_eq!(status["other_region"], "us-east-1");
    assert_eq!(status["mode"], "armed");
    assert_eq!(status["state"]["superstate"], "standing_by");
    assert_eq!(status["lease"]["holder"], "us-east-1");
    assert_eq!(status["lease"]["protected"], true);
    assert!(status["lease"]["read_seconds_ago"].as_f64().unwrap() < 60.0);
    assert!(status["lease"]["expires_in_seconds"].as_f64().unwrap() <= 8.25);
    assert_eq!(status["lease"]["serving_seconds_left"], Value::Null);
    assert_eq!(status["needs"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_witnesses_guards_and_the_smallest_change() {
    let stage = Stage::new().await;
    let (status, why) = stage.get("/v1/why").await;
    assert_eq!(status, 200);
    assert_eq!(why["now"]["verdict"], "hold");
    let quorum = why["now"]["guards"].as_array().unwrap().iter();
    let quorum = quorum.clone().find(|guard| guard["guard"] == "quorum").unwrap();
    assert_eq!(quorum["saw"], "0, needs at least 2");
    assert_eq!(
        why["now"]["flip"],
        "failure domains that call the region breached: 2 instead of 0"
    );
    let witness = why["witnesses"].as_array().unwrap().iter();
    let witness = witness
        .clone()
        .find(|seen| seen["witness"] == "observer-database" && seen["region"] == "us-east-1")
        .unwrap();
    assert_eq!(witness["failure_domain"], "witness-region");
    assert_eq!(witness["quorum"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_read_from_the_journal_and_shadow_mode_is_added_up() {
    let mut policy = shipped::trading();
    policy.mode = Mode::Shadow;
    let stage = Stage::with(policy, one_token()).await;
    stage.change(|world| world.home_up = false);
    stage.until_state("blocked").await;
    let (_, history) = stage.get("/v1/history?since=1h").await;
    let entries = history["entries"].as_array().unwrap();
    let moved = entries.iter().any(|entry| {
        let text = entry["text"].as_str().unwrap();
        entry["kind"] == "state"
            && text.starts_with("steady -> suspicious: A witness calls the serving region breached")
    });
    assert!(moved, "{history:#}");
    let (_, shadow) = stage.get("/v1/history?shadow").await;
    assert_eq!(
        shadow["would_have"][0]["decision"]["verdict"], "would-fail-over",
        "{shadow:#}"
    );
    let noisy = shadow["noisy_witnesses"].as_array().unwrap();
    assert!(
        noisy
            .iter()
            .any(|noise| noise["region"] == "us-east-1" && noise["breaches"] == 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_that_is_none_is_refused_in_words() {
    let stage = Stage::new().await;
    let (status, answer) = stage.get("/v1/history?since=yesterday").await;
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("`since` is a span such as `24h`")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_that_of_the_core_and_readiness_that_of_what_it_knows() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/healthz").await.0, 200);
    let (status, ready) = stage.get("/readyz").await;
    assert_eq!((status, &ready["ok"]), (200, &Value::Bool(true)), "{ready:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_pointed_here_is_refused() {
    let stage = Stage::new().await;
    for (host, expected) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example:7070", 421),
        ("localhost:7070", 200),
        ("sidecar.test", 200),
    ] {
        let asked = stage.client.get(stage.url("/v1/status")).header("host", host);
        assert_eq!(asked.send().await.unwrap().status().as_u16(), expected, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing_even_with_a_token() {
    let stage = Stage::new().await;
    let own = format!("http://{}", stage.address);
    for (name, value, expected) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", own.as_str(), 200),
    ] {
        let post = stage.client.post(stage.url("/v1/commands")).bearer_auth(TOKEN);
        let post = post
            .json(&serde_json::json!({ "command": "pause", "dry_run": true }))
            .header(name, value);
        assert_eq!(
            post.send().await.unwrap().status().as_u16(),
            expected,
            "{name}: {value}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_scripts_frames_and_guessing() {
    let stage = Stage::new().await;
    for path in ["/", "/v1/status", "/metrics", "/nowhere"] {
        let response = stage.client.get(stage.url(path)).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(
            header("content-security-policy").starts_with("default-src 'none'"),
            "{path}"
        );
        assert!(!header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(
            !response.headers().contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_tells_at_once_that_the_machine_has_moved() {
    let stage = Stage::new().await;
    let mut response = stage.client.get(stage.url("/v1/stream")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    stage.change(|world| world.home_up = false);
    let mut seen = String::new();
    while !seen.contains("\"name\":\"claiming\"") && !seen.contains("\"name\":\"acquiring\"") {
        let piece = response.chunk().await.unwrap().expect("the stream goes on");
        seen.push_str(std::str::from_utf8(&piece).unwrap());
    }
    assert!(seen.starts_with("event: status\ndata: {\"at\":"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded() {
    let stage = Stage::new().await;
    let mut open = Vec::new();
    for _ in 0..32 {
        let response = stage.client.get(stage.url("/v1/stream")).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        open.push(response);
    }
    let (status, answer) = stage.get("/live").await;
    assert_eq!(status, 503, "{answer}");
}
