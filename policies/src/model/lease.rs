//! The lease: which region may serve, and for how long without renewing.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::RegionName;
use crate::duration::DurationText;

/// Where the lease is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LeaseStore {
    /// A DynamoDB table with multi-Region strong consistency: replicas in both regions, a witness in the third.
    /// It survives the loss of any one region.
    MultiRegion,
    /// One table in one region, without a third. The loss of its region stops the other one as well.
    SingleTable {
        /// The region of the table. It must be the standby: with the table in the primary, the loss of the primary
        /// could not be answered at all.
        region: RegionName,
    },
}

/// What the holder does when neither region can reach the lease store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreLost {
    /// Serve on while the other region grants short extensions over its own path ("I have not claimed, and
    /// will not take the lease before T"). Needs the path between the regions.
    ServeOnGrants,
    /// Stop when the lease runs out. Safe against everything, and an outage whenever the store is lost for longer.
    Fence,
}

/// The lease protocol's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Lease {
    /// Where the lease is kept.
    pub store: LeaseStore,
    /// How long a renewal lasts. 2s to 60s.
    #[schemars(with = "DurationText")]
    pub ttl: Duration,
    /// The holder stops this long before the renewal runs out.
    #[schemars(with = "DurationText")]
    pub margin: Duration,
    /// Time between renewals, and between the standby's reads.
    #[schemars(with = "DurationText")]
    pub renew_every: Duration,
    /// How long one operation may take before its outcome is unknown.
    #[schemars(with = "DurationText")]
    pub operation_timeout: Duration,
    /// How far two boot-time clocks may drift apart during one lease.
    #[schemars(with = "DurationText")]
    pub drift_max: Duration,
    /// How long one grant of the other region lasts.
    #[schemars(with = "DurationText")]
    pub grant: Duration,
    /// What the holder does when the store is lost for both regions.
    pub store_lost: StoreLost,
}
