//! No failover because monitoring was lost.

use std::time::Duration;

use understudy_engine::core::decision::Verdict;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct LossWasVisible {
    evidence_counts: Duration,
    findable: [bool; 2],
    /// Until when each region could last be found lost.
    last: [Option<Moment>; 2],
}

impl Invariant for LossWasVisible {
    const NAME: &'static str = "no failover on the loss of monitoring";
    const MEANING: &'static str = "When an engine decides by itself to fail over, enough vantages outside the region \
                                   could in truth find it lost, now or within the time for which evidence counts. \
                                   Silence, lost messages and dead alarms are no such sight.";

    fn new(terms: &Terms) -> Self {
        Self {
            evidence_counts: terms.evidence_counts,
            findable: [false; 2],
            last: [None; 2],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match *fact {
            Fact::Findable { region, lost } => {
                let index = region.index();
                if std::mem::replace(&mut self.findable[index], lost) && !lost {
                    self.last[index] = Some(at);
                }
            }
            Fact::Decided {
                by,
                verdict: Verdict::FailOver,
                target,
                ordered: false,
                ..
            } => {
                let last = self.last[target.index()];
                let seen = last.is_some_and(|last| at <= last.after(self.evidence_counts));
                if !self.findable[target.index()] && !seen {
                    let text = format!(
                        "{} takes over from {}, which nobody outside could find lost",
                        words::region(by.region),
                        words::region(target)
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
    use crate::invariants::testing::{AWAY, breaches};
    use understudy_engine::core::evidence::Assessment;
    use understudy_engine::core::ids::Region;

    const fn findable(region: Region, lost: bool) -> Fact {
        Fact::Findable { region, lost }
    }

    const fn decided(ordered: bool) -> Fact {
        Fact::Decided {
            by: AWAY,
            verdict: Verdict::FailOver,
            target: Region::Home,
            assessment: Assessment::RegionLost,
            ordered,
        }
    }

    #[test]
    fn a_failover_from_a_region_that_nobody_could_find_lost_breaks_it() {
        assert_eq!(breaches::<LossWasVisible>([(100, decided(false))]), 1);
        let other = [(90, findable(Region::Away, true)), (100, decided(false))];
        assert_eq!(breaches::<LossWasVisible>(other), 1);
        let long_ago = [
            (90, findable(Region::Home, true)),
            (95, findable(Region::Home, false)),
            (300, decided(false)),
        ];
        assert_eq!(breaches::<LossWasVisible>(long_ago), 1);
    }

    #[test]
    fn one_from_a_region_that_was_lost_a_moment_ago_does_not() {
        let history = [
            (90, findable(Region::Home, true)),
            (95, findable(Region::Home, false)),
            (100, decided(false)),
        ];
        assert_eq!(breaches::<LossWasVisible>(history), 0);
        assert_eq!(breaches::<LossWasVisible>([(100, decided(true))]), 0);
    }
}
