//! What peers send: heartbeats and messages of the other region's sidecars, and what the observer saw.

use axum::Router;

use crate::service::context::Sidecar;

/// The listener for peers.
pub fn router(sidecar: &Sidecar) -> Router {
    let _ = sidecar;
    Router::new()
}
