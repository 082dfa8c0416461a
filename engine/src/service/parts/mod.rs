//! What the engine acts on: one trait for each part of the platform, and the adapters that talk to the real one.
//!
//! Every method answers with the core's own [`Outcome`]. An adapter tries once: no retries, no SDK retries. Whether
//! something is tried again is the core's business, because a time-out is *unknown* and never *failed*. The shell
//! bounds every call by the effect's own time-out, and drops the future when that is over.

mod absent;
mod assemble;
mod carry_out;
pub mod http;
pub mod peers;
pub mod postgres;
mod router;
pub mod stand_in;
mod webhook;

pub use absent::Absent;
pub use assemble::assemble;
pub use router::Router;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use understudy_policies::model::DatabaseMethod;

use crate::core::effect::{Announcement, Effect, Gate, IdempotencyKey, Outcome, PageReason};
use crate::core::ids::{Epoch, Nonce, Region, Switch};
use crate::core::lease::LeaseRequest;
use crate::core::signal::PeerMessage;
use crate::core::time::DatabaseTime;

/// The lease item, strongly consistent.
#[async_trait]
pub trait LeaseStore: Debug + Send + Sync {
    /// Reads or conditionally writes the item. The endpoint of the own region is tried first, then the other one; an
    /// outcome that is not known is settled by reading back the nonce, within `patience`.
    ///
    /// [`Outcome::Lease`], [`Outcome::Conflict`] with the item as it is, [`Outcome::Failed`] if it certainly did not
    /// happen, [`Outcome::TimedOut`] if nobody knows.
    async fn apply(&self, request: LeaseRequest, nonce: Nonce, patience: Duration) -> Outcome;
}

/// The own region's database, and the service that moves its writer.
#[async_trait]
pub trait Database: Debug + Send + Sync {
    /// Reads `clock_timestamp()` from the own region's writer. [`Outcome::DatabaseClock`]; [`Outcome::Failed`] also if
    /// the own region's database takes no writes.
    async fn clock(&self) -> Outcome;
    /// Writes the serving row; within one epoch it is only ever extended, and never by an older epoch.
    async fn write_serving(&self, epoch: Epoch, valid_until: DatabaseTime) -> Outcome;
    /// Makes the own region's database the writer. [`Outcome::Done`] once it takes writes.
    async fn promote(&self, method: DatabaseMethod, key: IdempotencyKey) -> Outcome;
    /// Moves the writer to a region, without loss. [`Outcome::Done`] once it takes writes there.
    async fn switch_over(&self, to: Region, key: IdempotencyKey) -> Outcome;
    /// Who the writer is. [`Outcome::Database`].
    async fn describe(&self) -> Outcome;
    /// Rebuilds the other region's database as a promotable standby of this one. Asking again joins what is under way.
    async fn rejoin(&self) -> Outcome;
    /// Compares the lost region's last commits with what survived. [`Outcome::Reconciled`].
    async fn reconcile(&self) -> Outcome;
    /// The replication lag of the own region's replica; none: not a replica, or nobody knows.
    async fn replication_lag(&self) -> Option<Duration>;
}

/// The two switches that turn the PRIMARY record's health.
#[async_trait]
pub trait Switches: Debug + Send + Sync {
    /// A conditional write: refused by a switch that was written in a later epoch, or in the same epoch with a higher
    /// order.
    async fn set(&self, switch: Switch, engaged: bool, epoch: Epoch, order: u64) -> Outcome;
    /// What both say. [`Outcome::Switches`].
    async fn read(&self) -> Outcome;
}

/// The platform's public name.
#[async_trait]
pub trait PublicName: Debug + Send + Sync {
    /// Pins the record to a region; none: lets it follow its health checks again.
    async fn pin(&self, to: Option<Region>) -> Outcome;
    /// [`Outcome::Done`] if the name answers with this region.
    async fn verify(&self, region: Region) -> Outcome;
}

/// The own region's order path.
#[async_trait]
pub trait OrderPath: Debug + Send + Sync {
    /// Lets it accept orders durably in this epoch. Refused in an older one.
    async fn open_intake(&self, epoch: Epoch) -> Outcome;
    /// Lets it process them, too.
    async fn open_processing(&self, epoch: Epoch) -> Outcome;
    /// Stops both. [`Outcome::Done`] once the orders in hand are finished or refused.
    async fn close(&self, epoch: Epoch) -> Outcome;
    /// Commits a probe order.
    async fn verify_write(&self, epoch: Epoch) -> Outcome;
}

/// The sidecars of the other region.
#[async_trait]
pub trait Peers: Debug + Send + Sync {
    /// Sends to every one of them. [`Outcome::Done`] once one has it.
    async fn tell(&self, message: PeerMessage) -> Outcome;
}

/// Humans, and whoever else subscribed.
#[async_trait]
pub trait Humans: Debug + Send + Sync {
    /// Best effort.
    async fn announce(&self, epoch: Epoch, announcement: Announcement) -> Outcome;
    /// Wakes somebody.
    async fn page(&self, epoch: Epoch, reason: PageReason) -> Outcome;
    /// Asks, and waits for the answer: [`Outcome::Done`] or [`Outcome::Refused`]. An operator may also answer with the
    /// command `approve`, so waiting for ever is fine.
    async fn request_approval(&self, epoch: Epoch, gate: Gate) -> Outcome;
}

/// Everything that one sidecar acts on.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Parts {
    pub lease: Arc<dyn LeaseStore>,
    pub database: Arc<dyn Database>,
    pub switches: Arc<dyn Switches>,
    pub name: Arc<dyn PublicName>,
    pub order_path: Arc<dyn OrderPath>,
    pub peers: Arc<dyn Peers>,
    pub humans: Arc<dyn Humans>,
}

/// Whoever carries effects out. The shell knows nothing more of the parts.
#[async_trait]
pub trait Executor: Debug + Send + Sync {
    /// Carries one effect out, once.
    async fn carry_out(&self, effect: &Effect) -> Outcome;
}
