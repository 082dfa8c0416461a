//! The public name answers with the region that serves.

use std::time::Duration;

use understudy_engine::core::ids::Region;

use super::{Ending, Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct NameAgrees {
    /// How long it may be wrong: the switches are read, written, and seen by everyone outside.
    patience: Duration,
    engine_moves_name: bool,
    holder: Region,
    /// No claim and no role change is in the lease item.
    settled: bool,
    answer: Region,
    /// A sidecar runs that could mend it.
    mendable: bool,
    /// Since when the name answers with the wrong region.
    wrong_since: Option<Moment>,
}

impl NameAgrees {
    fn look(&mut self, at: Moment, broken: &mut impl FnMut(Moment, String)) {
        let wrong = self.engine_moves_name && self.settled && self.mendable && self.answer != self.holder;
        if wrong {
            self.wrong_since.get_or_insert(at);
        } else {
            self.close(at, broken);
        }
    }

    fn close(&mut self, at: Moment, broken: &mut impl FnMut(Moment, String)) {
        let Some(since) = self.wrong_since.take() else { return };
        if at > since.after(self.patience) {
            let text = format!(
                "for {} the public name answers with {}, and {} holds the lease",
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
    const MEANING: &'static str = "While the lease item holds neither a claim nor a role change, the public name answers \
                                   with the holder, or does so within the time that reading the switches, flipping them \
                                   and its propagation need in this run. Left out: while no sidecar runs that reaches \
                                   the lease and every switch that Route 53's checkers can read, and policies under \
                                   which Route 53 moves the name without the engine.";

    fn new(terms: &Terms) -> Self {
        Self {
            patience: terms.redirection + terms.switches_mended,
            engine_moves_name: terms.engine_moves_name,
            holder: terms.lease.holder,
            settled: true,
            answer: terms.lease.holder,
            mendable: true,
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
            Fact::SwitchesMendable { so } => self.mendable = *so,
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
            (150, complete),
            (500, HOME_ANSWERS),
            (900, AWAY_ANSWERS),
        ];
        assert_eq!(breaches::<NameAgrees>(history), 1);
    }

    #[test]
    fn a_name_that_moves_during_the_failover_does_not() {
        let [claim, acquire, complete] = failover();
        let history = [(100, claim), (110, acquire), (400, AWAY_ANSWERS), (401, complete)];
        assert_eq!(breaches::<NameAgrees>(history), 0);
    }

    #[test]
    fn nobody_can_help_it_while_no_sidecar_reaches_the_switches() {
        let [claim, acquire, complete] = failover();
        let history = [
            (100, claim),
            (110, acquire),
            (140, AWAY_ANSWERS),
            (150, complete),
            (460, Fact::SwitchesMendable { so: false }),
            (500, HOME_ANSWERS),
            (890, Fact::SwitchesMendable { so: true }),
            (900, AWAY_ANSWERS),
        ];
        assert_eq!(breaches::<NameAgrees>(history), 0);
    }
}
