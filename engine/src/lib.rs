//! What to do: the failover engine's pure core.
pub mod core;
pub mod decode;
pub mod workflow;
