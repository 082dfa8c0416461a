//! The AWS adapters against emulators, against scripted answers, and against their own list of permissions.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests around real processes wait, listen and share; the core under them does not"
)]

mod across_regions;
mod arc;
mod credentials;
mod documentation;
mod emulator;
mod end_to_end;
mod failures;
mod iam;
mod lease;
mod name;
mod platform;
#[path = "../service/ports.rs"]
mod ports;
mod process;
mod reports;
mod resources;
mod scripted;
#[path = "../../../simulations/src/drill/postgres/server.rs"]
pub mod server;
mod switches;
