//! Budget, bounds and deadlines.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::gather;
use crate::model::{Bounds, Budget, Deadlines, Phases};
use crate::source::Table;

/// The longest budget, so the longest phase as well.
const BUDGET_MAX: Duration = Duration::from_secs(600);

fn up_to_the_budget(from_ms: u64) -> RangeInclusive<Duration> {
    Duration::from_millis(from_ms)..=BUDGET_MAX
}

/// Limits against getting stuck: long enough for a person to look, and never without an end.
fn deadline() -> RangeInclusive<Duration> {
    Duration::from_secs(1)..=Duration::from_secs(7 * 86_400)
}

pub(super) fn budget(table: &Table<'_>) -> Option<Budget> {
    gather!(Budget {
        total: table.duration("total", Duration::from_secs(10)..=BUDGET_MAX),
        phases: table.table("phases", phases),
    })
}

fn phases(table: &Table<'_>) -> Option<Phases> {
    gather!(Phases {
        detect: table.duration("detect", up_to_the_budget(1)),
        corroborate: table.duration("corroborate", up_to_the_budget(0)),
        decide: table.duration("decide", up_to_the_budget(1)),
        claim: table.duration("claim", up_to_the_budget(1)),
        promote: table.duration("promote", up_to_the_budget(1)),
        redirect: table.duration("redirect", up_to_the_budget(1)),
        verify: table.duration("verify", up_to_the_budget(1)),
    })
}

pub(super) fn bounds(table: &Table<'_>) -> Option<Bounds> {
    gather!(Bounds {
        signal_delivery: table.duration("signal-delivery", up_to_the_budget(1)),
        lease_operation: table.duration("lease-operation", up_to_the_budget(1)),
        lease_stall: table.duration("lease-stall", up_to_the_budget(0)),
        switch_write: table.duration("switch-write", up_to_the_budget(1)),
        checker_reach: table.duration("checker-reach", up_to_the_budget(1)),
        dns_propagation: table.duration("dns-propagation", up_to_the_budget(1)),
        promotion: table.duration("promotion", up_to_the_budget(1)),
        database_write: table.duration("database-write", up_to_the_budget(1)),
        engine_turn: table.duration("engine-turn", up_to_the_budget(1)),
    })
}

pub(super) fn deadlines(table: &Table<'_>) -> Option<Deadlines> {
    gather!(Deadlines {
        recovering: table.duration("recovering", deadline()),
        suspicious: table.duration("suspicious", deadline()),
        draining: table.duration("draining", deadline()),
        claiming: table.duration("claiming", deadline()),
        acquiring: table.duration("acquiring", deadline()),
        moving: table.duration("moving", deadline()),
        verifying: table.duration("verifying", deadline()),
        reverting: table.duration("reverting", deadline()),
        rejoining: table.duration("rejoining", deadline()),
        reconciling: table.duration("reconciling", deadline()),
        handing_back: table.duration("handing-back", deadline()),
    })
}
