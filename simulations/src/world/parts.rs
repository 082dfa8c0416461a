//! The parts of each region and how each of them fares.

use std::time::Duration;

use crate::scenario::{FaultState, Part, Place};

/// How somebody who asks is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Answer {
    /// As it should be.
    #[default]
    Answers,
    /// At once, with a refusal.
    Refuses,
    /// Never.
    Hangs,
}

impl Answer {
    /// Whether whoever asks gets what it asked for.
    #[must_use]
    pub(crate) fn is_up(self) -> bool {
        self == Self::Answers
    }
}

/// How one part fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PartState {
    /// How it answers.
    pub answer: Answer,
    /// How much later than usual it answers, or says what it has to say.
    pub late: Duration,
    /// It says nothing.
    pub missing: bool,
    /// An event is open.
    pub open: bool,
    /// Its data is wrong.
    pub damaged: bool,
}

impl PartState {
    /// Adds a fault to what is wrong already. The worst of each wins.
    #[must_use]
    pub(crate) fn with(mut self, state: FaultState) -> Self {
        match state {
            FaultState::Down | FaultState::Flapping { .. } => self.answer = self.answer.max(Answer::Refuses),
            FaultState::Hang => self.answer = self.answer.max(Answer::Hangs),
            FaultState::Slow { by } | FaultState::Delayed { by } => self.late = self.late.max(by),
            FaultState::Missing => self.missing = true,
            FaultState::Open => self.open = true,
            FaultState::Damaged => self.damaged = true,
            // Clocks, deliveries and deeds have places of their own.
            FaultState::Stepped { .. }
            | FaultState::Drifting { .. }
            | FaultState::Paused
            | FaultState::Lossy { .. }
            | FaultState::Duplicated { .. }
            | FaultState::Reordered { .. }
            | FaultState::Detached
            | FaultState::LeftOpen { .. } => {}
        }
        self
    }

    /// How somebody fares who asks and waits for so long: too late is as good as never.
    #[must_use]
    pub(crate) fn within(self, patience: Duration) -> Answer {
        if self.answer.is_up() && self.late >= patience {
            Answer::Hangs
        } else {
            self.answer
        }
    }

    /// Whether it says what it has to say, sooner or later.
    #[must_use]
    pub(crate) fn speaks(self) -> bool {
        self.answer.is_up() && !self.missing
    }
}

/// The number of [`Part`]s.
const PARTS: usize = Part::Link as usize + 1;
/// The number of places that have parts: everywhere but the internet.
const PLACES: usize = Place::Internet as usize;

/// All parts of all regions.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    states: [[PartState; PARTS]; PLACES],
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            states: [[PartState::default(); PARTS]; PLACES],
        }
    }
}

impl Parts {
    /// Parts with these faults in force. A fault of a region is a fault of each of its parts.
    pub(crate) fn with<'a>(faults: impl Iterator<Item = (Part, Place, &'a FaultState)>) -> Self {
        let mut parts = Self::default();
        for (part, place, state) in faults {
            let Some(states) = parts.states.get_mut(place as usize) else {
                continue;
            };
            if part == Part::Region {
                for slot in states.iter_mut() {
                    // A region's fault says nothing about the provider's announcements.
                    *slot = slot.with(*state);
                }
                let health = &mut states[Part::HealthEvents as usize];
                health.answer = Answer::Answers;
            } else {
                states[part as usize] = states[part as usize].with(*state);
            }
        }
        parts
    }

    /// How a part fares. Nothing is ever wrong with the internet itself.
    #[must_use]
    pub(crate) fn state(&self, place: Place, part: Part) -> PartState {
        self.states
            .get(place as usize)
            .map_or_else(PartState::default, |states| states[part as usize])
    }

    /// Whether a part answers.
    #[must_use]
    pub(crate) fn up(&self, place: Place, part: Part) -> bool {
        self.state(place, part).answer.is_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_region_takes_every_part_with_it_and_not_the_providers_word() {
        let parts = Parts::with([(Part::Region, Place::Home, &FaultState::Hang)].into_iter());
        assert_eq!(parts.state(Place::Home, Part::Lambda).answer, Answer::Hangs);
        assert_eq!(parts.state(Place::Home, Part::Sidecars).answer, Answer::Hangs);
        assert!(parts.state(Place::Home, Part::HealthEvents).speaks());
        assert!(parts.up(Place::Away, Part::Lambda));
    }

    #[test]
    fn of_two_faults_the_worse_one_shows() {
        let faults = [
            (Part::Sqs, Place::Home, &FaultState::Hang),
            (Part::Sqs, Place::Home, &FaultState::Down),
        ];
        let parts = Parts::with(faults.into_iter());
        assert_eq!(parts.state(Place::Home, Part::Sqs).answer, Answer::Hangs);
    }

    #[test]
    fn an_answer_that_comes_too_late_is_no_answer() {
        let slow = PartState::default().with(FaultState::Slow {
            by: Duration::from_millis(900),
        });
        assert_eq!(slow.within(Duration::from_secs(1)), Answer::Answers);
        assert_eq!(slow.within(Duration::from_millis(900)), Answer::Hangs);
    }
}
