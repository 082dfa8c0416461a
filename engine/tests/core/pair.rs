//! Two regions' engines around a made-up world, stepped from one wake-up to the next. The world is as simple as it can
//! be: every effect takes 20 ms, and each part of it is up or down. The simulator has the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::faults::Faults;
use understudy_engine::core::decision::{Decision, Verdict};
use understudy_engine::core::effect::{DatabaseView, Effect, Intent, Outcome, Reconciliation};
use understudy_engine::core::engine::{Engine, Identity};
use understudy_engine::core::ids::{EffectId, Nonce, Region, SidecarId, WitnessId};
use understudy_engine::core::journal::{Happening, JournalEntry};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::core::machine::StateName;
use understudy_engine::core::memory::Memory;
use understudy_engine::core::signal::{Observation, PeerMessage, Signal};
use understudy_engine::core::time::{DatabaseTime, Now, Timestamp, WallTime};
use understudy_policies::Policy;
use understudy_policies::model::{Component, FailureDomain, WitnessKind};

/// How long an effect takes that moves no database.
pub(crate) const ANSWERS: Duration = Duration::from_millis(20);
/// A Wednesday at noon in New York: the market trades.
pub(crate) const NOON: i64 = 1_780_502_400_000;

/// One engine and what it has been told and has asked for.
#[derive(Clone)]
pub(crate) struct Side {
    pub(crate) engine: Engine,
    pub(crate) identity: Identity,
    /// Whether its process runs.
    pub(crate) up: bool,
    pub(crate) journal: Vec<JournalEntry>,
    /// Everything that it asked for, the every-second routine left out.
    pub(crate) asked: Vec<Intent>,
    /// What it asked for and has no answer to.
    pub(crate) unanswered: BTreeSet<EffectId>,
}

/// What the regions look like from outside.
#[derive(Clone, Copy)]
pub(crate) struct Health {
    pub(crate) application: bool,
    pub(crate) database: bool,
    /// Whether probes of other regions reach it.
    pub(crate) reachable: bool,
    /// Whether its sidecars reach the lease store.
    pub(crate) store: bool,
}

/// Picks the effects whose outcome a test dictates.
pub(crate) type Matches = fn(&Intent) -> bool;

#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    pub(crate) wall_start: i64,
    pub(crate) sides: Vec<Side>,
    pub(crate) health: [Health; 2],
    pub(crate) observer_up: bool,
    pub(crate) lag: Option<Duration>,
    /// Whether the away region's probes of the outside world succeed.
    pub(crate) reference_up: [bool; 2],
    pub(crate) lease: LeaseRecord,
    pub(crate) writer: Region,
    /// Until when each region's serving row is valid, on the true clock.
    pub(crate) serving: [i64; 2],
    /// Whether each region processes orders, and whether it accepts them.
    pub(crate) open: [bool; 2],
    pub(crate) intake: [bool; 2],
    pub(crate) switches: [bool; 2],
    pub(crate) peer_path: bool,
    pub(crate) promotion: Duration,
    /// Overrides the outcome of the next effects that match.
    pub(crate) scripted: Vec<(Matches, Outcome)>,
    pub(crate) faults: Faults,
    queue: BTreeMap<(Timestamp, u64), (usize, Effect)>,
    serial: u64,
    /// How often in a row no time has passed.
    stalls: u32,
    next_probe: Timestamp,
}

impl Pair {
    pub(crate) fn new(policy: Policy) -> Self {
        let healthy = Health {
            application: true,
            database: true,
            reachable: true,
            store: true,
        };
        let now = Timestamp::from_micros(1_000_000);
        let mut pair = Self {
            now,
            wall_start: NOON,
            sides: Vec::new(),
            health: [healthy; 2],
            observer_up: true,
            lag: Some(Duration::from_millis(200)),
            reference_up: [true; 2],
            lease: LeaseRecord::initial(),
            writer: Region::Home,
            serving: [0; 2],
            open: [false; 2],
            intake: [false; 2],
            switches: [false; 2],
            peer_path: true,
            promotion: Duration::from_secs(20),
            scripted: Vec::new(),
            faults: Faults::default(),
            stalls: 0,
            queue: BTreeMap::new(),
            serial: 0,
            next_probe: now,
            policy,
        };
        pair.add(Region::Home, 1);
        pair.add(Region::Away, 1);
        pair
    }

    /// Two engines that have found their places.
    pub(crate) fn settled(policy: Policy) -> Self {
        let mut pair = Self::new(policy);
        pair.run(Duration::from_secs(15));
        assert_eq!(
            pair.states(),
            [StateName::Serving, StateName::Steady],
            "after 15 s of peace"
        );
        pair
    }

    /// Starts another sidecar, which remembers nothing.
    pub(crate) fn add(&mut self, region: Region, sidecar: u16) -> usize {
        self.start(region, SidecarId(sidecar), &Memory::default())
    }

    /// Ends a sidecar's process and starts it again with what it had written down.
    pub(crate) fn restart(&mut self, side: usize) -> usize {
        let memory = self.sides[side].engine.memory(self.at());
        let Identity { region, sidecar, .. } = self.sides[side].identity;
        self.sides[side].up = false;
        self.start(region, sidecar, &memory)
    }

    fn start(&mut self, region: Region, sidecar: SidecarId, memory: &Memory) -> usize {
        self.serial += 1;
        let identity = Identity {
            region,
            sidecar,
            incarnation: self.serial,
        };
        let engine = Engine::remembering(&self.policy, identity, memory, self.at());
        self.sides.push(Side {
            engine,
            identity,
            up: true,
            journal: Vec::new(),
            asked: Vec::new(),
            unanswered: BTreeSet::new(),
        });
        self.drain(self.sides.len() - 1);
        self.sides.len() - 1
    }

    /// The state of the newest running sidecar of each region.
    pub(crate) fn states(&self) -> [StateName; 2] {
        Region::BOTH.map(|region| {
            let side = self
                .sides
                .iter()
                .rev()
                .find(|side| side.up && side.identity.region == region);
            side.map_or(StateName::SelfFenced, |side| side.engine.state())
        })
    }

    pub(crate) fn decisions(&self, side: usize) -> Vec<&Decision> {
        let decided = |entry: &'_ JournalEntry| matches!(entry.what, Happening::Decided(_));
        self.sides[side]
            .journal
            .iter()
            .filter(|entry| decided(entry))
            .filter_map(|entry| match &entry.what {
                Happening::Decided(decision) => Some(decision),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn verdicts(&self, side: usize) -> Vec<Verdict> {
        self.decisions(side).iter().map(|decision| decision.verdict).collect()
    }

    pub(crate) fn lose(&mut self, region: Region) {
        self.health[region.index()] = Health {
            application: false,
            database: false,
            reachable: false,
            store: false,
        };
        for side in &mut self.sides {
            side.up &= side.identity.region != region;
        }
        self.peer_path = false;
    }

    pub(crate) fn bring_back(&mut self, region: Region) -> usize {
        self.health[region.index()] = Health {
            application: true,
            database: true,
            reachable: true,
            store: true,
        };
        self.peer_path = true;
        self.add(region, 9)
    }

    pub(crate) fn at(&self) -> Now {
        let millis = i64::try_from(self.now.as_micros() / 1_000).unwrap();
        Now {
            boot: self.now,
            wall: WallTime::from_millis(self.wall_start + millis),
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        self.run_until(|_| false, end);
    }

    /// Runs until the condition holds. Panics if it does not within the time.
    pub(crate) fn run_to(&mut self, what: &str, limit: Duration, condition: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        let end = self.now.after(limit);
        assert!(
            self.run_until(condition, end),
            "{what} not within {limit:?}: {:?}",
            self.states()
        );
        self.now.since(start)
    }

    fn run_until(&mut self, condition: impl Fn(&Self) -> bool, end: Timestamp) -> bool {
        loop {
            if condition(self) {
                return true;
            }
            let effect = self.queue.keys().next().map_or(Timestamp::NEVER, |(at, _)| *at);
            let timeout = self
                .sides
                .iter()
                .filter(|side| side.up)
                .filter_map(|side| side.engine.poll_timeout())
                .min()
                .unwrap_or(Timestamp::NEVER);
            let next = effect.min(timeout).min(self.next_probe).max(self.now);
            self.stalls = if next == self.now { self.stalls + 1 } else { 0 };
            assert!(self.stalls < 2000, "busy loop at {}: {:?}", self.now, self.states());
            if next > end {
                self.now = end;
                return false;
            }
            self.now = next;
            if self.next_probe <= self.now {
                self.probe();
                self.next_probe = self.now.after(Duration::from_secs(1));
            } else if effect <= self.now {
                self.finish_effect();
            } else {
                for index in 0..self.sides.len() {
                    let due = self.sides[index].engine.poll_timeout().is_some_and(|at| at <= self.now);
                    if self.sides[index].up && due {
                        let at = self.at();
                        self.sides[index].engine.handle_timeout(at);
                        self.drain(index);
                    }
                }
            }
        }
    }

    fn probe(&mut self) {
        let at = self.at();
        for index in 0..self.sides.len() {
            if !self.sides[index].up {
                continue;
            }
            let own = self.sides[index].identity.region;
            let witnesses = self.policy.witnesses.clone();
            for (number, witness) in witnesses.iter().enumerate() {
                for target in Region::BOTH {
                    let health = self.health[target.index()];
                    let heard = match witness.failure_domain {
                        FailureDomain::TargetRegion => own == target && health.reachable,
                        FailureDomain::PeerRegion => own != target,
                        FailureDomain::WitnessRegion => self.observer_up,
                        FailureDomain::Internet | FailureDomain::Provider => own == target,
                    };
                    let blind = witness.failure_domain == FailureDomain::PeerRegion && !self.peer_path;
                    let healthy = match (witness.kind, witness.observes) {
                        (WitnessKind::LeaseRenewal | WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check, _) => {
                            continue;
                        }
                        (WitnessKind::Heartbeat, _) if !health.reachable || blind => continue,
                        (WitnessKind::HttpProbe | WitnessKind::DatabaseProbe, _) if blind => false,
                        (WitnessKind::AwsHealth | WitnessKind::Heartbeat, _) => true,
                        (WitnessKind::Reference, _) => self.reference_up[own.index()],
                        (WitnessKind::ReplicationLag, _) => {
                            let Some(lag) = self.lag.filter(|_| self.health[Region::Home.index()].database) else {
                                continue;
                            };
                            self.signal(index, number, target, Observation::Lag(lag), at);
                            continue;
                        }
                        (_, Component::Database) => health.database && health.reachable,
                        _ => health.application && health.reachable,
                    };
                    if heard {
                        let observation = if healthy {
                            Observation::Healthy
                        } else {
                            Observation::Breached
                        };
                        self.signal(index, number, target, observation, at);
                    }
                }
            }
            self.drain(index);
        }
    }

    fn signal(&mut self, index: usize, witness: usize, target: Region, observation: Observation, at: Now) {
        let witness = WitnessId(u8::try_from(witness).unwrap());
        let signal = Signal {
            witness,
            target,
            observation,
            observed: at.wall,
        };
        self.sides[index].engine.handle_signal(at, signal);
    }

    pub(crate) fn drain(&mut self, index: usize) {
        while let Some(entry) = self.sides[index].engine.poll_journal() {
            if let Happening::Asked(effect) = entry.what {
                self.sides[index].asked.push(effect.intent);
            }
            self.sides[index].journal.push(entry);
        }
        while let Some(effect) = self.sides[index].engine.poll_effect() {
            let takes = match effect.intent {
                Intent::PromoteDatabase { .. } => self.promotion,
                Intent::SwitchOverDatabase { .. } => Duration::from_secs(30),
                Intent::RejoinDatabase => Duration::from_secs(1200),
                _ => ANSWERS,
            };
            self.serial += 1;
            self.sides[index].unanswered.insert(effect.id);
            self.queue.insert((self.now.after(takes), self.serial), (index, effect));
        }
    }

    fn finish_effect(&mut self) {
        let Some((_, (index, effect))) = self.queue.pop_first() else {
            return;
        };
        if !self.sides[index].up {
            return;
        }
        if let Some(outcome) = self.faulty_outcome(index, &effect) {
            self.answer(index, effect.id, outcome);
        }
    }

    pub(crate) fn execute(&mut self, index: usize, effect: &Effect) -> Outcome {
        let region = self.sides[index].identity.region;
        let health = self.health[region.index()];
        let micros = i64::try_from(self.now.as_micros()).unwrap();
        let done = |so: bool| if so { Outcome::Done } else { Outcome::Failed };
        match effect.intent {
            Intent::Lease { .. } if self.faults.no_store.contains(&index) => Outcome::TimedOut,
            Intent::Lease { request, nonce } => self.store(health, &request, nonce),
            Intent::ReadDatabaseClock if self.writer == region && health.database => {
                Outcome::DatabaseClock(DatabaseTime(micros))
            }
            Intent::ReadDatabaseClock => Outcome::Failed,
            Intent::WriteServing { valid_until } => {
                let row = &mut self.serving[region.index()];
                *row = (*row).max(valid_until.0);
                Outcome::Done
            }
            Intent::TellPeer(message) => self.tell(region, message),
            Intent::PromoteDatabase { .. } => {
                self.writer = region;
                Outcome::Done
            }
            Intent::SwitchOverDatabase { to } => {
                let both = self.health.iter().all(|health| health.database);
                if both {
                    self.writer = to;
                }
                done(both)
            }
            Intent::DescribeDatabase => Outcome::Database(DatabaseView {
                writer: Some(self.writer),
                moving: false,
                replica_attached: true,
            }),
            Intent::RejoinDatabase => done(self.health.iter().all(|health| health.database)),
            Intent::ReconcileDatabase => Outcome::Reconciled(Reconciliation {
                orders_lost: 0,
                residual_commits: 0,
            }),
            Intent::SetSwitch { switch, engaged, .. } => {
                self.switches[switch.index()] = engaged;
                Outcome::Done
            }
            Intent::ReadSwitches => Outcome::Switches(self.switches.map(Some)),
            Intent::OpenIntake => {
                self.intake[region.index()] = true;
                Outcome::Done
            }
            Intent::PinRecord { .. } | Intent::UnpinRecord => Outcome::Done,
            Intent::OpenProcessing | Intent::CloseOrderPath => {
                let opens = effect.intent == Intent::OpenProcessing;
                self.open[region.index()] = opens;
                self.intake[region.index()] &= opens;
                Outcome::Done
            }
            Intent::VerifyWrite => {
                done(self.writer == region && self.open[region.index()] && self.serving[region.index()] > micros)
            }
            Intent::VerifyRouting { region } => {
                let away = self.switches.iter().any(|engaged| *engaged);
                done(away == (region == Region::Away))
            }
            Intent::RequestApproval(_) => Outcome::TimedOut,
            Intent::Announce(_) | Intent::Page(_) => Outcome::Done,
        }
    }

    fn store(&mut self, health: Health, request: &LeaseRequest, nonce: Nonce) -> Outcome {
        if !health.store {
            return Outcome::TimedOut;
        }
        match self.lease.apply(request, nonce) {
            Ok(record) => {
                self.lease = record;
                Outcome::Lease(record)
            }
            Err(conflict) => Outcome::Conflict(conflict.0),
        }
    }

    fn tell(&mut self, from: Region, message: PeerMessage) -> Outcome {
        if !self.peer_path {
            return Outcome::Failed;
        }
        let at = self.at();
        for index in 0..self.sides.len() {
            if self.sides[index].up && self.sides[index].identity.region != from {
                self.sides[index].engine.handle_peer(at, message);
                self.drain(index);
            }
        }
        Outcome::Done
    }
}
