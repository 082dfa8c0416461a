//! What an event turned out to be.

use std::time::Duration;

use crate::core::signal::{Notice, Signal};
use crate::core::time::WallTime;

/// An event that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// Which kind of event it was.
    pub kind: Kind,
    /// What it says.
    pub content: Content,
    /// When it arrived, on this sidecar's wall clock.
    pub received: WallTime,
}

impl Decoded {
    /// How long the event was on its way, if it says when it was observed; zero if that is in the future. Two wall
    /// clocks are compared: good for a metric, and for nothing else.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match self.content {
            Content::Signal(Signal { observed, .. }) | Content::Notice { observed, .. } => {
                Some(self.received.since(observed))
            }
            Content::Ignored(_) => None,
        }
    }
}

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A witness's observation.
    Signal(Signal),
    /// Something the platform reported.
    Notice {
        /// What.
        notice: Notice,
        /// When, on the reporter's wall clock.
        observed: WallTime,
    },
    /// Nothing that concerns the engine.
    Ignored(Ignored),
}

/// The kinds of event that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A CloudWatch alarm (metric, metric math or composite) by way of EventBridge.
    Alarm,
    /// A CloudWatch alarm by way of SNS.
    AlarmMessage,
    /// An event of an RDS cluster, or of a global cluster, which AWS reports for its members.
    DatabaseCluster,
    /// An event of an RDS instance.
    DatabaseInstance,
    /// An AWS Health event.
    Health,
    /// The status of a Step Functions execution.
    Execution,
    /// A heartbeat of a sidecar.
    Heartbeat,
    /// A flipped switch.
    SwitchChanged,
    /// A changed parameter.
    Parameter,
    /// SNS asks to confirm a subscription, or says that it ended.
    Subscription,
}

impl Kind {
    /// All kinds, in the order of their declaration, with their names in metrics.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Alarm, "alarm"),
        (Self::AlarmMessage, "alarm-message"),
        (Self::DatabaseCluster, "database-cluster"),
        (Self::DatabaseInstance, "database-instance"),
        (Self::Health, "health"),
        (Self::Execution, "execution"),
        (Self::Heartbeat, "heartbeat"),
        (Self::SwitchChanged, "switch-changed"),
        (Self::Parameter, "parameter"),
        (Self::Subscription, "subscription"),
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Why an event that was understood does not concern the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// The policy has no witness that observes in this way.
    NoWitness,
    /// The resource belongs to something else in the same account.
    OtherResource,
    /// A database event that neither moves a writer nor stops one.
    RoutineDatabaseEvent,
    /// An AWS Health event for a region in which the platform does not serve.
    OtherRegion,
    /// An AWS Health event that is no fault: a planned change, an account notification, or one still to come.
    NotAFault,
    /// A parameter operation that failed, so that nothing changed.
    FailedOperation,
    /// SNS's own messages about a subscription. An operator confirms them, not the engine.
    SubscriptionMessage,
}

impl Ignored {
    /// All reasons, in the order of their declaration, with their names in metrics.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::NoWitness, "no-witness"),
        (Self::OtherResource, "other-resource"),
        (Self::RoutineDatabaseEvent, "routine-database-event"),
        (Self::OtherRegion, "other-region"),
        (Self::NotAFault, "not-a-fault"),
        (Self::FailedOperation, "failed-operation"),
        (Self::SubscriptionMessage, "subscription-message"),
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The sentence for the log.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::NoWitness => "the policy has no witness that observes in this way",
            Self::OtherResource => "the resource is not one of this platform's",
            Self::RoutineDatabaseEvent => "the database event neither moves a writer nor stops one",
            Self::OtherRegion => "the AWS Health event is for a region in which the platform does not serve",
            Self::NotAFault => "the AWS Health event is no fault that has begun",
            Self::FailedOperation => "the parameter operation failed, so nothing changed",
            Self::SubscriptionMessage => {
                "SNS speaks of the subscription itself; confirm it by hand or let the provisioner do it"
            }
        }
    }
}
