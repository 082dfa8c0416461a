//! Everything that can break besides: any kind, anywhere, at any time, for any length.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_engine::workflow::StepId;

use super::draft::{Draft, link, one_way, part};
use super::kinds::Kind;
use super::{BEGUN_BY, HEALED_BY};
use crate::scenario::{FaultState, Origin, Part, Place, Share, Subject};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How something breaks, without its figures.
#[derive(Debug, Clone, Copy)]
enum How {
    Down,
    Hang,
    Flapping,
    Slow,
    Delayed,
    Missing,
    Open,
    Damaged,
    Lossy,
    Duplicated,
    Reordered,
    Stepped,
    Drifting,
    Paused,
    LeftOpen,
    Detached,
}

const SERVING: [Place; 2] = [Place::Home, Place::Away];
const REGIONS: [Place; 3] = [Place::Home, Place::Away, Place::Witness];
const PLACES: [Place; 4] = [Place::Home, Place::Away, Place::Witness, Place::Internet];

/// What the application is made of, in one order path or another.
const APPLICATION: [Part; 8] = [
    Part::ApiGateway,
    Part::Lambda,
    Part::Sqs,
    Part::Ec2,
    Part::LoadBalancer,
    Part::Dynamodb,
    Part::S3,
    Part::Kinesis,
];

/// One row of the catalogue.
macro_rules! breaks {
    ($name:literal, $parts:expr, $places:expr, $how:ident) => {
        Kind::new($name, |draft| break_part(draft, &$parts, &$places, How::$how))
    };
}

/// The catalogue.
pub(super) const FAULTS: &[Kind] = &[
    breaks!("region-down", [Part::Region], REGIONS, Down),
    breaks!("region-hang", [Part::Region], REGIONS, Hang),
    breaks!("application-down", APPLICATION, SERVING, Down),
    breaks!("application-hang", APPLICATION, SERVING, Hang),
    breaks!("application-flapping", APPLICATION, SERVING, Flapping),
    breaks!("application-slow", APPLICATION, SERVING, Slow),
    breaks!("database-down", [Part::Aurora], SERVING, Down),
    breaks!("database-hang", [Part::Aurora], SERVING, Hang),
    breaks!("database-flapping", [Part::Aurora], SERVING, Flapping),
    breaks!("database-slow", [Part::Aurora], SERVING, Slow),
    breaks!("database-damaged", [Part::Aurora], SERVING, Damaged),
    breaks!("replication-down", [Part::Replication], SERVING, Down),
    breaks!("replication-delayed", [Part::Replication], SERVING, Delayed),
    breaks!("metrics-down", [Part::Cloudwatch], SERVING, Down),
    breaks!("metrics-missing", [Part::Cloudwatch], SERVING, Missing),
    breaks!("metrics-delayed", [Part::Cloudwatch], SERVING, Delayed),
    breaks!("events-down", [Part::Eventbridge], SERVING, Down),
    breaks!("events-missing", [Part::Eventbridge], SERVING, Missing),
    breaks!("events-delayed", [Part::Eventbridge], SERVING, Delayed),
    breaks!("heartbeat-missing", [Part::Heartbeat], SERVING, Missing),
    breaks!("heartbeat-delayed", [Part::Heartbeat], SERVING, Delayed),
    breaks!("health-event", [Part::HealthEvents], SERVING, Open),
    breaks!("sidecars-down", [Part::Sidecars], SERVING, Down),
    breaks!("sidecars-hang", [Part::Sidecars], SERVING, Hang),
    breaks!("rds-control-down", [Part::RdsControl], SERVING, Down),
    breaks!("rds-control-hang", [Part::RdsControl], SERVING, Hang),
    breaks!("rds-control-flapping", [Part::RdsControl], SERVING, Flapping),
    breaks!("rds-control-slow", [Part::RdsControl], SERVING, Slow),
    breaks!("route53-control-down", [Part::Route53Control], [Place::Home], Down),
    breaks!("route53-control-hang", [Part::Route53Control], [Place::Home], Hang),
    breaks!(
        "route53-control-flapping",
        [Part::Route53Control],
        [Place::Home],
        Flapping
    ),
    breaks!("credentials-down", [Part::Sts], SERVING, Down),
    breaks!("credentials-hang", [Part::Sts], SERVING, Hang),
    breaks!("credentials-flapping", [Part::Sts], SERVING, Flapping),
    breaks!("lease-endpoint-down", [Part::LeaseEndpoint], REGIONS, Down),
    breaks!("lease-endpoint-hang", [Part::LeaseEndpoint], REGIONS, Hang),
    breaks!("lease-endpoint-flapping", [Part::LeaseEndpoint], REGIONS, Flapping),
    breaks!("lease-endpoint-slow", [Part::LeaseEndpoint], REGIONS, Slow),
    breaks!("replication-unmeasured", [Part::Replication], SERVING, Missing),
    breaks!("metrics-lossy", [Part::Cloudwatch], SERVING, Lossy),
    breaks!("metrics-duplicated", [Part::Cloudwatch], SERVING, Duplicated),
    breaks!("metrics-reordered", [Part::Cloudwatch], SERVING, Reordered),
    breaks!("events-lossy", [Part::Eventbridge], SERVING, Lossy),
    breaks!("events-duplicated", [Part::Eventbridge], SERVING, Duplicated),
    breaks!("events-reordered", [Part::Eventbridge], SERVING, Reordered),
    breaks!("heartbeat-lossy", [Part::Heartbeat], SERVING, Lossy),
    breaks!("heartbeat-duplicated", [Part::Heartbeat], SERVING, Duplicated),
    breaks!("heartbeat-reordered", [Part::Heartbeat], SERVING, Reordered),
    breaks!("clock-stepped", [Part::Clock], SERVING, Stepped),
    breaks!("clock-drifting", [Part::Clock], SERVING, Drifting),
    breaks!("database-clock-stepped", [Part::DatabaseClock], SERVING, Stepped),
    breaks!("transactions-paused", [Part::Transactions], SERVING, Paused),
    breaks!("resolvers-delayed", [Part::Resolvers], [Place::Internet], Delayed),
    Kind::new("standby-left-open", |draft| {
        spoil_standby(draft, Part::OrderPath, How::LeftOpen);
    }),
    Kind::new("standby-detached", |draft| {
        spoil_standby(draft, Part::Aurora, How::Detached);
    }),
    Kind::new("link-lossy", |draft| break_link(draft, How::Lossy)),
    Kind::new("link-reordered", |draft| break_link(draft, How::Reordered)),
    Kind::new("link-one-way-lossy", |draft| break_one_way(draft, How::Lossy)),
    Kind::new("link-down", |draft| break_link(draft, How::Down)),
    Kind::new("link-hang", |draft| break_link(draft, How::Hang)),
    Kind::new("link-flapping", |draft| break_link(draft, How::Flapping)),
    Kind::new("link-slow", |draft| break_link(draft, How::Slow)),
    Kind::new("link-one-way-down", |draft| break_one_way(draft, How::Down)),
    Kind::new("link-one-way-hang", |draft| break_one_way(draft, How::Hang)),
    Kind::new("link-one-way-flapping", |draft| break_one_way(draft, How::Flapping)),
    Kind::new("link-one-way-slow", |draft| break_one_way(draft, How::Slow)),
    Kind::new("one-sidecar-down", |draft| break_one_sidecar(draft, How::Down)),
    Kind::new("one-sidecar-hang", |draft| break_one_sidecar(draft, How::Hang)),
    Kind::new("crash-at-step", |draft| stop_at_step(draft, FaultState::Down)),
    Kind::new("pause-at-step", |draft| stop_at_step(draft, FaultState::Hang)),
    Kind::new("crash-at-state", |draft| stop_at_state(draft, FaultState::Down)),
    Kind::new("pause-at-state", |draft| stop_at_state(draft, FaultState::Hang)),
    Kind::new("outage-at-step", outage_at_step),
    Kind::new("operator-pauses", |draft| {
        hold_back(draft, Command::Pause, Command::Resume);
    }),
    Kind::new("operator-disarms", |draft| {
        hold_back(draft, Command::Disarm, Command::Arm);
    }),
    Kind::new("operator-fails-over", |draft| {
        ask(draft, Command::FailOver { accept_loss: false });
    }),
    Kind::new("operator-fails-over-accepting-loss", |draft| {
        ask(draft, Command::FailOver { accept_loss: true });
    }),
    Kind::new("operator-fails-back", |draft| ask(draft, Command::FailBack)),
    Kind::new("operator-approves", |draft| ask(draft, Command::Approve)),
    Kind::new("operator-acknowledges", |draft| ask(draft, Command::Acknowledge)),
    Kind::new("deployment", deployment),
    Kind::new("outage-at-state", outage_at_state),
    Kind::new("operator-acknowledges-when-asked", acknowledge_when_asked),
];

fn break_part(draft: &mut Draft<'_>, parts: &[Part], places: &[Place], how: How) {
    let (it, place) = (draft.one_of(parts), draft.one_of(places));
    strike(draft, part(it, place), how);
}

fn break_link(draft: &mut Draft<'_>, how: How) {
    let (one, other) = ends(draft);
    strike(draft, link(one, other), how);
}

fn break_one_way(draft: &mut Draft<'_>, how: How) {
    let (from, to) = ends(draft);
    strike(draft, one_way(from, to), how);
}

/// Two different places.
fn ends(draft: &mut Draft<'_>) -> (Place, Place) {
    let one = draft.number(0, 3);
    let other = (one + draft.number(1, 3)) % 4;
    let place = |index: u64| PLACES[usize::try_from(index).unwrap_or_default()];
    (place(one), place(other))
}

fn strike(draft: &mut Draft<'_>, subject: Subject, how: How) {
    let at = draft.between(Duration::ZERO, BEGUN_BY);
    let lasts = draft.magnitude(MILLI * 100, HEALED_BY);
    let state = match how {
        How::Down => FaultState::Down,
        How::Hang => FaultState::Hang,
        How::Missing => FaultState::Missing,
        How::Open => FaultState::Open,
        How::Damaged => FaultState::Damaged,
        How::Paused => FaultState::Paused,
        How::Detached => FaultState::Detached,
        How::LeftOpen => FaultState::LeftOpen {
            clients: share(draft, 500_000),
        },
        How::Lossy => FaultState::Lossy {
            share: share(draft, 950_000),
        },
        How::Duplicated => FaultState::Duplicated {
            by: draft.magnitude(MILLI, SECOND * 10),
        },
        How::Reordered => FaultState::Reordered {
            by: draft.magnitude(MILLI, SECOND * 60),
        },
        How::Stepped => FaultState::Stepped {
            by: draft.magnitude(MILLI, draft.policy.lease.margin),
            backward: draft.chance(1, 2),
        },
        How::Drifting => FaultState::Drifting { ppm: drift(draft) },
        How::Slow => FaultState::Slow {
            by: draft.magnitude(MILLI * 10, SECOND * 10),
        },
        How::Delayed => FaultState::Delayed {
            by: draft.magnitude(MILLI * 10, MINUTE * 15),
        },
        How::Flapping => {
            let period = draft.magnitude(MILLI * 500, MINUTE * 4);
            let down_for = draft.between(MILLI * 50, period * 19 / 20);
            FaultState::Flapping { period, down_for }
        }
    };
    draft.fault(subject, state, at, lasts);
}

/// At most so many millionths.
fn share(draft: &mut Draft<'_>, most: u64) -> Share {
    let millionths = draft.number(1, most / 10_000) * 10_000;
    Share::from_millionths(u32::try_from(millionths).unwrap_or(u32::MAX))
}

/// A rate inside what the policy declares: two clocks that drift against each other this fast stay within `drift-max`
/// during one lease, with room for what they drift by themselves.
fn drift(draft: &mut Draft<'_>) -> i32 {
    let lease = &draft.policy.lease;
    let apart = lease.drift_max.as_micros() * 1_000_000 / lease.ttl.as_micros().max(1);
    let most = u64::try_from(apart / 2)
        .unwrap_or(u64::MAX)
        .saturating_sub(200)
        .clamp(1, 400_000);
    let ppm = i32::try_from(draft.number(1, most)).unwrap_or(i32::MAX);
    if draft.chance(1, 2) { ppm } else { -ppm }
}

/// What people do to a standby by hand.
fn spoil_standby(draft: &mut Draft<'_>, it: Part, how: How) {
    let standby = draft.standby();
    strike(draft, part(it, standby), how);
}

/// One of a region's sidecars; the only one, if there is no other.
fn break_one_sidecar(draft: &mut Draft<'_>, how: How) {
    let place = draft.one_of(&SERVING);
    let number = some_sidecar(draft);
    strike(draft, Subject::Sidecar { place, number }, how);
}

fn some_sidecar(draft: &mut Draft<'_>) -> u16 {
    let last = u64::from(draft.sidecars);
    u16::try_from(draft.number(1, last)).unwrap_or(1)
}

/// The steps that ask for something, in the order of a failover and then of the way home.
const STEPS: [StepId; 26] = [
    StepId::WriteClaim,
    StepId::RaiseEpoch,
    StepId::EngageSwitchA,
    StepId::EngageSwitchB,
    StepId::PromoteDatabase,
    StepId::WriteServingRow,
    StepId::OpenIntake,
    StepId::OpenProcessing,
    StepId::PinRecord,
    StepId::Announce,
    StepId::VerifyWrite,
    StepId::VerifyRouting,
    StepId::RecordCompletion,
    StepId::CloseOrderPath,
    StepId::SwitchOverDatabase,
    StepId::DisengageSwitchA,
    StepId::DisengageSwitchB,
    StepId::TransferLease,
    StepId::GiveUpLease,
    StepId::RecordFailback,
    StepId::LookAtWriter,
    StepId::UnpinRecord,
    StepId::RejoinDatabase,
    StepId::ReconcileDatabase,
    StepId::MarkProtected,
    StepId::RecordRollback,
];

/// The states that an engine passes on its way, or stays in.
const STATES: [StateName; 19] = [
    StateName::Draining,
    StateName::SelfFenced,
    StateName::Suspicious,
    StateName::Blocked,
    StateName::Claiming,
    StateName::Acquiring,
    StateName::Moving,
    StateName::Verifying,
    StateName::Reverting,
    StateName::Rejoining,
    StateName::Quiescing,
    StateName::SwitchingOver,
    StateName::Redirecting,
    StateName::RollingBack,
    StateName::Recovering,
    StateName::Reconciling,
    StateName::Soaking,
    StateName::Confirming,
    StateName::NeedsOperator,
];

/// The sidecars of a region stop between an intent and its effect, or soon after.
fn stop_at_step(draft: &mut Draft<'_>, state: FaultState) {
    let step = draft.one_of(&STEPS);
    stop_when(draft, Origin::Step(step), state);
}

fn stop_at_state(draft: &mut Draft<'_>, state: FaultState) {
    let at = draft.one_of(&STATES);
    stop_when(draft, Origin::State(at), state);
}

fn stop_when(draft: &mut Draft<'_>, origin: Origin, state: FaultState) {
    let after = soon(draft);
    let lasts = draft.magnitude(MILLI * 100, MINUTE * 2);
    let place = draft.one_of(&SERVING);
    let subject = if draft.chance(1, 2) {
        part(Part::Sidecars, place)
    } else {
        let number = some_sidecar(draft);
        Subject::Sidecar { place, number }
    };
    draft.fault_when(origin, subject, state, after, lasts);
}

/// What a step needs fails just as it is asked.
fn outage_at_step(draft: &mut Draft<'_>) {
    let step = draft.one_of(&STEPS);
    let lasts = draft.magnitude(MILLI * 100, MINUTE * 4);
    outage_when(draft, Origin::Step(step), lasts);
}

fn outage_at_state(draft: &mut Draft<'_>) {
    let state = draft.one_of(&STATES);
    let lasts = draft.magnitude(MILLI * 100, MINUTE * 4);
    outage_when(draft, Origin::State(state), lasts);
}

/// Something that a role change needs fails as soon as an engine comes to this.
pub(super) fn outage_when(draft: &mut Draft<'_>, origin: Origin, lasts: Duration) {
    let after = soon(draft);
    let state = draft.one_of(&[FaultState::Down, FaultState::Hang]);
    let place = draft.one_of(&SERVING);
    let subject = draft.one_of(&[
        part(Part::LeaseEndpoint, place),
        part(Part::Aurora, place),
        part(Part::RdsControl, place),
        part(Part::Dynamodb, place),
        part(Part::Sts, place),
        part(Part::Route53Control, Place::Home),
        part(Part::Region, place),
        part(Part::Region, Place::Witness),
        link(Place::Home, Place::Away),
        link(place, Place::Witness),
    ]);
    draft.fault_when(origin, subject, state, after, lasts);
}

/// At once in one half of the cases.
fn soon(draft: &mut Draft<'_>) -> Duration {
    if draft.chance(1, 2) {
        Duration::ZERO
    } else {
        draft.magnitude(MILLI, SECOND * 10)
    }
}

/// When operators look whether what they let go was heard: every sidecar that was lost runs again by then.
const HEARD_BY: Duration = Duration::from_secs(19 * 60);

/// An operator holds both regions back for a while, and lets them go when everything is healed at the latest. Whoever
/// did not run at that time is let go once more.
fn hold_back(draft: &mut Draft<'_>, hold: Command, release: Command) {
    let at = draft.between(Duration::ZERO, BEGUN_BY);
    let until = (at + draft.magnitude(SECOND, HEALED_BY)).min(HEALED_BY);
    for region in Region::BOTH {
        draft.operate(at, region, None, hold);
        draft.operate(until, region, None, release);
        draft.operate(HEARD_BY, region, None, release);
    }
}

/// An operator asks a region's engines for something, sensible or not.
fn ask(draft: &mut Draft<'_>, command: Command) {
    let at = draft.between(Duration::ZERO, HEALED_BY);
    let region = draft.one_of(&Region::BOTH);
    draft.operate(at, region, None, command);
}

/// An operator takes note some time after an engine has asked for one.
fn acknowledge_when_asked(draft: &mut Draft<'_>) {
    let after = draft.magnitude(SECOND, MINUTE * 5);
    for region in Region::BOTH {
        let asked = Origin::State(StateName::NeedsOperator);
        draft.operate_when(asked, after, region, Command::Acknowledge);
    }
}

/// One sidecar after the other is shut down and started again, at any pace.
fn deployment(draft: &mut Draft<'_>) {
    let mut at = draft.between(Duration::ZERO, BEGUN_BY);
    let region = draft.one_of(&Region::BOTH);
    for number in 1..=draft.sidecars {
        draft.operate(at, region, Some(number), Command::ShutDown);
        at += draft.magnitude(SECOND, MINUTE * 2);
    }
}
