//! The core.
mod calendar;
pub mod decision;
pub mod effect;
pub mod engine;
pub mod evidence;
pub mod ids;
pub mod journal;
pub mod lease;
pub mod ledger;
pub mod machine;
mod runner;
mod settings;
pub mod signal;
pub mod status;
pub mod time;
