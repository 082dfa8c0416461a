//! What the core asks its shell to do, and how that turned out.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use understudy_policies::model::DatabaseMethod;

use super::ids::{EffectId, Epoch, Nonce, Region, Switch};
use super::lease::{LeaseRecord, LeaseRequest};
use super::signal::PeerMessage;
use super::time::{DatabaseTime, Timestamp};

/// An intent with what fences it. The shell drops an effect that is older than `not_after`, and re-reads the lease
/// right before one that changes a role; no SDK retries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Pairs the outcome with the effect.
    pub id: EffectId,
    /// The epoch in whose name it is done. Whatever it touches refuses an older one.
    pub epoch: Epoch,
    /// Not to be begun after this moment: the lease's end less its margin for what needs the lease.
    pub not_after: Timestamp,
    /// How long the shell waits for an answer before it reports [`Outcome::TimedOut`]. Where the work takes long, that
    /// is the end of the work; a shell whose *call* is not even answered reports it as soon as an SDK would.
    pub timeout: Duration,
    /// The same for every attempt at the same thing, so that doing it twice is doing it once.
    pub key: IdempotencyKey,
    /// What to do.
    pub intent: Intent,
}

/// Names one thing to be done, over all attempts at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The epoch.
    pub epoch: Epoch,
    /// Which thing within the epoch.
    pub step: u16,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// Read or write the lease item. Answered by [`Outcome::Lease`] or [`Outcome::Conflict`].
    Lease {
        /// What to read or write.
        request: LeaseRequest,
        /// The mark to write.
        nonce: Nonce,
    },
    /// Read `clock_timestamp()` from the own region's database writer. Answered by [`Outcome::DatabaseClock`].
    ReadDatabaseClock,
    /// Write `serving(epoch, valid_until)` into the own region's database: orders commit only until then. Within one
    /// epoch a row is only ever extended, so two sidecars cannot shorten each other's.
    WriteServing {
        /// On the database's own clock.
        valid_until: DatabaseTime,
    },
    /// Send a message to the other region's sidecar. Answered by [`Outcome::Done`] once sent.
    TellPeer(PeerMessage),
    /// Make the own region's database the writer. [`Outcome::Done`] once it takes writes.
    PromoteDatabase {
        /// How.
        method: DatabaseMethod,
    },
    /// Planned switchover of the writer to a region, without loss. [`Outcome::Done`] once it takes writes there.
    SwitchOverDatabase {
        /// The new writer's region.
        to: Region,
    },
    /// Ask who the writer is. Answered by [`Outcome::Database`].
    DescribeDatabase,
    /// Rebuild the other region's database as a promotable standby of this one. May take hours.
    RejoinDatabase,
    /// Compare the lost region's last commits with what survived. Answered by [`Outcome::Reconciled`].
    ReconcileDatabase,
    /// Flip a switch by a conditional write. [`Outcome::Refused`] by a switch that was written in a later epoch, or in
    /// the same epoch with a higher order. So a write that was held up on its way cannot undo what came after it.
    SetSwitch {
        /// Which one.
        switch: Switch,
        /// `true` holds traffic away from the home region.
        engaged: bool,
        /// Twice the version of the lease item that this is decided on, and one more if it undoes what was decided on
        /// the same version.
        order: u64,
    },
    /// Read both switches. Answered by [`Outcome::Switches`].
    ReadSwitches,
    /// Pin the public record to a region through Route 53's control plane. Best effort.
    PinRecord {
        /// The region.
        to: Region,
    },
    /// Undo the pinning: the public record follows its health checks again.
    UnpinRecord,
    /// Let the own region's order path accept orders durably in this epoch, whether or not its database takes writes.
    OpenIntake,
    /// Let it process them.
    OpenProcessing,
    /// Stop accepting and processing, and wait until the orders in hand are finished or refused.
    CloseOrderPath,
    /// Commit a probe order through the own region's order path.
    VerifyWrite,
    /// Check that the public name answers with a region.
    VerifyRouting {
        /// The region.
        region: Region,
    },
    /// Ask humans. Answered by [`Outcome::Done`] when approved and [`Outcome::Refused`] when declined.
    RequestApproval(Gate),
    /// Tell everyone who subscribed. Best effort.
    Announce(Announcement),
    /// Page a human.
    Page(PageReason),
}

impl Intent {
    /// Whether it is part of the every-second routine, which is not written down.
    #[must_use]
    pub const fn is_routine(&self) -> bool {
        matches!(
            self,
            Self::Lease {
                request: LeaseRequest::Read | LeaseRequest::Renew { .. } | LeaseRequest::Drive { .. },
                ..
            } | Self::ReadDatabaseClock
                | Self::WriteServing { .. }
                | Self::TellPeer(_)
                | Self::ReadSwitches
        )
    }
}

/// Where a human must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Before a failover.
    Failover,
    /// Before coming home.
    Failback,
    /// Before processing resumes: open orders are reconciled with the venues.
    VenueReconciliation,
}

/// What subscribers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Announcement {
    FailoverStarted,
    FailoverCompleted,
    FailoverReverted,
    FailbackStarted,
    FailbackCompleted,
    FailbackRolledBack,
}

/// Why a human is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageReason {
    /// A quorum calls the serving region lost, and a guard forbids the failover.
    Blocked,
    /// A class of loss for which the policy says `page`.
    Loss,
    /// The region that could take over is lost: serving without a standby.
    StandbyLost,
    /// The engine needs an operator to go on.
    NeedsOperator,
    /// This region stopped serving by itself.
    SelfFenced,
    /// This sidecar cannot read where the platform stands. It serves nothing, and goes on as soon as it can.
    CannotRead,
    /// A failover happened.
    FailedOver,
    /// A failback was undone. It is tried again after another soak.
    FailbackFailed,
    /// Acknowledged orders did not survive.
    OrdersLost,
}

/// Who the database's writer is, as far as a describe can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseView {
    /// The region whose database takes writes.
    pub writer: Option<Region>,
    /// Whether a move is under way.
    pub moving: bool,
    /// Whether the other database follows the writer and could be promoted.
    pub replica_attached: bool,
}

/// What a comparison of the lost region's commits with the surviving ones found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Acknowledged orders that did not survive.
    pub orders_lost: u64,
    /// Commits in the old region after the promotion began: the declared residual.
    pub residual_commits: u64,
}

/// How an effect turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It happened.
    Done,
    /// The lease item after a read or a successful write.
    Lease(LeaseRecord),
    /// A conditional write's condition did not hold; the item as it is.
    Conflict(LeaseRecord),
    /// The database's clock.
    DatabaseClock(DatabaseTime),
    /// What a describe saw.
    Database(DatabaseView),
    /// What the switches say; none: unreadable.
    Switches([Option<bool>; 2]),
    /// What reconciling found.
    Reconciled(Reconciliation),
    /// It was refused and certainly did not happen, and trying again will not help.
    Refused,
    /// It certainly did not happen; trying again may help.
    Failed,
    /// No answer in time: it may have happened. Never read as a failure.
    TimedOut,
}
