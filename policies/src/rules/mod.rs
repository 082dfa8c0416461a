//! Every rule: what it says, why it is there, how to mend it. One catalogue, grouped as the codes are.

pub mod structure;

use serde::Serialize;

use crate::source::Severity;

/// What a rule is about. The first digit of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// UP0xx: the form of the file.
    Structure,
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Its code, which never changes its meaning.
    pub code: &'static str,
    /// What it is about.
    pub group: Group,
    /// How much a finding matters.
    pub severity: Severity,
    /// What it says, in a line.
    pub title: &'static str,
    /// Why it is there: the fact it rests on.
    pub why: &'static str,
    /// How to mend what it finds.
    pub mend: &'static str,
}
