//! What reaches the core from outside: signals of witnesses, notices of the platform, messages of the peer, commands.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{Epoch, Nonce, Region, Switch, WitnessId};
use super::time::WallTime;

/// One witness's observation of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Who observed.
    pub witness: WitnessId,
    /// Which region was observed.
    pub target: Region,
    /// What was seen.
    pub observation: Observation,
    /// When, on the observer's wall clock. Judges staleness and order, nothing else.
    pub observed: WallTime,
}

/// What a witness saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// It answered as it should.
    Healthy,
    /// It did not answer in time, answered wrongly, or its alarm is up.
    Breached,
    /// The witness itself has no data. Neither healthy nor breached.
    Missing,
    /// A measured replication lag.
    Lag(Duration),
}

/// Something the platform reported that is no observation of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// A database event (RDS cluster or global cluster): someone is moving or has moved the writer. The engine looks
    /// (describes) before it believes.
    Database {
        /// The region whose cluster it names.
        region: Region,
        /// What happened.
        change: DatabaseChange,
    },
    /// A Step Functions execution of the failover or failback machine changed its status.
    Execution {
        /// The region in which it runs.
        region: Region,
        /// Whether it is the failover or the failback machine.
        failover: bool,
        /// Its status.
        status: ExecutionStatus,
    },
    /// A switch was flipped by someone.
    SwitchFlipped {
        /// Which one.
        switch: Switch,
        /// Whether it now says "engaged".
        engaged: bool,
        /// The epoch that the write carried.
        epoch: Epoch,
    },
    /// A parameter of the region-specific configuration changed.
    ParameterChanged {
        /// The region of the parameter.
        region: Region,
    },
}

/// What an RDS event says about a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseChange {
    /// A failover (in the region, or of the global cluster) began.
    FailoverStarted,
    /// It completed.
    FailoverCompleted,
    /// It failed.
    FailoverFailed,
    /// A planned switchover began, went on, or completed.
    Switchover,
    /// The cluster left its global cluster or was promoted.
    Detached,
    /// Anything else that is worth looking at.
    Other,
}

/// The status of a Step Functions execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "Step Functions' own names")]
pub enum ExecutionStatus {
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Aborted,
}

/// A message of the other region's sidecar, over the path between the regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerMessage {
    /// "I cannot reach the lease store. Will you promise not to take the lease for a while?"
    GrantRequest {
        /// Who asks.
        from: Region,
        /// The asker's epoch.
        epoch: Epoch,
        /// Pairs the answer with the request.
        nonce: Nonce,
    },
    /// "I have not claimed, and will not take the lease for this long", or a refusal.
    GrantAnswer {
        /// The request's nonce.
        nonce: Nonce,
        /// How long, counted from the moment the request was *sent*; none: refused.
        granted: Option<Duration>,
    },
}

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Stop role changes. Renewals go on.
    Pause,
    /// Allow role changes again.
    Resume,
    /// Act on decisions.
    Arm,
    /// Only record decisions.
    Disarm,
    /// Fail over to this region now, evidence or not.
    FailOver {
        /// Whether two people accepted a loss above the bound.
        accept_loss: bool,
    },
    /// Bring the platform home now.
    FailBack,
    /// Agree to what the engine is waiting for.
    Approve,
    /// Take note of what the engine asked, and let it go on from where the platform is.
    Acknowledge,
    /// Shut this sidecar down. The one that drives a serving region goes on serving until another sidecar of the region
    /// has taken the driver's seat; if none does in time, or on a second such command, it finishes the orders in hand
    /// and releases the lease. Any other may end at once. Refused during a role change.
    ShutDown,
}
