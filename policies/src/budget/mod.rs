//! Where the 60 seconds go: per phase at best, in the middle, at the 99th percentile, and at worst inside the bounds.
//!
//! Two figures, both from the onset of the fault: orders *accepted* again, and orders *processed* again. Each for two
//! ways in which a region can be lost: its engine falls silent with it, or a *gray* engine goes on renewing the lease
//! until it is claimed.

mod bound;
mod modelled;
mod report;

pub use bound::{Part, PhaseBound, WorstCase, detection};
pub use modelled::{Modelled, Quantiles};
pub use report::{Promotion, Report, Row, Scenario, Timing, report};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Component, Phases};

/// A phase of a failover, as the ledger names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// From onset until enough failure domains call the region breached.
    Detect,
    /// Until the quorum has held for its dwell.
    Corroborate,
    /// Evaluating the guards and recording the decision.
    Decide,
    /// Writing the claim, waiting for the lease to run out, raising the epoch.
    Claim,
    /// Until the promoted database takes writes.
    Promote,
    /// From the accepted claim until 95 % of clients reach the standby.
    Redirect,
    /// Checking the result.
    Verify,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 7] = [
        Self::Detect,
        Self::Corroborate,
        Self::Decide,
        Self::Claim,
        Self::Promote,
        Self::Redirect,
        Self::Verify,
    ];

    /// Its name in the file and in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Corroborate => "corroborate",
            Self::Decide => "decide",
            Self::Claim => "claim",
            Self::Promote => "promote",
            Self::Redirect => "redirect",
            Self::Verify => "verify",
        }
    }

    /// What the policy allots to it.
    #[must_use]
    pub const fn allotment(self, phases: &Phases) -> Duration {
        match self {
            Self::Detect => phases.detect,
            Self::Corroborate => phases.corroborate,
            Self::Decide => phases.decide,
            Self::Claim => phases.claim,
            Self::Promote => phases.promote,
            Self::Redirect => phases.redirect,
            Self::Verify => phases.verify,
        }
    }
}

/// What became of the holder's engine when its region was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// It fell silent with the region, so its lease runs out while detection is under way.
    Silent,
    /// It renews until the claim stops it: a whole lease must be waited for.
    Gray,
}

impl Holder {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Silent, Self::Gray];

    /// In words.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Silent => "the region is lost, its engine with it",
            Self::Gray => "gray: the lost region's engine renews until it is claimed",
        }
    }
}

/// Why there is no budget to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the quorum asks for {needed} failure domains that observe the {}, and the policy has {found}; see UP201",
    component_name(*component)
)]
pub struct QuorumUnreachable {
    /// What is observed.
    pub component: Component,
    /// How many failure domains the quorum asks for.
    pub needed: usize,
    /// How many there are.
    pub found: usize,
}

fn component_name(component: Component) -> &'static str {
    crate::source::name_of(component)
}
