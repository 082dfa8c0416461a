//! The world of a drill: its engines are processes of their own, its time is the machine's, and what they do arrives from
//! outside, as requests.
//!
//! Everything else is the same world. What an engine cannot be seen to believe is not judged; what it writes down arrives
//! a little later than what follows from it, so facts wait for each other before the invariants see them, in the order
//! in which they happened.

use std::collections::BTreeMap;
use std::time::Duration;

use understudy_engine::core::effect::{Effect, Outcome};
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::journal::{Happening, JournalEntry};
use understudy_engine::core::lease::LeaseRecord;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::{Command, Signal};
use understudy_engine::core::time::Timestamp;
use understudy_policies::Policy;

use super::World;
use super::clients::Acceptance;
use super::clock::{MachineClock, Moment};
use super::database::Promotion;
use super::delivery::{Channel, Way};
use super::engines::Input;
use super::parts::Answer;
use super::queue::Event;
use super::record::Detail;
use crate::conditions::Conditions;
use crate::invariants::{self, Fact};
use crate::report::{DecisionReport, Kind, Report, TimelineEntry};
use crate::scenario::{Fault, Part, Place, Scenario};

/// The observer's number among the processes.
pub(crate) const OBSERVER: usize = u8::MAX as usize;

/// The invariants that only an engine's own belief, or a second engine beside it, could show broken.
const NOT_JUDGED: [&str; 2] = ["one_tenure.rs", "replay.rs"];

/// Whether an invariant can be judged from outside the engines' processes.
pub(crate) fn is_judged(name: &str) -> bool {
    invariants::named(name).is_none_or(|invariant| !NOT_JUDGED.contains(&invariant.file))
}

/// The processes of a drill, as the world commands them. The sidecars by their slot, and [`OBSERVER`].
pub(crate) trait Processes {
    /// One starts.
    fn start(&mut self, process: usize);
    /// One is killed.
    fn stop(&mut self, process: usize);
    /// One is suspended.
    fn pause(&mut self, process: usize);
    /// It goes on.
    fn resume(&mut self, process: usize);
    /// An event about a region is delivered to a sidecar.
    fn hear(&mut self, slot: usize, signal: Signal);
    /// An operator asks a sidecar for something.
    fn ask(&mut self, slot: usize, command: Command);
    /// An effect that is kept there is settled; none: nobody will ever hear how.
    fn settled(&mut self, effect: u32, outcome: Option<Outcome>);
}

/// What a world has instead of cores.
pub(crate) struct Beyond {
    pub(super) processes: Box<dyn Processes>,
    observer: Answer,
    observer_starts: u32,
    /// What happened and is not told to the invariants yet, in the order in which it happened. Of one moment, what engines
    /// wrote down comes before what they did.
    facts: BTreeMap<(Moment, bool, u64), Fact>,
    told: u64,
    /// An engine's journal is being read.
    reading: bool,
    /// How much later than it was sent a request is seen here.
    pub(crate) latency: Duration,
    /// The promotions that went through, each with the epoch that it began.
    promotions: Vec<(Promotion, Epoch)>,
}

impl Beyond {
    #[cold]
    #[inline(never)]
    pub(super) fn keep_fact(&mut self, at: Moment, fact: &Fact) {
        self.told += 1;
        let comes_first = self.reading || matches!(fact, Fact::Started { .. } | Fact::Stopped { .. });
        self.facts.insert((at, !comes_first, self.told), *fact);
    }
}

/// What is asked of a region by a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// The health path of the order path.
    Path,
    /// The one that goes through to the database.
    DeepPath,
    /// The database itself.
    Database,
}

/// How somebody who asks from elsewhere fares: how, and after how long.
pub(crate) type Faring = (Answer, Duration);

/// How a message from one sidecar to another, or from the observer, fares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crossing {
    /// When it arrives, and when it arrives once more.
    pub(crate) arrives: [Option<Duration>; 2],
    /// How its sender fares, and when the answer is back after it arrived.
    pub(crate) back: Faring,
}

/// What becomes of an order that reaches a region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Treatment {
    pub(crate) faring: Faring,
    pub(crate) acceptance: Acceptance,
    /// In which epoch it is accepted.
    pub(crate) epoch: Epoch,
}

/// What the clients of a drill measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Orders are committed.
    pub(crate) processed: bool,
    /// 95 % of the clients can place orders, those behind resolvers that stretch TTLs apart.
    pub(crate) place: bool,
    /// 95 % of those behind resolvers that stretch TTLs can.
    pub(crate) stretching: bool,
    /// 95 % have resolved the region that took over.
    pub(crate) redirected: bool,
}

/// How the world stands.
#[derive(Debug, Clone)]
pub(crate) struct Glance {
    pub(crate) since_onset: f64,
    pub(crate) lease: LeaseRecord,
    pub(crate) answer: Region,
    pub(crate) acceptance: [Acceptance; 2],
    pub(crate) engines: Vec<Standing>,
    pub(crate) faults: Vec<String>,
    pub(crate) faults_to_come: bool,
    pub(crate) failovers: usize,
    /// No engine is on its way from one state to another.
    pub(crate) resting: bool,
    /// One region commits orders, holds the lease, and is what the public name answers with.
    pub(crate) settled: bool,
    pub(crate) home: bool,
    pub(crate) figures: [Option<f64>; 2],
    pub(crate) interrupted: bool,
    /// What the scenario states of guards and of operators has happened.
    pub(crate) as_stated: bool,
}

/// How one sidecar stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) who: String,
    /// None: not running.
    pub(crate) state: Option<StateName>,
    pub(crate) paused: bool,
}

/// Whether a state may last.
const fn rests(state: StateName) -> bool {
    use StateName as S;
    matches!(
        state,
        S::Serving | S::Steady | S::Soaking | S::Rejoining | S::Reconciling | S::Blocked | S::NeedsOperator
    )
}

impl<'a> World<'a> {
    /// A world whose engines are processes, and whose boot-time clocks show this at its start.
    pub(crate) fn of_a_drill(
        scenario: &'a Scenario,
        policy: &'a Policy,
        seed: u64,
        conditions: Conditions,
        boot_at_start: Timestamp,
        processes: Box<dyn Processes>,
    ) -> Self {
        let mut world = Self::new(scenario, policy, seed, conditions, Detail::Full);
        world.twins = false;
        for slot in &mut world.slots {
            slot.clock = MachineClock {
                since: Moment::START,
                boot_then: boot_at_start.as_micros(),
                drift_ppm: 0,
                wall_at_start: scenario.start,
            };
        }
        world.beyond = Some(Box::new(Beyond {
            processes,
            observer: Answer::Answers,
            observer_starts: 0,
            facts: BTreeMap::new(),
            told: 0,
            reading: false,
            latency: Duration::ZERO,
            promotions: Vec::new(),
        }));
        world
    }

    /// Everything starts.
    pub(crate) fn start(&mut self) {
        if let Some(beyond) = &mut self.beyond {
            beyond.processes.start(OBSERVER);
        }
        self.begin();
    }

    /// When something is due next.
    pub(crate) fn due(&self) -> Option<Moment> {
        self.queue.next_at()
    }

    /// Lets happen what is due by now.
    pub(crate) fn advance(&mut self, now: Moment) {
        self.go_on(Some(now));
        self.now = self.now.max(now);
    }

    /// The end, whatever is still to come.
    pub(crate) fn finish(mut self, seed: u64) -> Report {
        self.close();
        let mut report = self.report(seed);
        // Engines are heard of a little later than the world sees what they do.
        report
            .timeline
            .sort_by(|one, other| one.at_seconds.total_cmp(&other.at_seconds));
        report
    }

    /// What a sidecar's engine has written down.
    pub(crate) fn journal_says(&mut self, slot: usize, entry: &JournalEntry) {
        let it = &mut self.slots[slot];
        if it.process.is_none() {
            return;
        }
        if let Happening::Moved { to, .. } = entry.what {
            it.process = Some(to);
        }
        let then = it.when(entry.at.boot).min(self.now);
        let now = std::mem::replace(&mut self.now, then);
        self.reads(true);
        self.journal(slot, &entry.what);
        self.reads(false);
        self.now = now;
    }

    fn reads(&mut self, reading: bool) {
        if let Some(beyond) = &mut self.beyond {
            beyond.reading = reading;
        }
    }

    /// A sidecar's shell has begun an effect. Returns where it is kept while it is under way.
    pub(crate) fn effect_arrives(&mut self, slot: usize, effect: Effect) -> u32 {
        self.ask_for(slot, effect)
    }

    /// A sidecar's process has ended by itself.
    pub(crate) fn process_ended(&mut self, slot: usize) {
        if self.slots.get(slot).is_some_and(|it| it.process.is_some()) {
            self.leave(slot);
        }
    }

    /// What waits for a process that is not a core.
    #[cold]
    pub(super) fn feed_process(&mut self, slot: usize, input: Input) {
        let it = &mut self.slots[slot];
        if it.process.is_none() {
            return;
        }
        match input {
            // Its shell has begun it, and it is under way, whatever has become of the process since.
            Input::Begin(effect) => self.begin_effect(effect),
            Input::Signal(_) if !it.is_running() => it.keep(input),
            Input::Signal(signal) => {
                if let Some(beyond) = &mut self.beyond {
                    beyond.processes.hear(slot, signal);
                }
            }
            // Its peers tell it themselves, and it looks at its own clock.
            Input::Peer(_) | Input::Outcome(..) | Input::Timeout => {}
        }
    }

    #[cold]
    pub(super) fn ask_process(&mut self, slot: usize, command: Command) {
        if let Some(beyond) = &mut self.beyond {
            beyond.processes.ask(slot, command);
        }
    }

    /// Brings the observer in line with what has become of its region.
    pub(super) fn look_after_observer(&mut self) {
        let fares = self.parts.state(Place::Witness, Part::Sidecars).answer;
        let restart = self.now.after(self.conditions.restart);
        let Some(beyond) = &mut self.beyond else { return };
        let before = std::mem::replace(&mut beyond.observer, fares);
        match (before, fares) {
            (Answer::Refuses, Answer::Answers) => {
                beyond.observer_starts += 1;
                let generation = beyond.observer_starts;
                self.queue.push(
                    restart,
                    Event::Restart {
                        slot: u8::MAX,
                        generation,
                    },
                );
            }
            (Answer::Hangs, Answer::Answers) => beyond.processes.resume(OBSERVER),
            (Answer::Answers, Answer::Hangs) => beyond.processes.pause(OBSERVER),
            (Answer::Answers | Answer::Hangs, Answer::Refuses) => {
                beyond.observer_starts += 1;
                beyond.processes.stop(OBSERVER);
            }
            _ => {}
        }
    }

    pub(super) fn restart_observer(&mut self, generation: u32) {
        if let Some(beyond) = &mut self.beyond
            && beyond.observer == Answer::Answers
            && beyond.observer_starts == generation
        {
            beyond.processes.start(OBSERVER);
        }
    }

    /// What a shell's clock showed when it began what arrives now.
    #[inline]
    pub(super) fn shell_saw(&self, boot: Timestamp) -> Timestamp {
        self.beyond.as_ref().map_or(boot, |beyond| boot.before(beyond.latency))
    }

    /// From here on requests arrive so much later than they were sent.
    pub(crate) fn set_latency(&mut self, latency: Duration) {
        if let Some(beyond) = &mut self.beyond {
            beyond.latency = latency;
        }
    }

    /// Tells the invariants what happened until then: whatever arrives late has arrived.
    pub(crate) fn tell_kept_facts(&mut self, until: Moment) {
        let Some(beyond) = &mut self.beyond else { return };
        let later = beyond.facts.split_off(&(until, true, u64::MAX));
        let facts = std::mem::replace(&mut beyond.facts, later);
        let record = &mut self.record;
        for ((at, ..), fact) in facts {
            self.invariants.see(at, &fact, &mut |name, when, text| {
                if is_judged(name) {
                    record.violate(when, name, text);
                }
            });
        }
    }

    /// A promotion went through.
    #[cold]
    pub(super) fn keep_promotion(&mut self, promotion: Promotion) {
        let epoch = self.store.record().epoch;
        if let Some(beyond) = &mut self.beyond {
            beyond.promotions.push((promotion, epoch));
        }
    }

    /// Whether an order that a region committed at a moment, in an epoch, is in no database that survives.
    pub(crate) fn is_lost(&self, region: Region, at: Moment, epoch: Epoch) -> bool {
        let Some(beyond) = &self.beyond else { return false };
        beyond
            .promotions
            .iter()
            .any(|(promotion, began)| promotion.region != region && epoch < *began && at > promotion.replicated_until)
    }

    /// What the clients measured.
    pub(crate) fn clients_measured(&mut self, measured: Measured) {
        if self.now < self.onset {
            return;
        }
        self.clients_found(measured.processed, measured.place, measured.stretching);
        if measured.redirected && self.redirected.is_none() && !self.record.failovers.is_empty() {
            self.redirected = Some(self.now);
        }
    }

    /// A probe asks a region from elsewhere, or from within.
    pub(crate) fn probe_arrives(&mut self, vantage: Place, target: Region, question: Question) -> Faring {
        let target = Place::from(target);
        let there = match question {
            Question::Path => self.path_health(target, false),
            Question::DeepPath => self.path_health(target, true),
            Question::Database => {
                let aurora = self.parts.state(target, Part::Aurora);
                (aurora.answer, aurora.late)
            }
        };
        match self.question(vantage, target, there, true) {
            Some((way, answer, takes)) => (way.max(answer), takes),
            None => (Answer::Hangs, Duration::ZERO),
        }
    }

    /// Somebody asks whether there is anything outside.
    pub(crate) fn reference_arrives(&mut self, vantage: Place, outside: Place) -> Faring {
        let way = self.links.ask(vantage, outside);
        let through = self.gets_through(vantage, outside);
        let takes = self.links.round_trip(vantage, outside);
        (if through { way } else { Answer::Hangs }, takes)
    }

    /// The lag of a region's own replica.
    pub(crate) fn lag_of_replica(&self, region: Region) -> Option<Duration> {
        // Nobody measures what follows a database that does not take writes.
        self.lag_into(region)
            .filter(|_| self.databases.is_writer(region.other()))
    }

    /// A message from one place to another.
    pub(crate) fn message_arrives(&mut self, from: Place, to: Place, heartbeat: bool) -> Crossing {
        let sender = self.parts.state(from, Part::Heartbeat);
        let lost = heartbeat && !sender.speaks();
        let late = if heartbeat { sender.late } else { Duration::ZERO };
        let way = Way {
            link: Some((from, to)),
            channels: [heartbeat.then_some((Channel::Heartbeats, from)), None],
        };
        let fares = if lost || !self.links.tells(from, to) {
            [None; 2]
        } else if self.deliveries.any() {
            self.deliveries.send(way, &mut self.rng)
        } else {
            [Some(Duration::ZERO), None]
        };
        let one_way = self.links.one_way(from, to) + late;
        let back = match self.links.ask(from, to) {
            Answer::Answers if fares[0].is_none() => Answer::Hangs,
            other => other,
        };
        Crossing {
            arrives: fares.map(|late| late.map(|late| one_way + late)),
            back: (back, self.links.one_way(to, from)),
        }
    }

    /// A client's order reaches a region.
    pub(crate) fn order_arrives(&self, region: Region) -> Treatment {
        let place = Place::from(region);
        let (answer, late) = self.path_health(place, false);
        let way = self.links.ask(Place::Internet, place);
        let acceptance = self.acceptance(region);
        let fares = match acceptance {
            Acceptance::Refuses => match answer.max(way) {
                // The path is up, and the region does not accept.
                Answer::Answers => Answer::Refuses,
                other => other,
            },
            Acceptance::Intake | Acceptance::Commits => Answer::Answers,
        };
        Treatment {
            faring: (fares, self.links.round_trip(Place::Internet, place) + late),
            acceptance,
            epoch: self.order_paths[region.index()].epoch,
        }
    }

    /// What the public name answers with.
    pub(crate) fn answer_of_name(&self) -> Region {
        self.dns.answer()
    }

    /// Says something in the timeline.
    pub(crate) fn note(&mut self, who: &str, kind: Kind, text: String) {
        self.record.say(self.now, who, kind, || text);
    }

    /// How many invariants are judged.
    pub(super) fn judged(&self) -> usize {
        let judged = |name| self.beyond.is_none() || is_judged(name);
        invariants::ALL
            .iter()
            .filter(|invariant| judged(invariant.name))
            .count()
    }

    /// What has happened so far.
    pub(crate) fn timeline(&self) -> &[TimelineEntry] {
        &self.record.timeline
    }

    /// What was decided so far.
    pub(crate) fn decisions(&self) -> &[DecisionReport] {
        &self.record.decisions
    }

    /// How everything stands.
    pub(crate) fn glance(&self) -> Glance {
        let figure = |availability: &super::Availability| {
            let interruption = availability.counted()?;
            let from = self.faults.last_beginning(interruption.from);
            Some(crate::report::seconds(interruption.to?.relative_to(from)))
        };
        Glance {
            since_onset: self.record.seconds(self.now),
            lease: *self.store.record(),
            answer: self.dns.answer(),
            acceptance: Region::BOTH.map(|region| self.acceptance(region)),
            engines: self
                .slots
                .iter()
                .map(|it| Standing {
                    who: it.name.clone(),
                    state: it.process,
                    paused: it.runs() && !it.is_running(),
                })
                .collect(),
            faults: self.faults.in_force().map(Fault::in_short).collect(),
            faults_to_come: self.faults.schedule.waits() || !self.faults.all_begun(),
            failovers: self.record.failovers.len(),
            resting: self.slots.iter().filter_map(|it| it.process).all(rests),
            settled: self.acceptance(self.store.record().holder) == Acceptance::Commits
                && self.dns.answer() == self.store.record().holder,
            home: self.record.home.is_some(),
            figures: [figure(&self.placing), figure(&self.processing)],
            interrupted: self.placing.is_open() || self.processing.is_open(),
            as_stated: self.guards_and_operators_as_stated(),
        }
    }
}
