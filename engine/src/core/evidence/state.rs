//! What a witness is known to say, and what the witnesses together amount to.

use serde::{Deserialize, Serialize};

use crate::core::time::Timestamp;

/// A witness's settled verdict on one region, after thresholds and dead-man timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WitnessState {
    /// Silent for longer than the policy allows, or never heard of. Neither healthy nor breached.
    Missing,
    /// Healthy often enough in a row.
    Healthy,
    /// Breached often enough in a row.
    Breached,
}

/// What the evidence about one region amounts to, seen from this sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assessment {
    /// No witness of the quorum can say anything. Never a reason to fail over.
    Unknown,
    /// Nothing is breached.
    Steady,
    /// Something is breached, and too few failure domains say so.
    Degraded,
    /// The database is lost while the application answers.
    DatabaseLost,
    /// The application is lost while the database takes writes.
    ApplicationLost,
    /// Application and database are lost, or the application is and nothing is known of the database.
    RegionLost,
    /// It is this sidecar that is cut off.
    Isolated,
    /// Both regions are breached alike: the fault is shared, and moving would not help.
    SharedFault,
}

/// Since when the quorum has called each component of a region lost, without a break. What is known of one says nothing
/// about the other, so each has a dwell and a wait of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LostSince {
    pub(crate) application: Option<Timestamp>,
    pub(crate) database: Option<Timestamp>,
}

impl LostSince {
    /// Since when there has been reason to call the region what it is called.
    pub(crate) const fn reason_for(self, assessment: Assessment) -> Option<Timestamp> {
        match assessment {
            Assessment::DatabaseLost => self.database,
            Assessment::ApplicationLost | Assessment::RegionLost => self.application,
            _ => None,
        }
    }
}

impl Assessment {
    /// Whether a quorum calls something lost.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::DatabaseLost | Self::ApplicationLost | Self::RegionLost)
    }
}
