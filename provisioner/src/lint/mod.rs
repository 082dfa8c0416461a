//! The two-region linter: what single-template tools cannot find, because each looks at one template at a time.
//!
//! ```text
//! files -> document (JSON or YAML, with places) -> side (resolved for its region) -> pair (counterparts) -> rules -> report
//! ```
//!
//! A rule speaks only of what it knows. What is unknown before deployment leads to no finding.

pub mod document;
pub mod finding;
pub mod output;
pub mod pair;
pub mod rules;
pub mod side;
pub mod suppress;
pub mod value;

use std::collections::BTreeMap;

use document::{Document, Malformed};
use finding::Finding;
use pair::{Limits, Pair};
use side::{Role, Side};
use suppress::{Suppressed, Suppression};

/// One template, read from its file.
#[derive(Debug, Clone)]
pub struct Template {
    /// The file's name, for messages.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What one side consists of.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its region.
    pub region: String,
    /// Its templates.
    pub templates: Vec<Template>,
    /// Values of its templates' parameters.
    pub parameters: BTreeMap<String, String>,
}

/// What the linter found.
#[derive(Debug)]
pub struct Report {
    /// What is wrong, in the order of the places.
    pub findings: Vec<Finding>,
    /// What would be wrong, if nobody had said why it is right.
    pub suppressed: Vec<Suppressed>,
    /// What could not be judged, and why.
    pub notes: Vec<String>,
    /// How many resources each side has, the primary first.
    pub resources: [usize; 2],
}

/// Compares both sides.
///
/// # Errors
///
/// If a template cannot be read.
pub fn lint(
    primary: &Given,
    standby: &Given,
    limits: Limits,
    suppressions: &[Suppression],
) -> Result<Report, Malformed> {
    let mut documents = Vec::new();
    for template in primary.templates.iter().chain(&standby.templates) {
        documents.push(Document::read(documents.len(), &template.file, &template.text)?);
    }
    for document in &documents {
        resources(document)?;
    }
    let middle = primary.templates.len();
    let side = |role, given: &Given, peer: &Given, range| {
        Side::build(role, &given.region, &peer.region, &documents, range, &given.parameters)
    };
    let pair = Pair::new(
        &documents,
        side(Role::Primary, primary, standby, 0..middle),
        side(Role::Standby, standby, primary, middle..documents.len()),
        limits,
    );
    let findings = rules::run(&pair);
    let (findings, suppressed) = suppress::apply(&pair, findings, suppressions);
    let note = |side: &Side| {
        let role = side.role.other();
        side.opaque
            .iter()
            .map(move |why| format!("{why}: nothing of the {role}'s is called missing here"))
            .collect::<Vec<_>>()
    };
    Ok(Report {
        findings,
        suppressed,
        notes: pair.sides().into_iter().flat_map(note).collect(),
        resources: [pair.primary.resources.len(), pair.standby.resources.len()],
    })
}

/// What CloudFormation would not take for a template at all is refused, or it would pass for a side that has nothing.
fn resources(document: &Document) -> Result<(), Malformed> {
    let malformed = |raw: &document::Raw, message: String| {
        let (line, column) = document.start(raw.id);
        let file = document.file.clone();
        Err(Malformed {
            file,
            line,
            column,
            message,
        })
    };
    let none = |raw| {
        let message = "a template has a map `Resources`; this has none. Is it a template of CloudFormation?";
        malformed(raw, message.to_owned())
    };
    let Some(all) = document.root.get("Resources") else {
        return none(&document.root);
    };
    if !matches!(all.kind, document::Kind::Map(_)) {
        return none(all);
    }
    if all.entries().is_empty() {
        return malformed(all, "there is no resource in this template".to_owned());
    }
    for (logical, resource) in all.entries() {
        // `Fn::ForEach` and `Fn::Transform` make resources, and are none.
        let is_made = logical.starts_with("Fn::");
        if !is_made && resource.get("Type").and_then(document::Raw::scalar).is_none() {
            return malformed(resource, format!("the resource `{logical}` has no `Type`"));
        }
    }
    Ok(())
}
