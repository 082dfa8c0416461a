//! The names that a scenario file uses, and which of them go together.

use understudy_policies::source::Named;

use super::model::{Evidence, ExpectedDecision, FaultState, Part, Place};

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
            Self::LeaseEndpoint | Self::Region => &[Place::Home, Place::Away, Place::Witness],
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
        same::<Evidence>();
        same::<Place>();
        same::<Part>();
    }
}
