//! Functions that must do the same work, as fast, on the resources of their own region.

use std::collections::BTreeSet;

use super::aurora::{properties_differ, short};
use super::presence::is_provider;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side, regions};
use crate::lint::value::Node;

rules! {
    RUNTIME = "UL401": "run-time settings differ",
        "the same package may start in one region and not in the other",
        "give both functions the same Runtime, Handler, Architectures and PackageType";
    PACKAGE = "UL402": "packages differ",
        "the regions run different programs: after the failover orders are handled by another version",
        "deploy the same package, with the same digest, in both regions";
    SIZE = "UL403": "memory or time-out differs",
        "the standby is slower, or gives up earlier, under the load that it takes over",
        "give both functions the same MemorySize, Timeout and EphemeralStorage";
    KEYS = "UL404": "environment variables differ",
        "a program that finds its variable in one region does not in the other",
        "set the same variables in both regions";
    POINTER = "UL405": "an environment variable that points into the wrong region",
        "in an outage the function calls what is lost, though everything it needs is beside it",
        "point it at the resource of its own region; call a variable that is meant to name a fixed region by its role, such as PRIMARY_REGION";
    CONSTANT = "UL406": "an environment variable whose value differs",
        "the regions behave differently, and a failover changes more than the region",
        "give both the same value";
    CONCURRENCY = "UL407": "reserved or provisioned concurrency differs",
        "the standby competes with everything else in its region for what is left of the account's limit",
        "reserve the same concurrency in both regions";
    SOURCE = "UL408": "an event source or a caller in another region",
        "the service calls functions of its own region only: nothing ever arrives, or the stack cannot be made",
        "name the source of this region";
    MAPPING = "UL409": "event source mappings differ",
        "messages are taken in other batches, or failures are reported in another way",
        "give both mappings the same settings";
    DISABLED = "UL410": "a mapping that is switched off on one side",
        "messages pile up there until somebody calls Lambda's control plane, in the middle of an outage",
        "enable it on both sides, and let the function itself ask whether it may work";
    FAILURES = "UL411": "a destination for failures on one side only",
        "events that fail in the other region are gone",
        "set DeadLetterConfig, or the destination on failure, in both regions";
    NETWORKED = "UL412": "in a network on one side only",
        "the function reaches the database in one region only, or the internet only in the other",
        "set VpcConfig in both regions, or in none";
    SCALE = "UL413": "scaling limits differ",
        "the service cannot grow to the load that it takes over",
        "give both regions the same counts, sizes and limits";
}

const FUNCTION: &str = "AWS::Lambda::Function";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for couple in pair.couples(&[FUNCTION]) {
        if !is_provider(&pair.primary, couple.0) {
            functions(pair, couple, found);
        }
    }
    for couple in pair.couples(&["AWS::Lambda::Alias", "AWS::Lambda::Version"]) {
        let config = [
            ("ProvisionedConcurrencyConfig", ""),
            ("ProvisionedConcurrencyConfiguration", ""),
        ];
        properties_differ(pair, couple, &config, &CONCURRENCY, found);
    }
    for couple in pair.couples(&["AWS::Lambda::EventSourceMapping"]) {
        mappings(pair, couple, found);
    }
    for couple in pair.couples(&["AWS::Lambda::EventInvokeConfig"]) {
        one_sided(pair, couple, "DestinationConfig.OnFailure", found);
    }
    let scaled = [
        ("AWS::ECS::Service", &["DesiredCount", "LaunchType"] as &[&str]),
        ("AWS::ECS::TaskDefinition", &["Cpu", "Memory"]),
        (
            "AWS::ApplicationAutoScaling::ScalableTarget",
            &["MinCapacity", "MaxCapacity"],
        ),
        ("AWS::AutoScaling::AutoScalingGroup", &["MinSize", "MaxSize"]),
        (
            "AWS::ElastiCache::ReplicationGroup",
            &["CacheNodeType", "NumNodeGroups"],
        ),
    ];
    for (kind, properties) in scaled {
        let properties: Vec<(&str, &str)> = properties.iter().map(|property| (*property, "")).collect();
        for couple in pair.couples(&[kind]) {
            properties_differ(pair, couple, &properties, &SCALE, found);
        }
    }
    for side in pair.sides() {
        sources(side, found);
    }
}

fn functions(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let (a, b) = couple;
    // Lambda's own defaults stand in for what is left out.
    let runtime = [
        ("Runtime", ""),
        ("Handler", ""),
        ("Architectures", ""),
        ("PackageType", "Zip"),
    ];
    properties_differ(pair, couple, &runtime, &RUNTIME, found);
    let package = ["S3Key", "S3ObjectVersion", "ImageUri", "ZipFile", "S3Uri"];
    for part in package {
        let path = format!("Code.{part}");
        if pair.differ(a.get(&path), b.get(&path)) {
            let reason = format!(
                "{part} of `{}` is {} in {} and {} in {}",
                b.logical(),
                short(b.get(&path)),
                named(&pair.standby),
                short(a.get(&path)),
                named(&pair.primary)
            );
            found.differ(&PACKAGE, couple, &path, reason);
            break;
        }
    }
    properties_differ(
        pair,
        couple,
        &[
            ("MemorySize", "128"),
            ("Timeout", "3"),
            ("EphemeralStorage.Size", "512"),
        ],
        &SIZE,
        found,
    );
    properties_differ(
        pair,
        couple,
        &[("ReservedConcurrentExecutions", "")],
        &CONCURRENCY,
        found,
    );
    one_sided(pair, couple, "DeadLetterConfig.TargetArn", found);
    let networked = |function: &Resource| {
        let subnets = function.get("VpcConfig.SubnetIds");
        if subnets.is_unknown() {
            None
        } else {
            Some(subnets.is_present())
        }
    };
    if let (Some(x), Some(y)) = (networked(a), networked(b))
        && x != y
    {
        let inside = if y { &pair.standby } else { &pair.primary };
        found.differ(
            &NETWORKED,
            couple,
            "VpcConfig",
            format!("`{}` is in a network only in {}", b.logical(), named(inside)),
        );
    }
    environment(pair, couple, found);
}

/// A destination that one of the two lacks.
fn one_sided(pair: &Pair<'_>, couple: (&Resource, &Resource), path: &str, found: &mut Findings<'_>) {
    let (x, y) = (couple.0.get(path), couple.1.get(path));
    if x.is_absent() != y.is_absent() {
        let with = if x.is_absent() { &pair.standby } else { &pair.primary };
        found.differ(
            &FAILURES,
            couple,
            path,
            format!("`{}` has one only in {}", couple.1.logical(), named(with)),
        );
    }
}

fn environment(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let (a, b) = couple;
    let (x, y) = (a.get("Environment.Variables"), b.get("Environment.Variables"));
    if x.is_unknown() || y.is_unknown() {
        return;
    }
    let names = |node: &Node| -> BTreeSet<String> { node.entries().iter().map(|(name, _)| name.clone()).collect() };
    let (first, second) = (names(x), names(y));
    for (side, resource, node, other_side, other, other_node, missing) in [
        (&pair.standby, b, y, &pair.primary, a, x, first.difference(&second)),
        (&pair.primary, a, x, &pair.standby, b, y, second.difference(&first)),
    ] {
        let missing: Vec<String> = missing.map(|name| format!("`{name}`")).collect();
        if let Some(name) = missing.first() {
            let reason = format!(
                "`{}` lacks in {}: {}",
                resource.logical(),
                named(side),
                missing.join(", ")
            );
            let against = other_node.get(name.trim_matches('`'));
            found.add(
                &KEYS,
                reason,
                &[
                    Spot::value(side, resource, node),
                    Spot::value(other_side, other, against),
                ],
            );
        }
    }
    for name in first.intersection(&second) {
        variable(pair, couple, name, (x.get(name), y.get(name)), found);
    }
}

/// Does the name say that the variable is meant to name a fixed region?
fn names_a_role(name: &str) -> bool {
    const ROLES: &[&str] = &[
        "PRIMARY",
        "HOME",
        "STANDBY",
        "SECONDARY",
        "PEER",
        "OTHER",
        "REMOTE",
        "WITNESS",
        "DR",
        "FAILOVER",
        "REPLICA",
        "WRITER",
        "LEADER",
        "COUNTERPART",
    ];
    name.to_uppercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| ROLES.contains(&word))
}

fn variable(
    pair: &Pair<'_>,
    couple: (&Resource, &Resource),
    name: &str,
    nodes: (&Node, &Node),
    found: &mut Findings<'_>,
) {
    let (x, y) = nodes;
    let here = target_region(&pair.primary, x);
    let there = target_region(&pair.standby, y);
    let spots = |wrong_is_standby: bool| {
        let standby = Spot::value(&pair.standby, couple.1, y);
        let primary = Spot::value(&pair.primary, couple.0, x);
        if wrong_is_standby {
            [standby, primary]
        } else {
            [primary, standby]
        }
    };
    if let (Some(first), Some(second)) = (&here, &there) {
        let pointed = first == second && !names_a_role(name);
        if pointed && *first == pair.primary.region {
            let reason = format!(
                "{name} points into {first} from {} as well: {}",
                named(&pair.standby),
                short(y)
            );
            return found.add(&POINTER, reason, &spots(true));
        }
        if pointed && *first == pair.standby.region {
            let reason = format!(
                "{name} points into {first} from {} as well: {}",
                named(&pair.primary),
                short(x)
            );
            return found.add(&POINTER, reason, &spots(false));
        }
        return;
    }
    if x.text().is_some() && y.text().is_some() && pair.differ(x, y) && !names_a_role(name) {
        let reason = format!(
            "{name} is {} in {} and {} in {}",
            short(y),
            named(&pair.standby),
            short(x),
            named(&pair.primary)
        );
        found.add(&CONSTANT, reason, &spots(true));
    }
}

/// The one region that a variable's value names or refers into.
fn target_region(side: &Side, node: &Node) -> Option<String> {
    side.region_of(node).or_else(|| {
        let mut named = regions(node.text()?);
        if named.len() == 1 { named.pop_first() } else { None }
    })
}

fn mappings(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let enabled = |mapping: &Resource| mapping.get("Enabled").yes_or(true);
    if let (Some(x), Some(y)) = (enabled(couple.0), enabled(couple.1))
        && x != y
    {
        let off = if y { &pair.primary } else { &pair.standby };
        found.differ(
            &DISABLED,
            couple,
            "Enabled",
            format!("`{}` is switched off in {}", couple.1.logical(), named(off)),
        );
    }
    let settings = [
        ("BatchSize", "10"),
        ("MaximumBatchingWindowInSeconds", "0"),
        ("FunctionResponseTypes", ""),
        ("ScalingConfig", ""),
        ("FilterCriteria", ""),
        ("StartingPosition", ""),
        ("MaximumRetryAttempts", ""),
    ];
    properties_differ(pair, couple, &settings, &MAPPING, found);
}

fn sources(side: &Side, found: &mut Findings<'_>) {
    let mappings = side
        .of("AWS::Lambda::EventSourceMapping")
        .map(|mapping| (mapping, mapping.get("EventSourceArn")));
    // SNS may call across regions; these may not.
    let permissions = side.of("AWS::Lambda::Permission").filter_map(|permission| {
        let principal = permission.get("Principal").text()?;
        let local = [
            "apigateway.amazonaws.com",
            "events.amazonaws.com",
            "s3.amazonaws.com",
            "sqs.amazonaws.com",
        ];
        local
            .contains(&principal)
            .then(|| (permission, permission.get("SourceArn")))
    });
    for (resource, source) in mappings.chain(permissions) {
        if let Some(region) = side.abroad(source) {
            let reason = format!("`{}` is in {}, its source in {region}", resource.logical(), named(side));
            found.add(&SOURCE, reason, &[Spot::value(side, resource, source)]);
        }
    }
}
