//! Which failovers were wrong, and which ones were missing: judged by the truth, which no engine sees.
//!
//! The oracle knows neither signals nor engines. It looks at what is broken, from each vantage outside a region, and
//! sorts every timeline's decisions by two rules that leave a wide margin between them:
//!
//! - A failover is **false** if too few failure domains outside the region could have found it lost for as long as a
//!   witness needs to settle, within the time for which evidence counts; or if the other region had been lost as well
//!   for all of that time. What comes back for less than the time between two probes may have been found lost all the
//!   while: no probe need have seen it work.
//! - A failover is **missed** if the region that serves from the beginning was lost to every vantage outside for the
//!   whole budget (and the wait that the policy asks for) without a break, nothing that a decision rests upon but that
//!   region and its links was or had lately been at fault, the lease store did not lose that region's member again and
//!   again, and nobody decided to fail over.
//!
//! Whatever lies between (half-visible losses, several faults at once, operators at work) is left to the invariants.

use std::collections::VecDeque;
use std::time::Duration;

use understudy_engine::core::ids::{Epoch, Region};
use understudy_policies::Policy;
use understudy_policies::model::{Component, FailureDomain, LossAction, Mode, Witness, WitnessKind};

use super::World;
use super::clock::Moment;
use super::parts::Answer;
use super::probes::JITTER;
use crate::digest::Judgement;
use crate::invariants::Fact;
use crate::scenario::{Part, Place, Subject};

/// How long everything but the lost region must have been in order before a failover can be demanded: longer than any
/// sidecar needs to start, read everything and hear every witness.
const SETTLED: Duration = Duration::from_secs(45);
/// What ends replication may come this much before the loss is complete: both are one loss.
const ONE_LOSS: Duration = Duration::from_secs(5);

/// What is true of the two regions, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct View {
    /// Whether enough failure domains outside each region may find it lost, home first.
    pub may_be_lost: [bool; 2],
    /// Whether each region is lost to every vantage outside it.
    pub is_lost: [bool; 2],
    /// Whether nothing that a decision rests upon is at fault but the region that serves from the beginning and the
    /// links to it, and no operator holds an engine back.
    pub only_it_at_fault: bool,
    /// Whether replication into the other region works and is within the bound.
    pub lag_is_fine: bool,
}

/// The figures that the rules need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// For how long evidence counts: what is older cannot have led to a decision.
    window: Duration,
    /// The shortest loss on which a witness of the quorum can settle.
    settles: Duration,
    /// The shortest time between two probes of a witness of the quorum.
    between_probes: Duration,
    /// How long a loss may last without a failover.
    patience: Duration,
    /// Whether the policy answers every class of loss with a failover, and acts.
    demands: bool,
}

impl Terms {
    pub(super) fn new(policy: &Policy) -> Self {
        let quorum = || policy.witnesses.iter().filter(|witness| witness.quorum);
        let settles = |witness: &Witness| witness.interval * witness.breach_after.saturating_sub(1);
        let evidence =
            |witness: &Witness| witness.interval * witness.breach_after + witness.timeout + witness.missing_after;
        let losses = [policy.losses.region, policy.losses.application, policy.losses.database];
        let wait = losses.iter().map(|rule| rule.wait).max().unwrap_or_default();
        Self {
            window: quorum().map(evidence).max().unwrap_or_default()
                + policy.quorum.dwell.max(policy.quorum.flap_dwell)
                + policy.bounds.signal_delivery,
            settles: quorum().map(settles).min().unwrap_or_default(),
            between_probes: quorum().map(|witness| witness.interval).min().unwrap_or_default(),
            patience: policy.budget.total + wait,
            demands: policy.mode == Mode::Armed && losses.iter().all(|rule| rule.action == LossAction::FailOver),
        }
    }
}

/// The oracle of one timeline.
#[derive(Debug)]
pub(super) struct Oracle {
    terms: Terms,
    /// Who holds the lease from the beginning, and in which epoch.
    first: (Region, Epoch),
    view: View,
    /// The stretches in which each region may have been found lost, as far back as evidence counts.
    stretches: [VecDeque<(Moment, Moment)>; 2],
    since: [Since; 2],
    /// The last moment at which something outside that region was at fault, or somebody interfered.
    unsettled: Moment,
    lag_fine_since: Option<Moment>,
    /// The last time for which the lag was fine, once it is over.
    lag_was_fine: Option<(Moment, Moment)>,
    /// From when on a failover is demanded.
    demanded: Option<Moment>,
    decided: Option<Moment>,
    judgement: Judgement,
}

/// Since when a region has been in a way.
#[derive(Debug, Clone, Copy, Default)]
struct Since {
    may_be_lost: Option<Moment>,
    is_lost: Option<Moment>,
}

impl Oracle {
    pub(super) fn new(terms: Terms, first: (Region, Epoch)) -> Self {
        Self {
            terms,
            first,
            view: View::default(),
            stretches: [VecDeque::new(), VecDeque::new()],
            since: [Since::default(); 2],
            unsettled: Moment::START,
            lag_fine_since: None,
            lag_was_fine: None,
            demanded: None,
            decided: None,
            judgement: Judgement::default(),
        }
    }

    /// Something in the world changed. Returns what was true before.
    pub(super) fn look(&mut self, now: Moment, view: View, holder: (Region, Epoch)) -> View {
        let before = self.view;
        for region in Region::BOTH {
            let index = region.index();
            let since = &mut self.since[index];
            mark(&mut since.is_lost, view.is_lost[index], now);
            let stretches = &mut self.stretches[index];
            if view.may_be_lost[index] && since.may_be_lost.is_none() {
                let unseen = |(_, to): &mut (Moment, Moment)| now <= to.after(self.terms.between_probes);
                since.may_be_lost = stretches.pop_back_if(unseen).map(|(from, _)| from);
            }
            if let Some(from) = mark(&mut since.may_be_lost, view.may_be_lost[index], now) {
                stretches.push_back((from, now));
                let window = now.before(self.terms.window);
                while stretches.front().is_some_and(|(_, to)| *to < window) {
                    stretches.pop_front();
                }
            }
        }
        if let Some(since) = mark(&mut self.lag_fine_since, view.lag_is_fine, now) {
            self.lag_was_fine = Some((since, now));
        }
        if !self.view.only_it_at_fault {
            self.unsettled = now;
        }
        self.view = view;
        let settled = |since: Moment| now >= since.after(SETTLED);
        let is_lost = view.is_lost[self.first.0.index()];
        // Whether a loss can be judged is settled by how things stood when it began.
        let ours = holder == self.first || self.demanded.is_some_and(|from| self.is_answered(from));
        let demands = self.terms.demands && ours && is_lost && view.only_it_at_fault;
        if !demands {
            self.end_demand(now);
        } else if self.demanded.is_none() && settled(self.unsettled) && self.lag_was_fine(now) {
            self.demanded = Some(now);
        }
        before
    }

    /// Somebody interfered, or a sidecar of the standby started: nothing can be demanded for a while.
    pub(super) fn interfere(&mut self, now: Moment) {
        self.unsettled = now;
        self.demanded = None;
    }

    /// An engine decided by itself to take over from a region.
    pub(super) fn decided(&mut self, now: Moment, from: Region) {
        self.decided = Some(now);
        let seen_lost = self.lost_within_window(now, from);
        let window = now.before(self.terms.window);
        let other_lost = self.since[from.other().index()]
            .is_lost
            .is_some_and(|since| since <= window);
        if seen_lost < self.terms.settles || other_lost {
            self.judgement.false_failovers += 1;
        }
    }

    /// The run is over.
    pub(super) fn finish(&mut self, now: Moment) -> Judgement {
        self.end_demand(now);
        self.judgement
    }

    fn end_demand(&mut self, now: Moment) {
        let Some(from) = self.demanded.take() else { return };
        if now < from.after(self.terms.patience) {
            return;
        }
        self.judgement.demanded_failovers += 1;
        if !self.is_answered(from) {
            self.judgement.missed_failovers += 1;
        }
    }

    /// Whether somebody decided to fail over from a loss that has been complete since then. What was seen just before
    /// counts: it is the same loss.
    fn is_answered(&self, from: Moment) -> bool {
        self.decided.is_some_and(|at| at >= from.before(self.terms.window))
    }

    /// For how long, within the time for which evidence counts, a region may have been found lost.
    fn lost_within_window(&self, now: Moment, region: Region) -> Duration {
        let from = now.before(self.terms.window);
        let open = self.since[region.index()].may_be_lost.map(|since| (since, now));
        self.stretches[region.index()]
            .iter()
            .copied()
            .chain(open)
            .map(|(began, ended)| ended.since(began.max(from)))
            .sum()
    }

    /// Whether the lag had been known and within its bound for long when the loss began.
    fn lag_was_fine(&self, now: Moment) -> bool {
        let over = self.lag_was_fine.filter(|(_, until)| now <= until.after(ONE_LOSS));
        let fine = self.lag_fine_since.map(|since| (since, now)).or(over);
        fine.is_some_and(|(since, until)| until >= since.after(SETTLED))
    }
}

/// Keeps since when something has been so; returns since when it had been when it ends.
fn mark(since: &mut Option<Moment>, so: bool, now: Moment) -> Option<Moment> {
    if so {
        since.get_or_insert(now);
        None
    } else {
        since.take()
    }
}

impl World<'_> {
    /// Shows the oracle what has changed.
    pub(super) fn show_the_oracle(&mut self) {
        let record = self.store.record();
        let holder = (record.holder, record.epoch);
        let view = self.view();
        let before = self.oracle.look(self.now, view, holder);
        for region in Region::BOTH {
            let lost = view.may_be_lost[region.index()];
            if lost != before.may_be_lost[region.index()] {
                self.happened(&Fact::Findable { region, lost });
            }
        }
    }

    fn view(&self) -> View {
        let first = Place::from(self.scenario.begins_in);
        View {
            may_be_lost: Region::BOTH.map(|region| {
                let needed = self.policy.quorum.failure_domains;
                [Component::Application, Component::Database]
                    .into_iter()
                    .any(|component| self.domains_that_may_find_lost(region, component) >= needed)
            }),
            is_lost: Region::BOTH.map(|region| {
                let outside = [Place::from(region.other()), Place::Witness, Place::Internet];
                outside.into_iter().all(|vantage| self.is_lost_from(region, vantage))
            }),
            only_it_at_fault: self.held_back == [false; 2]
                // One loss of a member stalls the store for no longer.
                && self.store.stalled_for(self.now) <= self.conditions.lease_stall
                && self.faults.in_force().all(|fault| match fault.subject {
                    Subject::Part { part, place } => place == first || self.decides_nothing(part),
                    Subject::Sidecar { place, .. } => place == first,
                    Subject::Link { from, to, .. } => from == first || to == first,
                }),
            // While the writer moves, nobody measures the lag.
            lag_is_fine: self.databases.is_writer(self.scenario.begins_in)
                && self
                    .lag_into(self.scenario.begins_in.other())
                    .is_some_and(|lag| lag <= self.policy.guards.data_loss.lag_max),
        }
    }

    /// Whether no decision to fail over rests upon this part, wherever it is: it carries out what was decided, or tells
    /// people and no quorum, or no order needs it.
    fn decides_nothing(&self, part: Part) -> bool {
        match part {
            Part::RdsControl | Part::Route53Control | Part::Sts | Part::Resolvers => true,
            Part::Heartbeat | Part::Eventbridge | Part::HealthEvents => true,
            Part::ApiGateway | Part::Lambda | Part::Sqs | Part::Ec2 | Part::LoadBalancer | Part::Kinesis => {
                !self.scenario.order_path.contains(&part)
            }
            _ => false,
        }
    }

    /// How many failure domains of the quorum may find a region's component lost.
    fn domains_that_may_find_lost(&self, region: Region, component: Component) -> u32 {
        const DOMAINS: [FailureDomain; 4] = [
            FailureDomain::PeerRegion,
            FailureDomain::WitnessRegion,
            FailureDomain::Internet,
            FailureDomain::Provider,
        ];
        let finds = |domain: &FailureDomain| {
            let witnesses = self.policy.witnesses.iter();
            witnesses
                .filter(|witness| witness.quorum && witness.failure_domain == *domain && witness.observes == component)
                .any(|witness| self.may_find_lost(witness, region))
        };
        u32::try_from(DOMAINS.iter().filter(|domain| finds(domain)).count()).unwrap_or(u32::MAX)
    }

    /// Whether a witness may find a region lost, if it is asked now. What is not a probe is believed to find anything.
    fn may_find_lost(&self, witness: &Witness, region: Region) -> bool {
        if !matches!(witness.kind, WitnessKind::HttpProbe | WitnessKind::DatabaseProbe) {
            return true;
        }
        let vantage = match witness.failure_domain {
            FailureDomain::TargetRegion => Place::from(region),
            FailureDomain::PeerRegion => Place::from(region.other()),
            FailureDomain::WitnessRegion => Place::Witness,
            FailureDomain::Internet | FailureDomain::Provider => Place::Internet,
        };
        let target = Place::from(region);
        let (answer, late) = match (witness.kind, witness.observes) {
            (WitnessKind::HttpProbe, observes) => self.path_health(target, observes == Component::Database),
            _ => {
                let aurora = self.parts.state(target, Part::Aurora);
                (aurora.answer, aurora.late)
            }
        };
        let takes = self.links.round_trip(vantage, target) + late + JITTER;
        self.links.ask(vantage, target).max(answer) != Answer::Answers
            || takes >= witness.timeout
            || self.deliveries.spoils_link(vantage, target)
    }

    /// Whether a region certainly serves nobody who asks from there.
    fn is_lost_from(&self, region: Region, vantage: Place) -> bool {
        let target = Place::from(region);
        let (answer, _) = self.path_health(target, false);
        self.links.ask(vantage, target).max(answer) != Answer::Answers
    }
}

#[cfg(test)]
mod tests {
    use understudy_policies::shipped;

    use super::*;

    const HOLDS: (Region, Epoch) = (Region::Home, Epoch(1));
    const MOVED: (Region, Epoch) = (Region::Away, Epoch(2));

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn oracle() -> Oracle {
        let mut oracle = Oracle::new(Terms::new(&shipped::trading()), HOLDS);
        oracle.look(at(0), fine(), HOLDS);
        oracle
    }

    fn fine() -> View {
        View {
            only_it_at_fault: true,
            lag_is_fine: true,
            ..View::default()
        }
    }

    fn home_lost() -> View {
        View {
            may_be_lost: [true, false],
            is_lost: [true, false],
            ..fine()
        }
    }

    #[test]
    fn a_failover_out_of_the_blue_is_false() {
        let mut oracle = oracle();
        oracle.decided(at(300), Region::Home);
        assert_eq!(oracle.finish(at(400)).false_failovers, 1);
    }

    #[test]
    fn a_failover_from_a_region_that_was_lost_just_before_is_not_false() {
        let mut oracle = oracle();
        oracle.look(at(300), home_lost(), HOLDS);
        oracle.look(at(306), fine(), HOLDS);
        oracle.decided(at(310), Region::Home);
        assert_eq!(oracle.finish(at(400)).false_failovers, 0);
    }

    #[test]
    fn a_blip_on_which_no_witness_can_settle_justifies_nothing() {
        let mut oracle = oracle();
        oracle.look(at(300), home_lost(), HOLDS);
        oracle.look(at(301), fine(), HOLDS);
        oracle.decided(at(303), Region::Home);
        assert_eq!(oracle.finish(at(400)).false_failovers, 1);
    }

    #[test]
    fn what_comes_back_only_between_probes_may_have_been_found_lost_all_the_while() {
        let flapping = |up: u64| {
            let mut oracle = oracle();
            let millis = |millis: u64| Moment::from_micros(300_000_000 + millis * 1_000);
            for cycle in 0..4 {
                let from = cycle * (400 + up);
                oracle.look(millis(from), home_lost(), HOLDS);
                oracle.look(millis(from + 400), fine(), HOLDS);
            }
            oracle.decided(millis(6_000), Region::Home);
            oracle.finish(at(900)).false_failovers
        };
        // The witnesses of the quorum ask every second.
        assert_eq!((flapping(600), flapping(1_200)), (0, 1));
    }

    #[test]
    fn a_failover_to_a_region_that_is_lost_as_well_is_false() {
        let mut oracle = oracle();
        let both = View {
            may_be_lost: [true; 2],
            is_lost: [true; 2],
            ..fine()
        };
        oracle.look(at(300), both, HOLDS);
        oracle.decided(at(340), Region::Home);
        assert_eq!(oracle.finish(at(400)).false_failovers, 1);
    }

    #[test]
    fn a_loss_for_the_whole_budget_without_a_failover_is_one_that_was_missed() {
        let mut oracle = oracle();
        oracle.look(at(300), home_lost(), HOLDS);
        let judgement = oracle.finish(at(300 + 90));
        assert_eq!((judgement.demanded_failovers, judgement.missed_failovers), (1, 1));
    }

    #[test]
    fn the_loss_that_ends_replication_is_judged_by_the_lag_before_it() {
        let mut oracle = oracle();
        let no_lag = |view: View| View {
            lag_is_fine: false,
            ..view
        };
        oracle.look(at(300), no_lag(fine()), HOLDS);
        oracle.look(at(300), no_lag(home_lost()), HOLDS);
        assert_eq!(oracle.finish(at(900)).missed_failovers, 1);
        let mut unknown = Oracle::new(Terms::new(&shipped::trading()), HOLDS);
        unknown.look(at(0), no_lag(fine()), HOLDS);
        unknown.look(at(300), no_lag(home_lost()), HOLDS);
        assert_eq!(unknown.finish(at(900)).demanded_failovers, 0);
    }

    #[test]
    fn a_loss_that_ends_in_time_or_is_answered_was_not_missed() {
        let mut short = oracle();
        short.look(at(300), home_lost(), HOLDS);
        short.look(at(350), fine(), HOLDS);
        assert_eq!(short.finish(at(900)).missed_failovers, 0);
        let mut answered = oracle();
        answered.look(at(300), home_lost(), HOLDS);
        answered.decided(at(307), Region::Home);
        answered.look(at(320), home_lost(), MOVED);
        let judgement = answered.finish(at(900));
        assert_eq!((judgement.demanded_failovers, judgement.missed_failovers), (1, 0));
    }

    #[test]
    fn a_platform_that_begins_away_from_home_is_judged_by_the_region_that_serves() {
        let away = (Region::Away, Epoch(1));
        let lost = |is_lost| View {
            is_lost,
            may_be_lost: is_lost,
            ..fine()
        };
        let demanded = |is_lost| {
            let mut oracle = Oracle::new(Terms::new(&shipped::trading()), away);
            oracle.look(at(0), fine(), away);
            oracle.look(at(300), lost(is_lost), away);
            oracle.finish(at(900)).demanded_failovers
        };
        assert_eq!((demanded([false, true]), demanded([true, false])), (1, 0));
    }

    #[test]
    fn nothing_is_demanded_while_anything_else_is_or_was_lately_at_fault() {
        let mut oracle = oracle();
        let standby_at_fault = View {
            only_it_at_fault: false,
            ..fine()
        };
        oracle.look(at(280), standby_at_fault, HOLDS);
        oracle.look(at(290), fine(), HOLDS);
        oracle.look(at(300), home_lost(), HOLDS);
        assert_eq!(oracle.finish(at(900)).demanded_failovers, 0);
    }
}
