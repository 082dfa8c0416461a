//! A report for programs: one object.

use serde_json::{Value, json};

use crate::lint::Report;
use crate::lint::finding::Finding;
use crate::lint::rules;

/// The report as the object that `docs/linter.md` describes.
#[must_use]
pub fn json(report: &Report) -> Value {
    let suppressed = report.suppressed.iter().map(|suppressed| {
        let mut object = finding(&suppressed.finding);
        object["justification"] = json!(suppressed.justification);
        object
    });
    json!({
        "silent": report.findings.is_empty(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "suppressed": suppressed.collect::<Vec<_>>(),
        "notes": report.notes,
        "resources": { "primary": report.resources[0], "standby": report.resources[1] },
    })
}

fn finding(finding: &Finding) -> Value {
    let rule = rules::find(finding.code);
    json!({
        "code": finding.code,
        "title": rule.map(|rule| rule.title),
        "reason": finding.reason,
        "why": rule.map(|rule| rule.why),
        "mend": finding.mend,
        "places": finding.places,
    })
}
