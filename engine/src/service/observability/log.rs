//! Logs, on standard error: for people, or one JSON object a line.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;

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
const TELLS_OF_CREDENTIALS: [&str; 4] = ["aws_config", "aws_smithy_runtime", "aws_runtime", "aws_sigv4"];
/// Panics, and how many lines were dropped: said at every level.
const ALWAYS: &str = concat!(
    "understudy_engine::service::observability::log=error,",
    "understudy_engine::service::observability::log_lines=error"
);

/// Starts the log of this process. `level` is `error`, `warn`, `info`, `debug`, `trace`, or a list of
/// `target=level`. What is kept until the process ends lets the last lines out.
///
/// # Errors
/// With what is wrong with the level, or that a thread cannot be started.
pub fn start(format: Format, level: &str) -> Result<Rest, String> {
    let most = if matches!(level, "error" | "off") {
        level
    } else {
        "warn"
    };
    let quiet = TELLS_OF_CREDENTIALS.map(|module| format!("{module}={most}")).join(",");
    let filter = EnvFilter::try_new(format!("{quiet},{ALWAYS},{level}"))
        .map_err(|wrong| format!("`{level}` is no log level: {wrong}"))?;
    let (lines, rest) =
        Lines::to(std::io::stderr()).map_err(|because| format!("the log cannot be started: {because}"))?;
    let builder = tracing_subscriber::fmt()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(lines)
        .with_env_filter(filter);
    let started = match format {
        Format::Human => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    // In a test the log may be there already.
    drop(started);
    // The standard library would write to standard error by itself, and wait there.
    let flush = rest.flush();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("without a name");
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            error!(thread, %backtrace, "{panic}");
        } else {
            error!(thread, "{panic}");
        }
        flush.after_a_panic();
    }));
    Ok(rest)
}
