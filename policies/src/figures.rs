//! The figures that the model rests on: one place, each with its source.
//!
//! Where nobody publishes a figure it is an *assumption*: named, marked, and meant to be replaced by a measurement.
//! Latencies are modelled as log-normal, by their median and 99th percentile, or as uniform between two ends.

use std::time::Duration;

use serde::Serialize;
use statrs::function::erf::{erfc, erfc_inv};

use crate::model::DatabaseMethod;

/// The z-score of the 99th percentile.
const Z99: f64 = 2.326_347_874_040_841;

/// How a latency is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "shape")]
pub enum Distribution {
    /// Log-normal, by its median and 99th percentile, both in milliseconds.
    LogNormal {
        /// Half of the values are below.
        median_ms: u64,
        /// 99 % of the values are below.
        p99_ms: u64,
    },
    /// Every value between the two ends is as likely, in milliseconds.
    Uniform {
        /// The smallest value.
        low_ms: u64,
        /// The largest value.
        high_ms: u64,
    },
}

impl Distribution {
    /// The share of values that are at most this long.
    #[must_use]
    pub fn cdf(&self, duration: Duration) -> f64 {
        let millis = duration.as_secs_f64() * 1e3;
        match *self {
            Self::LogNormal { median_ms, p99_ms } => {
                let z = (millis / median_ms as f64).ln() / sigma(median_ms, p99_ms);
                erfc(-z / std::f64::consts::SQRT_2) / 2.0
            }
            Self::Uniform { low_ms, high_ms } => ((millis - low_ms as f64) / (high_ms - low_ms) as f64).clamp(0.0, 1.0),
        }
    }

    /// The value below which this share of the values lies; the share is kept inside 0.000001 to 0.999999.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let share = share.clamp(1e-6, 1.0 - 1e-6);
        let millis = match *self {
            Self::LogNormal { median_ms, p99_ms } => {
                let z = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * share);
                median_ms as f64 * (sigma(median_ms, p99_ms) * z).exp()
            }
            Self::Uniform { low_ms, high_ms } => low_ms as f64 + share * (high_ms - low_ms) as f64,
        };
        Duration::from_secs_f64(millis / 1e3)
    }

    /// The 1st percentile: what can be had at best.
    #[must_use]
    pub fn best(&self) -> Duration {
        self.quantile(0.01)
    }

    /// The median.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    /// The 99th percentile.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.quantile(0.99)
    }
}

fn sigma(median_ms: u64, p99_ms: u64) -> f64 {
    (p99_ms as f64 / median_ms as f64).ln() / Z99
}

/// One latency, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figure {
    /// A short name.
    pub name: &'static str,
    /// What takes that long.
    pub what: &'static str,
    /// How it is spread.
    pub distribution: Distribution,
    /// Who published it, or what it rests on.
    pub source: &'static str,
    /// Whether nobody publishes it.
    pub assumption: bool,
}

const fn log_normal(median_ms: u64, p99_ms: u64) -> Distribution {
    Distribution::LogNormal { median_ms, p99_ms }
}

const fn uniform(low_ms: u64, high_ms: u64) -> Distribution {
    Distribution::Uniform { low_ms, high_ms }
}

macro_rules! figures {
    ($($id:ident = $name:literal, $what:literal, $shape:expr, $kind:ident $source:literal;)+) => {
        $(
            #[doc = concat!("From ", $what, ".")]
            pub const $id: Figure = Figure {
                name: $name, what: $what, distribution: $shape, source: $source, assumption: figures!(@ $kind),
            };
        )+

        /// Every figure.
        pub const ALL: &[Figure] = &[$($id),+];
    };
    (@ published) => { false };
    (@ assumed) => { true };
}

figures! {
    ALARM_HIGH_RESOLUTION = "alarm-high-resolution", "a breach to a high-resolution CloudWatch alarm, evaluated every 10 s",
        uniform(12_000, 24_000), assumed "PutMetricAlarm API reference for the 10 s; the data delay of a few seconds is assumed";
    ALARM_STANDARD = "alarm-standard", "a breach to a standard CloudWatch alarm, evaluated every minute",
        uniform(62_000, 124_000), assumed "CloudWatch user guide for the minute; the data delay of a few seconds is assumed";
    ALARM_TO_EVENTBRIDGE = "alarm-to-eventbridge", "an alarm's change to its event on EventBridge",
        log_normal(1_000, 5_000), assumed "no latency is published";
    EVENTBRIDGE = "eventbridge", "an event to its target in the same region",
        log_normal(148, 387), published "bitesizedserverless.com, n = 1,024";
    EVENTBRIDGE_ACROSS = "eventbridge-across", "an event to its target in another region",
        log_normal(311, 660), assumed "two hops and 15 ms of round trip; not published";
    STEP_FUNCTIONS_START = "step-functions-start", "starting a standard execution to its first step",
        log_normal(142, 313), published "bitesizedserverless.com";
    SQS = "sqs", "sending a message to receiving it over SQS",
        log_normal(16, 105), published "bitesizedserverless.com";
    SNS = "sns", "publishing a message to receiving it over SNS",
        log_normal(73, 225), published "bitesizedserverless.com";
    LAMBDA_COLD_START = "lambda-cold-start", "invoking a Rust function to its first line, cold",
        uniform(18, 22), published "fulgurion.com";
    SIGNAL_DELIVERY = "signal-delivery", "an observation in the witness region to the engine",
        log_normal(60, 300), assumed "one HTTPS exchange across the continent";
    LEASE_OPERATION = "lease-operation", "a conditional write to a strongly consistent DynamoDB table to its answer",
        log_normal(30, 300), assumed "not published";
    LEASE_STALL = "lease-stall", "the loss of one of its regions until the lease store answers again",
        uniform(0, 5_000), assumed "not published; at most 5 s";
    SWITCH_WRITE = "switch-write", "a conditional write to a switch to its answer",
        log_normal(40, 400), assumed "one write in each of two regions";
    CHECKER_REACH = "checker-reach", "a flipped switch until enough Route 53 checkers have seen it",
        uniform(2_000, 10_000), assumed "fast checks every 10 s; beyond the 18 % rule nothing is published";
    DNS_PROPAGATION = "dns-propagation", "a check's change until Route 53 answers with the other record everywhere",
        uniform(3_000, 30_000), assumed "not published; one public ARC run saw 121 s in all";
    RECORD_CHANGE = "record-change", "a record change until every authoritative server answers with it",
        uniform(5_000, 60_000), assumed "Route 53 FAQ for the 60 s; the lower end is assumed";
    AURORA_MANAGED = "aurora-managed", "calling for a managed failover until the standby's database takes writes",
        log_normal(35_000, 110_000), assumed "AWS: \"order of minutes\", in its labs \"under a minute\"; one user saw 8 minutes";
    AURORA_DETACH = "aurora-detach", "calling for the detach until the standby's database takes writes",
        log_normal(25_000, 55_000), assumed "AWS: \"typically under a minute\"";
    POSTGRES_PROMOTION = "postgres-promotion", "calling for the promotion of a small streaming standby until it takes writes",
        uniform(30, 90), published "measured on PostgreSQL 15";
    AURORA_IN_REGION = "aurora-in-region", "losing the writer until another instance of the region takes writes",
        uniform(10_000, 30_000), published "Aurora FAQ: up to 30 s; zatoima.github.io measured 10-16 s";
    AURORA_LAG = "aurora-lag", "a commit until the standby's database has it",
        log_normal(250, 1_000), assumed "Aurora user guide: typically under 1 s; the shape is assumed";
    AURORA_ENDPOINT_DNS = "aurora-endpoint-dns", "a promotion until the cluster endpoint stops flipping back and forth",
        uniform(20_000, 30_000), published "aws-mysql-jdbc issue 377";
    DATABASE_WRITE = "database-write", "a one-row commit to its answer",
        log_normal(6, 60), assumed "same region, warm connection";
    ENGINE_TURN = "engine-turn", "the last signal needed until the decision is journalled",
        log_normal(3, 30), assumed "the engine's evaluation takes microseconds; the rest is the journal's flush";
    HEALTH_EVENT = "health-event", "a regional outage until AWS Health says so",
        uniform(1_380_000, 7_200_000), published "posts at 23, 52 and 120 minutes, in AWS's own summaries";
}

/// Round trip between us-east-1 and us-east-2. Assumption.
pub const REGION_ROUND_TRIP: Duration = Duration::from_millis(15);

/// What the TTL of an alias is, for API Gateway and load balancers. Route 53 developer guide.
pub const ALIAS_TTL: Duration = Duration::from_secs(60);

/// How long a record change takes at most to reach every authoritative server. Route 53 FAQ.
pub const RECORD_CHANGE_MAX: Duration = Duration::from_secs(60);

/// How long Aurora's failover inside a region takes at most, typically. Aurora FAQ.
pub const AURORA_IN_REGION_MAX: Duration = Duration::from_secs(30);

/// The share of resolvers that stretch TTLs. PAM 2023 TTL study.
pub const STRETCHING_RESOLVERS: f64 = 0.0874;

/// The share of Route 53's checkers that must call an endpoint healthy; at or below it, it is unhealthy. Route 53
/// developer guide.
pub const HEALTHY_CHECKERS: f64 = 0.18;

/// The smallest `rds.global_db_rpo` that Aurora accepts, in seconds. Aurora user guide.
pub const GLOBAL_DB_RPO_SECONDS_MIN: u32 = 20;

/// The promotion of each database method.
#[must_use]
pub fn promotion(method: DatabaseMethod) -> &'static Figure {
    match method {
        DatabaseMethod::AuroraManaged => &AURORA_MANAGED,
        DatabaseMethod::AuroraDetach => &AURORA_DETACH,
        DatabaseMethod::Postgres => &POSTGRES_PROMOTION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * a.abs().max(1.0)
    }

    #[test]
    fn a_log_normal_has_the_median_and_p99_that_it_is_given() {
        let detach = AURORA_DETACH.distribution;
        assert!(close(detach.median().as_secs_f64(), 25.0));
        assert!(close(detach.p99().as_secs_f64(), 55.0));
        assert!(close(detach.cdf(Duration::from_secs(25)), 0.5));
        assert!(close(detach.cdf(Duration::from_secs(55)), 0.99));
        assert!(close(detach.cdf(Duration::ZERO), 0.0));
    }

    #[test]
    fn quantile_and_cdf_undo_each_other() {
        for figure in ALL {
            for share in [0.01, 0.2, 0.5, 0.9, 0.99] {
                let back = figure.distribution.cdf(figure.distribution.quantile(share));
                assert!((back - share).abs() < 1e-4, "{}: {share} {back}", figure.name);
            }
        }
    }

    #[test]
    fn the_shares_in_the_documentation_follow_from_the_figures() {
        for (seconds, detach, managed) in [(30, 0.70, 0.38), (40, 0.92, 0.61), (50, 0.98, 0.77), (60, 0.995, 0.86)] {
            let bound = Duration::from_secs(seconds);
            assert!(
                (AURORA_DETACH.distribution.cdf(bound) - detach).abs() < 0.006,
                "{seconds}"
            );
            assert!(
                (AURORA_MANAGED.distribution.cdf(bound) - managed).abs() < 0.006,
                "{seconds}"
            );
        }
    }
}
