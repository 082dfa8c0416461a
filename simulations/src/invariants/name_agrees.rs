//! The public name answers with the region that serves.

use std::time::Duration;

use understudy_engine::core::ids::Region;

use super::{Ending, Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct NameAgrees {
    redirection: Duration,
    engine_moves_name: bool,
    holder: Region,
    /// No claim and no role change is in the lease item.
    settled: bool,
    answer: Region,
    readable: bool,
    /// Which regions commit orders.
    commits: [bool; 2],
    /// Since when the name answers with the wrong region.
    wrong_since: Option<Moment>,
}

impl NameAgrees {
    fn look(&mut self, at: Moment, broken: &mut impl FnMut(Moment, String)) {
        let serves = self.settled && self.commits[self.holder.index()];
        if self.engine_moves_name && self.readable && serves && self.answer != self.holder {
            self.wrong_since.get_or_insert(at);
        } else {
            self.close(at, broken);
        }
    }

    fn close(&mut self, at: Moment, broken: &mut impl FnMut(Moment, String)) {
        let Some(since) = self.wrong_since.take() else { return };
        if at > since.after(self.redirection) {
            let text = format!(
                "for {} the public name answers with {}, and {} serves",
                words::duration(at.since(since)),
                words::region(self.answer),
                words::region(self.holder)
            );
            broken(since, text);
        }
    }
}

impl Invariant for NameAgrees {
    const NAME: &'static str = "the public name answers with the region that serves";
    const MEANING: &'static str = "While the holder commits orders, and the lease item holds neither a claim nor a role \
                                   change, the public name answers with the holder, or does so within the time that \
                                   the engine needs to see that it does not, and a flip of a switch to reach everyone \
                                   in this run. Left out: while Route 53's checkers can read neither switch, and \
                                   policies under which Route 53 moves the name without the engine.";

    fn new(terms: &Terms) -> Self {
        Self {
            redirection: terms.redirection,
            engine_moves_name: terms.engine_moves_name,
            holder: terms.lease.holder,
            settled: true,
            answer: terms.lease.holder,
            readable: true,
            commits: [false; 2],
            wrong_since: None,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::LeaseWritten { after, .. } => {
                let settled = after.claim.is_none() && after.role_change.is_none();
                if after.holder != self.holder || settled != self.settled {
                    self.close(at, broken);
                    self.holder = after.holder;
                    self.settled = settled;
                }
            }
            Fact::Answers { region } => {
                self.close(at, broken);
                self.answer = *region;
            }
            Fact::SwitchesReadable { any } => self.readable = *any,
            Fact::Commits { region, so } => self.commits[region.index()] = *so,
            _ => return,
        }
        self.look(at, broken);
    }

    fn end(&mut self, at: Moment, _ending: &Ending, broken: &mut impl FnMut(Moment, String)) {
        self.close(at, broken);
    }
}

#[cfg(test)]
mod tests {
    use understudy_engine::core::lease::LeaseRecord;

    use super::*;
    use crate::invariants::testing::{AWAY, breaches, take_over, write};
    use understudy_engine::core::lease::LeaseRequest;

    const HOME_ANSWERS: Fact = Fact::Answers { region: Region::Home };
    const AWAY_ANSWERS: Fact = Fact::Answers { region: Region::Away };

    const AWAY_SERVES: Fact = Fact::Commits {
        region: Region::Away,
        so: true,
    };

    /// Claim, new epoch, completion.
    fn failover() -> [Fact; 3] {
        let [(claim, _), (acquire, acquired)] = take_over(AWAY, LeaseRecord::initial());
        let request = LeaseRequest::Record {
            epoch: acquired.epoch,
            region: Region::Away,
            role_change: None,
            protected: false,
        };
        let (complete, _) = write(AWAY, acquired, request);
        [claim, acquire, complete]
    }

    #[test]
    fn a_name_that_goes_back_to_the_lost_region_breaks_it() {
        let [claim, acquire, complete] = failover();
        let history = [
            (100, claim),
            (110, acquire),
            (140, AWAY_ANSWERS),
            (145, AWAY_SERVES),
            (150, complete),
            (500, HOME_ANSWERS),
            (900, AWAY_ANSWERS),
        ];
        assert_eq!(breaches::<NameAgrees>(history), 1);
        let lost_again = Fact::Commits {
            region: Region::Away,
            so: false,
        };
        let [claim, acquire, complete] = failover();
        let history = [
            (100, claim),
            (110, acquire),
            (140, AWAY_ANSWERS),
            (145, AWAY_SERVES),
            (150, complete),
            (499, lost_again),
            (500, HOME_ANSWERS),
            (900, AWAY_ANSWERS),
        ];
        assert_eq!(breaches::<NameAgrees>(history), 0, "nobody serves, so nobody is kept from it");
    }

    #[test]
    fn a_name_that_moves_during_the_failover_does_not() {
        let [claim, acquire, complete] = failover();
        let history = [
            (100, claim),
            (110, acquire),
            (145, AWAY_SERVES),
            (400, AWAY_ANSWERS),
            (401, complete),
        ];
        assert_eq!(breaches::<NameAgrees>(history), 0);
    }

    #[test]
    fn nobody_can_help_it_while_neither_switch_can_be_read() {
        let [claim, acquire, complete] = failover();
        let history = [
            (100, claim),
            (110, acquire),
            (140, AWAY_ANSWERS),
            (145, AWAY_SERVES),
            (150, complete),
            (460, Fact::SwitchesReadable { any: false }),
            (500, HOME_ANSWERS),
            (890, Fact::SwitchesReadable { any: true }),
            (900, AWAY_ANSWERS),
        ];
        assert_eq!(breaches::<NameAgrees>(history), 0);
    }
}
