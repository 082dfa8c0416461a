//! What the linter finds, and where.

use std::cmp::Ordering;

use serde::Serialize;

use super::document::NodeId;
use super::pair::Pair;
use super::side::{Resource, Role, Side};
use super::value::Node;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Such as `UL101`.
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why that keeps one region from taking over, or makes the two contradict each other.
    pub why: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// `primary` or `standby`.
    pub side: String,
    /// The file's name as it was given.
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    /// Counts from 1, in characters.
    pub column: usize,
    /// Such as `Resources.Orders.Properties.Timeout`.
    pub path: String,
    /// The logical id of the resource; none for a place outside of resources.
    pub resource: Option<String>,
}

/// What the linter found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// What is wrong here.
    pub reason: String,
    /// How to mend it.
    pub mend: &'static str,
    /// Where it is wrong, then the place on the other side that it is wrong against.
    pub places: Vec<Place>,
}

impl Finding {
    fn key(&self) -> (&Vec<Place>, &'static str, &String) {
        (&self.places, self.code, &self.reason)
    }
}

impl PartialOrd for Finding {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finding {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Where a rule points: a side, and a value or a whole resource on it.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    side: &'a Side,
    at: Option<NodeId>,
    resource: Option<&'a Resource>,
}

impl<'a> Spot<'a> {
    /// A value inside a resource; the whole resource if the value is absent.
    #[must_use]
    pub fn value(side: &'a Side, resource: &'a Resource, node: &Node) -> Self {
        // A value that came from elsewhere, such as a parameter or another stack, is still this resource's.
        Self {
            side,
            at: Some(node.at.unwrap_or(resource.at)),
            resource: Some(resource),
        }
    }

    /// A whole resource.
    #[must_use]
    pub fn resource(side: &'a Side, resource: &'a Resource) -> Self {
        Self {
            side,
            at: Some(resource.at),
            resource: Some(resource),
        }
    }

    /// A place outside of resources.
    #[must_use]
    pub fn node(side: &'a Side, at: NodeId) -> Self {
        Self {
            side,
            at: Some(at),
            resource: None,
        }
    }

    /// The side as such: where something is missing.
    #[must_use]
    pub fn side(side: &'a Side) -> Self {
        Self {
            side,
            at: None,
            resource: None,
        }
    }

    fn place(self, pair: &Pair<'_>) -> Place {
        let document = self.at.map_or(self.side.documents.start, |at| at.document);
        let document = &pair.documents[document];
        let at = self
            .at
            .or_else(|| document.root.get("Resources").map(|raw| raw.id))
            .unwrap_or(document.root.id);
        let (line, column) = document.start(at);
        Place {
            side: self.side.role.to_string(),
            file: document.file.clone(),
            line,
            column,
            path: document.path(at),
            resource: self.resource.map(|resource| resource.logical().to_owned()),
        }
    }
}

/// Collects what one rule finds.
#[derive(Debug)]
pub struct Findings<'a> {
    pair: &'a Pair<'a>,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// Nothing found yet.
    #[must_use]
    pub fn new(pair: &'a Pair<'a>) -> Self {
        Self {
            pair,
            found: Vec::new(),
        }
    }

    /// Adds a finding: where it is wrong, and against what.
    pub fn add(&mut self, rule: &Rule, reason: impl Into<String>, spots: &[Spot<'_>]) {
        self.found.push(Finding {
            code: rule.code,
            reason: reason.into(),
            mend: rule.mend,
            places: spots.iter().map(|spot| spot.place(self.pair)).collect(),
        });
    }

    /// Adds a finding about a resource that nothing stands for on the other side.
    pub fn alone(&mut self, rule: &Rule, side: &Side, resource: &Resource, reason: impl Into<String>) {
        let other = self.pair.side(side.role.other());
        self.add(rule, reason, &[Spot::resource(side, resource), Spot::side(other)]);
    }

    /// Adds a finding about two values that differ; the standby's comes first, it is the one that must take over.
    pub fn differ(&mut self, rule: &Rule, couple: (&Resource, &Resource), path: &str, reason: impl Into<String>) {
        let (a, b) = couple;
        let spots = [
            Spot::value(&self.pair.standby, b, b.get(path)),
            Spot::value(&self.pair.primary, a, a.get(path)),
        ];
        self.add(rule, reason, &spots);
    }

    /// What was found, in order, each once.
    #[must_use]
    pub fn finish(mut self) -> Vec<Finding> {
        self.found.sort();
        self.found.dedup();
        self.found
    }
}

/// "in us-east-2 (standby)"
#[must_use]
pub fn named(side: &Side) -> String {
    let role: Role = side.role;
    format!("{} ({role})", side.region)
}
