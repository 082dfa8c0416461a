//! The budget, its phases, what is assumed of the world, and the deadlines of transitional states.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::duration::DurationText;

/// The promise, counted from the onset of the fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Budget {
    /// From onset until 95 % of clients can place orders again, and until orders are processed again. 10s to 10m.
    #[schemars(with = "DurationText")]
    pub total: Duration,
    /// What each phase may use.
    pub phases: Phases,
}

/// What each phase may use of the budget. Promotion and redirection run at the same time, and redirection starts
/// as soon as the claim is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Phases {
    /// From onset until enough failure domains call the region breached.
    #[schemars(with = "DurationText")]
    pub detect: Duration,
    /// From then until the quorum has held for its dwell.
    #[schemars(with = "DurationText")]
    pub corroborate: Duration,
    /// Evaluating the guards and recording the decision.
    #[schemars(with = "DurationText")]
    pub decide: Duration,
    /// Writing the claim, waiting until the lease has run out, raising the epoch.
    #[schemars(with = "DurationText")]
    pub claim: Duration,
    /// From the raised epoch until the promoted database takes writes.
    #[schemars(with = "DurationText")]
    pub promote: Duration,
    /// From the accepted claim until 95 % of clients reach the standby.
    #[schemars(with = "DurationText")]
    pub redirect: Duration,
    /// Checking that a write commits and that the public name answers with the standby.
    #[schemars(with = "DurationText")]
    pub verify: Duration,
}

/// What is assumed of the world, at most. Inside these bounds the promise is proved; outside them the ledger names
/// the phase that overran. The sources of the figures are in `docs/figures.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bounds {
    /// From an observation in another region until the engine has it (observer to sidecar).
    #[schemars(with = "DurationText")]
    pub signal_delivery: Duration,
    /// One conditional read or write of the lease store, read-back included.
    #[schemars(with = "DurationText")]
    pub lease_operation: Duration,
    /// How long the lease store may stall after the loss of one of its regions.
    #[schemars(with = "DurationText")]
    pub lease_stall: Duration,
    /// Flipping one switch.
    #[schemars(with = "DurationText")]
    pub switch_write: Duration,
    /// Until enough Route 53 checkers have seen a flipped switch.
    #[schemars(with = "DurationText")]
    pub checker_reach: Duration,
    /// From there until Route 53 answers with the other record everywhere.
    #[schemars(with = "DurationText")]
    pub dns_propagation: Duration,
    /// Promotion of the standby's database, from the call until it takes writes.
    #[schemars(with = "DurationText")]
    pub promotion: Duration,
    /// One read or write of the region's own database.
    #[schemars(with = "DurationText")]
    pub database_write: Duration,
    /// The engine's own evaluation, journal write included.
    #[schemars(with = "DurationText")]
    pub engine_turn: Duration,
}

/// How long each transitional state may last. At its deadline it takes its deadline edge, so nothing gets stuck.
/// These are limits against getting stuck, not promises: the promise is the budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Deadlines {
    /// `recovering`: reading lease, writer, switches and DNS after a start.
    #[schemars(with = "DurationText")]
    pub recovering: Duration,
    /// `suspicious`: corroborating. Afterwards the engine records why it held, and watches on.
    #[schemars(with = "DurationText")]
    pub suspicious: Duration,
    /// `draining`: finishing the orders in hand before fencing.
    #[schemars(with = "DurationText")]
    pub draining: Duration,
    /// `claiming`: getting the claim into the lease store.
    #[schemars(with = "DurationText")]
    pub claiming: Duration,
    /// `acquiring`: waiting for the lease to run out and raising the epoch.
    #[schemars(with = "DurationText")]
    pub acquiring: Duration,
    /// `moving`: promotion and redirection.
    #[schemars(with = "DurationText")]
    pub moving: Duration,
    /// `verifying`: checking the result.
    #[schemars(with = "DurationText")]
    pub verifying: Duration,
    /// `reverting`: undoing what a failover that could not go on had begun.
    #[schemars(with = "DurationText")]
    pub reverting: Duration,
    /// `rejoining`: waiting for the lost region and rebuilding its database as a standby.
    #[schemars(with = "DurationText")]
    pub rejoining: Duration,
    /// `reconciling`: finding commits that did not survive.
    #[schemars(with = "DurationText")]
    pub reconciling: Duration,
    /// Each state of the way home: `quiescing`, `switching_over`, `redirecting`, `confirming`, `rolling_back`.
    #[schemars(with = "DurationText")]
    pub handing_back: Duration,
}
