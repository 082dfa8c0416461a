//! The scenario's faults as they come and go.

use crate::scenario::{Fault, FaultState, Subject};

use super::clock::{Moment, micros};
use super::links::Links;
use super::parts::Parts;

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
    begun: Vec<bool>,
    in_force: Vec<bool>,
    /// When each of them ended.
    ended: Vec<Option<Moment>>,
}

impl Faults {
    pub(crate) fn new(faults: &[Fault], onset: Moment) -> Self {
        Self {
            begun: vec![false; faults.len()],
            in_force: vec![false; faults.len()],
            ended: vec![None; faults.len()],
            faults: faults.to_vec(),
            onset,
        }
    }

    pub(crate) fn get(&self, index: u16) -> &Fault {
        &self.faults[usize::from(index)]
    }

    /// Every fault with the moment of its first change.
    pub(crate) fn beginnings(&self) -> impl Iterator<Item = (u16, Moment)> + '_ {
        (0_u16..)
            .zip(&self.faults)
            .map(|(index, fault)| (index, self.onset.after(fault.at)))
    }

    /// Carries out the change that is due, and says when the next one is.
    pub(crate) fn change(&mut self, index: u16, now: Moment) -> (Change, Option<Moment>) {
        let slot = usize::from(index);
        let fault = &self.faults[slot];
        let end = fault.until.map(|until| self.onset.after(until));
        if end.is_some_and(|end| now >= end) {
            self.in_force[slot] = false;
            self.ended[slot] = Some(now);
            return (Change::Ends, None);
        }
        let change = if self.begun[slot] {
            Change::Flips
        } else {
            Change::Begins
        };
        self.begun[slot] = true;
        let next = match fault.state {
            FaultState::Flapping { period, down_for } => {
                // Its place in the cycle follows from the clock, so that rounding never adds up.
                let into = (now.micros() - self.onset.after(fault.at).micros()) % micros(period).max(1);
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

    /// The beginning of the last fault that had begun by this moment.
    pub(crate) fn last_beginning(&self, now: Moment) -> Moment {
        self.beginnings()
            .map(|(_, begins)| begins)
            .filter(|begins| *begins <= now)
            .max()
            .unwrap_or(self.onset)
    }

    /// How the parts fare now.
    pub(crate) fn parts(&self) -> Parts {
        Parts::with(self.in_force().filter_map(|fault| match fault.subject {
            Subject::Part { part, place } => Some((part, place, &fault.state)),
            Subject::Link { .. } => None,
        }))
    }

    /// How the network fares now.
    pub(crate) fn links(&self) -> Links {
        Links::with(self.in_force().filter_map(|fault| match fault.subject {
            Subject::Part { .. } => None,
            Subject::Link { from, to, both_ways } => Some((from, to, both_ways, &fault.state)),
        }))
    }

    /// The faults that are in force.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &Fault> {
        self.faults
            .iter()
            .zip(&self.in_force)
            .filter_map(|(fault, in_force)| in_force.then_some(fault))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::{Evidence, Part, Place};

    fn fault(state: FaultState, at: u64, until: Option<u64>) -> Fault {
        Fault {
            subject: Subject::Part {
                part: Part::Lambda,
                place: Place::Home,
            },
            state,
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
        let (index, begins) = faults.beginnings().next().unwrap();
        assert_eq!(begins, Moment::from_micros(15_000_000));
        let (change, next) = faults.change(index, begins);
        assert_eq!((change, next), (Change::Begins, Some(Moment::from_micros(19_000_000))));
        assert!(!faults.parts().up(Place::Home, Part::Lambda));
        assert_eq!(faults.change(index, next.unwrap()), (Change::Ends, None));
        assert!(faults.parts().up(Place::Home, Part::Lambda));
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
