//! Events from outside: posted, and recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::StatusCode;
use serde_json::{Value, json};
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::Region;
use understudy_engine::decode::{Kind, ReasonKind};
use understudy_engine::service::parts::Parts;
use understudy_engine::service::platform::Place;
use understudy_engine::service::shell::Receipt;
use understudy_engine::service::sources::{Recording, Verdict};

use crate::sidecar::{OPERATOR_TOKEN, PEER_TOKEN, Running, a_path, clock, context, listeners, quick};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events");

/// One of the events that AWS sends, as it was sent then.
fn event(name: &str) -> Value {
    let text = std::fs::read_to_string(format!("{FIXTURES}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Running {
    async fn away(speed: f64) -> Self {
        let (operators, peers) = listeners().await;
        let context = context(
            Place::Serving(Region::Away),
            quick(),
            "[primary]\n[standby]\n",
            clock(speed),
        );
        Self::listening(context, Arc::new(Parts::absent()), operators, peers)
    }

    /// An alarm about the home region that is raised now.
    fn alarm(&self) -> Value {
        let mut alarm = event("alarm-metric");
        let now = jiff::Timestamp::from_millisecond(self.sidecar.context.clock.wall().as_millis()).unwrap();
        alarm["detail"]["state"]["timestamp"] = json!(now.to_string());
        alarm
    }

    async fn post_events(&self, token: &str, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        let client = &self.sidecar.context.client;
        let request = client
            .post(format!("{}/events", self.operators))
            .bearer_auth(token)
            .body(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }
}

fn outcomes(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().unwrap();
    events.iter().map(|event| event["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_posted_alarm_is_heard_in_every_envelope() {
    let sidecar = Running::away(1.0).await;
    let plain = sidecar.alarm();
    let cloud_event = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": sidecar.alarm()});
    let by_sns = json!({"Type": "Notification", "Message": sidecar.alarm().to_string()});
    for body in [plain, cloud_event, by_sns] {
        let (status, answer) = sidecar.post_events(OPERATOR_TOKEN, body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer, json!({"events": [{"outcome": "accepted", "kind": "alarm"}]}));
    }
    sidecar
        .until("alarm-lambda-errors", Region::Home, WitnessState::Breached)
        .await;
    assert_eq!(sidecar.sidecar.intake.counters().decoded(Kind::Alarm), 3);
}

#[tokio::test]
async fn each_event_of_an_array_has_its_own_answer() {
    let sidecar = Running::away(1.0).await;
    let mixed = json!([sidecar.alarm(), event("rds-other-cluster"), {"specversion": "0.3"}]);
    let (status, answer) = sidecar.post_events(OPERATOR_TOKEN, mixed.to_string()).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    assert_eq!(outcomes(&answer), ["accepted", "ignored", "rejected"]);
    assert!(
        answer["events"][1]["reason"]
            .as_str()
            .unwrap()
            .contains("not one of this platform's")
    );
    assert!(answer["events"][2]["reason"].as_str().unwrap().contains("specversion"));

    let (status, answer) = sidecar.post_events(OPERATOR_TOKEN, "[{}, 5]").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(outcomes(&answer), ["rejected", "rejected"]);
}

#[tokio::test]
async fn what_is_no_request_with_events_reaches_nothing() {
    let sidecar = Running::away(1.0).await;
    let alarm = sidecar.alarm().to_string();
    let eleven = format!("[{}]", [alarm.as_str(); 11].join(","));
    let huge = " ".repeat(2 * 1024 * 1024);
    for (token, body, expected) in [
        (PEER_TOKEN, alarm.clone(), StatusCode::UNAUTHORIZED),
        (OPERATOR_TOKEN, "[]".to_owned(), StatusCode::BAD_REQUEST),
        (OPERATOR_TOKEN, format!("[{alarm}"), StatusCode::BAD_REQUEST),
        (OPERATOR_TOKEN, eleven, StatusCode::BAD_REQUEST),
        (OPERATOR_TOKEN, huge, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, answer) = sidecar.post_events(token, body).await;
        assert_eq!(status, expected, "{answer}");
    }
    assert_eq!(sidecar.sidecar.intake.counters().total(), 0);
    assert_eq!(sidecar.heard("alarm-lambda-errors", Region::Home).await, None);
}

#[tokio::test]
async fn a_sidecar_that_ends_says_that_the_event_must_be_sent_again() {
    let mut sidecar = Running::away(1.0).await;
    sidecar.end().await;
    let (status, answer) = sidecar.post_events(OPERATOR_TOKEN, sidecar.alarm().to_string()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(outcomes(&answer), ["unknown"]);
}

#[tokio::test]
async fn poison_keeps_its_receipt_from_being_done_and_what_is_ignored_does_not() {
    let sidecar = Running::away(1.0).await;
    let take = |body: &str| {
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let receipt = Receipt::new(move || seen.store(true, Ordering::Relaxed));
        let verdict = sidecar.sidecar.intake.take(body.as_bytes(), receipt);
        (verdict, done.load(Ordering::Relaxed))
    };
    let (verdict, done) = take("{\"detail-type\":");
    assert!(matches!(verdict, Verdict::Poison(_)) && !done);
    let (verdict, done) = take(&event("rds-other-cluster").to_string());
    assert!(matches!(verdict, Verdict::Ignored(..)) && done);
    let counters = sidecar.sidecar.intake.counters();
    assert_eq!((counters.rejected(ReasonKind::Truncated), counters.total()), (1, 2));
}

#[tokio::test]
async fn a_recording_is_played_in_order_as_if_it_happened_now() {
    let sidecar = Running::away(10.0).await;
    let fixed = {
        let mut alarm = event("alarm-metric");
        alarm["detail"]["state"]["value"] = json!("OK");
        alarm
    };
    let lines = [
        event("alarm-metric").to_string(),
        json!({"after_ms": 5_000, "event": event("rds-other-cluster")}).to_string(),
        json!({"after_ms": 5_000, "event": fixed, "late_ms": 100}).to_string(),
        "{\"what\":\"is this\"}".to_owned(),
    ];
    let path = a_path("recording.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let recording = Recording::read(&path);
    std::fs::remove_file(&path).unwrap();
    let (intake, clock) = (Arc::clone(&sidecar.sidecar.intake), sidecar.sidecar.context.clock);
    let began = clock.boot();
    let playing = tokio::spawn(recording.unwrap().play(intake, clock));
    sidecar
        .until("alarm-lambda-errors", Region::Home, WitnessState::Breached)
        .await;
    sidecar
        .until("alarm-lambda-errors", Region::Home, WitnessState::Healthy)
        .await;
    playing.await.unwrap();
    assert!(
        clock.boot().since(began).as_millis() >= 10_000,
        "faster than it was recorded"
    );
    assert_eq!(sidecar.sidecar.intake.counters().total(), 4);
}

#[test]
fn a_file_that_cannot_be_played_is_named_with_its_line() {
    let path = a_path("bad.jsonl");
    std::fs::write(&path, "{}\n\n{\"after_ms\": 1}\n").unwrap();
    let wrong = Recording::read(&path).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(wrong.contains(".jsonl, line 3: `after_ms` without an event"), "{wrong}");
    assert!(
        Recording::read(&path)
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}
