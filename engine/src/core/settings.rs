//! The policy as the core uses it: compiled once, so that nothing is looked up by name while signals arrive.

use std::time::Duration;

use understudy_policies::Policy;
use understudy_policies::model::{
    Component, FailbackMode, FailureDomain, LossRule, MissingData, Mode, StoreLost, WitnessKind,
};

use super::calendar::Calendar;
use super::evidence::Assessment;
use super::machine::StateName;
use crate::workflow::Patience;

/// One witness, compiled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WitnessSettings {
    pub(crate) kind: WitnessKind,
    pub(crate) observes: Component,
    pub(crate) domain: FailureDomain,
    pub(crate) quorum: bool,
    pub(crate) interval: Duration,
    pub(crate) breach_after: u32,
    pub(crate) clear_after: u32,
    pub(crate) missing_after: Duration,
    pub(crate) silence_is_breach: bool,
}

/// The policy, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) witnesses: Vec<WitnessSettings>,
    pub(crate) calendar: Calendar,
    pub(crate) policy: Policy,
    #[cfg(feature = "seeded-bugs")]
    pub(crate) bug: Option<super::seeded::SeededBug>,
}

impl Settings {
    pub(crate) fn new(policy: &Policy) -> Self {
        let witnesses = policy
            .witnesses
            .iter()
            .map(|witness| WitnessSettings {
                kind: witness.kind,
                observes: witness.observes,
                domain: witness.failure_domain,
                quorum: witness.quorum,
                interval: witness.interval,
                breach_after: witness.breach_after,
                clear_after: witness.clear_after,
                missing_after: witness.missing_after,
                silence_is_breach: witness.missing_data == MissingData::Breached,
            })
            .collect();
        Self {
            witnesses,
            calendar: Calendar::new(&policy.guards.trading),
            policy: policy.clone(),
            #[cfg(feature = "seeded-bugs")]
            bug: None,
        }
    }

    pub(crate) const fn initial_mode(&self) -> Mode {
        if seeded!(self.bug, ShadowActs) {
            return Mode::Armed;
        }
        self.policy.mode
    }

    /// What the policy says about a class of loss.
    pub(crate) const fn loss_rule(&self, assessment: Assessment) -> Option<LossRule> {
        match assessment {
            Assessment::RegionLost => Some(self.policy.losses.region),
            Assessment::ApplicationLost => Some(self.policy.losses.application),
            Assessment::DatabaseLost => Some(self.policy.losses.database),
            Assessment::Unknown
            | Assessment::Steady
            | Assessment::Degraded
            | Assessment::Isolated
            | Assessment::SharedFault => None,
        }
    }

    /// How long a state may last.
    pub(crate) const fn deadline(&self, state: StateName) -> Option<Duration> {
        state.deadline(&self.policy.deadlines)
    }

    /// How long a step's effect may take before its outcome is unknown.
    pub(crate) fn patience(&self, patience: Patience) -> Duration {
        patience.under(&self.policy)
    }

    /// How long after its t0 a renewal lets the holder serve.
    pub(crate) fn tenure(&self) -> Duration {
        self.policy.lease.ttl.saturating_sub(self.policy.lease.margin)
    }

    /// How long a taker waits after it last saw the renewal counter move.
    pub(crate) fn expiry(&self) -> Duration {
        self.policy.lease.ttl + self.policy.lease.drift_max
    }

    pub(crate) const fn grants_allowed(&self) -> bool {
        matches!(self.policy.lease.store_lost, StoreLost::ServeOnGrants)
    }

    pub(crate) const fn failback_is_automatic(&self) -> bool {
        matches!(self.policy.failback.mode, FailbackMode::Automatic)
    }
}
