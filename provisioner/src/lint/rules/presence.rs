//! What is there on one side only.

use super::rules;
use crate::lint::finding::{Findings, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side};
use crate::lint::value::Piece;

rules! {
    STATEFUL = "UL101": "a store without a counterpart",
        "what it holds is lost with its region: the other region has nowhere to read it from",
        "declare its counterpart in the other region's template, or move it out of the regional stacks";
    RUNNING = "UL102": "something that runs in one region only",
        "the other region cannot do this work, so it cannot take over",
        "declare its counterpart in the other region's template";
    WIRING = "UL103": "a message path in one region only",
        "events and notices that flow in one region stop in the other, just when they are needed",
        "declare its counterpart in the other region's template";
}

/// Stores with rules of their own (secrets, parameters, global tables) are not among them.
pub(super) const STORES: &[&str] = &[
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::MSK::Cluster",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
];

const RUNS: &[&str] = &[
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGatewayV2::Api",
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::EC2::VPC",
    "AWS::ECS::Service",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::StepFunctions::StateMachine",
];

const PATHS: &[&str] = &[
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::SNS::Topic",
    "AWS::Scheduler::Schedule",
    "AWS::WAFv2::WebACLAssociation",
];

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        for (rule, kinds) in [(&STATEFUL, STORES), (&RUNNING, RUNS), (&WIRING, PATHS)] {
            for resource in pair.alone(side, kinds) {
                if excused(pair, side, resource) {
                    continue;
                }
                let other = pair.side(side.role.other());
                let left_out = other
                    .left_out
                    .iter()
                    .find(|left_out| left_out.kind == resource.kind && left_out.logical == resource.logical());
                let because = left_out.map_or(String::new(), |left_out| {
                    format!(": it is left out there by its condition `{}`", left_out.condition)
                });
                let reason = format!(
                    "{} `{}` of {} has no counterpart in {}{because}",
                    resource.kind,
                    resource.logical(),
                    named(side),
                    named(other),
                );
                found.alone(rule, side, resource, reason);
            }
        }
    }
}

fn excused(pair: &Pair<'_>, side: &Side, resource: &Resource) -> bool {
    match resource.kind.as_str() {
        "AWS::Lambda::Function" => is_provider(side, resource),
        // One way of forwarding is the events' own rule.
        "AWS::Events::Rule" => super::events::forwards(side, resource),
        "AWS::DynamoDB::Table" => super::dynamodb::replicated(side, resource),
        // A key that no store uses protects nothing that the other region would need.
        "AWS::KMS::Key" => !is_referred_to(side, resource) || pair.counterpart(side, resource).is_some(),
        _ => false,
    }
}

fn is_referred_to(side: &Side, resource: &Resource) -> bool {
    let mut found = false;
    for other in side.resources.iter().filter(|other| other.target != resource.target) {
        other.properties.walk(&mut |node| {
            found |= node
                .pieces()
                .iter()
                .any(|piece| matches!(piece, Piece::Resource(target, _) if *target == resource.target));
        });
    }
    found
}

/// A function behind custom resources works while a stack is deployed, and never for the platform.
pub(super) fn is_provider(side: &Side, resource: &Resource) -> bool {
    let path = resource.metadata.get("aws:cdk:path").text().unwrap_or_default();
    let generated = [
        "Custom::",
        "/framework-on",
        "BucketNotificationsHandler",
        "/LogRetention",
    ];
    generated.iter().any(|mark| path.contains(mark))
        || side.resources.iter().any(|other| {
            other
                .get("ServiceToken")
                .target()
                .is_some_and(|(target, _)| *target == resource.target)
        })
}
