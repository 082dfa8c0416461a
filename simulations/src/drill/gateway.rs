//! The drill's sockets: everything that engines and clients reach, each request asked of the world, and answered when the
//! world would.
//!
//! | Address | Who asks | What for |
//! |--|--|--|
//! | `/p/<process>/played/<part>` | a sidecar | an effect of the core, as [`stand_in`](understudy_engine::service::parts::stand_in) sends it |
//! | `/p/<process>/played/database/probe/<region>`, `.../lag` | a sidecar | what its database probes see |
//! | `/p/<process>/health/<region>`, `/p/<process>/database-health/<region>` | any process | a health path |
//! | `/p/<process>/reference/<place>` | a sidecar | whether it is cut off |
//! | `/p/<process>/to/<process>/peer/v1/...` | any process | a message to a sidecar, which is handed on |
//! | `/name/<client>` | a client | the public name |
//! | `/orders/<region>/<client>` | a client | an order |

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use understudy_engine::core::effect::Effect;
use understudy_engine::core::ids::Region;
use understudy_engine::service::clock::Clock;

use super::Incoming;
use super::platform::{HEALTHY, Seat};
use crate::scenario::Place;
use crate::world::clients::Acceptance;
use crate::world::outside::{Crossing, Faring, OBSERVER, Question};
use crate::world::parts::Answer;

/// No timer of the machine is finer: what takes less is answered at once.
const FINEST: Duration = Duration::from_millis(1);
/// Nothing is held open for longer than this, in real time: whoever asked has gone, or does not care.
const HELD_MAX: Duration = Duration::from_secs(600);

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) stage: Sender<Incoming>,
    pub(crate) clock: Clock,
    pub(crate) client: reqwest::Client,
    pub(crate) seats: Arc<[Seat]>,
    /// Where each sidecar listens to its peers, by its slot.
    pub(crate) peers: Arc<[SocketAddr]>,
}

impl Gateway {
    /// Answers whoever connects, for ever.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let router = Router::new()
            .route("/p/{process}/played/{part}", post(effect))
            .route("/p/{process}/played/database/probe/{region}", get(database))
            .route("/p/{process}/played/database/lag", get(lag))
            .route("/p/{process}/health/{region}", get(path))
            .route("/p/{process}/database-health/{region}", get(deep_path))
            .route("/p/{process}/reference/{place}", get(reference))
            .route("/p/{process}/to/{slot}/peer/v1/{letter}", post(letter))
            .route("/name/{client}", get(name))
            .route("/orders/{region}/{client}", post(order))
            .with_state(self.clone());
        if let Err(error) = axum::serve(listener, router).await {
            // The drill may be over.
            let _ = self
                .stage
                .send(Incoming::Trouble(format!("the drill's sockets are gone: {error}")));
        }
    }

    /// Asks the world. None: the drill is over.
    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Incoming) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.stage.send(question(reply)).ok()?;
        answer.await.ok()
    }

    /// Waits for as long as something takes in the drill.
    async fn takes(&self, span: Duration) {
        if self.clock.real_span(span) >= FINEST {
            self.clock.sleep(span).await;
        }
    }

    /// Answers as somebody fares who asks.
    async fn fares(&self, faring: Option<Faring>, answer: impl FnOnce() -> Response) -> Response {
        match faring {
            Some((Answer::Answers, takes)) => {
                self.takes(takes).await;
                answer()
            }
            Some((Answer::Refuses, _)) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Some((Answer::Hangs, _)) | None => hang().await,
        }
    }

    fn place(&self, process: usize) -> Option<Place> {
        self.seats.iter().find(|seat| seat.process == process).map(Seat::place)
    }

    async fn probe(&self, process: usize, region: &str, question: Question) -> Response {
        let (Some(vantage), Some(target)) = (self.place(process), region_named(region)) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let faring = self.ask(|reply| Incoming::Probe {
            process,
            vantage,
            target,
            question,
            reply,
        });
        self.fares(faring.await, || HEALTHY.into_response()).await
    }
}

/// Whoever asked goes away at some time, and this with it.
async fn hang() -> Response {
    tokio::time::sleep(HELD_MAX).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

fn region_named(name: &str) -> Option<Region> {
    Region::BOTH
        .into_iter()
        .find(|region| Place::from(*region).name() == name)
}

async fn effect(
    State(gateway): State<Gateway>,
    Path((process, _part)): Path<(usize, String)>,
    Json(effect): Json<Effect>,
) -> Response {
    if process == OBSERVER {
        return StatusCode::NOT_FOUND.into_response();
    }
    let outcome = gateway.ask(|reply| Incoming::Effect {
        slot: process,
        effect,
        reply,
    });
    match outcome.await {
        Some(outcome) => Json(outcome).into_response(),
        None => hang().await,
    }
}

async fn database(State(gateway): State<Gateway>, Path((process, region)): Path<(usize, String)>) -> Response {
    gateway.probe(process, &region, Question::Database).await
}

async fn path(State(gateway): State<Gateway>, Path((process, region)): Path<(usize, String)>) -> Response {
    gateway.probe(process, &region, Question::Path).await
}

async fn deep_path(State(gateway): State<Gateway>, Path((process, region)): Path<(usize, String)>) -> Response {
    gateway.probe(process, &region, Question::DeepPath).await
}

async fn lag(State(gateway): State<Gateway>, Path(process): Path<usize>) -> Response {
    match gateway.ask(|reply| Incoming::Lag { process, reply }).await {
        Some(lag) => Json(json!({ "lag_ms": lag.map(|lag| lag.as_millis()) })).into_response(),
        None => hang().await,
    }
}

async fn reference(State(gateway): State<Gateway>, Path((process, place)): Path<(usize, String)>) -> Response {
    let outside = [Place::Witness, Place::Internet]
        .into_iter()
        .find(|outside| outside.name() == place);
    let (Some(vantage), Some(outside)) = (gateway.place(process), outside) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let faring = gateway.ask(|reply| Incoming::Reference {
        process,
        vantage,
        outside,
        reply,
    });
    gateway.fares(faring.await, || HEALTHY.into_response()).await
}

async fn letter(
    State(gateway): State<Gateway>,
    Path((process, slot, letter)): Path<(usize, usize, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (Some(from), Some(to), Some(address)) = (gateway.place(process), gateway.place(slot), gateway.peers.get(slot))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let about = about(&letter, &body);
    let crossing = gateway.ask(|reply| Incoming::Letter {
        process,
        receiver: slot,
        about,
        from,
        to,
        heartbeat: letter == "heartbeat",
        reply,
    });
    let Some(crossing) = crossing.await else {
        return hang().await;
    };
    let letter = Letter {
        url: format!("http://{address}/peer/v1/{letter}"),
        about,
        ends: (process, slot),
        headers,
        body,
    };
    cross(gateway, letter, crossing).await
}

/// Something on its way from one process to another.
#[derive(Clone)]
struct Letter {
    url: String,
    about: u64,
    ends: (usize, usize),
    headers: HeaderMap,
    body: Bytes,
}

async fn cross(gateway: Gateway, letter: Letter, crossing: Crossing) -> Response {
    if let Some(again) = crossing.arrives[1] {
        let (gateway, letter) = (gateway.clone(), letter.clone());
        drop(tokio::spawn(async move {
            gateway.takes(again).await;
            let _ = letter.deliver(&gateway).await;
        }));
    }
    let status = match crossing.arrives[0] {
        Some(after) => {
            gateway.takes(after).await;
            letter.deliver(&gateway).await
        }
        None => None,
    };
    let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
    gateway.fares(Some(crossing.back), || status.into_response()).await
}

impl Letter {
    /// What the far end says; none: nobody listens there.
    async fn deliver(self, gateway: &Gateway) -> Option<StatusCode> {
        let mut request = gateway.client.post(&self.url).body(self.body);
        for name in [AUTHORIZATION, CONTENT_TYPE] {
            if let Some(value) = self.headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let response = request.send().await.ok()?;
        let (process, receiver) = self.ends;
        let about = self.about;
        // The drill may be over.
        let _ = gateway.stage.send(Incoming::Delivered {
            process,
            receiver,
            about,
        });
        StatusCode::from_u16(response.status().as_u16()).ok()
    }
}

/// What a letter says something of, as a number: its kind, and whatever stands before an observation, which names the witness
/// and the region.
fn about(kind: &str, body: &[u8]) -> u64 {
    const OBSERVATION: &[u8] = b"\"observation\"";
    let end = body.windows(OBSERVATION.len()).position(|part| part == OBSERVATION);
    let named = end.map_or(&[][..], |end| &body[..end]);
    // FNV-1a: a few letters of one drill need no better.
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    kind.as_bytes().iter().chain(named).fold(0xcbf2_9ce4_8422_2325, mix)
}

async fn name(State(gateway): State<Gateway>, Path(_client): Path<usize>) -> Response {
    match gateway.ask(|reply| Incoming::Name { reply }).await {
        Some(region) => Json(json!({ "region": Place::from(region).name() })).into_response(),
        None => hang().await,
    }
}

async fn order(State(gateway): State<Gateway>, Path((region, client)): Path<(String, usize)>, body: Bytes) -> Response {
    let number = std::str::from_utf8(&body).ok().and_then(|number| number.parse().ok());
    let (Some(region), Some(number)) = (region_named(&region), number) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let treatment = gateway.ask(|reply| Incoming::Order {
        region,
        client,
        number,
        reply,
    });
    let Some(treatment) = treatment.await else {
        return hang().await;
    };
    let status = match treatment.acceptance {
        Acceptance::Commits => StatusCode::CREATED,
        Acceptance::Intake => StatusCode::ACCEPTED,
        Acceptance::Refuses => StatusCode::SERVICE_UNAVAILABLE,
    };
    gateway.fares(Some(treatment.faring), || status.into_response()).await
}

#[cfg(test)]
mod tests {
    use super::about;

    #[test]
    fn letters_of_one_witness_about_one_region_are_about_the_same() {
        let body = |target: &str, observation: &str| {
            format!(
                r#"{{"signals":[{{"witness":"observer","target":"{target}","observation":"{observation}","observed_ms":1}}]}}"#
            )
        };
        let said = |target: &str, observation: &str| about("signals", body(target, observation).as_bytes());
        assert_eq!(said("us-east-1", "healthy"), said("us-east-1", "breached"));
        assert_ne!(said("us-east-1", "healthy"), said("us-east-2", "healthy"));
        assert_eq!(
            about("heartbeat", br#"{"sent_ms":1}"#),
            about("heartbeat", br#"{"sent_ms":2}"#)
        );
    }
}
