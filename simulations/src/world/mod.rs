//! The world.
pub mod clients;
pub mod clock;
mod database;
mod dns;
mod faults;
mod lease_store;
pub mod links;
pub mod parts;
mod queue;
