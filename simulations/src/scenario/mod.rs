//! Scenarios: what breaks, when, and what the right decision is.

mod catalogue;
mod expect;
mod fault;
mod model;
mod names;
mod operation;
mod read;
pub mod rules;
pub mod shipped;
mod state;
mod timing;
mod words;
mod write;

pub use catalogue::{Catalogue, Entry, entry};
pub(crate) use fault::overlap;
pub use model::{
    Evidence, Expect, ExpectedDecision, Fault, FaultState, Operation, Origin, Part, Place, Scenario, Share, Subject,
    Theme,
};
pub(crate) use names::step_name;
pub use read::{read, short_name};
pub use write::write;
