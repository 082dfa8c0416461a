//! Witnesses, the failure domains that they stand in, and the quorum.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::duration::DurationText;

/// How a witness observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WitnessKind {
    /// A GET on the region's own health path, string-matched.
    HttpProbe,
    /// A write into a probe table of the region's database, over a connection of its own.
    DatabaseProbe,
    /// The heartbeat of the region's sidecars, on a path of its own.
    Heartbeat,
    /// The renewal counter of the lease.
    LeaseRenewal,
    /// A CloudWatch alarm.
    CloudwatchAlarm,
    /// The status of a Route 53 health check. Its metrics exist only in us-east-1.
    Route53Check,
    /// AWS Health events. They come tens of minutes late.
    AwsHealth,
    /// The measured replication lag of the standby's database.
    ReplicationLag,
    /// A probe of something outside both regions, which tells whether it is the observer that is cut off.
    Reference,
}

/// What a witness observes of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// The order path up to the acceptance of an order.
    Application,
    /// The database writer (or, in the standby region, the replica).
    Database,
    /// The region's own engine.
    Engine,
    /// The replication between the databases.
    Replication,
    /// The observer's own view of the rest of the world.
    Network,
}

/// What fails together with a witness. Relative to the region that is observed, so that the same policy holds
/// whichever region serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureDomain {
    /// The observed region itself. A witness here goes down with what it observes.
    TargetRegion,
    /// The other of the two serving regions.
    PeerRegion,
    /// The witness region.
    WitnessRegion,
    /// Vantage points on the internet, such as the Route 53 checkers.
    Internet,
    /// The provider's own status reporting.
    Provider,
}

/// What it means when a witness falls silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissingData {
    /// A verdict of its own: neither healthy nor breached.
    Missing,
    /// Silence is taken for a breach. The checker refuses this for a witness in the quorum.
    Breached,
}

/// One witness of each region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Witness {
    /// Unique name, such as `peer-application`.
    pub name: String,
    /// How it observes.
    pub kind: WitnessKind,
    /// What it observes.
    pub observes: Component,
    /// What fails together with it.
    pub failure_domain: FailureDomain,
    /// Whether its verdict counts in the quorum. The others only inform and explain.
    pub quorum: bool,
    /// Time between observations. 100ms to 10m.
    #[schemars(with = "DurationText")]
    pub interval: Duration,
    /// After this time without an answer an observation counts as breached. At most 60s.
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
    /// Breached observations in a row until the witness calls the region breached. 1 to 20.
    pub breach_after: u32,
    /// Healthy observations in a row until it calls the region healthy again. 1 to 100.
    pub clear_after: u32,
    /// Silence for this long makes the witness *missing*. At least twice the interval.
    #[schemars(with = "DurationText")]
    pub missing_after: Duration,
    /// What silence means.
    pub missing_data: MissingData,
}

/// When the witnesses' verdicts suffice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Quorum {
    /// How many failure domains must call the region breached at the same time. Domains count, not witnesses. 1 to 5.
    pub failure_domains: u32,
    /// For how long they must agree without a single healthy observation between.
    #[schemars(with = "DurationText")]
    pub dwell: Duration,
    /// A witness that changed its mind this many times within the flap window is flapping. 2 to 8.
    pub flap_changes: u32,
    /// The window for counting changes.
    #[schemars(with = "DurationText")]
    pub flap_window: Duration,
    /// The dwell while any witness of the quorum is flapping.
    #[schemars(with = "DurationText")]
    pub flap_dwell: Duration,
}
