//! The processes of a drill: started, killed, suspended, and never left behind.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::Incoming;
use super::platform::Seat;

/// How long a process may take to end by itself when the drill is over. It has nothing left to do.
const GRACE: Duration = Duration::from_millis(1_500);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a process is started with, each time.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) seat: Seat,
    /// Of the engine's command line, from `run` on.
    pub(crate) arguments: Vec<String>,
    /// Where its log goes.
    pub(crate) log: PathBuf,
    /// Where its operators ask.
    pub(crate) operators: SocketAddr,
    /// Where its peers send; an observer has none.
    pub(crate) peers: SocketAddr,
}

/// All processes. Whatever runs when it is dropped is killed.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// This program, which runs as the engine when it is told to.
    program: PathBuf,
    members: Vec<Member>,
    running: Vec<Option<Running>>,
    tell: Sender<Incoming>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// How often this member has been started.
    start: u32,
    suspended: bool,
    /// It was asked to end.
    asked: bool,
}

/// How a process ended that nobody killed.
#[derive(Debug)]
pub(crate) struct Reaped {
    /// It was asked to.
    pub(crate) asked: bool,
    pub(crate) status: String,
}

impl Fleet {
    pub(crate) fn new(program: PathBuf, members: Vec<Member>, tell: Sender<Incoming>) -> Self {
        Self {
            program,
            running: members.iter().map(|_| None).collect(),
            members,
            tell,
        }
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The ids of the processes that run.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.running
            .iter()
            .flatten()
            .map(|running| running.child.id())
            .collect()
    }

    /// Whether a member runs, and is not suspended.
    pub(crate) fn is_awake(&self, process: usize) -> bool {
        let running = self.place(process).and_then(|place| self.running[place].as_ref());
        running.is_some_and(|running| !running.suspended)
    }

    /// Starts a member. Call it on a thread that lives as long as the drill: the process ends with it.
    pub(crate) fn start(&mut self, process: usize, start: u32) -> io::Result<()> {
        let Some(place) = self.place(process) else {
            return Ok(());
        };
        self.stop(process);
        let member = &self.members[place];
        let log = File::options().create(true).append(true).open(&member.log)?;
        let mut command = Command::new(&self.program);
        command
            .arg(super::ENGINE)
            .args(&member.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        // Ctrl-C in the terminal is for the drill, which then ends its processes itself.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        if let Some(stdout) = child.stdout.take() {
            let tell = self.tell.clone();
            let listen = move || listen(BufReader::new(stdout), process, start, &tell);
            thread::Builder::new().name("listening".to_owned()).spawn(listen)?;
        }
        self.running[place] = Some(Running {
            child,
            start,
            suspended: false,
            asked: false,
        });
        Ok(())
    }

    /// Kills a member.
    pub(crate) fn stop(&mut self, process: usize) {
        let Some(mut running) = self.place(process).and_then(|place| self.running[place].take()) else {
            return;
        };
        end(&mut running.child);
    }

    /// Suspends a member.
    pub(crate) fn pause(&mut self, process: usize) {
        self.signal(process, Signal::STOP, Some(true));
    }

    /// Lets a suspended member go on.
    pub(crate) fn resume(&mut self, process: usize) {
        self.signal(process, Signal::CONT, Some(false));
    }

    /// Asks a member to end.
    pub(crate) fn ask_to_end(&mut self, process: usize) {
        self.signal(process, Signal::TERM, None);
        if let Some(running) = self.place(process).and_then(|place| self.running[place].as_mut()) {
            running.asked = true;
        }
    }

    fn signal(&mut self, process: usize, signal: Signal, suspended: Option<bool>) {
        let Some(place) = self.place(process) else { return };
        let Some(running) = &mut self.running[place] else {
            return;
        };
        send(&running.child, signal);
        running.suspended = suspended.unwrap_or(running.suspended);
    }

    /// A member's output has ended. If it ended by itself, says with what.
    pub(crate) fn reap(&mut self, process: usize, start: u32) -> Option<Reaped> {
        let place = self.place(process)?;
        let running = self.running[place].take_if(|running| running.start == start)?;
        let (mut child, asked) = (running.child, running.asked);
        // It closed its output: it is ending, or will not be heard any more.
        let status = wait(&mut child, GRACE).or_else(|| {
            end(&mut child);
            None
        });
        Some(Reaped {
            asked,
            status: status.map_or_else(|| "it had to be killed".to_owned(), |status| status.to_string()),
        })
    }

    /// Ends everything: first they are asked, then they are killed.
    pub(crate) fn end_all(&mut self) {
        let mut children: Vec<Child> = self
            .running
            .iter_mut()
            .filter_map(Option::take)
            .map(|running| running.child)
            .collect();
        // The second signal says that nothing need be handed over. A suspended process hears nothing before it goes on.
        for signal in [Signal::TERM, Signal::CONT, Signal::TERM] {
            children.iter().for_each(|child| send(child, signal));
            pause(LOOK_EVERY);
        }
        for child in &mut children {
            if wait(child, GRACE).is_none() {
                end(child);
            }
        }
    }

    fn place(&self, process: usize) -> Option<usize> {
        self.members.iter().position(|member| member.seat.process == process)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for running in self.running.iter_mut().flatten() {
            end(&mut running.child);
        }
    }
}

fn send(child: &Child, signal: Signal) {
    // It is not waited for yet, so the id is still its own. It may have ended all the same.
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Kills it, and waits until it is gone. It may have ended already.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

fn wait(child: &mut Child, patience: Duration) -> Option<std::process::ExitStatus> {
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if waited < patience => {
                pause(LOOK_EVERY);
                waited += LOOK_EVERY;
            }
            Ok(None) | Err(_) => return None,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a drill is live: it waits for real processes")]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// Reads what a process tells of its journal, until it ends.
fn listen(stdout: impl BufRead, process: usize, start: u32, tell: &Sender<Incoming>) {
    for line in stdout.lines().map_while(Result::ok) {
        let told = match serde_json::from_str(&line) {
            Ok(entry) => Incoming::Journal { process, start, entry },
            Err(error) => Incoming::Trouble(format!("an engine tells what nobody understands ({error}): {line}")),
        };
        if tell.send(told).is_err() {
            return;
        }
    }
    // The drill may be over.
    let _ = tell.send(Incoming::Ended { process, start });
}

/// Addresses on loopback that nobody listens on.
pub(crate) fn free_addresses(count: usize) -> io::Result<Vec<SocketAddr>> {
    let listeners: Vec<std::net::TcpListener> = (0..count)
        .map(|_| std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<_>>()?;
    listeners.iter().map(std::net::TcpListener::local_addr).collect()
}
