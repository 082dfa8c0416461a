//! Scenarios: what breaks, when, and what the right decision is.

mod model;

pub use model::{Evidence, Expect, ExpectedDecision, Fault, FaultState, Part, Place, Scenario, Subject};
