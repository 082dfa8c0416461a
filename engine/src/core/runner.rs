//! Runs the steps of a workflow that belong to the machine's state.
//!
//! Being in a state implies that the steps of the states before it are done, so after a restart a workflow can be
//! entered at any state. Steps that carry over from an earlier state are started again then: they are idempotent.

use crate::core::effect::Gate;
use crate::core::ids::EffectId;
use crate::core::machine::StateName;
use crate::core::time::Timestamp;
use crate::workflow::{Definition, FAILBACK, FAILOVER, Step, StepId};

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepState {
    /// Not started.
    Pending,
    /// Its effect is under way.
    Running(EffectId),
    /// It waits for something that is no effect, or for its next attempt.
    Waiting {
        /// Not to be tried before.
        until: Timestamp,
    },
    /// Done, or not wanted by the policy.
    Done,
}

/// A workflow under way.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    definition: Option<&'static Definition>,
    state: StateName,
    steps: [StepState; StepId::COUNT],
    /// When a step is next to be tried. It is asked for after every input and changes with few of them, so it is kept.
    due: Timestamp,
}

impl Runner {
    pub(crate) const fn new() -> Self {
        Self {
            definition: None,
            state: StateName::Recovering,
            steps: [StepState::Pending; StepId::COUNT],
            due: Timestamp::NEVER,
        }
    }

    /// The machine has entered a state: its steps are to run now. Entering a workflow afresh forgets the last run.
    pub(crate) fn enter(&mut self, state: StateName, afresh: bool) {
        if afresh {
            *self = Self::new();
        }
        self.state = state;
        self.definition = match state {
            StateName::Claiming
            | StateName::Acquiring
            | StateName::Moving
            | StateName::Verifying
            | StateName::Reverting
            | StateName::Rejoining
            | StateName::Reconciling => Some(&FAILOVER),
            StateName::Quiescing
            | StateName::SwitchingOver
            | StateName::Redirecting
            | StateName::Confirming
            | StateName::RollingBack => Some(&FAILBACK),
            StateName::Recovering
            | StateName::Serving
            | StateName::Draining
            | StateName::SelfFenced
            | StateName::Steady
            | StateName::Suspicious
            | StateName::Blocked
            | StateName::Soaking
            | StateName::NeedsOperator => None,
        };
        // A state is entered to do its work: what an earlier pass through it did is done again.
        if let Some(definition) = self.definition {
            for step in definition.steps.iter().filter(|step| step.state == state) {
                self.steps[step.id as usize] = StepState::Pending;
            }
        }
        self.look_for_due();
    }

    /// The steps that may start or be tried again now.
    pub(crate) fn ready(&self, now: Timestamp) -> impl Iterator<Item = &'static Step> {
        let definition = self.definition.filter(|_| now >= self.due);
        let steps = definition.into_iter().flat_map(|definition| definition.steps);
        steps.filter(move |step| self.startable_at(step).is_some_and(|at| now >= at))
    }

    /// From when on a step may start, if what it waits for is done.
    fn startable_at(&self, step: &Step) -> Option<Timestamp> {
        if !self.runs_here(step) {
            return None;
        }
        let at = match self.steps[step.id as usize] {
            StepState::Pending => Timestamp::ZERO,
            StepState::Waiting { until } => until,
            StepState::Running(_) | StepState::Done => return None,
        };
        let awaited = |id: &&StepId| belongs(self.definition, **id, step.state);
        let carried = step.state != self.state && step.carries_over;
        let free = carried
            || step
                .after
                .iter()
                .filter(awaited)
                .all(|id| self.steps[*id as usize] == StepState::Done);
        free.then_some(at)
    }

    /// Whether a step belongs to the present state, or goes on in it.
    pub(crate) fn runs_here(&self, step: &Step) -> bool {
        step.state == self.state || step.carries_into(self.state)
    }

    /// Whether everything that this state is for is done. Steps that carry over are not waited for.
    pub(crate) fn is_done(&self) -> bool {
        self.definition.is_some_and(|definition| {
            definition
                .steps
                .iter()
                .filter(|step| step.state == self.state && !step.carries_over)
                .all(|step| self.steps[step.id as usize] == StepState::Done)
        })
    }

    /// How a step stands.
    pub(crate) const fn step(&self, id: StepId) -> StepState {
        self.steps[id as usize]
    }

    /// A step is done.
    pub(crate) fn done(&mut self, id: StepId) {
        self.set(id, StepState::Done);
    }

    /// A step's effect is under way.
    pub(crate) fn running(&mut self, id: StepId, effect: EffectId) {
        self.set(id, StepState::Running(effect));
    }

    /// A step is to be tried again, or looked at again, at that moment.
    pub(crate) fn wait(&mut self, id: StepId, until: Timestamp) {
        self.set(id, StepState::Waiting { until });
    }

    /// The step that waits for this effect.
    pub(crate) fn waiting_for(&self, effect: EffectId) -> Option<&'static Step> {
        self.definition?
            .steps
            .iter()
            .find(|step| self.steps[step.id as usize] == StepState::Running(effect))
    }

    /// When a step is next to be tried.
    pub(crate) const fn next_due(&self) -> Timestamp {
        self.due
    }

    fn set(&mut self, id: StepId, state: StepState) {
        self.steps[id as usize] = state;
        self.look_for_due();
    }

    fn look_for_due(&mut self) {
        let steps = self.definition.into_iter().flat_map(|definition| definition.steps);
        let due = steps.filter_map(|step| self.startable_at(step)).min();
        self.due = due.unwrap_or(Timestamp::NEVER);
    }

    /// Whether a human is being waited for.
    pub(crate) fn waits_for_a_human(&self) -> bool {
        self.waits_for().is_some()
    }

    /// The gate at which a human has been asked.
    pub(crate) fn waits_for(&self) -> Option<Gate> {
        let asked = |step: &&Step| matches!(self.steps[step.id as usize], StepState::Running(_));
        let mut here = self.definition?.steps.iter().filter(|step| self.runs_here(step));
        here.find(|step| step.gate.is_some() && asked(step))?.gate
    }
}

fn belongs(definition: Option<&'static Definition>, id: StepId, state: StateName) -> bool {
    definition.is_some_and(|definition| definition.steps.iter().any(|step| step.id == id && step.state == state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(runner: &Runner) -> Vec<StepId> {
        runner.ready(Timestamp::ZERO).map(|step| step.id).collect()
    }

    #[test]
    fn promotion_and_intake_start_together_once_the_epoch_is_raised() {
        let mut runner = Runner::new();
        runner.enter(StateName::Moving, false);
        let ready = ready(&runner);
        assert!(ready.contains(&StepId::PromoteDatabase) && ready.contains(&StepId::OpenIntake));
        assert!(
            !ready.contains(&StepId::OpenProcessing),
            "processing waits for the promotion"
        );
    }

    #[test]
    fn a_switch_that_could_not_be_flipped_is_tried_on_in_the_next_state() {
        let mut runner = Runner::new();
        runner.enter(StateName::Acquiring, true);
        runner.done(StepId::EngageSwitchA);
        runner.wait(StepId::EngageSwitchB, Timestamp::ZERO);
        runner.enter(StateName::Moving, false);
        let ready = ready(&runner);
        assert!(ready.contains(&StepId::EngageSwitchB) && !ready.contains(&StepId::EngageSwitchA));
    }

    #[test]
    fn after_a_restart_in_the_middle_what_carries_over_is_done_again() {
        let mut runner = Runner::new();
        runner.enter(StateName::Verifying, true);
        assert!(ready(&runner).contains(&StepId::EngageSwitchA));
    }

    #[test]
    fn undoing_starts_nothing_of_what_is_undone() {
        let mut runner = Runner::new();
        runner.enter(StateName::Acquiring, true);
        runner.enter(StateName::Reverting, false);
        assert_eq!(
            ready(&runner),
            [
                StepId::DisengageSwitchA,
                StepId::DisengageSwitchB,
                StepId::UnpinRecord,
                StepId::CloseOrderPath
            ]
        );
    }
}
