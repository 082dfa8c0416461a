//! Writing to whoever reads, who may have gone.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use understudy_simulations::render::Look;

use super::input::Refusal;

/// How text on standard output looks: as wide as the terminal; plain when it is none, or when `NO_COLOR` is set.
pub(super) fn look() -> Look {
    let terminal = io::stdout().is_terminal();
    let measured = if terminal { terminal_size::terminal_size() } else { None };
    Look {
        width: measured.map_or(Look::PLAIN.width, |(width, _)| usize::from(width.0)),
        fancy: terminal && !colourless(),
    }
}

/// Whether colours are wanted, on a terminal.
pub(super) fn colourful() -> bool {
    !colourless()
}

#[expect(
    clippy::disallowed_methods,
    reason = "it changes how the answer looks, never what it is"
)]
fn colourless() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Writes the answer.
pub(super) fn print(text: &str) -> Result<(), Refusal> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // `run | head` has read what it wanted: the verdict still counts.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Refusal::Output),
    }
}

/// Writes the answer as one JSON object.
pub(super) fn print_json(object: &impl Serialize) -> Result<(), Refusal> {
    let mut text = serde_json::to_string_pretty(object).map_err(|error| Refusal::Output(error.into()))?;
    text.push('\n');
    print(&text)
}

/// Writes a line for people on standard error. Nobody may be there to read it.
pub(super) fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
