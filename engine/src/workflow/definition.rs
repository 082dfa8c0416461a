//! The two workflows.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use understudy_policies::Policy;

use StepId::*;

use crate::core::effect::Gate;
use crate::core::lease::RoleChangeKind;
use crate::core::machine::StateName as State;

/// The name of a step, the same in code, logs, metrics and the rendered Step Functions machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepId {
    /// Ask for approval of a failover, if the policy wants it.
    ApproveFailover,
    /// Claim the lease: from here on the holder cannot renew.
    WriteClaim,
    /// Wait until the holder's lease has run out, or it released.
    AwaitLease,
    /// Become the holder of the next epoch.
    RaiseEpoch,
    /// Flip switch A to the region that takes over: engage it, unless that is the home region.
    EngageSwitchA,
    /// Flip switch B to the region that takes over.
    EngageSwitchB,
    /// Make the own region's database the writer.
    PromoteDatabase,
    /// Let orders commit in the new epoch.
    WriteServingRow,
    /// Reconcile open orders with the venues, if the policy wants it.
    ReconcileVenues,
    /// Accept orders durably, before the database takes writes.
    OpenIntake,
    /// Process the orders.
    OpenProcessing,
    /// Pin the public record to the region that takes over, best effort. At home: let it follow its checks again.
    PinRecord,
    /// Tell subscribers, best effort.
    Announce,
    /// Commit a probe order.
    VerifyWrite,
    /// Look whether the public name answers with the new region.
    VerifyRouting,
    /// Ask for approval of a failback, if the policy wants it.
    ApproveFailback,
    /// Stop accepting orders and finish those in hand.
    CloseOrderPath,
    /// Switch the database over without loss.
    SwitchOverDatabase,
    /// Flip switch A back to the region that serves: disengage it, unless a take-over by the home region is undone.
    DisengageSwitchA,
    /// Flip switch B back to the region that serves.
    DisengageSwitchB,
    /// Hand the lease to the home region.
    TransferLease,
    /// See the home region renew.
    ConfirmHome,
    /// Record in the lease item that the failover is complete.
    RecordCompletion,
    /// Wait until the other region is healthy again.
    AwaitRegion,
    /// Rebuild the other region's database as a standby.
    RejoinDatabase,
    /// Find what was lost.
    ReconcileDatabase,
    /// Record in the lease item that the other region could take over again.
    MarkProtected,
    /// Withdraw the claim, or hand the raised lease back.
    GiveUpLease,
    /// Record in the lease item that a failback begins.
    RecordFailback,
    /// Ask the database who the writer is.
    LookAtWriter,
    /// Record in the lease item that the failback is undone.
    RecordRollback,
    /// Let the public record follow its health checks again, if it was pinned.
    UnpinRecord,
}

impl StepId {
    /// How many steps there are.
    pub const COUNT: usize = Self::UnpinRecord as usize + 1;
}

/// How long a step may take before its outcome is unknown, as the policy states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Patience {
    /// `lease.operation-timeout`
    LeaseOperation,
    /// `lease.ttl` and `lease.drift-max`
    LeaseExpiry,
    /// `bounds.switch-write`
    SwitchWrite,
    /// `bounds.promotion` and one write: afterwards it is looked up whether the promotion is still under way.
    Promotion,
    /// Half of `deadlines.handing-back`: afterwards it is looked up whether the switchover is still under way.
    Switchover,
    /// `bounds.database-write`
    DatabaseWrite,
    /// A minute: Route 53 promises a record change within 60 s.
    RecordChange,
    /// `deadlines.draining`
    Draining,
    /// Five seconds: a probe of what clients see that takes longer has failed, and is made again.
    Check,
    /// `deadlines.rejoining`
    Rejoining,
    /// Five minutes: afterwards it is asked again. A rebuild that is under way is joined, one that got lost is begun.
    Rebuild,
    /// Half an hour: afterwards it is asked again.
    Comparison,
    /// `deadlines.handing-back`
    HandingBack,
    /// As long as it takes: a human answers.
    Human,
}

impl Patience {
    /// How long that is under a policy.
    #[must_use]
    pub fn under(self, policy: &Policy) -> Duration {
        match self {
            Self::LeaseOperation => policy.lease.operation_timeout,
            Self::LeaseExpiry => policy.lease.ttl + policy.lease.drift_max,
            Self::SwitchWrite => policy.bounds.switch_write,
            Self::Promotion => policy.bounds.promotion + policy.bounds.database_write,
            Self::Switchover => policy.deadlines.handing_back / 2,
            Self::DatabaseWrite => policy.bounds.database_write,
            Self::RecordChange => Duration::from_secs(60),
            Self::Draining => policy.deadlines.draining,
            Self::Check => Duration::from_secs(5),
            Self::Rejoining => policy.deadlines.rejoining,
            Self::Rebuild => Duration::from_secs(5 * 60),
            Self::Comparison => Duration::from_secs(30 * 60),
            Self::HandingBack => policy.deadlines.handing_back,
            Self::Human => Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// Whether and how a step is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Never: doing it twice could be wrong. An unknown outcome is looked up first.
    LookFirst,
    /// Until the state's deadline: doing it twice is doing it once.
    UntilDeadline,
    /// Once: its failure stops nothing.
    BestEffort,
}

/// What a step's certain failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Undo what was begun.
    Revert,
    /// Roll the failback back.
    RollBack,
    /// Go on with the failback that was being rolled back.
    RollForward,
    /// Try until the state's deadline, then ask an operator.
    NeedsOperator,
    /// Go on.
    Continue,
}

/// One step of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// The state in which it runs.
    pub state: State,
    /// The steps that must be done before it starts. Steps without an order between them run at the same time.
    pub after: &'static [StepId],
    /// How long it may take.
    pub patience: Patience,
    /// Whether it is tried again.
    pub retry: Retry,
    /// What its failure leads to.
    pub on_failure: OnFailure,
    /// The human who must agree, if the policy asks for it; the step is skipped otherwise.
    pub gate: Option<Gate>,
    /// The state is left before this step is done: it goes on beside the next one.
    pub carries_over: bool,
}

/// A workflow: its steps, in an order in which they can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Which way it moves the platform.
    pub kind: RoleChangeKind,
    /// Its steps.
    pub steps: &'static [Step],
}

const fn step(id: StepId, state: State, after: &'static [StepId], patience: Patience) -> Step {
    Step {
        id,
        state,
        after,
        patience,
        retry: Retry::UntilDeadline,
        on_failure: OnFailure::NeedsOperator,
        gate: None,
        carries_over: false,
    }
}

impl Step {
    const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    const fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    const fn gate(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self.patience = Patience::Human;
        self
    }

    const fn best_effort(mut self) -> Self {
        self.retry = Retry::BestEffort;
        self.on_failure = OnFailure::Continue;
        self.carries_over = true;
        self
    }

    const fn carries_over(mut self) -> Self {
        self.carries_over = true;
        self
    }

    /// Whether it goes on in a later state. Nothing carries over into undoing.
    #[must_use]
    pub const fn carries_into(&self, later: State) -> bool {
        self.carries_over
            && matches!(
                (self.state, later),
                (State::Acquiring, State::Moving | State::Verifying | State::Rejoining)
                    | (State::Moving, State::Verifying | State::Rejoining)
                    | (State::Quiescing, State::SwitchingOver | State::Redirecting)
            )
    }
}

/// Away from a lost region, and back to being protected.
pub const FAILOVER: Definition = Definition {
    kind: RoleChangeKind::Failover,
    steps: &[
        step(ApproveFailover, State::Claiming, &[], Patience::Human)
            .gate(Gate::Failover)
            .on_failure(OnFailure::Revert),
        step(
            WriteClaim,
            State::Claiming,
            &[ApproveFailover],
            Patience::LeaseOperation,
        )
        .on_failure(OnFailure::Revert),
        // Redirection needs more than half of the budget, and nothing it does is unsafe before the epoch is raised:
        // the standby answers nothing but "not yet" until it holds the lease. So it starts with the claim.
        step(EngageSwitchA, State::Acquiring, &[WriteClaim], Patience::SwitchWrite).carries_over(),
        step(EngageSwitchB, State::Acquiring, &[WriteClaim], Patience::SwitchWrite).carries_over(),
        step(Announce, State::Acquiring, &[WriteClaim], Patience::SwitchWrite).best_effort(),
        step(AwaitLease, State::Acquiring, &[WriteClaim], Patience::LeaseExpiry).on_failure(OnFailure::Revert),
        step(RaiseEpoch, State::Acquiring, &[AwaitLease], Patience::LeaseOperation).on_failure(OnFailure::Revert),
        step(OpenIntake, State::Moving, &[RaiseEpoch], Patience::LeaseOperation),
        step(PinRecord, State::Moving, &[RaiseEpoch], Patience::RecordChange).best_effort(),
        step(PromoteDatabase, State::Moving, &[RaiseEpoch], Patience::Promotion)
            .retry(Retry::LookFirst)
            .on_failure(OnFailure::Revert),
        step(
            WriteServingRow,
            State::Moving,
            &[PromoteDatabase],
            Patience::DatabaseWrite,
        ),
        step(ReconcileVenues, State::Moving, &[PromoteDatabase], Patience::Human).gate(Gate::VenueReconciliation),
        // Only now: an order path that processes before the row is written would refuse what the intake accepts.
        step(
            OpenProcessing,
            State::Moving,
            &[WriteServingRow, ReconcileVenues],
            Patience::LeaseOperation,
        ),
        step(VerifyWrite, State::Verifying, &[OpenProcessing], Patience::Check),
        // One engaged switch suffices, so this waits for neither.
        step(VerifyRouting, State::Verifying, &[OpenProcessing], Patience::Check),
        step(
            RecordCompletion,
            State::Verifying,
            &[VerifyWrite, VerifyRouting],
            Patience::LeaseOperation,
        ),
        step(AwaitRegion, State::Rejoining, &[RecordCompletion], Patience::Rejoining),
        step(RejoinDatabase, State::Rejoining, &[AwaitRegion], Patience::Rebuild),
        step(
            ReconcileDatabase,
            State::Reconciling,
            &[RejoinDatabase],
            Patience::Comparison,
        ),
        step(
            MarkProtected,
            State::Reconciling,
            &[ReconcileDatabase],
            Patience::LeaseOperation,
        ),
        // What undoes a failover that could not go on.
        step(DisengageSwitchA, State::Reverting, &[], Patience::SwitchWrite),
        step(DisengageSwitchB, State::Reverting, &[], Patience::SwitchWrite),
        step(UnpinRecord, State::Reverting, &[], Patience::RecordChange),
        // The intake may be open already.
        step(CloseOrderPath, State::Reverting, &[], Patience::Draining),
        step(
            GiveUpLease,
            State::Reverting,
            &[DisengageSwitchA, DisengageSwitchB, CloseOrderPath],
            Patience::LeaseOperation,
        ),
    ],
};

/// Home, as a planned move without loss.
pub const FAILBACK: Definition = Definition {
    kind: RoleChangeKind::Failback,
    steps: &[
        step(ApproveFailback, State::Quiescing, &[], Patience::Human)
            .gate(Gate::Failback)
            .on_failure(OnFailure::RollBack),
        step(
            RecordFailback,
            State::Quiescing,
            &[ApproveFailback],
            Patience::LeaseOperation,
        ),
        step(Announce, State::Quiescing, &[ApproveFailback], Patience::SwitchWrite).best_effort(),
        // A pinned record would hold traffic here after the switches are disengaged. Letting it go needs Route 53's
        // control plane, so it comes before anything that would have to be undone.
        step(UnpinRecord, State::Quiescing, &[RecordFailback], Patience::RecordChange),
        step(CloseOrderPath, State::Quiescing, &[UnpinRecord], Patience::Draining).on_failure(OnFailure::RollBack),
        step(
            SwitchOverDatabase,
            State::SwitchingOver,
            &[CloseOrderPath],
            Patience::Switchover,
        )
        .retry(Retry::LookFirst)
        .on_failure(OnFailure::RollBack),
        step(
            DisengageSwitchA,
            State::Redirecting,
            &[SwitchOverDatabase],
            Patience::SwitchWrite,
        ),
        step(
            DisengageSwitchB,
            State::Redirecting,
            &[SwitchOverDatabase],
            Patience::SwitchWrite,
        ),
        step(
            TransferLease,
            State::Redirecting,
            &[DisengageSwitchA, DisengageSwitchB],
            Patience::LeaseOperation,
        ),
        step(ConfirmHome, State::Confirming, &[TransferLease], Patience::HandingBack),
        step(VerifyRouting, State::Confirming, &[TransferLease], Patience::Check),
        // What undoes a failback. Looking comes first: if the writer is at home after all, the failback goes on.
        step(LookAtWriter, State::RollingBack, &[], Patience::LeaseOperation).on_failure(OnFailure::RollForward),
        step(
            OpenIntake,
            State::RollingBack,
            &[LookAtWriter],
            Patience::LeaseOperation,
        ),
        step(
            OpenProcessing,
            State::RollingBack,
            &[LookAtWriter],
            Patience::LeaseOperation,
        ),
        step(
            RecordRollback,
            State::RollingBack,
            &[OpenIntake, OpenProcessing],
            Patience::LeaseOperation,
        ),
    ],
};

impl Definition {
    /// The step of this name.
    #[must_use]
    pub fn step(&self, id: StepId) -> Option<&'static Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_waits_only_for_steps_before_it() {
        for definition in [FAILOVER, FAILBACK] {
            for (index, step) in definition.steps.iter().enumerate() {
                for awaited in step.after {
                    let position = definition.steps.iter().position(|other| other.id == *awaited);
                    assert!(
                        position.is_some_and(|position| position < index),
                        "{:?} waits for {awaited:?}",
                        step.id
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_waits_for_a_step_that_carries_over() {
        for definition in [FAILOVER, FAILBACK] {
            for awaited in definition.steps.iter().flat_map(|step| step.after) {
                let carried = definition.step(*awaited).is_some_and(|step| step.carries_over);
                assert!(!carried, "{awaited:?}");
            }
        }
    }

    #[test]
    fn no_step_stands_twice() {
        for definition in [FAILOVER, FAILBACK] {
            for (index, step) in definition.steps.iter().enumerate() {
                assert!(
                    definition.steps[..index].iter().all(|other| other.id != step.id),
                    "{:?}",
                    step.id
                );
            }
        }
    }

    #[test]
    fn what_must_not_be_done_twice_is_looked_up_first() {
        for (definition, id) in [(FAILOVER, PromoteDatabase), (FAILBACK, SwitchOverDatabase)] {
            assert_eq!(definition.step(id).map(|step| step.retry), Some(Retry::LookFirst));
        }
    }
}
