//! What to do: the failover engine's pure core.
pub mod core;
pub mod workflow;
