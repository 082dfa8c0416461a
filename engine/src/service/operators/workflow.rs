//! The workflows as operators read them.

use serde::Serialize;

use super::shapes::StepAnswer;
use crate::words;
use crate::workflow::Definition;

/// The steps of a workflow.
#[must_use]
pub fn steps(definition: &Definition) -> Vec<StepAnswer> {
    let steps = definition.steps.iter().map(|step| StepAnswer {
        step: name(&step.id),
        does: words::step(step.id).to_owned(),
        state: step.state.name().to_owned(),
        after: step.after.iter().map(name).collect(),
        bound: words::patience(step.patience).to_owned(),
        retry: name(&step.retry),
        on_failure: name(&step.on_failure),
        gate: step.gate.map(|gate| words::gate(gate).to_owned()),
    });
    steps.collect()
}

/// The name that a unit variant has in the journal and in JSON.
pub(super) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
