//! What points into the wrong region.

use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side, arn_region, regions};
use crate::lint::value::Node;

rules! {
    SAME_REGION = "UL104": "both regions depend on one",
        "the same property points into the same region on both sides: when that region is lost, so is the other",
        "point each side at its own region, for example with AWS::Region";
    ZONE = "UL105": "an availability zone of another region",
        "a zone belongs to one region: the stack cannot be made in the other",
        "choose the zones with Fn::GetAZs, or per region with a mapping";
    IMPORT = "UL106": "an import of what only the other region exports",
        "exports do not cross regions: the stack cannot be made, or needs the other region's values",
        "export the value in this region as well, or pass it as a parameter";
    CROSS_STACK = "UL107": "a stack that reads another region's stack",
        "it can only be deployed or changed while both regions answer, so not in an outage",
        "derive the value from a name that both sides know, or let a step outside of both stacks write it into each region";
    PROVIDER = "UL108": "a custom resource whose provider is in another region",
        "its stack cannot be changed, or even deleted, while the provider's region is lost",
        "deploy the provider in each region and name the one of this region";
    UNMAPPED = "UL109": "a mapping without this region",
        "the lookup fails in this region, and the stack with it",
        "add the region to the mapping, or give Fn::FindInMap a DefaultValue";
    RESOLVE = "UL110": "a dynamic reference into another region",
        "secrets and parameters are resolved in the stack's own region: the stack cannot be made, or depends on the other region",
        "replicate the secret or the parameter, and refer to the copy in this region";
}

/// Types whose references across regions are meant, or are another rule's.
const OTHERS: &[&str] = &[
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::Method",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::Backup::BackupPlan",
    "AWS::CloudFront::Distribution",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::GlobalTable",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::ReplicaKey",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::RDS::GlobalCluster",
    "AWS::SNS::Subscription",
    "AWS::SSM::Parameter",
    "AWS::StepFunctions::StateMachine",
];

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for (a, b) in pair.couples(&[]) {
        let skipped =
            OTHERS.contains(&a.kind.as_str()) || a.kind.starts_with("AWS::Route53::") || a.kind.starts_with("Custom::");
        if !skipped {
            together(pair, (a, b), (&a.properties, &b.properties), found);
        }
    }
    for side in pair.sides() {
        for resource in &side.resources {
            zones(side, resource, &resource.properties, found);
            provider(side, resource, found);
            dynamic(side, resource, found);
        }
        imports(pair, side, found);
        for (keys, at) in &side.lookups {
            let reason = format!(
                "the mapping has no `{keys}`, which this template looks up in {}",
                named(side)
            );
            found.add(&UNMAPPED, reason, &[Spot::node(side, *at)]);
        }
    }
}

/// Properties that other rules judge, or that may rightly name both regions.
fn is_others(key: &str) -> bool {
    let lower = key.to_lowercase();
    [
        "policy",
        "kms",
        "replic",
        "environment",
        "description",
        "body",
        "servicetoken",
        "availabilityzone",
        "tags",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

fn together(pair: &Pair<'_>, couple: (&Resource, &Resource), nodes: (&Node, &Node), found: &mut Findings<'_>) {
    let (a, b) = nodes;
    for (key, value) in a.entries().iter().filter(|(key, _)| !is_others(key)) {
        together(pair, couple, (value, b.get(key)), found);
    }
    for (x, y) in a.items().iter().zip(b.items()) {
        together(pair, couple, (x, y), found);
    }
    let (here, there) = (pair.primary.region_of(a), arn_region(b.pieces()));
    let (back, home) = (pair.standby.region_of(b), arn_region(a.pieces()));
    let add = |found: &mut Findings<'_>, wrong: &Side, region: &str| {
        let (resource, node, other, reference) = if wrong.role == crate::lint::side::Role::Standby {
            (couple.1, b, couple.0, a)
        } else {
            (couple.0, a, couple.1, b)
        };
        let other_side = pair.side(wrong.role.other());
        let reason = format!(
            "{} points into {region}, from {} as well: {}",
            resource.logical(),
            named(wrong),
            node.shown()
        );
        found.add(
            &SAME_REGION,
            reason,
            &[
                Spot::value(wrong, resource, node),
                Spot::value(other_side, other, reference),
            ],
        );
    };
    if let Some(region) = there.filter(|region| *region == pair.primary.region && here.as_ref() == Some(region)) {
        add(found, &pair.standby, &region);
    } else if let Some(region) = home.filter(|region| *region == pair.standby.region && back.as_ref() == Some(region)) {
        add(found, &pair.primary, &region);
    }
}

fn zones(side: &Side, resource: &Resource, node: &Node, found: &mut Findings<'_>) {
    for (key, value) in node.entries() {
        if !key.starts_with("AvailabilityZone") {
            zones(side, resource, value, found);
            continue;
        }
        for zone in value.each() {
            let Some(text) = zone.text() else { continue };
            if regions(text).iter().any(|region| *region != side.region) {
                let reason = format!("`{text}` is no zone of {}", named(side));
                found.add(&ZONE, reason, &[Spot::value(side, resource, zone)]);
            }
        }
    }
    for item in node.items() {
        zones(side, resource, item, found);
    }
}

fn provider(side: &Side, resource: &Resource, found: &mut Findings<'_>) {
    let token = resource.get("ServiceToken");
    if let Some(region) = arn_region(token.pieces()).filter(|region| *region != side.region) {
        let reason = format!(
            "the provider of `{}` is in {region}, not in {}",
            resource.logical(),
            named(side)
        );
        found.add(&PROVIDER, reason, &[Spot::value(side, resource, token)]);
    }
    if resource.kind.starts_with("Custom::CrossRegion") {
        let reason = format!(
            "`{}` carries values between the stacks of two regions",
            resource.logical()
        );
        found.add(&CROSS_STACK, reason, &[Spot::resource(side, resource)]);
    }
}

fn dynamic(side: &Side, resource: &Resource, found: &mut Findings<'_>) {
    resource.properties.walk(&mut |node| {
        let Some(text) = node.text().filter(|text| text.contains("{{resolve:")) else {
            return;
        };
        if let Some(region) = regions(text)
            .into_iter()
            .find(|region| text.contains("arn:") && *region != side.region)
        {
            let reason = format!("this is resolved in {}, but points into {region}", named(side));
            found.add(&RESOLVE, reason, &[Spot::value(side, resource, node)]);
        }
    });
}

fn imports(pair: &Pair<'_>, side: &Side, found: &mut Findings<'_>) {
    let other = pair.side(side.role.other());
    for (name, at) in &side.imports {
        let Some(name) = name.text() else { continue };
        let exports = |side: &Side| side.exports.iter().any(|(export, _)| export.text() == Some(name));
        let elsewhere = other.exports.iter().find(|(export, _)| export.text() == Some(name));
        if let Some((_, export)) = elsewhere.filter(|_| !exports(side)) {
            let reason = format!("`{name}` is exported in {}, and not in {}", named(other), named(side));
            found.add(&IMPORT, reason, &[Spot::node(side, *at), Spot::node(other, *export)]);
        }
    }
}
