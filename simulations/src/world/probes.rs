//! What every witness of the policy sees of every region, and who hears of it.

use std::time::Duration;

use rand::Rng;
use understudy_engine::core::ids::{Region, WitnessId};
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::core::time::WallTime;
use understudy_policies::Policy;
use understudy_policies::model::{Component, FailureDomain, WitnessKind};

use super::World;
use super::clock::{Moment, micros};
use super::delivery::{Channel, Way};
use super::parts::Answer;
use super::queue::Event;
use crate::conditions::ProbePhase;
use crate::scenario::{Part, Place};

/// A refusal is heard at once, give or take.
const REFUSAL: Duration = Duration::from_millis(1);
/// Answers of healthy parts differ by as much. Assumption.
pub(super) const JITTER: Duration = Duration::from_millis(2);
/// How long a Route 53 check's status is under way to whoever reads its metric. Assumption.
const CHECK_METRIC: Duration = Duration::from_secs(2);

/// One witness, looking at one region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    witness: WitnessId,
    target: Region,
    kind: WitnessKind,
    observes: Component,
    domain: FailureDomain,
    interval: Duration,
    timeout: Duration,
}

impl Probe {
    /// Every witness of the policy, for both regions. What the core sees by itself is none of them.
    pub(crate) fn all(policy: &Policy) -> Vec<Self> {
        let witnesses = (0_u8..=u8::MAX).zip(&policy.witnesses);
        witnesses
            .filter(|(_, witness)| witness.kind != WitnessKind::LeaseRenewal)
            .flat_map(|(index, witness)| {
                Region::BOTH.map(|target| Self {
                    witness: WitnessId(index),
                    target,
                    kind: witness.kind,
                    observes: witness.observes,
                    domain: witness.failure_domain,
                    interval: witness.interval,
                    timeout: witness.timeout,
                })
            })
            .collect()
    }

    /// Whether what it sees comes as an event of AWS. Everything else an engine's process looks at itself.
    pub(crate) const fn comes_as_event(&self) -> bool {
        matches!(
            self.kind,
            WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check | WitnessKind::AwsHealth
        )
    }

    /// When it is due for the first time.
    pub(crate) fn first(&self, phase: ProbePhase, onset: Moment, rng: &mut impl Rng) -> Moment {
        let interval = micros(self.interval).max(1);
        match phase {
            ProbePhase::Random => Moment::from_micros(rng.random_range(0..interval)),
            // Asked right before the onset, so that the last healthy answer is the freshest there can be.
            ProbePhase::JustAnswered => Moment::from_micros((onset.micros() - 1) % interval),
        }
    }
}

/// What was seen, and how long that took.
type Seen = (Observation, Duration);

impl World<'_> {
    /// A probe is due.
    pub(super) fn probe(&mut self, index: u16) {
        let Some(probe) = self.probes.get(usize::from(index)).copied() else {
            return;
        };
        self.queue.push(self.now.after(probe.interval), Event::Probe(index));
        let own = Place::from(probe.target);
        let peer = Place::from(probe.target.other());
        match (probe.kind, probe.domain) {
            (WitnessKind::Heartbeat, _) => self.heartbeat(&probe),
            // The core reads the lease itself.
            (WitnessKind::LeaseRenewal, _) => {}
            (WitnessKind::CloudwatchAlarm, domain) => {
                let place = if domain == FailureDomain::PeerRegion { peer } else { own };
                self.alarm(&probe, place);
            }
            (WitnessKind::Route53Check, _) => self.route53_check(&probe),
            (WitnessKind::AwsHealth, _) => self.health_event(&probe),
            (WitnessKind::ReplicationLag, _) => self.replication_lag(&probe),
            (WitnessKind::Reference, _) => self.ask_from(&probe, own, Some(probe.target)),
            (_, FailureDomain::TargetRegion) => self.ask_from(&probe, own, Some(probe.target)),
            (_, FailureDomain::PeerRegion) => self.ask_from(&probe, peer, Some(probe.target.other())),
            (_, FailureDomain::WitnessRegion) => self.ask_from(&probe, Place::Witness, None),
            (_, FailureDomain::Internet | FailureDomain::Provider) => self.ask_from(&probe, Place::Internet, None),
        }
    }

    /// A probe by a sidecar or by the observer. Heard by the sidecars of one region, or by everyone.
    fn ask_from(&mut self, probe: &Probe, vantage: Place, heard_in: Option<Region>) {
        if !self.looks_out(vantage) {
            return;
        }
        let (observation, after) = match probe.kind {
            WitnessKind::Reference => self.ask_outside(vantage, probe.timeout),
            _ => self.ask_health(probe, vantage),
        };
        match heard_in {
            Some(region) => {
                for slot in 0..self.slots.len() {
                    if self.slots[slot].region == region {
                        let wall = self.slots[slot].clock.wall(self.now.after(after));
                        self.deliver(slot, probe, observation, wall, after);
                    }
                }
            }
            None => {
                let observed = self.true_wall(self.now.after(after));
                for slot in 0..self.slots.len() {
                    let to = Place::from(self.slots[slot].region);
                    if self.links.tells(vantage, to) {
                        let delivery = self.conditions.signal_delivery.sample(&mut self.rng);
                        let way = Way {
                            link: Some((vantage, to)),
                            channels: [None, None],
                        };
                        self.send(slot, probe, observation, observed, after + delivery, way);
                    }
                }
            }
        }
    }

    /// The health path of a region, or its database over a connection of its own.
    fn ask_health(&mut self, probe: &Probe, vantage: Place) -> Seen {
        let target = Place::from(probe.target);
        let (answer, late) = match (probe.kind, probe.observes) {
            (WitnessKind::HttpProbe, Component::Database) => self.path_health(target, true),
            (WitnessKind::HttpProbe, _) => self.path_health(target, false),
            _ => {
                let aurora = self.parts.state(target, Part::Aurora);
                (aurora.answer, aurora.late)
            }
        };
        // Route 53's checkers are many and agree among each other: what one of them loses does not show.
        let alone = probe.kind != WitnessKind::Route53Check;
        let Some((way, answer, takes)) = self.question(vantage, target, (answer, late), alone) else {
            return (Observation::Breached, probe.timeout);
        };
        match way.max(answer) {
            Answer::Refuses if way == Answer::Refuses => (Observation::Breached, REFUSAL),
            Answer::Answers if takes < probe.timeout => (Observation::Healthy, takes),
            Answer::Refuses if takes < probe.timeout => (Observation::Breached, takes),
            _ => (Observation::Breached, probe.timeout),
        }
    }

    /// How a question to something that answers like this fares: its way, what it meets, and how long all of it takes.
    /// None: it, or its answer, is lost on the way.
    #[expect(
        clippy::inline_always,
        reason = "asked for every probe of every run: a call costs 2 %"
    )]
    #[inline(always)]
    pub(super) fn question(
        &mut self,
        vantage: Place,
        target: Place,
        (answer, late): (Answer, Duration),
        alone: bool,
    ) -> Option<(Answer, Answer, Duration)> {
        let way = if vantage == target {
            Answer::Answers
        } else {
            self.links.ask(vantage, target)
        };
        let jitter = Duration::from_micros(self.rng.random_range(0..micros(JITTER)));
        let mut takes = self.links.round_trip(vantage, target) + late + jitter;
        if self.deliveries.any() && vantage != target && alone {
            let there = self.deliveries.cross(vantage, target, &mut self.rng);
            let back = self.deliveries.cross(target, vantage, &mut self.rng);
            takes += there? + back?;
        }
        Some((way, answer, takes))
    }

    /// How the order path of a region answers, its database included or not, and how late.
    pub(super) fn path_health(&self, place: Place, with_database: bool) -> (Answer, Duration) {
        let mut answer = Answer::Answers;
        let mut late = Duration::ZERO;
        for part in &self.scenario.order_path {
            if *part == Part::Aurora && !with_database {
                continue;
            }
            let state = self.parts.state(place, *part);
            answer = answer.max(state.answer);
            late += state.late;
        }
        (answer, late)
    }

    /// Something outside both regions: the witness region and the internet. Either will do.
    fn ask_outside(&mut self, vantage: Place, timeout: Duration) -> Seen {
        let outside = [Place::Witness, Place::Internet];
        match outside
            .into_iter()
            .find(|place| self.links.ask(vantage, *place).is_up() && self.gets_through(vantage, *place))
        {
            Some(place) => (Observation::Healthy, self.links.round_trip(vantage, place).min(timeout)),
            None => (Observation::Breached, timeout),
        }
    }

    /// Whether a question and its answer are both not lost.
    pub(super) fn gets_through(&mut self, from: Place, to: Place) -> bool {
        from == to
            || !self.deliveries.any()
            || (self.deliveries.cross(from, to, &mut self.rng).is_some()
                && self.deliveries.cross(to, from, &mut self.rng).is_some())
    }

    /// Every sidecar of the target that runs sends a sign of life to every sidecar of the other region.
    fn heartbeat(&mut self, probe: &Probe) {
        let from = Place::from(probe.target);
        let to = Place::from(probe.target.other());
        let heartbeat = self.parts.state(from, Part::Heartbeat);
        if !heartbeat.speaks() || !self.links.tells(from, to) {
            return;
        }
        let after = self.links.one_way(from, to) + heartbeat.late;
        let Some(sender) = self
            .slots
            .iter()
            .find(|slot| slot.region == probe.target && slot.is_running())
        else {
            return;
        };
        let observed = sender.clock.wall(self.now);
        let way = Way {
            link: Some((from, to)),
            channels: [Some((Channel::Heartbeats, from)), None],
        };
        for slot in 0..self.slots.len() {
            if self.slots[slot].region != probe.target {
                self.send(slot, probe, Observation::Healthy, observed, after, way);
            }
        }
    }

    /// An alarm of a region's CloudWatch, forwarded to both regions.
    fn alarm(&mut self, probe: &Probe, place: Place) {
        let metrics = self.parts.state(place, Part::Cloudwatch);
        let events = self.parts.state(place, Part::Eventbridge);
        if !metrics.answer.is_up() || !events.speaks() {
            return;
        }
        let observation = if metrics.missing {
            Observation::Missing
        } else {
            self.alarm_state(probe, place)
        };
        let after = self.conditions.alarm + metrics.late + events.late;
        let observed = self.true_wall(self.now);
        for slot in 0..self.slots.len() {
            let to = Place::from(self.slots[slot].region);
            if to == place || self.links.tells(place, to) {
                let way = Way {
                    link: (to != place).then_some((place, to)),
                    channels: [Some((Channel::Metrics, place)), Some((Channel::Events, place))],
                };
                self.send(slot, probe, observation, observed, after, way);
            }
        }
    }

    fn alarm_state(&self, probe: &Probe, place: Place) -> Observation {
        let target = Place::from(probe.target);
        let breached = match probe.observes {
            Component::Application | Component::Network => !self.path_health(target, false).0.is_up(),
            Component::Database => !self.parts.up(target, Part::Aurora),
            Component::Engine => {
                let speaks = self.parts.state(target, Part::Heartbeat).speaks() && self.looks_out(target);
                !speaks || !self.links.tells(target, place)
            }
            Component::Replication => {
                let Some(lag) = Region::BOTH.into_iter().find_map(|region| self.lag_into(region)) else {
                    return Observation::Missing;
                };
                lag.as_secs_f64() * 1e3 >= self.policy.infrastructure.replication_lag.threshold
            }
        };
        if breached {
            Observation::Breached
        } else {
            Observation::Healthy
        }
    }

    /// The status of Route 53's own check. Its metric exists in us-east-1 only.
    fn route53_check(&mut self, probe: &Probe) {
        let metrics = self.parts.state(Place::Home, Part::Cloudwatch);
        if !metrics.speaks() {
            return;
        }
        let (observation, after) = self.ask_health(probe, Place::Internet);
        let observed = self.true_wall(self.now.after(after));
        for slot in 0..self.slots.len() {
            let to = Place::from(self.slots[slot].region);
            if to == Place::Home || self.links.tells(Place::Home, to) {
                let way = Way {
                    link: (to != Place::Home).then_some((Place::Home, to)),
                    channels: [Some((Channel::Metrics, Place::Home)), None],
                };
                let after = after + CHECK_METRIC + metrics.late;
                self.send(slot, probe, observation, observed, after, way);
            }
        }
    }

    /// What AWS Health says of a region, polled by everyone.
    fn health_event(&mut self, probe: &Probe) {
        let health = self.parts.state(Place::from(probe.target), Part::HealthEvents);
        if !health.speaks() {
            return;
        }
        let observation = if health.open {
            Observation::Breached
        } else {
            Observation::Healthy
        };
        let observed = self.true_wall(self.now);
        for slot in 0..self.slots.len() {
            self.deliver(slot, probe, observation, observed, health.late + REFUSAL);
        }
    }

    /// The lag of the standby's database, measured there.
    fn replication_lag(&mut self, probe: &Probe) {
        let standby = probe.target.other();
        if !self.databases.is_writer(probe.target) || !self.looks_out(Place::from(standby)) {
            return;
        }
        let Some(lag) = self.lag_into(standby) else { return };
        for slot in 0..self.slots.len() {
            if self.slots[slot].region == standby {
                let observed = self.slots[slot].clock.wall(self.now.after(REFUSAL));
                self.deliver(slot, probe, Observation::Lag(lag), observed, REFUSAL);
            }
        }
    }

    /// Sends an observation on its way.
    #[inline]
    fn send(
        &mut self,
        slot: usize,
        probe: &Probe,
        observation: Observation,
        observed: WallTime,
        after: Duration,
        way: Way,
    ) {
        if self.deliveries.any() {
            self.send_over_bad_ways(slot, probe, observation, observed, after, way);
        } else {
            self.deliver(slot, probe, observation, observed, after);
        }
    }

    /// It may be lost, come twice or be late by itself. Out of line: hardly ever.
    #[cold]
    fn send_over_bad_ways(
        &mut self,
        slot: usize,
        probe: &Probe,
        observation: Observation,
        observed: WallTime,
        after: Duration,
        way: Way,
    ) {
        let arrivals = self.deliveries.send(way, &mut self.rng);
        for late in arrivals.into_iter().flatten() {
            self.deliver(slot, probe, observation, observed, after + late);
        }
    }

    fn deliver(&mut self, slot: usize, probe: &Probe, observation: Observation, observed: WallTime, after: Duration) {
        let signal = Signal {
            witness: probe.witness,
            target: probe.target,
            observation,
            observed,
        };
        let slot = u8::try_from(slot).unwrap_or(u8::MAX);
        self.queue.push(self.now.after(after), Event::Signal { slot, signal });
    }
}
