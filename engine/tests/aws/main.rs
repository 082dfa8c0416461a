//! The AWS adapters against emulators, against scripted answers, and against their own list of permissions.

mod emulator;
mod failures;
mod iam;
mod lease;
mod platform;
mod scripted;
mod switches;
