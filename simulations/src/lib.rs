//! What would happen: outages replayed against the engine's own core, in virtual time, from one seed.

pub mod report;
pub mod scenario;
