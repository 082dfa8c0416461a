//! The shells: effects on their way to where they take effect, and their outcomes on the way back.
//!
//! An effect is asked for, begun by its shell (unless its time has run out by then), applied where it takes effect, and
//! answered. Any of these can fail to happen: then the shell's patience runs out, and the outcome is unknown.

use std::time::Duration;

use rand::Rng;
use understudy_engine::core::effect::{Effect, Intent, Outcome};

use super::World;
use super::clock::Moment;
use super::engines::Input;
use super::lease_store::Reach;
use super::parts::Answer;
use super::queue::Event;
use crate::scenario::{Part, Place};

/// A refusal is back at once, give or take.
pub(super) const REFUSAL: Duration = Duration::from_millis(2);

/// How long a call to a control plane is waited for, however long the work that it asks for may take. Assumption: an
/// SDK call's own time-out.
const CALL: Duration = Duration::from_secs(60);

/// An effect under way.
#[derive(Debug)]
pub(super) struct InFlight {
    pub slot: usize,
    /// The engine that asked: another one that runs in its place is told nothing.
    incarnation: u64,
    pub effect: Effect,
    /// When the shell began it.
    pub begun: Moment,
    /// How long its answer takes, from the beginning.
    pub answer: Duration,
    outcome: Option<Outcome>,
    settled: bool,
    /// Its answer will not be back in time, and this was decided already.
    pub late: bool,
    expires: bool,
    /// Events and moves that still name it.
    references: u8,
}

/// All effects under way. Their places are used again.
#[derive(Debug, Default)]
pub(super) struct InFlights {
    entries: Vec<Option<InFlight>>,
    free: Vec<u32>,
}

impl InFlights {
    fn insert(&mut self, entry: InFlight) -> u32 {
        if let Some(index) = self.free.pop() {
            self.entries[index as usize] = Some(entry);
            return index;
        }
        self.entries.push(Some(entry));
        u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&mut self, index: u32) -> Option<&mut InFlight> {
        self.entries.get_mut(index as usize)?.as_mut()
    }

    fn release(&mut self, index: u32) {
        let Some(entry) = self.get(index) else { return };
        entry.references = entry.references.saturating_sub(1);
        if entry.references == 0 {
            self.entries[index as usize] = None;
            self.free.push(index);
        }
    }
}

/// How an effect fares on its way.
pub(super) enum Plan {
    /// It reaches nobody, and no answer comes.
    Lost,
    /// It comes to nothing more than this answer, after this long.
    Answer(Outcome, Duration),
    /// It takes effect after the first, and its answer is back after the second.
    Work { apply: Duration, answer: Duration },
}

/// What came of applying an effect.
pub(super) enum Applied {
    /// This.
    Answer(Outcome),
    /// Nothing that anyone will hear of.
    Silence,
    /// Not yet: again at this moment.
    Later(Moment),
    /// A move that takes its time; the effect waits for it.
    Waits,
}

impl World<'_> {
    /// An engine asks for an effect. Returns where it is kept while it is under way.
    pub(super) fn ask_for(&mut self, slot: usize, effect: Effect) -> u32 {
        let index = self.effects.insert(InFlight {
            slot,
            incarnation: self.slots[slot].incarnation,
            effect,
            begun: self.now,
            answer: Duration::ZERO,
            outcome: None,
            settled: false,
            late: false,
            expires: false,
            references: 1,
        });
        // What the engine needs for a decision, its journal's flush included, comes before what follows from it.
        let decides = self.beyond.is_none()
            && matches!(
                effect.intent,
                Intent::Lease {
                    request: understudy_engine::core::lease::LeaseRequest::Claim { .. },
                    ..
                }
            );
        // What begins with this step begins before its effect: the shell gets to it right afterwards, if it still runs.
        let comes_first = self.something_waits() && self.step_reached(&effect);
        if decides {
            self.queue
                .push(self.now.after(self.conditions.engine_turn), Event::BeginEffect(index));
        } else if comes_first {
            self.queue.push(self.now, Event::BeginEffect(index));
        } else {
            self.begin_effect(index);
        }
        index
    }

    /// A shell gets to an effect, if it still runs.
    pub(super) fn shell_begins(&mut self, index: u32) {
        let Some(entry) = self.effects.get(index) else { return };
        let (slot, incarnation) = (entry.slot, entry.incarnation);
        if self.slots[slot].runs() && self.slots[slot].incarnation == incarnation {
            self.feed(slot, Input::Begin(index));
        } else {
            self.effects.release(index);
        }
    }

    /// A shell begins an effect, or drops it because its time has run out.
    pub(super) fn begin_effect(&mut self, index: u32) {
        let now = self.now;
        let Some(entry) = self.effects.get(index) else { return };
        entry.begun = now;
        let (slot, effect) = (entry.slot, entry.effect);
        // The shell of a process has looked already.
        let over = self.beyond.is_none() && self.slots[slot].clock.boot(now) > effect.not_after;
        #[cfg(feature = "seeded-bugs")]
        let over = over && self.bug != Some(crate::seeded::Bug::ShellIgnoresLastMoment);
        let plan = if over {
            self.expired_effects += 1;
            Plan::Answer(Outcome::Failed, Duration::ZERO)
        } else {
            self.shell_begins_effect(slot, &effect);
            self.plan(slot, &effect)
        };
        let mut answer_lost = false;
        let plan = if self.deliveries.any() {
            self.plan_over_bad_links(slot, &effect, plan, &mut answer_lost)
        } else {
            plan
        };
        match plan {
            Plan::Lost => self.expire_later(index, call_patience(&effect)),
            Plan::Answer(outcome, after) => self.answer(index, outcome, after),
            Plan::Work { apply, answer } => {
                let late = answer >= effect.timeout;
                // Whether a write that nobody waited for was carried out cannot be known: here it is a coin's toss. One
                // whose answer alone is lost was.
                let applies = !late || answer_lost || self.rng.random_bool(0.5);
                if let Some(entry) = self.effects.get(index) {
                    entry.answer = answer;
                    entry.late = late;
                }
                if applies {
                    self.refer(index);
                    self.queue.push(now.after(apply), Event::ApplyEffect(index));
                }
                if late {
                    self.expire_later(index, effect.timeout);
                }
            }
        }
        self.effects.release(index);
    }

    /// An effect is where it takes effect.
    pub(super) fn apply_effect(&mut self, index: u32) {
        let Some(entry) = self.effects.get(index) else { return };
        let (slot, effect) = (entry.slot, entry.effect);
        match self.apply(index, slot, &effect) {
            Applied::Answer(outcome) => {
                let Some(entry) = self.effects.get(index) else { return };
                let after = entry.begun.after(entry.answer).since(self.now);
                self.answer(index, outcome, after);
            }
            Applied::Silence => self.expire_later(index, call_patience(&effect)),
            Applied::Waits => self.expire_later(index, effect.timeout),
            Applied::Later(at) => {
                let Some(entry) = self.effects.get(index) else { return };
                // The way back is as long as it would have been.
                entry.answer += at.since(self.now);
                let late = entry.answer >= effect.timeout;
                let decided = std::mem::replace(&mut entry.late, late);
                if decided || !late || self.rng.random_bool(0.5) {
                    self.refer(index);
                    self.queue.push(at, Event::ApplyEffect(index));
                }
                if late {
                    self.expire_later(index, effect.timeout);
                }
            }
        }
        self.effects.release(index);
        self.look_around();
    }

    /// The answer is on its way; it may come too late.
    pub(super) fn answer(&mut self, index: u32, outcome: Outcome, after: Duration) {
        let at = self.now.after(after);
        let Some(entry) = self.effects.get(index) else { return };
        let timeout = entry.effect.timeout;
        if at > entry.begun.after(timeout) {
            return self.expire_later(index, timeout);
        }
        entry.outcome = Some(outcome);
        self.refer(index);
        self.queue.push(at, Event::AnswerEffect(index));
    }

    /// A move that an effect waited for has come to an end.
    pub(super) fn answer_waiting(&mut self, index: u32, outcome: Option<Outcome>) {
        match outcome {
            Some(outcome) => self.answer(index, outcome, REFUSAL),
            None => {
                let patience = self.effects.get(index).map(|entry| entry.effect.timeout);
                self.expire_later(index, patience.unwrap_or_default());
            }
        }
        self.effects.release(index);
    }

    /// Something else still names an effect.
    pub(super) fn refer(&mut self, index: u32) {
        if let Some(entry) = self.effects.get(index) {
            entry.references += 1;
        }
    }

    fn expire_later(&mut self, index: u32, patience: Duration) {
        let Some(entry) = self.effects.get(index) else { return };
        if std::mem::replace(&mut entry.expires, true) {
            return;
        }
        let at = entry.begun.after(patience).max(self.now);
        self.refer(index);
        self.queue.push(at, Event::ExpireEffect(index));
    }

    /// The answer is back, or the shell's patience is over.
    pub(super) fn settle_effect(&mut self, index: u32, expired: bool) {
        let Some(entry) = self.effects.get(index) else { return };
        let outcome = if expired {
            Some(Outcome::TimedOut)
        } else {
            entry.outcome
        };
        let first = !std::mem::replace(&mut entry.settled, true);
        let (slot, incarnation, id) = (entry.slot, entry.incarnation, entry.effect.id);
        self.effects.release(index);
        if first && let Some(beyond) = &mut self.beyond {
            beyond.processes.settled(index, outcome);
        } else if let Some(outcome) = outcome.filter(|_| first)
            && self.slots[slot].incarnation == incarnation
        {
            self.feed(slot, Input::Outcome(id, outcome));
        }
    }

    /// How a request and its answer fare on a link: how late each is; none: it is lost.
    pub(super) fn crossings(&mut self, own: Place, place: Place) -> (Option<Duration>, Option<Duration>) {
        if !self.deliveries.any() || own == place {
            return (Some(Duration::ZERO), Some(Duration::ZERO));
        }
        let there = self.deliveries.cross(own, place, &mut self.rng);
        let back = self.deliveries.cross(place, own, &mut self.rng);
        (there, back)
    }

    /// The same plan, over links that lose and delay what is sent. A shell repeats nothing by itself. Out of line: hardly
    /// ever.
    #[cold]
    fn plan_over_bad_links(&mut self, slot: usize, effect: &Effect, plan: Plan, answer_lost: &mut bool) -> Plan {
        let Plan::Work { apply, answer } = plan else {
            return plan;
        };
        let own = Place::from(self.slots[slot].region);
        let Some(place) = self.far_end(slot, effect).filter(|place| *place != own) else {
            return plan;
        };
        match self.crossings(own, place) {
            (None, _) => Plan::Lost,
            (Some(late), Some(back)) => Plan::Work {
                apply: apply + late,
                answer: answer + late + back,
            },
            (Some(late), None) => {
                *answer_lost = true;
                Plan::Work {
                    apply: apply + late,
                    answer: effect.timeout.max(answer),
                }
            }
        }
    }

    /// Where an effect takes effect, if that is a single place and can be another region.
    fn far_end(&self, slot: usize, effect: &Effect) -> Option<Place> {
        let region = self.slots[slot].region;
        match effect.intent {
            Intent::Lease { .. } => match self.store.reach(region, &self.parts, &self.links) {
                Reach::Through(place) | Reach::AfterWaiting(place) => Some(place),
                Reach::Refused | Reach::Nowhere => None,
            },
            Intent::SetSwitch { switch, .. } => Some(Self::place_of(switch)),
            Intent::PinRecord { .. } | Intent::UnpinRecord => Some(Place::Home),
            Intent::VerifyRouting { .. } => Some(Place::Internet),
            _ => None,
        }
    }

    /// How an effect fares on its way to where it takes effect.
    fn plan(&mut self, slot: usize, effect: &Effect) -> Plan {
        let region = self.slots[slot].region;
        let own = Place::from(region);
        match effect.intent {
            Intent::Lease { .. } => self.plan_lease(region, effect),
            Intent::ReadDatabaseClock | Intent::WriteServing { .. } | Intent::VerifyWrite => {
                let aurora = self.parts.state(own, Part::Aurora);
                let write = self.conditions.database_write.sample(&mut self.rng) + aurora.late;
                through(aurora.answer, write / 2, write)
            }
            Intent::TellPeer(message) => self.tell_peer(region, message),
            Intent::PromoteDatabase { .. } | Intent::SwitchOverDatabase { .. } | Intent::RejoinDatabase => {
                through(self.rds_control(region), REFUSAL, REFUSAL)
            }
            Intent::DescribeDatabase => through(self.rds_control(region), DESCRIBE / 2, DESCRIBE),
            Intent::ReconcileDatabase => {
                let takes = self.conditions.reconcile;
                through(self.rds_control(region), takes, takes)
            }
            Intent::SetSwitch { switch, .. } => {
                let (way, round_trip) = self.way_to_switch(own, switch);
                let write = self.conditions.switch_write.max(round_trip);
                through(way, write / 2, write)
            }
            Intent::ReadSwitches => {
                let patience = effect.timeout.saturating_sub(REFUSAL);
                let slowest =
                    understudy_engine::core::ids::Switch::BOTH.map(|switch| match self.way_to_switch(own, switch) {
                        (Answer::Answers, round_trip) => round_trip,
                        (Answer::Refuses, _) => REFUSAL,
                        (Answer::Hangs, _) => patience,
                    });
                let takes = slowest[0].max(slowest[1]).min(patience);
                Plan::Work {
                    apply: takes / 2,
                    answer: takes,
                }
            }
            Intent::PinRecord { .. } | Intent::UnpinRecord => {
                let takes = self.conditions.record_change;
                through(self.route53_control(region), RECORD_ACCEPTED.min(takes), takes)
            }
            Intent::OpenIntake | Intent::OpenProcessing | Intent::CloseOrderPath => {
                let takes = self.conditions.order_path;
                Plan::Work {
                    apply: takes,
                    answer: takes + REFUSAL,
                }
            }
            Intent::VerifyRouting { .. } => {
                let round_trip = self.links.round_trip(own, Place::Internet);
                through(self.links.ask(own, Place::Internet), round_trip / 2, round_trip)
            }
            Intent::RequestApproval(_) => match self.scenario.approval_after {
                Some(after) => Plan::Answer(Outcome::Done, after),
                None => Plan::Lost,
            },
            Intent::Announce(_) | Intent::Page(_) => Plan::Answer(Outcome::Done, NOTIFICATION),
        }
    }
}

/// A record change until Route 53 has accepted it. Assumption: one call of the control plane.
pub(super) const RECORD_ACCEPTED: Duration = Duration::from_millis(200);
/// A describe of the control plane. Assumption.
const DESCRIBE: Duration = Duration::from_millis(200);
/// A notification on its way to whoever subscribed: SNS, p99. Source: bitesizedserverless.com.
const NOTIFICATION: Duration = Duration::from_millis(225);

/// How long a shell waits for an effect whose call is not answered. What takes hours is under way only once the call
/// was; humans are waited for as long as it takes.
fn call_patience(effect: &Effect) -> Duration {
    match effect.intent {
        Intent::RequestApproval(_) => effect.timeout,
        _ => effect.timeout.min(CALL),
    }
}

/// A request to something that answers in one of three ways.
pub(super) fn through(answer: Answer, apply: Duration, takes: Duration) -> Plan {
    match answer {
        Answer::Answers => Plan::Work { apply, answer: takes },
        Answer::Refuses => Plan::Answer(Outcome::Failed, REFUSAL),
        Answer::Hangs => Plan::Lost,
    }
}
