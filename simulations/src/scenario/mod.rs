//! Scenarios: what breaks, when, and what the right decision is.

mod catalogue;
mod expect;
mod fault;
mod model;
mod names;
mod read;
pub mod rules;
pub mod shipped;
mod words;
mod write;

pub use catalogue::{Catalogue, Entry, entry};
pub(crate) use fault::overlap;
pub use model::{Evidence, Expect, ExpectedDecision, Fault, FaultState, Part, Place, Scenario, Subject, Theme};
pub use read::read;
pub use write::write;
