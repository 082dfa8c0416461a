//! Live, by server-sent events: `/v1/stream` for programs, `/live` for the status page.
//!
//! Each stream is one request that goes on: a snapshot at once, whenever the state machine moves, and every second.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::failure::Failure;
use super::page;
use crate::core::machine::StateName;
use crate::service::operators::Desk;

/// Streams at one time. Each costs a question to the core every second.
const STREAMS_MAX: usize = 32;
/// A snapshot at least this often: what is shown has an age.
const EVERY: Duration = Duration::from_secs(1);
/// And not more often than this, however fast the machine moves.
const NOT_BEFORE: Duration = Duration::from_millis(100);

/// What a stream is made of.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Json,
    Page,
}

#[derive(Debug, Clone)]
struct Streams {
    desk: Arc<Desk>,
    free: Arc<Semaphore>,
}

pub(super) fn router(desk: &Arc<Desk>) -> Router {
    let streams = Streams {
        desk: Arc::clone(desk),
        free: Arc::new(Semaphore::new(STREAMS_MAX)),
    };
    Router::new()
        .route("/v1/stream", get(|streams| open(streams, Kind::Json)))
        .route("/live", get(|streams| open(streams, Kind::Page)))
        .with_state(streams)
}

/// One open stream.
struct Open {
    desk: Arc<Desk>,
    kind: Kind,
    sent: Option<(Instant, StateName)>,
    _permit: OwnedSemaphorePermit,
}

async fn open(State(streams): State<Streams>, kind: Kind) -> Response {
    let Ok(permit) = streams.free.try_acquire_owned() else {
        let full = format!("{STREAMS_MAX} streams are open already; close one, or ask `/v1/status` instead");
        return Failure::new(StatusCode::SERVICE_UNAVAILABLE, full).into_response();
    };
    let open = Open {
        desk: streams.desk,
        kind,
        sent: None,
        _permit: permit,
    };
    let events = stream::unfold(open, |mut open| async move {
        open.wait().await;
        let event = open.event().await?;
        Some((Ok::<_, Infallible>(event), open))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

impl Open {
    /// Waits until there is something new to tell.
    async fn wait(&mut self) {
        let Some((at, state)) = self.sent else { return };
        let mut status = self.desk.sidecar().views.status.clone();
        sleep_until(at + NOT_BEFORE).await;
        let moved = status.wait_for(|status| status.state != state);
        tokio::select! {
            _ = moved => {}
            () = sleep_until(at + EVERY) => {}
        }
    }

    /// None ends the stream: the core is gone.
    async fn event(&mut self) -> Option<Event> {
        let scene = self.desk.scene().await.ok()?;
        let state = self.desk.sidecar().views.status.borrow().state;
        self.sent = Some((Instant::now(), state));
        match self.kind {
            Kind::Json => Event::default().event("status").json_data(&scene.status).ok(),
            Kind::Page => Some(Event::default().event("page").data(page::live(&scene))),
        }
    }
}
