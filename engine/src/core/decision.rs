//! Decisions and refusals, each with the guards, the values they saw, and the smallest change that would have
//! turned it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::evidence::Assessment;
use super::ids::{Epoch, Region};
use super::time::Now;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Take over.
    FailOver,
    /// In shadow mode: an armed engine would take over now.
    WouldFailOver,
    /// A quorum calls the serving region lost, and a guard forbids the failover.
    Blocked,
    /// Something was breached, and it did not suffice.
    Hold,
    /// Bring the platform home.
    FailBack,
    /// In shadow mode: an armed engine would bring the platform home now.
    WouldFailBack,
    /// Stay: something forbids coming home yet.
    HoldFailback,
    /// Stop serving, because the lease has run out or another region has claimed.
    Fence,
}

/// A condition of a role change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Enough failure domains call the region breached.
    Quorum,
    /// They have agreed for long enough.
    Dwell,
    /// The policy fails over for this class of loss.
    LossAction,
    /// The wait for this class of loss is over.
    LossWait,
    /// The fault is not shared by both regions.
    NotShared,
    /// It is not this sidecar that is cut off.
    NotIsolated,
    /// This region itself is in a state to serve.
    OwnRegion,
    /// The other region could take over: its database is promotable.
    Protected,
    /// The engine is armed.
    Armed,
    /// Nobody paused role changes.
    NotPaused,
    /// This sidecar drives its region.
    Drives,
    /// No role change too recently.
    CoolDown,
    /// Not too many role changes.
    RoleChanges,
    /// The loss is within its bound, and known.
    DataLoss,
    /// No Step Functions execution is doing the same.
    NoExecution,
    /// The lease is held by the other region and not claimed by anyone else.
    Lease,
    /// The home region has been healthy for long enough.
    Soak,
    /// The market does not trade.
    OutsideTrading,
    /// The provider reports no open event for the home region.
    NoHealthEvent,
    /// Failback is automatic, or an operator asked for it.
    FailbackMode,
}

impl Guard {
    /// Whether it binds an operator who asks for a failover. Evidence, cool-down and counts do not.
    #[must_use]
    pub const fn binds_asked_failover(self) -> bool {
        matches!(
            self,
            Self::OwnRegion
                | Self::Protected
                | Self::Armed
                | Self::NotPaused
                | Self::Drives
                | Self::Lease
                | Self::DataLoss
        )
    }

    /// Whether it binds an operator who asks for a failback. Calendar and mode do not; nor does the length of the soak,
    /// but the home region must be healthy.
    #[must_use]
    pub const fn binds_asked_failback(self) -> bool {
        matches!(self, Self::Protected | Self::Armed | Self::NotPaused | Self::Drives)
    }
}

/// A value that a guard saw or needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Not known.
    Unknown,
    /// Yes or no.
    Flag(bool),
    /// A count.
    Count(u32),
    /// A time span.
    Span(Duration),
    /// What the evidence amounts to.
    Assessment(Assessment),
    /// An epoch.
    Epoch(Epoch),
    /// A region.
    Region(Region),
}

/// How a value must relate to what a guard needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// At least.
    AtLeast,
    /// At most.
    AtMost,
    /// Exactly.
    Is,
}

/// One guard, as it was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which guard.
    pub guard: Guard,
    /// Whether it agreed.
    pub passed: bool,
    /// What it saw.
    pub saw: Value,
    /// How that must relate to what it needs.
    pub relation: Relation,
    /// What it needs.
    pub needs: Value,
}

/// The smallest change that would have turned a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// The guard that would have said otherwise.
    pub guard: Guard,
    /// What it saw.
    pub saw: Value,
    /// What it would have had to see.
    pub instead: Value,
    /// How many other guards also stood in the way.
    pub others: u32,
}

/// A decision or a refusal, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Now,
    /// What.
    pub verdict: Verdict,
    /// The region it is about.
    pub target: Region,
    /// What the evidence about that region amounted to.
    pub assessment: Assessment,
    /// The guards, in the order in which they are read.
    pub findings: Vec<Finding>,
    /// The smallest change that would have turned it.
    pub flip: Option<Flip>,
}
