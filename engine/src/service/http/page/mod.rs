//! The status page: HTML made here, brought up to date by server-sent events.
//!
//! It only shows. What has to be done is done with the command line, which asks for a token; so the page needs none,
//! and a browser can change nothing. Nothing on it comes from elsewhere, and no style or script stands in the HTML.
//! The parts that change are marked with `data-part`; the script replaces those that did.

mod diagram;
mod evidence;
mod ledger;
mod parts;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Router, http::HeaderName};
use maud::{DOCTYPE, html};

use super::failure::Failure;
use crate::service::operators::Desk;
use crate::service::operators::desk::Scene;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn router(desk: &Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/assets/page.css", get(|| asset("text/css; charset=utf-8", STYLE)))
        .route(
            "/assets/page.js",
            get(|| asset("text/javascript; charset=utf-8", SCRIPT)),
        )
        .with_state(Arc::clone(desk))
}

async fn asset(kind: &'static str, text: &'static str) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, kind)], text)
}

async fn page(State(desk): State<Arc<Desk>>) -> Result<impl IntoResponse, Failure> {
    Ok(Html(document(&desk.scene().await?)))
}

/// The whole page.
#[must_use]
pub fn document(scene: &Scene) -> String {
    let status = &scene.status;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (status.state.name) " · " (status.region) " · Understudy" }
                link rel="stylesheet" href="/assets/page.css";
                noscript { meta http-equiv="refresh" content="5"; }
                script src="/assets/page.js" defer {}
            }
            body {
                a .skip href="#live" { "Skip to the status" }
                (parts::banner(status))
                p #stale role="alert" hidden { "" }
                main #live tabindex="-1" { (parts::main(scene)) }
                footer {
                    p {
                        "As of " time #as-of datetime=(status.at) { (status.at) } ". "
                        span #age { "Without scripts, the page is loaded again every five seconds." }
                    }
                    p {
                        "Understudy " (status.version) ", policy " (status.policy) ". "
                        a href="/openapi.json" { "API" } ", " a href="/metrics" { "metrics" } ", "
                        a href="/readyz" { "readiness" } "."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// The parts that change, for the script.
#[must_use]
pub fn live(scene: &Scene) -> String {
    let status = &scene.status;
    let parts = html! {
        template data-title=(format!("{} · {} · Understudy", status.state.name, status.region)) data-at=(status.at) {}
        (parts::banner(status))
        (parts::main(scene))
    };
    // An event's data has one line, or the browser joins them again; either is fine.
    parts.into_string()
}
