//! Evidence.
mod state;
pub use state::{Assessment, WitnessState};
