//! What peers send: heartbeats and messages of the other region's sidecars, and what the observer saw.
//!
//! | Request | Who sends | What follows |
//! |--|--|--|
//! | `POST /peer/v1/heartbeat` | each sidecar of the other region, every interval of the heartbeat witness | a signal |
//! | `POST /peer/v1/messages` | a sidecar of the other region | a message to the core |
//! | `POST /peer/v1/signals` | the observer, whenever it saw something | signals |
//!
//! All three show the peers' token, and are answered by 204, or by a JSON object whose `error` says what is wrong. The
//! bodies are those of `wire`.

pub(crate) mod messenger;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::de::DeserializeOwned;
use understudy_policies::Policy;
use understudy_policies::model::WitnessKind;

use super::bearer::{Gate, guard, refuse};
use super::vantage::is_observers;
use crate::core::ids::{Region, WitnessId};
use crate::core::signal::{Observation, Signal};
use crate::core::time::WallTime;
use crate::service::context::{Context, Sidecar};
use crate::service::secret::{Secret, Tokens};
use crate::service::shell::{Inbox, Input};
use messenger::Letter;
use wire::{HeartbeatBody, MessageBody, SIGNALS_MAX, SignalText, SignalsBody, Unreadable};

/// The largest body. 64 signals take a tenth of it.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(5);

/// The listener for peers.
pub fn router(sidecar: &Sidecar) -> Router {
    let gate = Gate {
        tokens: Arc::new(Tokens::one(Secret::clone(&sidecar.context.peer_token))),
        whose: "peer",
        patience: PATIENCE,
    };
    let ears = Ears {
        context: sidecar.context.clone(),
        own: sidecar.identity.region,
        inbox: Arc::clone(&sidecar.inbox),
    };
    Router::new()
        .route(Letter::Heartbeat.path(), post(heartbeat))
        .route(Letter::Message.path(), post(message))
        .route(Letter::Signals.path(), post(signals))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(gate, guard))
        .with_state(ears)
}

#[derive(Clone)]
struct Ears {
    context: Context,
    own: Region,
    inbox: Arc<Inbox>,
}

/// Why what was sent is not taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("`{0}` is not the region on the other side of this sidecar; compare the policies of both regions")]
    Region(String),
    #[error("{0} signals at once are too many; send {SIGNALS_MAX} at most")]
    TooMany(usize),
    #[error("{0}; compare the policies of the observer and of this sidecar")]
    Signals(String),
    #[error("this sidecar ends")]
    Ending,
}

async fn heartbeat(State(ears): State<Ears>, body: Bytes) -> Response {
    answer(Letter::Heartbeat, ears.heartbeat(&body))
}

async fn message(State(ears): State<Ears>, body: Bytes) -> Response {
    answer(Letter::Message, ears.message(&body))
}

async fn signals(State(ears): State<Ears>, body: Bytes) -> Response {
    answer(Letter::Signals, ears.signals(&body))
}

fn answer(letter: Letter, result: Result<(), Refused>) -> Response {
    let outcome = if result.is_ok() { "taken" } else { "refused" };
    metrics::counter!("understudy_peer_received_total", "kind" => letter.label(), "outcome" => outcome).increment(1);
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why @ Refused::Ending) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
        Err(why) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()),
    }
}

impl Ears {
    fn heartbeat(&self, body: &[u8]) -> Result<(), Refused> {
        let body: HeartbeatBody = read(body)?;
        let target = self.peer(&body.region)?;
        match heartbeat_witness(&self.context.policy) {
            Some(witness) => self.hear(Signal {
                witness,
                target,
                observation: Observation::Healthy,
                observed: WallTime::from_millis(body.sent_ms),
            }),
            // The other region's policy has such a witness, and this one's does not. No harm is done.
            None => Ok(()),
        }
    }

    fn message(&self, body: &[u8]) -> Result<(), Refused> {
        let body: MessageBody = read(body)?;
        let from = self.peer(&body.region)?;
        self.put(Input::Peer(body.message(from)))
    }

    /// Those that this sidecar's policy knows are taken, whatever the others are.
    fn signals(&self, body: &[u8]) -> Result<(), Refused> {
        let body: SignalsBody = read(body)?;
        if body.signals.len() > SIGNALS_MAX {
            return Err(Refused::TooMany(body.signals.len()));
        }
        let mut unknown = Vec::new();
        for text in &body.signals {
            match self.signal(text) {
                Ok(signal) => self.hear(signal)?,
                Err(why) => unknown.push(why),
            }
        }
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(Refused::Signals(unknown.join("; ")))
        }
    }

    fn signal(&self, text: &SignalText) -> Result<Signal, String> {
        let policy = &self.context.policy;
        let position = policy
            .witnesses
            .iter()
            .position(|witness| witness.name == text.witness && is_observers(witness));
        let witness = position.and_then(|position| u8::try_from(position).ok());
        let target = Region::BOTH
            .into_iter()
            .find(|region| self.context.region_name(*region).as_str() == text.target);
        match (witness, target) {
            (Some(witness), Some(target)) => Ok(Signal {
                witness: WitnessId(witness),
                target,
                observation: text.observation.into(),
                observed: WallTime::from_millis(text.observed_ms),
            }),
            (None, _) => Err(format!(
                "`{}` is no witness in the witness region",
                shorten(&text.witness)
            )),
            (_, None) => Err(format!("`{}` is neither region", shorten(&text.target))),
        }
    }

    fn peer(&self, name: &str) -> Result<Region, Refused> {
        let peer = self.own.other();
        if self.context.region_name(peer).as_str() == name {
            Ok(peer)
        } else {
            Err(Refused::Region(shorten(name)))
        }
    }

    fn hear(&self, signal: Signal) -> Result<(), Refused> {
        self.put(Input::Signal(signal, None))
    }

    fn put(&self, input: Input) -> Result<(), Refused> {
        if self.inbox.put(input) {
            Ok(())
        } else {
            Err(Refused::Ending)
        }
    }
}

/// The witness for which heartbeats are sent. The policy has at most one.
pub(super) fn heartbeat_witness(policy: &Policy) -> Option<WitnessId> {
    let position = policy
        .witnesses
        .iter()
        .position(|witness| witness.kind == WitnessKind::Heartbeat)?;
    u8::try_from(position).ok().map(WitnessId)
}

fn read<Body: DeserializeOwned>(body: &[u8]) -> Result<Body, Refused> {
    Ok(wire::read(body)?)
}

/// No more of what somebody sent goes into an answer or a log.
fn shorten(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(80).collect()
}
