//! A timeline while it is drawn.
//!
//! Everything is drawn in whole milliseconds, so that what a scenario file says is exactly what was run. No floating
//! point is involved: the same seed draws the same timeline on every machine.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use understudy_engine::core::ids::Region;
use understudy_engine::core::signal::Command;
use understudy_policies::Policy;

use super::HEALED_BY;
use super::kinds::Group;
use crate::scenario::{Evidence, Fault, FaultState, Operation, Origin, Part, Place, Subject, overlap};

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
    /// Where the platform serves at the beginning.
    pub serving: Region,
    rng: ChaCha8Rng,
    kind: (usize, &'static str),
    pieces: Vec<Piece>,
    operations: Vec<(usize, Operation)>,
    left_out: Vec<usize>,
}

/// What was drawn.
#[derive(Debug)]
pub(super) struct Drawn {
    /// What breaks, in order.
    pub pieces: Vec<Piece>,
    /// What operators do, in order, each with its kind.
    pub operations: Vec<(usize, Operation)>,
    /// The kinds that this seed never draws from, by their places in the catalogue.
    pub left_out: Vec<usize>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(policy: &'a Policy, rng: ChaCha8Rng) -> Self {
        Self {
            policy,
            order_path: vec![Part::ApiGateway, Part::Lambda, Part::Sqs, Part::Aurora],
            sidecars: 1,
            serving: Region::Home,
            rng,
            kind: (0, ""),
            pieces: Vec::new(),
            operations: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Where the platform serves at the beginning.
    pub(super) fn serving(&self) -> Place {
        self.serving.into()
    }

    /// Where it could move.
    pub(super) fn standby(&self) -> Place {
        self.serving.other().into()
    }

    /// Whether nothing is drawn yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.operations.is_empty()
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

    /// Swarm: each kind of a group with even odds. The others are left out of this timeline altogether.
    pub(super) fn some_kinds(&mut self, group: Group) -> Vec<usize> {
        let (some, others) = (0..group.kinds().len()).partition(|_| self.chance(1, 2));
        let others: Vec<usize> = others;
        self.left_out.extend(others.into_iter().map(|kind| group.base() + kind));
        some
    }

    /// Breaks something for a while; at the latest it is healed when everything is. Of two faults of the same thing at
    /// once only one can be modelled, so a clash leaves the later one out.
    pub(super) fn fault(&mut self, subject: Subject, state: FaultState, at: Duration, lasts: Duration) {
        let until = (at + lasts).min(HEALED_BY);
        if until > at {
            self.push(subject, state, Origin::Onset, at, until);
        }
    }

    /// Breaks something for a while as soon as an engine gets to a step or a state. Role changes are decided minutes
    /// after everything has begun at the latest, so that this is over when everything is healed, or soon after.
    pub(super) fn fault_when(
        &mut self,
        origin: Origin,
        subject: Subject,
        state: FaultState,
        after: Duration,
        lasts: Duration,
    ) {
        self.push(subject, state, origin, after, after + lasts);
    }

    fn push(&mut self, subject: Subject, state: FaultState, origin: Origin, at: Duration, until: Duration) {
        let fault = Fault {
            subject,
            state,
            origin,
            at,
            until: Some(until),
            evidence: Evidence::Inferred,
            note: self.note(),
        };
        if !self.pieces.iter().any(|piece| overlap(&piece.fault, &fault)) {
            self.pieces.push(Piece {
                kind: self.kind.0,
                fault,
            });
        }
    }

    /// An operator asks the sidecars of a region for something; `sidecar` counts from 1, none: all of them.
    pub(super) fn operate(&mut self, at: Duration, region: Region, sidecar: Option<u16>, command: Command) {
        self.ask(Origin::Onset, at, region, sidecar, command);
    }

    /// An operator asks all sidecars of a region for something, some time after an engine got to a step or a state.
    pub(super) fn operate_when(&mut self, origin: Origin, after: Duration, region: Region, command: Command) {
        self.ask(origin, after, region, None, command);
    }

    fn ask(&mut self, origin: Origin, at: Duration, region: Region, sidecar: Option<u16>, command: Command) {
        let operation = Operation {
            origin,
            at,
            region,
            sidecar,
            command,
            note: self.note(),
        };
        self.operations.push((self.kind.0, operation));
    }

    fn note(&self) -> String {
        format!("drawn as {}", self.kind.1)
    }

    /// Whether nothing of the kind that is being drawn begins or ends this near.
    pub(super) fn is_alone(&self, at: Duration, by: Duration) -> bool {
        let near = |piece: &Piece| {
            let until = piece.fault.until.unwrap_or(Duration::MAX);
            piece.kind == self.kind.0 && at <= until.saturating_add(by) && piece.fault.at <= at + by
        };
        let acts_near = |(kind, operation): &(usize, Operation)| {
            *kind == self.kind.0 && at <= operation.at + by && operation.at <= at + by
        };
        !self.pieces.iter().any(near) && !self.operations.iter().any(acts_near)
    }

    /// Everything, in order, the first of it at the onset. What waits for a step or a state comes last.
    pub(super) fn finish(self) -> Drawn {
        let (mut pieces, mut operations) = (self.pieces, self.operations);
        let timed = |fault: &Fault| fault.origin == Origin::Onset;
        let acts_by_itself = |operation: &Operation| operation.origin == Origin::Onset;
        pieces.sort_by_key(|piece| (!timed(&piece.fault), piece.fault.at));
        operations.sort_by_key(|(_, operation)| (!acts_by_itself(operation), operation.at));
        let breaks = pieces
            .iter()
            .filter(|piece| timed(&piece.fault))
            .map(|piece| piece.fault.at);
        let acting = operations.iter().filter(|(_, operation)| acts_by_itself(operation));
        let acts = acting.map(|(_, operation)| operation.at);
        let first = breaks.chain(acts).min().unwrap_or_default();
        for Piece { fault, .. } in pieces.iter_mut().filter(|piece| timed(&piece.fault)) {
            fault.at -= first;
            fault.until = fault.until.map(|until| until - first);
        }
        for (_, operation) in operations.iter_mut().filter(|(_, it)| acts_by_itself(it)) {
            operation.at -= first;
        }
        Drawn {
            pieces,
            operations,
            left_out: self.left_out,
        }
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
    use understudy_engine::core::machine::StateName;
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
    fn what_waits_for_a_state_is_no_onset_and_keeps_its_time() {
        let policy = shipped::trading();
        let mut draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(1));
        let asked = Origin::State(StateName::NeedsOperator);
        draft.operate_when(asked, SECOND * 5, Region::Away, Command::Acknowledge);
        draft.operate(SECOND * 70, Region::Away, None, Command::FailBack);
        draft.fault(part(Part::Lambda, Place::Home), FaultState::Down, SECOND * 60, SECOND);
        let drawn = draft.finish();
        let acts: Vec<_> = drawn.operations.iter().map(|(_, it)| (it.origin, it.at)).collect();
        assert_eq!(acts, [(Origin::Onset, SECOND * 10), (asked, SECOND * 5)]);
        assert_eq!(drawn.pieces[0].fault.at, Duration::ZERO);
    }

    #[test]
    fn the_first_fault_is_the_onset_everything_is_healed_and_nothing_overlaps() {
        let policy = shipped::trading();
        let mut draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(1));
        let here = part(Part::Lambda, Place::Home);
        draft.fault(here, FaultState::Down, SECOND * 70, SECOND * 100_000);
        draft.fault(here, FaultState::Hang, SECOND * 90, SECOND);
        draft.fault(here, FaultState::Hang, SECOND * 60, SECOND * 10);
        let pieces = draft.finish().pieces;
        let spans: Vec<_> = pieces.iter().map(|piece| (piece.fault.at, piece.fault.until)).collect();
        let healed = HEALED_BY - SECOND * 60;
        assert_eq!(
            spans,
            [(Duration::ZERO, Some(SECOND * 10)), (SECOND * 10, Some(healed))]
        );
    }
}
