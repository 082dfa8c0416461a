//! What is served over HTTP: the operators' API and page, health and metrics; on a listener of its own, what peers send.
//!
//! - `api`: `/v1/…`, JSON.
//! - [`page`]: the status page, `/`.
//! - `health`: `/healthz`, `/readyz`, `/metrics`.
//! - [`openapi`]: the document that describes all of it.
//! - `shield`: who may ask: no other site's pages, no name that somebody else has pointed here, no change without a
//!   token.

mod api;
mod failure;
mod health;
pub mod openapi;
pub mod page;
mod shield;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::context::{Context, Sidecar};
use super::operators::Desk;
use super::operators::history::Recent;
use super::{listener, observability, sources};

/// How often what was measured is brought into its buckets.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Serves a sidecar's operators on one listener, and its peers on another.
pub fn serve(sidecar: &Sidecar, operators: TcpListener, peers: TcpListener, tasks: &mut JoinSet<()>) {
    let recent = Arc::new(Recent::default());
    let live = sidecar.views.journal.subscribe();
    tasks.spawn(Arc::clone(&recent).keep(sidecar.views.history.clone(), live));
    tasks.spawn(tidy());
    let desk = Arc::new(Desk::new(sidecar.clone(), recent));
    let for_operators = self::operators(&desk)
        .merge(sources::events::router(sidecar))
        .layer(from_fn_with_state(sidecar.context.clone(), shield::shield));
    listen(operators, for_operators, tasks);
    listen(peers, sources::peers::router(sidecar), tasks);
}

/// Serves an observer's health and metrics.
pub fn serve_observer(context: &Context, operators: TcpListener, tasks: &mut JoinSet<()>) {
    tasks.spawn(tidy());
    let router = health::observer().layer(from_fn_with_state(context.clone(), shield::shield));
    listen(operators, router, tasks);
}

/// What operators ask.
fn operators(desk: &Arc<Desk>) -> Router {
    api::router(desk)
        .merge(stream::router(desk))
        .merge(page::router(desk))
        .merge(health::sidecar(desk))
}

fn listen(listener: TcpListener, router: Router, tasks: &mut JoinSet<()>) {
    tasks.spawn(async move { match listener::serve(listener, router).await {} });
}

async fn tidy() {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        observability::tidy();
    }
}
