//! What operators are told, and what they may ask for: the same objects for the API, the status page and the command
//! line.
//!
//! - [`shapes`]: the objects.
//! - [`view`]: from the core's numbers to names and sentences.
//! - [`history`]: what was written down, and what weeks of shadow mode add up to.
//! - [`consent`]: two people for an accepted loss.
//! - [`desk`]: where all of it is asked for.

pub mod consent;
pub mod desk;
pub mod history;
mod needs;
pub mod shapes;
pub mod view;
mod workflow;

pub use desk::{Desk, NoAnswer};
pub use workflow::steps;
