//! What a campaign keeps of one timeline: everything that it adds up, and no text.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::Edge;

use crate::report::{OrdersReport, Violation};

/// A set of edges of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EdgeSet(u128);

impl EdgeSet {
    /// Adds an edge.
    pub const fn insert(&mut self, edge: Edge) {
        self.0 |= 1 << edge as u32;
    }

    /// Adds every edge of another set.
    pub const fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether an edge is in it.
    #[must_use]
    pub const fn contains(self, edge: Edge) -> bool {
        self.0 & (1 << edge as u32) != 0
    }

    /// The edges of the machine that are not in it, in their own order.
    pub fn missing(self) -> impl Iterator<Item = Edge> {
        Edge::ALL.iter().copied().filter(move |edge| !self.contains(*edge))
    }
}

/// What the truth says of an engine's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judgement {
    /// Failovers that nothing justified.
    pub false_failovers: u32,
    /// Losses that left no room for doubt.
    pub demanded_failovers: u32,
    /// Those of them that no failover answered.
    pub missed_failovers: u32,
}

/// A set of a scenario's faults, or of what operators do in it, by their places in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultSet([u128; 2]);

impl FaultSet {
    /// Adds a fault. A scenario has at most 200.
    pub fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 128) {
            *word |= 1 << (index % 128);
        }
    }

    /// Whether a fault is in it.
    #[must_use]
    pub fn contains(self, index: usize) -> bool {
        self.0
            .get(index / 128)
            .is_some_and(|word| word & (1 << (index % 128)) != 0)
    }
}

impl FromIterator<usize> for FaultSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        let mut set = Self::default();
        indexes.into_iter().for_each(|index| set.insert(index));
        set
    }
}

/// What a campaign keeps of one timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The whole timeline.
    pub simulated: Duration,
    /// From the onset to the end.
    pub watched: Duration,
    /// Whether every condition is inside the bounds that the policy declares.
    pub within_bounds: bool,
    /// How many failovers were decided.
    pub failovers: u32,
    /// Which of them were wrong, and which ones were missing.
    pub judgement: Judgement,
    /// How many failbacks were begun.
    pub failbacks: u32,
    /// Orders accepted again, in seconds from the onset; none: never interrupted, or not within the timeline.
    pub accepted_rto: Option<f64>,
    /// Orders processed again, in seconds from the onset.
    pub processed_rto: Option<f64>,
    /// Whether processing was ever stopped.
    pub processing_stopped: bool,
    /// The phase that overran its allotment by most.
    pub overrun: Option<&'static str>,
    /// For how long fewer than 95 % of the clients could place orders.
    pub interrupted: Duration,
    /// How many times that began.
    pub interruptions: u32,
    /// Which of the scenario's faults began.
    pub begun: FaultSet,
    /// Which of the scenario's operators acted.
    pub acted: FaultSet,
    /// What became of the orders.
    pub orders: OrdersReport,
    /// The edges that any engine's machine took.
    pub edges: EdgeSet,
    /// The region that serves at the end; none: neither processes orders.
    pub ends_in: Option<Region>,
    /// Whether a human was asked to take over.
    pub needs_operator: bool,
    /// The invariants that were broken.
    pub violations: Vec<Violation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_apart_up_to_the_most_that_a_scenario_has() {
        let set: FaultSet = [0, 127, 128, 199].into_iter().collect();
        let found: Vec<usize> = (0..300).filter(|index| set.contains(*index)).collect();
        assert_eq!(found, [0, 127, 128, 199]);
    }

    #[test]
    fn every_edge_has_a_place_of_its_own() {
        let mut all = EdgeSet::default();
        for edge in Edge::ALL {
            assert!(!all.contains(*edge), "{edge:?}");
            all.insert(*edge);
        }
        assert_eq!(all.missing().count(), 0);
        assert_eq!(EdgeSet::default().missing().count(), Edge::ALL.len());
    }
}
