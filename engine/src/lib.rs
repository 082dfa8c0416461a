//! What to do: the failover engine.
//!
//! - `aws`: the adapters to AWS (feature `aws`).
//! - [`core`]: decides. Pure; the sidecar, the simulator and the property tests run the same code.
//! - [`workflow`]: failover and failback as data, which the core executes.
//! - [`decode`]: from the bytes of an event to a signal of the core.
//! - [`words`]: the engine's names and values as a person reads them.

#[cfg(feature = "aws")]
pub mod aws;
pub mod core;
pub mod decode;
#[cfg(feature = "service")]
pub mod service;
pub mod words;
pub mod workflow;
