//! Steps that carry over: begun with one state, and going on beside the ones after it.
//!
//! ```text
//!   acquiring_onwards ─┬─ engage-switch-a
//!                      ├─ engage-switch-b
//!                      ├─ announce
//!                      └─ acquiring ── moving_onwards ─┬─ pin-record
//!                                                      └─ moving ── verifying ── rejoining
//! ```
//!
//! A `Parallel` is left only when all its branches have ended. So what carries over is a branch beside all the states that it goes
//! on in, and not beside its own alone: a switch that cannot be written holds up none of them. It is tried until the last of them
//! is due at the latest, then people are told. A path that fails ends what is carried with it: nothing carries over into undoing.

use std::time::Duration;

use serde_json::{Map, Value, json};
use understudy_engine::core::machine::StateName;
use understudy_engine::workflow::{Step, StepId};

use super::asl::{catch, go_on, states, task};
use super::{FAILBACK_PATH, FAILOVER_PATH, Machine, Place, steps};
use understudy_engine::workflow::Patience;

/// Whether a step is a branch of its own beside the states after its own.
///
/// One that waits for a step of its own state stays in that state: it is tried twice, which is bound enough.
pub(super) fn is_carried(step: &Step, steps: &[Step]) -> bool {
    let inside = |id: &StepId| steps.iter().any(|other| other.id == *id && other.state == step.state);
    step.carries_over && !step.after.iter().any(inside)
}

/// The states beside which a carried step goes on, its own first.
fn beside(step: &Step) -> Vec<StateName> {
    let path = [FAILOVER_PATH, FAILBACK_PATH]
        .into_iter()
        .find(|path| path.contains(&step.state));
    let states = path.into_iter().flatten().copied();
    states
        .filter(|state| *state == step.state || step.carries_into(*state))
        .collect()
}

/// How long a carried step is tried: until the last state that it goes on in begins at the latest. That one waits for a region to
/// come back, and takes longer than what is still to be tried by then.
pub(super) fn window(step: &Step, place: &Place<'_>) -> Duration {
    let states = beside(step);
    let before_the_last = states.iter().take(states.len().saturating_sub(1).max(1));
    before_the_last
        .filter_map(|state| state.deadline(&place.policy.deadlines))
        .sum()
}

/// The name of the state that holds a state and what is carried from it.
fn onwards(state: StateName) -> String {
    format!("{}_onwards", state.name())
}

/// Tells people that a step was given up, and holds up nobody by that.
pub(super) fn tell(step: &Step, place: &Place<'_>, all: &mut Map<String, Value>) {
    let name = steps::name(step.id);
    let over = format!("{name}_over");
    let message = json!({
        "TopicArn": place.topic_arn(), "Subject": format!("{name} is given up"),
        "Message.$": format!(
            "States.Format('{name} could not be done, and nothing waited for it: see to it. {{}}: {{}}', $.failure.Error, \
             $.failure.Cause)"
        ),
    });
    let mut tell = task("sns:publish", &message, Patience::SwitchWrite.under(place.policy));
    tell["ResultPath"] = Value::Null;
    tell["Catch"] = json!([catch(&over, "$.untold")]);
    tell["Next"] = over.clone().into();
    all.insert(format!("{name}_failed"), tell);
    let mut end = json!({"Type": "Pass", "Comment": "given up; the path does not wait for it"});
    go_on(&mut end, None);
    all.insert(over, end);
}

impl Machine<'_> {
    fn carried_from(&self, state: StateName) -> Vec<&'static Step> {
        let steps = self.definition.steps;
        let those = steps.iter().filter(|step| step.state == state);
        those.filter(|step| is_carried(step, steps)).collect()
    }

    /// Where a state of the path begins.
    pub(super) fn entry(&self, state: StateName) -> String {
        match self.carried_from(state).as_slice() {
            [] => state.name().to_owned(),
            _ => onwards(state),
        }
    }

    /// The states of the path, one after the other. What they lead to when they fail is caught outside of everything that is
    /// carried, because a branch cannot lead out of itself.
    pub(super) fn walk(&self, path: &[StateName], next: Option<&str>, outside: bool, all: &mut Map<String, Value>) {
        let mut index = 0;
        while let Some(state) = path.get(index) {
            let carried = self.carried_from(*state);
            let longest = carried.iter().map(|step| beside(step).len()).max().unwrap_or(1);
            let end = (index + longest).min(path.len());
            let after = path.get(end).map(|after| self.entry(*after));
            let after = after.as_deref().or(next);
            if carried.is_empty() {
                self.state(*state, after, outside, all);
            } else {
                let mut branches: Vec<Value> = carried.iter().map(|step| self.branch(&[vec![*step]])).collect();
                branches.push(self.inner(&path[index..end]));
                let mut parallel = json!({"Type": "Parallel", "Branches": branches, "ResultPath": null});
                if outside {
                    parallel["Catch"] = self.catches(&path[index..end]);
                }
                go_on(&mut parallel, after);
                all.insert(onwards(*state), parallel);
            }
            index = end;
        }
    }

    /// The path beside what is carried from its first state.
    fn inner(&self, path: &[StateName]) -> Value {
        let mut all = states();
        let (first, rest) = (path[0], &path[1..]);
        let after = rest.first().map(|state| self.entry(*state));
        self.state(first, after.as_deref(), false, &mut all);
        self.walk(rest, None, false, &mut all);
        json!({"StartAt": first.name(), "States": all})
    }
}
