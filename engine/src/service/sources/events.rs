//! `POST /events`: an EventBridge envelope, an SNS notification or a CloudEvent.

use axum::Router;

use crate::service::context::Sidecar;

/// Where events are posted.
pub fn router(sidecar: &Sidecar) -> Router {
    let _ = sidecar;
    Router::new()
}
