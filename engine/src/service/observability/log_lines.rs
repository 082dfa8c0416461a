//! Log lines on their way out, written by a thread of their own.
//!
//! Whoever reads the log may stall: a pipe whose reader hangs is full after 64 KiB, and a write to it waits. No thread that
//! decides, renews or carries out may wait there. So what does not fit into the queue is dropped and counted.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use metrics::counter;
use tracing::error;
use tracing_subscriber::fmt::MakeWriter;

/// What may wait to be written: some seconds of a log at its loudest.
const WAITING_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a line costs besides its text.
const LINE_BYTES: usize = 64;
/// How long the end of the process waits for the last lines.
const REST_PATIENCE: Duration = Duration::from_secs(1);
/// How long a panic waits to be written: it may be about to end the process.
const PANIC_PATIENCE: Duration = Duration::from_millis(100);

thread_local! {
    /// Whether this thread is the one that writes.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// The near end of the queue. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    queue: Sender<Message>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting_bytes: AtomicUsize,
    /// Since it was last said.
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    /// A line that counts for nothing.
    Said(Vec<u8>),
    /// Everything before it is written.
    Flush(Sender<()>),
}

/// Whoever drops it waits, for a moment, until everything that was logged is written.
#[derive(Debug)]
pub struct Rest(Sender<Message>);

/// Waits for what was logged before it.
#[derive(Debug, Clone)]
pub(super) struct Flush(Sender<Message>);

impl Lines {
    /// Starts the thread that writes there. It ends with the process.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<(Self, Rest)> {
        let (queue, messages) = channel();
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(out, &messages, &seen))?;
        let rest = Rest(queue.clone());
        Ok((Self { queue, state }, rest))
    }
}

impl Rest {
    /// Says something that is no event, after everything that was logged before.
    pub fn say(&self, text: &str) {
        // The thread that takes it lives as long as the process.
        let _ = self.0.send(Message::Said(format!("{text}\n").into_bytes()));
    }

    pub(super) fn flush(&self) -> Flush {
        Flush(self.0.clone())
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        // Whoever does not read until now does not read the rest either.
        wait(&self.0, REST_PATIENCE);
    }
}

impl Flush {
    pub(super) fn after_a_panic(&self) {
        if !WRITES.get() {
            wait(&self.0, PANIC_PATIENCE);
        }
    }
}

fn wait(queue: &Sender<Message>, patience: Duration) {
    let (done, written) = channel();
    if queue.send(Message::Flush(done)).is_ok() {
        let _ = written.recv_timeout(patience);
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// One write is one line.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let cost = line.len() + LINE_BYTES;
        let before = self.state.waiting_bytes.fetch_add(cost, Ordering::Relaxed);
        // The writing thread's own line says how many were dropped. It has just made room for it.
        let full = before + cost > WAITING_BYTES_MAX && !WRITES.get();
        if full || self.queue.send(Message::Line(line.to_vec())).is_err() {
            self.state.waiting_bytes.fetch_sub(cost, Ordering::Relaxed);
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
            counter!("understudy_log_lines_dropped_total").increment(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(mut out: impl Write, messages: &Receiver<Message>, state: &State) {
    WRITES.set(true);
    for message in messages {
        match message {
            Message::Line(line) => {
                // Nobody reads it any more: there is nowhere to say so.
                let _ = out.write_all(&line);
                state
                    .waiting_bytes
                    .fetch_sub(line.len() + LINE_BYTES, Ordering::Relaxed);
            }
            Message::Said(line) => {
                let _ = out.write_all(&line);
            }
            Message::Flush(done) => {
                let _ = out.flush();
                let _ = done.send(());
            }
        }
        let dropped = state.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            error!(dropped, "the log is not read fast enough: lines were dropped");
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "the test stalls a thread")]
mod tests {
    use std::sync::{Condvar, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    /// Holds up whoever writes, until it is opened.
    #[derive(Clone, Default)]
    struct Stalled(Arc<Inner>);

    #[derive(Default)]
    struct Inner {
        /// Whether it is open, and what was written.
        state: Mutex<(bool, Vec<u8>)>,
        opened: Condvar,
    }

    impl Stalled {
        fn open(&self) {
            self.0.state.lock().unwrap().0 = true;
            self.0.opened.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.state.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let state = self.0.state.lock().unwrap();
            let mut state = self.0.opened.wait_while(state, |state| !state.0).unwrap();
            state.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_holds_up_nobody_and_what_is_dropped_is_counted() {
        const SAID: usize = 100_000;
        let reader = Stalled::default();
        let (lines, rest) = Lines::to(reader.clone()).unwrap();
        let state = Arc::clone(&lines.state);
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines).finish();
        with_default(subscriber, || {
            for number in 0..SAID {
                tracing::info!(number, "said");
            }
        });
        assert!(state.waiting_bytes.load(Ordering::Relaxed) <= WAITING_BYTES_MAX);
        let dropped = state.dropped.load(Ordering::Relaxed);
        reader.open();
        drop(rest);
        let text = reader.text();
        assert!(text.contains("said number=0\n"), "the first ones are kept");
        let written = text.matches("said number=").count();
        assert_eq!(written + usize::try_from(dropped).unwrap(), SAID);
        assert!(dropped > 0);
    }
}
