//! From a text to a typed policy: the form of the file. What it means is the checker's business.

mod action;
mod guard;
mod infrastructure;
mod lease;
mod names;
mod timing;
mod witness;

use crate::gather;
use crate::model::{Policy, RegionName, Regions};
use crate::rules;
use crate::source::{Diagnostics, Finding, Label, Places, Reader, Source, Table};

/// A policy together with the text that it was read from, so that a finding can underline what it is about.
#[derive(Debug, Clone)]
pub struct Document {
    source: Source,
    policy: Policy,
    places: Places,
}

impl Document {
    /// Reads the form of a policy file.
    ///
    /// # Errors
    /// With everything that is wrong with its form, at once.
    pub fn read(source: &Source) -> Result<Self, Diagnostics> {
        let (policy, places) = Reader::read_with_places(source, rules::structure::code, policy)?;
        Ok(Self {
            source: source.clone(),
            policy,
            places,
        })
    }

    /// The file.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy, without its text.
    #[must_use]
    pub fn into_policy(self) -> Policy {
        self.policy
    }

    /// A label at the value of a key; none when the file does not have the key.
    pub(crate) fn label(&self, key: &str, text: &str) -> Option<Label> {
        let place = self.places.get(key)?;
        Some(Label {
            span: place.value.clone(),
            text: Some(text.to_owned()),
        })
    }

    /// The text of a key's value, as the file has it.
    pub(crate) fn value_text(&self, key: &str) -> Option<&str> {
        self.source.text().get(self.places.get(key)?.value.clone())
    }

    /// The findings of a check.
    pub(crate) fn diagnostics(&self, findings: Vec<Finding>) -> Diagnostics {
        Diagnostics::new(self.source.clone(), findings)
    }
}

/// Reads a policy's form: that the keys are there, known, of the right type and inside their bounds. Whether the
/// policy makes sense is for the checker.
///
/// # Errors
/// With everything that is wrong with its form, at once.
pub fn parse(name: &str, text: &str) -> Result<Policy, Diagnostics> {
    Document::read(&Source::new(name, text)).map(Document::into_policy)
}

/// The version of the file format that this release reads.
pub const VERSION: u32 = 1;

fn policy(table: &Table<'_>) -> Option<Policy> {
    gather!(Policy {
        version: version(table),
        name: table.parsed("name", short_name),
        mode: table.name("mode"),
        regions: table.table("regions", regions),
        budget: table.table("budget", timing::budget),
        bounds: table.table("bounds", timing::bounds),
        witnesses: table.tables("witness", 1..=64, witness::witness),
        quorum: table.table("quorum", witness::quorum),
        losses: table.table("losses", guard::losses),
        guards: table.table("guards", guard::guards),
        lease: table.table("lease", lease::lease),
        traffic: table.table("traffic", action::traffic),
        database: table.table("database", action::database),
        failback: table.table("failback", action::failback),
        gates: table.table("gates", action::gates),
        deadlines: table.table("deadlines", timing::deadlines),
        infrastructure: table.table("infrastructure", infrastructure::infrastructure),
    })
}

fn version(table: &Table<'_>) -> Option<u32> {
    let version = table.integer("version", 1..=u32::MAX)?;
    if version == VERSION {
        return Some(version);
    }
    table.refuse(
        "version",
        rules::structure::VERSION.code,
        format!("version {version} of the policy format is not known here"),
        format!("this release reads version {VERSION}; use the release that the file was written for"),
    );
    None
}

/// Names of policies and witnesses: they appear in journals, metrics and execution names.
fn short_name(text: &str) -> Result<String, String> {
    let fits = text.len() <= 40
        && text.split('-').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a short name; write lower-case words joined by dashes, at most 40 letters"
        ))
    }
}

fn regions(table: &Table<'_>) -> Option<Regions> {
    gather!(Regions {
        primary: table.parsed("primary", RegionName::new),
        standby: table.parsed("standby", RegionName::new),
        witness: table.parsed("witness", RegionName::new),
    })
}
