//! What operators see and do: the API, the status page in a real browser, metrics and the rules on them, the command
//! line against a running sidecar.

mod api;
mod browser;
mod command_line;
mod commands;
mod document;
mod metrics;
mod page;
mod rules;
mod stage;
#[cfg(feature = "otel")]
mod traces;
mod world;
