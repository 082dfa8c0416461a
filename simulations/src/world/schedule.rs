//! When faults begin and operators act: at moments of their own, or when an engine comes to a step or a state.

use std::time::Duration;

use understudy_engine::core::effect::{Effect, Intent};
use understudy_engine::core::ids::Epoch;
use understudy_engine::workflow::StepId;

use super::World;
use super::clock::Moment;
use super::queue::Event;
use crate::digest::FaultSet;
use crate::report::Kind;
use crate::scenario::Origin;

/// Something that is to begin.
#[derive(Debug, Clone, Copy)]
struct Entry {
    origin: Origin,
    at: Duration,
    /// The moment that its times count from; none: not known yet.
    counts_from: Option<Moment>,
}

/// What is to begin, in the order of the scenario.
#[derive(Debug)]
pub(crate) struct Schedule {
    entries: Vec<Entry>,
    /// How many wait for an engine.
    waiting: usize,
}

impl Schedule {
    pub(crate) fn new(entries: impl Iterator<Item = (Origin, Duration)>, onset: Moment) -> Self {
        let entry = |(origin, at)| Entry {
            origin,
            at,
            counts_from: match origin {
                Origin::Onset => Some(onset),
                Origin::BeforeOnset(before) => Some(onset.before(before)),
                Origin::Step(_) | Origin::State(_) => None,
            },
        };
        let entries: Vec<Entry> = entries.map(entry).collect();
        Self {
            waiting: entries.iter().filter(|entry| entry.counts_from.is_none()).count(),
            entries,
        }
    }

    /// Everything whose beginning is known, with its beginning.
    pub(crate) fn beginnings(&self) -> impl Iterator<Item = (u16, Moment)> + '_ {
        (0_u16..)
            .zip(&self.entries)
            .filter_map(|(index, entry)| Some((index, entry.counts_from?.after(entry.at))))
    }

    /// The moment that the times of an entry count from, once it is known.
    pub(crate) fn counts_from(&self, index: u16) -> Option<Moment> {
        self.entries.get(usize::from(index))?.counts_from
    }

    /// What has begun by now.
    pub(crate) fn begun(&self, now: Moment) -> FaultSet {
        let begun = self.beginnings().filter(|(_, at)| *at <= now);
        begun.map(|(index, _)| usize::from(index)).collect()
    }

    /// Whether anything waits for an engine.
    #[inline]
    pub(crate) const fn waits(&self) -> bool {
        self.waiting > 0
    }

    /// What still waits for an engine.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (usize, Origin)> + '_ {
        let entries = self.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| entry.counts_from.is_none())
            .map(|(index, entry)| (index, entry.origin))
    }

    /// An engine has come to what some entries wait for: they begin. Returns each with its beginning.
    fn reached(&mut self, now: Moment, awaited: impl Fn(Origin) -> bool) -> Vec<(u16, Moment)> {
        let mut begin = Vec::new();
        for (index, entry) in (0_u16..).zip(&mut self.entries) {
            if entry.counts_from.is_none() && awaited(entry.origin) {
                entry.counts_from = Some(now);
                self.waiting -= 1;
                begin.push((index, now.after(entry.at)));
            }
        }
        begin
    }
}

/// Whether an effect belongs to a step. The row that lets orders commit is written by whoever keeps the lease; the step
/// waits for the first one of a new epoch.
fn belongs_to(effect: &Effect, step: StepId, first_epoch: Epoch) -> bool {
    match effect.intent {
        Intent::WriteServing { .. } => step == StepId::WriteServingRow && effect.epoch > first_epoch,
        _ => effect.key.step == step as u16,
    }
}

impl World<'_> {
    /// Whether anything waits for an engine to come to a step or a state. From the onset on only: what an engine does
    /// when everything starts is no part of an incident.
    #[inline]
    pub(super) fn something_waits(&self) -> bool {
        (self.faults.schedule.waits() || self.operations.waits()) && self.now >= self.onset
    }

    /// An engine asks for an effect. Returns whether anything begins right now, which then comes first.
    #[cold]
    pub(super) fn step_reached(&mut self, effect: &Effect) -> bool {
        let first = self.first_epoch;
        self.reached(|origin| matches!(origin, Origin::Step(step) if belongs_to(effect, step, first)))
    }

    /// What has been waiting for this begins. Returns whether any of it begins right now.
    #[cold]
    pub(super) fn reached(&mut self, awaited: impl Fn(Origin) -> bool) -> bool {
        let mut right_now = false;
        for (index, at) in self.faults.schedule.reached(self.now, &awaited) {
            right_now |= at == self.now;
            self.queue.push(at, Event::Fault(index));
        }
        for (index, at) in self.operations.reached(self.now, &awaited) {
            right_now |= at == self.now;
            self.queue.push(at, Event::Operation(index));
        }
        right_now
    }

    /// What never began because no engine came to it: a scenario that tells of something else than it says.
    pub(super) fn never_reached(&self) -> Vec<String> {
        let came = |origin: Origin| origin.in_words().unwrap_or_default();
        let faults = self.faults.schedule.waiting().map(|(index, origin)| {
            let subject = self.scenario.faults[index].subject.in_words();
            format!("{subject}: never at fault, because no engine came to {}", came(origin))
        });
        let operations = self.operations.waiting().map(|(index, origin)| {
            let asked = self.scenario.operations[index].in_words();
            format!("never asked: {asked}, because no engine came to {}", came(origin))
        });
        faults.chain(operations).collect()
    }

    /// The run is over: what never began is told.
    pub(super) fn tell_what_never_began(&mut self) {
        if self.faults.schedule.waits() || self.operations.waits() {
            for text in self.never_reached() {
                self.record.say(self.now, "world", Kind::Fault, || text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use understudy_engine::core::machine::StateName;

    use super::*;

    #[test]
    fn what_waits_for_a_step_begins_once_and_counts_from_there() {
        let step = Origin::Step(StepId::PromoteDatabase);
        let entries = [
            (Origin::Onset, Duration::from_secs(1)),
            (step, Duration::from_millis(200)),
            (Origin::BeforeOnset(Duration::from_secs(4)), Duration::ZERO),
            (Origin::State(StateName::Claiming), Duration::ZERO),
        ];
        let onset = Moment::from_micros(10_000_000);
        let mut schedule = Schedule::new(entries.into_iter(), onset);
        let known: Vec<_> = schedule.beginnings().collect();
        assert_eq!(
            known,
            [
                (0, Moment::from_micros(11_000_000)),
                (2, Moment::from_micros(6_000_000))
            ]
        );
        let now = Moment::from_micros(30_000_000);
        assert_eq!(
            schedule.reached(now, |origin| origin == step),
            [(1, now.after(Duration::from_millis(200)))]
        );
        assert_eq!(schedule.reached(now, |origin| origin == step), []);
        assert!(schedule.waits(), "the state was never entered");
        assert_eq!(schedule.waiting().map(|(index, _)| index).collect::<Vec<_>>(), [3]);
    }
}
