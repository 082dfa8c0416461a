//! The pure core: what happens goes in with its time, what is to be done comes out as data.
//!
//! ```text
//!  signals   notices   peers   commands   outcomes   time
//!     |         |        |        |          |        |
//!     v         v        v        v          v        v
//!  +------------------------ engine::Engine ------------------------+
//!  |  evidence --> assessments --+                                  |
//!  |  lease::Keeper --> tenure --+--> machine::Facts --> Machine    |
//!  |  guards (the policy) -------+                          |edge   |
//!  |                                   workflow --> runner <-+      |
//!  +-------------+----------------------+------------------+-------+
//!                v                      v                  v
//!             effects             journal, ledger    status, explain
//! ```
//!
//! No clock, no I/O, no randomness, nothing that depends on the order of a hash: the same inputs give the same bytes.
//! The shell (or the simulator) carries the effects out and hands their outcomes back.
//!
//! Where to look: [`signal`] and [`effect`] are the vocabulary; [`evidence`] turns signals into an assessment;
//! [`lease`] says who may serve; [`machine`] holds the states and their edges; [`decision`] holds the reasons;
//! [`engine`] puts them together.

/// Whether a seeded bug is in. Without the feature it never is, and costs nothing.
#[cfg(feature = "seeded-bugs")]
macro_rules! seeded {
    ($bug:expr, $name:ident) => {
        matches!($bug, Some($crate::core::seeded::SeededBug::$name))
    };
}
#[cfg(not(feature = "seeded-bugs"))]
macro_rules! seeded {
    ($bug:expr, $name:ident) => {
        false
    };
}

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
pub mod memory;
mod runner;
#[cfg(feature = "seeded-bugs")]
pub mod seeded;
mod settings;
pub mod signal;
pub mod status;
pub mod time;
