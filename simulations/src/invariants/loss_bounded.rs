//! What a failover loses is within the bound, or somebody consented.

use std::time::Duration;

use understudy_engine::core::decision::Verdict;
use understudy_engine::core::evidence::Assessment;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct LossBounded {
    loss_max: Duration,
    unknown_lag_proceeds: bool,
    /// When each sidecar became suspicious last.
    suspicions: Vec<Moment>,
    /// From when the lag that a region's last decision was made on counts.
    counted_from: [Moment; 2],
    consented: [bool; 2],
}

impl Invariant for LossBounded {
    const NAME: &'static str = "a failover loses no more than the policy allows";
    const MEANING: &'static str = "When a promotion begins, the other region's commits had been replicated up to \
                                   `guards.data-loss.lag-max` before a measurement that was no older than `lag-age-max` \
                                   at the first breach (at the decision, if the database was not lost), or nothing is at \
                                   stake. Left out: operators who accepted the loss, and `lag-unknown = \"proceed\"`.";

    fn new(terms: &Terms) -> Self {
        Self {
            loss_max: terms.loss_max,
            unknown_lag_proceeds: terms.unknown_lag_proceeds,
            suspicions: vec![Moment::START; terms.sidecars],
            counted_from: [Moment::START; 2],
            consented: [false; 2],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match *fact {
            Fact::Moved {
                by,
                to: StateName::Suspicious,
                ..
            } => {
                if let Some(suspicion) = self.suspicions.get_mut(by.slot) {
                    *suspicion = at;
                }
            }
            Fact::Decided {
                by,
                verdict: Verdict::FailOver,
                assessment,
                ..
            } => {
                let database_lost = matches!(assessment, Assessment::RegionLost | Assessment::DatabaseLost);
                let suspicion = self.suspicions.get(by.slot).filter(|_| database_lost);
                self.counted_from[by.region.index()] = suspicion.copied().unwrap_or(at);
                self.consented[by.region.index()] = false;
            }
            Fact::Commanded {
                by,
                command: Command::FailOver { accept_loss: true },
            } => self.consented[by.region.index()] = true,
            Fact::PromotionBegan {
                region,
                replicated_until,
                at_stake,
                ..
            } => {
                let counted_from = self.counted_from[region.index()];
                let consented = self.consented[region.index()] || self.unknown_lag_proceeds;
                if at_stake > 0 && !consented && replicated_until.after(self.loss_max) < counted_from {
                    let text = format!(
                        "{at_stake} orders are at stake: replication had stopped {} before the loss, and nobody \
                         accepted that",
                        words::duration(counted_from.since(replicated_until))
                    );
                    broken(at, text);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, HOME, at, breaches, judge, terms};
    use understudy_engine::core::ids::Region;
    use understudy_engine::core::machine::Edge;

    fn history(replicated_until: u64, at_stake: u64) -> [(u64, Fact); 3] {
        let suspicious = Fact::Moved {
            by: AWAY,
            to: StateName::Suspicious,
            edge: Edge::BreachSeen,
        };
        let decided = Fact::Decided {
            by: AWAY,
            verdict: Verdict::FailOver,
            target: Region::Home,
            assessment: Assessment::RegionLost,
            ordered: false,
        };
        let promotion = Fact::PromotionBegan {
            region: Region::Away,
            replicated_until: at(replicated_until),
            at_stake,
        };
        [(200, suspicious), (205, decided), (215, promotion)]
    }

    #[test]
    fn replication_that_had_stopped_long_before_the_breach_breaks_it() {
        assert_eq!(breaches::<LossBounded>(history(160, 9)), 1);
    }

    #[test]
    fn what_is_within_the_bound_or_loses_nothing_does_not() {
        assert_eq!(breaches::<LossBounded>(history(170, 9)), 0);
        assert_eq!(breaches::<LossBounded>(history(160, 0)), 0);
    }

    #[test]
    fn a_consent_is_good_for_the_region_that_was_asked() {
        let consent = |by| Fact::Commanded {
            by,
            command: Command::FailOver { accept_loss: true },
        };
        let [suspicious, decided, promotion] = history(100, 9);
        let with = |by| [suspicious, decided, (205, consent(by)), promotion];
        assert_eq!(breaches::<LossBounded>(with(AWAY)), 0);
        assert_eq!(breaches::<LossBounded>(with(HOME)), 1);
    }

    #[test]
    fn a_policy_that_goes_on_with_an_unknown_lag_has_consented() {
        let mut terms = terms();
        terms.unknown_lag_proceeds = true;
        assert_eq!(judge::<LossBounded>(&terms, history(100, 9), None), 0);
    }
}
