//! What AWS is elsewhere, in one small process: the lease item, the switches, the public name, the order paths' gates.
//!
//! | Address | Who asks | What for |
//! |--|--|--|
//! | `POST /<primary or standby>/<part>` | a sidecar of that region | an effect of the core, as the engine's `stand_in` sends it |
//! | `GET /health/<region>` | any process | the application of that region |
//! | `GET /database-health/<region>` | the observer | the same, through to the database |
//! | `GET /reference` | a sidecar | whether it is cut off |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;
use understudy_engine::core::effect::{Effect, Intent, Outcome};
use understudy_engine::core::ids::{Epoch, Region, Switch};
use understudy_engine::core::lease::LeaseRecord;

use super::super::platform::HEALTHY;

/// How long the application waits for its database before it calls itself unhealthy. Shorter than any probe waits.
const DATABASE_PATIENCE: Duration = Duration::from_millis(150);
/// How long a probe order may take.
const ORDER_PATIENCE: Duration = Duration::from_secs(2);

/// Everything that is played, shared by all who ask.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    state: Arc<Mutex<Played>>,
    /// How each region's application reaches its own database, home first.
    databases: [tokio_postgres::Config; 2],
}

#[derive(Debug)]
struct Played {
    lease: LeaseRecord,
    switches: [Flipped; 2],
    /// Whose application answers nobody.
    hangs: [bool; 2],
}

#[derive(Debug, Clone, Copy, Default)]
struct Flipped {
    engaged: bool,
    by: (Epoch, u64),
}

impl StandIn {
    pub(super) fn new(databases: [tokio_postgres::Config; 2]) -> Self {
        let played = Played {
            lease: LeaseRecord::initial(),
            switches: Default::default(),
            hangs: [false; 2],
        };
        Self {
            state: Arc::new(Mutex::new(played)),
            databases,
        }
    }

    /// Answers whoever connects, until the runtime is shut down.
    pub(super) async fn serve(self, listener: TcpListener) {
        let router = Router::new()
            .route("/{region}/{part}", post(effect))
            .route("/health/{region}", get(health))
            .route("/database-health/{region}", get(database_health))
            .route("/reference", get(|| async { HEALTHY }))
            .with_state(self);
        // It ends with the drill.
        let _ = axum::serve(listener, router).await;
    }

    /// A region's application is suspended with its node.
    pub(super) fn suspend(&self, region: Region) {
        self.lock().hangs[region.index()] = true;
    }

    fn lock(&self) -> MutexGuard<'_, Played> {
        // A thread that panicked while it held the lock left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry_out(&self, region: Region, effect: &Effect) -> Outcome {
        match effect.intent {
            Intent::Lease { request, nonce } => {
                let mut played = self.lock();
                match played.lease.apply(&request, nonce) {
                    Ok(record) => {
                        played.lease = record;
                        Outcome::Lease(record)
                    }
                    Err(conflict) => Outcome::Conflict(conflict.0),
                }
            }
            Intent::SetSwitch { switch, engaged, order } => {
                let mut played = self.lock();
                let flipped = &mut played.switches[usize::from(switch == Switch::B)];
                if (effect.epoch, order) < flipped.by {
                    return Outcome::Refused;
                }
                *flipped = Flipped {
                    engaged,
                    by: (effect.epoch, order),
                };
                Outcome::Done
            }
            Intent::ReadSwitches => Outcome::Switches(self.lock().switches.map(|flipped| Some(flipped.engaged))),
            // A probe order goes where every order goes.
            Intent::VerifyWrite => {
                let order = format!(
                    "insert into orders (id) values (-{}) on conflict do nothing",
                    effect.epoch.0
                );
                match tokio::time::timeout(ORDER_PATIENCE, self.ask(region, &order)).await {
                    Ok(true) => Outcome::Done,
                    Ok(false) => Outcome::Failed,
                    Err(_) => Outcome::TimedOut,
                }
            }
            Intent::RequestApproval(_) => std::future::pending().await,
            Intent::OpenIntake
            | Intent::OpenProcessing
            | Intent::CloseOrderPath
            | Intent::PinRecord { .. }
            | Intent::UnpinRecord
            | Intent::VerifyRouting { .. }
            | Intent::Announce(_)
            | Intent::Page(_) => Outcome::Done,
            // Real ones.
            Intent::ReadDatabaseClock
            | Intent::WriteServing { .. }
            | Intent::TellPeer(_)
            | Intent::PromoteDatabase { .. }
            | Intent::SwitchOverDatabase { .. }
            | Intent::DescribeDatabase
            | Intent::RejoinDatabase
            | Intent::ReconcileDatabase => Outcome::Failed,
        }
    }

    /// One statement, over a connection of its own.
    async fn ask(&self, region: Region, sql: &str) -> bool {
        let Ok((client, connection)) = self.databases[region.index()].connect(NoTls).await else {
            return false;
        };
        let driver = tokio::spawn(connection);
        let answered = client.batch_execute(sql).await.is_ok();
        driver.abort();
        answered
    }

    fn hangs(&self, region: Region) -> bool {
        self.lock().hangs[region.index()]
    }
}

/// The name of a region in addresses here.
pub(super) const fn name(region: Region) -> &'static str {
    match region {
        Region::Home => "primary",
        Region::Away => "standby",
    }
}

fn named(text: &str) -> Option<Region> {
    Region::BOTH.into_iter().find(|region| name(*region) == text)
}

async fn effect(
    State(stand_in): State<StandIn>,
    Path((region, _part)): Path<(String, String)>,
    Json(effect): Json<Effect>,
) -> Response {
    match named(&region) {
        Some(region) => Json(stand_in.carry_out(region, &effect).await).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn health(State(stand_in): State<StandIn>, Path(region): Path<String>) -> Response {
    match named(&region) {
        Some(region) if stand_in.hangs(region) => std::future::pending().await,
        Some(_) => HEALTHY.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn database_health(State(stand_in): State<StandIn>, Path(region): Path<String>) -> Response {
    let Some(region) = named(&region) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if stand_in.hangs(region) {
        return std::future::pending().await;
    }
    let look = "select case when pg_is_in_recovery() then null else understudy.write_probe('application') end";
    match tokio::time::timeout(DATABASE_PATIENCE, stand_in.ask(region, look)).await {
        Ok(true) => HEALTHY.into_response(),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
