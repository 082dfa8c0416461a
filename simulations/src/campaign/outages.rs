//! Outages: one incident that matters, and up to six other faults of any kind, at any place and time.
//!
//! Swarm: each seed leaves out about one half of the kinds of faults. What is always drawn with everything else hides
//! what only shows when it is alone.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::Command;
use understudy_engine::workflow::StepId;
use understudy_policies::model::LossAction;

use super::BEGUN_BY;
use super::HEALED_BY;
use super::draft::{Draft, link, one_way, part};
use super::faults::outage_when;
use super::kinds::{self, Group, Kind};
use crate::scenario::{FaultState, Origin, Part, Place};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Other faults in one timeline, at most.
const OTHERS_MAX: u64 = 6;

const REFUSES_OR_HANGS: [FaultState; 2] = [FaultState::Down, FaultState::Hang];

/// The incidents of which each timeline has one. For those that come first, up to [`PROMISED`], the budget is promised.
pub(super) const INCIDENTS: &[Kind] = &[
    Kind::new("incident-region-refuses", |draft| {
        lose_region(draft, FaultState::Down);
    }),
    Kind::new("incident-region-hangs", |draft| {
        lose_region(draft, FaultState::Hang);
    }),
    Kind::new("incident-isolation", isolation),
    Kind::new("incident-application-refuses", |draft| {
        lose_application(draft, FaultState::Down);
    }),
    Kind::new("incident-application-hangs", |draft| {
        lose_application(draft, FaultState::Hang);
    }),
    Kind::new("incident-application-crawls", application_crawls),
    Kind::new("incident-application-comes-and-goes", application_comes_and_goes),
    Kind::new("incident-power-loss-and-return", power_loss),
    Kind::new("incident-database-refuses", |draft| {
        lose_database(draft, FaultState::Down);
    }),
    Kind::new("incident-database-hangs", |draft| {
        lose_database(draft, FaultState::Hang);
    }),
    Kind::new("incident-database-crawls", database_crawls),
    Kind::new("incident-database-mends-itself", database_mends),
    Kind::new("incident-both-regions", both_regions),
    Kind::new("incident-standby-lost", standby_lost),
    Kind::new("incident-standby-then-primary", standby_then_primary),
    Kind::new("incident-primary-then-standby", primary_then_standby),
    Kind::new("incident-witness-region-lost", witness_lost),
    Kind::new("incident-partition", partition),
    Kind::new("incident-one-way-partition", one_way_partition),
    Kind::new("incident-cut-off-from-outside", cut_off_from_outside),
    Kind::new("incident-edge-lost", edge_lost),
    Kind::new("incident-monitoring-lost", monitoring_lost),
    Kind::new("incident-monitoring-lost-then-region", monitoring_then_region),
    Kind::new("incident-lease-store-lost-for-all", store_lost_for_all),
    Kind::new("incident-lease-store-lost-for-one", store_lost_for_one),
    Kind::new("incident-sidecars-lost", sidecars_lost),
    Kind::new(
        "incident-control-planes-lost-with-the-region",
        region_with_control_planes,
    ),
    Kind::new("incident-ordered-failover", ordered_failover),
    Kind::new("incident-ordered-failback", ordered_failback),
    Kind::new("incident-ordered-failback-and-loss", failback_and_loss),
    Kind::new("incident-region-lost-and-standby-damaged", region_and_damaged_standby),
    Kind::new("incident-failover-stumbles", failover_stumbles),
    Kind::new("incident-failback-stumbles", failback_stumbles),
];

/// The incidents for which the budget is promised, if nothing else breaks. The first of them lose the whole region, the
/// others its application.
const PROMISED: usize = 5;
const LOSE_THE_REGION: usize = 3;

/// Draws one, and says whether the budget is promised for it.
pub(super) fn draw(draft: &mut Draft<'_>) -> bool {
    draft.sidecars = draft.one_of(&[1, 1, 2, 2, 3]);
    // Some platforms failed over long ago, and home is the standby.
    draft.serving = draft.one_of(&[Region::Home, Region::Home, Region::Home, Region::Home, Region::Away]);
    if draft.chance(1, 4) {
        draft.order_path = draft.one_of(&ORDER_PATHS).to_vec();
    }
    let incident = usize::try_from(draft.number(0, INCIDENTS.len() as u64 - 1)).unwrap_or_default();
    kinds::draw(draft, Group::Incident, incident);
    let kinds = draft.some_kinds(Group::Fault);
    let others = if kinds.is_empty() {
        0
    } else {
        draft.number(0, OTHERS_MAX)
    };
    for _ in 0..others {
        let kind = draft.one_of(&kinds);
        kinds::draw(draft, Group::Fault, kind);
    }
    let losses = &draft.policy.losses;
    let loss = if incident < LOSE_THE_REGION {
        &losses.region
    } else {
        &losses.application
    };
    // A policy that waits first, or leaves it to people, promises nothing.
    let answered = loss.action == LossAction::FailOver && loss.wait.is_zero();
    others == 0 && incident < PROMISED && answered && draft.serving == Region::Home
}

/// Other platforms' order paths.
const ORDER_PATHS: [&[Part]; 4] = [
    &[Part::LoadBalancer, Part::Ec2, Part::Aurora],
    &[Part::ApiGateway, Part::Lambda, Part::Dynamodb, Part::Aurora],
    &[Part::LoadBalancer, Part::Ec2, Part::Kinesis, Part::S3, Part::Aurora],
    &[Part::ApiGateway, Part::Aurora],
];

/// Incidents come early, so that what else breaks may come before or after.
fn at(draft: &mut Draft<'_>) -> Duration {
    draft.between(Duration::ZERO, BEGUN_BY / 2)
}

/// One half of the incidents last for as long as anything may; the others are of any length.
fn lasts(draft: &mut Draft<'_>) -> Duration {
    if draft.chance(1, 2) {
        HEALED_BY
    } else {
        draft.magnitude(SECOND * 2, MINUTE * 10)
    }
}

/// A part that carries orders, other than the database.
fn application(draft: &mut Draft<'_>) -> Part {
    let parts: Vec<Part> = draft
        .order_path
        .iter()
        .copied()
        .filter(|it| *it != Part::Aurora)
        .collect();
    draft.one_of(&parts)
}

fn lose_region(draft: &mut Draft<'_>, state: FaultState) {
    let (at, lasts) = (at(draft), lasts(draft));
    draft.fault(part(Part::Region, draft.serving()), state, at, lasts);
}

fn isolation(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    for place in [draft.standby(), Place::Witness, Place::Internet] {
        draft.fault(link(draft.serving(), place), state, at, lasts);
    }
}

fn lose_application(draft: &mut Draft<'_>, state: FaultState) {
    let (at, lasts) = (at(draft), lasts(draft));
    let it = application(draft);
    draft.fault(part(it, draft.serving()), state, at, lasts);
}

/// Gray: it answers, later and later than anybody waits.
fn application_crawls(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let by = draft.between(MILLI * 500, SECOND * 5);
    let it = application(draft);
    draft.fault(part(it, draft.serving()), FaultState::Slow { by }, at, lasts);
}

fn application_comes_and_goes(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let period = draft.magnitude(SECOND * 2, MINUTE * 2);
    let down_for = draft.between(period / 4, period * 9 / 10);
    let it = application(draft);
    draft.fault(
        part(it, draft.serving()),
        FaultState::Flapping { period, down_for },
        at,
        lasts,
    );
}

fn power_loss(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.magnitude(MILLI * 200, MINUTE * 2);
    draft.fault(part(Part::Region, draft.serving()), FaultState::Down, at, lasts);
}

fn lose_database(draft: &mut Draft<'_>, state: FaultState) {
    let (at, lasts) = (at(draft), lasts(draft));
    draft.fault(part(Part::Aurora, draft.serving()), state, at, lasts);
}

fn database_crawls(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let by = draft.between(MILLI * 300, SECOND * 5);
    draft.fault(part(Part::Aurora, draft.serving()), FaultState::Slow { by }, at, lasts);
}

/// Aurora's own failover inside the region.
fn database_mends(draft: &mut Draft<'_>) {
    let at = at(draft);
    let lasts = draft.between(SECOND * 3, SECOND * 30);
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Aurora, draft.serving()), state, at, lasts);
}

fn both_regions(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let it = application(draft);
    let apart = draft.magnitude(MILLI, SECOND * 20);
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(it, draft.serving()), state, at, lasts);
    draft.fault(part(it, draft.standby()), state, at + apart, lasts);
}

fn standby_lost(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Region, draft.standby()), state, at, lasts);
}

fn standby_then_primary(draft: &mut Draft<'_>) {
    let (one, other) = (draft.standby(), draft.serving());
    one_then_other(draft, one, other);
}

fn primary_then_standby(draft: &mut Draft<'_>) {
    let (one, other) = (draft.serving(), draft.standby());
    one_then_other(draft, one, other);
}

/// The second loss comes at any point of what the first one sets off.
fn one_then_other(draft: &mut Draft<'_>, one: Place, other: Place) {
    let (at, first, second) = (at(draft), lasts(draft), lasts(draft));
    let after = draft.magnitude(MILLI * 100, MINUTE * 4);
    let states = [draft.one_of(&REFUSES_OR_HANGS), draft.one_of(&REFUSES_OR_HANGS)];
    draft.fault(part(Part::Region, one), states[0], at, first);
    draft.fault(part(Part::Region, other), states[1], at + after, second);
}

fn witness_lost(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Region, Place::Witness), state, at, lasts);
}

fn partition(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(link(draft.serving(), draft.standby()), state, at, lasts);
}

fn one_way_partition(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    let other = draft.one_of(&[draft.standby(), Place::Witness]);
    let ends = draft.one_of(&[(draft.serving(), other), (other, draft.serving())]);
    draft.fault(one_way(ends.0, ends.1), state, at, lasts);
}

/// Both engines' vantages are cut off, and clients are not.
fn cut_off_from_outside(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(link(draft.serving(), draft.standby()), state, at, lasts);
    draft.fault(link(draft.serving(), Place::Witness), state, at, lasts);
}

/// Clients are cut off, and both engines' vantages are not.
fn edge_lost(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(link(Place::Internet, draft.serving()), state, at, lasts);
}

/// Nothing that watches says anything any more.
fn monitoring_lost(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    silence(draft, at, lasts);
}

fn monitoring_then_region(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    silence(draft, at, HEALED_BY);
    let after = draft.magnitude(SECOND, MINUTE * 5);
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Region, draft.serving()), state, at + after, lasts);
}

fn silence(draft: &mut Draft<'_>, at: Duration, lasts: Duration) {
    for place in [draft.serving(), draft.standby()] {
        for it in [Part::Cloudwatch, Part::Eventbridge, Part::Heartbeat] {
            draft.fault(part(it, place), FaultState::Missing, at, lasts);
        }
        draft.fault(one_way(Place::Witness, place), FaultState::Hang, at, lasts);
    }
}

fn store_lost_for_all(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    for place in [draft.serving(), draft.standby()] {
        draft.fault(part(Part::LeaseEndpoint, place), state, at, lasts);
    }
}

fn store_lost_for_one(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    let (one, other) = draft.one_of(&[(draft.serving(), draft.standby()), (draft.standby(), draft.serving())]);
    draft.fault(part(Part::LeaseEndpoint, one), state, at, lasts);
    // The other region's endpoint is asked next, unless there is no way to it.
    if draft.chance(1, 2) {
        draft.fault(one_way(one, other), state, at, lasts);
    }
}

fn sidecars_lost(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    let place = draft.one_of(&[draft.serving(), draft.standby()]);
    draft.fault(part(Part::Sidecars, place), state, at, lasts);
}

fn region_with_control_planes(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Region, draft.serving()), state, at, lasts);
    draft.fault(part(Part::RdsControl, draft.standby()), state, at, lasts);
}

/// An operator moves the platform although nothing is lost.
fn ordered_failover(draft: &mut Draft<'_>) {
    let at = at(draft);
    let accept_loss = draft.chance(1, 3);
    draft.operate(at, draft.serving.other(), None, Command::FailOver { accept_loss });
}

/// An operator sends the platform home.
fn ordered_failback(draft: &mut Draft<'_>) {
    let at = at(draft);
    draft.serving = Region::Away;
    draft.operate(at, Region::Away, None, Command::FailBack);
}

/// While the platform goes home, one of the regions is lost.
fn failback_and_loss(draft: &mut Draft<'_>) {
    let (at, lasts) = (at(draft), lasts(draft));
    draft.serving = Region::Away;
    draft.operate(at, Region::Away, None, Command::FailBack);
    let after = draft.magnitude(MILLI * 100, MINUTE * 3);
    let state = draft.one_of(&REFUSES_OR_HANGS);
    let place = draft.one_of(&[Place::Home, Place::Away]);
    let it = draft.one_of(&[Part::Region, Part::Aurora, Part::Sidecars, Part::RdsControl]);
    draft.fault(part(it, place), state, at + after, lasts);
}

/// The copy that ought to take over turns out to be unusable.
fn region_and_damaged_standby(draft: &mut Draft<'_>) {
    let (at, lasts, damaged) = (at(draft), lasts(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Region, draft.serving()), state, at, lasts);
    draft.fault(part(Part::Aurora, draft.standby()), FaultState::Damaged, at, damaged);
}

/// The region is lost, and something that the failover needs fails just as the failover comes to it.
fn failover_stumbles(draft: &mut Draft<'_>) {
    const WHEN: [Origin; 7] = [
        Origin::State(StateName::Suspicious),
        Origin::Step(StepId::WriteClaim),
        Origin::State(StateName::Acquiring),
        Origin::Step(StepId::RaiseEpoch),
        Origin::State(StateName::Moving),
        Origin::State(StateName::Verifying),
        Origin::State(StateName::Reverting),
    ];
    let (at, lasts) = (at(draft), lasts(draft));
    let state = draft.one_of(&REFUSES_OR_HANGS);
    draft.fault(part(Part::Region, draft.serving()), state, at, lasts);
    stumble(draft, &WHEN, MINUTE * 4);
}

/// The same on the way home, for longer than handing back may take in one half of the cases: it begins early enough to be
/// over when everything is.
fn failback_stumbles(draft: &mut Draft<'_>) {
    const WHEN: [Origin; 5] = [
        Origin::State(StateName::Quiescing),
        Origin::State(StateName::SwitchingOver),
        Origin::State(StateName::Redirecting),
        Origin::State(StateName::Confirming),
        Origin::State(StateName::RollingBack),
    ];
    let at = draft.between(Duration::ZERO, MINUTE);
    draft.serving = Region::Away;
    draft.operate(at, Region::Away, None, Command::FailBack);
    let deadline = draft.policy.deadlines.handing_back;
    let longest = deadline.saturating_add(MINUTE * 2).min(HEALED_BY);
    stumble(draft, &WHEN, longest);
}

fn stumble(draft: &mut Draft<'_>, when: &[Origin], longest: Duration) {
    let lasts = if draft.chance(1, 2) {
        longest
    } else {
        draft.magnitude(MILLI * 100, longest)
    };
    for _ in 0..draft.number(1, 2) {
        let origin = draft.one_of(when);
        outage_when(draft, origin, lasts);
    }
}
