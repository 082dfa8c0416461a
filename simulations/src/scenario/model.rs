//! The typed scenario: what breaks, when, and what the right decision is.
//!
//! Every time in a [`Fault`] and in [`Expect`] counts from the onset; `onset` and `horizon` count from the start.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use understudy_engine::core::decision::Guard;
use understudy_engine::core::ids::Region;
use understudy_engine::core::time::WallTime;

/// One outage, what an order needs, and what the engine ought to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Its name, which is the file's name without `.toml`.
    pub name: String,
    /// What it is about, in a line.
    pub title: String,
    /// What kind of trouble it is about; none: it stands for itself.
    pub theme: Option<Theme>,
    /// The scenario of which this is the same incident with another order path.
    pub variant_of: Option<String>,
    /// The region that serves at the beginning. Away from home it failed over long ago, and home is the standby.
    pub begins_in: Region,
    /// The wall clock at simulated zero.
    pub start: WallTime,
    /// The first fault, after the start: until then everything settles.
    pub onset: Duration,
    /// The end of the run, after the start. Always after the onset.
    pub horizon: Duration,
    /// The parts that an order needs, in each region, in the order in which it meets them. The last one is always
    /// [`Part::Aurora`], where it is committed.
    pub order_path: Vec<Part>,
    /// The shipped policy that it is judged under, unless another one is asked for.
    pub policy: String,
    /// How long after a request for approval the humans agree; none: never.
    pub approval_after: Option<Duration>,
    /// Where an incident is described. Empty for what is made up.
    pub sources: Vec<String>,
    /// The right decision.
    pub expect: Expect,
    /// What breaks. At least one fault begins at the onset.
    pub faults: Vec<Fault>,
}

/// What the run is judged against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// Whether the platform ought to move.
    pub decision: ExpectedDecision,
    /// The region that ought to serve at the end.
    pub ends_in: Option<Region>,
    /// The earliest moment, after the onset, at which coming home may begin.
    pub no_failback_before: Option<Duration>,
    /// The latest moment, after the onset, at which coming home must have begun.
    pub failback_by: Option<Duration>,
    /// Whether both figures must be inside the policy's budget.
    pub within_budget: bool,
    /// Whether clients must be able to place orders throughout.
    pub uninterrupted: bool,
    /// The longest for which fewer than 95 % of clients may be unable to place orders, all interruptions together.
    pub interrupted_max: Option<Duration>,
    /// How many failovers ought to be decided; none: any number that goes with the decision.
    pub failovers: Option<u32>,
    /// The guard that some refusal ought to name.
    pub blocked_by: Option<Guard>,
    /// Whether an engine ought to end up asking an operator to take over.
    pub needs_operator: Option<bool>,
    /// How many acknowledged orders may be lost.
    pub orders_lost_max: Option<u32>,
    /// Why that is the right decision.
    pub because: String,
}

/// Whether the platform ought to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpectedDecision {
    /// Stay.
    Hold,
    /// Move to the standby.
    FailOver,
}

/// What kind of trouble a scenario is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// A region, or all of a kind in it, is gone.
    Losses,
    /// Something answers, badly or now and then.
    Gray,
    /// The regions are well and cannot reach each other.
    Partitions,
    /// The lease store is slow or out of reach.
    LeaseStore,
    /// What the engine knows is missing, late or doubled.
    Monitoring,
    /// Replication is behind, broken, or brings damage.
    Data,
    /// The engine's own sidecars and clocks fail.
    Engine,
    /// A sidecar crashes in the middle of a role change.
    Crashes,
    /// People: settings, commands, systems left on.
    Operations,
    /// Clients reach the standby late.
    Redirection,
    /// Coming home, and what the trading calendar says.
    Failback,
    /// What really happened somewhere.
    Incidents,
}

/// One thing that breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub subject: Subject,
    /// How.
    pub state: FaultState,
    /// From when, after the onset.
    pub at: Duration,
    /// Until when, after the onset; none: to the end of the run. Always later than `at`.
    pub until: Option<Duration>,
    /// Whether somebody published it.
    pub evidence: Evidence,
    /// What happened, in words.
    pub note: String,
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A part in one region.
    Part {
        /// Which part: never [`Part::Link`].
        part: Part,
        /// Where: never [`Place::Internet`].
        place: Place,
    },
    /// The network from one place to another. What is asked over a link needs the way there **and** back, so cutting
    /// one direction fails requests of both; messages (heartbeats, what is told the peer, replication) need their own
    /// direction only.
    Link {
        /// The sending side.
        from: Place,
        /// The receiving side. Always another place.
        to: Place,
        /// Whether the other direction is affected as well.
        both_ways: bool,
    },
}

/// How something is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultState {
    /// Refuses at once.
    Down,
    /// Never answers: whoever asks runs into a time-out. What is sent over a link is lost.
    Hang,
    /// Alternates: from `at` on, each `period` begins with `down_for` of refusing.
    Flapping {
        /// One full cycle.
        period: Duration,
        /// Shorter than the period.
        down_for: Duration,
    },
    /// Answers, this much later than usual.
    Slow {
        /// The extra time.
        by: Duration,
    },
    /// Says nothing at all: metrics without data, heartbeats that stay away, events that are not posted.
    Missing,
    /// Says the right thing, this much too late.
    Delayed {
        /// The extra time.
        by: Duration,
    },
    /// An event is open: AWS reports trouble in the region.
    Open,
    /// Answers, with data that is wrong.
    Damaged,
}

/// Something that can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The REST API that takes orders.
    ApiGateway,
    /// The functions that process them.
    Lambda,
    /// The queues between the two.
    Sqs,
    /// Virtual machines, in an order path that runs on them.
    Ec2,
    /// The load balancer in front of them.
    LoadBalancer,
    /// DynamoDB's endpoint of the region. The lease store is reached through it, too.
    Dynamodb,
    /// Object storage.
    S3,
    /// Streams.
    Kinesis,
    /// The region's database cluster.
    Aurora,
    /// Replication **into** the region.
    Replication,
    /// Metrics and alarms of the region.
    Cloudwatch,
    /// Event delivery out of the region.
    Eventbridge,
    /// The heartbeats that the region's sidecars send.
    Heartbeat,
    /// The engine's sidecars of the region.
    Sidecars,
    /// AWS Health, as far as it is about the region.
    HealthEvents,
    /// The control plane of RDS in the region.
    RdsControl,
    /// The control plane of Route 53: it runs in us-east-1 only.
    Route53Control,
    /// The security token service of the region.
    Sts,
    /// The region's endpoint of the lease store.
    LeaseEndpoint,
    /// Everything in the region at once.
    Region,
    /// The network between two places.
    Link,
}

/// Where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Place {
    /// us-east-1, where the platform serves in normal times.
    #[serde(rename = "us-east-1")]
    Home,
    /// us-east-2, the standby.
    #[serde(rename = "us-east-2")]
    Away,
    /// us-west-2: the observer, a member of the lease store, a switch.
    #[serde(rename = "us-west-2")]
    Witness,
    /// Where clients and Route 53's checkers are.
    #[serde(rename = "internet")]
    Internet,
}

/// Where the knowledge of a fault comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Published by whoever had the outage, or measured from outside.
    Published,
    /// Inferred from what was published, or made up.
    Inferred,
}

impl Expect {
    /// Expects a decision, and nothing else.
    #[must_use]
    pub fn only(decision: ExpectedDecision, because: &str) -> Self {
        Self {
            decision,
            ends_in: None,
            no_failback_before: None,
            failback_by: None,
            within_budget: false,
            uninterrupted: false,
            interrupted_max: None,
            failovers: None,
            blocked_by: None,
            needs_operator: None,
            orders_lost_max: None,
            because: because.to_owned(),
        }
    }
}

impl Scenario {
    /// From the onset to the end of the run.
    #[must_use]
    pub fn length_from_onset(&self) -> Duration {
        self.horizon.saturating_sub(self.onset)
    }

    /// The scenarios that replay the same incident with another order path.
    pub fn siblings<'a>(&'a self, among: &'a [Self]) -> impl Iterator<Item = &'a Self> + 'a {
        let incident = |scenario: &'a Self| scenario.variant_of.as_ref().unwrap_or(&scenario.name);
        let own = incident(self);
        among
            .iter()
            .filter(move |other| other.name != self.name && incident(other) == own)
    }
}

impl Place {
    /// The region's name, or `internet`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Home => "us-east-1",
            Self::Away => "us-east-2",
            Self::Witness => "us-west-2",
            Self::Internet => "internet",
        }
    }

    /// The region that can serve, if it is one.
    #[must_use]
    pub const fn region(self) -> Option<Region> {
        match self {
            Self::Home => Some(Region::Home),
            Self::Away => Some(Region::Away),
            Self::Witness | Self::Internet => None,
        }
    }
}

impl From<Region> for Place {
    fn from(region: Region) -> Self {
        match region {
            Region::Home => Self::Home,
            Region::Away => Self::Away,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
