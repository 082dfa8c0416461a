//! One side: the templates of one region, resolved for that region.

mod combine;
mod names;
mod resolve;
mod sam;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

pub(crate) use names::{Leeway, neutral};
pub use names::{arn_region, name_property, regions};

use super::document::{Document, NodeId};
use super::value::{Node, Piece, Target};
use resolve::Resolver;

/// Which of the two regions a side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The home of the platform.
    Primary,
    /// The region that takes over.
    Standby,
}

impl Role {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Primary, Self::Standby];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Standby,
            Self::Standby => Self::Primary,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Standby => "standby",
        })
    }
}

/// A resource of a side, its properties resolved.
#[derive(Debug)]
pub struct Resource {
    /// Where it is declared.
    pub target: Target,
    /// Its type, such as `AWS::SQS::Queue`.
    pub kind: String,
    /// The place of the whole resource.
    pub at: NodeId,
    /// Its properties.
    pub properties: Node,
    /// Its metadata.
    pub metadata: Node,
    /// `DeletionPolicy`, as written.
    pub deletion_policy: Node,
    /// Is it only there if a condition holds that is not known before deployment?
    pub doubtful: bool,
}

impl Resource {
    /// The logical id.
    #[must_use]
    pub fn logical(&self) -> &str {
        &self.target.logical
    }

    /// A property by its path.
    #[must_use]
    pub fn get(&self, path: &str) -> &Node {
        self.properties.at(path)
    }

    /// The property that names it, absent if AWS makes a name up.
    #[must_use]
    pub fn name(&self) -> &Node {
        name_property(&self.kind).map_or(self.get("\u{0}"), |property| self.get(property))
    }
}

/// A resource that a condition leaves out on this side.
#[derive(Debug)]
pub struct LeftOut {
    /// Its type.
    pub kind: String,
    /// Its logical id.
    pub logical: String,
    /// The condition.
    pub condition: String,
}

/// The templates of one region, resolved for that region.
#[derive(Debug)]
pub struct Side {
    /// Which one it is.
    pub role: Role,
    /// Its region, such as `us-east-1`.
    pub region: String,
    /// The other side's region.
    pub peer: String,
    /// The numbers of its documents.
    pub documents: std::ops::Range<usize>,
    /// Its resources, in the order of the templates.
    pub resources: Vec<Resource>,
    /// What conditions leave out.
    pub left_out: Vec<LeftOut>,
    /// The names that its outputs export, with their places.
    pub exports: Vec<(Node, NodeId)>,
    /// The names that its templates import.
    pub imports: Vec<(Node, NodeId)>,
    /// Lookups in a mapping that have no entry: the keys, and the place.
    pub lookups: Vec<(String, NodeId)>,
    /// Why this side may hold more than its templates show: nobody may say that something is missing here.
    pub opaque: Vec<String>,
    /// Suppressions of whole templates.
    pub template_metadata: Vec<Node>,
    index: HashMap<Target, usize>,
}

impl Side {
    /// Resolves the documents `range` for `region`.
    #[must_use]
    pub fn build(
        role: Role,
        region: &str,
        peer: &str,
        documents: &[Document],
        range: std::ops::Range<usize>,
        parameters: &BTreeMap<String, String>,
    ) -> Self {
        let mut resolver = Resolver::new(region, &documents[range.clone()], parameters);
        let mut side = Self {
            role,
            region: region.to_owned(),
            peer: peer.to_owned(),
            documents: range,
            resources: Vec::new(),
            left_out: Vec::new(),
            exports: Vec::new(),
            imports: Vec::new(),
            lookups: Vec::new(),
            opaque: Vec::new(),
            template_metadata: Vec::new(),
            index: HashMap::new(),
        };
        resolver.run(&mut side);
        side.resources = std::mem::take(&mut side.resources)
            .into_iter()
            .flat_map(sam::expand)
            .collect();
        side.index = side
            .resources
            .iter()
            .enumerate()
            .map(|(index, resource)| (resource.target.clone(), index))
            .collect();
        side
    }

    /// The resources of a type.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// The resource's number on this side.
    #[must_use]
    pub fn number(&self, target: &Target) -> Option<usize> {
        self.index.get(target).copied()
    }

    /// The resource that a value refers to: by reference, or by its name or ARN if that is known.
    #[must_use]
    pub fn find(&self, value: &Node) -> Option<&Resource> {
        if let Some((target, _)) = value.target() {
            return self.number(target).map(|index| &self.resources[index]);
        }
        let wanted = self.expand(value.pieces());
        if wanted.is_empty() || wanted.contains(&Piece::Unknown) {
            return None;
        }
        self.resources.iter().find(|resource| {
            let matches = |attribute| {
                names::reference(self, resource, attribute).is_some_and(|pieces| same_but_account(&pieces, &wanted))
            };
            matches("Arn") || matches("")
        })
    }

    /// Pieces with references replaced by names and ARNs, as far as these are known.
    #[must_use]
    pub fn expand(&self, pieces: &[Piece]) -> Vec<Piece> {
        let mut made = Vec::new();
        for piece in pieces {
            let known = match piece {
                Piece::Resource(target, attribute) => self
                    .number(target)
                    .and_then(|index| names::reference(self, &self.resources[index], attribute)),
                _ => None,
            };
            for piece in known.unwrap_or_else(|| vec![piece.clone()]) {
                super::value::push(&mut made, piece);
            }
        }
        made
    }

    /// The region that a value points into: that of an ARN or of an AWS host name, or its own for a reference.
    #[must_use]
    pub fn region_of(&self, value: &Node) -> Option<String> {
        match value.target() {
            Some((target, _)) if self.number(target).is_some() => Some(self.region.clone()),
            _ => arn_region(value.pieces()),
        }
    }

    /// The other side's region, if that is where the value points.
    #[must_use]
    pub fn abroad(&self, value: &Node) -> Option<String> {
        self.region_of(value).filter(|region| *region != self.region)
    }
}

/// Are two texts the same, if an account's id and twelve digits are taken for the same?
fn same_but_account(a: &[Piece], b: &[Piece]) -> bool {
    let key = |pieces: &[Piece]| {
        let text: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Account => "000000000000".to_owned(),
                other => super::value::shown(std::slice::from_ref(other)),
            })
            .collect();
        text.split(':')
            .map(|part| {
                let account = part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
                if account { "account" } else { part }
            })
            .collect::<Vec<_>>()
            .join(":")
    };
    key(a) == key(b)
}
