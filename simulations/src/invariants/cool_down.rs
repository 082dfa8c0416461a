//! No second role change within the cool-down, and not too many of them.

use std::collections::VecDeque;
use std::time::Duration;

use understudy_engine::core::decision::Verdict;
use understudy_engine::core::evidence::Assessment;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct CoolDown {
    cool_down: Duration,
    escapes: bool,
    ttl: Duration,
    most: usize,
    window: Duration,
    /// The last changes of the holder, oldest first; no more than the guard counts.
    changes: VecDeque<Moment>,
    renewed: Option<Moment>,
    released: bool,
}

impl Invariant for CoolDown {
    const NAME: &'static str = "no failover within the cool-down, and no more role changes than allowed";
    const MEANING: &'static str = "No engine decides by itself to fail over within `guards.cool-down` of the last change \
                                   of the holder, unless the whole region is lost and its lease has run out in truth \
                                   (the escape); and none decides on a role change after `role-changes-max` of them \
                                   within their window. Clocks may be off by what `lease.drift-max` allows. Operators \
                                   are free.";

    fn new(terms: &Terms) -> Self {
        let most = usize::try_from(terms.role_changes.0).unwrap_or(usize::MAX);
        let less_drift = |time: Duration| time.saturating_sub(terms.drift_over(time));
        Self {
            cool_down: less_drift(terms.cool_down),
            escapes: terms.cool_down_escapes,
            ttl: terms.ttl,
            most,
            window: less_drift(terms.role_changes.1),
            changes: VecDeque::new(),
            renewed: None,
            released: false,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::Renewed { .. } => self.renewed = Some(at),
            Fact::LeaseWritten { before, after, .. } => {
                self.released = after.released;
                if after.holder != before.holder {
                    self.renewed = Some(at);
                    if self.changes.len() == self.most.min(64) {
                        self.changes.pop_front();
                    }
                    self.changes.push_back(at);
                }
            }
            Fact::Decided {
                by,
                verdict: verdict @ (Verdict::FailOver | Verdict::FailBack),
                assessment,
                ordered: false,
                ..
            } => {
                let name = words::region(by.region);
                let recent = self.changes.iter().filter(|change| at < change.after(self.window)).count();
                if recent >= self.most {
                    broken(at, format!("{name} decides on a role change after {recent} of them"));
                }
                let Some(last) = self.changes.back().filter(|_| *verdict == Verdict::FailOver) else {
                    return;
                };
                let over = self.released || self.renewed.is_none_or(|renewed| at >= renewed.after(self.ttl));
                let escapes = self.escapes && *assessment == Assessment::RegionLost && over;
                if at < last.after(self.cool_down) && !escapes {
                    let text = format!(
                        "{name} decides to fail over {} after the last role change",
                        words::duration(at.since(*last))
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
    use crate::invariants::testing::{AWAY, HOME, breaches, take_over};
    use understudy_engine::core::ids::Region;
    use understudy_engine::core::lease::LeaseRecord;

    const MINUTE: u64 = 60;

    fn decided(verdict: Verdict, assessment: Assessment, ordered: bool) -> Fact {
        Fact::Decided {
            by: HOME,
            verdict,
            target: Region::Away,
            assessment,
            ordered,
        }
    }

    /// Away takes over at 100 s and renews until 130 s; then home decides.
    fn history(second: u64, decision: Fact) -> [(u64, Fact); 3] {
        let [_, (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        [(100, acquire), (130, Fact::Renewed { by: AWAY }), (second, decision)]
    }

    #[test]
    fn a_second_failover_within_the_cool_down_breaks_it() {
        let early = decided(Verdict::FailOver, Assessment::ApplicationLost, false);
        assert_eq!(breaches::<CoolDown>(history(100 + 20 * MINUTE, early)), 1);
        assert_eq!(breaches::<CoolDown>(history(100 + 30 * MINUTE, early)), 0);
    }

    #[test]
    fn a_lost_region_escapes_it_once_its_lease_has_run_out() {
        let lost = decided(Verdict::FailOver, Assessment::RegionLost, false);
        assert_eq!(breaches::<CoolDown>(history(138, lost)), 0);
        assert_eq!(breaches::<CoolDown>(history(137, lost)), 1);
    }

    #[test]
    fn operators_and_failbacks_do_not_wait() {
        let ordered = decided(Verdict::FailOver, Assessment::ApplicationLost, true);
        assert_eq!(breaches::<CoolDown>(history(200, ordered)), 0);
        let home = decided(Verdict::FailBack, Assessment::Steady, false);
        assert_eq!(breaches::<CoolDown>(history(200, home)), 0);
    }

    #[test]
    fn too_many_role_changes_break_it_however_far_apart() {
        let [_, (one, acquired)] = take_over(AWAY, LeaseRecord::initial());
        let [_, (two, _)] = take_over(HOME, acquired);
        let third = decided(Verdict::FailOver, Assessment::RegionLost, false);
        let history = |third_at| [(100, one), (100 + 120 * MINUTE, two), (third_at, third)];
        assert_eq!(breaches::<CoolDown>(history(100 + 240 * MINUTE)), 1);
        assert_eq!(breaches::<CoolDown>(history(100 + 24 * 60 * MINUTE)), 0);
    }
}
