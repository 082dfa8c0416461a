//! The pieces of the Amazon States Language.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// States, to be filled.
pub(super) fn states() -> Map<String, Value> {
    Map::new()
}

/// Goes on to another state, or ends.
pub(super) fn go_on(state: &mut Value, next: Option<&str>) {
    match next {
        Some(next) => state["Next"] = next.into(),
        None => state["End"] = true.into(),
    }
}

/// A call of AWS, or of a function.
pub(super) fn task(resource: &str, parameters: &Value, timeout: Duration) -> Value {
    json!({
        "Type": "Task", "Resource": format!("arn:aws:states:::{resource}"), "Parameters": parameters,
        "TimeoutSeconds": seconds(timeout),
    })
}

/// Whole seconds, at least one: a shorter time-out cannot be said.
pub(super) fn seconds(duration: Duration) -> u64 {
    duration
        .as_millis()
        .div_ceil(1000)
        .max(1)
        .try_into()
        .unwrap_or(u64::MAX)
}

/// Tries again, until about `attempts` intervals are over.
pub(super) fn retry(interval: Duration, attempts: u64) -> Value {
    json!({
        "ErrorEquals": ["States.ALL"], "IntervalSeconds": seconds(interval), "MaxAttempts": attempts,
        "BackoffRate": 1.0,
    })
}

/// Any error leads on, with the error kept.
pub(super) fn catch(next: &str, path: &str) -> Value {
    json!({"ErrorEquals": ["States.ALL"], "ResultPath": path, "Next": next})
}

/// An end with a name and a reason.
pub(super) fn fail(error: &str, cause: &str) -> Value {
    json!({"Type": "Fail", "Error": error, "Cause": cause})
}

/// The first rule that holds says where to go.
pub(super) fn choice(rules: &[(Value, &str)], otherwise: &str) -> Value {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(rule, next)| {
            let mut rule = rule.clone();
            rule["Next"] = (*next).into();
            rule
        })
        .collect();
    json!({"Type": "Choice", "Choices": rules, "Default": otherwise})
}

/// Nothing happens here, and the reason.
pub(super) fn pass(comment: &str, next: Option<&str>) -> Value {
    let mut pass = json!({"Type": "Pass", "Comment": comment});
    go_on(&mut pass, next);
    pass
}
