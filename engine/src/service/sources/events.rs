//! `POST /events`: events from whoever shows the operators' token.
//!
//! The body is one event (an EventBridge envelope, an SNS notification, a CloudEvent 1.0 in structured mode), or a JSON
//! array of at most ten. It is answered once what follows from each is durable:
//!
//! | Status | When |
//! |--|--|
//! | 200 | every event was accepted or ignored |
//! | 207 | some were rejected |
//! | 422 | all were rejected |
//! | 400 | the body holds no event, or too many |
//! | 503 | of some nobody knows whether they are durable, or the process ends: send them again |
//!
//! The answer has one entry for each event, in their order:
//!
//! ```json
//! {"events": [{"outcome": "accepted", "kind": "alarm"},
//!             {"outcome": "ignored", "kind": "alarm", "reason": "the resource is not one of this platform's"},
//!             {"outcome": "rejected", "kind": "bad-time", "reason": "`time` is `noon`, which is no moment; …"}]}
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, middleware};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::bearer::{Gate, guard, refuse};
use super::intake::{Intake, Verdict};
use crate::service::context::Sidecar;
use crate::service::shell::Receipt;

/// Events in one body: as many as `PutEvents` takes.
const EVENTS_MAX: usize = 10;
/// The largest body: what SQS takes. One event may have a quarter of it.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a request may take, its way to the disk included.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long one answer waits for the disk.
const DURABLE_WITHIN: Duration = Duration::from_secs(5);

/// Where events are posted.
pub fn router(sidecar: &Sidecar) -> Router {
    let gate = Gate {
        tokens: Arc::clone(&sidecar.operator_token),
        whose: "operator",
        patience: PATIENCE,
    };
    Router::new()
        .route("/events", post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(gate, guard))
        .with_state(Arc::clone(&sidecar.intake))
}

/// What became of one event.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Fate {
    Accepted { kind: &'static str },
    Ignored { kind: &'static str, reason: &'static str },
    Rejected { kind: &'static str, reason: String },
    Unknown { reason: &'static str },
}

#[derive(Debug, Serialize)]
struct Answer {
    events: Vec<Fate>,
}

async fn take(State(intake): State<Arc<Intake>>, body: Bytes) -> Response {
    let events = match split(&body) {
        Ok(events) if !events.is_empty() => events,
        Ok(_) => return refuse(StatusCode::BAD_REQUEST, "the array holds no event"),
        Err(error) => {
            let why = format!("the body is neither an event nor an array of events: {error}");
            return refuse(StatusCode::BAD_REQUEST, &why);
        }
    };
    // All of them first, so that one flush of the disk is enough for all.
    let taken: Vec<_> = events.into_iter().map(|event| deliver(&intake, event)).collect();
    let mut fates = Vec::with_capacity(taken.len());
    let deadline = tokio::time::Instant::now() + DURABLE_WITHIN;
    for (verdict, durable) in taken {
        fates.push(match verdict {
            Verdict::Delivered(kind) => match tokio::time::timeout_at(deadline, durable).await {
                Ok(Ok(())) => Fate::Accepted { kind: kind.label() },
                Ok(Err(_)) | Err(_) => Fate::Unknown {
                    reason: "it is not known to be on the disk; send it again",
                },
            },
            Verdict::Ignored(kind, ignored) => Fate::Ignored {
                kind: kind.label(),
                reason: ignored.explanation(),
            },
            Verdict::Poison(rejection) => Fate::Rejected {
                kind: rejection.reason.kind().label(),
                reason: rejection.to_string(),
            },
            Verdict::Ending => Fate::Unknown {
                reason: "this sidecar ends; send it to another one, or again",
            },
        });
    }
    (status(&fates), Json(Answer { events: fates })).into_response()
}

fn deliver(intake: &Intake, event: &[u8]) -> (Verdict, oneshot::Receiver<()>) {
    let (done, durable) = oneshot::channel();
    let receipt = Receipt::new(move || {
        // Whoever asked may have gone.
        let _ = done.send(());
    });
    (intake.take(event, receipt), durable)
}

fn status(fates: &[Fate]) -> StatusCode {
    let rejected = fates
        .iter()
        .filter(|fate| matches!(fate, Fate::Rejected { .. }))
        .count();
    if fates.iter().any(|fate| matches!(fate, Fate::Unknown { .. })) {
        StatusCode::SERVICE_UNAVAILABLE
    } else if rejected == 0 {
        StatusCode::OK
    } else if rejected == fates.len() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::MULTI_STATUS
    }
}

/// The events of a body. Whether each is one is for the decoder to say.
fn split(body: &[u8]) -> Result<Vec<&[u8]>, serde_json::Error> {
    if body.trim_ascii_start().starts_with(b"[") {
        let Batch(events) = serde_json::from_slice(body)?;
        Ok(events.into_iter().map(|event| event.get().as_bytes()).collect())
    } else {
        Ok(vec![body])
    }
}

/// An array that is given up at the first event too many, however long it is.
struct Batch<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Batch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Batch<'de>, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = array.next_element()? {
            if events.len() == EVENTS_MAX {
                return Err(A::Error::custom(format_args!("at most {EVENTS_MAX} are taken at once")));
            }
            events.push(event);
        }
        Ok(Batch(events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_event_or_up_to_ten() {
        assert_eq!(split(b" {\"a\":[1]}").unwrap(), [b" {\"a\":[1]}"]);
        assert_eq!(split(b"[]").unwrap(), [b""; 0]);
        let ten = format!("[{}]", ["{}"; 10].join(" ,\n"));
        assert_eq!(split(ten.as_bytes()).unwrap(), [b"{}"; 10]);
        for wrong in [
            format!("[{}]", ["{}"; 11].join(",")),
            "[{}".to_owned(),
            "[{}]x".to_owned(),
        ] {
            assert!(split(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_status_says_how_many_were_rejected() {
        let rejected = || Fate::Rejected {
            kind: "bad-time",
            reason: String::new(),
        };
        let accepted = || Fate::Accepted { kind: "alarm" };
        let unknown = Fate::Unknown { reason: "" };
        assert_eq!(status(&[accepted(), accepted()]), StatusCode::OK);
        assert_eq!(status(&[accepted(), rejected()]), StatusCode::MULTI_STATUS);
        assert_eq!(status(&[rejected(), rejected()]), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(status(&[rejected(), unknown]), StatusCode::SERVICE_UNAVAILABLE);
    }
}
