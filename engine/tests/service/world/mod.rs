//! A world in the test's own process, behind one loopback listener: every part of the platform, as simple as it can be.
//!
//! Each process asks below an address of its own, `/<who>/...`, so that the world knows who asks and can cut that one
//! off. The lease store is linearizable: one record behind one lock. Every request that is not a probe is written down
//! with what became of it; [`checks`](crate::checks) reads that afterwards.

mod http;
mod orders;
mod pace;
mod parts;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::runtime::Runtime;
use understudy_engine::core::effect::{Effect, Outcome};
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::lease::LeaseRecord;
use understudy_engine::service::clock::{Clock, DrillTime, Pace};

pub(crate) use orders::Commit;

/// A Saturday: no market trades.
const STARTS: i64 = 1_780_761_600_000;

/// How many of the world's seconds pass in a real one in a test, at most: time waits for whoever does not keep up.
pub(crate) const SPEED: f64 = 40.0;

/// What became of a request that was no probe.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When, in microseconds of the drill's time.
    pub(crate) at: u64,
    pub(crate) who: String,
    pub(crate) effect: Effect,
    /// None: it was dropped before it was applied.
    pub(crate) outcome: Option<Outcome>,
    /// Whether the answer was sent.
    pub(crate) answered: bool,
}

/// Picks requests, by who sent them and what they ask for.
pub(crate) type Matches = Box<dyn Fn(&str, &Effect) -> bool + Send>;

/// What happens to the next request that matches.
pub(crate) struct Trap {
    pub(crate) matches: Matches,
    /// Whether it is applied before the trap springs.
    pub(crate) applied: bool,
    /// What the trap does; the answer is never sent.
    pub(crate) springs: Box<dyn FnOnce() + Send>,
}

/// How one process reaches the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reach {
    /// Requests to the lease store are dropped before they are applied.
    pub(crate) drops_requests: bool,
    /// Answers of the lease store are dropped after the request was applied: unknown outcomes.
    pub(crate) drops_answers: bool,
    /// How long every request to the lease store takes, at most; each other one takes this.
    pub(crate) delay: Duration,
}

/// One region as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RegionState {
    /// Nothing in it answers, and nothing reaches out of it.
    pub(crate) lost: bool,
    /// Its database takes writes: the writer does, and so does an old one that nobody has rebuilt.
    pub(crate) accepts: bool,
    pub(crate) serving_epoch: Epoch,
    /// On the database's clock, which is the drill's time here.
    pub(crate) valid_until: u64,
    pub(crate) path_epoch: Epoch,
    pub(crate) intake: bool,
    pub(crate) processing: bool,
}

pub(crate) struct State {
    pub(crate) lease: LeaseRecord,
    pub(crate) regions: [RegionState; 2],
    pub(crate) writer: Option<Region>,
    pub(crate) moving: bool,
    pub(crate) replica_attached: bool,
    /// Engaged, epoch, order.
    pub(crate) switches: [(bool, Epoch, u64); 2],
    pub(crate) pinned: Option<Region>,
    pub(crate) refuses_promotion: bool,
    /// A promotion goes on for as long as this is so.
    pub(crate) promotes_slowly: bool,
    pub(crate) refuses_switchover: bool,
    pub(crate) reaches: BTreeMap<String, Reach>,
    pub(crate) traps: Vec<Trap>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) commits: Vec<Commit>,
    /// When each promotion or switchover to a region began to be carried out.
    pub(crate) moves: Vec<(u64, Region)>,
    /// When each process was last heard, if time is to wait for it.
    pub(crate) heard: BTreeMap<String, u64>,
}

/// The world. Ends with everything in it when it is dropped.
pub(crate) struct World {
    shared: Shared,
    pub(crate) port: u16,
    runtime: Option<Runtime>,
    folder: tempfile::TempDir,
}

/// What the world's tasks share.
#[derive(Clone)]
pub(crate) struct Shared {
    state: Arc<Mutex<State>>,
    pub(crate) clock: Clock,
    time: &'static DrillTime,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn micros(&self) -> u64 {
        self.time.micros()
    }
}

impl World {
    /// A world in which everything works, and this region holds the lease.
    pub(crate) fn new(holder: Region, speed: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pace = Pace::from_now(0, speed, STARTS);
        let time = DrillTime::begin(&folder.path().join("time"), &pace).unwrap().forever();
        let mut regions = [RegionState::default(); 2];
        regions[holder.index()].accepts = true;
        let state = State {
            lease: match holder {
                Region::Home => LeaseRecord::initial(),
                Region::Away => LeaseRecord::away_from_home(),
            },
            regions,
            writer: Some(holder),
            moving: false,
            replica_attached: true,
            switches: [(holder == Region::Away, Epoch(0), 0); 2],
            pinned: None,
            refuses_promotion: false,
            promotes_slowly: false,
            refuses_switchover: false,
            reaches: BTreeMap::new(),
            traps: Vec::new(),
            seen: Vec::new(),
            commits: Vec::new(),
            moves: Vec::new(),
            heard: BTreeMap::new(),
        };
        let shared = Shared {
            state: Arc::new(Mutex::new(state)),
            clock: Clock::of_drill(time),
            time,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(http::serve(listener, shared.clone()));
        runtime.spawn(orders::place(shared.clone()));
        pace::keep(shared.clone(), speed);
        Self {
            shared,
            port,
            runtime: Some(runtime),
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn time_file(&self) -> std::path::PathBuf {
        self.folder.path().join("time")
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The drill's time since the start.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_micros(self.shared.micros())
    }

    /// Waits for so much of the drill's time.
    pub(crate) fn pass(&self, span: Duration) {
        let end = self.now() + span;
        self.until("time to pass", span * 4, |world| world.now() >= end);
    }

    /// Waits until something holds; fails loudly when that takes too long.
    pub(crate) fn until(&self, what: &str, most: Duration, holds: impl Fn(&Self) -> bool) {
        assert!(
            self.holds_within(most, holds),
            "{what}: not within {most:?} of the drill"
        );
    }

    pub(crate) fn holds_within(&self, most: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now() + most;
        // A drill whose time stands still must end as well.
        let real = std::time::Instant::now() + Duration::from_secs(120);
        loop {
            if holds(self) {
                return true;
            }
            if self.now() > end || std::time::Instant::now() > real {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        pace::stop(&self.shared);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
