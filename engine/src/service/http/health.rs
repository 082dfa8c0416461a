//! Whether the process is alive and ready, and what it counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};

use super::failure::Failure;
use crate::core::machine::StateName;
use crate::core::time::Timestamp;
use crate::service::observability;
use crate::service::operators::Desk;
use crate::service::operators::shapes::{CheckAnswer, HealthAnswer};
use crate::words;

/// The core turns every second. One that has not for this long hangs, or the machine was suspended.
const TURN_MAX: Duration = Duration::from_secs(5);

pub(super) fn sidecar(desk: &Arc<Desk>) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(desk))
}

/// An observer has no core: if it answers, it is alive.
pub(super) fn observer() -> Router {
    let fine = || async {
        answer(vec![CheckAnswer {
            check: "process".to_owned(),
            ok: true,
            seen: "the observer answers".to_owned(),
        }])
    };
    Router::new()
        .route("/healthz", get(fine))
        .route("/readyz", get(fine))
        .route("/metrics", get(|| async { text() }))
}

async fn alive(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    answer(vec![turning(&desk)])
}

async fn ready(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let status = Arc::clone(&desk.sidecar().views.status.borrow());
    let view = desk.view();
    let read = status.lease_read.map(|at| view.now.boot.since(at));
    let patience = view.policy.lease.ttl;
    answer(vec![
        turning(&desk),
        CheckAnswer {
            check: "recovered".to_owned(),
            ok: status.state != StateName::Recovering,
            seen: format!("{}: {}", status.state.name(), words::state(status.state)),
        },
        CheckAnswer {
            check: "lease".to_owned(),
            ok: read.is_some_and(|read| read <= patience),
            seen: read.map_or_else(
                || "the lease store has not answered yet".to_owned(),
                |read| format!("the lease store answered {} ago", words::duration(read)),
            ),
        },
        // A core that cannot write its journal ends the process, so whoever answers can.
        CheckAnswer {
            check: "journal".to_owned(),
            ok: true,
            seen: "the journal is written".to_owned(),
        },
    ])
}

fn turning(desk: &Desk) -> CheckAnswer {
    let clock = desk.sidecar().context.clock;
    let turned = Timestamp::from_micros(desk.sidecar().views.turned.load(Ordering::Relaxed));
    let since = clock.real_span(clock.boot().since(turned));
    CheckAnswer {
        check: "core".to_owned(),
        ok: since <= TURN_MAX,
        seen: format!("the core turned {} ago", words::duration(since)),
    }
}

fn answer(checks: Vec<CheckAnswer>) -> (StatusCode, Json<HealthAnswer>) {
    let ok = checks.iter().all(|check| check.ok);
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(HealthAnswer { ok, checks }))
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Result<impl IntoResponse, Failure> {
    let scene = desk.scene().await?;
    observability::describe_status(&scene.status, &scene.why.witnesses);
    Ok(text())
}

fn text() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, observability::CONTENT_TYPE)],
        observability::render(),
    )
}
