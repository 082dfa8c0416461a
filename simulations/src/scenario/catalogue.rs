//! What `scenarios --json` prints. Times are in seconds: `at`, `until` and `no_failback_before` from the onset, the
//! others from the start.

use std::time::Duration;

use serde::Serialize;

use super::model::{Evidence, ExpectedDecision, Fault, FaultState, Part, Place, Scenario, Subject, Theme};
use crate::report::words;

/// Scenarios as one object.
#[derive(Debug, Serialize)]
pub struct Catalogue<'a> {
    scenarios: Vec<Entry<'a>>,
}

/// One scenario as an object.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    name: &'a str,
    title: &'a str,
    theme: Option<Theme>,
    /// The same incident with another order path.
    siblings: Vec<&'a str>,
    start_unix_millis: i64,
    onset_seconds: f64,
    horizon_seconds: f64,
    order_path: &'a [Part],
    policy: &'a str,
    begins_in: Place,
    approval_after_seconds: Option<f64>,
    sources: &'a [String],
    expected: Expected<'a>,
    faults: Vec<FaultEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct Expected<'a> {
    decision: ExpectedDecision,
    ends_in: Option<Place>,
    no_failback_before_seconds: Option<f64>,
    failback_by_seconds: Option<f64>,
    within_budget: bool,
    uninterrupted: bool,
    interrupted_max_seconds: Option<f64>,
    failovers: Option<u32>,
    blocked_by: Option<&'static str>,
    needs_operator: Option<bool>,
    orders_lost_max: Option<u32>,
    because: &'a str,
}

#[derive(Debug, Serialize)]
struct FaultEntry<'a> {
    part: Part,
    /// None for a link.
    region: Option<Place>,
    /// The ends of a link.
    from: Option<Place>,
    to: Option<Place>,
    both_ways: Option<bool>,
    state: &'static str,
    period_seconds: Option<f64>,
    down_for_seconds: Option<f64>,
    by_seconds: Option<f64>,
    at_seconds: f64,
    until_seconds: Option<f64>,
    evidence: Evidence,
    note: &'a str,
}

impl<'a> Catalogue<'a> {
    /// Lists scenarios.
    #[must_use]
    pub fn new(scenarios: &'a [Scenario]) -> Self {
        Self {
            scenarios: scenarios.iter().map(|scenario| entry(scenario, scenarios)).collect(),
        }
    }
}

fn seconds(span: Option<Duration>) -> Option<f64> {
    span.map(|span| span.as_secs_f64())
}

/// One scenario, with its siblings among these.
#[must_use]
pub fn entry<'a>(scenario: &'a Scenario, all: &'a [Scenario]) -> Entry<'a> {
    let expect = &scenario.expect;
    Entry {
        name: &scenario.name,
        title: &scenario.title,
        theme: scenario.theme,
        siblings: scenario.siblings(all).map(|sibling| sibling.name.as_str()).collect(),
        start_unix_millis: scenario.start.as_millis(),
        onset_seconds: scenario.onset.as_secs_f64(),
        horizon_seconds: scenario.horizon.as_secs_f64(),
        order_path: &scenario.order_path,
        policy: &scenario.policy,
        begins_in: Place::from(scenario.begins_in),
        approval_after_seconds: seconds(scenario.approval_after),
        sources: &scenario.sources,
        expected: Expected {
            decision: expect.decision,
            ends_in: expect.ends_in.map(Place::from),
            no_failback_before_seconds: seconds(expect.no_failback_before),
            failback_by_seconds: seconds(expect.failback_by),
            within_budget: expect.within_budget,
            uninterrupted: expect.uninterrupted,
            interrupted_max_seconds: seconds(expect.interrupted_max),
            failovers: expect.failovers,
            blocked_by: expect.blocked_by.map(words::guard),
            needs_operator: expect.needs_operator,
            orders_lost_max: expect.orders_lost_max,
            because: &expect.because,
        },
        faults: scenario.faults.iter().map(fault).collect(),
    }
}

fn fault(fault: &Fault) -> FaultEntry<'_> {
    let (part, region, from, to, both_ways) = match fault.subject {
        Subject::Part { part, place } => (part, Some(place), None, None, None),
        Subject::Link { from, to, both_ways } => (Part::Link, None, Some(from), Some(to), Some(both_ways)),
    };
    let (period, down_for, by) = match fault.state {
        FaultState::Flapping { period, down_for } => (Some(period), Some(down_for), None),
        FaultState::Slow { by } | FaultState::Delayed { by } => (None, None, Some(by)),
        _ => (None, None, None),
    };
    FaultEntry {
        part,
        region,
        from,
        to,
        both_ways,
        state: fault.state.name(),
        period_seconds: seconds(period),
        down_for_seconds: seconds(down_for),
        by_seconds: seconds(by),
        at_seconds: fault.at.as_secs_f64(),
        until_seconds: seconds(fault.until),
        evidence: fault.evidence,
        note: &fault.note,
    }
}
