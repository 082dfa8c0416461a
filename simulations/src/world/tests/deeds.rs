//! Orders that stand still, caches that keep answers, a standby that was left on or promoted by hand.

use understudy_engine::core::ids::Region;
use understudy_engine::core::signal::Command;

use super::*;
use crate::scenario::{Operation, Share};
use crate::world::deeds::PAUSED_ORDERS;

fn paused(until: u64) -> Fault {
    broken(Part::Transactions, Place::Home, FaultState::Paused, 0, Some(until))
}

fn left_open(clients: f64, until: u64) -> Fault {
    let clients = Share::from_fraction(clients);
    Fault {
        origin: Origin::BeforeOnset(Duration::from_secs(MINUTE / 2)),
        at: Duration::ZERO,
        until: Some(Duration::from_secs(MINUTE / 2 + until)),
        ..broken(Part::OrderPath, Place::Away, FaultState::LeftOpen { clients }, 0, None)
    }
}

fn detached() -> Fault {
    broken(Part::Aurora, Place::Away, FaultState::Detached, 0, None)
}

#[test]
fn orders_that_stood_still_across_a_failover_are_refused_by_the_database() {
    // Listed last, and yet open before the region is cut off.
    let mut scenario = isolation();
    scenario.faults.push(paused(90));
    for seed in 0..4 {
        let report = run(&scenario, &shipped::trading(), seed);
        let refused = format!("{PAUSED_ORDERS} orders in us-east-1 that stood still are refused");
        assert_eq!(says(&report, Kind::Clients, &refused), Some(90.0), "seed {seed}");
        assert_eq!(report.violations, [], "seed {seed}");
        assert_eq!(report.orders.placed, report.orders.accepted + report.orders.refused);
    }
}

#[test]
fn orders_that_stood_still_for_a_moment_commit() {
    let report = run(
        &scenario(ExpectedDecision::Hold, MINUTE, vec![paused(2)]),
        &shipped::trading(),
        1,
    );
    assert_eq!(says(&report, Kind::Clients, "that stood still commit"), Some(2.0));
    let orders = report.orders;
    assert_eq!(orders.placed, 200 * 2 * MINUTE + PAUSED_ORDERS);
    assert_eq!(
        (orders.accepted, orders.processed),
        (orders.placed - orders.refused, orders.accepted)
    );
    assert!(
        orders.refused < PAUSED_ORDERS,
        "before anything had started: {orders:?}"
    );
}

#[test]
fn an_order_that_commits_after_the_other_regions_promotion_breaks_the_invariant_and_is_lost() {
    let mut scenario = isolation();
    scenario.faults.push(paused(90));
    let by = Duration::from_secs(600);
    let set_back = FaultState::Stepped { by, backward: true };
    scenario
        .faults
        .push(broken(Part::DatabaseClock, Place::Home, set_back, 0, None));
    let report = run(&scenario, &shipped::trading(), 1);
    assert_eq!(says(&report, Kind::Clients, "that stood still commit"), Some(90.0));
    let mut violations = report.violations.iter();
    assert!(violations.any(|it| it.invariant == COMMITS_FENCED));
    assert!(report.orders.lost >= PAUSED_ORDERS);
}

#[test]
fn resolvers_that_keep_answers_hold_clients_back_and_not_the_platform() {
    let mut scenario = region_loss();
    scenario.horizon += Duration::from_secs(4 * MINUTE);
    let by = Duration::from_secs(4 * MINUTE);
    let keep = Subject::Part {
        part: Part::Resolvers,
        place: Place::Internet,
    };
    scenario
        .faults
        .push(fault(keep, FaultState::Delayed { by }, 0, Some(2 * MINUTE)));
    let report = within_bounds(&scenario, &shipped::trading(), 1, 1);
    assert!(report.ledger.processed_rto_seconds.is_some_and(|after| after < 60.0));
    // Answers of 5 s were kept for 4 min more, from the onset on.
    let accepted = report.ledger.accepted_rto_seconds.unwrap();
    assert!((240.0..246.0).contains(&accepted), "{accepted}");
}

#[test]
fn a_standby_that_was_left_on_takes_nobodys_orders() {
    let faults = vec![
        left_open(0.1, 60),
        broken(Part::Sqs, Place::Away, FaultState::Down, 0, Some(1)),
    ];
    let report = run(
        &scenario(ExpectedDecision::Hold, 2 * MINUTE, faults),
        &shipped::trading(),
        1,
    );
    assert_eq!(report.violations, []);
    assert_eq!(report.actual.failovers, 0);
    // A tenth of the clients was sent there, and the replica commits nothing.
    assert!(report.orders.refused > 0 && report.orders.lost == 0);
    assert_eq!(report.orders.accepted, report.orders.processed);
    assert_eq!(report.ledger.interrupted_at_seconds, Some(0.0));
    assert!(
        (report.ledger.interrupted_seconds - 60.0).abs() < 1e-6,
        "{}",
        report.ledger.interrupted_seconds
    );
}

#[test]
fn two_writers_and_two_open_order_paths_are_held_apart_by_the_serving_row() {
    let report = run(
        &scenario(
            ExpectedDecision::Hold,
            2 * MINUTE,
            vec![detached(), left_open(0.1, 100)],
        ),
        &shipped::trading(),
        1,
    );
    assert!(says(&report, Kind::Database, "takes writes, and follows nobody").is_some());
    assert_eq!(report.violations, []);
    assert_eq!(report.actual.ends_in, Some("us-east-1"));
    assert!(report.orders.refused > 0);
}

#[test]
fn what_a_standby_promoted_by_hand_lacks_is_lost_once_a_region_relies_on_it() {
    let lost = broken(Part::Region, Place::Home, FaultState::Hang, 60, None);
    let mut scenario = scenario(ExpectedDecision::FailOver, 3 * MINUTE, vec![detached(), lost]);
    scenario.operations.push(Operation {
        origin: Origin::Onset,
        at: Duration::from_secs(90),
        region: Region::Away,
        sidecar: None,
        command: Command::FailOver { accept_loss: true },
        note: "two people agreed".to_owned(),
    });
    let report = run(&scenario, &shipped::trading(), 1);
    assert!(
        report.actual.decided_at_seconds >= Some(90.0),
        "nobody knows the lag: {:?}",
        report.actual
    );
    assert_eq!(report.actual.ends_in, Some("us-east-2"));
    // A minute of 200 orders a second, and what was on its way.
    assert!((12_000..12_300).contains(&report.orders.lost), "{:?}", report.orders);
}

#[test]
fn a_lag_that_nobody_measures_forbids_what_the_lag_itself_would_not() {
    let unknown = |until| {
        let missing = FaultState::Missing;
        let faults = vec![
            broken(Part::Replication, Place::Away, missing, 0, until),
            broken(Part::Region, Place::Home, FaultState::Hang, 60, None),
        ];
        run(
            &scenario(ExpectedDecision::FailOver, 3 * MINUTE, faults),
            &shipped::trading(),
            1,
        )
    };
    assert_eq!(unknown(None).actual.failovers, 0);
    let measured_again = unknown(Some(30));
    assert_eq!(measured_again.actual.failovers, 1);
    assert_eq!(measured_again.violations, []);
}
