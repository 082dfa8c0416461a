//! What the engine shows of itself at any moment.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use understudy_policies::model::Mode;

use super::decision::{Decision, Finding};
use super::effect::{DatabaseView, Gate, Intent};
use super::engine::Refusal;
use super::evidence::{Assessment, WitnessState};
use super::ids::{Epoch, Region, SidecarId, WitnessId};
use super::lease::LeaseRecord;
use super::ledger::{Ledger, Phase};
use super::machine::{Edge, StateName};
use super::time::Timestamp;

/// A snapshot of one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its region.
    pub region: Region,
    /// Its sidecar.
    pub sidecar: SidecarId,
    /// The state of its machine.
    pub state: StateName,
    /// Since when.
    pub since: Timestamp,
    /// Along which edge it came there; none: it started there.
    pub edge: Option<Edge>,
    /// Until when that state may last, if it is transitional.
    pub deadline: Option<Timestamp>,
    /// Whether it acts or only records.
    pub mode: Mode,
    /// Whether role changes are paused.
    pub paused: bool,
    /// Whether this sidecar drives its region.
    pub drives: bool,
    /// The last epoch that it saw.
    pub epoch: Epoch,
    /// Who holds the lease, as last read.
    pub holder: Option<Region>,
    /// Whether the region without the lease could take over, as last read.
    pub protected: bool,
    /// Until when this region may let orders commit; the origin of the clock if it may not.
    pub serve_until: Timestamp,
    /// The lease item as last read.
    pub lease: Option<LeaseRecord>,
    /// When it was last read.
    pub lease_read: Option<Timestamp>,
    /// When the other region's lease has run out for certain, if its renewal counter does not move again.
    pub lease_expires: Timestamp,
    /// Who the database's writer is, as far as the last describe could tell.
    pub database: Option<DatabaseView>,
    /// The last measured replication lag, and when it was heard.
    pub lag: Option<(Duration, Timestamp)>,
    /// Where the workflow waits for a human.
    pub waits_for: Option<Gate>,
    /// What the evidence about each region amounts to, home first.
    pub assessments: [Assessment; 2],
    /// The ledger of the failover under way, or of the last one.
    pub ledger: Ledger,
    /// The phase that overran its allotment by most so far, and by how much.
    pub overrun: Option<(Phase, Duration)>,
    /// Inputs that were disregarded, and why.
    pub disregarded: Disregarded,
}

/// Inputs that led to nothing, counted by reason. None of them is ever a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Disregarded {
    /// Older than the witness's own dead-man timer.
    pub stale: u64,
    /// The same observation again.
    pub duplicate: u64,
    /// Older than one that was already seen from the same witness.
    pub out_of_order: u64,
    /// From the future, beyond what clocks may differ.
    pub future_dated: u64,
    /// Of a witness that the policy does not know.
    pub unknown_witness: u64,
    /// An outcome of an effect that nobody waits for any more.
    pub late_outcome: u64,
    /// An event that no state handles.
    pub unhandled: u64,
}

/// One witness as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessView {
    /// Which one.
    pub witness: WitnessId,
    /// About which region.
    pub target: Region,
    /// Its settled verdict.
    pub state: WitnessState,
    /// Whether it keeps changing its mind.
    pub flapping: bool,
    /// Whether its last observation took longer than its interval to arrive.
    pub delayed: bool,
    /// When its last observation arrived.
    pub heard: Option<Timestamp>,
}

/// What would come of a command if it were given now. Nothing has been done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Why it would not be carried out, if so.
    pub refused: Option<Refusal>,
    /// The guards that bind an operator who asks for this role change, as they stand; none for other commands.
    pub findings: Vec<Finding>,
    /// The edges that the machine would take at once.
    pub edges: Vec<Edge>,
    /// The state in which it would be then.
    pub state: StateName,
    /// What it would ask its shell for at once.
    pub intents: Vec<Intent>,
}

/// Why the engine did what it did, and why it does not do otherwise now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The decision that would be taken now, with its reasons.
    pub now: Decision,
    /// The last decisions, oldest first.
    pub past: Vec<Decision>,
    /// Every witness as it stands.
    pub witnesses: Vec<WitnessView>,
}
