//! Roles: IAM knows no regions, but what a role may do often does.

use std::collections::BTreeSet;

use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side, arn_region, regions};
use crate::lint::value::Node;

rules! {
    TRUST = "UL581": "a role that trusts one region's service only",
        "in the other region nobody may take the role, and nothing that needs it starts",
        "trust the service without a region, or the one of each region";
    PINNED = "UL582": "permissions for the other region's resources only",
        "what runs here may touch only what is lost",
        "allow the resources of this region, for example with AWS::Region in their ARNs";
    ACTIONS = "UL583": "permissions of two roles differ",
        "what is allowed in one region is denied in the other, and it shows in the failover",
        "give both roles the same actions";
    REQUESTED = "UL584": "a condition that allows another region only",
        "aws:RequestedRegion denies every call in the role's own region",
        "list this region in the condition as well";
    MANAGED = "UL585": "managed policies of two roles differ",
        "one of the roles may do more or less than the other, and nobody sees it in its own statements",
        "attach the same managed policies to both";
}

const ROLE: &str = "AWS::IAM::Role";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for couple in pair.couples(&[ROLE]) {
        trust(pair, couple, found);
        permissions(pair, couple, found);
        super::aurora::properties_differ(pair, couple, &[("ManagedPolicyArns", "")], &MANAGED, found);
    }
    for side in pair.sides() {
        for role in side.of(ROLE) {
            for (resource, statement) in statements(side, role).unwrap_or_default() {
                requested(side, resource, statement, found);
            }
        }
    }
}

/// A statement, and the resource that declares it.
type Statement<'a> = (&'a Resource, &'a Node);

/// The statements of a role, its own and those of policies beside it. `None` if some are unknown.
fn statements<'a>(side: &'a Side, role: &'a Resource) -> Option<Vec<Statement<'a>>> {
    let mut all = Vec::new();
    let mut add = |resource: &'a Resource, document: &'a Node| {
        if document.is_unknown() || document.get("Statement").is_unknown() {
            return None;
        }
        all.extend(
            document
                .get("Statement")
                .each()
                .iter()
                .map(|statement| (resource, statement)),
        );
        Some(())
    };
    if role.get("Policies").is_unknown() {
        return None;
    }
    for policy in role.get("Policies").items() {
        add(role, policy.get("PolicyDocument"))?;
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"] {
        for policy in side.of(kind) {
            let of = |node: &Node| side.find(node).is_some_and(|found| found.target == role.target);
            if policy.get("Roles").items().iter().any(of) || of(policy.get("RoleName")) {
                add(policy, policy.get("PolicyDocument"))?;
            }
        }
    }
    Some(all)
}

fn trust(pair: &Pair<'_>, (a, b): (&Resource, &Resource), found: &mut Findings<'_>) {
    let services = |role: &Resource| -> Vec<String> {
        let statements = role.get("AssumeRolePolicyDocument.Statement").each().iter();
        statements
            .flat_map(|statement| statement.at("Principal.Service").texts())
            .map(str::to_owned)
            .collect()
    };
    let (x, y) = (services(a), services(b));
    for service in y.iter().filter(|service| x.contains(service)) {
        for (side, role, other_side, other) in [
            (&pair.standby, b, &pair.primary, a),
            (&pair.primary, a, &pair.standby, b),
        ] {
            // A regional principal, such as states.us-east-1.amazonaws.com.
            if regions(service).contains(&other_side.region) && !regions(service).contains(&side.region) {
                let generic = service.replace(&format!("{}.", other_side.region), "");
                let local = service.replace(&other_side.region, &side.region);
                let trusted = services(role);
                if trusted.contains(&generic) || trusted.contains(&local) {
                    continue;
                }
                let reason = format!("`{}` in {} trusts `{service}` only", role.logical(), named(side));
                let spots = [
                    Spot::value(side, role, role.get("AssumeRolePolicyDocument")),
                    Spot::value(other_side, other, other.get("AssumeRolePolicyDocument")),
                ];
                found.add(&TRUST, reason, &spots);
            }
        }
    }
}

fn permissions(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let (a, b) = couple;
    let (Some(x), Some(y)) = (statements(&pair.primary, a), statements(&pair.standby, b)) else {
        return;
    };
    pinned(pair, (&x, &y), found);
    let actions = |all: &[Statement<'_>], effect: &str| -> Option<BTreeSet<String>> {
        let mut actions = BTreeSet::new();
        for (_, statement) in all
            .iter()
            .filter(|(_, statement)| statement.get("Effect").text() == Some(effect))
        {
            for key in ["Action", "NotAction"] {
                for action in statement.get(key).each() {
                    let not = if key == "NotAction" { "all but " } else { "" };
                    actions.insert(format!("{not}{}", action.text()?));
                }
            }
        }
        Some(actions)
    };
    for effect in ["Allow", "Deny"] {
        let (Some(first), Some(second)) = (actions(&x, effect), actions(&y, effect)) else {
            continue;
        };
        let list = |actions: Vec<&String>| {
            actions
                .iter()
                .map(|action| action.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut parts = Vec::new();
        for (only, side) in [
            (first.difference(&second).collect::<Vec<_>>(), &pair.primary),
            (second.difference(&first).collect(), &pair.standby),
        ] {
            if !only.is_empty() {
                parts.push(format!("{} only in {}", list(only), named(side)));
            }
        }
        if !parts.is_empty() {
            let verb = if effect == "Allow" { "is allowed" } else { "is denied" };
            found.differ(
                &ACTIONS,
                couple,
                "Policies",
                format!("`{}` {verb} {}", b.logical(), parts.join("; ")),
            );
        }
    }
}

/// Statements of both sides that name the same region's resources, and none of the other's.
fn pinned(pair: &Pair<'_>, statements: (&[Statement<'_>], &[Statement<'_>]), found: &mut Findings<'_>) {
    let reached = |side: &Side, all: &[Statement<'_>], service: &str| -> BTreeSet<String> {
        let resources = all.iter().flat_map(|(_, statement)| statement.get("Resource").each());
        let of = resources.filter(|node| service_of(side, node).is_some_and(|found| found == service));
        of.filter_map(|node| side.region_of(node)).collect()
    };
    let (x, y) = statements;
    for (side, own, other_side, other) in [
        (&pair.standby, y, &pair.primary, x),
        (&pair.primary, x, &pair.standby, y),
    ] {
        let only: BTreeSet<String> = BTreeSet::from([other_side.region.clone()]);
        for (resource, statement) in own {
            for node in statement.get("Resource").each() {
                if arn_region(node.pieces()).as_ref() != Some(&other_side.region) {
                    continue;
                }
                let Some(service) = service_of(side, node) else {
                    continue;
                };
                if reached(side, own, &service) == only && reached(other_side, other, &service) == only {
                    let reason = format!(
                        "`{}` in {} may use {service} only in {}",
                        resource.logical(),
                        named(side),
                        other_side.region
                    );
                    found.add(&PINNED, reason, &[Spot::value(side, resource, node)]);
                }
            }
        }
    }
}

/// The service that an ARN belongs to.
fn service_of(side: &Side, node: &Node) -> Option<String> {
    let text = crate::lint::value::shown(&side.expand(node.pieces()));
    let service = text.strip_prefix("arn:")?.split(':').nth(1)?.to_owned();
    Some(service)
}

fn requested(side: &Side, resource: &Resource, statement: &Node, found: &mut Findings<'_>) {
    for (operator, conditions) in statement.get("Condition").entries() {
        let node = conditions.get("aws:RequestedRegion");
        let allows = operator.starts_with("StringEquals") || operator.starts_with("StringLike");
        let known = node.each().iter().all(|node| node.text().is_some());
        let wild = node
            .texts()
            .iter()
            .any(|text| text.contains('*') || *text == side.region);
        if allows && node.is_present() && known && !wild && statement.get("Effect").text() == Some("Allow") {
            let reason = format!(
                "`{}` allows calls in {} only, and is of {}",
                resource.logical(),
                node.shown(),
                named(side)
            );
            found.add(&REQUESTED, reason, &[Spot::value(side, resource, node)]);
        }
    }
}
