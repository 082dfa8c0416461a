//! The typed scenario: what breaks, when, and what the right decision is.
//!
//! Every time in [`Expect`] counts from the onset, and so do those of a [`Fault`] and an [`Operation`] unless their
//! [`Origin`] says otherwise; `onset` and `horizon` count from the start.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use understudy_engine::core::decision::Guard;
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_engine::core::time::WallTime;
use understudy_engine::workflow::StepId;
use understudy_policies::Policy;
use understudy_policies::model::Mode;

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
    /// The policy's mode, if it is not the policy's own.
    pub mode: Option<Mode>,
    /// How long after a request for approval the humans agree; none: never.
    pub approval_after: Option<Duration>,
    /// Sidecars in each region, whatever the conditions say.
    pub sidecars: Option<u16>,
    /// The share of clients behind resolvers that stretch TTLs, whatever the conditions say.
    pub stretching_resolvers: Option<Share>,
    /// The seed that it is run with unless another one is asked for.
    pub seed: Option<u64>,
    /// Where an incident is described. Empty for what is made up.
    pub sources: Vec<String>,
    /// The right decision.
    pub expect: Expect,
    /// What breaks. Some fault begins, or some operator acts, at the onset.
    pub faults: Vec<Fault>,
    /// What operators ask the engines for.
    pub operations: Vec<Operation>,
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
    /// The invariants that ought to break, by the sentences that are their names, and no other: what breaks when the
    /// assumptions of the policy do not hold.
    pub breaks: Vec<&'static str>,
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
    /// What `at` and `until` count from.
    pub origin: Origin,
    /// From when.
    pub at: Duration,
    /// Until when; none: to the end of the run. Always later than `at`.
    pub until: Option<Duration>,
    /// Whether somebody published it.
    pub evidence: Evidence,
    /// What happened, in words.
    pub note: String,
}

/// What the times of a fault or of an operation count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// The onset of the incident.
    #[default]
    Onset,
    /// A moment this long before the onset, and not before the start.
    BeforeOnset(Duration),
    /// The moment, at the onset or later, at which any engine first asks for an effect of this step. What begins right
    /// then begins between the intent and its effect.
    Step(StepId),
    /// The moment, at the onset or later, at which any engine first enters this state. What it asks for on entering is
    /// under way already.
    State(StateName),
}

/// What an operator asks of the engines of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What `at` counts from.
    pub origin: Origin,
    /// When.
    pub at: Duration,
    /// Whose sidecars are asked.
    pub region: Region,
    /// Which of them, from 1; none: all of them.
    pub sidecar: Option<u16>,
    /// What for. A sidecar that was shut down starts again after the usual time.
    pub command: Command,
    /// Why, in words.
    pub note: String,
}

/// A share of a whole, exact to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Share(u32);

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A part in one region.
    Part {
        /// Which part: never [`Part::Link`].
        part: Part,
        /// Where: [`Place::Internet`] only for [`Part::Resolvers`].
        place: Place,
    },
    /// One of a region's sidecars.
    Sidecar {
        /// Where.
        place: Place,
        /// Which one, from 1.
        number: u16,
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
    /// The wall clock, or the database's clock, was set wrong. Boot-time clocks never step. The end sets it right.
    Stepped {
        /// By how much.
        by: Duration,
        /// Back, as opposed to ahead.
        backward: bool,
    },
    /// The boot-time clocks run at another rate, from here on and without a jump. The end gives them their own rate
    /// back, and leaves them where they are by then.
    Drifting {
        /// How much faster than true time, in parts per million; negative: slower.
        ppm: i32,
    },
    /// Orders whose transactions are open now have passed the application's check and stand still. At the end of the
    /// fault they try to commit, in the epoch in which they began.
    Paused,
    /// Some messages and probes are lost, each by itself.
    Lossy {
        /// The share that is lost.
        share: Share,
    },
    /// Every message comes twice.
    Duplicated {
        /// The second one comes up to this much later, at random.
        by: Duration,
    },
    /// Every message is late by a random time of its own, so that they overtake each other.
    Reordered {
        /// At most this late.
        by: Duration,
    },
    /// The database was taken out of the pair by hand and takes writes, whoever holds the lease. Nothing is replicated
    /// into it any more. The end makes it a standby again, unless a failover has relied on it meanwhile.
    Detached,
    /// An order path that takes and processes orders although its region does not serve. An engine may close it again;
    /// the end closes it if the region does not serve by then.
    LeftOpen {
        /// The share of the clients who are sent to this region, whatever the public name answers.
        clients: Share,
    },
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
    /// The clocks of the region's sidecars.
    Clock,
    /// The clock of the region's database, which is a wall clock.
    DatabaseClock,
    /// The order transactions that are open in the region.
    Transactions,
    /// Every resolver between the clients and the public name.
    Resolvers,
    /// What the region's order path was told: whether it takes and processes orders.
    OrderPath,
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
            breaks: Vec::new(),
            because: because.to_owned(),
        }
    }
}

impl Scenario {
    /// A policy as this scenario has it run: in the scenario's mode, if it names one.
    #[must_use]
    pub fn under<'a>(&self, policy: &'a Policy) -> Cow<'a, Policy> {
        match self.mode {
            Some(mode) if mode != policy.mode => Cow::Owned(Policy { mode, ..policy.clone() }),
            _ => Cow::Borrowed(policy),
        }
    }

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

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(0);

    /// So many millionths, at most all of them.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(if millionths > 1_000_000 { 1_000_000 } else { millionths })
    }

    /// Millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// From a number between 0 and 1; what lies outside is cut off.
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        let millionths = (fraction.clamp(0.0, 1.0) * 1e6).round() as u32;
        Self::from_millionths(millionths)
    }

    /// This share of a number, rounded.
    #[must_use]
    pub fn of(self, whole: u16) -> u16 {
        let rounded = (u64::from(whole) * u64::from(self.0) + 500_000) / 1_000_000;
        u16::try_from(rounded).unwrap_or(whole)
    }

    /// As a number between 0 and 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
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
