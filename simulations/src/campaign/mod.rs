//! Campaigns: many timelines, drawn and run, and what they add up to.
//!
//! ```text
//!   seed -> workload -> Timeline (a scenario) --run--> Digest --+
//!                                                               +--> Tally -> CampaignReport
//!   next seed, on any core ----------------------> Digest ------+
//! ```
//!
//! A [`Timeline`] follows from its seed, workload, policy and horizon alone. Sums do not care for their order, so the
//! result does not depend on threads and their timing.

mod draft;
mod faults;
mod flapping;
mod kinds;
mod outages;
mod quiet;
mod replay;
mod report;
mod run;
mod tally;
mod timeline;

use std::time::Duration;

pub use replay::{Focus, Replay, View};
pub use report::{CampaignReport, Figures, FoundViolation, Reached, SeedReport, WorkloadReport};
pub use run::{Campaign, Source, run};
pub use tally::Tally;
pub use timeline::{Timeline, Workload};

/// From the start to the first fault: by then every engine has settled.
pub const ONSET: Duration = Duration::from_secs(60);
/// From the onset to the end of a timeline, unless asked otherwise. After everything is healed there is as much time
/// again, in which the platform must come to rest.
pub const HORIZON: Duration = Duration::from_secs(30 * 60);
/// Faults begin this long after the onset at the latest.
pub const BEGUN_BY: Duration = Duration::from_secs(10 * 60);
/// Everything is healed this long after the onset at the latest.
pub const HEALED_BY: Duration = Duration::from_secs(15 * 60);
/// The shortest horizon of a drawn timeline: some time is left when everything is healed.
pub const HORIZON_MIN: Duration = Duration::from_secs(20 * 60);
