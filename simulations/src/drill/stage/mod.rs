//! The stage: one thread on which the world lives, fed with what arrives, in the order in which it does.

mod showing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use understudy_engine::core::effect::Intent;
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::journal::{Happening, JournalEntry};
use understudy_engine::service::clock::{Clock, DrillTime};
use understudy_policies::Policy;

use crate::conditions::Conditions;
use crate::drill::clients::{Attempt, Crowd};
use crate::drill::crew::{Crew, Hands};
use crate::drill::governor::Governor;
use crate::drill::habits::{Habit, Habits};
use crate::drill::lanes::Lanes;
use crate::drill::report::DrillReport;
use crate::drill::scene::Scene;
use crate::drill::staging::{self, Audience};
use crate::drill::verdict::Watch;
use crate::drill::{Failure, Incoming, Stop};
use crate::report::{Kind, words};
use crate::run::conditions_rng;
use crate::scenario::Scenario;
use crate::world::World;
use crate::world::clients::Acceptance;
use crate::world::clock::Moment;
use crate::world::outside::{Glance, OBSERVER};

/// How often the scene is shown and looked at as a whole, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How many looks there are between two scenes.
const SCENE_EVERY: u64 = 8;
/// How often time is let go on if it is governed, in real time.
const GOVERN_EVERY: Duration = Duration::from_micros(700);
/// Nothing that an engine tells is later than this, in real time.
const TOLD_WITHIN: Duration = Duration::from_millis(400);
/// From the moment at which a request is sent until it is seen here, in real time, at most: at real time, and where time
/// waits for whoever falls behind.
const LATENCY: Duration = Duration::from_millis(250);
const LATENCY_GOVERNED: Duration = Duration::from_secs(2);
/// How long the engine's processes may take to start, in real time.
const START_MAX: Duration = Duration::from_secs(30);
/// While something happens, and for so long before and after it, an adaptive drill is awake.
const AWAKE_AROUND: Duration = Duration::from_secs(20);
/// What went wrong with the drill itself is told so often at most.
const TROUBLES_MAX: usize = 20;

/// An order that a region accepted.
#[derive(Debug, Clone, Copy)]
struct Order {
    at: Moment,
    region: Region,
    epoch: Epoch,
    committed: bool,
    client: usize,
    number: u64,
}

/// The stage.
pub(crate) struct Stage<'a> {
    world: World<'a>,
    scenario: &'a Scenario,
    policy: &'a Policy,
    seed: u64,
    audience: Audience,
    crew: Rc<RefCell<Crew>>,
    governor: Governor,
    time: &'static DrillTime,
    real: Clock,
    began: Duration,
    crowd: Crowd,
    orders: Vec<Order>,
    habits: Habits,
    /// By witness, region and slot.
    says: BTreeMap<(u8, usize, usize), &'static str>,
    watch: Watch,
    awake_until: Moment,
    /// The drill's clock at past looks.
    looks: Vec<(Duration, Moment)>,
    told: usize,
    lanes: Lanes,
    troubles: Vec<String>,
}

/// Starts the clients.
type Clients<'f> = &'f dyn Fn(&Audience) -> Result<(), Failure>;

impl<'a> Stage<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        policy: &'a Policy,
        seed: u64,
        conditions: Conditions,
        crew: Crew,
        governor: Governor,
        time: &'static DrillTime,
    ) -> Self {
        let audience = Audience::new(policy, &conditions, &mut conditions_rng(seed));
        let crew = Rc::new(RefCell::new(crew));
        let hands = Box::new(Hands(Rc::clone(&crew)));
        let real = Clock::real();
        Self {
            crowd: Crowd::new(audience.keeps.len(), audience.stretching),
            world: World::of_a_drill(scenario, policy, seed, conditions, DrillTime::boot_at(0), hands),
            scenario,
            policy,
            seed,
            audience,
            crew,
            governor,
            time,
            began: since_boot(real),
            real,
            orders: Vec::new(),
            habits: Habits::default(),
            says: BTreeMap::new(),
            watch: Watch::new(scenario),
            awake_until: Moment::START.after(scenario.onset + AWAKE_AROUND),
            looks: Vec::new(),
            told: 0,
            lanes: Lanes::default(),
            troubles: Vec::new(),
        }
    }

    /// Plays from beginning to end, and ends every process.
    pub(crate) fn run(
        mut self,
        incoming: &Receiver<Incoming>,
        stop: &Stop,
        clients: Clients<'_>,
        show: &mut dyn FnMut(&Scene),
    ) -> Result<DrillReport, Failure> {
        let played = self.play(incoming, stop, clients, show);
        let ids = self.crew.borrow().fleet.pids();
        if played.is_ok() {
            self.drain(incoming);
        }
        self.crew.borrow_mut().fleet.end_all();
        played.map(|()| self.report(ids))
    }

    fn play(
        &mut self,
        incoming: &Receiver<Incoming>,
        stop: &Stop,
        clients: Clients<'_>,
        show: &mut dyn FnMut(&Scene),
    ) -> Result<(), Failure> {
        self.world.start();
        self.wait_for_everyone(incoming, stop)?;
        clients(&self.audience)?;
        self.governor.begin()?;
        let mut next_look = self.now_real();
        for look in 0.. {
            let now = self.play_until(incoming, next_look)?;
            if stop.is_asked() {
                return Err(Failure::Interrupted);
            }
            next_look = self.now_real() + LOOK_EVERY;
            let glance = self.look(now);
            let over = self.watch.is_over(now, &glance);
            if over || look % SCENE_EVERY == 0 {
                show(&self.scene(&glance));
            }
            if over {
                break;
            }
        }
        Ok(())
    }

    /// Time stands still until every process has been heard.
    fn wait_for_everyone(&mut self, incoming: &Receiver<Incoming>, stop: &Stop) -> Result<(), Failure> {
        let until = self.now_real() + START_MAX;
        loop {
            let silent = {
                let crew = self.crew.borrow();
                let mut members = crew.fleet.members().iter();
                let silent = members.find(|member| !self.habits.knows(member.seat.process));
                silent.map(|member| member.seat.name())
            };
            let Some(silent) = silent else { return Ok(()) };
            if stop.is_asked() {
                return Err(Failure::Interrupted);
            }
            match incoming.recv_timeout(LOOK_EVERY) {
                Ok(Incoming::Ended { .. }) => return Err(Failure::Engine(silent)),
                Ok(Incoming::Trouble(trouble)) => return Err(Failure::Engine(trouble)),
                Ok(arrived) => self.take(arrived),
                Err(_) if self.now_real() > until => return Err(Failure::Engine(silent)),
                Err(_) => {}
            }
        }
    }

    /// Lets the world go on until a real moment.
    fn play_until(&mut self, incoming: &Receiver<Incoming>, until: Duration) -> Result<Moment, Failure> {
        loop {
            let now = self.advance();
            let real = self.now_real();
            if real >= until {
                return Ok(now);
            }
            let speed = self.govern(now)?;
            let due = self.world.due().map_or(LOOK_EVERY, |due| due.since(now).div_f64(speed));
            let patience = if self.governor.is_governed() {
                GOVERN_EVERY
            } else {
                LOOK_EVERY
            };
            let patience = due.min(patience).min(until - real);
            match incoming.recv_timeout(patience) {
                Ok(arrived) => {
                    self.advance();
                    self.take(arrived);
                    // Whatever else is there already, before anything else is looked at.
                    while let Ok(arrived) = incoming.try_recv() {
                        self.advance();
                        self.take(arrived);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// The world goes on until now.
    fn advance(&mut self) -> Moment {
        let now = Moment::from_micros(self.time.micros());
        self.world.advance(now);
        now
    }

    fn govern(&mut self, now: Moment) -> Result<f64, Failure> {
        if self.governor.is_governed() {
            let heard = self.habits.furthest_behind(&self.crew.borrow().fleet, self.now_real());
            self.governor.go_on(now < self.awake_until, heard)?;
        }
        let speed = self.governor.speed_now();
        let latency = if self.governor.is_governed() {
            LATENCY_GOVERNED
        } else {
            LATENCY
        };
        self.world.set_latency(latency.mul_f64(speed));
        Ok(speed)
    }

    /// What an engine said last arrives a little later than its effects.
    fn drain(&mut self, incoming: &Receiver<Incoming>) {
        let until = self.now_real() + LOOK_EVERY * 4;
        while let Some(left) = until.checked_sub(self.now_real())
            && let Ok(arrived) = incoming.recv_timeout(left)
        {
            if let Incoming::Journal { .. } | Incoming::Attempt(_) = arrived {
                self.take(arrived);
            }
        }
    }

    fn take(&mut self, arrived: Incoming) {
        match arrived {
            Incoming::Effect { slot, effect, reply } => {
                let habit = if matches!(effect.intent, Intent::Lease { .. }) {
                    Habit::Lease
                } else {
                    Habit::Other
                };
                self.hear(slot, habit);
                let index = self.world.effect_arrives(slot, effect);
                self.crew.borrow_mut().waits(index, reply);
            }
            Incoming::Probe {
                process,
                vantage,
                target,
                question,
                reply,
            } => {
                self.hear(process, Habit::Probe(target, question));
                let _ = reply.send(self.world.probe_arrives(vantage, target, question));
            }
            Incoming::Reference {
                process,
                vantage,
                outside,
                reply,
            } => {
                self.hear(process, Habit::Reference);
                let _ = reply.send(self.world.reference_arrives(vantage, outside));
            }
            Incoming::Lag { process, reply } => {
                self.hear(process, Habit::Other);
                let region = self.region_of(process);
                let _ = reply.send(region.and_then(|region| self.world.lag_of_replica(region)));
            }
            Incoming::Letter {
                process,
                receiver,
                from,
                to,
                heartbeat,
                about,
                reply,
            } => {
                let crossing = self.world.message_arrives(from, to, heartbeat);
                // What never arrives is not waited for.
                let habit = match crossing.arrives[0] {
                    Some(_) => Habit::Other,
                    None => Habit::Letter(receiver, about),
                };
                self.hear(process, habit);
                let _ = reply.send(crossing);
            }
            Incoming::Delivered {
                process,
                receiver,
                about,
            } => self.hear(process, Habit::Letter(receiver, about)),
            Incoming::Name { reply } => {
                let _ = reply.send(self.world.answer_of_name());
            }
            Incoming::Order {
                region,
                client,
                number,
                reply,
            } => {
                let treatment = self.world.order_arrives(region);
                if treatment.acceptance > Acceptance::Refuses {
                    self.orders.push(Order {
                        at: Moment::from_micros(self.time.micros()),
                        region,
                        epoch: treatment.epoch,
                        committed: treatment.acceptance == Acceptance::Commits,
                        client,
                        number,
                    });
                }
                let _ = reply.send(treatment);
            }
            Incoming::Attempt(attempt) => self.note(&attempt),
            Incoming::Journal { process, start, entry } => self.listen(process, start, &entry),
            Incoming::Ended { process, start } => self.ended(process, start),
            Incoming::Trouble(trouble) => self.trouble(trouble),
        }
    }

    fn hear(&mut self, process: usize, habit: Habit) {
        self.habits.hear(process, habit, self.time.micros(), self.now_real());
    }

    fn note(&mut self, attempt: &Attempt) {
        let now = DrillTime::boot_at(self.time.micros());
        self.crowd.note(attempt, now);
        self.measure();
    }

    fn measure(&mut self) {
        let measured = self
            .crowd
            .measured(DrillTime::boot_at(self.time.micros()), self.governor.speed_now());
        self.world.clients_measured(measured);
    }

    fn listen(&mut self, process: usize, start: u32, entry: &JournalEntry) {
        if process == OBSERVER || !self.crew.borrow().is_current(process, start) {
            return;
        }
        if let Happening::Witness {
            witness, target, to, ..
        } = entry.what
        {
            let says = words::witness_state(to);
            self.says.insert((witness.0, target.index(), process), says);
        }
        self.world.journal_says(process, entry);
    }

    /// A process has closed its output: killed by the world, or by itself.
    fn ended(&mut self, process: usize, start: u32) {
        let Some(reaped) = self.crew.borrow_mut().fleet.reap(process, start) else {
            return;
        };
        if !reaped.asked {
            let status = reaped.status;
            let crew = self.crew.borrow();
            let name = crew
                .fleet
                .members()
                .iter()
                .find(|member| member.seat.process == process);
            let name = name.map_or_else(String::new, |member| member.seat.name());
            drop(crew);
            self.trouble(format!("the engine's process {name} has ended by itself: {status}"));
        }
        self.world.process_ended(process);
    }

    fn trouble(&mut self, trouble: String) {
        if self.troubles.len() < TROUBLES_MAX {
            self.world.note("drill", Kind::Violation, trouble.clone());
            self.troubles.push(trouble);
        }
    }

    /// Looks at everything as a whole.
    fn look(&mut self, now: Moment) -> Glance {
        self.measure();
        let real = self.now_real();
        self.looks.push((real, now));
        let heard_of = self.looks.partition_point(|(at, _)| *at + TOLD_WITHIN < real);
        if let Some((_, then)) = heard_of.checked_sub(1).and_then(|last| self.looks.get(last)).copied() {
            self.world.tell_kept_facts(then);
            self.looks.drain(..heard_of);
        }
        let glance = self.world.glance();
        self.lanes.look(&glance, self.crowd.able_percent());
        if self.something_happens(now, &glance) {
            self.awake_until = self.awake_until.max(now.after(AWAKE_AROUND));
        }
        glance
    }

    fn something_happens(&self, now: Moment, glance: &Glance) -> bool {
        let onset = Moment::START.after(self.scenario.onset);
        let changes = staging::changes(self.scenario).any(|at| {
            let at = onset.after(at);
            now <= at && now.after(AWAKE_AROUND) >= at
        });
        changes || glance.interrupted || !glance.resting
    }

    fn now_real(&self) -> Duration {
        since_boot(self.real)
    }

    fn region_of(&self, process: usize) -> Option<Region> {
        let crew = self.crew.borrow();
        let member = crew
            .fleet
            .members()
            .iter()
            .find(|member| member.seat.process == process)?;
        member.seat.region
    }
}

fn since_boot(clock: Clock) -> Duration {
    Duration::from_micros(clock.boot().as_micros())
}
