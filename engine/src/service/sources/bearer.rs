//! Who may send: whoever shows the token. Nothing else of a request is read before that.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::service::secret::Tokens;

/// What stands before a listener.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// What must be shown: one of them.
    pub(super) tokens: Arc<Tokens>,
    /// Who has it, for whoever does not.
    pub(super) whose: &'static str,
    /// How long a request may take, in real time. Whoever sends its body by drops holds nothing up for longer.
    pub(super) patience: Duration,
}

/// Lets a request through if it shows the token.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if !shows(request.headers(), &gate.tokens) {
        metrics::counter!("understudy_unauthorized_requests_total", "whose" => gate.whose).increment(1);
        let why = format!("show the {} token as `Authorization: Bearer …`", gate.whose);
        let answer = refuse(StatusCode::UNAUTHORIZED, &why);
        return ([(WWW_AUTHENTICATE, "Bearer")], answer).into_response();
    }
    match tokio::time::timeout(gate.patience, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, "the request took too long; send it again"),
    }
}

/// An answer that says what is wrong.
pub(super) fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

fn shows(headers: &HeaderMap, tokens: &Tokens) -> bool {
    let Some(shown) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    shown
        .split_once(' ')
        .is_some_and(|(scheme, shown)| scheme.eq_ignore_ascii_case("bearer") && tokens.matches(shown.trim()))
}
