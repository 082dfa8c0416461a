//! What the outside may see of a process: logs, metrics, and (feature `otel`) traces.

mod log;
mod log_lines;
mod metrics;
#[cfg(feature = "otel")]
pub mod traces;

pub use log::{Format, start as start_log};
pub use log_lines::Rest as RestOfLog;
pub use metrics::{CONTENT_TYPE, Timer, count, describe_status, install, measure, render, tidy};
