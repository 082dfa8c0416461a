//! The worst case inside the declared bounds, part by part.

use std::time::Duration;

use serde::Serialize;

use super::{Holder, Phase, QuorumUnreachable};
use crate::figures::{ALIAS_TTL, RECORD_CHANGE_MAX};
use crate::model::{Component, FailureDomain, LeaseStore, Policy, RecordType, TrafficMethod, Witness};

/// One thing that takes time within a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The key of the file that it comes from.
    pub key: String,
    /// What it is, in words.
    pub what: String,
    /// How long it takes at worst.
    pub duration: Duration,
}

/// A phase at worst.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseBound {
    /// The phase.
    pub phase: Phase,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
}

impl PhaseBound {
    /// All parts together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.parts.iter().map(|part| part.duration).sum()
    }

    /// The part that takes longest; the first of equals.
    #[must_use]
    pub fn dominant(&self) -> Option<&Part> {
        self.parts.iter().rev().max_by_key(|part| part.duration)
    }
}

/// A failover at worst, inside the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstCase {
    /// How the region was lost.
    pub holder: Holder,
    /// Every phase, in order.
    pub phases: Vec<PhaseBound>,
    /// From the decision until the claim is accepted, which is when redirection starts.
    pub claim_accepted: Duration,
    /// From the accepted claim until the lease has run out.
    pub lease_wait: Duration,
    /// From onset until orders are accepted again.
    pub accepted: Duration,
    /// From onset until orders are processed again.
    pub processed: Duration,
    /// From onset until that has been verified.
    pub verified: Duration,
}

impl WorstCase {
    /// The arithmetic of one way of losing the region.
    ///
    /// # Errors
    /// When the quorum can never be reached.
    pub fn of(policy: &Policy, holder: Holder) -> Result<Self, QuorumUnreachable> {
        let bounds = &policy.bounds;
        let detect = detect(policy)?;
        let corroborate = vec![
            part("quorum.dwell", "the quorum's dwell", policy.quorum.dwell),
            part(
                "losses.region.wait",
                "the wait for a lost region",
                policy.losses.region.wait,
            ),
            on_a_slow_clock(policy, policy.quorum.dwell + policy.losses.region.wait),
        ];
        let decide = vec![part(
            "bounds.engine-turn",
            "the engine's evaluation",
            bounds.engine_turn,
        )];
        let decided = total(&detect) + total(&corroborate) + total(&decide);

        // A silent holder means a lost region, and then the lease store may stall first.
        let stall = match holder {
            Holder::Silent => bounds.lease_stall.saturating_sub(decided),
            Holder::Gray => Duration::ZERO,
        };
        let claim_accepted = stall + bounds.lease_operation;
        let (lease_wait, slow) = lease_wait(policy, holder, decided + claim_accepted);
        let claim = vec![
            part("bounds.lease-stall", "the lease store's stall", stall),
            part("bounds.lease-operation", "writing the claim", bounds.lease_operation),
            part(
                "lease.ttl",
                "waiting until the lease has run out",
                lease_wait.saturating_sub(slow.duration),
            ),
            slow,
            part("bounds.lease-operation", "raising the epoch", bounds.lease_operation),
        ];
        let promote = vec![
            part("bounds.promotion", "promoting the standby's database", bounds.promotion),
            part(
                "bounds.database-write",
                "reading the database's clock, then writing the serving row",
                2 * bounds.database_write,
            ),
        ];
        let redirect = redirect(policy);
        let verify = vec![part(
            "bounds.database-write",
            "two writes that prove it",
            2 * bounds.database_write,
        )];

        let claimed = decided + total(&claim);
        // Clients may arrive before the epoch is raised; the region opens only then.
        let accepted = (decided + claim_accepted + total(&redirect)).max(claimed);
        let processed = claimed + total(&promote);
        let verified = processed.max(accepted) + total(&verify);
        let parts = [detect, corroborate, decide, claim, promote, redirect, verify];
        let phases = Phase::ALL.into_iter().zip(parts);
        Ok(Self {
            holder,
            phases: phases
                .map(|(phase, parts)| PhaseBound {
                    phase,
                    parts: without_nothing(parts),
                })
                .collect(),
            claim_accepted,
            lease_wait,
            accepted,
            processed,
            verified,
        })
    }

    /// One phase.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> &PhaseBound {
        &self.phases[phase as usize]
    }
}

/// The witness that decides when enough failure domains call a component breached: of each domain the quickest one
/// counts, and of those the slowest that the quorum needs.
///
/// # Errors
/// When there are fewer failure domains than the quorum asks for.
pub fn detection(policy: &Policy, component: Component) -> Result<(usize, &Witness), QuorumUnreachable> {
    let mut quickest: Vec<(FailureDomain, Duration, usize)> = Vec::new();
    for (index, witness) in policy.witnesses.iter().enumerate() {
        if !witness.quorum || witness.observes != component {
            continue;
        }
        let takes = total(&detection_parts(policy, index, witness));
        match quickest
            .iter_mut()
            .find(|(domain, ..)| *domain == witness.failure_domain)
        {
            Some(known) if known.1 <= takes => {}
            Some(known) => *known = (witness.failure_domain, takes, index),
            None => quickest.push((witness.failure_domain, takes, index)),
        }
    }
    quickest.sort_by_key(|(_, takes, _)| *takes);
    let needed = policy.quorum.failure_domains as usize;
    let unreachable = QuorumUnreachable {
        component,
        needed,
        found: quickest.len(),
    };
    let (_, _, index) = needed
        .checked_sub(1)
        .and_then(|last| quickest.get(last))
        .ok_or(unreachable)?;
    Ok((*index, &policy.witnesses[*index]))
}

/// The loss of the region is called as soon as its application is: what is known of the database only adds to it.
fn detect(policy: &Policy) -> Result<Vec<Part>, QuorumUnreachable> {
    let (index, witness) = detection(policy, Component::Application)?;
    Ok(detection_parts(policy, index, witness))
}

/// The fault begins just after an answered probe; the last probe that is needed starts `breach-after` intervals later
/// and takes its time-out to fail.
fn detection_parts(policy: &Policy, index: usize, witness: &Witness) -> Vec<Part> {
    let name = &witness.name;
    let delivery = match witness.failure_domain {
        FailureDomain::PeerRegion => Duration::ZERO,
        _ => policy.bounds.signal_delivery,
    };
    let intervals = witness.interval * witness.breach_after;
    let probing = intervals + witness.timeout;
    vec![
        Part {
            key: format!("witness[{index}].interval"),
            what: format!("{} intervals of `{name}`", witness.breach_after),
            duration: intervals,
        },
        Part {
            key: format!("witness[{index}].timeout"),
            what: format!("the time-out of `{name}`"),
            duration: witness.timeout,
        },
        on_a_slow_clock(policy, probing),
        part("bounds.signal-delivery", "its way to the engine", delivery),
    ]
}

/// What is left of the lease when the claim has been accepted, and which part of that is owed to a slow clock.
fn lease_wait(policy: &Policy, holder: Holder, accepted_at: Duration) -> (Duration, Part) {
    let lease = &policy.lease;
    let expiry = lease.ttl + lease.drift_max;
    let (wait, slow) = match holder {
        // The last renewal was seen one interval and one operation after the onset, or when a store that stalled
        // answered again; the taker's clock measures the interval as well. It is never seen later than with the claim.
        Holder::Silent => {
            let slow = on_a_slow_clock(policy, lease.renew_every + expiry);
            let stall = match lease.store {
                LeaseStore::MultiRegion => policy.bounds.lease_stall,
                LeaseStore::SingleTable { .. } => Duration::ZERO,
            };
            let seen = lease.renew_every.max(stall) + policy.bounds.lease_operation;
            let wait = (seen + expiry + slow.duration).saturating_sub(accepted_at);
            (wait.min(expiry + slow.duration), slow)
        }
        Holder::Gray => {
            let slow = on_a_slow_clock(policy, expiry);
            (expiry + slow.duration, slow)
        }
    };
    let duration = slow.duration.min(wait);
    (wait, Part { duration, ..slow })
}

/// By how much longer a span runs that the engine measures on its own clock, when that clock is slow. Two clocks part
/// by `drift-max` during one lease, so each is off true time by at most half of that share. Rounded up to milliseconds.
fn on_a_slow_clock(policy: &Policy, span: Duration) -> Part {
    let lease = &policy.lease;
    // A drift as long as the lease is refused elsewhere; here it only must not stop the clock altogether.
    let drift = lease.drift_max.min(lease.ttl).as_micros();
    let shown = (2 * lease.ttl.as_micros()).saturating_sub(drift).max(1);
    let micros = (span.as_micros() * drift).div_ceil(shown);
    let millis = u64::try_from(micros.div_ceil(1_000)).unwrap_or(u64::MAX);
    part("lease.drift-max", "on a slow clock", Duration::from_millis(millis))
}

fn redirect(policy: &Policy) -> Vec<Part> {
    let bounds = &policy.bounds;
    let mut parts = vec![part(
        "bounds.switch-write",
        "flipping the switches",
        bounds.switch_write,
    )];
    match policy.traffic.method {
        TrafficMethod::Switch | TrafficMethod::Arc => {
            parts.push(part(
                "bounds.checker-reach",
                "Route 53's checkers see it",
                bounds.checker_reach,
            ));
            parts.push(part(
                "bounds.dns-propagation",
                "Route 53 answers with the standby",
                bounds.dns_propagation,
            ));
        }
        TrafficMethod::RecordChange => {
            parts.push(part(
                "traffic.method",
                "the changed record reaches every server",
                RECORD_CHANGE_MAX,
            ));
        }
    }
    parts.push(match policy.traffic.record {
        RecordType::Cname => part("traffic.ttl", "clients' caches run out", policy.traffic.ttl),
        RecordType::Alias => part(
            "traffic.record",
            "clients' caches run out, with the alias target's TTL",
            ALIAS_TTL,
        ),
    });
    parts
}

fn part(key: &str, what: &str, duration: Duration) -> Part {
    Part {
        key: key.to_owned(),
        what: what.to_owned(),
        duration,
    }
}

fn total(parts: &[Part]) -> Duration {
    parts.iter().map(|part| part.duration).sum()
}

fn without_nothing(parts: Vec<Part>) -> Vec<Part> {
    parts.into_iter().filter(|part| !part.duration.is_zero()).collect()
}

impl Serialize for Part {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut part = serializer.serialize_struct("Part", 3)?;
        part.serialize_field("key", &self.key)?;
        part.serialize_field("what", &self.what)?;
        part.serialize_field("ms", &super::report::millis(self.duration))?;
        part.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn totals(worst: &WorstCase) -> Vec<Duration> {
        worst.phases.iter().map(PhaseBound::total).collect()
    }

    #[test]
    fn the_default_policy_adds_up_when_the_engine_falls_silent_with_its_region() {
        let worst = WorstCase::of(&shipped::trading(), Holder::Silent).unwrap();
        // A clock that is 0.25 s off in two leases of 8 s shows 15.75 s of 16 s.
        // Probing: 4 s * 0.25 / 15.75 = 63.5 ms. Dwell: 2 s * 0.25 / 15.75 = 31.7 ms.
        // An interval, the lease and the drift: 9.25 s * 0.25 / 15.75 = 146.8 ms.
        let (probing, dwell, lease) = (64, 32, 147);
        let decided = 4_500 + probing + 2_000 + dwell + 500;
        // The taker's last look at the renewals may have been held up by the stall.
        let runs_out = 5_000 + 1_000 + 8_250 + lease;
        let claim = runs_out - decided + 1_000;
        assert_eq!(
            totals(&worst),
            [4_564, 2_032, 500, claim, 41_000, 46_000, 1_000].map(ms)
        );
        assert_eq!(claim, 8_301);
        assert_eq!(worst.lease_wait, ms(6_301));
        assert_eq!(worst.accepted, ms(decided + 1_000 + 46_000));
        assert_eq!(worst.accepted, ms(54_096));
        assert_eq!(worst.processed, ms(decided + claim + 41_000));
        assert_eq!(worst.processed, ms(56_397));
        assert_eq!(worst.verified, ms(57_397));
    }

    #[test]
    fn a_gray_holder_costs_a_whole_lease() {
        let worst = WorstCase::of(&shipped::trading(), Holder::Gray).unwrap();
        // 8.25 s * 0.25 / 15.75 = 131.0 ms, rounded up; written, waited for, raised.
        assert_eq!(worst.lease_wait, ms(8_250 + 131));
        assert_eq!(worst.phase(Phase::Claim).total(), ms(10_381));
        assert_eq!(worst.processed, ms(4_564 + 2_032 + 500 + 10_381 + 41_000));
        assert_eq!(worst.verified, ms(59_477));
        assert_eq!(worst.phase(Phase::Claim).dominant().unwrap().key, "lease.ttl");
    }

    #[test]
    fn every_span_that_the_engine_measures_says_what_a_slow_clock_adds() {
        let worst = WorstCase::of(&shipped::trading(), Holder::Gray).unwrap();
        let slow = |phase| -> Vec<Duration> {
            let parts = worst.phase(phase).parts.iter();
            parts
                .filter(|part| part.key == "lease.drift-max")
                .map(|part| part.duration)
                .collect()
        };
        assert_eq!(slow(Phase::Detect), [ms(64)]);
        assert_eq!(slow(Phase::Corroborate), [ms(32)]);
        assert_eq!(slow(Phase::Claim), [ms(131)]);
        for phase in [Phase::Decide, Phase::Promote, Phase::Redirect, Phase::Verify] {
            assert_eq!(slow(phase), [], "{phase:?}: the world's time, not the engine's");
        }
    }

    #[test]
    fn clocks_that_never_part_add_nothing_and_ones_that_stand_still_are_answered() {
        let mut policy = shipped::trading();
        policy.lease.drift_max = ms(0);
        let worst = WorstCase::of(&policy, Holder::Gray).unwrap();
        assert_eq!(worst.phase(Phase::Detect).total(), ms(4_500));
        assert_eq!(worst.phase(Phase::Claim).total(), ms(10_000));
        policy.lease.drift_max = ms(60_000);
        let worst = WorstCase::of(&policy, Holder::Gray).unwrap();
        assert_eq!(worst.phase(Phase::Corroborate).total(), ms(2 * 2_000));
    }

    #[test]
    fn a_lease_that_ran_out_during_detection_is_not_waited_for() {
        let mut policy = shipped::trading();
        policy.lease.ttl = ms(5_000);
        policy.bounds.lease_stall = ms(0);
        let worst = WorstCase::of(&policy, Holder::Silent).unwrap();
        assert_eq!(worst.lease_wait, ms(0));
        assert_eq!(worst.phase(Phase::Claim).total(), ms(2_000));
    }

    #[test]
    fn a_stalled_store_delays_the_claim_of_a_quick_decision_and_not_the_one_of_a_gray_holder() {
        let mut policy = shipped::trading();
        policy.bounds.lease_stall = ms(10_000);
        let worst = WorstCase::of(&policy, Holder::Silent).unwrap();
        // The decision is there after 7.096 s, and the store answers again after 10 s.
        assert_eq!(worst.claim_accepted, ms(10_000 - 7_096 + 1_000));
        assert_eq!(WorstCase::of(&policy, Holder::Gray).unwrap().claim_accepted, ms(1_000));
    }

    #[test]
    fn the_region_opens_only_once_the_epoch_is_raised() {
        let mut policy = shipped::trading();
        policy.lease.ttl = ms(60_000);
        let worst = WorstCase::of(&policy, Holder::Gray).unwrap();
        // Over a lease of 60 s the same drift is a smaller share: 4 s, 2 s and 60.25 s * 0.25 / 119.75.
        let slow = 9 + 5 + 126;
        assert_eq!(worst.accepted, ms(7_000 + 1_000 + 60_250 + 1_000 + slow));
    }

    #[test]
    fn an_alias_costs_sixty_seconds_and_a_record_change_as_many() {
        let mut policy = shipped::trading();
        policy.traffic.record = RecordType::Alias;
        let redirect = |policy: &Policy| {
            WorstCase::of(policy, Holder::Silent)
                .unwrap()
                .phase(Phase::Redirect)
                .total()
        };
        assert_eq!(redirect(&policy), ms(1_000 + 10_000 + 30_000 + 60_000));
        policy.traffic.record = RecordType::Cname;
        policy.traffic.method = TrafficMethod::RecordChange;
        assert_eq!(redirect(&policy), ms(1_000 + 60_000 + 5_000));
    }

    #[test]
    fn the_slowest_domain_that_the_quorum_needs_decides() {
        let mut policy = shipped::trading();
        assert_eq!(
            detection(&policy, Component::Application).unwrap().1.name,
            "observer-application"
        );
        policy.quorum.failure_domains = 1;
        assert_eq!(
            detection(&policy, Component::Application).unwrap().1.name,
            "peer-application"
        );
        policy.quorum.failure_domains = 3;
        let unreachable = detection(&policy, Component::Application).unwrap_err();
        assert_eq!((unreachable.needed, unreachable.found), (3, 2));
    }
}
