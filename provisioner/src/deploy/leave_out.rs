//! Leaving out types of resources that an emulator does not have.
//!
//! Nothing is left out in silence: `plan` lists it, and a point of `verify` is not known because of it. AWS has every type, so
//! against AWS nothing can be left out.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::templates::Platform;

/// A resource that is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its stack.
    pub stack: String,
    /// What the template calls it.
    pub resource: String,
    /// Its type.
    pub kind: String,
}

/// Takes every resource of these types out, and whatever refers to one of them is made without it.
pub(super) fn leave_out(platform: &mut Platform, types: &BTreeSet<String>) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    let mut exports = BTreeSet::new();
    for stack in &mut platform.stacks {
        let mut gone = BTreeSet::new();
        if let Some(resources) = stack.template["Resources"].as_object_mut() {
            resources.retain(|id, resource| {
                let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
                let stays = !types.contains(&kind);
                if !stays {
                    gone.insert(id.clone());
                    left_out.push(LeftOut {
                        stack: stack.name.clone(),
                        resource: id.clone(),
                        kind,
                    });
                }
                stays
            });
        }
        prune(&mut stack.template, &|value| refers(value, &gone));
        if let Some(outputs) = stack.template.get_mut("Outputs").and_then(Value::as_object_mut) {
            outputs.retain(|_, output| {
                let stays = output.get("Value").is_some();
                if !stays {
                    exports.insert(output["Export"]["Name"].as_str().unwrap_or_default().to_owned());
                }
                stays
            });
        }
    }
    for stack in &mut platform.stacks {
        prune(&mut stack.template, &|value| {
            let import = value.get("Fn::ImportValue").and_then(Value::as_str);
            import.is_some_and(|name| exports.contains(name))
        });
    }
    platform.stacks.retain(|stack| {
        stack.template["Resources"]
            .as_object()
            .is_some_and(|all| !all.is_empty())
    });
    left_out
}

/// Whether a value is what CloudFormation works out of a resource that is gone.
fn refers(value: &Value, gone: &BTreeSet<String>) -> bool {
    let of = match value {
        // A name in `DependsOn`. Ids stand nowhere else as a plain text.
        Value::String(id) => Some(id.as_str()),
        Value::Object(_) => value
            .get("Ref")
            .and_then(Value::as_str)
            .or_else(|| value.get("Fn::GetAtt")?.get(0)?.as_str()),
        _ => None,
    };
    of.is_some_and(|id| gone.contains(id))
}

fn prune(value: &mut Value, goes: &dyn Fn(&Value) -> bool) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !goes(item));
            items.iter_mut().for_each(|item| prune(item, goes));
        }
        Value::Object(entries) => {
            entries.retain(|_, below| !goes(below));
            entries.values_mut().for_each(|below| prune(below, goes));
        }
        _ => {}
    }
}
