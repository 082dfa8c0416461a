//! The typed policy: what an operator may tune, each value with its unit.
//!
//! A [`Policy`] is only ever made by the parser, which has checked every bound, so the code that reads one need
//! not check again. Every key of the file is required: what the file says is what runs, and no default hides
//! behind a missing line. Durations are [`std::time::Duration`]; in the file they are strings such as `"1s500ms"`.

mod action;
mod guard;
mod infrastructure;
mod lease;
mod region;
mod timing;
mod witness;

pub use action::{
    ArcRoutingControl, Database, DatabaseMethod, Failback, FailbackMode, Gates, RecordType, RedirectTrigger, Traffic,
    TrafficMethod,
};
pub use guard::{DataLoss, Guards, LossAction, LossRule, Losses, TradingCalendar, Weekday, WhenUnknown};
pub use infrastructure::{
    AlarmStatistic, AlarmThreshold, HealthCheckBacking, Infrastructure, RouteCheck, SecondaryCheck,
};
pub use lease::{Lease, LeaseStore, StoreLost};
pub use region::{RegionName, Regions};
pub use timing::{Bounds, Budget, Deadlines, Phases};
pub use witness::{Component, FailureDomain, MissingData, Quorum, Witness, WitnessKind};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the engine carries its decisions out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Decides, records and explains, and changes nothing: no lease is renewed, no role moves.
    Shadow,
    /// Decides and acts.
    Armed,
}

/// One policy file: what may happen to the platform, and how fast.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Policy {
    /// The version of this file format. This release reads version 1.
    pub version: u32,
    /// A short name that appears in journals and reports, such as `trading`.
    pub name: String,
    /// Whether the engine acts (`armed`) or only records what it would have done (`shadow`).
    pub mode: Mode,
    /// The three regions.
    pub regions: Regions,
    /// The promise: the budget from onset, and what each phase may use of it.
    pub budget: Budget,
    /// What is assumed of the world. The promise holds for every timeline that stays inside these bounds.
    pub bounds: Bounds,
    /// Who observes what, from where.
    #[serde(rename = "witness")]
    pub witnesses: Vec<Witness>,
    /// How many independent failure domains must agree, and for how long.
    pub quorum: Quorum,
    /// What to do for each class of loss.
    pub losses: Losses,
    /// What can forbid a failover that the quorum calls for.
    pub guards: Guards,
    /// Who may serve, and for how long without renewing.
    pub lease: Lease,
    /// How clients are moved.
    pub traffic: Traffic,
    /// How the database moves.
    pub database: Database,
    /// How the platform comes home.
    pub failback: Failback,
    /// Where a human must agree before the engine goes on.
    pub gates: Gates,
    /// How long each transitional state may last before it takes its deadline edge.
    pub deadlines: Deadlines,
    /// Thresholds for the alarms and health checks that the provisioner creates.
    pub infrastructure: Infrastructure,
}
