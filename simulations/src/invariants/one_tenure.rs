//! Two regions never hold valid tenure at once.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::lease::LeaseRequest;

use super::{Fact, Invariant, Sidecar, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct OneTenure {
    /// By how much a row may outlive the tenure: the taker waits for both.
    row_slack: Duration,
    /// Until when each sidecar believes that its region may serve.
    tenures: Vec<(Region, Moment)>,
    /// The same, of all sidecars of a region, those included that do not run any more.
    reached: [Moment; 2],
    /// Until when each region's serving row lets orders commit.
    rows: [Moment; 2],
    /// The region gave the lease up by itself, and holds it no more: what its other sidecars do not know yet harms
    /// nobody.
    gave_up: [bool; 2],
}

impl OneTenure {
    fn judge(&self, at: Moment, sidecar: Sidecar, until: Moment, broken: &mut impl FnMut(Moment, String)) {
        let other = sidecar.region.other();
        if self.gave_up[other.index()] || self.gave_up[sidecar.region.index()] {
            return;
        }
        let theirs = self.tenures.iter().filter(|(region, _)| *region == other);
        let believed = theirs.map(|(_, until)| *until).max().unwrap_or_default();
        let theirs = believed.max(self.rows[other.index()]);
        if theirs > at {
            let text = format!(
                "{} may serve from now on, and {} for another {}",
                words::region(sidecar.region),
                words::region(other),
                words::duration(theirs.min(until).since(at))
            );
            broken(at, text);
        }
    }
}

impl Invariant for OneTenure {
    const NAME: &'static str = "two regions never hold valid tenure at once";
    const MEANING: &'static str = "While a sidecar of one region may serve by its own clock, or its database's serving \
                                   row is valid, no sidecar of the other region may, unless that region gave the lease \
                                   up by itself. A serving row never outlives the tenure that it was written for (by \
                                   more than `lease.margin` and `lease.drift-max`, before which no taker opens): a holder that \
                                   cannot renew is fenced by its database.";

    fn new(terms: &Terms) -> Self {
        Self {
            row_slack: terms.margin + terms.drift_max,
            tenures: vec![(Region::Home, Moment::START); terms.sidecars],
            reached: [Moment::START; 2],
            rows: [Moment::START; 2],
            gave_up: [false; 2],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match *fact {
            Fact::Tenure { sidecar, until } => {
                let Some(tenure) = self.tenures.get_mut(sidecar.slot) else {
                    return;
                };
                let held = tenure.1 > at;
                *tenure = (sidecar.region, until);
                let reached = &mut self.reached[sidecar.region.index()];
                *reached = until.max(*reached);
                if until > at && !held {
                    self.judge(at, sidecar, until, broken);
                }
            }
            Fact::ServingRow { region, until, .. } => {
                self.rows[region.index()] = until;
                let limit = self.reached[region.index()].after(self.row_slack);
                if until > at && until > limit {
                    let text = format!(
                        "{}'s database lets orders commit {} beyond the lease",
                        words::region(region),
                        words::duration(until.since(limit))
                    );
                    broken(at, text);
                }
            }
            Fact::LeaseWritten {
                request, before, after, ..
            } if after.holder != before.holder => {
                self.gave_up[before.holder.index()] = before.released || matches!(request, LeaseRequest::Transfer { .. });
                self.gave_up[after.holder.index()] = false;
            }
            Fact::Stopped { sidecar } => {
                if let Some(tenure) = self.tenures.get_mut(sidecar.slot) {
                    tenure.1 = Moment::START;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, HOME, at, breaches, take_over, write};
    use understudy_engine::core::ids::Epoch;
    use understudy_engine::core::lease::LeaseRecord;

    const fn tenure(sidecar: Sidecar, until: u64) -> Fact {
        Fact::Tenure {
            sidecar,
            until: at(until),
        }
    }

    const fn row(region: Region, until: u64) -> Fact {
        Fact::ServingRow {
            region,
            epoch: Epoch(1),
            until: at(until),
        }
    }

    #[test]
    fn a_region_that_may_serve_while_the_other_one_may_breaks_it() {
        let history = [(100, tenure(HOME, 107)), (106, tenure(AWAY, 113))];
        assert_eq!(breaches::<OneTenure>(history), 1);
    }

    #[test]
    fn one_that_begins_when_the_other_ones_has_run_out_does_not() {
        let history = [(100, tenure(HOME, 107)), (107, tenure(AWAY, 114)), (108, tenure(AWAY, 115))];
        assert_eq!(breaches::<OneTenure>(history), 0);
    }

    #[test]
    fn a_row_that_is_still_valid_is_tenure_even_if_its_writer_is_gone() {
        let history = |taken| {
            [
                (100, tenure(HOME, 107)),
                (100, row(Region::Home, 107)),
                (101, Fact::Stopped { sidecar: HOME }),
                (taken, tenure(AWAY, taken + 7)),
            ]
        };
        assert_eq!(breaches::<OneTenure>(history(106)), 1);
        assert_eq!(breaches::<OneTenure>(history(107)), 0);
    }

    #[test]
    fn what_was_handed_over_is_not_held_any_more() {
        let [_, (acquire, acquired)] = take_over(AWAY, LeaseRecord::initial());
        let request = LeaseRequest::Transfer {
            epoch: acquired.epoch,
            from: Region::Away,
            protected: true,
        };
        let (transfer, _) = write(AWAY, acquired, request);
        let history = [
            (100, acquire),
            (100, tenure(AWAY, 107)),
            (103, transfer),
            (104, tenure(HOME, 111)),
        ];
        assert_eq!(breaches::<OneTenure>(history), 0);
    }

    #[test]
    fn a_row_that_outlives_its_lease_breaks_it() {
        let history = |until| [(100, tenure(HOME, 107)), (100, row(Region::Home, until))];
        assert_eq!(breaches::<OneTenure>(history(109)), 1);
        assert_eq!(breaches::<OneTenure>(history(108)), 0);
    }
}
