//! The summaries that outlive the entries: weeks of shadow mode, and every role change for months.

use serde::{Deserialize, Serialize};
use understudy_policies::model::Mode;

use crate::core::decision::Decision;
use crate::core::ids::{Epoch, Region};
use crate::core::ledger::Ledger;
use crate::core::machine::StateName;
use crate::core::time::WallTime;

/// From the first breach, or an operator's word, until the engine rests again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// In the order in which they began.
    pub number: u64,
    /// What it came to, so far.
    pub kind: EpisodeKind,
    /// When it began.
    pub began: WallTime,
    /// When the engine rested again; none: it does not yet.
    pub ended: Option<WallTime>,
    /// The state in which it ended.
    pub ended_in: Option<StateName>,
    /// The region that it is about.
    pub target: Option<Region>,
    /// Whether the engine would have acted; none: no decision says.
    pub mode: Option<Mode>,
    /// The epoch in whose name something was done.
    pub epoch: Option<Epoch>,
    /// The decision that counted, with its guards: those that objected, or all if it was to act.
    pub decision: Option<Decision>,
    /// Where the budget went, once a failover is complete.
    pub ledger: Option<Ledger>,
}

/// What an episode came to. A later one of this list outweighs an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpisodeKind {
    /// Something was breached, and it did not suffice.
    NearMiss,
    /// A quorum called the region lost, and a guard forbade the failover.
    Blocked,
    /// This region stopped serving by itself.
    Fenced,
    /// In shadow mode: it would have failed over.
    WouldFailOver,
    /// In shadow mode: it would have gone home.
    WouldFailBack,
    /// A failback, however it ended.
    Failback,
    /// A failover, however it ended.
    Failover,
}

/// How often a witness changed its mind on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WitnessDay {
    /// All changes.
    pub changes: u32,
    /// Those to breached.
    pub breached: u32,
    /// Those to missing.
    pub missing: u32,
}
