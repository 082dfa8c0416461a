//! Tables that replicate: one definition, all regions in it.

use std::collections::BTreeSet;

use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side};
use crate::lint::value::Node;

rules! {
    TWICE = "UL321": "one global table owned by two stacks",
        "all replicas are defined from one region: the second stack cannot make the table, or fights over its replicas",
        "declare the table once; the replica list makes it in the other region";
    REPLICAS = "UL322": "a global table without a replica in both regions",
        "one of the regions would read and write it across the gap, or not at all",
        "list both regions, the table's own included, in Replicas";
    STREAM = "UL323": "a global table without a stream",
        "replication reads the stream: the table cannot have a second replica",
        "set StreamSpecification to NEW_AND_OLD_IMAGES";
    MRSC_REGIONS = "UL324": "strong consistency with other than three regions",
        "multi-Region strong consistency needs exactly three regions: three replicas, or two and a witness",
        "add a witness with GlobalTableWitnesses, or a third replica";
    MRSC_FEATURES = "UL325": "strong consistency with what it does not support",
        "multi-Region strong consistency takes neither a time to live nor local indexes: the table cannot be made",
        "remove TimeToLiveSpecification and LocalSecondaryIndexes, and let a job or another table do their work";
    RECOVERY = "UL326": "a replica without point-in-time recovery",
        "recovery is set per replica: after a failover the table that is written to could not be restored",
        "set PointInTimeRecoveryEnabled on every replica";
    SEPARATE = "UL327": "two tables of one name that do not replicate",
        "each region sees only its own writes: after a failover the other's are missing, and nobody notices before",
        "declare one AWS::DynamoDB::GlobalTable with both regions";
    KEY = "UL328": "a replica with another region's key",
        "a replica is encrypted with a key of its own region: the table cannot be made",
        "name a key of the replica's region";
    UNLIKE = "UL329": "replicas that differ",
        "the replica that takes over is protected or sized in another way",
        "give all replicas the same settings";
    UNLIKE_TABLES = "UL330": "keys or recovery of two tables differ",
        "items written in one region cannot be kept in the same way in the other",
        "give both tables the same keys, indexes, stream and recovery";
}

const GLOBAL: &str = "AWS::DynamoDB::GlobalTable";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        for table in side.of(GLOBAL) {
            replicas(pair, side, table, found);
            strong(side, table, found);
        }
    }
    for (a, b) in pair.couples(&[GLOBAL, "AWS::DynamoDB::Table"]) {
        let same = a.name().text().is_some() && a.name().text() == b.name().text();
        let global = [a, b].map(|table| table.kind == GLOBAL);
        let spots = [
            Spot::value(&pair.standby, b, b.name()),
            Spot::value(&pair.primary, a, a.name()),
        ];
        if global == [true, true] && same {
            found.add(
                &TWICE,
                format!("both sides declare the global table `{}`", b.name().shown()),
                &spots,
            );
        }
        let replicated = replicated(&pair.primary, a) || replicated(&pair.standby, b);
        if global == [false, false] && !replicated {
            if same {
                found.add(
                    &SEPARATE,
                    format!("`{}` is a table of its own in each region", b.name().shown()),
                    &spots,
                );
            }
            let properties = [
                ("KeySchema", ""),
                ("AttributeDefinitions", ""),
                ("GlobalSecondaryIndexes", ""),
                ("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", "false"),
                ("TimeToLiveSpecification", ""),
            ];
            super::aurora::properties_differ(pair, (a, b), &properties, &UNLIKE_TABLES, found);
        }
    }
}

/// Does the CDK's custom resource replicate the table?
pub(super) fn replicated(side: &Side, table: &Resource) -> bool {
    side.of("Custom::DynamoDBReplica").any(|replica| {
        side.find(replica.get("TableName"))
            .is_some_and(|found| found.target == table.target)
    })
}

/// The replicas' regions, if all are known.
fn regions(table: &Resource) -> Option<BTreeSet<&str>> {
    let replicas = table.get("Replicas");
    if replicas.has_unknown() && replicas.items().is_empty() {
        return None;
    }
    replicas
        .items()
        .iter()
        .map(|replica| replica.get("Region").text())
        .collect()
}

fn replicas(pair: &Pair<'_>, side: &Side, table: &Resource, found: &mut Findings<'_>) {
    let list = table.get("Replicas");
    let Some(regions) = regions(table) else { return };
    for region in [&pair.primary.region, &pair.standby.region] {
        if !regions.contains(region.as_str()) {
            let reason = format!("`{}` of {} has no replica in {region}", table.logical(), named(side));
            found.add(&REPLICAS, reason, &[Spot::value(side, table, list)]);
        }
    }
    let strong = table.get("MultiRegionConsistency");
    let eventual = strong.is_absent() || strong.text() == Some("EVENTUAL");
    if regions.len() > 1 && eventual && table.get("StreamSpecification").is_absent() {
        let reason = format!("`{}` has {} replicas and no stream", table.logical(), regions.len());
        found.add(&STREAM, reason, &[Spot::resource(side, table)]);
    }
    for replica in list.items() {
        let Some(region) = replica.get("Region").text() else {
            continue;
        };
        let recovery = replica.at("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled");
        if recovery.yes_or(false) == Some(false) {
            let reason = format!(
                "the replica of `{}` in {region} has no point-in-time recovery",
                table.logical()
            );
            found.add(
                &RECOVERY,
                reason,
                &[Spot::value(
                    side,
                    table,
                    if recovery.is_absent() { replica } else { recovery },
                )],
            );
        }
        let key = replica.at("SSESpecification.KMSMasterKeyId");
        if let Some(other) = side.region_of(key).filter(|other| other != region) {
            let reason = format!("the replica in {region} names a key of {other}");
            found.add(&KEY, reason, &[Spot::value(side, table, key)]);
        }
    }
    let items = list.items();
    for setting in ["DeletionProtectionEnabled", "TableClass"] {
        for replica in items.iter().skip(1) {
            if pair.differ(items[0].get(setting), replica.get(setting)) {
                let (first, second) = (items[0].get(setting), replica.get(setting));
                let reason = format!(
                    "{setting} of `{}` is {} in one region and {} in another",
                    table.logical(),
                    first.shown(),
                    second.shown()
                );
                found.add(
                    &UNLIKE,
                    reason,
                    &[Spot::value(
                        side,
                        table,
                        if second.is_absent() { replica } else { second },
                    )],
                );
            }
        }
    }
}

fn strong(side: &Side, table: &Resource, found: &mut Findings<'_>) {
    let consistency = table.get("MultiRegionConsistency");
    if consistency.text() != Some("STRONG") {
        return;
    }
    let witnesses = table.get("GlobalTableWitnesses");
    let witness_regions: Option<BTreeSet<&str>> = witnesses
        .items()
        .iter()
        .map(|witness| witness.get("Region").text())
        .collect();
    if let (Some(replicas), Some(witnesses)) = (regions(table), witness_regions) {
        let all: BTreeSet<&str> = replicas.union(&witnesses).copied().collect();
        if all.len() != 3 || replicas.len() + witnesses.len() != 3 || witnesses.len() > 1 {
            let all: Vec<&str> = all.into_iter().collect();
            let reason = format!("`{}` is strongly consistent over {}", table.logical(), all.join(", "));
            found.add(&MRSC_REGIONS, reason, &[Spot::value(side, table, consistency)]);
        }
    }
    for node in [time_to_live(table), table.get("LocalSecondaryIndexes")] {
        if node.is_present() && !node.is_unknown() {
            let reason = format!(
                "`{}` is strongly consistent, and this is not supported then",
                table.logical()
            );
            found.add(&MRSC_FEATURES, reason, &[Spot::value(side, table, node)]);
        }
    }
}

/// The table's time to live, if it is switched on.
fn time_to_live(table: &Resource) -> &Node {
    let ttl = table.get("TimeToLiveSpecification");
    if ttl.get("Enabled").yes_or(false) == Some(true) {
        ttl
    } else {
        ttl.get("\u{0}")
    }
}
