//! Keys, secrets and parameters: of each region its own, and the same content.

use super::aurora::{properties_differ, short};
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side, arn_region, regions};
use crate::lint::value::Node;

rules! {
    FOREIGN_KEY = "UL361": "encrypted with another region's key",
        "services use keys of their own region only; a multi-Region key counts as single-Region, its replica has an ARN of its own",
        "name the key, or the replica of the multi-Region key, of this region";
    UNRELATED_KEYS = "UL362": "two multi-Region keys instead of one and its replica",
        "two primary keys share no material: what one region encrypted the other cannot read",
        "declare the standby's as AWS::KMS::ReplicaKey of the primary's";
    SECRET = "UL363": "a secret in one region only",
        "with its region the password is lost, and nobody in the other region can log in",
        "list the other region in ReplicaRegions";
    OWN_REPLICA = "UL364": "a replica of a key of its own region",
        "a replica key must be in another region than its primary: it cannot be made",
        "name the key of the other region in PrimaryKeyArn";
    TWO_SECRETS = "UL365": "a secret that each region generates for itself",
        "the two passwords differ: what one region's secret opens the other's does not",
        "generate it once and replicate it with ReplicaRegions";
    SECRET_TWICE = "UL366": "a secret that is replicated onto another of its name",
        "the replica cannot be made where a secret of that name exists: replication fails and nobody sees it",
        "remove the secret from the other side, or the other side's region from ReplicaRegions";
    PARAMETER = "UL367": "a parameter in one region only",
        "what reads its configuration there fails in the region without it",
        "declare the parameter in both regions";
    VALUES = "UL368": "a parameter whose values differ",
        "the two regions run under different configuration, and a failover changes more than the region",
        "give both the same value, apart from the names of regions";
}

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        for resource in &side.resources {
            foreign_keys(side, resource, &resource.properties, found);
        }
        for replica in side.of("AWS::KMS::ReplicaKey") {
            let primary = replica.get("PrimaryKeyArn");
            if side.region_of(primary).as_ref() == Some(&side.region) {
                let reason = format!("the primary of `{}` is in {} as well", replica.logical(), named(side));
                found.add(&OWN_REPLICA, reason, &[Spot::value(side, replica, primary)]);
            }
        }
        secrets(pair, side, found);
        let other = pair.side(side.role.other());
        for parameter in pair.alone(side, &["AWS::SSM::Parameter"]) {
            let reason = format!(
                "`{}` is a parameter of {}, and none of {}",
                parameter.name().shown(),
                named(side),
                named(other)
            );
            found.alone(&PARAMETER, side, parameter, reason);
        }
    }
    for (a, b) in pair.couples(&["AWS::KMS::Key", "AWS::KMS::ReplicaKey"]) {
        let multi = |key: &Resource| key.kind == "AWS::KMS::Key" && key.get("MultiRegion").yes_or(false) == Some(true);
        if multi(a) && multi(b) {
            let reason = format!("`{}` and its counterpart are both primary keys", b.logical());
            found.differ(&UNRELATED_KEYS, (a, b), "MultiRegion", reason);
        }
    }
    for (a, b) in pair.couples(&["AWS::SecretsManager::Secret"]) {
        let generated = |secret: &Resource| secret.get("GenerateSecretString").is_present();
        if generated(a) && generated(b) && !replicates(&pair.primary, a) && !replicates(&pair.standby, b) {
            let reason = format!("each side generates a password of its own for `{}`", b.logical());
            found.differ(&TWO_SECRETS, (a, b), "GenerateSecretString", reason);
        }
    }
    for couple in pair.couples(&["AWS::SSM::Parameter"]) {
        let (a, b) = (couple.0.get("Value"), couple.1.get("Value"));
        if pair.differ(a, b) && couple.0.name().text().is_some() {
            let reason = format!(
                "`{}` is {} in {} and {} in {}",
                couple.1.name().shown(),
                short(b),
                named(&pair.standby),
                short(a),
                named(&pair.primary)
            );
            found.differ(&VALUES, couple, "Value", reason);
        }
        if same_though_relative(couple.0, a, b) {
            let reason = format!("`{}` is {} on both sides", couple.1.name().shown(), short(b));
            found.differ(&VALUES, couple, "Value", reason);
        }
        properties_differ(pair, couple, &[("Type", "")], &VALUES, found);
    }
}

/// Does a parameter that is named relative to its region, such as `peer`, name the same region on both sides?
fn same_though_relative(parameter: &Resource, a: &Node, b: &Node) -> bool {
    const RELATIVE: &[&str] = &["peer", "other", "remote", "local", "own", "current"];
    let name = parameter.name().text().unwrap_or_default().to_lowercase();
    let relative = name
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| RELATIVE.contains(&word));
    relative
        && a.text()
            .is_some_and(|text| Some(text) == b.text() && !regions(text).is_empty())
}

/// Properties that hold a key's id or ARN: `KmsKeyId`, `KMSMasterKeyID`, `KmsKeyArn`, ...
fn is_key(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with("kms") && (lower.contains("key") || lower.ends_with("id") || lower.ends_with("arn"))
}

fn foreign_keys(side: &Side, resource: &Resource, node: &Node, found: &mut Findings<'_>) {
    for (name, value) in node.entries() {
        // Replicas are encrypted abroad; other rules look at them.
        if name.contains("Replic") {
            continue;
        }
        if is_key(name)
            && let Some(region) = arn_region(value.pieces()).filter(|region| *region != side.region)
        {
            let reason = format!("`{}` in {} names a key of {region}", resource.logical(), named(side));
            found.add(&FOREIGN_KEY, reason, &[Spot::value(side, resource, value)]);
        }
        foreign_keys(side, resource, value, found);
    }
    for item in node.items() {
        foreign_keys(side, resource, item, found);
    }
}

fn replicates(side: &Side, secret: &Resource) -> bool {
    let replicas = secret.get("ReplicaRegions");
    replicas.is_unknown()
        || replicas.items().iter().any(|replica| {
            let region = replica.get("Region");
            region.has_unknown() || region.text() == Some(&side.peer)
        })
}

fn secrets(pair: &Pair<'_>, side: &Side, found: &mut Findings<'_>) {
    let other = pair.side(side.role.other());
    for secret in pair.alone(side, &["AWS::SecretsManager::Secret"]) {
        if !replicates(side, secret) {
            let reason = format!(
                "`{}` of {} is neither replicated to {} nor declared there",
                secret.logical(),
                named(side),
                named(other)
            );
            found.alone(&SECRET, side, secret, reason);
        }
    }
    for secret in side.of("AWS::SecretsManager::Secret") {
        let Some(name) = secret.name().text() else { continue };
        let replica = secret
            .get("ReplicaRegions")
            .items()
            .iter()
            .find(|replica| replica.get("Region").text() == Some(&side.peer));
        let twin = other
            .of("AWS::SecretsManager::Secret")
            .find(|twin| twin.name().text() == Some(name));
        if let (Some(replica), Some(twin)) = (replica, twin) {
            let reason = format!(
                "`{name}` is replicated to {}, where a stack declares it too",
                named(other)
            );
            found.add(
                &SECRET_TWICE,
                reason,
                &[Spot::value(side, secret, replica), Spot::resource(other, twin)],
            );
        }
    }
}
