//! The drill on real databases: two PostgreSQL servers with streaming replication, the engine's real processes, and a
//! client that writes a row every 50 ms and counts what it was promised and cannot find any more.
//!
//! ```text
//!   writer ────▶ home's server ═══ streaming replication ═══▶ away's server ◀──── writer, afterwards
//!                 ▲  ▲                                          ▲  ▲
//!          home's sidecar ◀────────── peers, probes ─────────▶ away's sidecar        observer
//!                 └───────────▶ stand-in: lease, switches, name, order path ◀──────────┘
//! ```
//!
//! Nothing of the databases is modelled: the engine promotes with its method `postgres`, and the commit fence
//! (`engine/sql/fence.sql`) is what stops the old writer. Lease store, switches and public name are AWS's elsewhere; here
//! a small stand-in on loopback is as quick as a local network. Only what the client measures is reported.

mod bench;
pub mod report;
pub mod server;
mod stand_in;
mod writer;

use std::path::PathBuf;

use understudy_policies::Policy;
use understudy_policies::source::Diagnostics;

use super::Stop;
use bench::Bench;
use report::{PostgresReport, RunReport};
use server::Trouble;

/// What befalls home's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// SIGKILL for the postmaster and the sidecar.
    Killed,
    /// SIGSTOP for every process of the node: postmaster, backends, sidecar, application.
    NodeSuspended,
    /// SIGSTOP for the postmaster and the sidecar alone. The backends live on, and go on acknowledging to whoever is
    /// connected: only the commit fence can stop them.
    PostmasterSuspended,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 3] = [Self::Killed, Self::NodeSuspended, Self::PostmasterSuspended];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::NodeSuspended => "node-suspended",
            Self::PostmasterSuspended => "postmaster-suspended",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// What must be reached, as the median of several runs.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Killed => Target::WritableWithin { millis: 6_000 },
            Self::NodeSuspended => Target::WritableWithin { millis: 8_000 },
            Self::PostmasterSuspended => Target::NothingLost,
        }
    }
}

/// What must be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A client's write is acknowledged by the new writer within this time from the fault.
    WritableWithin {
        /// In milliseconds.
        millis: u64,
    },
    /// No acknowledged row is missing afterwards, in no run.
    NothingLost,
}

/// What is to be drilled.
#[derive(Debug)]
pub struct PostgresDrill<'a> {
    /// One after the other, each on servers of its own.
    pub faults: &'a [Fault],
    /// How often each.
    pub repeat: u16,
    /// Whether orders are behind the commit fence. Without it, whoever wants to can see what is lost.
    pub fenced: bool,
    /// The text of the policy that the engine runs on.
    pub policy_text: &'a str,
    /// This program, which runs as the engine when its first argument is [`ENGINE`](super::ENGINE).
    pub program: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A server.
    #[error(transparent)]
    Server(#[from] Trouble),
    /// What is asked of a server by the drill itself.
    #[error("the drill cannot prepare its databases: {0}")]
    Database(String),
    /// The policy.
    #[error("{0}")]
    Policy(Diagnostics),
    /// The machine.
    #[error("the drill cannot run: {0}")]
    Machine(#[from] std::io::Error),
    /// The engine did not come to serve.
    #[error("the engine does not come to serve: {0}")]
    Engine(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// Runs the drill from beginning to end. `watch` is told what happens, a line at a time.
///
/// # Errors
/// When something of the machine fails, or `stop` is asked for. In each case no process and no file is left behind.
pub fn run(drill: &PostgresDrill<'_>, stop: &Stop, watch: &mut dyn FnMut(&str)) -> Result<PostgresReport, Failure> {
    let policy = understudy_policies::policy::parse("policy.toml", drill.policy_text).map_err(Failure::Policy)?;
    let mut runs = Vec::new();
    for &fault in drill.faults {
        for number in 1..=drill.repeat {
            watch(&format!(
                "{} {number} of {}: preparing two servers",
                fault.name(),
                drill.repeat
            ));
            let run = one(drill, &policy, fault, stop, watch);
            // Whatever failed while everything was being taken down failed because of that.
            let run = if stop.is_asked() {
                Err(Failure::Interrupted)
            } else {
                run
            }?;
            watch(&run.in_words());
            runs.push(run);
        }
    }
    Ok(PostgresReport::of(policy.name, drill.faults, runs))
}

fn one(
    drill: &PostgresDrill<'_>,
    policy: &Policy,
    fault: Fault,
    stop: &Stop,
    watch: &mut dyn FnMut(&str),
) -> Result<RunReport, Failure> {
    Bench::new(drill, policy, stop)?.play(fault, stop, watch)
}
