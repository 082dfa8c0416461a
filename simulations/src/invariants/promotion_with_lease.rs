//! Promotion only with the lease, and the lease only after a full wait or a release.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::lease::LeaseRequest;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct PromotionWithLease {
    ttl: Duration,
    holder: Region,
    /// When the lease item was last renewed.
    renewed: Option<Moment>,
}

impl Invariant for PromotionWithLease {
    const NAME: &'static str = "promotion only with the lease, after a full wait or a release";
    const MEANING: &'static str = "A region's database is promoted, or the writer moved, only by the region that holds \
                                   the lease. The lease is taken only after the holder released it or handed it over, \
                                   or when in truth no renewal got through for a whole `lease.ttl`.";

    fn new(terms: &Terms) -> Self {
        Self {
            ttl: terms.ttl,
            holder: Region::Home,
            renewed: None,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::Renewed { .. } => self.renewed = Some(at),
            Fact::LeaseWritten {
                by,
                request,
                before,
                after,
            } => {
                if let LeaseRequest::Acquire { .. } = request
                    && !before.released
                    && let Some(renewed) = self.renewed
                    && at < renewed.after(self.ttl)
                {
                    let text = format!(
                        "{} takes the lease {} after its last renewal; it runs for {}",
                        words::region(by.region),
                        words::duration(at.since(renewed)),
                        words::duration(self.ttl)
                    );
                    broken(at, text);
                }
                if after.epoch != before.epoch || after.holder != before.holder {
                    self.renewed = Some(at);
                }
                self.holder = after.holder;
            }
            Fact::PromotionBegan { region, .. } if *region != self.holder => {
                let text = format!("{} promotes without holding the lease", words::region(*region));
                broken(at, text);
            }
            Fact::SwitchoverBegan { by, .. } if by.region != self.holder => {
                let text = format!("{} moves the writer without holding the lease", words::region(by.region));
                broken(at, text);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, HOME, at, breaches, take_over, write};
    use understudy_engine::core::lease::LeaseRecord;

    fn taken_at(seconds: u64) -> [(u64, Fact); 3] {
        let [(claim, _), (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        [(100, Fact::Renewed { by: HOME }), (101, claim), (seconds, acquire)]
    }

    fn promotion(region: Region) -> Fact {
        Fact::PromotionBegan {
            region,
            replicated_until: at(99),
            at_stake: 0,
        }
    }

    #[test]
    fn a_lease_that_is_taken_before_it_has_run_out_breaks_it() {
        assert_eq!(breaches::<PromotionWithLease>(taken_at(107)), 1);
    }

    #[test]
    fn one_that_has_run_out_does_not() {
        assert_eq!(breaches::<PromotionWithLease>(taken_at(108)), 0);
    }

    #[test]
    fn a_release_ends_the_wait() {
        let initial = LeaseRecord::initial();
        let [(claim, claimed), _] = take_over(AWAY, initial);
        let request = LeaseRequest::Release {
            epoch: initial.epoch,
            region: Region::Home,
            renewals: initial.renewals,
        };
        let (release, released) = write(HOME, claimed, request);
        let request = LeaseRequest::Acquire {
            epoch: initial.epoch,
            region: Region::Away,
            claim: claimed.claim.unwrap().nonce,
        };
        let (acquire, _) = write(AWAY, released, request);
        let history = [
            (100, Fact::Renewed { by: HOME }),
            (101, claim),
            (102, release),
            (103, acquire),
            (103, promotion(Region::Away)),
        ];
        assert_eq!(breaches::<PromotionWithLease>(history), 0);
    }

    #[test]
    fn a_promotion_without_the_lease_breaks_it() {
        assert_eq!(breaches::<PromotionWithLease>([(100, promotion(Region::Away))]), 1);
        assert_eq!(breaches::<PromotionWithLease>([(100, promotion(Region::Home))]), 0);
    }
}
