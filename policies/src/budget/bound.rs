//! The worst case inside the declared bounds, part by part.

use std::time::Duration;

use serde::Serialize;

use super::{Holder, Phase, QuorumUnreachable};
use crate::figures::{ALIAS_TTL, RECORD_CHANGE_MAX};
use crate::model::{Component, FailureDomain, Policy, RecordType, TrafficMethod, Witness};

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
        let lease_wait = lease_wait(policy, holder, decided + claim_accepted);
        let claim = vec![
            part("bounds.lease-stall", "the lease store's stall", stall),
            part("bounds.lease-operation", "writing the claim", bounds.lease_operation),
            part("lease.ttl", "waiting until the lease has run out", lease_wait),
            part("bounds.lease-operation", "raising the epoch", bounds.lease_operation),
        ];
        let promote = vec![
            part("bounds.promotion", "promoting the standby's database", bounds.promotion),
            part(
                "bounds.database-write",
                "writing the serving row",
                bounds.database_write,
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
    vec![
        Part {
            key: format!("witness[{index}].interval"),
            what: format!("{} intervals of `{name}`", witness.breach_after),
            duration: witness.interval * witness.breach_after,
        },
        Part {
            key: format!("witness[{index}].timeout"),
            what: format!("the time-out of `{name}`"),
            duration: witness.timeout,
        },
        part("bounds.signal-delivery", "its way to the engine", delivery),
    ]
}

/// What is left of the lease when the claim has been accepted.
fn lease_wait(policy: &Policy, holder: Holder, accepted_at: Duration) -> Duration {
    let lease = &policy.lease;
    match holder {
        // The last renewal was seen at most one interval and one operation after the onset.
        Holder::Silent => {
            let runs_out = lease.renew_every + policy.bounds.lease_operation + lease.ttl + lease.drift_max;
            runs_out.saturating_sub(accepted_at)
        }
        Holder::Gray => lease.ttl + lease.drift_max,
    }
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
        assert_eq!(
            totals(&worst),
            [4_500, 2_000, 500, 4_250, 40_500, 46_000, 1_000].map(ms)
        );
        assert_eq!(worst.lease_wait, ms(2_250));
        assert_eq!(worst.accepted, ms(4_500 + 2_000 + 500 + 1_000 + 46_000));
        assert_eq!(worst.processed, ms(4_500 + 2_000 + 500 + 4_250 + 40_500));
        assert_eq!(worst.verified, ms(55_000));
    }

    #[test]
    fn a_gray_holder_costs_a_whole_lease() {
        let worst = WorstCase::of(&shipped::trading(), Holder::Gray).unwrap();
        assert_eq!(worst.lease_wait, ms(8_250));
        assert_eq!(worst.phase(Phase::Claim).total(), ms(10_250));
        assert_eq!(worst.processed, ms(57_750));
        assert_eq!(worst.verified, ms(58_750));
        assert_eq!(worst.phase(Phase::Claim).dominant().unwrap().key, "lease.ttl");
    }

    #[test]
    fn a_lease_that_ran_out_during_detection_is_not_waited_for() {
        let mut policy = shipped::trading();
        policy.lease.ttl = ms(5_000);
        let worst = WorstCase::of(&policy, Holder::Silent).unwrap();
        assert_eq!(worst.lease_wait, ms(0));
        assert_eq!(worst.phase(Phase::Claim).total(), ms(2_000));
    }

    #[test]
    fn a_stalled_store_delays_the_claim_of_a_quick_decision_and_not_the_one_of_a_gray_holder() {
        let mut policy = shipped::trading();
        policy.bounds.lease_stall = ms(10_000);
        let worst = WorstCase::of(&policy, Holder::Silent).unwrap();
        assert_eq!(worst.claim_accepted, ms(3_000 + 1_000));
        assert_eq!(WorstCase::of(&policy, Holder::Gray).unwrap().claim_accepted, ms(1_000));
    }

    #[test]
    fn the_region_opens_only_once_the_epoch_is_raised() {
        let mut policy = shipped::trading();
        policy.lease.ttl = ms(60_000);
        let worst = WorstCase::of(&policy, Holder::Gray).unwrap();
        assert_eq!(worst.accepted, ms(7_000 + 1_000 + 60_250 + 1_000));
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
