//! The live version of a scenario: real processes of the engine, real sockets, real clients, and the same world behind
//! them, which now runs on the machine's own time.
//!
//! ```text
//!            stage: one thread, the world, the drill's time
//!              ^  |  asks, answers, kills, suspends
//!              |  v
//!  gateway: HTTP on loopback                fleet: the engine's processes
//!   ^   ^   ^                                sidecars of both regions, the observer
//!   |   |   +--- effects, probes, letters --------+   |
//!   |   |                                             | journal entries
//!   |   +------- clients: resolve, place orders       v
//!   +----------- events of AWS, operators          stage
//! ```
//!
//! AWS stays modelled: what a promotion or a DNS change takes is sampled, as in every run. What is measured is the engine:
//! its processes, its sockets, its disk, its clocks, and what clients get of it.

mod clients;
mod crew;
mod events;
mod fleet;
mod folder;
mod gateway;
mod governor;
mod habits;
mod lanes;
mod platform;
pub mod postgres;
pub mod report;
mod scene;
mod stage;
mod staging;
mod verdict;

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use understudy_engine::core::effect::{Effect, Outcome};
use understudy_engine::core::ids::Region;
use understudy_engine::core::journal::JournalEntry;
use understudy_engine::service::clock::{Clock, DrillTime, NoDrillTime, Pace};
use understudy_engine::service::parts::http::{client, fresh_client};
use understudy_policies::Policy;

pub use governor::Speed;
pub use scene::{Scene, SidecarScene, WitnessScene};
pub use staging::{Unplayable, check};

use crate::run::conditions_rng;
use crate::scenario::{Place, Scenario};
use crate::world::outside::{Crossing, Faring, Question, Treatment};
use clients::{Attempt, Client};
use crew::Crew;
use fleet::{Fleet, Member, free_addresses};
use folder::{Folder, random};
use gateway::Gateway;
use governor::Governor;
use platform::Seat;
use report::DrillReport;
use stage::Stage;

/// The hidden first argument with which this program is the engine.
pub const ENGINE: &str = "__engine";

/// What is to be drilled.
#[derive(Debug)]
pub struct Drill<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The policy, and its text: the engine's processes read it themselves.
    pub policy: &'a Policy,
    /// The text of the policy.
    pub policy_text: &'a str,
    /// The seed of everything modelled.
    pub seed: u64,
    /// How fast; none: as fast as suits the scenario.
    pub speed: Option<Speed>,
    /// This program, which runs as the engine when its first argument is [`ENGINE`].
    pub program: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The scenario is none for a drill.
    #[error(transparent)]
    Unplayable(#[from] Unplayable),
    /// The machine.
    #[error("the drill cannot run: {0}")]
    Machine(#[from] io::Error),
    /// The drill's clock.
    #[error(transparent)]
    Time(#[from] NoDrillTime),
    /// The engine's HTTP client.
    #[error("the drill cannot run: {0}")]
    Client(#[from] reqwest::Error),
    /// A process of the engine did not start.
    #[error("the engine does not start: {0}")]
    Engine(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// Stops a drill from elsewhere.
#[derive(Debug, Clone)]
pub struct Stop(Arc<std::sync::atomic::AtomicBool>);

impl Stop {
    /// Not yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a default that means something would surprise"
    )]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Now. The drill ends its processes and removes its folder.
    pub fn stop(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    fn is_asked(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// What reaches the stage.
pub(crate) enum Incoming {
    Effect {
        slot: usize,
        effect: Effect,
        reply: oneshot::Sender<Outcome>,
    },
    Probe {
        process: usize,
        vantage: Place,
        target: Region,
        question: Question,
        reply: oneshot::Sender<Faring>,
    },
    Reference {
        process: usize,
        vantage: Place,
        outside: Place,
        reply: oneshot::Sender<Faring>,
    },
    Lag {
        process: usize,
        reply: oneshot::Sender<Option<std::time::Duration>>,
    },
    Letter {
        process: usize,
        receiver: usize,
        from: Place,
        to: Place,
        heartbeat: bool,
        /// The same for every letter that says something of the same.
        about: u64,
        reply: oneshot::Sender<Crossing>,
    },
    /// A letter has reached the process that it is for.
    Delivered {
        process: usize,
        receiver: usize,
        about: u64,
    },
    Name {
        reply: oneshot::Sender<Region>,
    },
    Order {
        region: Region,
        client: usize,
        number: u64,
        reply: oneshot::Sender<Treatment>,
    },
    Attempt(Attempt),
    Journal {
        process: usize,
        start: u32,
        entry: JournalEntry,
    },
    Ended {
        process: usize,
        start: u32,
    },
    Trouble(String),
}

/// Runs a drill from beginning to end. `watch` is shown the scene several times a second.
///
/// # Errors
/// When the scenario cannot be played, something of the machine fails, or `stop` is asked for. In each case no process
/// and no file is left behind.
pub fn run(drill: &Drill<'_>, stop: &Stop, watch: &mut dyn FnMut(&Scene)) -> Result<DrillReport, Failure> {
    check(drill.scenario)?;
    let staged = staging::staged(drill.scenario);
    let speed = drill.speed.unwrap_or_else(|| staging::speed_for(&staged));
    let policy = staged.under(drill.policy);
    let conditions = staging::conditions(&policy, &staged, &mut conditions_rng(drill.seed));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let folder = Folder::new()?;
    let (tell, incoming) = channel();

    let pace = Pace {
        held_at: 0,
        ..Pace::from_now(0, speed.measured(), staged.start.as_millis())
    };
    let time_file = folder.path("time");
    let time = DrillTime::begin(&time_file, &pace)?.forever();

    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let stage_address = listener.local_addr()?;
    let seats = Seat::all(conditions.sidecars);
    let token = random(32)?;
    let members = members(
        &folder,
        &seats,
        &policy,
        &staging::text_under(drill.policy_text, &staged),
        stage_address,
        &token,
    )?;
    let gateway = Gateway {
        stage: tell.clone(),
        clock: Clock::of_drill(time),
        client: fresh_client()?,
        seats: seats.into(),
        peers: members.iter().map(|member| member.peers).collect(),
    };
    drop(runtime.spawn(gateway.serve(listener)));

    let fleet = Fleet::new(drill.program.clone(), members, tell.clone());
    let crew = Crew::new(fleet, runtime.handle().clone(), client()?, token, &policy, tell.clone());
    let stage = Stage::new(
        &staged,
        &policy,
        drill.seed,
        conditions,
        crew,
        Governor::new(time, speed),
        time,
    );
    let clients = |crowd: &staging::Audience| {
        for client in crowd.clients(stage_address, Clock::of_drill(time), &tell)? {
            drop(runtime.spawn(Client::trade(client)));
        }
        Ok(())
    };
    let ended = stage.run(&incoming, stop, &clients, watch);
    // Sockets first, so that nobody waits for an answer that will not come.
    runtime.shutdown_background();
    ended.map_err(|failure| failure.with_log(&folder))
}

fn members(
    folder: &Folder,
    seats: &[Seat],
    policy: &Policy,
    policy_text: &str,
    stage: std::net::SocketAddr,
    token: &str,
) -> io::Result<Vec<Member>> {
    let policy_file = folder.write("policy.toml", policy_text)?;
    let token_file = folder.write("token", token)?;
    let peer_token_file = folder.write("peer-token", &random(32)?)?;
    let regions = &policy.regions;
    let mut addresses = free_addresses(seats.len() * 2)?.into_iter();
    let mut next = || addresses.next().ok_or(io::ErrorKind::AddrNotAvailable);
    let mut members = Vec::new();
    for seat in seats {
        let name = seat.name();
        let platform = folder.write(&format!("{name}.toml"), &platform::file(seat, seats, stage, policy))?;
        let (operators, peers) = (next()?, next()?);
        let region = match seat.region {
            Some(Region::Home) => &regions.primary,
            Some(Region::Away) => &regions.standby,
            None => &regions.witness,
        };
        let option = |name: &str, value: &dyn std::fmt::Display| [format!("--{name}"), value.to_string()];
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(option("region", region));
        arguments.extend(option("policy", &policy_file.display()));
        arguments.extend(option("platform", &platform.display()));
        arguments.extend(option("sidecar", &(seat.sidecar + 1)));
        arguments.extend(option("journal", &folder.path(&format!("{name}.journal")).display()));
        arguments.extend(option("listen", &operators));
        arguments.extend(option("peer-listen", &peers));
        arguments.extend(option("token-file", &token_file.display()));
        arguments.extend(option("peer-token-file", &peer_token_file.display()));
        arguments.extend(option("drill-clock", &folder.path("time").display()));
        arguments.push("--drill-journal".to_owned());
        if seat.region.is_none() {
            arguments.push("--observer".to_owned());
        }
        members.push(Member {
            seat: *seat,
            arguments,
            log: folder.path(&format!("{name}.log")),
            operators,
            peers,
        });
    }
    Ok(members)
}

impl Failure {
    /// An engine's last words are in its log, which goes with the folder.
    fn with_log(self, folder: &Folder) -> Self {
        match self {
            Self::Engine(name) => {
                let log = folder.end_of(&format!("{name}.log"), 8);
                Self::Engine(format!("{name}\n{log}"))
            }
            other => other,
        }
    }
}

/// Told by everything that reaches the stage.
pub(crate) type Tell = Sender<Incoming>;
