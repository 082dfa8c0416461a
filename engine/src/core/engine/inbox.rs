//! Everything that goes in.

use super::{Engine, Errand, Refusal};
use crate::core::decision::Guard;
use crate::core::effect::{Intent, Outcome};
use crate::core::evidence::Heard;
use crate::core::ids::{EffectId, Epoch, Region};
use crate::core::journal::Happening;
use crate::core::lease::Settled;
use crate::core::machine::{Event, StateName};
use crate::core::runner::StepState;
use crate::core::signal::{Command, DatabaseChange, ExecutionStatus, Notice, Observation, PeerMessage, Signal};
use crate::core::time::{Now, WallTime};
use crate::workflow::StepId;
use understudy_policies::model::{Mode, WitnessKind};

impl Engine {
    /// A witness observed a region.
    pub fn handle_signal(&mut self, now: Now, signal: Signal) {
        let now = self.begin(now);
        if self.hear(now, signal) {
            self.advance(now);
        }
    }

    /// The platform reported something.
    pub fn handle_notice(&mut self, now: Now, notice: Notice) {
        let now = self.begin(now);
        match notice {
            // Never believed, only a reason to look; one look at a time.
            Notice::Database { change, .. } if change != DatabaseChange::Other => {
                let looking = self
                    .pending
                    .iter()
                    .any(|pending| pending.errand == Some(Errand::LookAtDatabase));
                if !looking {
                    self.errand(now, Intent::DescribeDatabase, Errand::LookAtDatabase);
                }
            }
            // Only the machine of this region can be doing what this engine would do.
            Notice::Execution {
                region,
                failover: true,
                status,
            } if region == self.identity.region => {
                let running = status == ExecutionStatus::Running;
                self.execution_since = running.then_some(now.boot);
            }
            Notice::Execution { .. } => {}
            Notice::SwitchFlipped { epoch, .. } => {
                if self.keeper.record().is_none_or(|record| epoch > record.epoch) {
                    self.keeper.look_now(now.boot);
                }
            }
            // The shell reloads parameters; the core has nothing to do.
            Notice::Database { .. } | Notice::ParameterChanged { .. } => {}
        }
        self.advance(now);
    }

    /// The other region's sidecar sent a message.
    pub fn handle_peer(&mut self, now: Now, message: PeerMessage) {
        let now = self.begin(now);
        match message {
            PeerMessage::GrantRequest { from, epoch, nonce } => {
                // Every sidecar that hears the request holds back, whoever answers it.
                let granted = self.may_promise(from, epoch).then(|| self.keeper.promise(now.boot));
                if self.keeper.has_the_seat() {
                    self.errand(
                        now,
                        Intent::TellPeer(PeerMessage::GrantAnswer { nonce, granted }),
                        Errand::Aside,
                    );
                }
            }
            PeerMessage::GrantAnswer { nonce, granted } => {
                if let Settled::Next(wish) = self.keeper.granted(nonce, granted) {
                    self.grant(now, wish);
                }
            }
        }
        self.advance(now);
    }

    /// An effect turned out so.
    pub fn handle_outcome(&mut self, now: Now, id: EffectId, outcome: Outcome) {
        let now = self.begin(now);
        let Some(position) = self.pending.iter().position(|pending| pending.effect.id == id) else {
            self.disregarded.late_outcome += 1;
            return;
        };
        let pending = self.pending.swap_remove(position);
        let intent = pending.effect.intent;
        if !intent.is_routine() {
            self.note(now, Happening::Settled { id, intent, outcome });
        }
        // Whatever brings the lease item, it is looked at.
        if let Outcome::Lease(record) | Outcome::Conflict(record) = outcome {
            self.see_lease(now, record);
        }
        let settled = self.keeper.settle(now.boot, id, outcome);
        if let Settled::Next(wish) = settled {
            self.grant(now, wish);
        }
        if settled != Settled::NotOurs {
            self.recovery.lease |= self.keeper.record().is_some();
        } else if let Some(errand) = pending.errand {
            self.settle_errand(now, errand, outcome);
        } else if let Some(step) = self.runner.waiting_for(id).filter(|step| self.runner.runs_here(step)) {
            self.settle_step(now, step, &pending, outcome);
        } else {
            self.disregarded.late_outcome += 1;
        }
        self.advance(now);
    }

    /// An operator asks for something.
    ///
    /// # Errors
    /// A [`Refusal`] that says why nothing was done.
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<(), Refusal> {
        let now = self.begin(now);
        let answer = self.command(now, command);
        let refused = answer.err();
        self.note(now, Happening::Commanded { command, refused });
        self.advance(now);
        answer
    }

    fn command(&mut self, now: Now, command: Command) -> Result<(), Refusal> {
        let state = self.machine.state();
        match command {
            Command::Pause | Command::Resume => self.paused = command == Command::Pause,
            Command::Arm | Command::Disarm => {
                let mode = if command == Command::Arm {
                    Mode::Armed
                } else {
                    Mode::Shadow
                };
                if self.mode != mode && state.is_role_change() {
                    return Err(Refusal::WrongState(state));
                }
                self.mode = mode;
                self.keeps_lease |= self.is_armed();
            }
            Command::FailOver { accept_loss } => {
                self.loss_accepted = accept_loss;
                let answer = self.ask(now, Event::FailoverAsked, Self::operator_failover_objection);
                // A consent is good for the failover that it was given for, and for no later one.
                self.loss_accepted &= answer.is_ok();
                return answer;
            }
            Command::FailBack => return self.ask(now, Event::FailbackAsked, Self::operator_failback_objection),
            Command::Approve => return self.approve(),
            Command::Acknowledge if state == StateName::NeedsOperator => {
                self.operator_asked = false;
                self.turn(now, Event::Acknowledged);
            }
            Command::Acknowledge => return Err(Refusal::WrongState(state)),
            Command::ShutDown => return self.shut_down(now),
        }
        Ok(())
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.begin(now);
        if self.state_deadline.is_some_and(|deadline| now.boot >= deadline) {
            // What is known now comes first: the state may be over for another reason.
            let state = self.machine.state();
            self.advance(now);
            let limit = self.settings.deadline(state);
            if self.machine.state() != state {
                // It is.
            } else if self.runner.waits_for_a_human() {
                self.state_deadline = limit.map(|limit| now.boot.after(limit));
            } else {
                self.state_deadline = None;
                self.turn(now, Event::Deadline);
            }
        }
        self.advance(now);
    }

    /// Finds witnesses that have fallen silent meanwhile, so that nothing is decided on what they said before.
    fn find_silent(&mut self, now: Now) {
        let mut fallen = Vec::new();
        // Most of the time a dead-man timer that seemed to be due has been set back meanwhile.
        let any = self
            .evidence
            .find_silent(&self.settings, now.boot, |witness, target, from, to| {
                fallen.push(Happening::Witness {
                    witness,
                    target,
                    from,
                    to,
                });
            });
        for happening in fallen {
            self.note(now, happening);
        }
        if any {
            self.reassess(now);
        }
    }

    /// Takes a signal in. Returns whether anything may follow from it.
    fn hear(&mut self, now: Now, signal: Signal) -> bool {
        match self.evidence.hear(&self.settings, now, signal, &mut self.disregarded) {
            Heard::Disregarded | Heard::Same => false,
            Heard::Changed { from, to } => {
                if from != to {
                    let Signal { witness, target, .. } = signal;
                    self.note(
                        now,
                        Happening::Witness {
                            witness,
                            target,
                            from,
                            to,
                        },
                    );
                }
                self.reassess(now);
                true
            }
        }
    }

    /// The lease item as some effect brought it.
    pub(super) fn see_lease(&mut self, now: Now, record: crate::core::lease::LeaseRecord) {
        let seen = self.keeper.record().map(|seen| seen.epoch);
        let before = seen.or(self.remembered_epoch);
        let moved = self.keeper.see(now.boot, record);
        let after = self.keeper.record().map(|seen| seen.epoch);
        if before.is_some() && before != after {
            if self.role_changes.len() == super::ROLE_CHANGES_KEPT {
                self.role_changes.pop_front();
            }
            self.role_changes.push_back(now.boot);
        }
        // A moving renewal counter is a sign of life of the holder's engine.
        if moved {
            let witness = self
                .settings
                .witnesses
                .iter()
                .position(|witness| witness.kind == WitnessKind::LeaseRenewal);
            if let Some(witness) = witness.and_then(|index| u8::try_from(index).ok()) {
                let witness = crate::core::ids::WitnessId(witness);
                let (target, observed) = (record.holder, WallTime::from_millis(now.wall.as_millis()));
                self.hear(
                    now,
                    Signal {
                        witness,
                        target,
                        observation: Observation::Healthy,
                        observed,
                    },
                );
            }
        }
    }

    fn settle_errand(&mut self, now: Now, errand: Errand, outcome: Outcome) {
        match (errand, outcome) {
            (Errand::LookAtDatabase, outcome) => {
                self.recovery.database = true;
                if let Outcome::Database(view) = outcome {
                    self.database = Some(view);
                }
            }
            (Errand::LookAtSwitches, outcome) => {
                self.recovery.switches = true;
                if let Outcome::Switches(switches) = outcome {
                    self.settle_switches(now, switches);
                }
            }
            (Errand::WriteServing, Outcome::Done) => {
                self.keeper.serving_row_done();
                if matches!(self.runner.step(StepId::WriteServingRow), StepState::Waiting { .. }) {
                    self.runner.done(StepId::WriteServingRow);
                }
            }
            (Errand::OrderPath(asked), outcome) => self.settle_order_path(now, asked, outcome),
            (Errand::Release, _) => self.settle_release(now),
            (Errand::WriteServing | Errand::Aside, _) => {}
        }
    }

    fn approve(&mut self) -> Result<(), Refusal> {
        let waiting = [
            StepId::ApproveFailover,
            StepId::ApproveFailback,
            StepId::ReconcileVenues,
        ]
        .into_iter()
        .find(|id| matches!(self.runner.step(*id), StepState::Running(_)));
        let Some(id) = waiting else {
            return Err(Refusal::WrongState(self.machine.state()));
        };
        if id == StepId::ApproveFailback && self.healthy_since[self.other().index()].is_none() {
            return Err(Refusal::Guard(Guard::Soak));
        }
        self.runner.done(id);
        Ok(())
    }

    fn ask(&mut self, now: Now, event: Event, objection: fn(&Self, Now) -> Option<Guard>) -> Result<(), Refusal> {
        if let Some(guard) = objection(self, now) {
            return Err(Refusal::Guard(guard));
        }
        let before = self.machine.state();
        self.turn(now, event);
        if self.machine.state() == before {
            Err(Refusal::WrongState(before))
        } else {
            Ok(())
        }
    }

    /// Every input begins here. Time never runs back: an earlier moment is taken to be the latest one seen.
    fn begin(&mut self, now: Now) -> Now {
        self.clock = self.clock.max(now.boot);
        let now = Now {
            boot: self.clock,
            wall: now.wall,
        };
        if now.boot >= self.evidence.next_silence() {
            self.find_silent(now);
        }
        now
    }

    /// Only one that sees nothing wrong with the asker promises to leave it alone: a promise delays a failover.
    fn may_promise(&self, from: Region, epoch: Epoch) -> bool {
        self.keeps_lease
            && self.machine.state() == StateName::Steady
            && !self.assessment(from).is_loss()
            && self
                .keeper
                .record()
                .is_some_and(|record| record.held_by(from, epoch) && record.claim.is_none())
    }
}
