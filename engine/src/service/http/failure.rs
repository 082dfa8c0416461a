//! Answers that say what is wrong: JSON, like every other answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::service::operators::NoAnswer;
use crate::service::operators::shapes::ErrorAnswer;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    error: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }
}

impl From<NoAnswer> for Failure {
    fn from(because: NoAnswer) -> Self {
        let status = match because {
            NoAnswer::Busy => StatusCode::SERVICE_UNAVAILABLE,
            NoAnswer::Wrong(_) => StatusCode::BAD_REQUEST,
            NoAnswer::NoHistory(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, because.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorAnswer { error: self.error })).into_response()
    }
}
