//! `/v1`: what operators ask, as JSON. `GET` needs no token, `POST` does.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use understudy_policies::duration;

use super::failure::Failure;
use super::{openapi, shield};
use crate::core::time::WallTime;
use crate::service::operators::history;
use crate::service::operators::shapes::{CommandRequest, CommandResult, StatusAnswer, WhyAnswer};
use crate::service::operators::{Desk, NoAnswer};

/// A command and a reason are far smaller.
const BODY_MAX: usize = 16 * 1024;
/// How far back the history goes if nobody says.
const SINCE: Duration = Duration::from_secs(24 * 3600);
/// The same for the summary of shadow mode.
const SINCE_IN_SHADOW: Duration = Duration::from_secs(28 * 24 * 3600);

type Asked = State<Arc<Desk>>;

pub(super) fn router(desk: &Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/why", get(why))
        .route("/v1/history", get(history_of))
        .route("/v1/commands", post(command).layer(DefaultBodyLimit::max(BODY_MAX)))
        .route("/openapi.json", get(document))
        .with_state(Arc::clone(desk))
}

async fn status(State(desk): Asked) -> Result<Json<StatusAnswer>, Failure> {
    Ok(Json(desk.status().await?))
}

async fn why(State(desk): Asked) -> Result<Json<WhyAnswer>, Failure> {
    Ok(Json(desk.why().await?))
}

#[derive(Debug, Deserialize)]
struct HistoryQuery {
    since: Option<String>,
    shadow: Option<String>,
}

async fn history_of(State(desk): Asked, Query(query): Query<HistoryQuery>) -> Result<Response, Failure> {
    let shadow = match query.shadow.as_deref() {
        None | Some("false") => false,
        Some("" | "true") => true,
        Some(_) => return Err(wrong("`shadow` is `true` or `false`")),
    };
    let default = if shadow { SINCE_IN_SHADOW } else { SINCE };
    let back = query.since.as_deref().map_or(Ok(default), duration::parse);
    let back = back.map_err(|because| wrong(&format!("`since` is a span such as `24h`: {because}")))?;
    // Disks are slow: not on a thread that answers others.
    let answer = tokio::task::spawn_blocking(move || {
        let view = desk.view();
        let millis = i64::try_from(back.as_millis()).unwrap_or(i64::MAX);
        let since = WallTime::from_millis(view.now.wall.as_millis().saturating_sub(millis));
        let history = &desk.sidecar().views.history;
        if shadow {
            history::shadow(history, &view, since).map(|answer| Json(answer).into_response())
        } else {
            history::tell(history, &view, since).map(|answer| Json(answer).into_response())
        }
    });
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err(NoAnswer::NoHistory(failure.to_string()).into()),
        Err(_) => Err(NoAnswer::Busy.into()),
    }
}

async fn command(State(desk): Asked, headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let bearer = shield::bearer(desk.sidecar(), &headers)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let json = kind.is_some_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "application/json")
    });
    if !json {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a command is JSON: send `Content-Type: application/json`",
        ));
    }
    let request: CommandRequest =
        serde_json::from_slice(&body).map_err(|because| wrong(&format!("this is no command: {because}")))?;
    let answer = desk.command(&request, bearer.name).await?;
    let status = match answer.result {
        CommandResult::Done | CommandResult::WouldBeDone | CommandResult::WouldBeRefused => StatusCode::OK,
        CommandResult::ConsentRecorded => StatusCode::ACCEPTED,
        CommandResult::Refused => StatusCode::CONFLICT,
    };
    Ok((status, Json(answer)).into_response())
}

async fn document() -> Json<serde_json::Value> {
    Json(openapi::document())
}

fn wrong(error: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, error)
}
