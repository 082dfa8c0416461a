//! PostgreSQL: the database as a part that the engine acts on.
//!
//! ```text
//!              own region's Link ──▶ clock, serving row, promotion, lag
//!  Postgres ──┤                                                            commands: demote, rejoin
//!              other region's Link ──▶ who writes, what was lost
//! ```
//!
//! - `link`: one long-lived connection to one region's database, and when to give it up.
//! - [`statements`]: what is asked of a database. Aurora's adapter asks the same for clock and serving row.
//! - `promotion`: the policy's method `postgres`.
//! - `view`: who the writer is, from what both databases say.
//! - `switchover`, `rejoin`, `compare`: the planned way home, the rebuilt standby, what was lost.
//! - [`probe`]: a look at a database as a new client has it.
//!
//! Streaming replication knows no epoch. What keeps two writers apart is the lease before a promotion, and the commit
//! fence (`engine/sql/fence.sql`) after it: the old writer's backends refuse commits once its serving row has run out,
//! whether or not anything else of it still answers.

mod background;
mod command;
mod compare;
pub mod link;
pub mod probe;
mod promotion;
mod rejoin;
pub mod statements;
mod switchover;
mod tls;
mod view;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::{error, warn};
use understudy_policies::Policy;
use understudy_policies::model::DatabaseMethod;

use super::Database;
use crate::core::effect::{IdempotencyKey, Outcome, Reconciliation};
use crate::core::ids::{Epoch, Region};
use crate::core::time::DatabaseTime;
use crate::service::clock::Clock;
use crate::service::context::Context;
use crate::service::platform::{Platform, RegionParts};
use background::Background;
use command::Command;
use link::{Failure, Link};
use promotion::Asked;

/// A look at both databases must be over when the caller gives up, and one of them may hang.
const LOOK_SHARE: f64 = 0.7;

/// The databases of both regions, as the sidecar of one region acts on them.
#[derive(Debug, Clone)]
pub struct Postgres {
    own: Region,
    links: [Option<Arc<Link>>; 2],
    limits: Limits,
    clock: Clock,
    asked: Asked,
    demote: [Option<Command>; 2],
    rejoin: [Option<Command>; 2],
    rebuild: Background<Outcome>,
    comparison: Background<Option<Reconciliation>>,
}

/// How long things may take, from the policy.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// A look at both databases.
    look: Duration,
    promotion: Duration,
    demotion: Duration,
    rejoining: Duration,
}

impl Limits {
    fn of(policy: &Policy) -> Self {
        Self {
            look: policy.lease.operation_timeout.mul_f64(LOOK_SHARE),
            promotion: policy.bounds.promotion + policy.bounds.database_write,
            demotion: policy.deadlines.handing_back / 4,
            rejoining: policy.deadlines.rejoining,
        }
    }
}

impl Postgres {
    /// The databases that the platform file names. None: it names none for the own region.
    #[must_use]
    pub fn of(context: &Context, own: Region) -> Option<Self> {
        let Context { policy, platform, .. } = context;
        let links = Region::BOTH.map(|region| link(context, region));
        links[own.index()].as_ref()?;
        let command = |pick: fn(&RegionParts) -> &Vec<String>| {
            Region::BOTH.map(|region| Command::of(pick(&platform.regions[region.index()]), platform, region))
        };
        Some(Self {
            own,
            links,
            limits: Limits::of(policy),
            clock: context.clock,
            asked: Asked::default(),
            demote: command(|region| &region.demote_command),
            rejoin: command(|region| &region.rejoin_command),
            rebuild: Background::default(),
            comparison: Background::default(),
        })
    }

    fn own(&self) -> Result<&Arc<Link>, Failure> {
        self.link(self.own)
    }

    fn link(&self, region: Region) -> Result<&Arc<Link>, Failure> {
        self.links[region.index()].as_ref().ok_or(Failure::NotNamed)
    }
}

/// A connection to one region's database, as the platform file names it.
#[must_use]
pub fn link(context: &Context, region: Region) -> Option<Arc<Link>> {
    let parts = &context.platform.regions[region.index()];
    let address = parts.database.as_ref()?;
    let patience = context.clock.real_span(context.policy.bounds.database_write);
    let link = Link::new(
        context.region_name(region).as_str(),
        address,
        parts.database_password_file.clone(),
        patience,
    );
    match link {
        Ok(link) => Some(Arc::new(link)),
        Err(wrong) => {
            error!(region = %context.region_name(region), %wrong, "this database cannot be used");
            None
        }
    }
}

/// What a failed call comes to, when what was asked may have happened.
fn outcome(failure: &Failure) -> Outcome {
    warn!(%failure, "the database");
    match failure {
        Failure::Unanswered { .. } => Outcome::TimedOut,
        Failure::NotNamed | Failure::Unreachable { .. } | Failure::Refused { .. } => Outcome::Failed,
    }
}

#[async_trait]
impl Database for Postgres {
    async fn clock(&self) -> Outcome {
        let clock = async { self.own()?.clock().await };
        match clock.await {
            Ok(Some(clock)) => Outcome::DatabaseClock(clock),
            Ok(None) => Outcome::Failed,
            Err(failure) => outcome(&failure),
        }
    }

    async fn write_serving(&self, epoch: Epoch, valid_until: DatabaseTime) -> Outcome {
        let written = async { self.own()?.write_serving(epoch, valid_until).await };
        match written.await {
            Ok(true) => Outcome::Done,
            Ok(false) => {
                warn!(%epoch, "the serving row is of a later epoch");
                Outcome::Refused
            }
            Err(failure) => outcome(&failure),
        }
    }

    async fn promote(&self, method: DatabaseMethod, _: IdempotencyKey) -> Outcome {
        if method != DatabaseMethod::Postgres {
            error!(
                ?method,
                "the platform file names PostgreSQL servers, and the policy's method is Aurora's"
            );
            return Outcome::Refused;
        }
        self.promote_own().await
    }

    async fn switch_over(&self, to: Region, _: IdempotencyKey) -> Outcome {
        self.move_writer(to).await
    }

    async fn describe(&self) -> Outcome {
        Outcome::Database(self.look().await)
    }

    async fn rejoin(&self) -> Outcome {
        let this = self.clone();
        self.rebuild.join(|| async move { this.rebuild_other().await }).await
    }

    async fn reconcile(&self) -> Outcome {
        let this = self.clone();
        let found = self.comparison.join(|| async move { this.find_lost().await }).await;
        found.map_or(Outcome::Failed, Outcome::Reconciled)
    }

    async fn replication_lag(&self) -> Option<Duration> {
        self.own().ok()?.replication_lag().await.ok()?
    }
}

/// Where a region's database is, for commands. Never with a password.
fn address_of(platform: &Platform, region: Region) -> String {
    platform.regions[region.index()].database.clone().unwrap_or_default()
}
