//! Suppressions: somebody says why a finding is right as it is.
//!
//! In a template's metadata, or a resource's:
//!
//! ```yaml
//! Metadata:
//!   Understudy:
//!     Suppress:
//!       - Code: UL309
//!         Reason: the standby runs on a smaller instance; it is resized in the failover
//! ```
//!
//! On the command line `--suppress UL309@OrdersWriter=reason`, or `--suppressions FILE` with TOML:
//!
//! ```toml
//! [[suppress]]
//! code = "UL309"
//! resource = "OrdersWriter"  # a logical id; all resources if it is left out
//! reason = "the standby runs on a smaller instance"
//! ```
//!
//! A suppression without a reason does not count, and is a finding itself; so are one of an unknown code and one that
//! suppresses nothing.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Findings, Place, Spot};
use super::pair::Pair;
use super::rules::{self, SUPPRESSION_UNKNOWN, SUPPRESSION_UNREASONED, SUPPRESSION_UNUSED};
use super::value::Node;

/// A suppression from outside of the templates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The rule's code.
    pub code: String,
    /// A logical id; all resources if there is none.
    #[serde(default)]
    pub resource: Option<String>,
    /// Why the finding is right as it is.
    #[serde(default)]
    pub reason: String,
    /// Where the suppression stands, for messages.
    #[serde(skip)]
    pub origin: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    suppress: Vec<Suppression>,
}

impl Suppression {
    /// Reads `CODE=reason` or `CODE@LOGICALID=reason`.
    ///
    /// # Errors
    ///
    /// If there is no `=`.
    pub fn parse(argument: &str) -> Result<Self, String> {
        let (what, reason) = argument
            .split_once('=')
            .ok_or_else(|| format!("`{argument}` has no reason: write CODE=REASON or CODE@LOGICALID=REASON"))?;
        let (code, resource) = match what.split_once('@') {
            Some((code, resource)) => (code, Some(resource.to_owned())),
            None => (what, None),
        };
        Ok(Self {
            code: code.to_owned(),
            resource,
            reason: reason.to_owned(),
            origin: format!("--suppress {what}"),
        })
    }

    /// Reads a file of suppressions.
    ///
    /// # Errors
    ///
    /// If it is not the TOML that this module's documentation shows.
    pub fn read(name: &str, text: &str) -> Result<Vec<Self>, String> {
        let file: File =
            toml::from_str(text).map_err(|error| format!("cannot read the suppressions of `{name}`: {error}"))?;
        let with_origin = |suppression: Self| Self {
            origin: name.to_owned(),
            ..suppression
        };
        Ok(file.suppress.into_iter().map(with_origin).collect())
    }
}

/// A finding that somebody called right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// Why it is right as it is.
    pub justification: String,
}

/// One suppression, wherever it came from.
struct Entry<'a> {
    code: String,
    resource: Option<String>,
    /// For one in a template: only findings with a place in this template.
    file: Option<String>,
    reason: String,
    origin: String,
    spot: Spot<'a>,
    used: bool,
}

/// Sorts the suppressed findings out, and adds what is wrong with the suppressions.
#[must_use]
pub fn apply(pair: &Pair<'_>, findings: Vec<Finding>, outside: &[Suppression]) -> (Vec<Finding>, Vec<Suppressed>) {
    let mut entries = inside(pair);
    entries.extend(outside.iter().map(|suppression| Entry {
        code: suppression.code.clone(),
        resource: suppression.resource.clone(),
        file: None,
        reason: suppression.reason.clone(),
        origin: suppression.origin.clone(),
        spot: Spot::side(&pair.primary),
        used: false,
    }));
    let (mut kept, mut suppressed) = (Vec::new(), Vec::new());
    for finding in findings {
        let covers = |entry: &&mut Entry<'_>| !entry.reason.trim().is_empty() && entry.covers(&finding);
        match entries.iter_mut().find(covers) {
            Some(entry) => {
                entry.used = true;
                suppressed.push(Suppressed {
                    finding,
                    justification: entry.reason.trim().to_owned(),
                });
            }
            None => kept.push(finding),
        }
    }
    let mut wrong = Findings::new(pair);
    for entry in &entries {
        let (rule, what) = if rules::find(&entry.code).is_none() {
            (&SUPPRESSION_UNKNOWN, format!("no rule has the code `{}`", entry.code))
        } else if entry.reason.trim().is_empty() {
            (
                &SUPPRESSION_UNREASONED,
                format!("the suppression of {} gives no reason", entry.code),
            )
        } else if !entry.used {
            (
                &SUPPRESSION_UNUSED,
                format!("the suppression of {} suppresses nothing", entry.code),
            )
        } else {
            continue;
        };
        let reason = if entry.origin.is_empty() {
            what
        } else {
            format!("{}: {what}", entry.origin)
        };
        wrong.add(rule, reason, &[entry.spot]);
    }
    kept.extend(wrong.finish());
    kept.sort();
    (kept, suppressed)
}

impl Entry<'_> {
    fn covers(&self, finding: &Finding) -> bool {
        // What SAM generates beside a function stands at the function's own place.
        let inside = |place: &Place, resource: &String| {
            place.resource.as_ref() == Some(resource)
                || place
                    .path
                    .strip_prefix("Resources.")
                    .and_then(|path| path.split('.').next())
                    == Some(resource)
        };
        let here = |place: &Place| {
            self.file.as_ref().is_none_or(|file| *file == place.file)
                && self.resource.as_ref().is_none_or(|resource| inside(place, resource))
        };
        self.code == finding.code && finding.places.iter().any(here)
    }
}

/// The suppressions inside the templates.
fn inside<'a>(pair: &'a Pair<'_>) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for side in pair.sides() {
        let mut add = |metadata: &Node, file: &str, resource: Option<&str>, or: Spot<'a>| {
            for given in metadata.at("Understudy.Suppress").each() {
                entries.push(Entry {
                    code: given.get("Code").text().unwrap_or_default().to_owned(),
                    resource: resource.map(str::to_owned),
                    file: Some(file.to_owned()),
                    reason: given.get("Reason").text().unwrap_or_default().to_owned(),
                    origin: String::new(),
                    spot: given.at.map_or(or, |at| Spot::node(side, at)),
                    used: false,
                });
            }
        };
        for (metadata, document) in side.template_metadata.iter().zip(side.documents.clone()) {
            add(metadata, &pair.documents[document].file, None, Spot::side(side));
        }
        let mut seen = std::collections::BTreeSet::new();
        for resource in &side.resources {
            // What SAM generates beside a function shares the function's metadata.
            if resource.metadata.at.is_some_and(|at| !seen.insert(at)) {
                continue;
            }
            let file = &pair.documents[resource.at.document].file;
            add(
                &resource.metadata,
                file,
                Some(resource.logical()),
                Spot::resource(side, resource),
            );
        }
    }
    entries
}
