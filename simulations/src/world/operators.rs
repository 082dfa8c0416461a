//! Operators: what they ask the engines for, and what a shell makes of being shut down.

use understudy_engine::core::engine::Engine;
use understudy_engine::core::signal::Command;

use super::World;
use super::engines::Slot;
use super::queue::Event;
use crate::report::{Kind, words};
use crate::scenario::{Operation, Place};

impl Operation {
    /// Whether a sidecar is one of those that are asked.
    fn asks(&self, slot: &Slot) -> bool {
        slot.region == self.region && self.sidecar.is_none_or(|number| number == slot.number())
    }
}

impl World<'_> {
    /// An operator asks a region's sidecars for something. One that is stopped, starting or hanging does not hear it.
    #[cold]
    pub(super) fn operation(&mut self, index: u16) {
        let scenario = self.scenario;
        let Some(operation) = scenario.operations.get(usize::from(index)) else {
            return;
        };
        self.record.say(self.now, "operator", Kind::Human, || {
            format!("{}: {}", operation.in_words(), operation.note)
        });
        match operation.command {
            Command::Pause | Command::Disarm => self.held_back[operation.region.index()] = true,
            Command::ShutDown | Command::FailOver { .. } => self.faults.note_deed(self.now),
            Command::Resume | Command::Arm | Command::FailBack | Command::Approve | Command::Acknowledge => {}
        }
        let (mut heard, mut missed) = (false, false);
        for slot in 0..self.slots.len() {
            if !operation.asks(&self.slots[slot]) {
                continue;
            }
            if self.slots[slot].is_running() {
                heard = true;
                self.ask_engine(slot, operation.command);
            } else {
                missed = true;
            }
        }
        // A sidecar that was not there to be told goes on as it was told before.
        if matches!(operation.command, Command::Resume | Command::Arm) && !missed {
            self.held_back[operation.region.index()] = false;
        }
        if !heard {
            self.record.say(self.now, "operator", Kind::Human, || {
                format!("no sidecar of {} hears it", Place::from(operation.region))
            });
        }
        self.oracle.interfere(self.now);
        self.look_around();
        self.show_the_oracle();
    }

    fn ask_engine(&mut self, slot: usize, command: Command) {
        let it = &mut self.slots[slot];
        let now = it.clock.now(self.now);
        let Some(engine) = &mut it.engine else {
            return self.ask_process(slot, command);
        };
        // A refusal stands in the engine's journal. Its shell runs on.
        let _ = engine.handle_command(now, command);
        it.twin.command(now, command);
        self.empty(slot);
        self.leave_if_done(slot);
    }

    /// A shell that is being shut down ends as soon as its engine says that it may, and starts again: a deployment.
    pub(super) fn leave_if_done(&mut self, slot: usize) {
        if self.slots[slot].engine.as_ref().is_some_and(Engine::may_end) {
            self.leave(slot);
        }
    }

    #[cold]
    pub(super) fn leave(&mut self, slot: usize) {
        let restart = self.conditions.restart;
        let generation = self.stop_engine(slot);
        let it = &mut self.slots[slot];
        it.restarts();
        it.out = true;
        let who = it.name.clone();
        self.record.say(self.now, &who, Kind::State, || {
            format!("ends, and starts again in {}", words::duration(restart))
        });
        let slot = u8::try_from(slot).unwrap_or(u8::MAX);
        self.queue
            .push(self.now.after(restart), Event::Restart { slot, generation });
        self.look_for_silence();
    }
}
