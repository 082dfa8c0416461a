//! Logs, on standard error: for people, or one JSON object a line.

use clap::ValueEnum;
use tracing::error;
use tracing_subscriber::EnvFilter;

use super::log_lines::{Lines, Rest};

/// How a log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The SDK tells where each set of credentials came from, key id and all. Said only if asked for by its name.
const QUIET: &str = "aws_config=warn,aws_smithy_runtime=warn,aws_runtime=warn,aws_sigv4=warn";

/// Starts the log of this process. `level` is `error`, `warn`, `info`, `debug`, `trace`, or a list of
/// `target=level`. What is kept until the process ends lets the last lines out.
///
/// # Errors
/// With what is wrong with the level, or that a thread cannot be started.
pub fn start(format: Format, level: &str) -> Result<Rest, String> {
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"))
        .map_err(|wrong| format!("`{level}` is no log level: {wrong}"))?;
    let (lines, rest) =
        Lines::to(std::io::stderr()).map_err(|because| format!("the log cannot be started: {because}"))?;
    let builder = tracing_subscriber::fmt().with_writer(lines).with_env_filter(filter);
    let started = match format {
        Format::Human => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    // In a test the log may be there already.
    drop(started);
    // The standard library would write to standard error by itself, and wait there.
    std::panic::set_hook(Box::new(|panic| error!("{panic}")));
    Ok(rest)
}
