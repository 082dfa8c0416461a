//! Derives the edge table by walking the machine through every state, event and combination of facts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::edge::Edge;
use super::event::{Event, EvidenceFact, Facts, RoleChangeFact, StateName, TenureFact};
use super::states::Machine;

/// One edge, as exploring found it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EdgeRow {
    /// The state that it leaves.
    pub state: StateName,
    /// What triggers it.
    pub trigger: Event,
    /// Under which condition, beyond the trigger.
    pub guard: String,
    /// The state that it leads to.
    pub target: StateName,
    /// Its name.
    pub edge: Edge,
    /// What the operator reads.
    pub sentence: String,
}

/// All edges of the machine, in the order of their states.
#[must_use]
pub fn explore() -> Vec<EdgeRow> {
    let facts = all_facts();
    let mut reached = BTreeMap::from([(StateName::Recovering, Machine::new())]);
    let mut open = vec![StateName::Recovering];
    let mut found = BTreeSet::new();
    while let Some(state) = open.pop() {
        for event in Event::ALL {
            for facts in &facts {
                let mut machine = reached[&state].clone();
                let taken = machine.turn(event, *facts);
                let Some(edge) = taken.edge else { continue };
                found.insert((taken.from, event, edge, taken.to));
                if let std::collections::btree_map::Entry::Vacant(entry) = reached.entry(taken.to) {
                    entry.insert(machine);
                    open.push(taken.to);
                }
            }
        }
    }
    found
        .into_iter()
        .map(|(state, trigger, edge, target)| EdgeRow {
            state,
            trigger,
            guard: edge.guard().to_owned(),
            target,
            edge,
            sentence: edge.sentence().to_owned(),
        })
        .collect()
}

/// Every combination of facts.
fn all_facts() -> Vec<Facts> {
    let mut all = Vec::new();
    for tenure in [
        TenureFact::Unknown,
        TenureFact::Ours,
        TenureFact::OursLapsed,
        TenureFact::OursClaimed,
        TenureFact::Theirs,
        TenureFact::TheirsClaimedByUs,
    ] {
        for evidence in [EvidenceFact::Quiet, EvidenceFact::Breached, EvidenceFact::Lost] {
            for role_change in [RoleChangeFact::None, RoleChangeFact::Failover, RoleChangeFact::Failback] {
                for bits in 0..1024_u16 {
                    let bit = |index: u16| bits & (1 << index) != 0;
                    all.push(Facts {
                        recovered: bit(0),
                        tenure,
                        evidence,
                        failover_agreed: bit(1),
                        failback_agreed: bit(2),
                        at_home: bit(3),
                        protected: bit(4),
                        role_change,
                        drives: bit(5),
                        ordered: bit(6),
                        operator_asked: bit(7),
                        claim_unjustified: bit(8),
                        promotion_refused: bit(9),
                    });
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_reached_and_every_edge_is_taken() {
        let rows = explore();
        let targets: BTreeSet<_> = rows.iter().map(|row| row.target).collect();
        assert_eq!(targets, StateName::ALL.into_iter().collect());
        let edges: BTreeSet<_> = rows.iter().map(|row| row.edge).collect();
        assert_eq!(edges, Edge::ALL.iter().copied().collect());
    }

    #[test]
    fn exactly_the_transitional_states_have_a_deadline_edge() {
        let rows = explore();
        for state in StateName::ALL {
            let has = rows
                .iter()
                .any(|row| row.state == state && row.trigger == Event::Deadline);
            assert_eq!(has, state.is_transitional(), "{}", state.name());
        }
    }

    #[test]
    fn nothing_resumes_by_itself_after_a_human_was_asked() {
        let triggers: BTreeSet<_> = explore()
            .iter()
            .filter(|row| row.state == StateName::NeedsOperator)
            .map(|row| row.trigger)
            .collect();
        assert_eq!(triggers, BTreeSet::from([Event::Acknowledged]));
    }

    #[test]
    fn only_standing_by_leads_into_a_claim() {
        for row in explore().iter().filter(|row| row.target == StateName::Claiming) {
            assert_eq!(row.state.superstate(), Some("standing_by"));
        }
    }

    #[test]
    fn an_event_that_no_state_handles_is_reported() {
        let mut machine = Machine::new();
        let taken = machine.turn(Event::StepsDone, all_facts()[0]);
        assert!(taken.unhandled);
        assert_eq!(taken.edge, None);
    }
}
