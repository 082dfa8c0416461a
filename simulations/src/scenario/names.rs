//! The names that a scenario file uses, and which of them go together.

use understudy_engine::core::decision::Guard;
use understudy_policies::source::Named;

use super::model::{Evidence, ExpectedDecision, Fault, FaultState, Part, Place, Subject, Theme};

/// How something is broken, without the figures that some of them need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StateName {
    Down,
    Hang,
    Flapping,
    Slow,
    Missing,
    Delayed,
    Open,
    Damaged,
}

/// A guard, as an expectation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GuardName(pub(super) Guard);

macro_rules! guards {
    ($($name:literal => $guard:ident),+ $(,)?) => {
        impl Named for GuardName {
            const WHAT: &'static str = "a guard";
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self(Guard::$guard))),+];
        }
    };
}

guards! {
    "quorum" => Quorum, "dwell" => Dwell, "loss-action" => LossAction, "loss-wait" => LossWait,
    "not-shared" => NotShared, "not-isolated" => NotIsolated, "own-region" => OwnRegion, "protected" => Protected,
    "armed" => Armed, "not-paused" => NotPaused, "drives" => Drives, "cool-down" => CoolDown,
    "role-changes" => RoleChanges, "data-loss" => DataLoss, "no-execution" => NoExecution, "lease" => Lease,
    "soak" => Soak, "outside-trading" => OutsideTrading, "no-health-event" => NoHealthEvent,
    "failback-mode" => FailbackMode,
}

macro_rules! named {
    ($($type:ident, $what:literal: $($name:literal => $variant:ident),+;)+) => {
        $(impl Named for $type {
            const WHAT: &'static str = $what;
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),+];
        })+
    };
}

named! {
    ExpectedDecision, "a decision": "hold" => Hold, "fail-over" => FailOver;
    Theme, "a theme":
        "losses" => Losses, "gray" => Gray, "partitions" => Partitions, "lease-store" => LeaseStore,
        "monitoring" => Monitoring, "data" => Data, "engine" => Engine, "crashes" => Crashes,
        "operations" => Operations, "redirection" => Redirection, "failback" => Failback, "incidents" => Incidents;
    Evidence, "a kind of evidence": "published" => Published, "inferred" => Inferred;
    Place, "a place of the modelled platform":
        "us-east-1" => Home, "us-east-2" => Away, "us-west-2" => Witness, "internet" => Internet;
    StateName, "a way to be broken":
        "down" => Down, "hang" => Hang, "flapping" => Flapping, "slow" => Slow, "missing" => Missing,
        "delayed" => Delayed, "open" => Open, "damaged" => Damaged;
    Part, "a part of the modelled platform":
        "api-gateway" => ApiGateway, "lambda" => Lambda, "sqs" => Sqs, "ec2" => Ec2,
        "load-balancer" => LoadBalancer, "dynamodb" => Dynamodb, "s3" => S3, "kinesis" => Kinesis,
        "aurora" => Aurora, "replication" => Replication, "cloudwatch" => Cloudwatch,
        "eventbridge" => Eventbridge, "heartbeat" => Heartbeat, "sidecars" => Sidecars,
        "health-events" => HealthEvents, "rds-control" => RdsControl, "route53-control" => Route53Control,
        "sts" => Sts, "lease-endpoint" => LeaseEndpoint, "region" => Region, "link" => Link;
}

impl Theme {
    /// Its name in a scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        understudy_policies::source::name_of(self)
    }

    /// As a heading above the scenarios of this theme.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Losses => "What is lost",
            Self::Gray => "Gray and flapping",
            Self::Partitions => "Partitions",
            Self::LeaseStore => "The lease store",
            Self::Monitoring => "What the engine knows",
            Self::Data => "Replication and data",
            Self::Engine => "Sidecars and clocks",
            Self::Crashes => "Crashes in the middle of a role change",
            Self::Operations => "Operators and settings",
            Self::Redirection => "Clients on their way to the standby",
            Self::Failback => "Coming home, and the calendar",
            Self::Incidents => "Incidents",
        }
    }
}

impl FaultState {
    /// Its name in a scenario file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        understudy_policies::source::name_of(match self {
            Self::Down => StateName::Down,
            Self::Hang => StateName::Hang,
            Self::Flapping { .. } => StateName::Flapping,
            Self::Slow { .. } => StateName::Slow,
            Self::Missing => StateName::Missing,
            Self::Delayed { .. } => StateName::Delayed,
            Self::Open => StateName::Open,
            Self::Damaged => StateName::Damaged,
        })
    }
}

impl Fault {
    /// Whether its part can be broken in this way.
    #[must_use]
    pub(crate) fn is_possible(&self) -> bool {
        let part = match self.subject {
            Subject::Part { part, .. } => part,
            Subject::Link { .. } => Part::Link,
        };
        part.states()
            .iter()
            .any(|state| understudy_policies::source::name_of(*state) == self.state.name())
    }
}

impl Part {
    /// Its name in a scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        understudy_policies::source::name_of(self)
    }

    /// Whether an order can need it.
    #[must_use]
    pub const fn carries_orders(self) -> bool {
        matches!(
            self,
            Self::ApiGateway
                | Self::Lambda
                | Self::Sqs
                | Self::Ec2
                | Self::LoadBalancer
                | Self::Dynamodb
                | Self::S3
                | Self::Kinesis
                | Self::Aurora
        )
    }

    /// The ways in which it can be broken.
    pub(super) const fn states(self) -> &'static [StateName] {
        use StateName::{Damaged, Delayed, Down, Flapping, Hang, Missing, Open, Slow};
        match self {
            Self::Aurora => &[Down, Hang, Flapping, Slow, Damaged],
            Self::Replication => &[Down, Delayed],
            Self::Cloudwatch | Self::Eventbridge => &[Down, Missing, Delayed],
            Self::Heartbeat => &[Missing, Delayed],
            Self::HealthEvents => &[Open],
            Self::Sidecars | Self::Region => &[Down, Hang],
            _ => &[Down, Hang, Flapping, Slow],
        }
    }

    /// The places where it can be broken; for a link, the places that it can join.
    pub(super) const fn places(self) -> &'static [Place] {
        match self {
            Self::Route53Control => &[Place::Home],
            Self::S3 | Self::LeaseEndpoint | Self::Region => &[Place::Home, Place::Away, Place::Witness],
            Self::Link => &[Place::Home, Place::Away, Place::Witness, Place::Internet],
            _ => &[Place::Home, Place::Away],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `--json` writes is what a scenario file reads.
    #[test]
    fn names_read_are_the_names_written() {
        fn same<T: Named + serde::Serialize>() {
            for (name, value) in T::NAMES {
                assert_eq!(
                    serde_json::to_value(value).ok().as_ref().and_then(|v| v.as_str()),
                    Some(*name)
                );
            }
        }
        same::<ExpectedDecision>();
        same::<Theme>();
        same::<Evidence>();
        same::<Place>();
        same::<Part>();
    }

    #[test]
    fn guards_are_expected_by_the_names_that_reports_use() {
        for (name, GuardName(guard)) in GuardName::NAMES {
            assert_eq!(crate::report::words::guard(*guard), *name);
        }
    }
}
