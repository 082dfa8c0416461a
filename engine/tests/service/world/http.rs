//! What the world answers.
//!
//! | Request | Answer |
//! |--|--|
//! | `POST /<who>/<part>` | an outcome of the core, as `parts/stand_in.rs` wants it |
//! | `GET /<who>/health/<region>`, `GET /<who>/deep/<region>` | the health paths, the second through to the database |
//! | `GET /<who>/database/probe/<region>`, `GET /<who>/database/lag` | what `sources/databases.rs` asks |
//! | `GET /<who>/reference` | something outside both regions |

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use understudy_engine::core::effect::{Effect, Intent, Outcome};
use understudy_engine::core::ids::Region;

use super::{Seen, Shared};

pub(super) async fn serve(listener: TcpListener, shared: Shared) {
    let router = Router::new().fallback(answer).with_state(shared);
    // Ends with the world's runtime.
    let _ = axum::serve(listener, router).await;
}

/// Where a process stands: its name begins with its region.
pub(crate) fn region_of(who: &str) -> Option<Region> {
    if who.starts_with("home") {
        Some(Region::Home)
    } else if who.starts_with("away") {
        Some(Region::Away)
    } else {
        None
    }
}

fn named(region: &str) -> Region {
    if region == "us-east-1" {
        Region::Home
    } else {
        Region::Away
    }
}

async fn answer(Extract(shared): Extract<Shared>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path: Vec<String> = uri.path().split('/').skip(1).map(str::to_owned).collect();
    let Some((who, rest)) = path.split_first() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    {
        let now = shared.micros();
        if let Some(heard) = shared.lock().heard.get_mut(who) {
            *heard = now;
        }
    }
    if method == Method::POST {
        let effect: Effect = serde_json::from_slice(&body).expect("an effect");
        // A task of its own: what is begun goes on when whoever asked is gone.
        let who = who.clone();
        let work = tokio::spawn(async move { carry_out(&shared, &who, effect).await });
        return match work.await {
            Ok(Some(outcome)) => axum::Json(outcome).into_response(),
            Ok(None) => std::future::pending().await,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    let from_lost = region_of(who).is_some_and(|own| shared.lock().regions[own.index()].lost);
    match rest[..] {
        // One cut-off region sees itself, and nothing else.
        ["health" | "deep", region] | ["database", "probe", region] => {
            let region = named(region);
            let (lost, own) = (
                shared.lock().regions[region.index()].lost,
                region_of(who) == Some(region),
            );
            if lost || (from_lost && !own) {
                return std::future::pending().await;
            }
            "ok".into_response()
        }
        ["database", "lag"] => {
            let state = shared.lock();
            let own = region_of(who);
            let replica = state.replica_attached && own.is_some() && state.writer != own;
            axum::Json(serde_json::json!({ "lag_ms": replica.then_some(120) })).into_response()
        }
        ["reference"] if from_lost => std::future::pending().await,
        ["reference"] => "ok".into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Carries one effect out. None: no answer is ever sent.
async fn carry_out(shared: &Shared, who: &str, effect: Effect) -> Option<Outcome> {
    let of_lease = matches!(effect.intent, Intent::Lease { .. });
    let (path, trap, lost) = {
        let mut state = shared.lock();
        let path = state.reaches.get(who).copied().unwrap_or_default();
        let trap = state.traps.iter().position(|trap| (trap.matches)(who, &effect));
        let trap = trap.map(|index| state.traps.swap_remove(index));
        let own = region_of(who).expect("only sidecars act");
        (path, trap, state.regions[own.index()].lost)
    };
    let written = |outcome, answered| {
        let at = shared.micros();
        let who = who.to_owned();
        shared.lock().seen.push(Seen {
            at,
            who,
            effect,
            outcome,
            answered,
        });
    };
    if lost || (of_lease && path.drops_requests) {
        written(None, false);
        return None;
    }
    if of_lease && !path.delay.is_zero() && effect.id.0.is_multiple_of(2) {
        shared.clock.sleep(path.delay).await;
    }
    if let Some(trap) = trap {
        let outcome = if trap.applied {
            Some(shared.apply(who, &effect).await)
        } else {
            None
        };
        written(outcome, false);
        (trap.springs)();
        return None;
    }
    let outcome = shared.apply(who, &effect).await;
    let answered = !(of_lease && path.drops_answers);
    written(Some(outcome), answered);
    // The answer takes its time as well.
    if of_lease && !path.delay.is_zero() && effect.id.0.is_multiple_of(3) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    answered.then_some(outcome)
}
