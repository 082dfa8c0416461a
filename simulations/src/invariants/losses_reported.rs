//! Acknowledged orders survive, or humans are told.

use understudy_engine::core::effect::{Intent, PageReason};
use understudy_engine::core::machine::Edge;

use super::{Fact, Invariant, Terms};
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct LossesReported {
    /// Acknowledged orders that are lost, and of which nobody was told.
    untold: u64,
}

impl Invariant for LossesReported {
    const NAME: &'static str = "acknowledged orders survive or are reported lost";
    const MEANING: &'static str = "No region calls itself protected again after a failover before a human was paged about \
                                   the acknowledged orders that are not in the database that survives.";

    fn new(_terms: &Terms) -> Self {
        Self { untold: 0 }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::Lost { orders } => self.untold += orders,
            Fact::Asked { effect, .. } if effect.intent == Intent::Page(PageReason::OrdersLost) => self.untold = 0,
            Fact::Moved {
                edge: Edge::ReconciledAtHome | Edge::ReconciledAway,
                ..
            } if self.untold > 0 => {
                broken(at, format!("{} acknowledged orders are lost, and nobody was told", self.untold));
                self.untold = 0;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, boot, breaches, effect};
    use understudy_engine::core::machine::StateName;

    const RECONCILED: Fact = Fact::Moved {
        by: AWAY,
        to: StateName::Soaking,
        edge: Edge::ReconciledAway,
    };

    fn page(reason: PageReason) -> Fact {
        Fact::Asked {
            by: AWAY,
            effect: effect(1, 2, 90, Intent::Page(reason)),
            boot: boot(50),
        }
    }

    #[test]
    fn going_on_without_a_word_about_lost_orders_breaks_it() {
        let history = [Fact::Lost { orders: 5 }, page(PageReason::FailedOver), RECONCILED];
        assert_eq!(breaches::<LossesReported>(history.map(|fact| (100, fact))), 1);
    }

    #[test]
    fn a_page_about_them_or_no_loss_does_not() {
        let told = [Fact::Lost { orders: 5 }, page(PageReason::OrdersLost), RECONCILED];
        assert_eq!(breaches::<LossesReported>(told.map(|fact| (100, fact))), 0);
        assert_eq!(breaches::<LossesReported>([(100, RECONCILED)]), 0);
    }
}
