//! What would happen: outages replayed against the engine's own core, in virtual time, from one seed.

pub mod campaign;
mod clock_faults;
pub mod conditions;
pub mod digest;
pub mod drill;
pub mod invariants;
pub mod render;
pub mod report;
pub mod report_html;
pub mod run;
pub mod scenario;
#[cfg(feature = "seeded-bugs")]
pub mod seeded;
pub mod shrink;
mod world;
