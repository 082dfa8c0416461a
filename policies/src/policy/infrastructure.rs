//! Alarms and health checks.

use std::time::Duration;

use crate::gather;
use crate::model::{AlarmThreshold, Infrastructure, RouteCheck};
use crate::source::Table;

pub(super) fn infrastructure(table: &Table<'_>) -> Option<Infrastructure> {
    gather!(Infrastructure {
        replication_lag: table.table("replication-lag", alarm),
        lambda_errors: table.table("lambda-errors", alarm),
        api_latency: table.table("api-latency", alarm),
        route53_check: table.table("route53-check", route_check),
        secondary_check: table.name("secondary-check"),
    })
}

fn alarm(table: &Table<'_>) -> Option<AlarmThreshold> {
    gather!(AlarmThreshold {
        threshold: table.number("threshold", 0.0..=1e9),
        statistic: table.name("statistic"),
        period: table.duration("period", Duration::from_secs(1)..=Duration::from_secs(86_400)),
        periods: table.integer("periods", 1..=60),
        missing_data: table.name("missing-data"),
    })
}

fn route_check(table: &Table<'_>) -> Option<RouteCheck> {
    gather!(RouteCheck {
        interval: table.duration("interval", Duration::from_secs(1)..=Duration::from_secs(60)),
        failure_threshold: table.integer("failure-threshold", 1..=10),
        backing: table.name("backing"),
    })
}
