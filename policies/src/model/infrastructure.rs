//! Thresholds for the alarms and health checks that the provisioner creates.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::MissingData;
use crate::duration::DurationText;

/// How an alarm condenses its data points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "CloudWatch's own names")]
pub enum AlarmStatistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
    P90,
    P99,
}

/// One alarm per region.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AlarmThreshold {
    /// The alarm rises at or above this value: milliseconds for lag and latency, a count for errors.
    pub threshold: f64,
    /// How data points are condensed.
    pub statistic: AlarmStatistic,
    /// The length of a period. 10s, 20s and 30s make a high-resolution alarm; otherwise a multiple of 60s.
    #[schemars(with = "DurationText")]
    pub period: Duration,
    /// Evaluated periods. 1 to 60.
    pub periods: u32,
    /// What silence means.
    pub missing_data: MissingData,
}

/// What backs the Route 53 endpoint check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealthCheckBacking {
    /// Route 53's own checkers.
    Endpoint,
    /// The latency alarm. Standard-resolution metrics only, no percentiles, and minutes late.
    LatencyAlarm,
}

/// The Route 53 checks on the regions' endpoints and on the switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RouteCheck {
    /// Time between checks: 10s or 30s.
    #[schemars(with = "DurationText")]
    pub interval: Duration,
    /// Failures in a row. 1 to 10.
    pub failure_threshold: u32,
    /// What backs the endpoint checks.
    pub backing: HealthCheckBacking,
}

/// Whether the SECONDARY record has a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecondaryCheck {
    /// None, so that the standby always answers once the primary is held away.
    None,
    /// One. When both are unhealthy, Route 53 answers with the primary: the checker refuses this.
    Endpoint,
}

/// Thresholds for what the provisioner creates.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Infrastructure {
    /// Replication lag of the standby's database, in milliseconds.
    pub replication_lag: AlarmThreshold,
    /// Errors of the order functions, as a count per period.
    pub lambda_errors: AlarmThreshold,
    /// Latency of the order API, in milliseconds.
    pub api_latency: AlarmThreshold,
    /// The Route 53 checks.
    pub route53_check: RouteCheck,
    /// Whether the SECONDARY record has a health check.
    pub secondary_check: SecondaryCheck,
}
