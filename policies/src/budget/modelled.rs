//! The same failover with the figures instead of the bounds: a fixed sample of timelines, always the same.
//!
//! Clocks keep true time here: `lease.drift-max` is a bound, and an ordinary clock, off by some 50 parts per million,
//! makes less than a millisecond of these spans.

use std::time::Duration;

use super::bound::detection;
use super::{Holder, QuorumUnreachable};
use crate::figures::{self, Distribution};
use crate::model::{Component, FailureDomain, LeaseStore, Policy, RecordType, TrafficMethod};

/// How many timelines are sampled: a prime, as the lattice needs. With 20,000 random ones, p99 differs by about 1 %.
const TIMELINES: u64 = 4_093;

/// The share of clients that the promise speaks of.
const CLIENTS: f64 = 0.95;

/// Three points of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiles {
    /// 1 % of the timelines are quicker.
    pub best: Duration,
    /// Half of the timelines are quicker.
    pub p50: Duration,
    /// 99 % of the timelines are quicker.
    pub p99: Duration,
}

/// A modelled failover, without any bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Modelled {
    /// Every phase, in order.
    pub phases: Vec<Quantiles>,
    /// From onset until orders are accepted again.
    pub accepted: Quantiles,
    /// From onset until orders are processed again.
    pub processed: Quantiles,
    /// The share of timelines in which orders are accepted again within the budget.
    pub accepted_share: f64,
    /// The share of timelines in which orders are processed again within the budget.
    pub processed_share: f64,
}

impl Modelled {
    /// Samples one way of losing the region.
    ///
    /// # Errors
    /// When the quorum can never be reached.
    pub fn of(policy: &Policy, holder: Holder) -> Result<Self, QuorumUnreachable> {
        detection(policy, Component::Application)?;
        let mut phases: [Vec<f64>; 7] = Default::default();
        let (mut accepted, mut processed) = (Vec::new(), Vec::new());
        for index in 0..TIMELINES {
            let timeline = timeline(policy, holder, &mut Lattice::point(index));
            for (column, seconds) in phases.iter_mut().zip(timeline.phases) {
                column.push(seconds);
            }
            accepted.push(timeline.accepted);
            processed.push(timeline.processed);
        }
        let budget = policy.budget.total.as_secs_f64();
        let inside =
            |column: &[f64]| column.iter().filter(|seconds| **seconds <= budget).count() as f64 / TIMELINES as f64;
        Ok(Self {
            accepted_share: inside(&accepted),
            processed_share: inside(&processed),
            phases: phases.into_iter().map(quantiles).collect(),
            accepted: quantiles(accepted),
            processed: quantiles(processed),
        })
    }
}

/// One sampled failover, in seconds.
struct Timeline {
    phases: [f64; 7],
    accepted: f64,
    processed: f64,
}

fn timeline(policy: &Policy, holder: Holder, point: &mut Lattice) -> Timeline {
    let lease = &policy.lease;
    let (ttl, drift, renew_every) = (
        lease.ttl.as_secs_f64(),
        lease.drift_max.as_secs_f64(),
        lease.renew_every.as_secs_f64(),
    );

    let detect = detect(policy, point);
    let corroborate = (policy.quorum.dwell + policy.losses.region.wait).as_secs_f64();
    let decide = point.draw(&figures::ENGINE_TURN.distribution);
    let decided = detect + corroborate + decide;

    let stall = match holder {
        Holder::Silent if lease.store == LeaseStore::MultiRegion => {
            (point.draw(&figures::LEASE_STALL.distribution) - decided).max(0.0)
        }
        Holder::Silent | Holder::Gray => 0.0,
    };
    let claim_accepted = stall + point.draw(&figures::LEASE_OPERATION.distribution);
    // The renewal counter was last seen to move some time before (the holder renews and the taker reads once per
    // interval); from then a whole lease is waited for.
    let seen = match holder {
        Holder::Silent => {
            point.unit() * renew_every + point.draw(&figures::LEASE_OPERATION.distribution) - point.unit() * renew_every
        }
        Holder::Gray => decided + claim_accepted - point.unit() * renew_every,
    };
    let lease_wait = (seen + ttl + drift - decided - claim_accepted).max(0.0);
    let claim = claim_accepted + lease_wait + point.draw(&figures::LEASE_OPERATION.distribution);

    let promotion = point.draw(&figures::promotion(policy.database.method).distribution);
    // The database's clock is read, then the serving row is written.
    let serving_row =
        point.draw(&figures::DATABASE_WRITE.distribution) + point.draw(&figures::DATABASE_WRITE.distribution);
    let promote = promotion + serving_row;
    let redirect = redirect(policy, point);
    let verify = point.draw(&figures::DATABASE_WRITE.distribution) + point.draw(&figures::DATABASE_WRITE.distribution);

    Timeline {
        phases: [detect, corroborate, decide, claim, promote, redirect, verify],
        accepted: (decided + claim_accepted + redirect).max(decided + claim),
        processed: decided + claim + promote,
    }
}

/// When the last failure domain that the quorum needs calls the application breached: each probe has its own phase, and
/// fails by its time-out.
fn detect(policy: &Policy, point: &mut Lattice) -> f64 {
    let mut quickest: [Option<f64>; 5] = [None; 5];
    for witness in policy
        .witnesses
        .iter()
        .filter(|witness| witness.quorum && witness.observes == Component::Application)
    {
        let intervals = f64::from(witness.breach_after - 1) + point.unit();
        let delivery = match witness.failure_domain {
            FailureDomain::PeerRegion => 0.0,
            _ => point.draw(&figures::SIGNAL_DELIVERY.distribution),
        };
        let takes = intervals * witness.interval.as_secs_f64() + witness.timeout.as_secs_f64() + delivery;
        let known = &mut quickest[witness.failure_domain as usize];
        *known = Some(known.map_or(takes, |known| known.min(takes)));
    }
    let mut quickest: Vec<f64> = quickest.into_iter().flatten().collect();
    quickest.sort_by(f64::total_cmp);
    quickest[policy.quorum.failure_domains as usize - 1]
}

fn redirect(policy: &Policy, point: &mut Lattice) -> f64 {
    let flip = point.draw(&figures::SWITCH_WRITE.distribution);
    let answers = match policy.traffic.method {
        TrafficMethod::Switch | TrafficMethod::Arc => {
            let interval = policy.infrastructure.route53_check.interval.as_secs_f64();
            let more = f64::from(policy.infrastructure.route53_check.failure_threshold - 1) * interval;
            // The figure is that of checks every 10 s with a threshold of 1.
            point.draw(&figures::CHECKER_REACH.distribution) * interval / 10.0
                + more
                + point.draw(&figures::DNS_PROPAGATION.distribution)
        }
        TrafficMethod::RecordChange => point.draw(&figures::RECORD_CHANGE.distribution),
    };
    let ttl = match policy.traffic.record {
        RecordType::Cname => policy.traffic.ttl,
        RecordType::Alias => figures::ALIAS_TTL,
    };
    // The ages of the clients' cached answers are spread evenly over the TTL.
    flip + answers + CLIENTS * ttl.as_secs_f64()
}

fn quantiles(mut seconds: Vec<f64>) -> Quantiles {
    seconds.sort_by(f64::total_cmp);
    let at = |share: f64| Duration::from_secs_f64(seconds[(share * (seconds.len() - 1) as f64) as usize]);
    Quantiles {
        best: at(0.01),
        p50: at(0.5),
        p99: at(0.99),
    }
}

/// The points of a Korobov lattice (Korobov, 1959): spread evenly in every dimension, where random points
/// leave gaps, and the same on every machine. One timeline is one point, one draw one coordinate.
struct Lattice {
    /// The number of the point, times the power of [`Lattice::GENERATOR`] that belongs to the next coordinate.
    state: u64,
}

impl Lattice {
    const GENERATOR: u64 = 1_516;

    fn point(index: u64) -> Self {
        Self { state: index }
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        let unit = (self.state as f64 + 0.5) / TIMELINES as f64;
        self.state = self.state * Self::GENERATOR % TIMELINES;
        unit
    }

    /// A value of this distribution, in seconds.
    fn draw(&mut self, distribution: &Distribution) -> f64 {
        distribution.quantile(self.unit()).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Phase, WorstCase};
    use crate::shipped;

    #[test]
    fn the_sample_is_the_same_every_time() {
        let policy = shipped::trading();
        assert_eq!(Modelled::of(&policy, Holder::Gray), Modelled::of(&policy, Holder::Gray));
    }

    #[test]
    fn phases_that_have_hard_limits_stay_below_their_worst_case() {
        let policy = shipped::trading();
        for holder in Holder::ALL {
            let modelled = Modelled::of(&policy, holder).unwrap();
            let worst = WorstCase::of(&policy, holder).unwrap();
            for phase in [
                Phase::Detect,
                Phase::Corroborate,
                Phase::Decide,
                Phase::Claim,
                Phase::Redirect,
                Phase::Verify,
            ] {
                assert!(
                    modelled.phases[phase as usize].p99 <= worst.phase(phase).total(),
                    "{phase:?} {holder:?}"
                );
            }
        }
    }

    #[test]
    fn the_share_inside_the_budget_follows_from_the_promotion() {
        let modelled = Modelled::of(&shipped::trading(), Holder::Silent).unwrap();
        assert!(modelled.accepted_share > 0.999);
        assert!(
            (0.9..0.995).contains(&modelled.processed_share),
            "{}",
            modelled.processed_share
        );
        assert!(
            modelled.processed.p99 > Duration::from_secs(60),
            "facts say so, and it is not to be shrunk"
        );
    }
}
