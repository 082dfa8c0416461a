//! Evidence: what every witness says about every region, and what that amounts to.
//!
//! A quorum counts **failure domains**, not witnesses. A domain speaks for a breach when one of its witnesses does and
//! none of them is healthy. Missing is a verdict of its own: it speaks for nothing.

mod state;
mod table;
mod track;

pub(crate) use state::LostSince;
pub use state::{Assessment, WitnessState};
pub(crate) use table::{Evidence, Heard, Tally};
