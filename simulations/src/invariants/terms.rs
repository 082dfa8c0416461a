//! The figures that invariants are judged by: the policy's, and what this run assumes of the world.

use std::time::Duration;

use understudy_engine::core::lease::LeaseRecord;
use understudy_engine::core::machine::StateName;
use understudy_policies::Policy;
use understudy_policies::model::{Mode, RedirectTrigger, WhenUnknown};

use crate::conditions::Conditions;

/// What nobody's timers are finer than, and what a message or two take on their way.
pub(crate) const SLACK: Duration = Duration::from_secs(2);

/// Whoever serves reads the switches at least this often. The engine's own figure.
const SWITCHES_READ: Duration = Duration::from_secs(20);

/// The figures.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The lease item at the beginning.
    pub lease: LeaseRecord,
    /// `lease.ttl`
    pub ttl: Duration,
    /// `lease.margin`: as long may a commit need to become durable.
    pub margin: Duration,
    /// `lease.drift-max`
    pub drift_max: Duration,
    /// `guards.cool-down`, and whether the loss of a whole region escapes it.
    pub cool_down: Duration,
    /// `guards.cool-down-escape`
    pub cool_down_escapes: bool,
    /// `guards.role-changes-max` within `guards.role-changes-window`
    pub role_changes: (u32, Duration),
    /// How far behind the first breach the last replicated commit may lie: the lag that is allowed, and the age that
    /// its measurement may have.
    pub loss_max: Duration,
    /// Whether a failover goes on with an unknown lag.
    pub unknown_lag_proceeds: bool,
    /// Whether engines begin armed.
    pub armed: bool,
    /// How long each state may last, by its place in [`StateName::ALL`].
    deadlines: [Option<Duration>; StateName::ALL.len()],
    /// For how long a sight of a lost region can lead to a decision.
    pub evidence_counts: Duration,
    /// How long it takes until the engine sees that a switch is wrong, and everyone outside that it is flipped.
    pub redirection: Duration,
    /// Whether only the engine can move the public name.
    pub engine_moves_name: bool,
    /// How long after the last fault everything must stand in a resting state again.
    pub settles: Duration,
    /// Sidecars of both regions.
    pub sidecars: usize,
}

impl Terms {
    /// The figures of one run.
    pub(crate) fn new(policy: &Policy, conditions: &Conditions, begins_with: LeaseRecord) -> Self {
        let (lease, guards, deadlines) = (&policy.lease, &policy.guards, &policy.deadlines);
        let quorum = || policy.witnesses.iter().filter(|witness| witness.quorum);
        let evidence = quorum().map(|witness| {
            witness.interval * witness.breach_after.max(witness.clear_after) + witness.timeout + witness.missing_after
        });
        let losses = [policy.losses.region, policy.losses.application, policy.losses.database];
        let wait = losses.iter().map(|rule| rule.wait).max().unwrap_or_default();
        let redirection =
            conditions.switch_write + conditions.checker_reach + conditions.dns_propagation + conditions.record_change;
        // What may follow the end of a fault, one after the other: a sidecar starts and reads everything, a last
        // suspicion runs out, a witness that flapped is quiet again, a failover that had begun ends or asks a human.
        let settles = conditions.restart
            + deadlines.recovering
            + deadlines.suspicious
            + policy.quorum.flap_window
            + deadlines.claiming
            + deadlines.acquiring
            + conditions.promotion * 2
            + conditions.switchover
            + deadlines.verifying;
        Self {
            lease: begins_with,
            ttl: lease.ttl,
            margin: lease.margin,
            drift_max: lease.drift_max,
            cool_down: guards.cool_down,
            cool_down_escapes: guards.cool_down_escape,
            role_changes: (guards.role_changes_max, guards.role_changes_window),
            loss_max: guards.data_loss.lag_max + guards.data_loss.lag_age_max + SLACK,
            unknown_lag_proceeds: guards.data_loss.lag_unknown == WhenUnknown::Proceed,
            armed: policy.mode == Mode::Armed,
            deadlines: StateName::ALL.map(|state| state.deadline(deadlines)),
            evidence_counts: evidence.max().unwrap_or_default()
                + policy.quorum.dwell.max(policy.quorum.flap_dwell)
                + wait
                + policy.bounds.signal_delivery,
            redirection: redirection + SWITCHES_READ + SLACK,
            engine_moves_name: policy.traffic.trigger == RedirectTrigger::Switch,
            settles,
            sidecars: 2 * usize::from(conditions.sidecars),
        }
    }

    /// How long a state may last by a clock that may run slow.
    pub(crate) fn deadline(&self, state: StateName) -> Option<Duration> {
        let place = StateName::ALL.iter().position(|other| *other == state)?;
        let limit = self.deadlines[place]?;
        Some(limit + self.drift_over(limit) + SLACK)
    }

    /// How far two clocks may drift apart over so long a time, within what the policy declares.
    pub(crate) fn drift_over(&self, time: Duration) -> Duration {
        time.mul_f64(self.drift_max.as_secs_f64() / self.ttl.as_secs_f64())
    }
}
