//! The names that a scenario file uses, and which of them go together.

use understudy_engine::core::decision::Guard;
use understudy_engine::core::machine::StateName as State;
use understudy_engine::core::signal::Command;
use understudy_engine::workflow::StepId;
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
    Stepped,
    Drifting,
    Paused,
    Lossy,
    Duplicated,
    Reordered,
    Detached,
}

/// A step of the workflow, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StepName(pub(super) StepId);

/// A state of the machine, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MachineState(pub(super) State);

/// What an operator can ask for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommandName(pub(super) Command);

/// An invariant, as an expectation names it: by its file, with dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvariantName(pub(super) &'static str);

/// A guard, as an expectation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GuardName(pub(super) Guard);

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
        "delayed" => Delayed, "open" => Open, "damaged" => Damaged, "stepped" => Stepped, "drifting" => Drifting,
        "paused" => Paused, "lossy" => Lossy, "duplicated" => Duplicated, "reordered" => Reordered,
        "detached" => Detached;
    Part, "a part of the modelled platform":
        "api-gateway" => ApiGateway, "lambda" => Lambda, "sqs" => Sqs, "ec2" => Ec2,
        "load-balancer" => LoadBalancer, "dynamodb" => Dynamodb, "s3" => S3, "kinesis" => Kinesis,
        "aurora" => Aurora, "replication" => Replication, "cloudwatch" => Cloudwatch,
        "eventbridge" => Eventbridge, "heartbeat" => Heartbeat, "sidecars" => Sidecars,
        "health-events" => HealthEvents, "rds-control" => RdsControl, "route53-control" => Route53Control,
        "sts" => Sts, "lease-endpoint" => LeaseEndpoint, "clock" => Clock, "database-clock" => DatabaseClock,
        "transactions" => Transactions, "resolvers" => Resolvers, "order-path" => OrderPath, "region" => Region,
        "link" => Link;
}

macro_rules! wrapped {
    ($type:ident, $what:literal: $($name:literal => $value:expr),+ $(,)?) => {
        impl Named for $type {
            const WHAT: &'static str = $what;
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self($value))),+];
        }
    };
}

wrapped! { GuardName, "a guard":
    "quorum" => Guard::Quorum,
    "dwell" => Guard::Dwell,
    "loss-action" => Guard::LossAction,
    "loss-wait" => Guard::LossWait,
    "not-shared" => Guard::NotShared,
    "not-isolated" => Guard::NotIsolated,
    "own-region" => Guard::OwnRegion,
    "protected" => Guard::Protected,
    "armed" => Guard::Armed,
    "not-paused" => Guard::NotPaused,
    "drives" => Guard::Drives,
    "cool-down" => Guard::CoolDown,
    "role-changes" => Guard::RoleChanges,
    "data-loss" => Guard::DataLoss,
    "no-execution" => Guard::NoExecution,
    "lease" => Guard::Lease,
    "soak" => Guard::Soak,
    "outside-trading" => Guard::OutsideTrading,
    "no-health-event" => Guard::NoHealthEvent,
    "failback-mode" => Guard::FailbackMode,
}

wrapped! { InvariantName, "an invariant":
    "commits-fenced" => "commits-fenced",
    "one-open-region" => "one-open-region",
    "promotion-with-lease" => "promotion-with-lease",
    "one-tenure" => "one-tenure",
    "epochs-rise" => "epochs-rise",
    "stale-refused" => "stale-refused",
    "intent-first" => "intent-first",
    "looked-up-first" => "looked-up-first",
    "name-agrees" => "name-agrees",
    "loss-bounded" => "loss-bounded",
    "losses-reported" => "losses-reported",
    "cool-down" => "cool-down",
    "loss-was-visible" => "loss-was-visible",
    "hands-off" => "hands-off",
    "no-stuck-state" => "no-stuck-state",
    "convergence" => "convergence",
    "replay" => "replay",
}

wrapped! { CommandName, "something that an operator can ask for":
    "arm" => Command::Arm,
    "disarm" => Command::Disarm,
    "pause" => Command::Pause,
    "resume" => Command::Resume,
    "fail-over" => Command::FailOver { accept_loss: false },
    "fail-over-accepting-loss" => Command::FailOver { accept_loss: true },
    "fail-back" => Command::FailBack,
    "approve" => Command::Approve,
    "acknowledge" => Command::Acknowledge,
    "shut-down" => Command::ShutDown,
}

wrapped! { MachineState, "a state of the machine":
    "recovering" => State::Recovering,
    "serving" => State::Serving,
    "draining" => State::Draining,
    "self_fenced" => State::SelfFenced,
    "steady" => State::Steady,
    "suspicious" => State::Suspicious,
    "blocked" => State::Blocked,
    "claiming" => State::Claiming,
    "acquiring" => State::Acquiring,
    "moving" => State::Moving,
    "verifying" => State::Verifying,
    "reverting" => State::Reverting,
    "rejoining" => State::Rejoining,
    "reconciling" => State::Reconciling,
    "soaking" => State::Soaking,
    "quiescing" => State::Quiescing,
    "switching_over" => State::SwitchingOver,
    "redirecting" => State::Redirecting,
    "confirming" => State::Confirming,
    "rolling_back" => State::RollingBack,
    "needs_operator" => State::NeedsOperator,
}

wrapped! { StepName, "a step of the workflow":
    "approve-failover" => StepId::ApproveFailover,
    "write-claim" => StepId::WriteClaim,
    "await-lease" => StepId::AwaitLease,
    "raise-epoch" => StepId::RaiseEpoch,
    "engage-switch-a" => StepId::EngageSwitchA,
    "engage-switch-b" => StepId::EngageSwitchB,
    "promote-database" => StepId::PromoteDatabase,
    "write-serving-row" => StepId::WriteServingRow,
    "reconcile-venues" => StepId::ReconcileVenues,
    "open-intake" => StepId::OpenIntake,
    "open-processing" => StepId::OpenProcessing,
    "pin-record" => StepId::PinRecord,
    "announce" => StepId::Announce,
    "verify-write" => StepId::VerifyWrite,
    "verify-routing" => StepId::VerifyRouting,
    "approve-failback" => StepId::ApproveFailback,
    "close-order-path" => StepId::CloseOrderPath,
    "switch-over-database" => StepId::SwitchOverDatabase,
    "disengage-switch-a" => StepId::DisengageSwitchA,
    "disengage-switch-b" => StepId::DisengageSwitchB,
    "transfer-lease" => StepId::TransferLease,
    "confirm-home" => StepId::ConfirmHome,
    "record-completion" => StepId::RecordCompletion,
    "await-region" => StepId::AwaitRegion,
    "rejoin-database" => StepId::RejoinDatabase,
    "reconcile-database" => StepId::ReconcileDatabase,
    "mark-protected" => StepId::MarkProtected,
    "give-up-lease" => StepId::GiveUpLease,
    "record-failback" => StepId::RecordFailback,
    "look-at-writer" => StepId::LookAtWriter,
    "record-rollback" => StepId::RecordRollback,
    "unpin-record" => StepId::UnpinRecord,
}

/// The name of a step.
pub(crate) fn step_name(step: StepId) -> &'static str {
    understudy_policies::source::name_of(StepName(step))
}

/// The name of what an operator asks for.
pub(super) fn command_name(command: Command) -> &'static str {
    understudy_policies::source::name_of(CommandName(command))
}

impl StepName {
    /// The state in which a step waits that asks for nothing: nothing can be told to begin at such a step.
    pub(super) const fn only_waits_in(self) -> Option<State> {
        match self.0 {
            StepId::AwaitLease => Some(State::Acquiring),
            StepId::AwaitRegion => Some(State::Rejoining),
            StepId::ConfirmHome => Some(State::Confirming),
            _ => None,
        }
    }
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
            Self::Open | Self::LeftOpen { .. } => StateName::Open,
            Self::Damaged => StateName::Damaged,
            Self::Stepped { .. } => StateName::Stepped,
            Self::Drifting { .. } => StateName::Drifting,
            Self::Paused => StateName::Paused,
            Self::Lossy { .. } => StateName::Lossy,
            Self::Duplicated { .. } => StateName::Duplicated,
            Self::Reordered { .. } => StateName::Reordered,
            Self::Detached => StateName::Detached,
        })
    }
}

impl Fault {
    /// Whether its part can be broken in this way.
    #[must_use]
    pub(crate) fn is_possible(&self) -> bool {
        let part = match self.subject {
            Subject::Part { part, .. } => part,
            Subject::Sidecar { .. } => Part::Sidecars,
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
        use StateName::{
            Damaged, Delayed, Detached, Down, Drifting, Duplicated, Flapping, Hang, Lossy, Missing, Open, Paused,
            Reordered, Slow, Stepped,
        };
        match self {
            Self::Aurora => &[Down, Hang, Flapping, Slow, Damaged, Detached],
            Self::Replication => &[Down, Missing, Delayed],
            Self::Cloudwatch | Self::Eventbridge => &[Down, Missing, Delayed, Lossy, Duplicated, Reordered],
            Self::Heartbeat => &[Missing, Delayed, Lossy, Duplicated, Reordered],
            Self::HealthEvents | Self::OrderPath => &[Open],
            Self::Sidecars | Self::Region => &[Down, Hang],
            Self::Clock => &[Stepped, Drifting],
            Self::DatabaseClock => &[Stepped],
            Self::Transactions => &[Paused],
            Self::Resolvers => &[Delayed],
            Self::Link => &[Down, Hang, Flapping, Slow, Lossy, Reordered],
            _ => &[Down, Hang, Flapping, Slow],
        }
    }

    /// The places where it can be broken; for a link, the places that it can join.
    pub(super) const fn places(self) -> &'static [Place] {
        match self {
            Self::Route53Control => &[Place::Home],
            Self::Resolvers => &[Place::Internet],
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
    fn steps_and_states_have_the_names_of_the_journal() {
        assert_eq!(StepName::NAMES.len(), StepId::COUNT);
        for (name, step) in StepName::NAMES {
            assert_eq!(serde_json::to_value(step.0).ok(), Some((*name).into()));
        }
        assert_eq!(MachineState::NAMES.len(), State::ALL.len());
        for (name, state) in MachineState::NAMES {
            assert_eq!(state.0.name(), *name);
        }
    }

    #[test]
    fn steps_that_ask_for_nothing_are_told_apart() {
        let waits = StepName::NAMES
            .iter()
            .filter(|(_, step)| step.only_waits_in().is_some());
        let names: Vec<&str> = waits.map(|(name, _)| *name).collect();
        assert_eq!(names, ["await-lease", "confirm-home", "await-region"]);
    }

    #[test]
    fn every_invariant_can_be_expected_to_break() {
        let known: Vec<&str> = InvariantName::NAMES.iter().map(|(name, _)| *name).collect();
        let all: Vec<String> = crate::invariants::ALL
            .iter()
            .map(crate::invariants::Description::key)
            .collect();
        assert_eq!(known, all);
    }

    #[test]
    fn guards_are_expected_by_the_names_that_reports_use() {
        for (name, GuardName(guard)) in GuardName::NAMES {
            assert_eq!(crate::report::words::guard(*guard), *name);
        }
    }
}
