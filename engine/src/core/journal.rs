//! What the engine writes down as it happens: the shell keeps it, the simulator prints it, an operator reads it.

use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::effect::{Effect, Intent, Outcome};
use super::engine::Refusal;
use super::evidence::{Assessment, WitnessState};
use super::ids::{EffectId, Region, WitnessId};
use super::ledger::Ledger;
use super::machine::{Edge, Event, StateName};
use super::signal::Command;
use super::time::Now;

/// One thing that happened, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When.
    pub at: Now,
    /// What.
    pub what: Happening,
}

/// What happened. Routine renewals and reads are not written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// A witness changed its settled verdict.
    Witness {
        /// Which one.
        witness: WitnessId,
        /// About which region.
        target: Region,
        /// What it said before.
        from: WitnessState,
        /// What it says now.
        to: WitnessState,
    },
    /// The evidence about a region amounts to something else now.
    Assessed {
        /// The region.
        target: Region,
        /// Before.
        from: Assessment,
        /// Now.
        to: Assessment,
    },
    /// The state machine moved.
    Moved {
        /// From this state.
        from: StateName,
        /// To this one.
        to: StateName,
        /// Along this edge.
        edge: Edge,
    },
    /// A decision or a refusal.
    Decided(Decision),
    /// An operator asked for something.
    Commanded {
        /// What.
        command: Command,
        /// Why it was not done, if it was not.
        refused: Option<Refusal>,
    },
    /// Somebody asked for something, or gave the first of two consents to it. Written by the shell, right before the
    /// command reaches the core: the core does not know people.
    Signed {
        /// Who, as they call themselves, or as their token says.
        by: String,
        /// What.
        command: Command,
        /// Why, in their words.
        reason: Option<String>,
        /// A second person has to consent before it is carried out.
        consent: bool,
    },
    /// An effect was asked for.
    Asked(Effect),
    /// An effect's outcome arrived.
    Settled {
        /// The effect.
        id: EffectId,
        /// What it was to do.
        intent: Intent,
        /// How it turned out.
        outcome: Outcome,
    },
    /// A role change is complete.
    Completed(Ledger),
    /// No state handles this event here. Counted and written down, never dropped in silence.
    Unhandled {
        /// The state.
        state: StateName,
        /// The event.
        event: Event,
    },
}
