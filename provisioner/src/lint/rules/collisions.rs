//! Names that are the same on both sides where they must differ, and what both sides should say alike.

use std::collections::BTreeSet;

use super::presence::STORES;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side, name_property};
use crate::lint::value::{Node, Piece};

rules! {
    BUCKET = "UL111": "one bucket name on both sides",
        "bucket names are unique in the world: the second region's bucket cannot be made",
        "put the region into the name";
    IDENTITY = "UL112": "one IAM name on both sides",
        "IAM knows no regions: the second stack fails, or both stacks change one role",
        "put the region into the name, or let CloudFormation make one up";
    KEPT = "UL113": "kept on one side, deleted on the other",
        "one mistake with a stack loses in one region what the other would have kept",
        "give both the same DeletionPolicy";
    SUFFIX = "UL114": "a name without the environment suffix",
        "two environments in one account collide, and one region's failover finds the other environment's resources",
        "end the name with the environment suffix";
    TAGS = "UL115": "a tag on one side only",
        "what finds resources by their tags (costs, backups, permissions) works in one region only",
        "give both the same tags";
}

const IAM: &[&str] = &[
    "AWS::IAM::Group",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
];

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    same_names(pair, &["AWS::S3::Bucket"], &BUCKET, found);
    same_names(pair, IAM, &IDENTITY, found);
    for couple in pair.couples(STORES) {
        let default = if couple.0.kind == "AWS::RDS::DBCluster" {
            "Snapshot"
        } else {
            "Delete"
        };
        let policy = |resource: &Resource| match &resource.deletion_policy {
            node if node.is_absent() => Some(default.to_owned()),
            node => node.text().map(str::to_owned),
        };
        if let (Some(a), Some(b)) = (policy(couple.0), policy(couple.1))
            && a != b
        {
            let reason = format!(
                "DeletionPolicy is {b} in {} and {a} in {}",
                named(&pair.standby),
                named(&pair.primary)
            );
            found.add(
                &KEPT,
                reason,
                &[
                    Spot::value(&pair.standby, couple.1, &couple.1.deletion_policy),
                    Spot::value(&pair.primary, couple.0, &couple.0.deletion_policy),
                ],
            );
        }
    }
    if let Some(suffix) = &pair.limits.suffix {
        for side in pair.sides() {
            for resource in &side.resources {
                unsuffixed(side, resource, suffix, found);
            }
        }
    }
    for couple in pair.couples(&[]) {
        tags(pair, couple, found);
    }
}

/// The name, if nothing in it can differ between the two stacks.
fn fixed(resource: &Resource) -> Option<&[Piece]> {
    let pieces = resource.name().pieces();
    let fixed = |piece: &Piece| matches!(piece, Piece::Literal(_) | Piece::Account);
    (!pieces.is_empty() && pieces.iter().all(fixed)).then_some(pieces)
}

fn same_names(pair: &Pair<'_>, kinds: &[&str], rule: &crate::lint::finding::Rule, found: &mut Findings<'_>) {
    let of = |side: &'_ Side| {
        side.resources
            .iter()
            .filter(|resource| kinds.contains(&resource.kind.as_str()))
            .map(|resource| resource.target.clone())
            .collect::<Vec<_>>()
    };
    for b in of(&pair.standby) {
        for a in of(&pair.primary) {
            let (Some(x), Some(y)) = (pair.primary.number(&a), pair.standby.number(&b)) else {
                continue;
            };
            let (x, y) = (&pair.primary.resources[x], &pair.standby.resources[y]);
            if x.kind == y.kind && fixed(x).is_some() && fixed(x) == fixed(y) {
                let reason = format!("both sides name a {} `{}`", x.kind, y.name().shown());
                let spots = [
                    Spot::value(&pair.standby, y, y.name()),
                    Spot::value(&pair.primary, x, x.name()),
                ];
                found.add(rule, reason, &spots);
            }
        }
    }
}

fn unsuffixed(side: &Side, resource: &Resource, suffix: &str, found: &mut Findings<'_>) {
    // A domain name is the customer's, not the environment's.
    let domain = matches!(name_property(&resource.kind), Some("DomainName"));
    let Some(pieces) = fixed(resource).filter(|_| !domain) else {
        return;
    };
    let carries = pieces.iter().any(|piece| match piece {
        Piece::Literal(letters) => {
            letters.split(|c: char| !c.is_alphanumeric()).any(|word| word == suffix)
                || letters.contains(suffix) && suffix.contains('-')
        }
        _ => false,
    });
    if !carries {
        let reason = format!(
            "`{}` does not carry the environment suffix `{suffix}`",
            resource.name().shown()
        );
        found.add(&SUFFIX, reason, &[Spot::value(side, resource, resource.name())]);
    }
}

fn tags(pair: &Pair<'_>, (a, b): (&Resource, &Resource), found: &mut Findings<'_>) {
    let keys = |resource: &Resource| -> Option<BTreeSet<String>> {
        let tags = resource.get("Tags");
        if tags.is_unknown() {
            return None;
        }
        let listed = tags.items().iter().map(|tag| tag.get("Key").text().map(str::to_owned));
        listed
            .chain(tags.entries().iter().map(|(key, _)| Some(key.clone())))
            // What the CDK notes for itself is nobody's tag.
            .filter(|key| !key.as_ref().is_some_and(|key| key.starts_with("aws-cdk:")))
            .collect()
    };
    let (Some(x), Some(y)) = (keys(a), keys(b)) else { return };
    let list = |keys: Vec<&String>| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    for (side, resource, other_side, other, missing) in [
        (&pair.standby, b, &pair.primary, a, x.difference(&y).collect::<Vec<_>>()),
        (&pair.primary, a, &pair.standby, b, y.difference(&x).collect()),
    ] {
        if !missing.is_empty() {
            let node: &Node = resource.get("Tags");
            let reason = format!(
                "`{}` lacks in {} the tag {}",
                resource.logical(),
                named(side),
                list(missing)
            );
            found.add(
                &TAGS,
                reason,
                &[
                    Spot::value(side, resource, node),
                    Spot::value(other_side, other, other.get("Tags")),
                ],
            );
        }
    }
}
