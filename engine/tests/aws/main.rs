//! The AWS adapters against emulators, against scripted answers, and against their own list of permissions.

mod across_regions;
mod documentation;
mod emulator;
mod end_to_end;
mod failures;
mod iam;
mod lease;
mod name;
mod platform;
mod process;
mod resources;
mod scripted;
#[path = "../../../simulations/src/drill/postgres/server.rs"]
pub mod server;
mod switches;
