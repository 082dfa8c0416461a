//! Every role-changing effect was written down before it was begun.

use understudy_engine::core::effect::Intent;
use understudy_engine::core::ids::{EffectId, Region};
use understudy_engine::core::lease::{LeaseRecord, RoleChangeKind};

use super::{Fact, Invariant, Sidecar, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// What the lease item has said of one region's intentions within the present epoch.
#[derive(Debug, Clone, Copy, Default)]
struct Recorded {
    claim: bool,
    failover: bool,
    failback: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct IntentFirst {
    /// What each sidecar's journal asks for and its shell has not begun.
    journals: Vec<Vec<EffectId>>,
    recorded: [Recorded; 2],
    holder: Region,
}

impl IntentFirst {
    fn note(&mut self, before: &LeaseRecord, after: &LeaseRecord) {
        self.holder = after.holder;
        if after.epoch != before.epoch {
            self.recorded = [Recorded::default(); 2];
        }
        if let Some(claim) = after.claim {
            self.recorded[claim.region.index()].claim = true;
        }
        let holder = &mut self.recorded[after.holder.index()];
        match after.role_change.map(|change| change.kind) {
            Some(RoleChangeKind::Failover) => holder.failover = true,
            Some(RoleChangeKind::Failback) => holder.failback = true,
            None => {}
        }
    }

    /// Whether the lease item has announced what this sidecar is about to do.
    fn is_recorded(&self, by: Sidecar, intent: &Intent) -> bool {
        let recorded = self.recorded[by.region.index()];
        match intent {
            // Sending clients to the region that holds the lease is no role change.
            Intent::SetSwitch { engaged: true, .. } if self.holder == Region::Away => true,
            Intent::SetSwitch { engaged: true, .. } => recorded.claim || recorded.failover,
            Intent::PromoteDatabase { .. } | Intent::PinRecord { .. } => recorded.failover,
            Intent::SwitchOverDatabase { .. } => recorded.failback,
            _ => true,
        }
    }
}

impl Invariant for IntentFirst {
    const NAME: &'static str = "intents are recorded before their effects begin";
    const MEANING: &'static str = "A sidecar's journal holds every effect that is no routine before its shell begins it. \
                                   The lease item holds the claim before a switch is engaged for a region that does not \
                                   hold the lease, the failover before a \
                                   database is promoted or the record pinned, and the failback before the writer is \
                                   moved home: whoever takes over from a crashed sidecar can know.";

    fn new(terms: &Terms) -> Self {
        Self {
            journals: vec![Vec::new(); terms.sidecars],
            recorded: [Recorded::default(); 2],
            holder: terms.lease.holder,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::LeaseWritten { before, after, .. } => self.note(before, after),
            Fact::Asked { by, effect, .. } => {
                if let Some(journal) = self.journals.get_mut(by.slot) {
                    journal.push(effect.id);
                }
            }
            Fact::Begun { by, effect, .. } if !effect.intent.is_routine() => {
                let Some(journal) = self.journals.get_mut(by.slot) else {
                    return;
                };
                let written = journal.iter().position(|id| *id == effect.id);
                let name = || words::intent(&effect.intent).unwrap_or_else(|| "an effect".to_owned());
                match written {
                    Some(place) => drop(journal.swap_remove(place)),
                    None => {
                        let region = words::region(by.region);
                        broken(at, format!("{region} begins what its journal does not hold: {}", name()));
                    }
                }
                if !self.is_recorded(*by, &effect.intent) {
                    let region = words::region(by.region);
                    broken(at, format!("{region} begins what the lease item does not announce: {}", name()));
                }
            }
            // What the last process asked for is never begun.
            Fact::Started { sidecar } | Fact::Stopped { sidecar } => {
                if let Some(journal) = self.journals.get_mut(sidecar.slot) {
                    journal.clear();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, boot, breaches, effect, take_over};
    use understudy_engine::core::ids::Switch;
    use understudy_policies::model::DatabaseMethod;

    fn steps(id: u64, intent: Intent) -> [Fact; 2] {
        let effect = effect(id, 2, 90, intent);
        let boot = boot(50);
        [
            Fact::Asked { by: AWAY, effect, boot },
            Fact::Begun { by: AWAY, effect, boot },
        ]
    }

    const ENGAGE: Intent = Intent::SetSwitch {
        switch: Switch::A,
        engaged: true,
        order: 2,
    };
    const PROMOTE: Intent = Intent::PromoteDatabase {
        method: DatabaseMethod::AuroraDetach,
    };

    #[test]
    fn what_is_recorded_first_may_be_begun() {
        let [(claim, _), (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        let [ask_switch, begin_switch] = steps(1, ENGAGE);
        let [ask_promotion, begin_promotion] = steps(2, PROMOTE);
        let history = [
            claim,
            ask_switch,
            begin_switch,
            acquire,
            ask_promotion,
            begin_promotion,
        ];
        assert_eq!(breaches::<IntentFirst>(history.map(|fact| (100, fact))), 0);
    }

    #[test]
    fn a_switch_that_is_engaged_before_the_claim_breaks_it() {
        let [(claim, _), _] = take_over(AWAY, LeaseRecord::initial());
        let [ask, begin] = steps(1, ENGAGE);
        assert_eq!(breaches::<IntentFirst>([ask, begin, claim].map(|fact| (100, fact))), 1);
    }

    #[test]
    fn a_promotion_needs_more_than_the_claim() {
        let [(claim, _), _] = take_over(AWAY, LeaseRecord::initial());
        let [ask, begin] = steps(1, PROMOTE);
        assert_eq!(breaches::<IntentFirst>([claim, ask, begin].map(|fact| (100, fact))), 1);
    }

    #[test]
    fn what_the_journal_does_not_hold_breaks_it() {
        let [ask, begin] = steps(1, Intent::OpenIntake);
        assert_eq!(breaches::<IntentFirst>([(100, begin), (101, ask)]), 1);
        assert_eq!(breaches::<IntentFirst>([(100, ask), (101, begin)]), 0);
    }
}
