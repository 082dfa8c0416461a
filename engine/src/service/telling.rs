//! Tells a drill what an engine writes down, as it writes it: one JSON object per line on standard output.
//!
//! An operator reads the journal through the API. A drill needs every entry from the first on, in order, and at once,
//! and it must not depend on what it is there to try.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use crate::core::journal::JournalEntry;

/// Begins to tell, on a thread of its own: whoever listens may be slow.
///
/// # Errors
/// When a thread cannot be started.
pub fn tell(mut journal: Receiver<Arc<JournalEntry>>) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("telling".to_owned());
    let tell = move || {
        loop {
            match journal.blocking_recv() {
                Ok(entry) if say(&entry).is_ok() => {}
                // Nobody listens any more, or there will be nothing more to tell.
                Ok(_) | Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(entries)) => warn!(entries, "the drill was not told of all of the journal"),
            }
        }
    };
    thread.spawn(tell).map(drop)
}

fn say(entry: &JournalEntry) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}
