//! The world: regions with their parts, the network, the lease store, two databases, Route 53, clients, and real engine
//! cores, all on one queue of events in virtual time.
//!
//! ```text
//!   faults -> parts, links --> probes --signals--> engines --effects--> lease store, databases, switches, order path
//!                 |                                                                          |
//!                 +----------------------> acceptance of orders, DNS answers <---------------+
//!                                                        |
//!                                          clients -> figures, invariants
//! ```
//!
//! One seed drives everything that is random, and nothing else is: no clock, no hash order, no threads.

mod apply;
mod availability;
pub(crate) mod clients;
pub(crate) mod clock;
mod consequences;
mod database;
mod deeds;
mod delivery;
mod dns;
mod effects;
mod engines;
mod faults;
mod invariants;
mod lease_store;
pub(crate) mod links;
mod operators;
mod oracle;
mod outcome;
pub(crate) mod outside;
pub(crate) mod parts;
mod probes;
mod queue;
mod record;
mod schedule;
mod stated;
#[cfg(test)]
mod tests;
mod twin;

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use understudy_engine::core::ids::{Epoch, Region, Switch};
use understudy_engine::core::time::WallTime;
use understudy_policies::Policy;
use understudy_policies::figures::ALIAS_TTL;
use understudy_policies::model::{RecordType, RedirectTrigger};

use self::apply::OrderPath;
use self::availability::Availability;
use self::clients::{Clients, Crowd};
use self::clock::{DatabaseClocks, MachineClock, Moment};
use self::database::Databases;
use self::deeds::PausedOrders;
use self::delivery::Deliveries;
use self::dns::Dns;
use self::effects::InFlights;
use self::engines::{Input, Slot};
use self::faults::{Change, Faults};
use self::invariants::Commits;
use self::lease_store::LeaseStore;
use self::links::Links;
use self::oracle::Oracle;
use self::outside::Beyond;
use self::parts::Parts;
use self::probes::Probe;
use self::queue::{Event, Queue};
use self::record::{Detail, Record};
use self::schedule::Schedule;
use crate::conditions::Conditions;
use crate::digest::Digest;
use crate::invariants::{self as rules, Invariants};
use crate::report::{Kind, Report, words};
use crate::scenario::{FaultState, Scenario};

/// After this long a client gives an order up. Assumption.
const ORDER_PATIENCE: Duration = Duration::from_secs(2);
/// The time between two orders of one client. A choice: it sets how finely orders are counted.
const ORDER_INTERVAL: Duration = Duration::from_secs(1);

/// One timeline of a campaign in so many runs a second engine beside each. A choice: it doubles the engines' cost.
const TWINS_EVERY: u64 = 64;

/// Everything there is.
pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    policy: &'a Policy,
    conditions: Conditions,
    rng: ChaCha8Rng,
    queue: Queue,
    now: Moment,
    onset: Moment,
    faults: Faults,
    operations: Schedule,
    paused: PausedOrders,
    /// Whether an operator has told each region's engines to leave role changes alone.
    held_back: [bool; 2],
    /// Whether each region has no sidecar left that could look at anything, for reasons of its sidecars' own.
    silent: [bool; 2],
    parts: Parts,
    links: Links,
    deliveries: Deliveries,
    /// The epoch in which everything starts.
    first_epoch: Epoch,
    store: LeaseStore,
    databases: Databases,
    dns: Dns,
    clients: Clients,
    order_paths: [OrderPath; 2],
    /// When each region's serving row will next be looked at.
    serving_checks: [Option<Moment>; 2],
    slots: Vec<Slot>,
    /// Whether a second engine runs beside each.
    twins: bool,
    effects: InFlights,
    expired_effects: u64,
    probes: Vec<Probe>,
    record: Record,
    invariants: Invariants,
    commits: Commits,
    /// Whether the public name answers with the holder, or a sidecar runs that could see to it.
    switches_mendable: bool,
    /// Since when replication into each region is late.
    late_since: [Option<Moment>; 2],
    oracle: Oracle,
    placing: Availability,
    stretched_placing: Availability,
    processing: Availability,
    /// When 95 % of the clients had resolved the region that took over first.
    redirected: Option<Moment>,
    orders_lost: u64,
    residual_commits: u64,
    /// None: the engines are cores of this process. Otherwise they are processes of their own, in a drill.
    beyond: Option<Box<Beyond>>,
    #[cfg(feature = "seeded-bugs")]
    bug: Option<crate::seeded::Bug>,
}

/// Runs a scenario under a policy, in a world of these conditions, and tells all of it.
pub(crate) fn run(scenario: &Scenario, policy: &Policy, seed: u64, conditions: Conditions) -> Report {
    World::at_the_end(scenario, policy, seed, conditions, Detail::Full).report(seed)
}

/// Runs the same with a bug.
#[cfg(feature = "seeded-bugs")]
pub(crate) fn with_bug(
    bug: crate::seeded::Bug,
    scenario: &Scenario,
    policy: &Policy,
    seed: u64,
    conditions: Conditions,
) -> Report {
    World::with_bug(bug, scenario, policy, seed, conditions, Detail::Full).report(seed)
}

/// Runs the same with a bug, and keeps what a campaign adds up.
#[cfg(feature = "seeded-bugs")]
pub(crate) fn digest_with_bug(
    bug: crate::seeded::Bug,
    scenario: &Scenario,
    policy: &Policy,
    seed: u64,
    conditions: Conditions,
) -> Digest {
    World::with_bug(bug, scenario, policy, seed, conditions, Detail::Digest).digest()
}

/// Runs the same, and keeps what a campaign adds up.
pub(crate) fn digest(scenario: &Scenario, policy: &Policy, seed: u64, conditions: Conditions) -> Digest {
    World::at_the_end(scenario, policy, seed, conditions, Detail::Digest).digest()
}

impl<'a> World<'a> {
    /// A world in which everything has happened.
    fn at_the_end(
        scenario: &'a Scenario,
        policy: &'a Policy,
        seed: u64,
        conditions: Conditions,
        detail: Detail,
    ) -> Self {
        Self::new(scenario, policy, seed, conditions, detail).when_over()
    }

    /// A world with a bug, in which everything has happened.
    #[cfg(feature = "seeded-bugs")]
    fn with_bug(
        bug: crate::seeded::Bug,
        scenario: &'a Scenario,
        policy: &'a Policy,
        seed: u64,
        conditions: Conditions,
        detail: Detail,
    ) -> Self {
        let mut world = Self::new(scenario, policy, seed, conditions, detail);
        world.bug = Some(bug);
        world.databases.fence_ignores_clock = bug == crate::seeded::Bug::FenceIgnoresClock;
        world.when_over()
    }

    fn when_over(mut self) -> Self {
        self.begin();
        self.go_on(None);
        self.now = Moment::START.after(self.scenario.horizon);
        self.close();
        self
    }

    /// Lets happen what is due by then; none: everything there is. The one loop of every run: a copy of it costs 3 %.
    fn go_on(&mut self, until: Option<Moment>) {
        while until.is_none_or(|until| self.queue.next_at().is_some_and(|at| at <= until))
            && let Some((at, event)) = self.queue.pop()
        {
            self.now = self.now.max(at);
            self.happen(event);
        }
    }

    fn new(scenario: &'a Scenario, policy: &'a Policy, seed: u64, conditions: Conditions, detail: Detail) -> Self {
        let horizon = Moment::START.after(scenario.horizon);
        let conditions = conditions.as_stated_by(scenario);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let onset = Moment::START.after(scenario.onset);
        let ttl = match policy.traffic.record {
            RecordType::Cname => policy.traffic.ttl,
            RecordType::Alias => ALIAS_TTL,
        };
        let crowd = Crowd {
            count: conditions.clients,
            stretching: conditions.stretching_clients(),
            ttl,
            stretch: conditions.stretch,
            order_interval: ORDER_INTERVAL,
        };
        let mut slots = Vec::new();
        for region in Region::BOTH {
            for sidecar in 0..conditions.sidecars {
                let clock = MachineClock {
                    since: Moment::START,
                    boot_then: rng.random_range(1_000_000_000..1_000_000_000_000),
                    drift_ppm: conditions.drift_ppm[region.index()],
                    wall_at_start: WallTime::from_millis(
                        scenario.start.as_millis() + conditions.wall_offset_millis[region.index()],
                    ),
                };
                slots.push(Slot::new(region, sidecar, conditions.sidecars, clock));
            }
        }
        let store = LeaseStore::new(&policy.lease.store, scenario.begins_in);
        let invariants = Invariants::new(&rules::Terms::new(policy, &conditions, *store.record()));
        let epoch = store.record().epoch;
        let clocks = DatabaseClocks::new(scenario.start, conditions.database_offset_micros);
        Self {
            clients: Clients::new(&crowd, scenario.begins_in, &mut rng),
            databases: Databases::new(clocks, conditions.replication_lag, scenario.begins_in),
            queue: Queue::new(horizon),
            now: Moment::START,
            faults: Faults::new(&scenario.faults, onset),
            operations: Schedule::new(scenario.operations.iter().map(|it| (it.origin, it.at)), onset),
            paused: [None; 2],
            held_back: [false; 2],
            silent: [false; 2],
            parts: Parts::default(),
            links: Links::default(),
            deliveries: Deliveries::default(),
            first_epoch: epoch,
            store,
            dns: Dns::new(scenario.begins_in),
            order_paths: Region::BOTH.map(|region| OrderPath {
                epoch,
                intake: region == scenario.begins_in,
                processing: region == scenario.begins_in,
            }),
            serving_checks: [None; 2],
            slots,
            twins: detail == Detail::Full || seed.is_multiple_of(TWINS_EVERY),
            effects: InFlights::default(),
            expired_effects: 0,
            probes: Probe::all(policy),
            record: Record::new(onset, detail),
            invariants,
            commits: Commits::default(),
            switches_mendable: true,
            late_since: [None; 2],
            oracle: Oracle::new(oracle::Terms::new(policy), (scenario.begins_in, epoch)),
            placing: Availability::default(),
            stretched_placing: Availability::default(),
            processing: Availability::default(),
            redirected: None,
            orders_lost: 0,
            residual_commits: 0,
            beyond: None,
            #[cfg(feature = "seeded-bugs")]
            bug: None,
            scenario,
            policy,
            conditions,
            rng,
            onset,
        }
    }

    /// Everything is in order: engines start, probes begin, faults wait.
    fn begin(&mut self) {
        // Orders that are paused are those that were open before anything else broke.
        for paused in [true, false] {
            for (index, at) in self.faults.schedule.beginnings() {
                if paused == (self.faults.get(index).state == FaultState::Paused) {
                    self.queue.push(at, Event::Fault(index));
                }
            }
        }
        for (index, at) in self.operations.beginnings() {
            self.queue.push(at, Event::Operation(index));
        }
        for index in 0..self.probes.len() {
            if self.beyond.is_some() && !self.probes[index].comes_as_event() {
                continue;
            }
            let at = self.probes[index].first(self.conditions.probe_phase, self.onset, &mut self.rng);
            self.queue
                .push(at, Event::Probe(u16::try_from(index).unwrap_or(u16::MAX)));
        }
        for slot in 0..self.slots.len() {
            self.start_engine(slot);
        }
        self.look_around();
        self.show_the_oracle();
    }

    #[expect(
        clippy::inline_always,
        reason = "called in one place, for every event: a copy of each costs 3 %"
    )]
    #[inline(always)]
    fn happen(&mut self, event: Event) {
        match event {
            Event::Fault(index) => self.fault(index),
            Event::Operation(index) => self.operation(index),
            Event::Probe(index) => self.probe(index),
            Event::Signal { slot, signal } => self.feed(usize::from(slot), Input::Signal(signal)),
            Event::Peer { slot, message } => self.feed(usize::from(slot), Input::Peer(message)),
            Event::Wake(slot) => self.wake(slot),
            Event::Restart { slot, generation } => self.restart(slot, generation),
            Event::BeginEffect(index) => self.shell_begins(index),
            Event::ApplyEffect(index) => self.apply_effect(index),
            Event::AnswerEffect(index) => self.settle_effect(index, false),
            Event::ExpireEffect(index) => self.settle_effect(index, true),
            Event::ServingExpiry(region) => self.serving_expiry(region),
            Event::DatabaseMoved(generation) => self.database_moved(generation),
            Event::RecordChanged(number) => {
                let changed = self.dns.record_changed(number);
                self.after_dns(changed);
            }
            Event::DnsFlip(generation) => {
                let changed = self.dns.flip(generation);
                self.after_dns(changed);
            }
            Event::Resolve(client) if !self.clients.asks(self.now, client) => {}
            Event::Resolve(client) => {
                let answer = self.dns.answer();
                self.clients.resolve(self.now, client, answer);
                self.look_at_clients();
            }
        }
    }

    /// A fault begins, flips or ends. What ends at a moment is over before anything else begins at it.
    fn fault(&mut self, index: u16) {
        if self.faults.is_over(index) {
            return;
        }
        let ending: Vec<u16> = if self.faults.has_begun(index) {
            Vec::new()
        } else {
            self.faults.ending(self.now).collect()
        };
        let changed: Vec<(Change, u16)> = ending
            .into_iter()
            .chain([index])
            .map(|index| (self.change_fault(index), index))
            .filter(|(change, _)| *change != Change::Flips)
            .collect();
        self.parts = self.faults.parts();
        self.look_at_lag();
        self.links = self.faults.links();
        self.deliveries = self.faults.deliveries();
        for (change, index) in changed {
            self.carry_out(change, index);
        }
        self.look_after_clocks();
        self.store
            .look(self.now, &self.parts, &self.links, self.conditions.lease_stall);
        self.look_after_move();
        self.look_after_engines();
        self.look_around();
        self.show_the_oracle();
    }

    fn change_fault(&mut self, index: u16) -> Change {
        let (change, next) = self.faults.change(index, self.now);
        if let Some(at) = next {
            self.queue.push(at, Event::Fault(index));
        }
        if change == Change::Flips {
            return change;
        }
        let fault = self.faults.get(index);
        self.record.say(self.now, "world", Kind::Fault, || match change {
            Change::Ends => format!("{}: over", fault.subject.in_words()),
            _ => fault.in_words(),
        });
        change
    }

    /// Brings everything that follows from the state of the world up to date.
    fn look_around(&mut self) {
        let works = Region::BOTH.map(|into| self.replication_works(into));
        self.databases.replication(self.now, works);
        let readable = Switch::BOTH.map(|switch| self.moves_by_switches() && self.switch_is_readable(switch));
        if self.moves_by_switches() {
            self.tell_of_switches(readable);
        }
        let endpoint = self.policy.traffic.trigger == RedirectTrigger::SwitchAndEndpoint && !self.endpoint_is_healthy();
        if let Some(generation) = self.dns.look(readable, endpoint) {
            let after = self.conditions.checker_reach + self.conditions.dns_propagation;
            self.queue.push(self.now.after(after), Event::DnsFlip(generation));
        }
        let mut changed = false;
        for region in Region::BOTH {
            let acceptance = self.acceptance(region);
            if acceptance != self.clients.acceptance(region) {
                self.clients.set_acceptance(self.now, region, acceptance);
                self.look_at_commits(region);
                changed = true;
            }
        }
        if changed || self.now == self.onset {
            self.look_at_clients();
        }
    }

    /// What a wall clock shows that is right.
    fn true_wall(&self, at: Moment) -> WallTime {
        let millis = i64::try_from(at.micros() / 1_000).unwrap_or(i64::MAX);
        WallTime::from_millis(self.scenario.start.as_millis().saturating_add(millis))
    }
}
