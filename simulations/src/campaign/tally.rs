//! What a campaign adds up.
//!
//! Every field is a sum, a histogram or a list that is cut at a fixed length by seed: none grows with the number of
//! timelines, and none cares for the order in which they come.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use understudy_engine::core::machine::Edge;
use understudy_policies::Policy;

use super::kinds;
use super::timeline::{Timeline, Workload};
use crate::digest::Digest;
use crate::report::{OrdersReport, Violation};

/// How much of each list is kept.
pub(super) const LISTED_MAX: usize = 100;

/// The least of a list by seed.
#[derive(Debug, Clone)]
pub(super) struct Listed<T>(BTreeMap<(u64, u32), T>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Listed<T> {
    fn add(&mut self, seed: u64, number: u32, item: T) {
        self.0.insert((seed, number), item);
        if self.0.len() > LISTED_MAX {
            self.0.pop_last();
        }
    }

    fn merge(&mut self, other: Self) {
        for ((seed, number), item) in other.0 {
            self.add(seed, number, item);
        }
    }

    /// The items by seed.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.0.iter().map(|((seed, _), item)| (*seed, item))
    }
}

/// How long something took.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    /// In milliseconds, to three digits.
    millis: Histogram<u64>,
    /// In microseconds, exact.
    max: u64,
}

impl Default for Spread {
    fn default() -> Self {
        // The longest run is a week, and three digits are more than the model is good for.
        const WEEK: u64 = 7 * 86_400_000;
        let millis = Histogram::new_with_bounds(1, WEEK, 3);
        Self {
            millis: millis.unwrap_or_else(|_| unreachable!("the bounds are constants that fit each other")),
            max: 0,
        }
    }
}

impl Spread {
    fn add(&mut self, seconds: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "figures are not negative, and a run lasts a week at most"
        )]
        let micros = (seconds * 1e6).round() as u64;
        self.max = self.max.max(micros);
        self.millis.saturating_record(micros.div_ceil(1_000));
    }

    fn merge(&mut self, other: &Self) {
        self.max = self.max.max(other.max);
        // Both have the same bounds, so that nothing can be refused.
        let merged = self.millis.add(&other.millis);
        debug_assert!(merged.is_ok());
    }

    pub(super) fn count(&self) -> u64 {
        self.millis.len()
    }

    /// A quantile in seconds; none: nothing was added.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a week in milliseconds is exact")]
        let seconds = |millis: u64| millis as f64 / 1e3;
        let quantile = seconds(self.millis.value_at_quantile(share));
        Some(quantile.min(self.max()?))
    }

    /// The largest in seconds; none: nothing was added.
    pub(super) fn max(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a week in microseconds is exact")]
        let max = self.max as f64 / 1e6;
        (self.count() > 0).then_some(max)
    }
}

/// Both figures of the promise.
#[derive(Debug, Clone, Default)]
pub(super) struct Rto {
    pub accepted: Spread,
    pub processed: Spread,
    /// Timelines in which orders were stopped and not accepted, or not processed, again within it.
    pub accepted_never: u64,
    pub processed_never: u64,
}

impl Rto {
    fn add(&mut self, digest: &Digest) {
        match digest.accepted_rto {
            Some(seconds) => self.accepted.add(seconds),
            None => self.accepted_never += u64::from(digest.interruptions > 0),
        }
        match digest.processed_rto {
            Some(seconds) => self.processed.add(seconds),
            None => self.processed_never += u64::from(digest.processing_stopped),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.accepted.merge(&other.accepted);
        self.processed.merge(&other.processed);
        self.accepted_never += other.accepted_never;
        self.processed_never += other.processed_never;
    }
}

/// What one kind of timelines adds up to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sort {
    pub timelines: u64,
    pub failovers: u64,
    pub interrupted_timelines: u64,
    pub interrupted: Duration,
}

/// What a campaign adds up.
#[derive(Debug, Clone)]
pub struct Tally {
    pub(super) timelines: u64,
    pub(super) simulated: Duration,
    pub(super) watched: Duration,
    pub(super) interrupted: Duration,
    /// Timelines with an interruption.
    pub(super) interrupted_timelines: u64,
    pub(super) failovers: u64,
    /// Timelines with a failover.
    pub(super) failed_over: u64,
    pub(super) failbacks: u64,
    pub(super) demanded: u64,
    pub(super) false_failovers: u64,
    pub(super) missed_failovers: u64,
    pub(super) within_bounds: u64,
    pub(super) needs_operator: u64,
    pub(super) ends_in: [u64; 3],
    pub(super) rto: Rto,
    pub(super) rto_within_bounds: Rto,
    pub(super) promised: u64,
    pub(super) over_budget: u64,
    pub(super) orders: OrdersReport,
    pub(super) sorts: [Sort; Workload::DRAWN.len()],
    edges: Vec<u64>,
    kinds: Vec<u64>,
    pub(super) overruns: BTreeMap<&'static str, u64>,
    pub(super) violations: u64,
    pub(super) by_invariant: BTreeMap<&'static str, u64>,
    pub(super) listed_violations: Listed<Violation>,
    pub(super) listed_false: Listed<()>,
    pub(super) listed_missed: Listed<()>,
    pub(super) listed_over_budget: Listed<()>,
    pub(super) listed_unserved: Listed<()>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            timelines: 0,
            simulated: Duration::ZERO,
            watched: Duration::ZERO,
            interrupted: Duration::ZERO,
            interrupted_timelines: 0,
            failovers: 0,
            failed_over: 0,
            failbacks: 0,
            demanded: 0,
            false_failovers: 0,
            missed_failovers: 0,
            within_bounds: 0,
            needs_operator: 0,
            ends_in: [0; 3],
            rto: Rto::default(),
            rto_within_bounds: Rto::default(),
            promised: 0,
            over_budget: 0,
            orders: OrdersReport::default(),
            sorts: [Sort::default(); Workload::DRAWN.len()],
            edges: vec![0; Edge::ALL.len()],
            kinds: vec![0; kinds::COUNT],
            overruns: BTreeMap::new(),
            violations: 0,
            by_invariant: BTreeMap::new(),
            listed_violations: Listed::default(),
            listed_false: Listed::default(),
            listed_missed: Listed::default(),
            listed_over_budget: Listed::default(),
            listed_unserved: Listed::default(),
        }
    }
}

impl Tally {
    /// Adds a timeline that was run.
    pub fn add(&mut self, timeline: &Timeline, digest: &Digest, policy: &Policy) {
        let seed = timeline.seed;
        self.timelines += 1;
        self.simulated += digest.simulated;
        self.watched += digest.watched;
        self.interrupted += digest.interrupted;
        self.interrupted_timelines += u64::from(digest.interruptions > 0);
        self.failovers += u64::from(digest.failovers);
        self.failbacks += u64::from(digest.failbacks);
        self.demanded += u64::from(digest.judgement.demanded_failovers);
        self.within_bounds += u64::from(digest.within_bounds);
        self.needs_operator += u64::from(digest.needs_operator);
        self.ends_in[digest.ends_in.map_or(2, understudy_engine::core::ids::Region::index)] += 1;
        if digest.ends_in.is_none() {
            self.listed_unserved.add(seed, 0, ());
        }
        self.orders.add(&digest.orders);
        let (wrong, missing) = timeline.judge(digest);
        self.false_failovers += u64::from(wrong);
        self.missed_failovers += u64::from(missing);
        if wrong > 0 {
            self.listed_false.add(seed, 0, ());
        }
        if missing > 0 {
            self.listed_missed.add(seed, 0, ());
        }
        if let Some(sort) = timeline.drawn_as.and_then(|drawn| self.sorts.get_mut(drawn as usize)) {
            sort.timelines += 1;
            sort.failovers += u64::from(digest.failovers);
            sort.interrupted_timelines += u64::from(digest.interruptions > 0);
            sort.interrupted += digest.interrupted;
        }
        if digest.failovers > 0 {
            self.add_failover(timeline, digest, policy);
        }
        for (count, edge) in self.edges.iter_mut().zip(Edge::ALL) {
            *count += u64::from(digest.edges.contains(*edge));
        }
        for kind in timeline.kinds_begun(digest) {
            self.kinds[kind] += 1;
        }
        for (number, violation) in (0..).zip(&digest.violations) {
            self.violations += 1;
            *self.by_invariant.entry(violation.invariant).or_default() += 1;
            if (number as usize) < LISTED_MAX {
                self.listed_violations.add(seed, number, violation.clone());
            }
        }
    }

    fn add_failover(&mut self, timeline: &Timeline, digest: &Digest, policy: &Policy) {
        self.failed_over += 1;
        self.rto.add(digest);
        if let Some(phase) = digest.overrun {
            *self.overruns.entry(phase).or_default() += 1;
        }
        if !digest.within_bounds {
            return;
        }
        self.rto_within_bounds.add(digest);
        if !timeline.promised {
            return;
        }
        self.promised += 1;
        let budget = policy.budget.total.as_secs_f64();
        let late = |stopped: bool, figure: Option<f64>| stopped && figure.is_none_or(|seconds| seconds > budget);
        if late(digest.interruptions > 0, digest.accepted_rto) || late(digest.processing_stopped, digest.processed_rto)
        {
            self.over_budget += 1;
            self.listed_over_budget.add(timeline.seed, 0, ());
        }
    }

    /// Adds what another core has added up.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.timelines += other.timelines;
        self.simulated += other.simulated;
        self.watched += other.watched;
        self.interrupted += other.interrupted;
        self.interrupted_timelines += other.interrupted_timelines;
        self.failovers += other.failovers;
        self.failed_over += other.failed_over;
        self.failbacks += other.failbacks;
        self.demanded += other.demanded;
        self.false_failovers += other.false_failovers;
        self.missed_failovers += other.missed_failovers;
        self.within_bounds += other.within_bounds;
        self.needs_operator += other.needs_operator;
        self.rto.merge(&other.rto);
        self.rto_within_bounds.merge(&other.rto_within_bounds);
        self.promised += other.promised;
        self.over_budget += other.over_budget;
        self.orders.add(&other.orders);
        self.violations += other.violations;
        for (sort, more) in self.sorts.iter_mut().zip(other.sorts) {
            sort.timelines += more.timelines;
            sort.failovers += more.failovers;
            sort.interrupted_timelines += more.interrupted_timelines;
            sort.interrupted += more.interrupted;
        }
        add_each(&mut self.ends_in, &other.ends_in);
        add_each(&mut self.edges, &other.edges);
        add_each(&mut self.kinds, &other.kinds);
        for (counts, more) in [
            (&mut self.overruns, other.overruns),
            (&mut self.by_invariant, other.by_invariant),
        ] {
            for (name, count) in more {
                *counts.entry(name).or_default() += count;
            }
        }
        self.listed_violations.merge(other.listed_violations);
        self.listed_false.merge(other.listed_false);
        self.listed_missed.merge(other.listed_missed);
        self.listed_over_budget.merge(other.listed_over_budget);
        self.listed_unserved.merge(other.listed_unserved);
        self
    }

    /// Every edge of the machine with the number of timelines in which it was taken.
    pub(super) fn edges(&self) -> impl Iterator<Item = (Edge, u64)> {
        Edge::ALL.iter().copied().zip(self.edges.iter().copied())
    }

    /// Every kind that the workload can draw with the number of timelines in which one of it began.
    pub(super) fn kinds(&self, workload: Workload) -> impl Iterator<Item = (&'static str, u64)> {
        kinds::of(workload).map(|(index, kind)| (kind.name, self.kinds[index]))
    }
}

fn add_each(counts: &mut [u64], more: &[u64]) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

impl OrdersReport {
    fn add(&mut self, other: &Self) {
        self.placed += other.placed;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.processed += other.processed;
        self.pending += other.pending;
        self.lost += other.lost;
        self.residual_commits += other.residual_commits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_the_least_seeds_whatever_the_order() {
        let mut up = Listed::default();
        let mut down = Listed::default();
        for seed in 0..1_000 {
            up.add(seed, 0, ());
            down.add(999 - seed, 0, ());
        }
        let seeds = |list: &Listed<()>| list.iter().map(|(seed, ())| seed).collect::<Vec<_>>();
        assert_eq!(seeds(&up), (0..100).collect::<Vec<_>>());
        assert_eq!(seeds(&up), seeds(&down));
    }

    #[test]
    fn quantiles_are_right_to_three_digits_and_the_largest_is_exact() {
        let mut spread = Spread::default();
        assert_eq!((spread.quantile(0.5), spread.max()), (None, None));
        for tenths in 1..=1_000_u32 {
            spread.add(f64::from(tenths) / 10.0);
        }
        let near = |share: f64, expected: f64| {
            spread
                .quantile(share)
                .is_some_and(|it| (it / expected - 1.0).abs() < 2e-3)
        };
        assert!(near(0.5, 50.0) && near(0.99, 99.0));
        assert_eq!(spread.max(), Some(100.0));
        assert_eq!(spread.count(), 1_000);
    }
}
