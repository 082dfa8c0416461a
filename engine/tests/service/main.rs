//! Real engine processes around a stand-in world: what they do when they are killed, suspended, cut off and mixed.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests run processes, sockets and threads; the core that they try sees none of it"
)]

mod checks;
mod engines;
mod lease_safety;
mod mutations;
mod ports;
mod process;
mod stage;
mod sweeps;
mod versions;
mod world;
