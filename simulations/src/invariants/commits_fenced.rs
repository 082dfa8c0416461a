//! No region commits an order after the other region's promotion began.

use std::time::Duration;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;
use understudy_engine::core::ids::Region;

/// See the module.
#[derive(Debug)]
pub(crate) struct CommitsFenced {
    margin: Duration,
    /// The region that was last promoted, and when that began, until the other one is a standby again.
    promoted: Option<(Region, Moment)>,
}

impl CommitsFenced {
    /// Whether a region must commit nothing from this moment on.
    fn is_fenced(&self, region: Region, from: Moment) -> bool {
        self.promoted
            .is_some_and(|(promoted, began)| promoted != region && from >= began)
    }
}

impl Invariant for CommitsFenced {
    const NAME: &'static str = "no commit after the other region's promotion began";
    const MEANING: &'static str = "From the moment at which a promotion begins, the other region's database commits no \
                                   order. The declared residual is left out: an order that passed the fence before, \
                                   and needed no longer than `lease.margin` to become durable.";

    fn new(terms: &Terms) -> Self {
        Self {
            margin: terms.margin,
            promoted: None,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match *fact {
            Fact::PromotionBegan { region, .. } => self.promoted = Some((region, at)),
            // The writer moves as planned, or nothing was promoted: what had begun does not matter any more.
            Fact::SwitchoverBegan { .. } | Fact::PromotionFailed => self.promoted = None,
            Fact::Committed {
                region,
                from,
                to,
                orders,
            } if orders > 0 && self.is_fenced(region, from) => {
                let text = format!(
                    "{} committed {orders} orders within {} after the other region's promotion had begun",
                    words::region(region),
                    words::duration(to.since(from))
                );
                broken(from, text);
            }
            Fact::Residual { region, after, orders } if orders > 0 && after > self.margin => {
                let text = format!(
                    "{orders} commits of {} became durable up to {} after the fence, which is beyond the margin",
                    words::region(region),
                    words::duration(after)
                );
                broken(at, text);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{at, breaches};

    const PROMOTION: Fact = Fact::PromotionBegan {
        region: Region::Away,
        replicated_until: at(99),
        at_stake: 0,
    };

    fn committed(region: Region, from: u64, to: u64) -> Fact {
        Fact::Committed {
            region,
            from: at(from),
            to: at(to),
            orders: 7,
        }
    }

    #[test]
    fn a_commit_of_the_old_region_after_the_promotion_began_breaks_it() {
        let history = [
            (100, committed(Region::Home, 0, 100)),
            (100, PROMOTION),
            (104, committed(Region::Home, 103, 104)),
        ];
        assert_eq!(breaches::<CommitsFenced>(history), 1);
    }

    #[test]
    fn commits_up_to_the_promotion_and_in_the_promoted_region_do_not() {
        let history = [
            (100, committed(Region::Home, 0, 100)),
            (100, PROMOTION),
            (180, committed(Region::Away, 130, 180)),
        ];
        assert_eq!(breaches::<CommitsFenced>(history), 0);
    }

    #[test]
    fn a_residual_is_allowed_as_long_as_the_margin() {
        let residual = |millis| Fact::Residual {
            region: Region::Home,
            after: Duration::from_millis(millis),
            orders: 3,
        };
        assert_eq!(breaches::<CommitsFenced>([(100, residual(1_000))]), 0);
        assert_eq!(breaches::<CommitsFenced>([(100, residual(1_001))]), 1);
    }
}
