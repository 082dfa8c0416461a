//! Whatever breaks: no region commits an order after the other one's promotion began, and the same seed tells the same
//! story byte for byte.

use std::time::Duration;

use proptest::prelude::*;
use understudy_policies::shipped;
use understudy_simulations::run::run;

use crate::outage::{anything, loss, onset, scenario};

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_invariant_is_broken_whatever_fails(faults in anything(), onset in onset(), seed in any::<u64>()) {
        let report = run(&scenario(faults, onset, Duration::from_secs(900)), &shipped::trading(), seed);
        prop_assert!(report.violations.is_empty(), "{:?}", report.violations);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes(faults in loss(), onset in onset(), seed in any::<u64>()) {
        let tell = || {
            let report = run(&scenario(faults.clone(), onset, Duration::from_secs(120)), &shipped::trading(), seed);
            serde_json::to_string(&report)
        };
        let (once, again) = (tell(), tell());
        prop_assert!(once.is_ok());
        prop_assert_eq!(once.ok(), again.ok());
    }
}
