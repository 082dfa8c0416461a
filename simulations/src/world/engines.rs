//! The engines: real cores, each with its own clocks, fed and emptied as its shell would.

use std::collections::VecDeque;
use std::time::Duration;

use understudy_engine::core::effect::Outcome;
use understudy_engine::core::engine::{Engine, Identity};
use understudy_engine::core::ids::{EffectId, Region, SidecarId};
use understudy_engine::core::machine::StateName;
use understudy_engine::core::memory::Memory;
use understudy_engine::core::signal::{PeerMessage, Signal};
use understudy_engine::core::time::{Now, Timestamp};

use super::World;
use super::clock::{MachineClock, Moment};
use super::parts::Answer;
use super::queue::Event;
use super::twin::Twin;
use crate::invariants::Fact;
use crate::scenario::{Origin, Part, Place};

/// What is sent to a sidecar that is paused and still waits for it when it goes on. The oldest goes first.
const INBOX_MAX: usize = 256;

/// How fine a shell's timer is.
const TIMER: Duration = Duration::from_millis(1);

/// One sidecar: its place, its clocks, and the engine while it runs.
#[derive(Debug)]
pub(crate) struct Slot {
    pub region: Region,
    pub sidecar: SidecarId,
    pub clock: MachineClock,
    /// The same clock as it ran before its rate changed, oldest first.
    earlier: Vec<MachineClock>,
    /// By how many milliseconds its wall clock was set ahead.
    wall_ahead: i64,
    /// None: the sidecar is not running.
    pub engine: Option<Engine>,
    /// Different for every start of every sidecar.
    pub incarnation: u64,
    /// Its name in the timeline.
    pub name: String,
    /// Until when its engine last believed that its region may serve.
    pub tenure: Timestamp,
    /// The role change that its journal is about to decide on was asked for by an operator.
    pub ordered: bool,
    /// A second engine beside it.
    pub twin: Twin,
    /// What the sidecar's disk holds.
    memory: Option<Memory>,
    /// It alone is stopped or hangs, or was shut down, and has not started again.
    pub out: bool,
    /// In a drill its engine is a process of its own; none: that does not run. Where its machine stands, as far as it has
    /// said.
    pub process: Option<StateName>,
    paused: bool,
    restarting: bool,
    starts: u32,
    wake: Option<Moment>,
    /// The time-out that `wake` was made of. A later one asks for no earlier wake-up.
    wake_for: Timestamp,
    /// Outcomes, and effects to be begun: its shell keeps every one of them.
    unsettled: Vec<Input>,
    inbox: VecDeque<Input>,
}

/// What an engine, or its shell, is to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input {
    Signal(Signal),
    Peer(PeerMessage),
    Outcome(EffectId, Outcome),
    Timeout,
    /// The shell gets to an effect that it was asked for.
    Begin(u32),
}

impl Input {
    /// Hands it to an engine. What the shell does is none of the engine's business.
    pub(super) fn hand_to(&self, engine: &mut Engine, now: Now) {
        match *self {
            Self::Signal(signal) => engine.handle_signal(now, signal),
            Self::Peer(message) => engine.handle_peer(now, message),
            Self::Outcome(id, outcome) => engine.handle_outcome(now, id, outcome),
            Self::Timeout => engine.handle_timeout(now),
            Self::Begin(_) => {}
        }
    }
}

impl Slot {
    pub(crate) fn new(region: Region, sidecar: u16, sidecars: u16, clock: MachineClock) -> Self {
        let number = if sidecars > 1 {
            format!(" {}", sidecar + 1)
        } else {
            String::new()
        };
        Self {
            region,
            sidecar: SidecarId(sidecar),
            clock,
            earlier: Vec::new(),
            wall_ahead: 0,
            engine: None,
            incarnation: 0,
            name: format!("{} engine{number}", Place::from(region)),
            tenure: Timestamp::ZERO,
            ordered: false,
            twin: Twin::default(),
            memory: None,
            out: false,
            process: None,
            paused: false,
            restarting: false,
            starts: 0,
            wake: None,
            wake_for: Timestamp::NEVER,
            unsettled: Vec::new(),
            inbox: VecDeque::new(),
        }
    }

    /// Its number, from 1.
    pub(crate) const fn number(&self) -> u16 {
        self.sidecar.0 + 1
    }

    /// The true moment at which its boot-time clock showed this.
    pub(crate) fn when(&self, shown: Timestamp) -> Moment {
        let mut clocks = std::iter::once(&self.clock).chain(self.earlier.iter().rev());
        let then = clocks.find(|clock| clock.boot_then <= shown.as_micros());
        then.map_or(Moment::START, |clock| clock.when(shown))
    }

    /// Sets its clocks. True: its wake-ups come at other moments now.
    fn set_clock(&mut self, now: Moment, drift_ppm: i32, wall_ahead: i64) -> bool {
        let set = wall_ahead - std::mem::replace(&mut self.wall_ahead, wall_ahead);
        if set != 0 {
            self.clock = self.clock.set_ahead(set);
        }
        if drift_ppm == self.clock.drift_ppm {
            return false;
        }
        self.earlier.push(self.clock);
        self.clock = self.clock.at_rate(now, drift_ppm);
        self.wake = None;
        true
    }

    /// It ends: what waited for it is gone. Returns what a restart has to name.
    fn stop(&mut self, now: Moment) -> u32 {
        // Its shell writes down what must not be forgotten before it does anything.
        if let Some(engine) = self.engine.take() {
            self.twin.ends(self.clock.now(now), &engine);
            self.memory = Some(engine.memory(self.clock.now(now)));
        }
        self.process = None;
        self.paused = false;
        self.restarting = false;
        self.starts += 1;
        self.wake = None;
        self.unsettled.clear();
        self.inbox.clear();
        self.starts
    }

    /// It is on its way up again.
    pub(crate) const fn restarts(&mut self) {
        self.restarting = true;
    }

    /// Keeps what comes while it is paused.
    pub(super) fn keep(&mut self, input: Input) {
        match input {
            Input::Outcome(..) | Input::Begin(_) => self.unsettled.push(input),
            Input::Signal(_) | Input::Peer(_) => {
                if self.inbox.len() == INBOX_MAX {
                    self.inbox.pop_front();
                }
                self.inbox.push_back(input);
            }
            // The clock is looked at first when it goes on.
            Input::Timeout => {}
        }
    }

    /// Whether it runs and is not paused.
    pub(crate) const fn is_running(&self) -> bool {
        self.runs() && !self.paused
    }

    /// Whether it runs, paused or not.
    pub(crate) const fn runs(&self) -> bool {
        self.engine.is_some() || self.process.is_some()
    }

    /// Where its engine stands; none: it does not run.
    pub(crate) fn state(&self) -> Option<StateName> {
        self.engine.as_ref().map(Engine::state).or(self.process)
    }
}

impl World<'_> {
    /// Starts a sidecar that is not running.
    pub(super) fn start_engine(&mut self, slot: usize) {
        let now = self.now;
        let number = u64::try_from(slot).unwrap_or(u64::MAX);
        let it = &mut self.slots[slot];
        it.starts += 1;
        it.restarting = false;
        it.out = false;
        it.incarnation = number << 32 | u64::from(it.starts);
        let identity = Identity {
            region: it.region,
            sidecar: it.sidecar,
            incarnation: it.incarnation,
        };
        let clock = it.clock.now(now);
        let start = || {
            let engine = match &it.memory {
                Some(memory) => Engine::remembering(self.policy, identity, memory, clock),
                None => Engine::new(self.policy, identity, clock),
            };
            #[cfg(feature = "seeded-bugs")]
            if let Some(crate::seeded::Bug::Core(bug)) = self.bug {
                return engine.with_bug(bug);
            }
            engine
        };
        if let Some(beyond) = &mut self.beyond {
            it.process = Some(StateName::Recovering);
            beyond.processes.start(slot);
        } else {
            it.twin = if self.twins { Twin::of(start()) } else { Twin::default() };
            it.engine = Some(start());
        }
        it.tenure = Timestamp::ZERO;
        if it.region == Region::Away {
            self.oracle.interfere(now);
        }
        if self.something_waits() {
            self.reached(|origin| origin == Origin::State(StateName::Recovering));
        }
        self.look_for_silence();
        let sidecar = self.sidecar(slot);
        self.happened(&Fact::Started { sidecar });
        self.empty(slot);
    }

    /// A sidecar's process ends. Returns what a restart has to name.
    pub(super) fn stop_engine(&mut self, slot: usize) -> u32 {
        let ran = self.slots[slot].runs();
        let generation = self.slots[slot].stop(self.now);
        if ran {
            let sidecar = self.sidecar(slot);
            if let Some(beyond) = &mut self.beyond {
                beyond.processes.stop(slot);
            }
            self.tell_of_twin(slot);
            self.happened(&Fact::Stopped { sidecar });
        }
        generation
    }

    /// Brings the sidecars in line with what has become of their regions.
    pub(super) fn look_after_engines(&mut self) {
        for slot in 0..self.slots.len() {
            let sidecar = self.sidecar(slot);
            let it = &mut self.slots[slot];
            let place = Place::from(it.region);
            let alone = self.faults.sidecar(place, it.number());
            it.out |= !alone.is_up();
            match self.parts.state(place, Part::Sidecars).answer.max(alone) {
                Answer::Refuses => {
                    self.stop_engine(slot);
                }
                Answer::Hangs if it.is_running() => {
                    it.paused = true;
                    if let Some(beyond) = &mut self.beyond {
                        beyond.processes.pause(slot);
                    }
                    self.happened(&Fact::Paused { sidecar });
                }
                Answer::Hangs => {}
                Answer::Answers if !it.runs() && !it.restarting => {
                    it.restarting = true;
                    let event = Event::Restart {
                        slot: u8::try_from(slot).unwrap_or(u8::MAX),
                        generation: it.starts,
                    };
                    self.queue.push(self.now.after(self.conditions.restart), event);
                }
                Answer::Answers if it.paused => {
                    it.paused = false;
                    it.out = false;
                    if let Some(beyond) = &mut self.beyond {
                        beyond.processes.resume(slot);
                    }
                    self.happened(&Fact::Resumed { sidecar });
                    self.wake_up_from_pause(slot);
                }
                Answer::Answers => {}
            }
        }
        if self.beyond.is_some() {
            self.look_after_observer();
        }
        self.look_for_silence();
    }

    /// Brings the clocks in line with the faults of clocks.
    pub(super) fn look_after_clocks(&mut self) {
        if !self.faults.touch_clocks() {
            return;
        }
        for slot in 0..self.slots.len() {
            let region = self.slots[slot].region;
            let (rate, ahead) = self.faults.clock(Place::from(region));
            let rate = rate.unwrap_or(self.conditions.drift_ppm[region.index()]);
            if self.slots[slot].set_clock(self.now, rate, ahead) {
                self.schedule_wake(slot);
            }
        }
        for region in Region::BOTH {
            let ahead = self.faults.database_clock(Place::from(region));
            if self.databases.clocks.set_ahead(region, ahead) {
                self.serving_expiry_moved(region);
            }
        }
    }

    /// Looks which regions have no sidecar left that could look at anything.
    pub(super) fn look_for_silence(&mut self) {
        self.silent = Region::BOTH.map(|region| {
            let mut slots = self.slots.iter().filter(|slot| slot.region == region);
            slots.all(|slot| slot.out)
        });
    }

    /// Whether somebody in this place looks at the others: a sidecar, or the observer.
    #[inline]
    pub(super) fn looks_out(&self, place: Place) -> bool {
        self.parts.up(place, Part::Sidecars) && !place.region().is_some_and(|region| self.silent[region.index()])
    }

    /// A sidecar that was stopped has started again.
    pub(super) fn restart(&mut self, slot: u8, generation: u32) {
        let slot = usize::from(slot);
        let Some(it) = self.slots.get(slot) else {
            return self.restart_observer(generation);
        };
        if !it.restarting || it.starts != generation {
            return;
        }
        let place = Place::from(it.region);
        let alone = self.faults.sidecar(place, it.number());
        if self.parts.state(place, Part::Sidecars).answer.max(alone).is_up() {
            self.start_engine(slot);
        } else {
            // Where nothing runs nothing starts: it is tried again when the region answers.
            self.slots[slot].restarting = false;
        }
    }

    /// The world went on meanwhile: everything that waited comes at once, the clock first.
    fn wake_up_from_pause(&mut self, slot: usize) {
        let unsettled = std::mem::take(&mut self.slots[slot].unsettled);
        let inbox = std::mem::take(&mut self.slots[slot].inbox);
        self.feed(slot, Input::Timeout);
        for input in unsettled.into_iter().chain(inbox) {
            self.feed(slot, input);
        }
    }

    /// An engine asked to be woken. Wake-ups that were overtaken by earlier ones come to nothing.
    pub(super) fn wake(&mut self, slot: u8) {
        let slot = usize::from(slot);
        if self.slots[slot].wake != Some(self.now) {
            return;
        }
        self.slots[slot].wake = None;
        let it = &self.slots[slot];
        let due = it
            .engine
            .as_ref()
            .and_then(Engine::poll_timeout)
            .is_some_and(|timeout| timeout <= it.clock.boot(self.now));
        if due {
            self.feed(slot, Input::Timeout);
        } else {
            self.schedule_wake(slot);
        }
    }

    /// Tells an engine something and carries out what it asks for.
    pub(super) fn feed(&mut self, slot: usize, input: Input) {
        let it = &mut self.slots[slot];
        let now = it.clock.now(self.now);
        let Some(engine) = &mut it.engine else {
            return self.feed_process(slot, input);
        };
        if it.paused {
            it.keep(input);
            return;
        }
        if let Input::Begin(effect) = input {
            return self.begin_effect(effect);
        }
        input.hand_to(engine, now);
        it.twin.feed(now, &input);
        self.empty(slot);
        self.leave_if_done(slot);
    }

    /// Takes out everything that an engine has to say. The journal is written before anything is begun.
    pub(super) fn empty(&mut self, slot: usize) {
        while let Some(entry) = self.slots[slot].engine.as_mut().and_then(Engine::poll_journal) {
            self.slots[slot].twin.writes(Some(&entry));
            self.journal(slot, &entry.what);
        }
        self.tell_of_tenure(slot);
        while let Some(effect) = self.slots[slot].engine.as_mut().and_then(Engine::poll_effect) {
            self.slots[slot].twin.asks(Some(&effect));
            self.ask_for(slot, effect);
        }
        if self.twins {
            self.slots[slot].twin.writes(None);
            self.slots[slot].twin.asks(None);
            self.tell_of_twin(slot);
        }
        self.schedule_wake(slot);
    }

    fn schedule_wake(&mut self, slot: usize) {
        let it = &mut self.slots[slot];
        let Some(timeout) = it.engine.as_ref().and_then(Engine::poll_timeout) else {
            return;
        };
        if it.wake.is_some() && timeout >= it.wake_for {
            return;
        }
        let due = it.clock.when(timeout);
        // An engine that asks for a moment that is past must not keep the world from going on.
        let at = if due > self.now { due } else { self.now.after(TIMER) };
        if it.wake.is_none_or(|wake| at < wake) {
            it.wake = Some(at);
            it.wake_for = if due > self.now { timeout } else { Timestamp::NEVER };
            self.queue.push(at, Event::Wake(u8::try_from(slot).unwrap_or(u8::MAX)));
        }
    }
}
