//! DynamoDB tables: global ones, and single ones beside them.
//!
//! All replicas of a global table are made from one region. A table with multi-Region strong consistency gets its replica
//! and its witness in one call, while it is still empty; a table that has another consistency can never be changed to it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalTableWitnessGroupMemberAction, CreateReplicationGroupMemberAction,
    DeleteGlobalTableWitnessGroupMemberAction, DeleteReplicationGroupMemberAction, GlobalTableWitnessGroupUpdate,
    KeySchemaElement, KeyType, MultiRegionConsistency, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus,
    ReplicationGroupUpdate, ScalarAttributeType, SseSpecification, SseType, StreamSpecification, StreamViewType,
    TableDescription, TableStatus, Tag,
};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};

const ABSENT: &[&str] = &["ResourceNotFoundException"];

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name, the same in every region.
    pub name: String,
    /// Where it is made.
    pub home: RegionName,
    /// The regions of its other replicas.
    pub replicas: Vec<RegionName>,
    /// Multi-Region strong consistency, with this region as the witness.
    pub witness: Option<RegionName>,
    /// The name of its key, a text.
    pub key: String,
    /// The attribute that says when an item may go.
    pub expires: Option<String>,
}

/// The tables.
#[derive(Debug)]
pub struct Tables {
    /// What is shared.
    pub shared: Shared,
    /// What should be.
    pub tables: Vec<Table>,
}

#[async_trait]
impl Reconciler for Tables {
    fn name(&self) -> &'static str {
        "tables"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for table in &self.tables {
            all.extend(self.table(table).await?);
        }
        Ok(all)
    }

    async fn leftovers(&self, data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for table in &self.tables {
            self.left(table, data, &mut left).await?;
        }
        Ok(left)
    }
}

impl Tables {
    fn client(&self, region: &RegionName) -> Client {
        self.shared.aws.dynamodb(region)
    }

    async fn describe(&self, name: &str, region: &RegionName) -> Result<Option<TableDescription>, Trouble> {
        let answer = self.client(region).describe_table().table_name(name).send().await;
        let answer = found(answer, ABSENT, "dynamodb:DescribeTable", region)?;
        Ok(answer.and_then(|answer| answer.table))
    }

    async fn tags(&self, table: &TableDescription, region: &RegionName) -> Result<BTreeMap<String, String>, Trouble> {
        let arn = table.table_arn().unwrap_or_default();
        let answer = self
            .client(region)
            .list_tags_of_resource()
            .resource_arn(arn)
            .send()
            .await;
        let answer = found(answer, ABSENT, "dynamodb:ListTagsOfResource", region)?;
        let tags = answer.and_then(|answer| answer.tags).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn table(&self, table: &Table) -> Result<Vec<Difference>, Trouble> {
        let what = format!("table {}", table.name);
        let home = &table.home;
        let mut all = Vec::new();
        let there = self.describe(&table.name, home).await?;
        if let Some(there) = &there {
            if !self.shared.owns(&self.tags(there, home).await?) {
                return Err(self.shared.not_ours(&what, home));
            }
        } else {
            let act = create(self.client(home), table.clone(), self.shared.clone());
            let detail = match &table.witness {
                Some(witness) => format!("strongly consistent over regions, with a witness in {witness}"),
                None if table.replicas.is_empty() => "encrypted".to_owned(),
                None => "global, with streams".to_owned(),
            };
            all.push(Difference::new(Add, home, &what, detail).by(act));
        }
        let active = |there: &Option<TableDescription>| {
            there.as_ref().and_then(|there| there.table_status.clone()) == Some(TableStatus::Active)
        };
        let settled = active(&there);
        if there.is_some() && !settled {
            all.push(Difference::new(Change, home, &what, "becomes active").waits());
        }
        self.consistency(table, there.as_ref(), &what)?;
        let missing: Vec<RegionName> = table
            .replicas
            .iter()
            .filter(|region| !there.as_ref().is_some_and(|there| has_replica(there, region)))
            .cloned()
            .collect();
        for region in &missing {
            let act = add_replica(self.client(home), table.clone(), region.clone());
            all.push(Difference::new(Add, region, &what, "a replica").by_if(settled, act));
        }
        let mut places = vec![home.clone()];
        places.extend(
            table
                .replicas
                .iter()
                .filter(|region| !missing.contains(region))
                .cloned(),
        );
        for region in places {
            let here = if region == *home {
                there.clone()
            } else {
                self.describe(&table.name, &region).await?
            };
            if here.is_some() && !active(&here) && region != *home {
                all.push(Difference::new(Change, &region, &what, "becomes active").waits());
            }
            let ready = settled && active(&here);
            if let Some(here) = &here {
                self.details(table, here, &region, ready, &mut all).await?;
            } else if region == *home {
                all.push(Difference::new(Change, &region, &what, "point-in-time recovery"));
            } else {
                all.push(Difference::new(Change, &region, &what, "its replica answers").waits());
            }
        }
        for region in missing {
            all.push(Difference::new(Change, &region, &what, "point-in-time recovery"));
        }
        Ok(all)
    }

    /// A table cannot be made strongly consistent later.
    fn consistency(&self, table: &Table, there: Option<&TableDescription>, what: &str) -> Result<(), Trouble> {
        let eventual =
            there.and_then(TableDescription::multi_region_consistency) == Some(&MultiRegionConsistency::Eventual);
        let replicated = there.is_some_and(|there| !there.replicas().is_empty());
        if table.witness.is_some() && eventual && replicated {
            return Err(Trouble::own(
                TroubleKind::Unfit,
                format!(
                    "{what} replicates eventually, and must be strongly consistent; that cannot be changed: stop every \
                     sidecar, remove the table, and apply again"
                ),
            ));
        }
        Ok(())
    }

    /// What each replica has of its own.
    async fn details(
        &self,
        table: &Table,
        here: &TableDescription,
        region: &RegionName,
        ready: bool,
        all: &mut Vec<Difference>,
    ) -> Result<(), Trouble> {
        let what = format!("table {}", table.name);
        let client = self.client(region);
        let name = table.name.clone();
        let backups = client.describe_continuous_backups().table_name(&name).send().await;
        let backups = found(
            backups,
            &["TableNotFoundException"],
            "dynamodb:DescribeContinuousBackups",
            region,
        )?;
        let recoverable = backups
            .and_then(|backups| backups.continuous_backups_description)
            .and_then(|backups| backups.point_in_time_recovery_description)
            .and_then(|recovery| recovery.point_in_time_recovery_status)
            == Some(PointInTimeRecoveryStatus::Enabled);
        if !recoverable {
            let act = recover(client.clone(), name.clone(), region.clone());
            all.push(Difference::new(Change, region, &what, "point-in-time recovery").by_if(ready, act));
        }
        if here.deletion_protection_enabled() != Some(true) {
            let act = protect(client.clone(), name.clone(), region.clone(), true);
            all.push(Difference::new(Change, region, &what, "deletion protection").by_if(ready, act));
        }
        if let Some(attribute) = &table.expires {
            let ttl = client.describe_time_to_live().table_name(&name).send().await;
            let ttl = ttl.map_err(failed("dynamodb:DescribeTimeToLive", region))?;
            let set = ttl.time_to_live_description.and_then(|ttl| ttl.attribute_name);
            if set.as_ref() != Some(attribute) && *region == table.home {
                let act = expire(client.clone(), name.clone(), region.clone(), attribute.clone());
                all.push(Difference::new(Change, region, &what, "items expire").by_if(ready, act));
            }
        }
        let missing = self.shared.missing_tags(&self.tags(here, region).await?);
        if !missing.is_empty() {
            let arn = here.table_arn().unwrap_or_default().to_owned();
            let act = tag(client, arn, missing, region.clone());
            all.push(Difference::new(Change, region, &what, "tags").by_if(ready, act));
        }
        Ok(())
    }

    async fn left(&self, table: &Table, data: bool, left: &mut Leftovers) -> Result<(), Trouble> {
        let what = format!("table {}", table.name);
        let home = &table.home;
        let Some(there) = self.describe(&table.name, home).await? else {
            return Ok(());
        };
        if !self.shared.owns(&self.tags(&there, home).await?) {
            return Ok(());
        }
        if !data {
            left.keep_data(what, home);
            return Ok(());
        }
        let settled = there.table_status() == Some(&TableStatus::Active);
        let mut before = !settled;
        if there.table_status() == Some(&TableStatus::Deleting) {
            left.remove
                .push(Difference::new(Remove, home, &what, "is being deleted").waits());
            return Ok(());
        }
        for region in table.replicas.iter().chain([home]) {
            let here = self.describe(&table.name, region).await?;
            if here.is_some_and(|here| here.deletion_protection_enabled() == Some(true)) {
                let act = protect(self.client(region), table.name.clone(), region.clone(), false);
                left.remove
                    .push(Difference::new(Change, region, &what, "deletion protection off").by_if(settled, act));
                before = true;
            }
        }
        for region in &table.replicas {
            if has_replica(&there, region) {
                let act = drop_replica(self.client(home), table.clone(), region.clone());
                left.remove
                    .push(Difference::new(Remove, region, &what, "the replica").by_if(!before, act));
                before = true;
            }
        }
        let (client, name, region) = (self.client(home), table.name.clone(), home.clone());
        let act = async move {
            let answer = client.delete_table().table_name(name).send().await;
            answer.map_err(failed("dynamodb:DeleteTable", &region))?;
            Ok(())
        };
        left.remove.push(
            Difference::new(Remove, home, &what, "with what it holds")
                .risky("data is lost")
                .by_if(!before, act),
        );
        if !settled {
            left.remove
                .push(Difference::new(Change, home, &what, "becomes active").waits());
        }
        Ok(())
    }
}

fn has_replica(table: &TableDescription, region: &RegionName) -> bool {
    let mut replicas = table.replicas().iter();
    replicas.any(|replica| replica.region_name() == Some(region.as_str()))
}

async fn create(client: Client, table: Table, shared: Shared) -> Result<(), Trouble> {
    let tags: Result<Vec<Tag>, _> = shared
        .each_tag()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    let attribute = AttributeDefinition::builder()
        .attribute_name(&table.key)
        .attribute_type(ScalarAttributeType::S)
        .build();
    let key = KeySchemaElement::builder()
        .attribute_name(&table.key)
        .key_type(KeyType::Hash)
        .build();
    let mut call = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute?)
        .key_schema(key?)
        .sse_specification(SseSpecification::builder().enabled(true).sse_type(SseType::Kms).build())
        .deletion_protection_enabled(true)
        .set_tags(Some(tags?));
    if !table.replicas.is_empty() {
        let streams = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build();
        call = call.stream_specification(streams?);
    }
    match call.send().await {
        Ok(_) => Ok(()),
        // An answer that was lost: it is looked at again.
        Err(failure) if failure.code() == Some("ResourceInUseException") => Ok(()),
        Err(failure) => Err(failed("dynamodb:CreateTable", &table.home)(failure)),
    }
}

async fn add_replica(client: Client, table: Table, region: RegionName) -> Result<(), Trouble> {
    let member = CreateReplicationGroupMemberAction::builder()
        .region_name(region.as_str())
        .build()?;
    let mut call = client
        .update_table()
        .table_name(&table.name)
        .replica_updates(ReplicationGroupUpdate::builder().create(member).build());
    if let Some(witness) = &table.witness {
        let member = CreateGlobalTableWitnessGroupMemberAction::builder()
            .region_name(witness.as_str())
            .build()?;
        call = call
            .multi_region_consistency(MultiRegionConsistency::Strong)
            .global_table_witness_updates(GlobalTableWitnessGroupUpdate::builder().create(member).build());
    }
    call.send().await.map_err(failed("dynamodb:UpdateTable", &table.home))?;
    Ok(())
}

/// The replica and the witness of a strongly consistent table go together.
async fn drop_replica(client: Client, table: Table, region: RegionName) -> Result<(), Trouble> {
    let member = DeleteReplicationGroupMemberAction::builder()
        .region_name(region.as_str())
        .build()?;
    let mut call = client
        .update_table()
        .table_name(&table.name)
        .replica_updates(ReplicationGroupUpdate::builder().delete(member).build());
    if let Some(witness) = &table.witness {
        let member = DeleteGlobalTableWitnessGroupMemberAction::builder()
            .region_name(witness.as_str())
            .build()?;
        call = call.global_table_witness_updates(GlobalTableWitnessGroupUpdate::builder().delete(member).build());
    }
    call.send().await.map_err(failed("dynamodb:UpdateTable", &table.home))?;
    Ok(())
}

async fn recover(client: Client, name: String, region: RegionName) -> Result<(), Trouble> {
    let specification = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(true)
        .build()?;
    client
        .update_continuous_backups()
        .table_name(name)
        .point_in_time_recovery_specification(specification)
        .send()
        .await
        .map_err(failed("dynamodb:UpdateContinuousBackups", &region))?;
    Ok(())
}

async fn protect(client: Client, name: String, region: RegionName, on: bool) -> Result<(), Trouble> {
    let call = client.update_table().table_name(name).deletion_protection_enabled(on);
    call.send().await.map_err(failed("dynamodb:UpdateTable", &region))?;
    Ok(())
}

async fn expire(client: Client, name: String, region: RegionName, attribute: String) -> Result<(), Trouble> {
    let specification = aws_sdk_dynamodb::types::TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(attribute)
        .build()?;
    let call = client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(specification);
    call.send()
        .await
        .map_err(failed("dynamodb:UpdateTimeToLive", &region))?;
    Ok(())
}

async fn tag(client: Client, arn: String, tags: Vec<(String, String)>, region: RegionName) -> Result<(), Trouble> {
    let tags: Result<Vec<Tag>, _> = tags
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    let tags = tags?;
    let call = client.tag_resource().resource_arn(arn).set_tags(Some(tags));
    call.send().await.map_err(failed("dynamodb:TagResource", &region))?;
    Ok(())
}
