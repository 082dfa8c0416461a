//! The sources on real sockets: what a sidecar sees and hears, and what reaches its core.

mod events;
mod observer;
mod peers;
mod probes;
mod server;
mod sidecar;
mod storm;
