//! What peers send, and how what they send is refused.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::{Epoch, Nonce, Region};
use understudy_engine::core::signal::PeerMessage;
use understudy_engine::core::status::Disregarded;
use understudy_engine::service::parts::peers::PeerSidecars;
use understudy_engine::service::parts::{Parts, Peers};
use understudy_engine::service::platform::Place;

use crate::sidecar::{OPERATOR_TOKEN, PEER_TOKEN, Running, address, clock, context, listeners, quick, until};

const ASK: PeerMessage = PeerMessage::GrantRequest {
    from: Region::Away,
    epoch: Epoch(3),
    nonce: Nonce {
        incarnation: 9,
        serial: 4,
    },
};

async fn home() -> Running {
    let (operators, peers) = listeners().await;
    let context = context(
        Place::Serving(Region::Home),
        quick(),
        "[primary]\n[standby]\n",
        clock(1.0),
    );
    Running::listening(context, Arc::new(Parts::absent()), operators, peers)
}

impl Running {
    async fn post(&self, path: &str, token: Option<&str>, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
        let mut request = self
            .sidecar
            .context
            .client
            .post(format!("{}{path}", self.peers))
            .body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        let error = serde_json::from_str::<Value>(&text).ok();
        let error = error.and_then(|error| Some(error.get("error")?.as_str()?.to_owned()));
        (status, error.unwrap_or(text))
    }

    fn heartbeat(&self, rest: &str) -> String {
        let sent = self.sidecar.context.clock.wall().as_millis();
        format!("{{\"region\":\"us-east-2\",\"sent_ms\":{sent}{rest}}}")
    }
}

#[tokio::test]
async fn nothing_reaches_the_core_without_the_token() {
    let home = home().await;
    let body = home.heartbeat("");
    for path in ["/peer/v1/heartbeat", "/peer/v1/messages", "/peer/v1/signals"] {
        for token in [None, Some(""), Some(OPERATOR_TOKEN), Some("the-peers-know-this-onE")] {
            let (status, error) = home.post(path, token, body.clone()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {token:?}");
            assert!(
                error.contains("show the peer token") && !error.contains(PEER_TOKEN),
                "{error}"
            );
        }
    }
    assert_eq!(home.heard("heartbeat", Region::Away).await, None);
    let (status, _) = home.post("/peer/v1/heartbeat", Some(PEER_TOKEN), body).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    home.until("heartbeat", Region::Away, WitnessState::Healthy).await;
}

#[tokio::test]
async fn neighbouring_formats_are_understood_and_later_ones_refused_with_a_reason() {
    let home = home().await;
    for rest in [
        "",
        ",\"version\":1,\"least\":1,\"sidecar\":2",
        ",\"version\":2,\"least\":1,\"sidecar\":2,\"zone\":{\"name\":\"use2-az1\"}",
    ] {
        let before = home.heard("heartbeat", Region::Away).await;
        // No two observations of one moment: the core would take them for one.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let (status, error) = home
            .post("/peer/v1/heartbeat", Some(PEER_TOKEN), home.heartbeat(rest))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{rest}: {error}");
        until("heard again", async || {
            home.heard("heartbeat", Region::Away).await > before
        })
        .await;
    }
    let later = home.heartbeat(",\"version\":3,\"least\":2");
    let (status, error) = home.post("/peer/v1/heartbeat", Some(PEER_TOKEN), later).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(error.contains("needs a reader of format 2"), "{error}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_reaches_nothing() {
    let home = home().await;
    let signal = |witness: &str, target: &str| {
        format!(
            "{{\"signals\":[{{\"witness\":{witness:?},\"target\":{target:?},\"observation\":\"breached\",\"observed_ms\":5}}]}}"
        )
    };
    let message = "{\"region\":\"us-east-1\",\"message\":{\"grant-request\":{\"epoch\":1,\"nonce\":{\"incarnation\":1,\"serial\":1}}}}";
    let many = vec!["{\"witness\":\"\",\"target\":\"\",\"observation\":\"healthy\",\"observed_ms\":0}"; 65].join(",");
    let cases = [
        (
            "heartbeat",
            "{\"region\":\"us-east-1\",\"sent_ms\":5}".to_owned(),
            "not the region on the other side",
        ),
        (
            "heartbeat",
            "{\"region\":\"us-east-2\"}".to_owned(),
            "missing field `sent_ms`",
        ),
        ("heartbeat", "not JSON".to_owned(), "this is not what is sent here"),
        ("messages", message.to_owned(), "not the region on the other side"),
        (
            "messages",
            "{\"region\":\"us-east-2\",\"message\":{\"bribe\":{}}}".to_owned(),
            "unknown variant `bribe`",
        ),
        // The observer cannot speak for a witness that stands elsewhere.
        (
            "signals",
            signal("peer-application", "us-east-1"),
            "no witness in the witness region",
        ),
        ("signals", signal("observer-application", "eu-west-1"), "neither region"),
        ("signals", format!("{{\"signals\":[{many}]}}"), "send 64 at most"),
    ];
    for (path, body, expected) in cases {
        let (status, error) = home
            .post(&format!("/peer/v1/{path}"), Some(PEER_TOKEN), body.clone())
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(error.contains(expected), "{body}: {error}");
    }
    let huge = "x".repeat(100_000);
    let (status, _) = home.post("/peer/v1/heartbeat", Some(PEER_TOKEN), huge).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let heard = home
        .explain()
        .await
        .witnesses
        .into_iter()
        .filter(|view| view.heard.is_some());
    assert_eq!(heard.count(), 0);
    assert_eq!(home.sidecar.views.status.borrow().disregarded, Disregarded::default());
}

#[tokio::test]
async fn sidecars_hear_each_others_hearts() {
    let clock = clock(10.0);
    let (sockets, other_sockets) = (listeners().await, listeners().await);
    let platform = format!(
        "[primary]\nsidecars = [{:?}]\n[standby]\nsidecars = [{:?}]\n",
        address(&sockets.1),
        address(&other_sockets.1)
    );
    let mut sidecars = Vec::new();
    for (region, (operators, peers)) in Region::BOTH.into_iter().zip([sockets, other_sockets]) {
        let context = context(Place::Serving(region), quick(), &platform, clock);
        let mut sidecar = Running::listening(context, Arc::new(Parts::absent()), operators, peers);
        sidecar.look();
        sidecars.push(sidecar);
    }
    for (sidecar, target) in sidecars.iter().zip([Region::Away, Region::Home]) {
        sidecar.until("heartbeat", target, WitnessState::Healthy).await;
        assert_eq!(sidecar.heard("heartbeat", target.other()).await, None);
    }
}

#[tokio::test]
async fn a_message_is_sent_once_one_sidecar_has_it_and_failed_only_if_nobody_can() {
    let home = home().await;
    let away = |addresses: &[&str]| {
        let platform = format!("[primary]\nsidecars = {addresses:?}\n[standby]\n");
        let context = context(Place::Serving(Region::Away), quick(), &platform, clock(5.0));
        PeerSidecars::of(&context, Region::Away)
    };
    assert!(away(&[]).is_none());
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = address(&TcpListener::bind("127.0.0.1:0").await.unwrap());
    let hanging_at = address(&hanging);
    assert_eq!(away(&[&gone]).unwrap().tell(ASK).await, Outcome::Failed);
    assert_eq!(away(&[&gone, &hanging_at]).unwrap().tell(ASK).await, Outcome::TimedOut);
    let all = away(&[&gone, &hanging_at, &home.peers]).unwrap();
    assert_eq!(all.tell(ASK).await, Outcome::Done);
}
