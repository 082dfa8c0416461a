//! Why a validator is wrong about one resource, in the forms that the validators read.

use serde_json::{Value, json};

/// One objection that is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Excuse {
    /// Checkov's: the check, and why it does not hold here.
    Checkov(&'static str, &'static str),
    /// Of cdk-nag: the rule, and why it does not hold here.
    Nag(&'static str, &'static str),
    /// The two-region linter's own.
    Lint(&'static str, &'static str),
}

pub(super) fn put(resource: &mut Value, excuses: &[Excuse]) {
    for excuse in excuses {
        let (path, entry) = match excuse {
            Excuse::Checkov(id, comment) => (["checkov", "skip"], json!({"id": id, "comment": comment})),
            Excuse::Nag(id, reason) => (["cdk_nag", "rules_to_suppress"], json!({"id": id, "reason": reason})),
            Excuse::Lint(code, reason) => (["Understudy", "Suppress"], json!({"Code": code, "Reason": reason})),
        };
        let list = &mut resource["Metadata"][path[0]][path[1]];
        match list {
            Value::Array(entries) => entries.push(entry),
            _ => *list = json!([entry]),
        }
    }
}
