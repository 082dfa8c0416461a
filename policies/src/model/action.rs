//! How clients and the database are moved, how the platform comes home, and where a human must agree.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::DurationText;

/// What makes Route 53 answer with the standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficMethod {
    /// Inverted health checks on two switches outside the lost region. Uses Route 53's data plane only.
    Switch,
    /// ARC routing controls. Uses ARC's data plane only.
    Arc,
    /// Changing the record. Needs Route 53's control plane, which is in us-east-1.
    RecordChange,
}

/// Who may move traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectTrigger {
    /// The switches alone: traffic moves only when the engine (or the workflow) says so.
    Switch,
    /// The switches or the endpoint check: Route 53 may move traffic without the engine, flapping included.
    SwitchAndEndpoint,
}

/// The kind of the public record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordType {
    /// A CNAME with a TTL of its own.
    Cname,
    /// An alias. Its TTL is the target's: 60 s for API Gateway and load balancers.
    Alias,
}

/// An ARC routing-control cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ArcRoutingControl {
    /// The cluster's ARN.
    pub cluster: String,
    /// The routing control of the primary record.
    pub primary_control: String,
    /// The routing control of the standby record.
    pub standby_control: String,
}

/// How clients are moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Traffic {
    /// What makes Route 53 answer with the standby.
    pub method: TrafficMethod,
    /// Who may move traffic.
    pub trigger: RedirectTrigger,
    /// The kind of the public record.
    pub record: RecordType,
    /// The record's TTL. 1s to 1h; ignored by an alias.
    #[schemars(with = "DurationText")]
    pub ttl: Duration,
    /// Whether to pin the record as well, once Route 53's control plane answers. Best effort.
    pub pin_record: bool,
    /// The routing controls, when the method is `arc`.
    pub arc: Option<ArcRoutingControl>,
}

/// How the standby's database becomes the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseMethod {
    /// `FailoverGlobalCluster` with `AllowDataLoss`: Aurora rebuilds the old region by itself.
    AuroraManaged,
    /// `RemoveFromGlobalCluster`: faster, but fences nothing, and the global cluster must be built anew.
    AuroraDetach,
    /// Promotion of a PostgreSQL streaming standby.
    Postgres,
}

/// How the database moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Database {
    /// How the standby's database becomes the writer when the primary is lost. A planned move is always a switchover.
    pub method: DatabaseMethod,
    /// Aurora's `rds.global_db_rpo`, in seconds, if it is to be set. With two regions it can block commits when the
    /// standby is lost.
    pub global_db_rpo_seconds: Option<u32>,
    /// Whether the standby has an instance. A headless cluster cannot be promoted.
    pub standby_instance: bool,
}

/// Who starts the way home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailbackMode {
    /// The engine, when the soak is over and nothing forbids it.
    Automatic,
    /// An operator.
    Manual,
}

/// How the platform comes home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Failback {
    /// Who starts it.
    pub mode: FailbackMode,
    /// For how long without a break the home region must have been healthy. 1m to 7d.
    #[schemars(with = "DurationText")]
    pub soak: Duration,
    /// Whether it may happen while the market trades.
    pub during_trading: bool,
    /// Whether it may happen without a promotable standby. The checker refuses `true`.
    pub while_unprotected: bool,
    /// Whether an open AWS Health event for the home region forbids it.
    pub wait_for_health_event: bool,
}

/// Where a human must agree before the engine goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Gates {
    /// Before a failover. With it, the 60 seconds are not kept.
    pub approve_failover: bool,
    /// Before coming home.
    pub approve_failback: bool,
    /// Two people must accept a loss above `guards.data-loss.lag-max`; with `false` such a failover is refused.
    pub two_person_loss: bool,
    /// Before processing resumes after a failover: open orders are reconciled with the venues.
    pub reconcile_venues: bool,
}
