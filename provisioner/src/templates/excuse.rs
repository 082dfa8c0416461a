//! Why a validator is wrong about one resource, in the forms that the validators read.

use serde_json::{Value, json};

/// One objection that is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Excuse {
    /// Checkov's: the check, and why it does not hold here.
    Checkov(&'static str, &'static str),
    /// Of cdk-nag: the rule in each of its packs, and why it does not hold here.
    Nag(&'static str, &'static str),
    /// The two-region linter's own.
    Lint(&'static str, &'static str),
}

/// The packs of cdk-nag that have a rule of this name; those of AWS's own begin otherwise.
fn rules(rule: &str) -> Vec<String> {
    if rule.starts_with("AwsSolutions-") {
        return vec![rule.to_owned()];
    }
    ["NIST.800.53.R5", "PCI.DSS.321"]
        .map(|pack| format!("{pack}-{rule}"))
        .into()
}

/// A wildcard in a policy, and why nothing narrower can be said.
pub(super) fn wildcard(policy: &mut Value, resource: &str, reason: &str) {
    let id = format!("AwsSolutions-IAM5[Resource::{resource}]");
    add(
        policy,
        ["cdk_nag", "rules_to_suppress"],
        json!({"id": id, "reason": reason}),
    );
}

fn add(resource: &mut Value, path: [&str; 2], entry: Value) {
    let list = &mut resource["Metadata"][path[0]][path[1]];
    match list {
        Value::Array(entries) => entries.push(entry),
        _ => *list = json!([entry]),
    }
}

pub(super) fn put(resource: &mut Value, excuses: &[Excuse]) {
    for excuse in excuses {
        match excuse {
            Excuse::Checkov(id, comment) => add(resource, ["checkov", "skip"], json!({"id": id, "comment": comment})),
            Excuse::Nag(rule, reason) => {
                for id in rules(rule) {
                    add(
                        resource,
                        ["cdk_nag", "rules_to_suppress"],
                        json!({"id": id, "reason": reason}),
                    );
                }
            }
            Excuse::Lint(code, reason) => {
                add(
                    resource,
                    ["Understudy", "Suppress"],
                    json!({"Code": code, "Reason": reason}),
                );
            }
        }
    }
}
