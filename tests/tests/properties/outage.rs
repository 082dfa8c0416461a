//! Generated outages.

use std::time::Duration;

use proptest::prelude::*;
use understudy_engine::core::ids::Region;
use understudy_engine::core::time::WallTime;
use understudy_simulations::scenario::{
    Evidence, Expect, ExpectedDecision, Fault, FaultState, Origin, Part, Place, Scenario, Subject,
};

/// 2026-03-03T15:00:00Z, a Tuesday: the market trades.
const START: i64 = 1_772_550_000_000;

/// The customer's own order path.
pub(crate) const ORDER_PATH: [Part; 4] = [Part::ApiGateway, Part::Lambda, Part::Sqs, Part::Aurora];

/// A scenario with these faults, watched for a while after the onset.
pub(crate) fn scenario(faults: Vec<Fault>, onset: Duration, watched: Duration) -> Scenario {
    Scenario {
        name: "generated".to_owned(),
        title: "a generated outage".to_owned(),
        theme: None,
        variant_of: None,
        start: WallTime::from_millis(START),
        onset,
        horizon: onset + watched,
        order_path: ORDER_PATH.to_vec(),
        policy: "trading".to_owned(),
        begins_in: Region::Home,
        mode: None,
        approval_after: None,
        sidecars: None,
        stretching_resolvers: None,
        seed: None,
        sources: Vec::new(),
        expect: Expect::only(ExpectedDecision::FailOver, "it was generated"),
        faults,
        operations: Vec::new(),
    }
}

/// A fault that lasts from the onset to the end.
pub(crate) fn for_good(subject: Subject, state: FaultState) -> Fault {
    Fault {
        subject,
        state,
        origin: Origin::Onset,
        at: Duration::ZERO,
        until: None,
        evidence: Evidence::Inferred,
        note: String::new(),
    }
}

pub(crate) const fn part(part: Part, place: Place) -> Subject {
    Subject::Part { part, place }
}

/// The ways in which the primary can be lost for good, such that the engine must answer.
pub(crate) fn loss() -> impl Strategy<Value = Vec<Fault>> {
    let how = prop_oneof![Just(FaultState::Down), Just(FaultState::Hang)];
    let what = prop_oneof![
        // Everything at once.
        2 => Just(vec![part(Part::Region, Place::Home)]),
        // A gray loss: the application is gone, and the region's engine goes on renewing.
        2 => Just(vec![part(Part::ApiGateway, Place::Home)]),
        1 => Just(vec![part(Part::Lambda, Place::Home)]),
        // Cut off from everyone, and alive inside.
        1 => Just(
            [Place::Away, Place::Witness, Place::Internet]
                .map(|to| Subject::Link { from: Place::Home, to, both_ways: true })
                .to_vec()
        ),
    ];
    (what, how).prop_map(|(what, how)| what.into_iter().map(|subject| for_good(subject, how)).collect())
}

/// When the fault begins: after everything has settled, at any moment of the probes' rhythm.
pub(crate) fn onset() -> impl Strategy<Value = Duration> {
    (30_000_u64..32_000).prop_map(Duration::from_millis)
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Home), Just(Place::Away), Just(Place::Witness)]
}

fn subject() -> impl Strategy<Value = Subject> {
    let parts = [
        Part::ApiGateway,
        Part::Lambda,
        Part::Aurora,
        Part::Dynamodb,
        Part::LeaseEndpoint,
        Part::Sidecars,
        Part::Heartbeat,
        Part::Cloudwatch,
        Part::Eventbridge,
        Part::RdsControl,
        Part::Region,
    ];
    let links = (
        place(),
        prop_oneof![
            Just(Place::Home),
            Just(Place::Away),
            Just(Place::Witness),
            Just(Place::Internet)
        ],
    );
    prop_oneof![
        3 => (prop::sample::select(parts.to_vec()), place()).prop_map(|(it, place)| part(it, place)),
        2 => (links, any::<bool>())
            .prop_filter("a link joins two places", |((from, to), _)| from != to)
            .prop_map(|((from, to), both_ways)| Subject::Link { from, to, both_ways }),
    ]
}

fn state() -> impl Strategy<Value = FaultState> {
    prop_oneof![
        3 => Just(FaultState::Down),
        3 => Just(FaultState::Hang),
        2 => (2_u64..60).prop_map(|seconds| FaultState::Flapping {
            period: Duration::from_secs(seconds),
            down_for: Duration::from_millis(seconds * 600),
        }),
        1 => (100_u64..3_000).prop_map(|millis| FaultState::Slow { by: Duration::from_millis(millis) }),
    ]
}

/// Any faults at all, one after another or on top of each other, each of which ends.
pub(crate) fn anything() -> impl Strategy<Value = Vec<Fault>> {
    let fault = (subject(), state(), 0_u64..240, 1_u64..300).prop_map(|(subject, state, at, lasts)| Fault {
        subject,
        state,
        origin: Origin::Onset,
        at: Duration::from_secs(at),
        until: Some(Duration::from_secs(at + lasts)),
        evidence: Evidence::Inferred,
        note: String::new(),
    });
    prop::collection::vec(fault, 1..6).prop_map(|mut faults| {
        // A scenario counts from its first fault.
        faults.sort_by_key(|fault| fault.at);
        let first = faults[0].at;
        for fault in &mut faults {
            fault.at -= first;
            fault.until = fault.until.map(|until| until - first);
        }
        faults
    })
}
