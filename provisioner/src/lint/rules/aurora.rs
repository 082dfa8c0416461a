//! The global database: one writer, and a replica that can be promoted.

use super::rules;
use crate::lint::finding::{Findings, Rule, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Leeway, Resource, Side};
use crate::lint::value::Node;

rules! {
    VERSIONS = "UL301": "engine versions differ",
        "the members of a global database must run one version: with another the replica is refused, or cannot be promoted",
        "set the same Engine and EngineVersion on both clusters and on the global cluster";
    MANAGED = "UL302": "a managed master password in a global database",
        "ManageMasterUserPassword is not supported for its members: the secret would not follow the writer",
        "keep the password in a secret of your own that is replicated to the other region";
    MASTER = "UL303": "a master user on the replica cluster",
        "the replica takes its users from the writer: the cluster cannot be made",
        "remove MasterUsername and MasterUserPassword from the standby's cluster";
    HEADLESS = "UL304": "a replica without an instance",
        "a headless cluster cannot be promoted: there is nothing that could take writes",
        "declare at least one DBInstance for the cluster";
    SETTINGS = "UL305": "database parameters differ",
        "after the promotion the database behaves in another way: what was refused passes, or the other way round",
        "give both parameter groups the same family and parameters";
    BACKUPS = "UL306": "protection of the data differs",
        "after a failover the weaker rule holds for the only copy",
        "set the same BackupRetentionPeriod and DeletionProtection on both";
    NO_KEY = "UL307": "an encrypted replica without a key of its region",
        "the writer's key is of another region, so the replica needs one of its own: without it the cluster cannot be made",
        "set KmsKeyId to a key of this region";
    RPO = "UL308": "rds.global_db_rpo with two regions",
        "when the only replica is lost, the writer stops commits to keep the bound: losing the standby stops the primary",
        "remove rds.global_db_rpo, and bound the loss with the engine's guard instead";
    CAPACITY = "UL309": "the replica is smaller than the writer",
        "after the failover it must carry the writer's whole load, in its first minute",
        "give both clusters the same instances, or the same range of capacity";
    SEPARATE = "UL310": "two databases that know nothing of each other",
        "nothing replicates between them: the standby would take over with an empty database",
        "make both clusters members of one global database";
    TWICE = "UL311": "one global database owned by two stacks",
        "the second stack cannot make it, and each would change it under the other's feet",
        "declare the global cluster once, outside of both regional stacks";
    ACCESS = "UL312": "ways into the database differ",
        "clients that connect to the writer today are refused by the promoted replica",
        "set the same Port, EnableIAMDatabaseAuthentication and NetworkType on both";
    UNENCRYPTED = "UL313": "storage encrypted on one side only",
        "a global database is encrypted as a whole or not at all: the replica cannot be made",
        "set StorageEncrypted alike on both";
}

const CLUSTER: &str = "AWS::RDS::DBCluster";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for couple in pair.couples(&[CLUSTER]) {
        couple_of_clusters(pair, couple, found);
    }
    for couple in pair.couples(&["AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBParameterGroup"]) {
        parameters(pair, couple, found);
    }
    for side in pair.sides() {
        for cluster in side.of(CLUSTER).filter(|cluster| is_global(side, cluster)) {
            member(side, cluster, found);
        }
        for kind in ["AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBParameterGroup"] {
            for group in side.of(kind) {
                let rpo = group.get("Parameters").get("rds.global_db_rpo");
                if rpo.is_present() {
                    let reason = format!("rds.global_db_rpo is {}, and there is one replica", rpo.shown());
                    found.add(&RPO, reason, &[Spot::value(side, group, rpo)]);
                }
            }
        }
    }
    twice(pair, found);
}

/// Is the cluster a member of a global database, as far as its side tells?
fn is_global(side: &Side, cluster: &Resource) -> bool {
    let sourced = |global: &Resource| {
        side.find(global.get("SourceDBClusterIdentifier"))
            .is_some_and(|source| source.target == cluster.target)
    };
    cluster.get("GlobalClusterIdentifier").is_present() || side.of("AWS::RDS::GlobalCluster").any(sourced)
}

fn instances<'a>(side: &'a Side, cluster: &'a Resource) -> Vec<&'a Resource> {
    side.of("AWS::RDS::DBInstance")
        .filter(|instance| {
            side.find(instance.get("DBClusterIdentifier"))
                .is_some_and(|found| found.target == cluster.target)
        })
        .collect()
}

fn member(side: &Side, cluster: &Resource, found: &mut Findings<'_>) {
    let managed = cluster.get("ManageMasterUserPassword");
    if managed.yes_or(false) == Some(true) {
        let reason = format!("`{}` is a member of a global database", cluster.logical());
        found.add(&MANAGED, reason, &[Spot::value(side, cluster, managed)]);
    }
    let standby = side.role == crate::lint::side::Role::Standby;
    if standby {
        for key in ["MasterUsername", "MasterUserPassword"] {
            let node = cluster.get(key);
            if node.is_present() {
                let reason = format!("{key} is set on the replica in {}", named(side));
                found.add(&MASTER, reason, &[Spot::value(side, cluster, node)]);
            }
        }
    }
    // An instance whose cluster is not known might be this one's.
    let unclear = side
        .of("AWS::RDS::DBInstance")
        .any(|instance| side.find(instance.get("DBClusterIdentifier")).is_none());
    if standby && side.opaque.is_empty() && !unclear && instances(side, cluster).is_empty() {
        let reason = format!("`{}` has no instance in {}", cluster.logical(), named(side));
        found.add(&HEADLESS, reason, &[Spot::resource(side, cluster)]);
    }
}

/// A finding per property that differs, absent ones being `default`.
pub(super) fn properties_differ(
    pair: &Pair<'_>,
    couple: (&Resource, &Resource),
    properties: &[(&str, &str)],
    rule: &Rule,
    found: &mut Findings<'_>,
) {
    for (property, default) in properties {
        let with_default = |resource: &Resource| match resource.get(property) {
            node if node.is_absent() && !default.is_empty() => Node::literal(None, *default),
            node => node.clone(),
        };
        let (a, b) = (with_default(couple.0), with_default(couple.1));
        if pair.differ(&a, &b) {
            let reason = format!(
                "{property} of `{}` is {} in {} and {} in {}",
                couple.1.logical(),
                short(&b),
                named(&pair.standby),
                short(&a),
                named(&pair.primary)
            );
            found.differ(rule, couple, property, reason);
        }
    }
}

/// A value for a sentence.
pub(super) fn short(node: &Node) -> String {
    let shown = node.shown();
    if shown.chars().count() <= 80 {
        return shown;
    }
    let start: String = shown.chars().take(77).collect();
    format!("{start}...")
}

fn couple_of_clusters(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let (a, b) = couple;
    properties_differ(pair, couple, &[("Engine", ""), ("EngineVersion", "")], &VERSIONS, found);
    properties_differ(
        pair,
        couple,
        &[("BackupRetentionPeriod", "1"), ("DeletionProtection", "false")],
        &BACKUPS,
        found,
    );
    let access = [
        ("Port", ""),
        ("EnableIAMDatabaseAuthentication", "false"),
        ("NetworkType", "IPV4"),
    ];
    properties_differ(pair, couple, &access, &ACCESS, found);
    properties_differ(pair, couple, &[("StorageEncrypted", "false")], &UNENCRYPTED, found);
    properties_differ(
        pair,
        couple,
        &[("ServerlessV2ScalingConfiguration", "")],
        &CAPACITY,
        found,
    );
    let classes = |side: &Side, cluster: &Resource| -> Option<Vec<String>> {
        let classes: Option<Vec<String>> = instances(side, cluster)
            .iter()
            .map(|instance| pair.key(side, instance.get("DBInstanceClass"), Leeway::None))
            .collect();
        let mut classes = classes?;
        classes.sort_unstable();
        Some(classes)
    };
    if let (Some(x), Some(y)) = (classes(&pair.primary, a), classes(&pair.standby, b)) {
        // A replica without any instance is a finding of its own.
        if x != y && !x.is_empty() && !y.is_empty() {
            let reason = format!(
                "{} has {}, {} has {}",
                named(&pair.standby),
                y.join(", "),
                named(&pair.primary),
                x.join(", ")
            );
            found.add(
                &CAPACITY,
                reason,
                &[Spot::resource(&pair.standby, b), Spot::resource(&pair.primary, a)],
            );
        }
    }
    let (first, second) = (is_global(&pair.primary, a), is_global(&pair.standby, b));
    let aurora = a
        .get("Engine")
        .text()
        .is_some_and(|engine| engine.starts_with("aurora"));
    let source = a.get("ReplicationSourceIdentifier").is_present() || b.get("ReplicationSourceIdentifier").is_present();
    let declared = pair
        .sides()
        .iter()
        .any(|side| side.of("AWS::RDS::GlobalCluster").next().is_some());
    if aurora && !first && !second && !source && !declared {
        let reason = format!("`{}` and its counterpart are in no global database", b.logical());
        found.add(
            &SEPARATE,
            reason,
            &[Spot::resource(&pair.standby, b), Spot::resource(&pair.primary, a)],
        );
    }
    let [mine, theirs] = [a, b].map(|cluster| cluster.get("GlobalClusterIdentifier"));
    if let Some((is, other)) = mine.text().zip(theirs.text()).filter(|(is, other)| is != other) {
        let reason = format!(
            "`{}` is a member of `{other}`, and its counterpart of `{is}`",
            b.logical()
        );
        found.add(
            &SEPARATE,
            reason,
            &[
                Spot::value(&pair.standby, b, theirs),
                Spot::value(&pair.primary, a, mine),
            ],
        );
    }
    let encrypted = |resource: &Resource| resource.get("StorageEncrypted").yes_or(false) == Some(true);
    if second && encrypted(a) && encrypted(b) && b.get("KmsKeyId").is_absent() {
        let reason = format!(
            "`{}` is encrypted and names no key in {}",
            b.logical(),
            named(&pair.standby)
        );
        found.differ(&NO_KEY, couple, "KmsKeyId", reason);
    }
}

fn parameters(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    properties_differ(pair, couple, &[("Family", "")], &SETTINGS, found);
    let (a, b) = (couple.0.get("Parameters"), couple.1.get("Parameters"));
    let mut names: Vec<&String> = a.entries().iter().chain(b.entries()).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (x, y) = (a.get(name), b.get(name));
        if pair.differ(x, y) {
            let reason = format!(
                "{name} is {} in {} and {} in {}",
                y.shown(),
                named(&pair.standby),
                x.shown(),
                named(&pair.primary)
            );
            found.add(
                &SETTINGS,
                reason,
                &[
                    Spot::value(&pair.standby, couple.1, y),
                    Spot::value(&pair.primary, couple.0, x),
                ],
            );
        }
    }
}

fn twice(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for b in pair.standby.of("AWS::RDS::GlobalCluster") {
        for a in pair.primary.of("AWS::RDS::GlobalCluster") {
            let (x, y) = (a.name(), b.name());
            if x.text().is_some() && x.text() == y.text() {
                let reason = format!("both sides declare the global cluster `{}`", y.shown());
                found.add(
                    &TWICE,
                    reason,
                    &[Spot::value(&pair.standby, b, y), Spot::value(&pair.primary, a, x)],
                );
            }
        }
    }
}
