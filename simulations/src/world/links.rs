//! The network between the places.

use std::time::Duration;

use crate::scenario::{FaultState, Place};

use super::parts::{Answer, PartState};

const PLACES: usize = Place::Internet as usize + 1;

/// The usual way from one place to another and back, in microseconds. Assumption: distances between the AWS regions,
/// and a client somewhere in the country.
const ROUND_TRIP_MICROS: [[u64; PLACES]; PLACES] = [
    [2_000, 15_000, 60_000, 40_000],
    [15_000, 2_000, 52_000, 40_000],
    [60_000, 52_000, 2_000, 40_000],
    [40_000, 40_000, 40_000, 2_000],
];

/// Every direction between every two places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    states: [[PartState; PLACES]; PLACES],
}

impl Links {
    /// The network with these faults in force.
    pub(crate) fn with<'a>(faults: impl Iterator<Item = (Place, Place, bool, &'a FaultState)>) -> Self {
        let mut links = Self::default();
        for (from, to, both_ways, state) in faults {
            let there = &mut links.states[from as usize][to as usize];
            *there = there.with(*state);
            if both_ways {
                let back = &mut links.states[to as usize][from as usize];
                *back = back.with(*state);
            }
        }
        links
    }

    /// How a question from one place to another fares: it needs the way there and back. An answer that is lost hangs
    /// however the way back fails.
    #[must_use]
    pub(crate) fn ask(&self, from: Place, to: Place) -> Answer {
        let there = self.states[from as usize][to as usize].answer;
        let back = self.states[to as usize][from as usize].answer;
        match (there, back) {
            (Answer::Answers, Answer::Answers) => Answer::Answers,
            (Answer::Refuses, _) => Answer::Refuses,
            _ => Answer::Hangs,
        }
    }

    /// Whether a message reaches the other place.
    #[must_use]
    pub(crate) fn tells(&self, from: Place, to: Place) -> bool {
        self.states[from as usize][to as usize].answer.is_up()
    }

    /// How long a question and its answer are under way.
    #[must_use]
    pub(crate) fn round_trip(&self, from: Place, to: Place) -> Duration {
        let late = self.states[from as usize][to as usize].late + self.states[to as usize][from as usize].late;
        Duration::from_micros(ROUND_TRIP_MICROS[from as usize][to as usize]) + late
    }

    /// How long a message is under way.
    #[must_use]
    pub(crate) fn one_way(&self, from: Place, to: Place) -> Duration {
        let late = self.states[from as usize][to as usize].late;
        Duration::from_micros(ROUND_TRIP_MICROS[from as usize][to as usize] / 2) + late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cut_direction_stops_questions_both_ways_and_messages_one_way() {
        let links = Links::with([(Place::Home, Place::Away, false, &FaultState::Down)].into_iter());
        assert_eq!(links.ask(Place::Home, Place::Away), Answer::Refuses);
        assert_eq!(links.ask(Place::Away, Place::Home), Answer::Hangs);
        assert!(!links.tells(Place::Home, Place::Away));
        assert!(links.tells(Place::Away, Place::Home));
    }

    #[test]
    fn a_slow_link_delays_what_goes_over_it() {
        let by = Duration::from_millis(200);
        let links = Links::with([(Place::Home, Place::Away, true, &FaultState::Slow { by })].into_iter());
        assert_eq!(links.round_trip(Place::Away, Place::Home), Duration::from_millis(415));
        assert_eq!(links.one_way(Place::Home, Place::Witness), Duration::from_millis(30));
    }

    #[test]
    fn distances_are_the_same_in_both_directions() {
        for (from, row) in ROUND_TRIP_MICROS.iter().enumerate() {
            for (to, micros) in row.iter().enumerate() {
                assert_eq!(*micros, ROUND_TRIP_MICROS[to][from]);
            }
        }
    }
}
