//! Logs, on standard error: for people, or one JSON object a line.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How a log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts the log of this process. `level` is `error`, `warn`, `info`, `debug`, `trace`, or a list of
/// `target=level`.
///
/// # Errors
/// With what is wrong with the level.
pub fn start(format: Format, level: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|wrong| format!("`{level}` is no log level: {wrong}"))?;
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    let started = match format {
        Format::Human => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    // In a test the log may be there already.
    drop(started);
    Ok(())
}
