//! The names that the file uses for each choice. A test keeps them equal to the ones that are written out.

use crate::model::{
    AlarmStatistic, Component, DatabaseMethod, FailbackMode, FailureDomain, HealthCheckBacking, LossAction,
    MissingData, Mode, RecordType, RedirectTrigger, SecondaryCheck, StoreLost, TrafficMethod, Weekday, WhenUnknown,
    WitnessKind,
};
use crate::source::Named;

macro_rules! named {
    ($($type:ident, $what:literal: $($name:literal => $variant:ident),+;)+) => {
        $(impl Named for $type {
            const WHAT: &'static str = $what;
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),+];
        })+

        /// The names of every type, as the file has them and as they are written out.
        #[cfg(test)]
        fn all_names() -> Vec<(&'static str, serde_json::Value)> {
            vec![$($(($name, serde_json::to_value($type::$variant).unwrap())),+),+]
        }
    };
}

named! {
    Mode, "a mode": "shadow" => Shadow, "armed" => Armed;
    WitnessKind, "a kind of witness":
        "http-probe" => HttpProbe, "database-probe" => DatabaseProbe, "heartbeat" => Heartbeat,
        "lease-renewal" => LeaseRenewal, "cloudwatch-alarm" => CloudwatchAlarm, "route53-check" => Route53Check,
        "aws-health" => AwsHealth, "replication-lag" => ReplicationLag, "reference" => Reference;
    Component, "a component":
        "application" => Application, "database" => Database, "engine" => Engine, "replication" => Replication,
        "network" => Network;
    FailureDomain, "a failure domain":
        "target-region" => TargetRegion, "peer-region" => PeerRegion, "witness-region" => WitnessRegion,
        "internet" => Internet, "provider" => Provider;
    MissingData, "a meaning of silence": "missing" => Missing, "breached" => Breached;
    LossAction, "an action": "fail-over" => FailOver, "page" => Page, "hold" => Hold;
    WhenUnknown, "an answer to the unknown": "ask" => Ask, "proceed" => Proceed;
    Weekday, "a day of the week":
        "monday" => Monday, "tuesday" => Tuesday, "wednesday" => Wednesday, "thursday" => Thursday,
        "friday" => Friday, "saturday" => Saturday, "sunday" => Sunday;
    StoreLost, "an answer to a lost lease store": "serve-on-grants" => ServeOnGrants, "fence" => Fence;
    TrafficMethod, "a way to move traffic": "switch" => Switch, "arc" => Arc, "record-change" => RecordChange;
    RedirectTrigger, "a trigger": "switch" => Switch, "switch-and-endpoint" => SwitchAndEndpoint;
    RecordType, "a kind of record": "cname" => Cname, "alias" => Alias;
    DatabaseMethod, "a database method":
        "aurora-managed" => AuroraManaged, "aurora-detach" => AuroraDetach, "postgres" => Postgres;
    FailbackMode, "a failback mode": "automatic" => Automatic, "manual" => Manual;
    AlarmStatistic, "a statistic":
        "average" => Average, "sum" => Sum, "minimum" => Minimum, "maximum" => Maximum,
        "sample-count" => SampleCount, "p90" => P90, "p99" => P99;
    HealthCheckBacking, "a backing": "endpoint" => Endpoint, "latency-alarm" => LatencyAlarm;
    SecondaryCheck, "a secondary check": "none" => None, "endpoint" => Endpoint;
}

#[cfg(test)]
mod tests {
    use super::all_names;

    #[test]
    fn names_read_are_the_names_written() {
        for (name, written) in all_names() {
            assert_eq!(written, name);
        }
    }
}
