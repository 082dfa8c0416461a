//! The sidecar: what surrounds the core. Clocks, sockets, disks.
//!
//! ```text
//!   sources                       shell                                       parts
//!   probes, heartbeats,   +---------------------+   effects   +------------------------------------+
//!   queue, /events  ----> | inbox -> core thread| ----------> | lease store, database, switches,   |
//!   commands, peers ----> |            |        | <---------- | public name, order path, peers, ...|
//!                         |         journal     |   outcomes  +------------------------------------+
//!                         +---------------------+
//! ```
//!
//! - [`cli`]: the command line.
//! - [`platform`]: the file that says where the parts of the platform are.
//! - [`sources`]: what turns the world into signals.
//! - [`run`]: one process, from its start to its end; signals, and a new policy while it runs.
//! - [`shell`]: runs the core on a thread of its own, writes the journal, carries effects out.
//! - [`journal`]: what is kept on disk.
//! - [`parts`]: what the engine acts on, one trait each, and their adapters.
//! - [`http`]: what operators, monitors and peers ask.
//! - [`operators`]: what operators are told, and what they may ask for.
//! - [`observability`]: logs, metrics, traces.
//! - [`standing`]: what operators should know of the process itself.
//! - [`clock`]: the two clocks of the core, read from the machine.
//! - [`telling`]: what a drill is told.

pub mod cli;
pub mod clock;
pub mod context;
pub mod given;
pub mod http;
pub mod journal;
mod listener;
pub mod observability;
pub mod operators;
pub mod parts;
pub mod platform;
pub mod policy_file;
mod round;
pub mod run;
pub mod secret;
pub mod shell;
mod signals;
pub mod sources;
pub mod standing;
pub mod telling;
#[cfg(feature = "tls")]
pub mod tls;
