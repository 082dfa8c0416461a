//! UP7xx: alarms and health checks.

use std::time::Duration;

use super::Check;
use crate::duration::format;
use crate::model::{AlarmStatistic, AlarmThreshold, HealthCheckBacking, MissingData, SecondaryCheck};
use crate::rules::infrastructure as rule;
use crate::source::name_of;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn check(check: &mut Check<'_>) {
    let infrastructure = &check.policy().infrastructure;
    alarm(check, "replication-lag", &infrastructure.replication_lag);
    alarm(check, "lambda-errors", &infrastructure.lambda_errors);
    alarm(check, "api-latency", &infrastructure.api_latency);
    route_check(check);
    backing(check);
    if infrastructure.secondary_check == SecondaryCheck::Endpoint {
        let message = "when both records are unhealthy, Route 53 answers with the primary";
        check.report(
            &rule::SECONDARY_CHECKED,
            message,
            &[("infrastructure.secondary-check", "sends clients back")],
        );
    }
}

fn is_high_resolution(period: Duration) -> bool {
    [10, 20, 30].map(Duration::from_secs).contains(&period)
}

fn is_standard(period: Duration) -> bool {
    period >= MINUTE && period.subsec_nanos() == 0 && period.as_secs().is_multiple_of(60)
}

fn alarm(check: &mut Check<'_>, name: &str, alarm: &AlarmThreshold) {
    let key = |field: &str| format!("infrastructure.{name}.{field}");
    let (period, periods) = (key("period"), key("periods"));
    if !is_high_resolution(alarm.period) && !is_standard(alarm.period) {
        let message = format!("`{name}`: CloudWatch knows no period of {}", format(alarm.period));
        check.report_with(
            &rule::ALARM_PERIOD,
            message,
            "write 10s, 20s, 30s, or a multiple of 1m",
            &[(&period, "not known")],
        );
    } else if is_high_resolution(alarm.period) {
        let message = format!(
            "`{name}` is looked at every {}, and AWS publishes it once a minute",
            format(alarm.period)
        );
        check.report(&rule::ALARM_TOO_FINE, message, &[(&period, "finer than the metric")]);
    }
    let (span, span_max) = (
        alarm.period * alarm.periods,
        if alarm.period >= HOUR { 7 * DAY } else { DAY },
    );
    if span > span_max {
        let message = format!(
            "`{name}` looks back {}, and CloudWatch allows {}",
            format(span),
            format(span_max)
        );
        check.report(
            &rule::ALARM_SPAN,
            message,
            &[(&periods, "of these"), (&period, "as long as this")],
        );
    }
    if alarm.missing_data == MissingData::Breached {
        let message = format!("`{name}` rises when its metric falls silent");
        check.report(
            &rule::ALARM_MISSING,
            message,
            &[(&key("missing-data"), "silence is not a breach")],
        );
    }
}

fn route_check(check: &mut Check<'_>) {
    let route_check = &check.policy().infrastructure.route53_check;
    let interval = ("infrastructure.route53-check.interval", "between checks");
    let fast = Duration::from_secs(10);
    if ![fast, Duration::from_secs(30)].contains(&route_check.interval) {
        let message = format!(
            "Route 53 checks every 10s or every 30s, not every {}",
            format(route_check.interval)
        );
        check.report(&rule::CHECK_INTERVAL, message, &[interval]);
    } else if route_check.interval > fast || route_check.failure_threshold > 1 {
        let message = format!(
            "a failure is seen after up to {}",
            format(route_check.interval * route_check.failure_threshold)
        );
        let places = [
            interval,
            ("infrastructure.route53-check.failure-threshold", "failures in a row"),
        ];
        check.report(&rule::SLOW_CHECK, message, &places);
    }
}

fn backing(check: &mut Check<'_>) {
    let infrastructure = &check.policy().infrastructure;
    if infrastructure.route53_check.backing != HealthCheckBacking::LatencyAlarm {
        return;
    }
    let latency = &infrastructure.api_latency;
    let backing = ("infrastructure.route53-check.backing", "rests on it");
    check.report(
        &rule::BACKED_LATE,
        "a check that rests on an alarm is minutes late",
        &[backing],
    );
    if is_high_resolution(latency.period) {
        let message = format!(
            "a check cannot rest on an alarm with periods of {}",
            format(latency.period)
        );
        check.report(
            &rule::BACKED_HIGH_RESOLUTION,
            message,
            &[backing, ("infrastructure.api-latency.period", "high resolution")],
        );
    }
    if matches!(latency.statistic, AlarmStatistic::P90 | AlarmStatistic::P99) {
        let message = format!("a check cannot rest on the {} of a metric", name_of(latency.statistic));
        check.report(
            &rule::BACKED_PERCENTILE,
            message,
            &[backing, ("infrastructure.api-latency.statistic", "a percentile")],
        );
    }
}
