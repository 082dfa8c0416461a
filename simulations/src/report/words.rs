//! The engine's sentences, with the names that the simulated regions have.

use understudy_engine::core::decision::{Decision, Finding, Flip};
use understudy_engine::core::effect::Intent;
use understudy_engine::core::ids::Region;
use understudy_engine::words::{self, Names};
pub use understudy_engine::words::{assessment, duration, guard, switch, verdict, witness_state};

use crate::scenario::Place;

const NAMES: Names<'static> = [Place::Home.name(), Place::Away.name()];

/// A region's name.
#[must_use]
pub const fn region(region: Region) -> &'static str {
    words::region(region, NAMES)
}

/// A guard's finding in a sentence.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    words::finding(finding, NAMES)
}

/// The smallest change in a sentence.
#[must_use]
pub fn flip(flip: &Flip) -> String {
    words::flip(flip, NAMES)
}

/// A decision in a sentence.
#[must_use]
pub fn decision(decision: &Decision) -> String {
    words::decision(decision, NAMES)
}

/// What an intent does. None for the routine ones, which nobody wants to read.
#[must_use]
pub fn intent(intent: &Intent) -> Option<String> {
    words::intent(intent, NAMES)
}
