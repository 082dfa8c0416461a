//! Engine processes: started, killed, suspended, woken, and always ended with the test.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use understudy_engine::core::journal::{Happening, JournalEntry};
use understudy_engine::core::machine::StateName;

use crate::world::Shared;

/// One engine process, and those that were started in its place. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Inner>);

struct Inner {
    name: String,
    arguments: Vec<String>,
    log: PathBuf,
    world: Option<Shared>,
    child: Mutex<Option<Child>>,
    told: Arc<Mutex<Told>>,
}

/// What it told on standard output.
#[derive(Default)]
struct Told {
    state: Option<StateName>,
    entries: Vec<JournalEntry>,
}

impl Engine {
    /// Not started yet. With a world, time waits for it while it runs.
    pub(crate) fn new(name: &str, arguments: Vec<String>, log: PathBuf, world: Option<Shared>) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            arguments,
            log,
            world,
            child: Mutex::default(),
            told: Arc::default(),
        }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn arguments(&self) -> &[String] {
        &self.0.arguments
    }

    pub(crate) fn start(&self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-engine"));
        command.args(&self.0.arguments);
        self.start_as(command);
    }

    /// Starts a command that ends in the engine.
    pub(crate) fn start_as(&self, mut command: Command) {
        let log = OpenOptions::new().create(true).append(true).open(&self.0.log).unwrap();
        self.is_heard(true);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = Arc::clone(&self.0.told);
        {
            told.lock().unwrap().state = None;
        }
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(entry) = serde_json::from_str::<JournalEntry>(&line) else {
                    continue;
                };
                let mut told = told.lock().unwrap();
                if let Happening::Moved { to, .. } = entry.what {
                    told.state = Some(to);
                }
                told.entries.push(entry);
            }
        });
        let before = self.child().replace(child);
        assert!(
            before.is_none_or(|mut before| before.try_wait().unwrap().is_some()),
            "started twice"
        );
    }

    /// SIGKILL: nothing of it is left.
    pub(crate) fn kill(&self) {
        self.is_heard(false);
        if let Some(child) = self.child().as_mut() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// SIGSTOP: it stands still, and knows nothing of it.
    pub(crate) fn suspend(&self) {
        self.is_heard(false);
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub(crate) fn wake(&self) {
        self.is_heard(true);
        self.signal(Signal::CONT);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(self.child().as_ref().unwrap())
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.child()
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Waits for its end.
    pub(crate) fn end(&self, patience: Duration) -> ExitStatus {
        self.is_heard(false);
        let began = Instant::now();
        loop {
            if let Some(status) = self.child().as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(
                began.elapsed() < patience,
                "{} does not end:\n{}",
                self.name(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The state that it entered last, since it was started.
    pub(crate) fn state(&self) -> Option<StateName> {
        self.0.told.lock().unwrap().state
    }

    /// Everything that it and its predecessors told.
    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.0.told.lock().unwrap().entries.clone()
    }

    /// What `/healthz` answers.
    pub(crate) fn health(&self) -> String {
        let at = self
            .0
            .arguments
            .iter()
            .position(|argument| argument == "--listen")
            .unwrap();
        let mut stream = TcpStream::connect(&self.0.arguments[at + 1]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.0.log).unwrap_or_default()
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.0.child.lock().unwrap()
    }

    fn is_heard(&self, is: bool) {
        let Some(world) = &self.0.world else { return };
        let now = world.micros();
        let mut state = world.lock();
        if is {
            state.heard.insert(self.0.name.clone(), now);
        } else {
            state.heard.remove(&self.0.name);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(child) = self.child.get_mut().unwrap() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Creates a file with this text.
pub(crate) fn write(path: &std::path::Path, text: &str) {
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}
