//! What happened in the world: the truth, not what an engine believes.

use understudy_engine::core::decision::Verdict;
use understudy_engine::core::effect::{Effect, Intent, Outcome};
use understudy_engine::core::evidence::Assessment;
use understudy_engine::core::ids::{EffectId, Epoch, Region, Switch};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::core::machine::{Edge, StateName};
use understudy_engine::core::signal::Command;
use understudy_engine::core::time::Timestamp;

use crate::world::clock::Moment;

/// One sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sidecar {
    /// Its number over both regions.
    pub slot: usize,
    /// Its region.
    pub region: Region,
}

/// Something that happened, at the place where it took effect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fact {
    // Routine: every second.
    /// The holder renewed the lease item.
    Renewed { by: Sidecar },
    /// A region's database took a serving row, which lets orders commit until then.
    ServingRow {
        region: Region,
        epoch: Epoch,
        until: Moment,
    },
    /// A sidecar's engine believes that its region may serve until then; a moment that is past: not any more.
    Tenure { sidecar: Sidecar, until: Moment },

    // The lease item, the databases, the switches, the public name.
    /// The lease item was written in any way but a renewal or a driver's beat.
    LeaseWritten {
        by: Sidecar,
        request: LeaseRequest,
        before: LeaseRecord,
        after: LeaseRecord,
    },
    /// A region's database began to be promoted. What the other region commits from here on is lost.
    PromotionBegan {
        region: Region,
        /// Up to where the other region's commits had arrived.
        replicated_until: Moment,
        /// What the other region had committed after that.
        at_stake: u64,
    },
    /// A promotion that had begun came to nothing.
    PromotionFailed,
    /// The planned move of the writer to a region began.
    SwitchoverBegan { by: Sidecar },
    /// A switch took a write.
    SwitchSet { switch: Switch, epoch: Epoch },
    /// Whether a sidecar runs that could let the public name answer with the holder has changed.
    SwitchesMendable { so: bool },
    /// The public name answers with another region.
    Answers { region: Region },

    // Orders.
    /// A region begins to commit orders, or stops.
    Commits { region: Region, so: bool },
    /// So many orders were committed in a region over a stretch of time. A stretch never reaches over the beginning of a
    /// promotion.
    Committed {
        region: Region,
        from: Moment,
        to: Moment,
        orders: u64,
    },
    /// Orders that had passed the commit fence before the other region's promotion began became durable after it.
    Residual {
        region: Region,
        /// How long after the fence the last of them became durable.
        after: std::time::Duration,
        orders: u64,
    },
    /// Acknowledged orders are not in the database that survives.
    Lost { orders: u64 },

    // Engines and their shells.
    /// A sidecar's process started.
    Started { sidecar: Sidecar },
    /// It ended.
    Stopped { sidecar: Sidecar },
    /// It stands still.
    Paused { sidecar: Sidecar },
    /// It goes on.
    Resumed { sidecar: Sidecar },
    /// The journal says that the machine moved.
    Moved { by: Sidecar, to: StateName, edge: Edge },
    /// The journal holds a decision.
    Decided {
        by: Sidecar,
        verdict: Verdict,
        /// The region that it is about.
        target: Region,
        assessment: Assessment,
        /// An operator asked for it.
        ordered: bool,
    },
    /// The journal holds an operator's command that was carried out.
    Commanded { by: Sidecar, command: Command },
    /// The journal holds an effect that is asked for. Routine ones are not written down.
    Asked {
        by: Sidecar,
        effect: Effect,
        /// The sidecar's boot-time clock.
        boot: Timestamp,
    },
    /// A shell begins an effect. Routine ones are told of only if their time has run out.
    Begun {
        by: Sidecar,
        effect: Effect,
        /// The sidecar's boot-time clock.
        boot: Timestamp,
    },
    /// An effect reached what it is to change. Routine ones are not told of.
    Arrived { by: Sidecar, effect: Effect },
    /// The journal holds an effect's outcome. Routine ones are not written down.
    Settled {
        by: Sidecar,
        id: EffectId,
        intent: Intent,
        outcome: Outcome,
    },
    /// An engine fed with the same inputs did something else.
    Diverged { sidecar: Sidecar },

    // What could be seen of the regions.
    /// Whether enough vantages outside a region could find it lost has changed.
    Findable { region: Region, lost: bool },
}

/// How things stand when the run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Since when every fault is over; none: one is in force, or was yet to come.
    pub healed: Option<Moment>,
    /// Which regions commit orders, home first.
    pub commits: [bool; 2],
    /// Whether 95 % of the clients can place orders.
    pub clients_can_place: bool,
    /// What the public name answers with.
    pub answer: Region,
    /// Whether a lost region's database is being rebuilt.
    pub rejoin_under_way: bool,
    /// Where each sidecar's engine stands; none: it does not run.
    pub states: Vec<(Sidecar, Option<StateName>)>,
}
