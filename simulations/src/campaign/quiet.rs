//! Quiet timelines: trouble as there is on any day, in which nothing is lost. Any failover is false.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::signal::Command;

use super::BEGUN_BY;
use super::draft::{Draft, link, one_way, part};
use super::kinds::{self, Group, Kind};
use crate::scenario::{FaultState, Part, Place, Share};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Pieces of noise in one timeline.
const PIECES: (u64, u64) = (4, 14);

/// Losses and pauses of one kind keep so far from each other: what comes in a row is no noise.
const APART: Duration = Duration::from_secs(20);

const SERVING: [Place; 2] = [Place::Home, Place::Away];

/// What a quiet timeline is made of.
pub(super) const NOISE: &[Kind] = &[
    Kind::new("noise-lost-probes", lost_probes),
    Kind::new("noise-jitter", jitter),
    Kind::new("noise-slow-parts", slow_parts),
    Kind::new("noise-pause-of-the-serving-sidecars", pause_serving),
    Kind::new("noise-pause-of-the-standbys-sidecars", pause_standby),
    Kind::new("noise-heartbeats-missing", heartbeats_missing),
    Kind::new("noise-heartbeats-late", heartbeats_late),
    Kind::new("noise-metrics-missing", metrics_missing),
    Kind::new("noise-metrics-late", metrics_late),
    Kind::new("noise-events-missing", events_missing),
    Kind::new("noise-events-late", events_late),
    Kind::new("noise-health-event", health_event),
    Kind::new("noise-control-plane-trouble", control_plane),
    Kind::new("noise-replication-lag", replication_lag),
    Kind::new("noise-unused-service", unused_service),
    Kind::new("noise-deployment", deployment),
    Kind::new("noise-lossy-link", lossy_link),
    Kind::new("noise-reordering-link", reordering_link),
    Kind::new("noise-repeated-messages", repeated),
    Kind::new("noise-reordered-messages", reordered),
    Kind::new("noise-lost-messages", lost_messages),
];

/// What there is if there is nothing else: an open event of AWS Health.
const AT_LEAST: usize = 11;

/// Draws one. Swarm: each seed leaves out about one half of the kinds.
pub(super) fn draw(draft: &mut Draft<'_>) -> bool {
    draft.sidecars = if draft.chance(1, 2) { 2 } else { 1 };
    // Some platforms failed over long ago, and home is the standby.
    draft.serving = draft.one_of(&[Region::Home, Region::Home, Region::Home, Region::Home, Region::Away]);
    let kinds = draft.some_kinds(Group::Noise);
    for _ in 0..draft.number(PIECES.0, PIECES.1) {
        if !kinds.is_empty() {
            let kind = draft.one_of(&kinds);
            kinds::draw(draft, Group::Noise, kind);
        }
    }
    // Even a seed that leaves out everything has something to ride out.
    if draft.is_empty() {
        kinds::draw(draft, Group::Noise, AT_LEAST);
    }
    false
}

/// When a piece of noise begins.
fn at(draft: &mut Draft<'_>) -> Duration {
    draft.between(Duration::ZERO, BEGUN_BY)
}

/// The longest pause that cannot fence a region: the lease runs on for so long after the renewal before the last one,
/// if that one was lost.
fn longest_pause(draft: &Draft<'_>) -> Duration {
    let lease = &draft.policy.lease;
    lease
        .ttl
        .saturating_sub(lease.margin + lease.renew_every * 2 + lease.operation_timeout * 2)
        .max(MILLI * 100)
}

/// Less than the shortest interval of the witnesses that are asked about a region, so that of each at most one probe in
/// a row is lost.
fn less_than_an_interval(draft: &Draft<'_>) -> Duration {
    let quorum = draft.policy.witnesses.iter().filter(|witness| witness.quorum);
    let shortest = quorum.map(|witness| witness.interval).min().unwrap_or(SECOND);
    shortest.saturating_sub(MILLI * 100).max(MILLI)
}

fn lost_probes(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = less_than_an_interval(draft);
    let lasts = draft.between(MILLI * 50, lasts);
    let state = draft.one_of(&[FaultState::Down, FaultState::Hang]);
    let from = draft.one_of(&[Place::Home, Place::Away, Place::Witness, Place::Internet]);
    let to = draft.one_of(&SERVING);
    if from != to && draft.is_alone(at, APART) {
        let subject = if draft.chance(1, 2) {
            link(from, to)
        } else {
            one_way(from, to)
        };
        draft.fault(subject, state, at, lasts);
    }
}

fn jitter(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 4);
    let by = draft.magnitude(MILLI, MILLI * 200);
    let from = draft.one_of(&[Place::Home, Place::Away, Place::Witness, Place::Internet]);
    let to = draft.one_of(&SERVING);
    if from != to {
        draft.fault(link(from, to), FaultState::Slow { by }, at, lasts);
    }
}

fn slow_parts(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 4);
    let by = draft.magnitude(MILLI, MILLI * 100);
    let parts = draft.order_path.clone();
    let (it, place) = (draft.one_of(&parts), draft.one_of(&SERVING));
    draft.fault(part(it, place), FaultState::Slow { by }, at, lasts);
}

fn pause_serving(draft: &mut Draft<'_>) {
    let at = at(draft);
    let longest = longest_pause(draft);
    let lasts = draft.magnitude(MILLI * 100, longest);
    if draft.is_alone(at, APART) {
        draft.fault(part(Part::Sidecars, draft.serving()), FaultState::Hang, at, lasts);
    }
}

fn pause_standby(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(MILLI * 100, MINUTE);
    draft.fault(part(Part::Sidecars, draft.standby()), FaultState::Hang, at, lasts);
}

fn heartbeats_missing(draft: &mut Draft<'_>) {
    silent(draft, Part::Heartbeat);
}

fn heartbeats_late(draft: &mut Draft<'_>) {
    late(draft, Part::Heartbeat, SECOND * 30);
}

fn metrics_missing(draft: &mut Draft<'_>) {
    silent(draft, Part::Cloudwatch);
}

fn metrics_late(draft: &mut Draft<'_>) {
    late(draft, Part::Cloudwatch, MINUTE * 10);
}

fn events_missing(draft: &mut Draft<'_>) {
    silent(draft, Part::Eventbridge);
}

/// EventBridge: 99 % of events arrive within 801 s, by its own documentation.
fn events_late(draft: &mut Draft<'_>) {
    late(draft, Part::Eventbridge, SECOND * 801);
}

fn health_event(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(MINUTE, MINUTE * 15);
    let place = draft.one_of(&SERVING);
    draft.fault(part(Part::HealthEvents, place), FaultState::Open, at, lasts);
}

fn control_plane(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 2);
    let state = draft.one_of(&[FaultState::Down, FaultState::Hang]);
    let (it, place) = draft.one_of(&[
        (Part::RdsControl, Place::Home),
        (Part::RdsControl, Place::Away),
        (Part::Route53Control, Place::Home),
        (Part::Sts, Place::Home),
        (Part::Sts, Place::Away),
    ]);
    draft.fault(part(it, place), state, at, lasts);
}

fn replication_lag(draft: &mut Draft<'_>) {
    let by = draft.magnitude(MILLI * 10, SECOND * 4);
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 4);
    draft.fault(
        part(Part::Replication, Place::Away),
        FaultState::Delayed { by },
        at,
        lasts,
    );
}

/// A service fails that no order needs.
fn unused_service(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 10);
    let state = draft.one_of(&[FaultState::Down, FaultState::Hang]);
    let it = draft.one_of(&[Part::Kinesis, Part::Ec2, Part::LoadBalancer]);
    let place = draft.one_of(&SERVING);
    if !draft.order_path.contains(&it) {
        draft.fault(part(it, place), state, at, lasts);
    }
}

fn silent(draft: &mut Draft<'_>, it: Part) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 10);
    let place = draft.one_of(&SERVING);
    draft.fault(part(it, place), FaultState::Missing, at, lasts);
}

fn late(draft: &mut Draft<'_>, it: Part, most: Duration) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND, MINUTE * 10);
    let by = draft.magnitude(MILLI * 100, most);
    let place = draft.one_of(&SERVING);
    draft.fault(part(it, place), FaultState::Delayed { by }, at, lasts);
}

/// A rolling deployment: one sidecar of a region after the other, each when the one before runs again.
fn deployment(draft: &mut Draft<'_>) {
    // The longest restart, and what a sidecar needs to read where it stands.
    const EACH: Duration = Duration::from_secs(90);
    draft.sidecars = 2;
    let at = at(draft);
    let region = draft.one_of(&Region::BOTH);
    if draft.is_alone(at, EACH * 3) {
        draft.operate(at, region, Some(1), Command::ShutDown);
        draft.operate(at + EACH, region, Some(2), Command::ShutDown);
    }
}

/// Few enough are lost that a witness hardly ever loses as many in a row as it needs to call a region breached, and only
/// on one link at a time, so that the other failure domain has its word.
fn lossy_link(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND * 10, MINUTE * 4);
    let share = Share::from_millionths(u32::try_from(draft.number(1, 8) * 10_000).unwrap_or(0));
    let (from, to) = vantage_and_target(draft);
    if from != to && draft.is_alone(at, MINUTE * 5) {
        draft.fault(link(from, to), FaultState::Lossy { share }, at, lasts);
    }
}

fn reordering_link(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND * 10, MINUTE * 4);
    let by = draft.magnitude(MILLI, MILLI * 300);
    let (from, to) = vantage_and_target(draft);
    if from != to {
        draft.fault(link(from, to), FaultState::Reordered { by }, at, lasts);
    }
}

fn vantage_and_target(draft: &mut Draft<'_>) -> (Place, Place) {
    let from = draft.one_of(&[Place::Home, Place::Away, Place::Witness, Place::Internet]);
    (from, draft.one_of(&SERVING))
}

const CHANNELS: [Part; 3] = [Part::Heartbeat, Part::Cloudwatch, Part::Eventbridge];

fn repeated(draft: &mut Draft<'_>) {
    let by = draft.magnitude(MILLI, SECOND * 20);
    channel(draft, FaultState::Duplicated { by });
}

fn reordered(draft: &mut Draft<'_>) {
    let by = draft.magnitude(MILLI, MINUTE);
    channel(draft, FaultState::Reordered { by });
}

fn lost_messages(draft: &mut Draft<'_>) {
    let share = Share::from_millionths(u32::try_from(draft.number(1, 90) * 10_000).unwrap_or(0));
    channel(draft, FaultState::Lossy { share });
}

fn channel(draft: &mut Draft<'_>, state: FaultState) {
    let at = at(draft);
    let lasts = draft.magnitude(SECOND * 10, MINUTE * 10);
    let (it, place) = (draft.one_of(&CHANNELS), draft.one_of(&SERVING));
    draft.fault(part(it, place), state, at, lasts);
}
