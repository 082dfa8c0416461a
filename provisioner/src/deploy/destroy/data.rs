//! What holds data: kept, or emptied and let go of.

use std::collections::BTreeSet;

use aws_sdk_s3::types::ObjectLockEnabled;
use serde_json::{Map, Value, json};
use understudy_policies::model::RegionName;

use super::{KeptList, keep};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};
use crate::deploy::stacks::{Follow, Wanted};
use crate::deploy::world::World;
use crate::spanning::{Kept, switches};
use crate::templates::{Layer, Stack};

/// Types that hold data in stacks that otherwise hold none.
const DATA_AMONG_OTHERS: [&str; 1] = ["AWS::EFS::FileSystem"];

/// What is left of a template without everything that holds no data. None: nothing holds any.
pub(super) fn only_data(template: &Value) -> Option<Value> {
    let all = template["Resources"].as_object()?;
    let holds = |resource: &Value| DATA_AMONG_OTHERS.iter().any(|kind| resource["Type"] == *kind);
    let left: Map<String, Value> = all
        .iter()
        .filter(|(_, resource)| holds(resource))
        .map(|(id, resource)| (id.clone(), resource.clone()))
        .collect();
    if left.is_empty() {
        return None;
    }
    let mut template = template.clone();
    template["Resources"] = left.into();
    template.as_object_mut()?.remove("Outputs");
    Some(template)
}

pub(super) fn data_of(stack: &Stack, template: &Value) -> Vec<Kept> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    let kept = resources.map(|(id, resource)| Kept {
        what: format!(
            "{id} ({}) of the stack {}",
            resource["Type"].as_str().unwrap_or_default(),
            stack.name
        ),
        region: stack.region.to_string(),
        why: "it holds journals: `--delete-data` removes it, and `apply` takes it up again".to_owned(),
    });
    kept.collect()
}

/// Empties a stack's buckets. Answers which of them hold what nobody can delete yet, as the template calls them.
pub(super) async fn empty(world: &World, stack: &Stack, kept: &KeptList) -> Result<BTreeSet<String>, Trouble> {
    let region = &stack.region;
    let client = world.shared.aws.cloudformation(region);
    let pages = client.list_stack_resources().stack_name(&stack.name).into_paginator();
    let all: Result<Vec<_>, _> = pages.items().send().collect().await;
    let all = all.map_err(failed("cloudformation:ListStackResources", region))?;
    let mut locked = BTreeSet::new();
    for resource in all {
        if resource.resource_type() != Some("AWS::S3::Bucket") {
            continue;
        }
        let (Some(id), Some(bucket)) = (resource.logical_resource_id(), resource.physical_resource_id()) else {
            continue;
        };
        if is_locked(world, region, bucket).await? {
            locked.insert(id.to_owned());
            keep(kept, [locked_bucket(world, region, bucket)]);
            continue;
        }
        match switches::empty(&world.shared.aws.s3(region), bucket, region).await {
            Err(trouble) if trouble.is(&["NoSuchBucket"]) => {}
            emptied => emptied?,
        }
    }
    Ok(locked)
}

/// The buckets of a stack, as its template names them.
pub(super) fn buckets(stack: &Stack) -> impl Iterator<Item = &str> {
    let resources = stack.template["Resources"].as_object().into_iter().flatten();
    let buckets = resources.filter(|(_, resource)| resource["Type"] == "AWS::S3::Bucket");
    buckets.filter_map(|(_, bucket)| bucket["Properties"]["BucketName"].as_str())
}

pub(super) fn locked_bucket(world: &World, region: &RegionName, bucket: &str) -> Kept {
    Kept {
        what: format!("bucket {bucket}"),
        region: region.to_string(),
        why: format!(
            "its objects are locked for {} days and nobody can delete them earlier: empty and delete it then",
            world.deployment.retention.audit_days
        ),
    }
}

/// Whether a bucket locks its objects and holds any.
pub(super) async fn is_locked(world: &World, region: &RegionName, bucket: &str) -> Result<bool, Trouble> {
    let client = world.shared.aws.s3(region);
    let lock = client.get_object_lock_configuration().bucket(bucket).send().await;
    let none = &["ObjectLockConfigurationNotFoundError", "NoSuchBucket"];
    let lock = found(lock, none, "s3:GetBucketObjectLockConfiguration", region)?;
    let on = lock
        .and_then(|lock| lock.object_lock_configuration)
        .is_some_and(|lock| lock.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled));
    if !on {
        return Ok(false);
    }
    let versions = client.list_object_versions().bucket(bucket).max_keys(1).send().await;
    let versions = versions.map_err(failed("s3:ListBucketVersions", region))?;
    Ok(!versions.versions().is_empty())
}

/// What a stack would leave behind goes with it, except what is locked, and the keys that it is read with.
pub(super) async fn release(
    world: &World,
    stack: &Stack,
    locked: &BTreeSet<String>,
    follow: &mut Follow<'_>,
    kept: &KeptList,
) -> Result<(), Trouble> {
    // What is there, and not what the files say: nothing is made anew on the way out.
    let mut template = world.stacks().template(&stack.region, &stack.name).await?;
    let stays_locked = stack.layer == Layer::Keys && any_locked(kept, &stack.region);
    let mut released = 0;
    if let Some(resources) = template["Resources"].as_object_mut() {
        for (id, resource) in resources {
            let key = resource["Type"] == "AWS::KMS::Key";
            if locked.contains(id) || (stays_locked && key) {
                if key {
                    keep(
                        kept,
                        [Kept {
                            what: format!("key {id} of {}", stack.name),
                            region: stack.region.to_string(),
                            why: "what is locked can only be read with it: schedule its deletion when that is gone"
                                .to_owned(),
                        }],
                    );
                }
                continue;
            }
            let Some(resource) = resource
                .as_object_mut()
                .filter(|resource| resource.contains_key("DeletionPolicy"))
            else {
                continue;
            };
            resource.insert("DeletionPolicy".to_owned(), Value::from("Delete"));
            // A change of the policy alone is none in CloudFormation's eyes.
            let metadata = resource.entry("Metadata").or_insert_with(|| json!({}));
            metadata["Understudy"] = json!({ "released": true });
            released += 1;
        }
    }
    if released == 0 {
        return Ok(());
    }
    let wanted = Wanted {
        template,
        ..world.wanted(stack, &world.exports().await?)
    };
    world.stacks().apply(&wanted, true, follow).await?;
    Ok(())
}

fn any_locked(kept: &KeptList, region: &RegionName) -> bool {
    let kept = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    kept.iter()
        .any(|kept| kept.region == region.as_str() && kept.what.starts_with("bucket "))
}
