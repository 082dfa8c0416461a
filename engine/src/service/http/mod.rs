//! What is served over HTTP: the operators' API and page, health and metrics; on a listener of its own, what peers send.

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::context::{Context, Sidecar};
use super::{listener, sources};

/// Serves a sidecar's operators on one listener, and its peers on another.
pub fn serve(sidecar: &Sidecar, operators: TcpListener, peers: TcpListener, tasks: &mut JoinSet<()>) {
    let for_operators = self::operators(sidecar).merge(sources::events::router(sidecar));
    listen(operators, for_operators, tasks);
    listen(peers, sources::peers::router(sidecar), tasks);
}

/// Serves an observer's health and metrics.
pub fn serve_observer(context: &Context, operators: TcpListener, tasks: &mut JoinSet<()>) {
    let _ = context;
    listen(operators, Router::new(), tasks);
}

/// What operators ask.
fn operators(sidecar: &Sidecar) -> Router {
    let _ = sidecar;
    Router::new()
}

fn listen(listener: TcpListener, router: Router, tasks: &mut JoinSet<()>) {
    tasks.spawn(async move { match listener::serve(listener, router).await {} });
}
