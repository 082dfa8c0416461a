//! A timeline while it is drawn.
//!
//! Everything is drawn in whole milliseconds, so that what a scenario file says is exactly what was run. No floating
//! point is involved: the same seed draws the same timeline on every machine.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use understudy_policies::Policy;

use super::HEALED_BY;
use crate::scenario::{Evidence, Fault, FaultState, Origin, Part, Place, Subject, overlap};

/// A fault, and the kind that it was drawn as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its place in the catalogue of kinds.
    pub kind: usize,
    /// What breaks.
    pub fault: Fault,
}

/// What is drawn so far.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The policy that it will be run under: some kinds ask it how long something may last.
    pub policy: &'a Policy,
    /// What an order needs.
    pub order_path: Vec<Part>,
    /// Sidecars in each region.
    pub sidecars: u16,
    rng: ChaCha8Rng,
    kind: (usize, &'static str),
    pieces: Vec<Piece>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(policy: &'a Policy, rng: ChaCha8Rng) -> Self {
        Self {
            policy,
            order_path: vec![Part::ApiGateway, Part::Lambda, Part::Sqs, Part::Aurora],
            sidecars: 1,
            rng,
            kind: (0, ""),
            pieces: Vec::new(),
        }
    }

    /// From now on, faults are of this kind.
    pub(super) const fn of_kind(&mut self, index: usize, name: &'static str) {
        self.kind = (index, name);
    }

    /// One of these, each as likely.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())]
    }

    /// Whether something happens that happens so many times out of so many.
    pub(super) fn chance(&mut self, times: u32, of: u32) -> bool {
        self.rng.random_ratio(times, of)
    }

    /// A number from the first to the last.
    pub(super) fn number(&mut self, first: u64, last: u64) -> u64 {
        self.rng.random_range(first..=last.max(first))
    }

    /// A span between two, each as likely.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        Duration::from_millis(self.number(millis(least), millis(most)))
    }

    /// A span between two, each order of magnitude as likely.
    pub(super) fn magnitude(&mut self, least: Duration, most: Duration) -> Duration {
        let (least, most) = (millis(least).max(1), millis(most));
        let octave = self.number(u64::from(least.ilog2()), u64::from(most.max(1).ilog2()));
        let (low, high) = (least.max(1 << octave), most.min((2 << octave) - 1));
        Duration::from_millis(self.number(low, high))
    }

    /// Each of these with even odds.
    pub(super) fn some_of<T: Copy>(&mut self, choices: impl IntoIterator<Item = T>) -> Vec<T> {
        choices.into_iter().filter(|_| self.chance(1, 2)).collect()
    }

    /// Breaks something for a while; at the latest it is healed when everything is. Of two faults of the same thing at
    /// once only one can be modelled, so a clash leaves the later one out.
    pub(super) fn fault(&mut self, subject: Subject, state: FaultState, at: Duration, lasts: Duration) {
        let until = (at + lasts).min(HEALED_BY);
        if until <= at {
            return;
        }
        let fault = Fault {
            subject,
            state,
            origin: Origin::Onset,
            at,
            until: Some(until),
            evidence: Evidence::Inferred,
            note: format!("drawn as {}", self.kind.1),
        };
        if !self.pieces.iter().any(|piece| overlap(&piece.fault, &fault)) {
            self.pieces.push(Piece {
                kind: self.kind.0,
                fault,
            });
        }
    }

    /// Whether nothing of the kind that is being drawn begins or ends this near.
    pub(super) fn is_alone(&self, at: Duration, by: Duration) -> bool {
        let near = |piece: &Piece| {
            let until = piece.fault.until.unwrap_or(Duration::MAX);
            piece.kind == self.kind.0 && at <= until.saturating_add(by) && piece.fault.at <= at + by
        };
        !self.pieces.iter().any(near)
    }

    /// Everything that breaks, in order, the first of it at the onset. None: nothing breaks.
    pub(super) fn finish(self) -> Vec<Piece> {
        let mut pieces = self.pieces;
        pieces.sort_by_key(|piece| piece.fault.at);
        let first = pieces.first().map_or(Duration::ZERO, |piece| piece.fault.at);
        for Piece { fault, .. } in &mut pieces {
            fault.at -= first;
            fault.until = fault.until.map(|until| until - first);
        }
        pieces
    }
}

pub(super) const fn part(part: Part, place: Place) -> Subject {
    Subject::Part { part, place }
}

/// A link, cut both ways.
pub(super) const fn link(one: Place, other: Place) -> Subject {
    Subject::Link {
        from: one,
        to: other,
        both_ways: true,
    }
}

pub(super) const fn one_way(from: Place, to: Place) -> Subject {
    Subject::Link {
        from,
        to,
        both_ways: false,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use understudy_policies::shipped;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn magnitudes_stay_inside_their_bounds_and_reach_every_octave() {
        let policy = shipped::trading();
        let mut draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(1));
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(900));
        let mut octaves = 0_u64;
        for _ in 0..1_000 {
            let span = draft.magnitude(least, most);
            assert!((least..=most).contains(&span), "{span:?}");
            octaves |= 1 << millis(span).ilog2();
        }
        assert_eq!(octaves.count_ones(), 900_000_u64.ilog2() - 100_u64.ilog2() + 1);
    }

    #[test]
    fn the_first_fault_is_the_onset_everything_is_healed_and_nothing_overlaps() {
        let policy = shipped::trading();
        let mut draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(1));
        let here = part(Part::Lambda, Place::Home);
        draft.fault(here, FaultState::Down, SECOND * 70, SECOND * 100_000);
        draft.fault(here, FaultState::Hang, SECOND * 90, SECOND);
        draft.fault(here, FaultState::Hang, SECOND * 60, SECOND * 10);
        let pieces = draft.finish();
        let spans: Vec<_> = pieces.iter().map(|piece| (piece.fault.at, piece.fault.until)).collect();
        let healed = HEALED_BY - SECOND * 60;
        assert_eq!(
            spans,
            [(Duration::ZERO, Some(SECOND * 10)), (SECOND * 10, Some(healed))]
        );
    }
}
