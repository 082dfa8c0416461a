//! Both sides together: which resource stands for which, and whether two values mean the same.

mod compare;
mod counterpart;

pub use compare::Same;

use super::document::Document;
use super::side::{Leeway, Resource, Role, Side};
use super::value::Node;

/// What the policy says, as far as the rules need it.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Seconds between two health checks.
    pub check_interval_s: f64,
    /// Failures in a row before a check is unhealthy.
    pub check_failures: f64,
    /// The failover record's TTL in seconds, at most.
    pub record_ttl_s: f64,
    /// The environment suffix that every name must carry, if it is known.
    pub suffix: Option<String>,
}

/// Both sides, and which resource stands for which.
#[derive(Debug)]
pub struct Pair<'a> {
    /// All documents; a [`super::document::NodeId`] points into them.
    pub documents: &'a [Document],
    /// The primary's side.
    pub primary: Side,
    /// The standby's side.
    pub standby: Side,
    /// What the policy says.
    pub limits: Limits,
    /// Pairs of resource numbers, primary first.
    couples: Vec<(usize, usize)>,
    of_primary: Vec<Option<usize>>,
    of_standby: Vec<Option<usize>>,
}

impl<'a> Pair<'a> {
    /// Finds the counterparts.
    #[must_use]
    pub fn new(documents: &'a [Document], primary: Side, standby: Side, limits: Limits) -> Self {
        let couples = counterpart::find(&primary, &standby);
        let mut of_primary = vec![None; primary.resources.len()];
        let mut of_standby = vec![None; standby.resources.len()];
        for (index, (a, b)) in couples.iter().enumerate() {
            of_primary[*a] = Some(index);
            of_standby[*b] = Some(index);
        }
        Self {
            documents,
            primary,
            standby,
            limits,
            couples,
            of_primary,
            of_standby,
        }
    }

    /// One of the sides.
    #[must_use]
    pub fn side(&self, role: Role) -> &Side {
        match role {
            Role::Primary => &self.primary,
            Role::Standby => &self.standby,
        }
    }

    /// Both sides, the primary first.
    #[must_use]
    pub fn sides(&self) -> [&Side; 2] {
        [&self.primary, &self.standby]
    }

    /// The resources of some types that stand for each other, the primary's first.
    pub fn couples<'b>(&'b self, kinds: &'b [&'b str]) -> impl Iterator<Item = (&'b Resource, &'b Resource)> {
        self.couples
            .iter()
            .map(|(a, b)| (&self.primary.resources[*a], &self.standby.resources[*b]))
            .filter(move |(a, _)| kinds.is_empty() || kinds.contains(&a.kind.as_str()))
    }

    fn couple_of(&self, role: Role, number: usize) -> Option<usize> {
        match role {
            Role::Primary => self.of_primary[number],
            Role::Standby => self.of_standby[number],
        }
    }

    /// The resource that stands for this one on the other side.
    #[must_use]
    pub fn counterpart(&self, side: &Side, resource: &Resource) -> Option<&Resource> {
        let (a, b) = self.couples[self.couple_of(side.role, side.number(&resource.target)?)?];
        Some(match side.role {
            Role::Primary => &self.standby.resources[b],
            Role::Standby => &self.primary.resources[a],
        })
    }

    /// The resources of some types that nothing stands for on the other side. Empty where nobody can know: the other
    /// side is not fully given, or the resource itself depends on a condition that is not known.
    #[must_use]
    pub fn alone<'b>(&'b self, side: &'b Side, kinds: &[&str]) -> Vec<&'b Resource> {
        if !self.side(side.role.other()).opaque.is_empty() {
            return Vec::new();
        }
        let alone = |resource: &&Resource| {
            !resource.doubtful && kinds.contains(&resource.kind.as_str()) && self.counterpart(side, resource).is_none()
        };
        side.resources.iter().filter(alone).collect()
    }

    /// Do two values, the primary's first, mean the same for their regions?
    #[must_use]
    pub fn same(&self, a: &Node, b: &Node) -> Same {
        compare::nodes(self, a, b)
    }

    /// Do they certainly differ?
    #[must_use]
    pub fn differ(&self, a: &Node, b: &Node) -> bool {
        self.same(a, b) == Same::No
    }

    /// A text that is equal for values which mean the same, if all of it is known. What may differ is up to `leeway`.
    #[must_use]
    pub(crate) fn key(&self, side: &Side, node: &Node, leeway: Leeway) -> Option<String> {
        compare::key(self, side, node.pieces(), leeway)
    }
}
