//! Replication of buckets, both ways: two rules, one on each side.
//!
//! The buckets themselves are their stacks'. What points from one to the other is not, because neither stack can name a
//! bucket that is not there yet.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination, EncryptionConfiguration, Metrics,
    MetricsStatus, ReplicaModifications, ReplicaModificationsStatus, ReplicationConfiguration, ReplicationRule,
    ReplicationRuleFilter, ReplicationRuleStatus, ReplicationTime, ReplicationTimeStatus, ReplicationTimeValue,
    SourceSelectionCriteria, SseKmsEncryptedObjects, SseKmsEncryptedObjectsStatus,
};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove};
use super::switches::partition;
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};

/// The name of our rule.
const RULE: &str = "understudy-to-the-other-region";
/// S3 promises to replicate within this time, and says when it does not.
const MINUTES: i32 = 15;

/// A bucket in each region.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Home, then away.
    pub buckets: [String; 2],
    /// The keys of both; none: not known before they are there.
    pub keys: [Option<String>; 2],
    /// The roles by which S3 reads here and writes there.
    pub roles: [Option<String>; 2],
}

/// Replication.
#[derive(Debug)]
pub struct Replication {
    /// What is shared.
    pub shared: Shared,
    /// What should be.
    pub pairs: Vec<Pair>,
}

#[async_trait]
impl Reconciler for Replication {
    fn name(&self) -> &'static str {
        "replication"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for pair in &self.pairs {
            for from in 0..2 {
                all.extend(self.rule(pair, from).await?);
            }
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for pair in &self.pairs {
            for (region, bucket) in self.shared.regions.iter().zip(&pair.buckets) {
                if self
                    .read(bucket, region)
                    .await?
                    .is_some_and(|is| is.rules().iter().any(|rule| rule.id() == Some(RULE)))
                {
                    let (client, name, place) = (self.shared.aws.s3(region), bucket.clone(), region.clone());
                    let act = async move {
                        let answer = client.delete_bucket_replication().bucket(name).send().await;
                        answer.map_err(failed("s3:PutReplicationConfiguration", &place))?;
                        Ok(())
                    };
                    left.remove
                        .push(Difference::new(Remove, region, format!("replication of {bucket}"), "").by(act));
                }
            }
        }
        Ok(left)
    }
}

impl Replication {
    /// What a bucket's replication is; none if it has none, or is not there.
    async fn read(&self, bucket: &str, region: &RegionName) -> Result<Option<ReplicationConfiguration>, Trouble> {
        let answer = self
            .shared
            .aws
            .s3(region)
            .get_bucket_replication()
            .bucket(bucket)
            .send()
            .await;
        let absent = &["ReplicationConfigurationNotFoundError", "NoSuchBucket"];
        let answer = found(answer, absent, "s3:GetReplicationConfiguration", region)?;
        Ok(answer.and_then(|answer| answer.replication_configuration))
    }

    async fn rule(&self, pair: &Pair, from: usize) -> Result<Option<Difference>, Trouble> {
        let region = &self.shared.regions[from];
        let to = &self.shared.regions[1 - from];
        let (bucket, target) = (&pair.buckets[from], &pair.buckets[1 - from]);
        let what = format!("replication of {bucket}");
        let known = pair.roles[from].is_some() && pair.keys[1 - from].is_some();
        let wanted = self.wanted(pair, from)?;
        let is = self.read(bucket, region).await?;
        if let Some(is) = &is
            && known
            && same(is, &wanted)
        {
            return Ok(None);
        }
        let (change, detail) = match is {
            None => (Add, format!("to {target} in {to}")),
            Some(_) => (Change, format!("to {target} in {to}, as it should be")),
        };
        if !known && change == Change {
            return Ok(None);
        }
        let act = put(self.shared.aws.s3(region), bucket.clone(), wanted, region.clone());
        Ok(Some(Difference::new(change, region, what, detail).by_if(known, act)))
    }

    fn wanted(&self, pair: &Pair, from: usize) -> Result<ReplicationConfiguration, Trouble> {
        let region = &self.shared.regions[from];
        let minutes = || ReplicationTimeValue::builder().minutes(MINUTES).build();
        let time = ReplicationTime::builder()
            .status(ReplicationTimeStatus::Enabled)
            .time(minutes())
            .build()?;
        let metrics = Metrics::builder()
            .status(MetricsStatus::Enabled)
            .event_threshold(minutes())
            .build()?;
        let key = EncryptionConfiguration::builder()
            .set_replica_kms_key_id(pair.keys[1 - from].clone())
            .build();
        let destination = Destination::builder()
            .bucket(format!("arn:{}:s3:::{}", partition(region), pair.buckets[1 - from]))
            .encryption_configuration(key)
            .replication_time(time)
            .metrics(metrics)
            .build()?;
        let encrypted = SseKmsEncryptedObjects::builder()
            .status(SseKmsEncryptedObjectsStatus::Enabled)
            .build()?;
        let modified = ReplicaModifications::builder()
            .status(ReplicaModificationsStatus::Enabled)
            .build()?;
        let source = SourceSelectionCriteria::builder()
            .sse_kms_encrypted_objects(encrypted)
            .replica_modifications(modified)
            .build();
        let rule = ReplicationRule::builder()
            .id(RULE)
            .priority(1)
            .status(ReplicationRuleStatus::Enabled)
            // Of everything: with a filter by tags, deletions would not replicate.
            .filter(ReplicationRuleFilter::builder().prefix("").build())
            .delete_marker_replication(
                DeleteMarkerReplication::builder()
                    .status(DeleteMarkerReplicationStatus::Enabled)
                    .build(),
            )
            .source_selection_criteria(source)
            .destination(destination)
            .build()?;
        Ok(ReplicationConfiguration::builder()
            .role(pair.roles[from].clone().unwrap_or_default())
            .rules(rule)
            .build()?)
    }
}

/// Whether all that we set is as we set it. S3 may add to it.
fn same(is: &ReplicationConfiguration, wanted: &ReplicationConfiguration) -> bool {
    let (Some(is_rule), Some(wanted_rule)) = (is.rules().first(), wanted.rules().first()) else {
        return false;
    };
    let markers = |rule: &ReplicationRule| {
        rule.delete_marker_replication()
            .and_then(|markers| markers.status().cloned())
    };
    is.rules().len() == 1
        && is.role() == wanted.role()
        && is_rule.id() == wanted_rule.id()
        && is_rule.priority() == wanted_rule.priority()
        && is_rule.status() == wanted_rule.status()
        && of_everything(is_rule)
        && markers(is_rule) == markers(wanted_rule)
        && is_rule.source_selection_criteria() == wanted_rule.source_selection_criteria()
        && match (is_rule.destination(), wanted_rule.destination()) {
            (Some(is), Some(wanted)) => {
                is.bucket() == wanted.bucket()
                    && is.encryption_configuration() == wanted.encryption_configuration()
                    && is.replication_time() == wanted.replication_time()
                    && is.metrics() == wanted.metrics()
            }
            _ => false,
        }
}

/// Whether a rule leaves nothing out. An empty prefix may be answered as none.
fn of_everything(rule: &ReplicationRule) -> bool {
    rule.filter().is_some_and(|filter| {
        filter.prefix().unwrap_or_default().is_empty() && filter.tag().is_none() && filter.and().is_none()
    })
}

async fn put(
    client: Client,
    bucket: String,
    wanted: ReplicationConfiguration,
    region: RegionName,
) -> Result<(), Trouble> {
    let call = client
        .put_bucket_replication()
        .bucket(bucket)
        .replication_configuration(wanted);
    call.send()
        .await
        .map_err(failed("s3:PutReplicationConfiguration", &region))?;
    Ok(())
}
