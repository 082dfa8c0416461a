//! The core from outside: what goes in, what comes out.

mod drivers;
mod edges;
mod evidence;
mod failback;
mod failover;
mod faults;
mod inputs;
mod late;
mod memory;
mod operators;
mod order_path;
mod pair;
mod recovery;
mod scenes;
mod shutdown;
mod sweeps;
