//! The core from outside: what goes in, what comes out.

mod edges;
mod failover;
mod inputs;
mod pair;
