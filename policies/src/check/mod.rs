//! What a policy means: whether it keeps its promise, and whether it walks into a trap that is known.

mod budget;
mod database;
mod evidence;
mod failback;
mod guards;
mod infrastructure;
mod lease;
mod traffic;

use crate::model::Policy;
use crate::policy::Document;
use crate::rules::Rule;
use crate::source::{Diagnostics, Finding};

/// Judges a policy by every rule of meaning. The result may hold warnings and notes only.
#[must_use]
pub fn check(document: &Document) -> Diagnostics {
    let mut check = Check {
        document,
        findings: Vec::new(),
    };
    guards::check(&mut check);
    evidence::check(&mut check);
    budget::check(&mut check);
    lease::check(&mut check);
    traffic::check(&mut check);
    database::check(&mut check);
    failback::check(&mut check);
    infrastructure::check(&mut check);
    document.diagnostics(check.findings)
}

/// Collects the findings about one policy.
struct Check<'d> {
    document: &'d Document,
    findings: Vec<Finding>,
}

impl<'d> Check<'d> {
    fn policy(&self) -> &'d Policy {
        self.document.policy()
    }

    /// Reports a finding that is mended as its rule says.
    fn report(&mut self, rule: &Rule, message: impl Into<String>, places: &[(&str, &str)]) {
        self.report_with(rule, message, as_help(rule.mend), places);
    }

    /// Reports a finding with help of its own. The first place is the one that it is about.
    fn report_with(
        &mut self,
        rule: &Rule,
        message: impl Into<String>,
        help: impl Into<String>,
        places: &[(&str, &str)],
    ) {
        let labels = places
            .iter()
            .filter_map(|(key, text)| self.document.label(key, text))
            .collect();
        self.findings.push(Finding {
            code: rule.code,
            severity: rule.severity,
            message: message.into(),
            help: Some(help.into()),
            key: places.first().map(|(key, _)| (*key).to_owned()),
            labels,
        });
    }
}

/// A sentence of the catalogue as a diagnostic has it: without a capital and a full stop.
fn as_help(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut letters = sentence.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
