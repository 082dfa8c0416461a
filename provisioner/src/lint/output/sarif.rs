//! A report as SARIF 2.1.0, for what shows findings beside the code.

use serde_json::{Value, json};

use crate::lint::Report;
use crate::lint::finding::{Finding, Place};
use crate::lint::rules;

/// The report as a SARIF log with one run. Suppressed findings are results with a suppression.
#[must_use]
pub fn sarif(report: &Report) -> Value {
    let rules = rules::all();
    let described: Vec<Value> = rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": rule.why },
                "help": { "text": rule.mend },
                "defaultConfiguration": { "level": "error" },
            })
        })
        .collect();
    let index = |code: &str| rules.iter().position(|rule| rule.code == code);
    let kept = report
        .findings
        .iter()
        .map(|finding| result(finding, index(finding.code)));
    let suppressed = report.suppressed.iter().map(|suppressed| {
        let mut object = result(&suppressed.finding, index(suppressed.finding.code));
        object["suppressions"] = json!([{ "kind": "external", "justification": suppressed.justification }]);
        object
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "understudy-provisioner",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": described,
            } },
            "columnKind": "unicodeCodePoints",
            "results": kept.chain(suppressed).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Finding, index: Option<usize>) -> Value {
    let locations: Vec<Value> = finding.places.iter().map(location).collect();
    let (first, related) = locations
        .split_first()
        .map_or((None, [].as_slice()), |(first, rest)| (Some(first), rest));
    json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": "error",
        "message": { "text": format!("{}. To mend it: {}.", finding.reason, finding.mend) },
        "locations": first.into_iter().collect::<Vec<_>>(),
        "relatedLocations": related,
    })
}

fn location(place: &Place) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.file) },
            "region": { "startLine": place.line, "startColumn": place.column },
        },
        "logicalLocations": [{ "fullyQualifiedName": place.path, "kind": "member" }],
        "message": { "text": format!("the {} side", place.side) },
    })
}

/// A file's name as a relative or absolute URI reference.
fn uri(file: &str) -> String {
    let mut uri = String::new();
    for byte in file.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
