//! R12: inside the declared bounds both figures are within 60 s of the onset; outside, the ledger names the phase.

use std::time::Duration;

use proptest::prelude::*;
use understudy_policies::shipped;
use understudy_simulations::conditions::{Conditions, Spread};
use understudy_simulations::report::Report;
use understudy_simulations::run::{conditions_rng, run_with};
use understudy_simulations::scenario::{ExpectedDecision, Fault, FaultState, Part, Place};

use crate::outage::{for_good, loss, onset, part, scenario};

const WATCHED: Duration = Duration::from_secs(300);
const CASES: u32 = 128;

fn lose(faults: Vec<Fault>, onset: Duration, seed: u64, worsen: impl Fn(&mut Conditions)) -> Report {
    let policy = shipped::trading();
    let mut conditions = Conditions::within_bounds(&policy, &mut conditions_rng(seed));
    worsen(&mut conditions);
    run_with(&scenario(faults, onset, WATCHED), &policy, seed, conditions)
}

#[test]
fn when_the_region_is_gone_a_slow_redirection_breaks_the_budget_and_is_named() {
    let faults = vec![for_good(part(Part::Region, Place::Home), FaultState::Hang)];
    for seed in 0..20 {
        let slow = Duration::from_secs(70);
        let report = lose(faults.clone(), Duration::from_secs(30), seed, |conditions| {
            conditions.dns_propagation = slow;
        });
        assert!(figures(&report)[0] > 60.0);
        assert_eq!(report.ledger.overrun_phase, Some("redirect"));
    }
}

#[test]
fn when_signals_come_late_it_is_detection_that_is_named() {
    let faults = vec![for_good(part(Part::Region, Place::Home), FaultState::Hang)];
    for seed in 0..20 {
        let late = Duration::from_millis(2_800);
        let report = lose(faults.clone(), Duration::from_secs(30), seed, |conditions| {
            conditions.signal_delivery = Spread::constant(late);
        });
        assert_eq!(
            report.ledger.overrun_phase,
            Some("detect"),
            "seed {seed}: {:?}",
            report.ledger
        );
    }
}

/// Both figures, in seconds from the onset.
fn figures(report: &Report) -> [f64; 2] {
    let ledger = &report.ledger;
    [ledger.accepted_rto_seconds, ledger.processed_rto_seconds].map(|figure| figure.unwrap_or(f64::INFINITY))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inside_the_declared_bounds_both_figures_are_within_the_budget(
        faults in loss(), onset in onset(), seed in any::<u64>(),
    ) {
        let report = lose(faults, onset, seed, |_| {});
        prop_assert!(report.conditions.within_bounds);
        prop_assert_eq!(report.actual.decision, ExpectedDecision::FailOver);
        prop_assert_eq!(report.ledger.counted_from_seconds, 0.0, "from the onset");
        let [accepted, processed] = figures(&report);
        prop_assert!(accepted <= 60.0, "accepted after {accepted} s: {:?}", report.ledger);
        prop_assert!(processed <= 60.0, "processed after {processed} s: {:?}", report.ledger);
        prop_assert_eq!(report.ledger.overrun_phase, None, "{:?}", report.ledger);
    }

    #[test]
    fn inside_the_declared_bounds_losing_the_standby_pauses_orders_for_one_write_at_most(
        hangs in any::<bool>(), onset in onset(), seed in any::<u64>(),
    ) {
        let state = if hangs { FaultState::Hang } else { FaultState::Down };
        let report = lose(vec![for_good(part(Part::Region, Place::Away), state)], onset, seed, |_| {});
        prop_assert_eq!(report.actual.decision, ExpectedDecision::Hold);
        // One database write and the drift, and only when the stall and the operations all take as long as they may: see
        // docs/decisions/0008.
        prop_assert!(report.ledger.interrupted_seconds <= 0.5 + 0.25, "{:?}", report.ledger);
        prop_assert!(report.violations.is_empty(), "{:?}", report.violations);
    }

    #[test]
    fn a_slow_promotion_is_named(faults in loss(), onset in onset(), seed in any::<u64>(), extra in 25_u64..120) {
        let report = lose(faults, onset, seed, |conditions| conditions.promotion = Duration::from_secs(40 + extra));
        prop_assert!(figures(&report)[1] > 60.0);
        prop_assert_eq!(report.ledger.overrun_phase, Some("promote"));
    }

    #[test]
    fn a_slow_redirection_is_named(faults in loss(), onset in onset(), seed in any::<u64>(), extra in 35_u64..120) {
        let report = lose(faults, onset, seed, |conditions| conditions.dns_propagation = Duration::from_secs(30 + extra));
        // Where Route 53's control plane survives, pinning the record may be quicker than the switches.
        if figures(&report)[0] > 60.0 {
            prop_assert_eq!(report.ledger.overrun_phase, Some("redirect"));
        }
    }

    #[test]
    fn late_signals_are_named_as_detection(
        faults in loss(), onset in onset(), seed in any::<u64>(), late in 2_600_u64..2_900,
    ) {
        // Later than this, and the witness counts as missing rather than late.
        let late = Duration::from_millis(late);
        let report = lose(faults, onset, seed, |conditions| conditions.signal_delivery = Spread::constant(late));
        if report.ledger.overrun_phase.is_some() {
            prop_assert_eq!(report.ledger.overrun_phase, Some("detect"));
        }
    }
}
