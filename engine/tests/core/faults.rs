//! What can go wrong with the effects of a [`Pair`]: outcomes that are dictated, withheld, lost or late, and processes
//! that sleep.

use crate::pair::{Matches, Pair};
use understudy_engine::core::effect::{Effect, Intent, Outcome};
use understudy_engine::core::ids::{EffectId, Region};
use understudy_engine::core::lease::LeaseRequest;
use understudy_engine::core::signal::Command;

/// How the one effect of a sweep goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is not carried out, and nobody hears of it.
    Lost,
    /// It is carried out, and nobody hears of it.
    AppliedUnseen,
    Failed,
}

/// What to do with the effects that would otherwise be carried out.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// Overrides the outcome of all effects that match.
    pub(crate) always: Vec<(Matches, Outcome)>,
    /// The next effects that match are carried out, and their answers are lost.
    pub(crate) applied_unseen: Vec<Matches>,
    /// Effects that match are neither carried out nor answered until a test releases them.
    pub(crate) hold: Option<Matches>,
    /// The effects that are held, with the side that asked for them.
    pub(crate) held: Vec<(usize, Effect)>,
    /// Sides that do not reach the lease store.
    pub(crate) no_store: Vec<usize>,
    /// Countdown of the away region's effects that are not routine, and what becomes of the one it ends at.
    pub(crate) nth: Option<(usize, Mishap)>,
    /// The effect that the countdown ended at.
    pub(crate) hit: Option<Intent>,
}

impl Faults {
    /// What becomes of an effect if the countdown ends at it.
    fn mishap(&mut self, region: Region, intent: Intent) -> Option<Mishap> {
        if is_routine(&intent) || region == Region::Home {
            return None;
        }
        let (left, how) = self.nth.as_mut()?;
        *left -= 1;
        let how = *how;
        if *left > 0 {
            return None;
        }
        self.nth = None;
        self.hit = Some(intent);
        Some(how)
    }

    fn loses_answer(&mut self, intent: &Intent) -> bool {
        let position = self.applied_unseen.iter().position(|matches| matches(intent));
        position.map(|position| self.applied_unseen.remove(position)).is_some()
    }
}

/// What every sidecar asks for every second.
fn is_routine(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::Lease {
            request: LeaseRequest::Read | LeaseRequest::Renew { .. } | LeaseRequest::Drive { .. },
            ..
        } | Intent::ReadDatabaseClock
            | Intent::TellPeer(_)
    )
}

impl Pair {
    /// The outcome of an effect, as the faults have it. None if it is held.
    pub(crate) fn faulty_outcome(&mut self, index: usize, effect: &Effect) -> Option<Outcome> {
        let region = self.sides[index].identity.region;
        match self.faults.mishap(region, effect.intent) {
            Some(Mishap::Lost) => return Some(Outcome::TimedOut),
            Some(Mishap::AppliedUnseen) => {
                self.execute(index, effect);
                return Some(Outcome::TimedOut);
            }
            Some(Mishap::Failed) => return Some(Outcome::Failed),
            None => {}
        }
        if self.faults.hold.is_some_and(|hold| hold(&effect.intent)) {
            self.faults.held.push((index, *effect));
            return None;
        }
        let scripted = self.scripted.iter().position(|(matches, _)| matches(&effect.intent));
        if let Some(position) = scripted {
            return Some(self.scripted.remove(position).1);
        }
        let always = self.faults.always.iter().find(|(matches, _)| matches(&effect.intent));
        if let Some((_, outcome)) = always {
            return Some(*outcome);
        }
        let outcome = self.execute(index, effect);
        Some(if self.faults.loses_answer(&effect.intent) {
            Outcome::TimedOut
        } else {
            outcome
        })
    }

    pub(crate) fn answer(&mut self, index: usize, id: EffectId, outcome: Outcome) {
        let at = self.at();
        self.sides[index].unanswered.remove(&id);
        self.sides[index].engine.handle_outcome(at, id, outcome);
        self.drain(index);
    }

    /// Answers an effect that is held.
    pub(crate) fn release(&mut self, position: usize, outcome: Outcome) {
        let (index, effect) = self.faults.held.remove(position);
        self.answer(index, effect.id, outcome);
    }

    /// Gives an operator's command. Returns whether it was taken.
    pub(crate) fn command(&mut self, index: usize, command: Command) -> bool {
        let at = self.at();
        let taken = self.sides[index].engine.handle_command(at, command).is_ok();
        self.drain(index);
        taken
    }

    /// A process that slept goes on: what it was waiting for has timed out meanwhile, and then its timer is due.
    pub(crate) fn wake(&mut self, index: usize) {
        let at = self.at();
        let side = &mut self.sides[index];
        side.up = true;
        for id in std::mem::take(&mut side.unanswered) {
            side.engine.handle_outcome(at, id, Outcome::TimedOut);
        }
        side.engine.handle_timeout(at);
        self.drain(index);
    }

    /// The true time as the database would state it.
    pub(crate) fn micros(&self) -> i64 {
        i64::try_from(self.now.as_micros()).unwrap()
    }

    /// How often a side asked for such an effect.
    pub(crate) fn count(&self, side: usize, matches: Matches) -> usize {
        self.sides[side].asked.iter().filter(|intent| matches(intent)).count()
    }
}
