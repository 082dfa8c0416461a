//! Epochs rise, and each has one holder.

use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::lease::LeaseRecord;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct EpochsRise {
    epoch: Epoch,
    holder: Region,
    /// The epoch of each region's last serving row.
    rows: [Epoch; 2],
    /// The epoch that wrote each switch last.
    switches: [Epoch; 2],
}

impl Invariant for EpochsRise {
    const NAME: &'static str = "every change of the holder raises the epoch";
    const MEANING: &'static str = "The lease item's epoch rises by each change of its holder and by nothing else, so no \
                                   epoch has two holders. Serving rows carry the holder's own epoch, and neither they \
                                   nor the switches ever go back to an older one.";

    fn new(terms: &Terms) -> Self {
        let LeaseRecord { epoch, holder, .. } = terms.lease;
        Self {
            epoch,
            holder,
            rows: [Epoch(0); 2],
            switches: [Epoch(0); 2],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match *fact {
            Fact::ServingRow { region, epoch, .. } => {
                let last = &mut self.rows[region.index()];
                if epoch < *last {
                    let name = words::region(region);
                    broken(at, format!("{name}'s serving row goes back from epoch {last} to {epoch}"));
                }
                *last = epoch;
                let others = epoch == self.epoch && region != self.holder;
                if epoch > self.epoch || others {
                    let name = words::region(region);
                    let holder = words::region(self.holder);
                    let text = format!(
                        "{name} writes a serving row of epoch {epoch}; {holder} holds epoch {}",
                        self.epoch
                    );
                    broken(at, text);
                }
            }
            Fact::LeaseWritten { before, after, .. } => {
                let right = if after.holder == before.holder {
                    after.epoch == before.epoch
                } else {
                    after.epoch == before.epoch.next()
                };
                if !right || before.epoch < self.epoch {
                    let text = format!(
                        "epoch {} of {} becomes epoch {} of {}",
                        before.epoch,
                        words::region(before.holder),
                        after.epoch,
                        words::region(after.holder)
                    );
                    broken(at, text);
                }
                (self.epoch, self.holder) = (after.epoch, after.holder);
            }
            Fact::SwitchSet { switch, epoch } => {
                let last = &mut self.switches[switch.index()];
                if epoch < *last {
                    broken(at, format!("a switch goes back from epoch {last} to {epoch}"));
                }
                *last = epoch;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, at, breaches, take_over};
    use understudy_engine::core::ids::Switch;

    const fn row(region: Region, epoch: u64) -> Fact {
        Fact::ServingRow {
            region,
            epoch: Epoch(epoch),
            until: at(107),
        }
    }

    #[test]
    fn a_new_holder_in_the_same_epoch_breaks_it() {
        let [_, (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        assert_eq!(breaches::<EpochsRise>([(100, acquire)]), 0);
        let Fact::LeaseWritten {
            by,
            request,
            before,
            mut after,
        } = acquire
        else {
            unreachable!("it is a write of the lease item")
        };
        after.epoch = before.epoch;
        let kept = Fact::LeaseWritten {
            by,
            request,
            before,
            after,
        };
        assert_eq!(breaches::<EpochsRise>([(100, kept)]), 1);
    }

    #[test]
    fn serving_rows_are_the_holders_and_never_go_back() {
        let [_, (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        let right = [(90, row(Region::Home, 1)), (100, acquire), (101, row(Region::Away, 2))];
        assert_eq!(breaches::<EpochsRise>(right), 0);
        assert_eq!(breaches::<EpochsRise>([(90, row(Region::Away, 1))]), 1);
        assert_eq!(breaches::<EpochsRise>([(90, row(Region::Home, 2))]), 1);
        let back = [(100, acquire), (101, row(Region::Away, 2)), (102, row(Region::Away, 1))];
        assert_eq!(breaches::<EpochsRise>(back), 1);
    }

    #[test]
    fn a_row_of_the_old_holder_that_arrives_late_is_of_its_own_epoch() {
        let [_, (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        let history = [(90, row(Region::Home, 1)), (100, acquire), (100, row(Region::Home, 1))];
        assert_eq!(breaches::<EpochsRise>(history), 0);
    }

    #[test]
    fn a_switch_that_takes_an_older_epoch_breaks_it() {
        let set = |epoch| Fact::SwitchSet {
            switch: Switch::A,
            epoch: Epoch(epoch),
        };
        assert_eq!(breaches::<EpochsRise>([(100, set(2)), (101, set(2)), (102, set(3))]), 0);
        assert_eq!(breaches::<EpochsRise>([(100, set(2)), (101, set(1))]), 1);
    }
}
