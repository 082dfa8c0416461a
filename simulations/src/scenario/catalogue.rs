//! What `scenarios --json` prints. Times are in seconds: `at`, `until` and `no_failback_before` from the onset (of what
//! begins at a step or a state: from that moment), the others from the start.

use std::time::Duration;

use serde::Serialize;
use understudy_policies::source::name_of;

use super::model::{
    Evidence, ExpectedDecision, Fault, FaultState, Operation, Origin, Part, Place, Scenario, Share, Subject, Theme,
};
use super::names::{command_name, step_name};
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
    mode: Option<&'static str>,
    approval_after_seconds: Option<f64>,
    sidecars: Option<u16>,
    /// The share of clients behind resolvers that stretch TTLs, from 0 to 1, if it is the scenario's own.
    stretching_resolvers: Option<f64>,
    seed: Option<u64>,
    sources: &'a [String],
    expected: Expected<'a>,
    faults: Vec<FaultEntry<'a>>,
    operations: Vec<OperationEntry<'a>>,
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
    breaks: &'a [&'static str],
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
    /// One sidecar of the region.
    sidecar: Option<u16>,
    state: &'static str,
    period_seconds: Option<f64>,
    down_for_seconds: Option<f64>,
    by_seconds: Option<f64>,
    /// For a clock that was stepped.
    backward: Option<bool>,
    ppm: Option<i32>,
    /// From 0 to 1.
    share: Option<f64>,
    at_step: Option<&'static str>,
    at_state: Option<&'static str>,
    at_seconds: f64,
    until_seconds: Option<f64>,
    evidence: Evidence,
    note: &'a str,
}

#[derive(Debug, Serialize)]
struct OperationEntry<'a> {
    region: Place,
    sidecar: Option<u16>,
    command: &'static str,
    at_step: Option<&'static str>,
    at_state: Option<&'static str>,
    at_seconds: f64,
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
        mode: scenario.mode.map(name_of),
        approval_after_seconds: seconds(scenario.approval_after),
        sidecars: scenario.sidecars,
        stretching_resolvers: scenario.stretching_resolvers.map(Share::fraction),
        seed: scenario.seed,
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
            breaks: &expect.breaks,
            because: &expect.because,
        },
        faults: scenario.faults.iter().map(fault).collect(),
        operations: scenario.operations.iter().map(operation).collect(),
    }
}

/// Seconds from the onset, or from the step or state at which it begins.
fn from_origin(origin: Origin, at: Duration) -> f64 {
    match origin {
        Origin::BeforeOnset(before) => at.as_secs_f64() - before.as_secs_f64(),
        Origin::Onset | Origin::Step(_) | Origin::State(_) => at.as_secs_f64(),
    }
}

fn trigger(origin: Origin) -> (Option<&'static str>, Option<&'static str>) {
    match origin {
        Origin::Onset | Origin::BeforeOnset(_) => (None, None),
        Origin::Step(step) => (Some(step_name(step)), None),
        Origin::State(state) => (None, Some(state.name())),
    }
}

fn operation(operation: &Operation) -> OperationEntry<'_> {
    let (at_step, at_state) = trigger(operation.origin);
    OperationEntry {
        region: Place::from(operation.region),
        sidecar: operation.sidecar,
        command: command_name(operation.command),
        at_step,
        at_state,
        at_seconds: from_origin(operation.origin, operation.at),
        note: &operation.note,
    }
}

fn fault(fault: &Fault) -> FaultEntry<'_> {
    let (at_step, at_state) = trigger(fault.origin);
    let mut entry = FaultEntry {
        part: Part::Link,
        region: None,
        from: None,
        to: None,
        both_ways: None,
        sidecar: None,
        state: fault.state.name(),
        period_seconds: None,
        down_for_seconds: None,
        by_seconds: None,
        backward: None,
        ppm: None,
        share: None,
        at_step,
        at_state,
        at_seconds: from_origin(fault.origin, fault.at),
        until_seconds: fault.until.map(|until| from_origin(fault.origin, until)),
        evidence: fault.evidence,
        note: &fault.note,
    };
    match fault.subject {
        Subject::Part { part, place } => (entry.part, entry.region) = (part, Some(place)),
        Subject::Sidecar { place, number } => {
            (entry.part, entry.region, entry.sidecar) = (Part::Sidecars, Some(place), Some(number));
        }
        Subject::Link { from, to, both_ways } => {
            (entry.from, entry.to, entry.both_ways) = (Some(from), Some(to), Some(both_ways));
        }
    }
    match fault.state {
        FaultState::Flapping { period, down_for } => {
            entry.period_seconds = Some(period.as_secs_f64());
            entry.down_for_seconds = Some(down_for.as_secs_f64());
        }
        FaultState::Slow { by }
        | FaultState::Delayed { by }
        | FaultState::Duplicated { by }
        | FaultState::Reordered { by } => entry.by_seconds = Some(by.as_secs_f64()),
        FaultState::Stepped { by, backward } => {
            (entry.by_seconds, entry.backward) = (Some(by.as_secs_f64()), Some(backward));
        }
        FaultState::Drifting { ppm } => entry.ppm = Some(ppm),
        FaultState::Lossy { share } | FaultState::LeftOpen { clients: share } => {
            entry.share = Some(share.fraction());
        }
        FaultState::Down
        | FaultState::Hang
        | FaultState::Missing
        | FaultState::Open
        | FaultState::Damaged
        | FaultState::Paused
        | FaultState::Detached => {}
    }
    entry
}
