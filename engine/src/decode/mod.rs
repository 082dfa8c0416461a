//! From raw bytes to what the core understands.
//!
//! ```text
//! SQS message body          EventBridge envelope ─┐
//! or POST /events  ──▶ SNS notification ──────────┼──▶ alarm, rds, health, execution, ──▶ Signal, Notice,
//!                      CloudEvents 1.0 ───────────┤    parameter, own                     or why neither
//!                      a bare alarm message ──────┘
//! ```
//!
//! Pure: no clock, no I/O, no state but the counters. Every input has one of three outcomes, each counted and each
//! able to say why: it is decoded, it is ignored because it is none of the platform's business, or it is rejected.
//! Nothing that was rejected ever reaches the core.
//!
//! The decoder carries the observer's own time as it stands in the event. Whether that is too old, out of order, a
//! repetition or in the future is for the core to judge, which knows what it has seen before.

mod alarm;
mod arn;
mod cloudevents;
mod counters;
mod decoded;
mod detail;
mod directory;
mod document;
mod execution;
mod health;
mod limits;
mod naming;
mod own;
mod parameter;
mod rds;
mod rejection;
mod slot;
mod sns;
mod time;

pub use counters::{Counters, OutcomeGroup};
pub use decoded::{Content, Decoded, Ignored, Kind};
pub use directory::Directory;
pub use document::decode;
pub use limits::{BODY_BYTES_MAX, DEPTH_MAX, LAYERS_MAX};
pub use naming::{DRY_RUN, Environment, InvalidEnvironment, Naming, entry_name};
pub use own::{ANNOUNCEMENT, Announced, HEARTBEAT, Heartbeat, PAGE, Paged, SOURCE, SWITCH_CHANGED, SwitchChange};
pub use rejection::{Excerpt, Layer, Reason, ReasonKind, Rejection, UnknownAlarm};

use crate::core::time::WallTime;

/// Decodes and counts.
#[derive(Debug)]
pub struct Decoder {
    directory: Directory,
    counters: Counters,
}

impl Decoder {
    /// A decoder for the events of one platform.
    #[must_use]
    pub const fn new(directory: Directory) -> Self {
        Self {
            directory,
            counters: Counters::new(),
        }
    }

    /// Decodes one message body that arrived at `received`.
    ///
    /// # Errors
    /// A [`Rejection`] that names the place and says what to do.
    pub fn decode(&mut self, body: &[u8], received: WallTime) -> Result<Decoded, Rejection> {
        let result = decode(&self.directory, body, received);
        self.counters.record(&result);
        result
    }

    /// How often each outcome occurred.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }
}
