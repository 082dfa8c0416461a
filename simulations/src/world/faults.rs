//! The scenario's faults as they come and go.

use std::time::Duration;

use crate::digest::FaultSet;
use crate::scenario::{Fault, FaultState, Part, Place, Subject};

use super::clock::{Moment, micros};
use super::delivery::Deliveries;
use super::links::Links;
use super::parts::{Answer, PartState, Parts};
use super::schedule::Schedule;

/// What a fault does at its next moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It begins. Told once, also when it flaps.
    Begins,
    /// It ends.
    Ends,
    /// It flaps: what it breaks fails or recovers.
    Flips,
}

/// All faults of a scenario, and which of them are in force.
#[derive(Debug)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    onset: Moment,
    /// When each of them begins.
    pub schedule: Schedule,
    /// When each of them began.
    begun: Vec<Option<Moment>>,
    in_force: Vec<bool>,
    /// When each of them ended.
    ended: Vec<Option<Moment>>,
    touch_clocks: bool,
    /// When operators did what interrupts a service as much as a fault does.
    deeds: Vec<Moment>,
}

impl Faults {
    pub(crate) fn new(faults: &[Fault], onset: Moment) -> Self {
        Self {
            schedule: Schedule::new(faults.iter().map(|fault| (fault.origin, fault.at)), onset),
            begun: vec![None; faults.len()],
            in_force: vec![false; faults.len()],
            ended: vec![None; faults.len()],
            touch_clocks: faults.iter().any(|fault| {
                matches!(
                    fault.subject,
                    Subject::Part {
                        part: Part::Clock | Part::DatabaseClock,
                        ..
                    }
                )
            }),
            deeds: Vec::new(),
            faults: faults.to_vec(),
            onset,
        }
    }

    pub(crate) fn get(&self, index: u16) -> &Fault {
        &self.faults[usize::from(index)]
    }

    /// Whether a fault has begun.
    pub(crate) fn has_begun(&self, index: u16) -> bool {
        self.begun[usize::from(index)].is_some()
    }

    /// Whether a fault has ended.
    pub(crate) fn is_over(&self, index: u16) -> bool {
        self.ended[usize::from(index)].is_some()
    }

    /// The faults whose end has come and has not been carried out yet.
    pub(crate) fn ending(&self, now: Moment) -> impl Iterator<Item = u16> + '_ {
        (0_u16..).zip(&self.begun).filter_map(move |(index, begun)| {
            let due = begun.is_some() && !self.is_over(index) && self.end(index).is_some_and(|end| end <= now);
            due.then_some(index)
        })
    }

    /// When a fault ends, if that is known.
    fn end(&self, index: u16) -> Option<Moment> {
        let until = self.get(index).until?;
        Some(self.schedule.counts_from(index)?.after(until))
    }

    /// An operator did something that interrupts a service.
    pub(crate) fn note_deed(&mut self, now: Moment) {
        self.deeds.push(now);
    }

    /// Carries out the change that is due, and says when the next one is.
    pub(crate) fn change(&mut self, index: u16, now: Moment) -> (Change, Option<Moment>) {
        let slot = usize::from(index);
        let end = self.end(index);
        if end.is_some_and(|end| now >= end) {
            self.in_force[slot] = false;
            self.ended[slot] = Some(now);
            return (Change::Ends, None);
        }
        let change = if self.has_begun(index) {
            Change::Flips
        } else {
            Change::Begins
        };
        let began = *self.begun[slot].get_or_insert(now);
        let fault = &self.faults[slot];
        let next = match fault.state {
            FaultState::Flapping { period, down_for } => {
                // Its place in the cycle follows from the clock, so that rounding never adds up.
                let into = (now.micros() - began.micros()) % micros(period).max(1);
                let down = into < micros(down_for);
                self.in_force[slot] = down;
                let until = if down { micros(down_for) } else { micros(period) };
                let flip = Moment::from_micros(now.micros() + until.saturating_sub(into).max(1));
                Some(end.map_or(flip, |end| end.min(flip)))
            }
            _ => {
                self.in_force[slot] = true;
                end
            }
        };
        (change, next)
    }

    /// Since when every fault is over; none: one is in force or yet to come.
    pub(crate) fn healed(&self) -> Option<Moment> {
        let mut ended = self.ended.iter().copied();
        ended.try_fold(Moment::START, |healed, ended| Some(healed.max(ended?)))
    }

    /// Whether all of them have begun.
    pub(crate) fn all_begun(&self) -> bool {
        self.begun.iter().all(Option::is_some)
    }

    /// Which of them have begun.
    pub(crate) fn have_begun(&self) -> FaultSet {
        let begun = self.begun.iter().enumerate();
        begun
            .filter_map(|(index, begun)| begun.is_some().then_some(index))
            .collect()
    }

    /// The beginning of the last fault that had begun by this moment, or of what an operator did.
    pub(crate) fn last_beginning(&self, now: Moment) -> Moment {
        let begun = self.begun.iter().flatten();
        begun
            .chain(&self.deeds)
            .copied()
            .filter(|begun| *begun <= now)
            .max()
            .unwrap_or(self.onset)
    }

    /// How the parts fare now.
    pub(crate) fn parts(&self) -> Parts {
        Parts::with(self.in_force().filter_map(|fault| match fault.subject {
            Subject::Part { part, place } => Some((part, place, &fault.state)),
            Subject::Sidecar { .. } | Subject::Link { .. } => None,
        }))
    }

    /// How the network fares now.
    pub(crate) fn links(&self) -> Links {
        Links::with(self.in_force().filter_map(|fault| match fault.subject {
            Subject::Part { .. } | Subject::Sidecar { .. } => None,
            Subject::Link { from, to, both_ways } => Some((from, to, both_ways, &fault.state)),
        }))
    }

    /// How messages fare on their way now.
    pub(super) fn deliveries(&self) -> Deliveries {
        let mut deliveries = Deliveries::default();
        for fault in self.in_force() {
            match fault.subject {
                Subject::Part { part, place } => deliveries.add_part(part, place, fault.state),
                Subject::Sidecar { .. } => {}
                Subject::Link { from, to, both_ways } => {
                    deliveries.add_link(from, to, fault.state);
                    if both_ways {
                        deliveries.add_link(to, from, fault.state);
                    }
                }
            }
        }
        deliveries
    }

    /// Whether any of them is about clocks.
    pub(crate) const fn touch_clocks(&self) -> bool {
        self.touch_clocks
    }

    /// How the clocks of a place's sidecars are at fault: the rate of the boot-time clocks in parts per million, if it is
    /// not their own, and how many milliseconds ahead the wall clocks were set.
    pub(crate) fn clock(&self, place: Place) -> (Option<i32>, i64) {
        let mut rate = None;
        let mut ahead = Duration::ZERO;
        let mut back = Duration::ZERO;
        for fault in self.of_part(Part::Clock, place) {
            match fault.state {
                FaultState::Drifting { ppm } => rate = Some(ppm),
                FaultState::Stepped { by, backward: false } => ahead += by,
                FaultState::Stepped { by, backward: true } => back += by,
                _ => {}
            }
        }
        (rate, signed_micros(ahead, back) / 1_000)
    }

    /// How many microseconds ahead the clock of a place's database was set.
    pub(crate) fn database_clock(&self, place: Place) -> i64 {
        let mut ahead = Duration::ZERO;
        let mut back = Duration::ZERO;
        for fault in self.of_part(Part::DatabaseClock, place) {
            match fault.state {
                FaultState::Stepped { by, backward: false } => ahead += by,
                FaultState::Stepped { by, backward: true } => back += by,
                _ => {}
            }
        }
        signed_micros(ahead, back)
    }

    fn of_part(&self, part: Part, place: Place) -> impl Iterator<Item = &Fault> {
        let subject = Subject::Part { part, place };
        self.in_force().filter(move |fault| fault.subject == subject)
    }

    /// How one sidecar of several fares, as far as it is alone in that.
    pub(crate) fn sidecar(&self, place: Place, number: u16) -> Answer {
        let subject = Subject::Sidecar { place, number };
        let its_own = self.in_force().filter(|fault| fault.subject == subject);
        its_own
            .fold(PartState::default(), |state, fault| state.with(fault.state))
            .answer
    }

    /// The faults that are in force.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &Fault> {
        self.faults
            .iter()
            .zip(&self.in_force)
            .filter_map(|(fault, in_force)| in_force.then_some(fault))
    }
}

fn signed_micros(ahead: Duration, back: Duration) -> i64 {
    let signed = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    signed(ahead).saturating_sub(signed(back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Evidence, Origin};

    fn fault(state: FaultState, at: u64, until: Option<u64>) -> Fault {
        Fault {
            subject: Subject::Part {
                part: Part::Lambda,
                place: Place::Home,
            },
            state,
            origin: Origin::Onset,
            at: Duration::from_secs(at),
            until: until.map(Duration::from_secs),
            evidence: Evidence::Inferred,
            note: String::new(),
        }
    }

    const ONSET: Moment = Moment::from_micros(10_000_000);

    #[test]
    fn a_fault_holds_from_its_beginning_to_its_end() {
        let mut faults = Faults::new(&[fault(FaultState::Down, 5, Some(9))], ONSET);
        let (index, begins) = faults.schedule.beginnings().next().unwrap();
        assert_eq!(begins, Moment::from_micros(15_000_000));
        let (change, next) = faults.change(index, begins);
        assert_eq!((change, next), (Change::Begins, Some(Moment::from_micros(19_000_000))));
        assert!(!faults.parts().up(Place::Home, Part::Lambda));
        assert_eq!(faults.change(index, next.unwrap()), (Change::Ends, None));
        assert!(faults.parts().up(Place::Home, Part::Lambda));
    }

    #[test]
    fn what_ends_at_a_moment_is_known_before_anything_begins_at_it() {
        let faults = [fault(FaultState::Down, 5, Some(9)), fault(FaultState::Hang, 9, None)];
        let mut faults = Faults::new(&faults, ONSET);
        faults.change(0, Moment::from_micros(15_000_000));
        let turn = Moment::from_micros(19_000_000);
        assert_eq!(faults.ending(turn).collect::<Vec<_>>(), [0]);
        assert_eq!(faults.change(0, turn), (Change::Ends, None));
        assert_eq!(faults.ending(turn).count(), 0);
        assert!(faults.is_over(0) && !faults.has_begun(1));
    }

    #[test]
    fn one_sidecar_can_fail_alone() {
        let mut one = fault(FaultState::Hang, 0, None);
        one.subject = Subject::Sidecar {
            place: Place::Home,
            number: 2,
        };
        let mut faults = Faults::new(&[one], ONSET);
        faults.change(0, ONSET);
        assert_eq!(faults.sidecar(Place::Home, 2), Answer::Hangs);
        assert_eq!(faults.sidecar(Place::Home, 1), Answer::Answers);
        assert_eq!(faults.sidecar(Place::Away, 2), Answer::Answers);
        assert!(faults.parts().up(Place::Home, Part::Sidecars));
    }

    #[test]
    fn flapping_alternates_and_stops_at_its_end() {
        let state = FaultState::Flapping {
            period: Duration::from_secs(8),
            down_for: Duration::from_secs(2),
        };
        let mut faults = Faults::new(&[fault(state, 0, Some(17))], ONSET);
        let mut at = ONSET;
        let mut seen = Vec::new();
        loop {
            let (change, next) = faults.change(0, at);
            let second = at.since(ONSET).as_secs();
            seen.push((second, faults.parts().up(Place::Home, Part::Lambda), change));
            let Some(next) = next else { break };
            at = next;
        }
        let expected = [
            (0, false, Change::Begins),
            (2, true, Change::Flips),
            (8, false, Change::Flips),
            (10, true, Change::Flips),
            (16, false, Change::Flips),
            (17, true, Change::Ends),
        ];
        assert_eq!(seen, expected);
    }
}
