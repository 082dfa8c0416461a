//! What holds in every drawn timeline: noise, flapping and outages, with up to six further faults, engine faults and
//! operators among them. The timelines are those of `understudy-sim campaign`, so a failing seed can be replayed:
//! `understudy-sim replay SEED --workload outages`.
//!
//! The invariants look at every fact of a run; a property here says which of them it is about.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use understudy_policies::shipped;
use understudy_simulations::campaign::{HORIZON, Timeline, Workload};
use understudy_simulations::digest::Digest;
use understudy_simulations::invariants;
use understudy_simulations::scenario::{Fault, FaultState, Part, Place};

use crate::outage::{for_good, loss, onset, part, scenario};

fn digest(workload: Workload, seed: u64) -> (Timeline, Digest) {
    let policy = shipped::trading();
    let timeline = Timeline::draw(workload, seed, &policy, HORIZON);
    let digest = timeline.digest(&policy);
    (timeline, digest)
}

/// What these invariants, named by their files, found.
fn broken(digest: &Digest, files: &[&str]) -> Vec<String> {
    let names: Vec<&str> = files
        .iter()
        .map(|file| {
            let known = invariants::ALL
                .iter()
                .find(|it| it.file.strip_suffix(".rs") == Some(file));
            known.map_or_else(|| panic!("there is no invariant {file}"), |it| it.name)
        })
        .collect();
    let violations = digest.violations.iter();
    violations
        .filter(|violation| names.contains(&violation.invariant))
        .map(|violation| format!("{}: {}", violation.invariant, violation.text))
        .collect()
}

const NOTHING: [String; 0] = [];

proptest! {
    // Always the same seeds: a campaign tries others, and a hundred thousand of them.
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    #[test]
    fn noise_is_no_reason_to_fail_over(seed in any::<u64>()) {
        let (_, digest) = digest(Workload::Quiet, seed);
        prop_assert_eq!(digest.failovers, 0);
        prop_assert_eq!(digest.violations, []);
    }

    #[test]
    fn failing_again_and_again_too_shortly_is_no_reason_to_fail_over(seed in any::<u64>()) {
        let (_, digest) = digest(Workload::Flapping, seed);
        prop_assert_eq!(digest.failovers, 0);
        prop_assert_eq!(digest.violations, []);
    }

    #[test]
    fn no_failover_is_false_and_none_is_missed_where_the_evidence_suffices(seed in any::<u64>()) {
        let (timeline, digest) = digest(Workload::Outages, seed);
        prop_assert_eq!(timeline.judge(&digest), (0, 0));
    }

    #[test]
    fn one_region_writes_at_a_time(seed in any::<u64>()) {
        let (_, digest) = digest(Workload::Outages, seed);
        let found = broken(&digest, &["commits_fenced", "one_open_region", "one_tenure", "promotion_with_lease"]);
        prop_assert_eq!(found, NOTHING);
    }

    #[test]
    fn epochs_only_rise_and_nothing_acts_for_an_old_one(seed in any::<u64>()) {
        let (_, digest) = digest(Workload::Outages, seed);
        prop_assert_eq!(broken(&digest, &["epochs_rise", "stale_refused"]), NOTHING);
    }

    #[test]
    fn nothing_gets_stuck_and_everything_comes_to_rest(seed in any::<u64>()) {
        let (_, digest) = digest(Workload::Outages, seed);
        prop_assert_eq!(broken(&digest, &["no_stuck_state", "convergence", "name_agrees"]), NOTHING);
    }

    #[test]
    fn no_more_is_lost_than_the_policy_allows_and_all_of_it_is_reported(seed in any::<u64>()) {
        let (_, digest) = digest(Workload::Outages, seed);
        prop_assert_eq!(broken(&digest, &["loss_bounded", "losses_reported"]), NOTHING);
    }

    #[test]
    fn what_comes_twice_is_done_once(faults in loss(), onset in onset(), seed in any::<u64>()) {
        let mut faults = faults;
        faults.extend(everything_twice());
        let policy = shipped::trading();
        let scenario = scenario(faults, onset, Duration::from_secs(180));
        let digest = Timeline::of_scenario(&scenario, seed, None).digest(&policy);
        prop_assert_eq!(digest.failovers, 1);
        prop_assert_eq!(digest.violations, []);
    }

    #[test]
    fn the_same_seed_is_the_same_timeline(seed in any::<u64>()) {
        let (one, again) = (digest(Workload::Mixed, seed), digest(Workload::Mixed, seed));
        prop_assert_eq!(one, again);
    }
}

/// Every message between the regions, every alarm and every event is delivered a second time, up to seconds later.
fn everything_twice() -> Vec<Fault> {
    let by = Duration::from_secs(2);
    let channels = [Part::Heartbeat, Part::Eventbridge, Part::Cloudwatch];
    let places = [Place::Home, Place::Away];
    let twice = channels
        .into_iter()
        .flat_map(|channel| places.map(|place| part(channel, place)));
    twice
        .map(|subject| for_good(subject, FaultState::Duplicated { by }))
        .collect()
}
