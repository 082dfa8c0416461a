//! The commit fence and the adapter, on real PostgreSQL servers.

mod adapter;
mod fence;
#[path = "../../../simulations/src/drill/postgres/server.rs"]
pub mod server;
mod support;
#[cfg(feature = "tls")]
mod tls;
