//! The scenarios that are shipped, built in.

use understudy_policies::source::{Diagnostics, Source};

use super::model::Scenario;
use super::read::read;

/// A scenario that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name, which is the file's name without `.toml`.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// Every shipped scenario, theme by theme, the incidents last and by date.
        pub const ALL: &[Shipped] = &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
        }),+];
    };
}

shipped![
    "region-loss",
    "application-loss",
    "application-hang",
    "database-loss",
    "database-failover-in-region",
    "standby-loss",
    "witness-loss",
    "primary-and-witness-loss",
    "both-regions-breached",
    "control-planes-down",
    "standby-control-plane-down",
    "second-failure-while-unprotected",
    "second-failure-while-soaking",
    "third-failure-in-a-day",
    "flapping-every-2s",
    "flapping-every-10s",
    "flapping-every-40s",
    "flapping-every-3min",
    "flapping-that-lasts",
    "gray-latency",
    "gray-latency-beyond-patience",
    "gray-region-keeps-its-lease",
    "partition",
    "partition-one-way-out",
    "partition-one-way-in",
    "primary-isolated",
    "standby-isolated",
    "observer-cut-off-from-primary",
    "lease-store-slow",
    "lease-store-crawls",
    "lease-store-lost-for-one-region",
    "lease-store-lost-for-both",
    "lease-store-lost-for-both-fence",
    "standby-loss-single-table",
    "monitoring-loss",
    "monitoring-late",
    "messages-doubled-and-overtaking",
    "lossy-network",
    "lossy-network-alone",
    "heartbeat-loss",
    "health-event-alone",
    "quorum-in-one-failure-domain",
    "lag-above-bound",
    "lag-accepted",
    "lag-unknown",
    "replication-broken",
    "standby-damaged",
    "damaged-after-return",
    "old-database-cannot-be-compared",
    "region-gone-for-more-than-a-day",
    "sidecar-lost-in-primary",
    "sidecars-lost-in-primary",
    "sidecars-lost-in-standby",
    "sidecars-frozen-in-primary",
    "stale-actor-wakes-up",
    "client-paused-before-commit",
    "client-paused-through-a-region-loss",
    "clock-drift",
    "clock-crawls-in-isolated-primary",
    "clock-steps-ahead",
    "clock-steps-back",
    "database-clock-steps-ahead",
    "database-clock-steps-back",
    "rolling-deployment",
    "sidecar-frozen-in-standby-during-failover",
    "crash-at-suspicion",
    "crash-at-write-claim",
    "crash-at-acquiring",
    "crash-at-engage-switch-a",
    "crash-at-engage-switch-b",
    "crash-at-announce",
    "crash-at-raise-epoch",
    "crash-at-open-intake",
    "crash-at-promote-database",
    "crash-at-write-serving-row",
    "crash-at-pin-record",
    "crash-at-open-processing",
    "crash-at-verify-write",
    "crash-at-verify-routing",
    "crash-at-record-completion",
    "crash-at-rejoining",
    "crash-at-rejoin-database",
    "crash-at-reconcile-database",
    "crash-at-mark-protected",
    "crash-at-give-up-lease",
    "crash-at-approve-failback",
    "crash-at-record-failback",
    "crash-at-unpin-record",
    "crash-at-close-order-path",
    "crash-at-switch-over-database",
    "crash-at-disengage-switch-a",
    "crash-at-disengage-switch-b",
    "crash-at-transfer-lease",
    "crash-at-confirming",
    "crash-at-look-at-writer",
    "crash-at-record-rollback",
    "sidecar-lost-in-standby-during-failover",
    "take-over-disarmed",
    "armed-in-time",
    "shadow-mode",
    "paused-and-resumed",
    "planned-move",
    "operator-comes-home",
    "operator-comes-home-too-early",
    "acknowledged-after-refused-promotion",
    "standby-left-active",
    "acknowledged-while-still-damaged",
    "switch-lost-before-failover",
    "switch-lost-during-failover",
    "resolvers-that-ignore-ttls",
    "many-resolvers-stretch-ttls",
    "region-loss-and-return",
    "failback-at-night",
    "failback-misses-the-open",
    "failback-on-a-holiday",
    "failback-over-the-weekend",
    "failback-after-daylight-saving-begins",
    "failback-after-daylight-saving-ends",
    "failback-waits-for-the-provider",
    "failback-interrupted-soak",
    "failback-switchover-fails",
    "lost-again-after-coming-home",
    "aws-2017-02-28-s3",
    "aws-2017-02-28-s3-orders",
    "github-2018-10-21-partition",
    "aws-2020-11-25-kinesis",
    "aws-2021-12-07-network",
    "aws-2021-12-07-network-api",
    "aws-2022-07-28-az-power",
    "aws-2022-07-28-az-power-serving",
    "nyse-2023-01-24",
    "aws-2023-06-13-lambda",
    "aws-2023-06-13-lambda-orders",
    "aws-2025-10-20-dynamodb-dns",
    "aws-2025-10-20-dynamodb-dns-instances",
    "azure-2025-10-29-front-door",
];

/// The one of this name.
#[must_use]
pub fn find(name: &str) -> Option<Shipped> {
    ALL.iter().copied().find(|shipped| shipped.name == name)
}

impl Shipped {
    /// Its text as a source, named like the file.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(&format!("{}.toml", self.name), self.text)
    }

    /// The typed scenario.
    ///
    /// # Errors
    /// Never for a release: a test reads every shipped scenario.
    pub fn scenario(&self) -> Result<Scenario, Diagnostics> {
        read(&self.source())
    }
}
