//! Buckets that replicate both ways.

use super::aurora::properties_differ;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::{Pair, Same};
use crate::lint::side::{Resource, Side};
use crate::lint::value::{Node, Piece};

rules! {
    ONE_WAY = "UL341": "replication one way only",
        "what is written after a failover never comes back: the home region returns with old objects",
        "replicate both ways: a rule on each bucket, each with the other as its destination";
    UNVERSIONED = "UL342": "replication without versions",
        "both buckets of a replication must keep versions: the rule is refused, or fails on its first object",
        "set VersioningConfiguration to Enabled on both buckets";
    KEY = "UL343": "a replication key of the wrong region",
        "copies are encrypted with a key of the destination's region: with this one every copy fails",
        "name a key of the destination's region in ReplicaKmsKeyID";
    MARKERS = "UL344": "deletions that do not replicate",
        "delete markers do not replicate with tag filters: what was deleted here lives on there, and returns with the failover",
        "filter by prefix, or use a rule without a tag filter for delete markers";
    LIFECYCLE = "UL345": "lifecycle rules differ",
        "objects expire in one region and stay in the other: after a failover what should be there is gone, or the reverse",
        "give both buckets the same lifecycle rules";
    ENCRYPTION = "UL346": "encryption of two buckets differs",
        "objects that are protected in one region lie open, or under other keys, in the other",
        "give both buckets the same kind of encryption";
    DESTINATION = "UL347": "replication to a bucket that is not the other side's",
        "the other region's bucket never gets the objects: the standby starts without them",
        "set the destination to the counterpart of this bucket";
    ENCRYPTED_OBJECTS = "UL348": "encrypted objects that are left out",
        "objects under a KMS key replicate only if the rule says so: without it none of them arrives",
        "set SourceSelectionCriteria.SseKmsEncryptedObjects to Enabled, and name a ReplicaKmsKeyID";
    LOCK = "UL349": "object lock on one side only",
        "audit records that nobody can change in one region can be changed in the other",
        "set ObjectLockEnabled and its rule alike on both";
    UNLIKE = "UL350": "versions or public access of two buckets differ",
        "after a failover, what protects the objects from mistakes is not what it was",
        "give both the same VersioningConfiguration and PublicAccessBlockConfiguration";
}

const BUCKET: &str = "AWS::S3::Bucket";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for couple in pair.couples(&[BUCKET]) {
        let (a, b) = couple;
        for (side, bucket, other_side, other) in [
            (&pair.primary, a, &pair.standby, b),
            (&pair.standby, b, &pair.primary, a),
        ] {
            let replicates = replication(side, bucket, other_side, found);
            let back = other.get("ReplicationConfiguration");
            if replicates && !back.is_unknown() && active(other).is_empty() {
                let reason = format!(
                    "`{}` replicates to {}, and nothing comes back",
                    bucket.logical(),
                    named(other_side)
                );
                let from = bucket.get("ReplicationConfiguration");
                found.add(
                    &ONE_WAY,
                    reason,
                    &[Spot::resource(other_side, other), Spot::value(side, bucket, from)],
                );
            }
            if replicates && is_unversioned(other) {
                let reason = format!(
                    "`{}` is the destination of a replication and keeps no versions",
                    other.logical()
                );
                let versions = other.get("VersioningConfiguration");
                found.add(
                    &UNVERSIONED,
                    reason,
                    &[Spot::value(other_side, other, versions), Spot::resource(side, bucket)],
                );
            }
        }
        properties_differ(pair, couple, &[("LifecycleConfiguration", "")], &LIFECYCLE, found);
        encryption(pair, couple, found);
        properties_differ(
            pair,
            couple,
            &[("ObjectLockEnabled", "false"), ("ObjectLockConfiguration", "")],
            &LOCK,
            found,
        );
        let rest = [("VersioningConfiguration", ""), ("PublicAccessBlockConfiguration", "")];
        // A missing version is a replication's own finding.
        if !(is_unversioned(a) || is_unversioned(b)) || active(a).is_empty() && active(b).is_empty() {
            properties_differ(pair, couple, &rest, &UNLIKE, found);
        }
    }
}

fn active(bucket: &Resource) -> Vec<&Node> {
    let rules = bucket.get("ReplicationConfiguration.Rules").items().iter();
    rules
        .filter(|rule| rule.get("Status").text() != Some("Disabled"))
        .collect()
}

fn is_unversioned(bucket: &Resource) -> bool {
    let status = bucket.get("VersioningConfiguration.Status");
    status.is_absent() || status.text().is_some_and(|status| status != "Enabled")
}

/// Judges the rules of one bucket; says whether it replicates to its counterpart, as far as one can know.
fn replication(side: &Side, bucket: &Resource, other: &Side, found: &mut Findings<'_>) -> bool {
    let rules = active(bucket);
    if !rules.is_empty() && is_unversioned(bucket) {
        let reason = format!("`{}` replicates and keeps no versions", bucket.logical());
        found.add(
            &UNVERSIONED,
            reason,
            &[Spot::value(side, bucket, bucket.get("VersioningConfiguration"))],
        );
    }
    let mut arrives = false;
    for rule in rules {
        let key = rule.at("Destination.EncryptionConfiguration.ReplicaKmsKeyID");
        if let Some(region) = side.region_of(key).filter(|region| *region != other.region) {
            let reason = format!("copies go to {}, and the key is of {region}", named(other));
            found.add(&KEY, reason, &[Spot::value(side, bucket, key)]);
        }
        let markers = rule.at("DeleteMarkerReplication.Status").text() == Some("Enabled");
        let filter = rule.get("Filter");
        let tags = [filter.get("TagFilter"), filter.at("And.TagFilters")]
            .into_iter()
            .find(|node| node.is_present());
        if let Some(tags) = tags.filter(|_| markers) {
            found.add(
                &MARKERS,
                "delete markers and a tag filter in one rule",
                &[Spot::value(side, bucket, tags)],
            );
        }
        let algorithms = bucket.get("BucketEncryption.ServerSideEncryptionConfiguration").items();
        let kms = algorithms.iter().any(|rule| {
            rule.at("ServerSideEncryptionByDefault.SSEAlgorithm")
                .text()
                .is_some_and(|name| name.starts_with("aws:kms"))
        });
        let selected = rule.at("SourceSelectionCriteria.SseKmsEncryptedObjects.Status");
        if kms && (selected.is_absent() || selected.text() == Some("Disabled")) {
            let reason = format!(
                "`{}` encrypts with KMS, and the rule leaves such objects out",
                bucket.logical()
            );
            found.add(&ENCRYPTED_OBJECTS, reason, &[Spot::value(side, bucket, rule)]);
        }
        let destination = rule.at("Destination.Bucket");
        if side.find(destination).is_some() {
            let reason = format!("`{}` replicates to a bucket of its own region", bucket.logical());
            found.add(&DESTINATION, reason, &[Spot::value(side, bucket, destination)]);
        } else if other.find(destination).is_none() && names_are_known(other) && is_known(destination) {
            let reason = format!("`{}` is no bucket of {}", destination.shown(), named(other));
            found.add(
                &DESTINATION,
                reason,
                &[Spot::value(side, bucket, destination), Spot::side(other)],
            );
        } else {
            arrives = true;
        }
    }
    arrives
}

/// Is all of the text known, apart from the account, which is the same on both sides?
fn is_known(node: &Node) -> bool {
    let known = |piece: &Piece| matches!(piece, Piece::Literal(_) | Piece::Account);
    !node.pieces().is_empty() && node.pieces().iter().all(known)
}

fn names_are_known(side: &Side) -> bool {
    side.opaque.is_empty() && side.of(BUCKET).all(|bucket| is_known(bucket.name()))
}

fn encryption(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let kind = |bucket: &Resource| {
        let rules = bucket.get("BucketEncryption.ServerSideEncryptionConfiguration");
        match rules.items().first() {
            Some(rule) => rule.at("ServerSideEncryptionByDefault.SSEAlgorithm").clone(),
            None if rules.is_unknown() => rules.clone(),
            // What S3 does by itself.
            None => Node::literal(None, "AES256"),
        }
    };
    let (a, b) = (kind(couple.0), kind(couple.1));
    if pair.same(&a, &b) == Same::No {
        let reason = format!(
            "{} in {}, {} in {}",
            b.shown(),
            named(&pair.standby),
            a.shown(),
            named(&pair.primary)
        );
        found.differ(&ENCRYPTION, couple, "BucketEncryption", reason);
    }
}
