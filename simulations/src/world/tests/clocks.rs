//! Clocks that are set wrong or run wrong.

use super::*;

fn stepped(part: Part, place: Place, millis: u64, backward: bool) -> Fault {
    let by = Duration::from_millis(millis);
    broken(part, place, FaultState::Stepped { by, backward }, 0, None)
}

fn with(mut scenario: Scenario, faults: impl IntoIterator<Item = Fault>) -> Scenario {
    scenario.faults.extend(faults);
    scenario
}

fn breaks_the_fence(report: &Report) -> bool {
    let mut violations = report.violations.iter();
    violations.any(|violation| violation.invariant == COMMITS_FENCED)
}

#[test]
fn a_taker_whose_clock_begins_to_run_at_double_speed_breaks_the_fence_and_is_outside_the_bounds() {
    let policy = shipped::trading();
    let drifting = |ppm| broken(Part::Clock, Place::Away, FaultState::Drifting { ppm }, 0, None);
    let fast = with(isolation(), [drifting(1_000_000)]);
    let mut broken = 0;
    for seed in 0..8 {
        let report = run(&fast, &policy, seed);
        assert!(!report.conditions.within_bounds);
        broken += u32::from(breaks_the_fence(&report));
    }
    assert!(broken > 0);
    let slight = with(isolation(), [drifting(200)]);
    for seed in 0..4 {
        let report = within_bounds(&slight, &policy, seed, 1);
        assert!(!breaks_the_fence(&report), "seed {seed}");
        let mut figures = report.conditions.figures.iter();
        assert!(figures.any(|figure| figure.name == "clocks-drift-apart-at-worst"));
    }
}

#[test]
fn a_database_whose_clock_is_set_back_far_lets_orders_commit_for_too_long() {
    let policy = shipped::trading();
    let far = with(isolation(), [stepped(Part::DatabaseClock, Place::Home, 60_000, true)]);
    let mut broken = 0;
    for seed in 0..8 {
        // The holder's shell hangs, so that only the database's clock can end its row.
        let hangs = fault(
            Subject::Part {
                part: Part::Sidecars,
                place: Place::Home,
            },
            FaultState::Hang,
            0,
            None,
        );
        let report = run(&with(far.clone(), [hangs]), &policy, seed);
        assert!(!report.conditions.within_bounds);
        broken += u32::from(breaks_the_fence(&report));
        if breaks_the_fence(&report) {
            assert!(report.orders.lost > 0);
        }
    }
    assert!(broken > 0);
}

#[test]
fn a_step_of_the_databases_clock_inside_the_margin_is_harmless() {
    let policy = shipped::trading();
    for backward in [true, false] {
        let step = with(isolation(), [stepped(Part::DatabaseClock, Place::Home, 900, backward)]);
        for seed in 0..4 {
            let report = within_bounds(&step, &policy, seed, 1);
            assert!(report.conditions.within_bounds, "{:#?}", report.conditions);
            assert_eq!(report.violations, [], "seed {seed}");
            assert_eq!(report.actual.failovers, 1, "seed {seed}");
        }
    }
}

#[test]
fn a_database_whose_clock_is_set_ahead_stops_orders_until_the_next_renewal() {
    let ahead = stepped(Part::DatabaseClock, Place::Home, 30_000, false);
    let report = run(
        &scenario(ExpectedDecision::Hold, MINUTE, vec![ahead]),
        &shipped::trading(),
        1,
    );
    assert_eq!(report.ledger.processing_stopped_at_seconds, Some(0.0));
    assert!(report.ledger.processed_rto_seconds.is_some_and(|after| after < 2.0));
    assert_eq!(report.actual.failovers, 0);
}

#[test]
fn a_wall_clock_that_is_set_wrong_disregards_what_others_observed_and_moves_no_lease() {
    for backward in [true, false] {
        let wrong = stepped(Part::Clock, Place::Away, 3_600_000, backward);
        let report = run(
            &scenario(ExpectedDecision::Hold, 2 * MINUTE, vec![wrong]),
            &shipped::trading(),
            1,
        );
        let seen = report.disregarded;
        let disregarded = if backward { seen.future_dated } else { seen.stale };
        assert!(disregarded > 100, "{seen:?}");
        assert_eq!(report.actual.failovers, 0);
        assert!(!report.conditions.within_bounds);
    }
}
