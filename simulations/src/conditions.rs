//! What one run assumes of the world: sampled once, before it starts, and reported with it.
//!
//! [`Conditions::modelled`] draws every figure from its modelled distribution (`understudy_policies::figures`, each
//! with its source). [`Conditions::within_bounds`] stays inside what the policy declares and goes to its corners on
//! purpose, so that the promise is tried where it is hardest to keep.

use std::time::Duration;

use rand::Rng;
use understudy_policies::Policy;
use understudy_policies::figures::{self, Distribution, Figure};

use crate::report::{ConditionReport, ConditionsReport};
use crate::scenario::{Scenario, Share};

/// A latency that varies within a run: so many equally likely values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread(Vec<Duration>);

impl Spread {
    /// Always the same.
    #[must_use]
    pub fn constant(value: Duration) -> Self {
        Self(vec![value])
    }

    /// A distribution, nothing of it above `cap`.
    #[must_use]
    pub fn of(distribution: &Distribution, cap: Duration) -> Self {
        // 128 values reach beyond the 99th percentile. Looking one up costs nothing per operation.
        const VALUES: u32 = 128;
        let value = |index: u32| {
            distribution
                .quantile((f64::from(index) + 0.5) / f64::from(VALUES))
                .min(cap)
        };
        Self((0..VALUES).map(value).collect())
    }

    /// One of the values.
    pub fn sample(&self, rng: &mut impl Rng) -> Duration {
        match self.0.as_slice() {
            [only] => *only,
            values => values[rng.random_range(0..values.len())],
        }
    }

    /// The value in the middle.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    /// The largest value.
    #[must_use]
    pub fn worst(&self) -> Duration {
        self.0.iter().copied().max().unwrap_or_default()
    }
}

/// When the probes are due, relative to the onset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbePhase {
    /// Each at a moment of its own.
    Random,
    /// Each has just been answered: detecting takes as long as it can.
    JustAnswered,
}

/// What one run assumes of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// An observation in the witness region to the engine.
    pub signal_delivery: Spread,
    /// A read or write of the lease store.
    pub lease_operation: Spread,
    /// One write to the region's own database.
    pub database_write: Spread,
    /// How long the lease store stalls after losing a member.
    pub lease_stall: Duration,
    /// Flipping one switch.
    pub switch_write: Duration,
    /// Until enough Route 53 checkers have seen a flipped switch.
    pub checker_reach: Duration,
    /// From there until Route 53 answers differently everywhere.
    pub dns_propagation: Duration,
    /// A record change until every authoritative server answers with it.
    pub record_change: Duration,
    /// Promotion of the standby's database.
    pub promotion: Duration,
    /// The engine's evaluation and its journal, before it claims.
    pub engine_turn: Duration,
    /// How far the replica is behind the writer.
    pub replication_lag: Duration,
    /// A planned switchover of the writer.
    pub switchover: Duration,
    /// Rebuilding the lost region's database as a standby.
    pub rejoin: Duration,
    /// Comparing what was lost with what survived.
    pub reconcile: Duration,
    /// From the end of what stopped it until a sidecar runs again.
    pub restart: Duration,
    /// A breach to its CloudWatch alarm's event.
    pub alarm: Duration,
    /// Telling the order path what to do.
    pub order_path: Duration,
    /// From the commit fence's check until an order is durable.
    pub commit: Duration,
    /// How much faster than true time the boot-time clocks run in each region, in parts per million.
    pub drift_ppm: [i32; 2],
    /// How far the wall clocks are off in each region, in milliseconds.
    pub wall_offset_millis: [i64; 2],
    /// How far the databases' clocks are off, in microseconds.
    pub database_offset_micros: [i64; 2],
    /// When the probes are due.
    pub probe_phase: ProbePhase,
    /// Sidecars in each region.
    pub sidecars: u16,
    /// Clients, at most 256.
    pub clients: u16,
    /// The share of the clients that sit behind a resolver that stretches TTLs.
    pub stretching: Share,
    /// How much longer than the TTL a stretching resolver keeps an answer, at least and at most.
    pub stretch: (Duration, Duration),
}

const MINUTE: Duration = Duration::from_secs(60);

/// A planned switchover of an Aurora global database. Assumption: 30 to 90 s; AWS publishes no figure.
const SWITCHOVER: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(90));
/// Rebuilding a region of a global database. Assumption: 20 min to 2 h; it depends on the amount of data.
const REJOIN: (Duration, Duration) = (Duration::from_secs(20 * 60), Duration::from_secs(2 * 3600));
/// Comparing the old volume's snapshot with the survivor. Assumption.
const RECONCILE: Duration = Duration::from_secs(5 * 60);
/// Starting a sidecar, its first image pull included. Assumption.
const RESTART: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));
/// A flag that every function of the order path reads. Assumption.
const ORDER_PATH: Duration = Duration::from_millis(20);
/// How much longer than told stretching resolvers keep an answer. Assumption: the study gives their share only.
const STRETCH: (Duration, Duration) = (MINUTE, Duration::from_secs(5 * 60));
/// Boot-time clocks of virtual machines. Assumption.
const DRIFT_PPM_MAX: i32 = 50;
/// Wall clocks under the Amazon Time Sync Service, with room to spare. Assumption.
const WALL_OFFSET_MILLIS_MAX: i64 = 50;

impl Conditions {
    /// Every figure from its modelled distribution, whatever the policy declares.
    pub fn modelled(policy: &Policy, rng: &mut impl Rng) -> Self {
        let mut draw = |figure: &Figure| figure.distribution.quantile(rng.random());
        let lease_stall = draw(&figures::LEASE_STALL);
        let switch_write = draw(&figures::SWITCH_WRITE);
        let checker_reach = draw(&figures::CHECKER_REACH);
        let dns_propagation = draw(&figures::DNS_PROPAGATION);
        let record_change = draw(&figures::RECORD_CHANGE);
        let promotion = draw(figures::promotion(policy.database.method));
        let engine_turn = draw(&figures::ENGINE_TURN);
        let replication_lag = draw(&figures::AURORA_LAG);
        let alarm = draw(&figures::ALARM_TO_EVENTBRIDGE) + draw(&figures::EVENTBRIDGE_ACROSS);
        let commit = draw(&figures::DATABASE_WRITE);
        let patience = policy.lease.operation_timeout;
        Self {
            signal_delivery: Spread::of(&figures::SIGNAL_DELIVERY.distribution, Duration::MAX),
            lease_operation: Spread::of(&figures::LEASE_OPERATION.distribution, patience * 2),
            database_write: Spread::of(&figures::DATABASE_WRITE.distribution, Duration::MAX),
            lease_stall,
            switch_write,
            checker_reach,
            dns_propagation,
            record_change,
            promotion,
            engine_turn,
            replication_lag,
            alarm,
            commit,
            switchover: between(SWITCHOVER, rng),
            rejoin: between(REJOIN, rng),
            restart: between(RESTART, rng),
            reconcile: RECONCILE,
            order_path: ORDER_PATH,
            drift_ppm: [0; 2].map(|_: i32| rng.random_range(-DRIFT_PPM_MAX..=DRIFT_PPM_MAX)),
            wall_offset_millis: [0; 2].map(|_: i64| rng.random_range(-WALL_OFFSET_MILLIS_MAX..=WALL_OFFSET_MILLIS_MAX)),
            database_offset_micros: [0; 2].map(|_: i64| rng.random_range(-1_000_000..=1_000_000)),
            probe_phase: ProbePhase::Random,
            sidecars: 1,
            clients: 200,
            stretching: Share::from_fraction(figures::STRETCHING_RESOLVERS),
            stretch: STRETCH,
        }
    }

    /// Every figure inside the policy's bounds, many of them right at their ends; sometimes all of them at their worst.
    pub fn within_bounds(policy: &Policy, rng: &mut impl Rng) -> Self {
        let bounds = &policy.bounds;
        let all_worst = rng.random_ratio(1, 8);
        let mut conditions = Self::modelled(policy, rng);
        let mut draw = |bound: Duration| if all_worst { bound } else { up_to(bound, rng) };
        conditions.signal_delivery = Spread::constant(draw(bounds.signal_delivery));
        // An operation that needs as long as its time-out would be cut off by it.
        let patience = policy.lease.operation_timeout.saturating_sub(Duration::from_millis(1));
        conditions.lease_operation = Spread::constant(draw(bounds.lease_operation.min(patience)));
        conditions.database_write =
            Spread::constant(draw(bounds.database_write.saturating_sub(Duration::from_millis(1))));
        conditions.lease_stall = draw(bounds.lease_stall);
        conditions.switch_write = draw(bounds.switch_write.saturating_sub(Duration::from_millis(1)));
        conditions.checker_reach = draw(bounds.checker_reach);
        conditions.dns_propagation = draw(bounds.dns_propagation);
        conditions.promotion = draw(bounds.promotion);
        conditions.engine_turn = draw(bounds.engine_turn);
        conditions.commit = draw(policy.lease.margin.min(bounds.database_write));
        conditions.replication_lag = draw(policy.guards.data_loss.lag_max.min(Duration::from_secs(1)));
        // Two clocks may drift apart by `drift-max` during one lease, half of it each.
        let ttl = policy.lease.ttl.as_micros().max(1);
        let drift = policy.lease.drift_max.as_micros() * 1_000_000 / ttl / 2;
        let drift = i32::try_from(drift).unwrap_or(i32::MAX).min(500_000);
        conditions.drift_ppm = match rng.random_range(0..4) {
            0 => [drift, -drift],
            1 => [-drift, drift],
            _ => [0; 2].map(|_: i32| rng.random_range(-drift..=drift)),
        };
        if all_worst || rng.random_bool(0.5) {
            conditions.probe_phase = ProbePhase::JustAnswered;
        }
        conditions
    }

    /// The same, but for what a scenario states itself.
    #[must_use]
    pub fn as_stated_by(mut self, scenario: &Scenario) -> Self {
        self.sidecars = scenario.sidecars.unwrap_or(self.sidecars);
        self.stretching = scenario.stretching_resolvers.unwrap_or(self.stretching);
        self
    }

    /// Whether every figure is inside the policy's bounds.
    #[must_use]
    pub fn is_within_bounds(&self, policy: &Policy) -> bool {
        self.report(policy)
            .figures
            .iter()
            .all(|figure| figure.bound.is_none_or(|bound| figure.value <= bound))
    }

    /// How many clients sit behind a resolver that stretches TTLs.
    #[must_use]
    pub fn stretching_clients(&self) -> u16 {
        self.stretching.of(self.clients)
    }

    /// Every figure with its bound and its source.
    #[must_use]
    pub fn report(&self, policy: &Policy) -> ConditionsReport {
        let bounds = &policy.bounds;
        let mut list = List(Vec::new());
        let modelled = &mut list;
        modelled.figure(
            &figures::SIGNAL_DELIVERY,
            self.signal_delivery.worst(),
            Some(bounds.signal_delivery),
        );
        modelled.figure(
            &figures::LEASE_OPERATION,
            self.lease_operation.worst(),
            Some(bounds.lease_operation),
        );
        modelled.figure(
            &figures::DATABASE_WRITE,
            self.database_write.worst(),
            Some(bounds.database_write),
        );
        modelled.figure(&figures::LEASE_STALL, self.lease_stall, Some(bounds.lease_stall));
        modelled.figure(&figures::SWITCH_WRITE, self.switch_write, Some(bounds.switch_write));
        modelled.figure(&figures::CHECKER_REACH, self.checker_reach, Some(bounds.checker_reach));
        modelled.figure(
            &figures::DNS_PROPAGATION,
            self.dns_propagation,
            Some(bounds.dns_propagation),
        );
        modelled.figure(&figures::RECORD_CHANGE, self.record_change, None);
        modelled.figure(
            figures::promotion(policy.database.method),
            self.promotion,
            Some(bounds.promotion),
        );
        modelled.figure(&figures::ENGINE_TURN, self.engine_turn, Some(bounds.engine_turn));
        modelled.figure(
            &figures::AURORA_LAG,
            self.replication_lag,
            Some(policy.guards.data_loss.lag_max),
        );
        list.span("alarm", self.alarm, None, figures::ALARM_TO_EVENTBRIDGE.source);
        list.span(
            "commit",
            self.commit,
            Some(policy.lease.margin),
            figures::DATABASE_WRITE.source,
        );
        list.span("switchover", self.switchover, None, "assumption: 30 to 90 s");
        list.span("rejoin", self.rejoin, None, "assumption: 20 min to 2 h");
        list.span("reconcile", self.reconcile, None, "assumption");
        list.span("sidecar-restart", self.restart, None, "assumption: 10 to 60 s");
        list.span("order-path", self.order_path, None, "assumption");
        list.span("stretch-least", self.stretch.0, None, "assumption");
        list.span("stretch-most", self.stretch.1, None, "assumption");
        list.drifts(self.drift_ppm, policy);
        for (region, millis) in ["wall-clock-ahead-home", "wall-clock-ahead-away"]
            .into_iter()
            .zip(self.wall_offset_millis)
        {
            list.ahead(region, millis * 1_000, "assumption: at most 50 ms");
        }
        for (region, micros) in ["database-clock-ahead-home", "database-clock-ahead-away"]
            .into_iter()
            .zip(self.database_offset_micros)
        {
            list.ahead(region, micros, "assumption: at most 1 s; nothing depends on it");
        }
        list.count("sidecars-per-region", self.sidecars, "a choice");
        list.count("clients", self.clients, "a choice");
        list.count(
            "clients-behind-stretching-resolvers",
            self.stretching_clients(),
            if self.stretching == Share::from_fraction(figures::STRETCHING_RESOLVERS) {
                "PAM 2023 TTL study: 8.74 %"
            } else {
                "the scenario"
            },
        );
        let within = |figure: &ConditionReport| figure.bound.is_none_or(|bound| figure.value <= bound);
        ConditionsReport {
            within_bounds: list.0.iter().all(within),
            figures: list.0,
        }
    }
}

/// Anything up to a bound, with a liking for its ends.
fn up_to(bound: Duration, rng: &mut impl Rng) -> Duration {
    match rng.random_range(0..6) {
        0 => Duration::ZERO,
        1 | 2 => bound,
        _ => between((Duration::ZERO, bound), rng),
    }
}

fn between((low, high): (Duration, Duration), rng: &mut impl Rng) -> Duration {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.random_range(micros(low)..=micros(high)))
}

struct List(Vec<ConditionReport>);

impl List {
    fn figure(&mut self, figure: &Figure, value: Duration, bound: Option<Duration>) {
        self.span(figure.name, value, bound, figure.source);
    }

    fn span(&mut self, name: &'static str, value: Duration, bound: Option<Duration>, source: &'static str) {
        self.0.push(ConditionReport {
            name,
            value: whole_micros(value),
            unit: "s",
            bound: bound.map(whole_micros),
            source,
        });
    }

    fn ahead(&mut self, name: &'static str, micros: i64, source: &'static str) {
        self.0.push(ConditionReport {
            name,
            value: crate::report::seconds(micros),
            unit: "s",
            bound: None,
            source,
        });
    }

    fn drifts(&mut self, drift_ppm: [i32; 2], policy: &Policy) {
        for (name, ppm) in ["boot-clock-drift-home", "boot-clock-drift-away"]
            .into_iter()
            .zip(drift_ppm)
        {
            self.0.push(ConditionReport {
                name,
                value: f64::from(ppm),
                unit: "ppm",
                bound: None,
                source: "assumption: at most 50 ppm",
            });
        }
        let apart = (f64::from(drift_ppm[0]) - f64::from(drift_ppm[1])).abs();
        let bound = policy.lease.drift_max.as_secs_f64() / policy.lease.ttl.as_secs_f64() * 1e6;
        self.0.push(ConditionReport {
            name: "clocks-drift-apart",
            value: apart,
            unit: "ppm",
            bound: Some(bound),
            source: "assumption: at most 50 ppm each",
        });
    }

    fn count(&mut self, name: &'static str, value: u16, source: &'static str) {
        self.0.push(ConditionReport {
            name,
            value: f64::from(value),
            unit: "count",
            bound: None,
            source,
        });
    }
}

/// In seconds, cut to microseconds: what the run uses.
fn whole_micros(duration: Duration) -> f64 {
    crate::report::seconds(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use understudy_policies::shipped;

    use super::*;

    #[test]
    fn conditions_within_bounds_are_within_bounds_and_reach_the_worst_corner() {
        let policy = shipped::trading();
        let mut worst = 0;
        for seed in 0..200 {
            let conditions = Conditions::within_bounds(&policy, &mut ChaCha8Rng::seed_from_u64(seed));
            let report = conditions.report(&policy);
            assert!(report.within_bounds, "seed {seed}: {:#?}", report.figures);
            if conditions.promotion == policy.bounds.promotion
                && conditions.dns_propagation == policy.bounds.dns_propagation
                && conditions.lease_stall == policy.bounds.lease_stall
                && conditions.probe_phase == ProbePhase::JustAnswered
            {
                worst += 1;
            }
        }
        assert!(worst > 0);
    }

    #[test]
    fn modelled_conditions_leave_the_bounds_now_and_then() {
        let policy = shipped::trading();
        let outside = (0..200)
            .filter(|seed| {
                !Conditions::modelled(&policy, &mut ChaCha8Rng::seed_from_u64(*seed)).is_within_bounds(&policy)
            })
            .count();
        assert!((1..200).contains(&outside), "{outside} of 200");
    }

    #[test]
    fn the_same_seed_gives_the_same_conditions() {
        let policy = shipped::trading();
        let draw = || Conditions::modelled(&policy, &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(draw(), draw());
    }

    #[test]
    fn a_spread_keeps_its_median_and_its_cap() {
        let spread = Spread::of(&figures::LEASE_OPERATION.distribution, Duration::from_millis(200));
        assert!(spread.median().abs_diff(Duration::from_millis(30)) < Duration::from_millis(2));
        assert_eq!(spread.worst(), Duration::from_millis(200));
    }
}
