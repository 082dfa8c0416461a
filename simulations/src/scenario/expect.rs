//! Reads what a scenario is judged against.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_policies::gather;
use understudy_policies::source::{Table, Value};

use super::model::{Expect, ExpectedDecision, Place};
use super::names::{GuardName, InvariantName};
use super::read::HORIZON_MAX;
use super::rules;
use crate::invariants;

/// More failovers than this in one run are no expectation that anyone has.
const FAILOVERS_MAX: u32 = 20;
const ORDERS_LOST_MAX: u32 = 1_000_000;

pub(super) fn expect(table: &Table<'_>, length: Option<Duration>, begins_in: Region) -> Option<Expect> {
    let expect = gather!(Expect {
        decision: table.name("decision"),
        ends_in: table.optional("ends-in", |value| serving_region(&value)),
        no_failback_before: table.optional("no-failback-before", |value| {
            value.duration(Duration::ZERO..=length.unwrap_or(HORIZON_MAX))
        }),
        failback_by: table.optional("failback-by", |value| {
            value.duration(Duration::ZERO..=length.unwrap_or(HORIZON_MAX))
        }),
        within_budget: table
            .optional("within-budget", |value| value.boolean())
            .map(|given| given == Some(true)),
        uninterrupted: table
            .optional("uninterrupted", |value| value.boolean())
            .map(|given| given == Some(true)),
        interrupted_max: table.optional("interrupted-max", |value| {
            value.duration(Duration::ZERO..=length.unwrap_or(HORIZON_MAX))
        }),
        failovers: table.optional("failovers", |value| value.integer(1..=FAILOVERS_MAX)),
        blocked_by: table
            .optional("blocked-by", |value| value.name())
            .map(|guard| guard.map(|GuardName(guard)| guard)),
        needs_operator: table.optional("needs-operator", |value| value.boolean()),
        orders_lost_max: table.optional("orders-lost-max", |value| value.integer(0..=ORDERS_LOST_MAX)),
        breaks: breaks(table),
        because: table.text("because"),
    })?;
    let against: &[(&str, bool)] = match expect.decision {
        // A platform that is away from home may go home without ever failing over.
        ExpectedDecision::Hold if begins_in == Region::Away => &[("failovers", expect.failovers.is_some())],
        ExpectedDecision::Hold => &[
            ("within-budget", expect.within_budget),
            ("no-failback-before", expect.no_failback_before.is_some()),
            ("failback-by", expect.failback_by.is_some()),
            ("failovers", expect.failovers.is_some()),
            (
                "ends-in",
                expect.ends_in.is_some_and(|region| Place::from(region) != Place::Home),
            ),
        ],
        ExpectedDecision::FailOver => &[("uninterrupted", expect.uninterrupted)],
    };
    let mut agreed = true;
    for (key, _) in against.iter().filter(|(_, stated)| *stated) {
        agreed = false;
        let (decision, why) = match expect.decision {
            ExpectedDecision::Hold => ("hold", "a platform that stays neither fails over nor comes home"),
            ExpectedDecision::FailOver => ("fail-over", "a failover interrupts, if only for seconds"),
        };
        table.refuse_together(
            &[(key, "does not go with"), ("decision", "this")],
            rules::EXPECTATION,
            format!("`{key}` contradicts `decision = \"{decision}\"`: {why}"),
            format!("remove `{key}`, or change the decision"),
        );
    }
    agreed.then_some(expect)
}

/// The sentences that are the names of the invariants.
fn breaks(table: &Table<'_>) -> Option<Vec<&'static str>> {
    let mut seen = Vec::new();
    let stated = table.optional("breaks", |value| {
        value.list(1..=invariants::ALL.len(), |value| {
            let InvariantName(key) = value.name()?;
            let invariant = invariants::ALL.iter().find(|invariant| invariant.key() == key)?;
            if seen.contains(&key) {
                value.refuse(
                    rules::EXPECTATION,
                    format!("`{key}` is expected to break already"),
                    "remove it".to_owned(),
                );
                return None;
            }
            seen.push(key);
            Some(invariant.name)
        })
    })?;
    Some(stated.unwrap_or_default())
}

pub(super) fn serving_region(value: &Value<'_>) -> Option<Region> {
    let place: Place = value.name()?;
    if place.region().is_none() {
        value.refuse(
            rules::PLACE,
            format!("orders never run in `{place}`"),
            "write `us-east-1` or `us-east-2`".to_owned(),
        );
    }
    place.region()
}
