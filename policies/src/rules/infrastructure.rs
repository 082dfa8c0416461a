//! UP7xx: alarms and health checks.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Infrastructure;
    CHECK_INTERVAL = "UP701" Error ["infrastructure.route53-check.interval"]: "Route 53 checks run every 10 or every 30 seconds.",
        why "Route 53 refuses any other interval.",
        mend "Set `interval` to 10s.";
    ALARM_PERIOD = "UP702" Error ["infrastructure"]: "CloudWatch does not know this alarm period.",
        why "Periods are 10 s, 20 s, 30 s, or a multiple of 60 s.",
        mend "Choose one of these.";
    ALARM_SPAN = "UP703" Error ["infrastructure"]: "An alarm looks back further than CloudWatch allows.",
        why "Period times periods may span one day; with periods of an hour or more, seven days.",
        mend "Use fewer or shorter periods.";
    BACKED_HIGH_RESOLUTION = "UP704" Error ["infrastructure.route53-check.backing", "infrastructure.api-latency.period"]: "A Route 53 check cannot rest on a high-resolution alarm.",
        why "Checks backed by an alarm read standard-resolution metrics only.",
        mend "Set `backing = \"endpoint\"`, or the alarm's period to 1m.";
    BACKED_PERCENTILE = "UP705" Error ["infrastructure.route53-check.backing", "infrastructure.api-latency.statistic"]: "A Route 53 check cannot rest on a percentile.",
        why "Checks backed by an alarm know average, minimum, maximum, sum and sample count only: a p99 alarm cannot drive DNS.",
        mend "Set `backing = \"endpoint\"`, or another statistic.";
    BACKED_LATE = "UP706" Warning ["infrastructure.route53-check.backing"]: "A Route 53 check that rests on an alarm is minutes late.",
        why "AWS's own sample speaks of \"after a few minutes\", and silence of the metric turns into healthy, unhealthy or \
             last-known by a setting of its own.",
        mend "Set `backing = \"endpoint\"`.";
    SECONDARY_CHECKED = "UP707" Error ["infrastructure.secondary-check"]: "The SECONDARY record has a health check.",
        why "When both records are unhealthy Route 53 answers with the PRIMARY: a failed check on the standby sends clients \
             back into the lost region.",
        mend "Set `secondary-check = \"none\"`.";
    SLOW_CHECK = "UP708" Warning ["infrastructure.route53-check.interval", "infrastructure.route53-check.failure-threshold"]: "The Route 53 checks are slower than they could be.",
        why "R1.3 asks for rapid detection: every 10 s. The checks on the switches use the same figures, and each further \
             failure in the threshold costs one more interval of the budget.",
        mend "Set `interval = \"10s\"` and `failure-threshold = 1`.";
    ALARM_MISSING = "UP709" Warning ["infrastructure"]: "An alarm reads silence as a breach.",
        why "When CloudWatch lost its data for hours on 2020-11-25, such alarms all rose at once.",
        mend "Set `missing-data = \"missing\"`.";
    ALARM_TOO_FINE = "UP710" Warning ["infrastructure"]: "An alarm has finer periods than its metric.",
        why "AWS publishes these metrics once a minute: in a shorter period there is no data, and the alarm flickers \
             between its state and insufficient data.",
        mend "Set the period to 1m.";
}
