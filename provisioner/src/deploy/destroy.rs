//! Destroying: everything of one environment goes, in the reverse order.
//!
//! Clients lose their way first, data goes last, and only with `--delete-data`. Without it, what holds data stays, and with it
//! the stacks that it needs: networks, keys, groups, buckets. Objects that are locked can be deleted by nobody before their
//! time: their bucket and its key stay, and are listed.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aws_sdk_s3::types::ObjectLockEnabled;
use serde::Serialize;
use serde_json::{Value, json};
use understudy_policies::model::RegionName;

use super::graph::{self, Done, Node};
use super::progress::Report;
use super::stacks::{Event, Follow, Wanted, still_there};
use super::world::World;
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};
use crate::spanning::{Kept, converge, switches};
use crate::templates::{Layer, Stack};

/// The layers that hold data, or that data needs.
const WITH_DATA: [Layer; 4] = [Layer::Network, Layer::Keys, Layer::Data, Layer::Storage];

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Destroyed {
    /// What was removed.
    pub removed: Vec<String>,
    /// What is kept, and why.
    pub kept: Vec<Kept>,
    /// What is not done, because of the failure.
    pub open: Vec<String>,
    /// The first failure.
    pub failure: Option<super::apply::Failure>,
}

/// Destroys the environment.
///
/// # Errors
/// When something stands in the way before anything was removed. What fails later is in the result.
pub async fn destroy(world: &World, data: bool, report: &dyn Report) -> Result<Destroyed, Trouble> {
    world.reachable().await?;
    world.at_rest().await?;
    let kept = Mutex::new(world.left_behind().await?);
    let nodes = nodes(world, data, report, &kept);
    let outcome = graph::run(nodes, report)
        .await
        .map_err(|why| Trouble::own(TroubleKind::Unfit, why))?;
    let failure = outcome.failure.map(|(node, trouble)| super::apply::Failure {
        node,
        message: trouble.to_string(),
        trouble,
    });
    let mut kept = kept.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    kept.sort_by(|one, other| (&one.region, &one.what).cmp(&(&other.region, &other.what)));
    Ok(Destroyed {
        removed: outcome.changed,
        kept,
        open: outcome.open,
        failure,
    })
}

type KeptList = Mutex<Vec<Kept>>;

fn keep(kept: &KeptList, more: impl IntoIterator<Item = Kept>) {
    kept.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .extend(more);
}

fn nodes<'a>(world: &'a World, data: bool, report: &'a dyn Report, kept: &'a KeptList) -> Vec<Node<'a>> {
    let part = |name: &'static str, after: &[&str]| part(world, data, report, kept, name, after);
    let apis = world.platform.stacks.iter().filter(|stack| stack.layer == Layer::Api);
    let apis: Vec<&str> = apis.map(|stack| stack.name.as_str()).collect();
    let mut nodes = vec![
        part("account", &apis),
        part("records", &[]),
        part("health checks", &["records"]),
        part("certificates", &["records"]),
        part("forwarding", &[]),
        part("replication", &[]),
        part("parameters", &[]),
        part("switches", &["health checks"]),
        part("peering", &["database"]),
        part("database", &["records"]),
        part("tables", &["database", "switches"]),
        part("secrets", &["database"]),
        part("zone", &["records", "certificates"]),
    ];
    for stack in &world.platform.stacks {
        let needed_by = world
            .platform
            .stacks
            .iter()
            .filter(|other| other.after.contains(&stack.name));
        let mut after: Vec<String> = needed_by.map(|other| other.name.clone()).collect();
        let spanning: &[&str] = match stack.layer {
            Layer::Network => &["database", "peering"],
            Layer::Data => &["database"],
            Layer::Keys => &["database", "secrets", "tables", "replication"],
            Layer::Storage => &["replication"],
            Layer::Signals | Layer::Messaging => &["forwarding"],
            Layer::Functions => &["records", "account"],
            _ => &["records"],
        };
        after.extend(spanning.iter().map(|name| (*name).to_owned()));
        nodes.push(stack_node(world, data, report, kept, stack, after));
    }
    nodes
}

fn part<'a>(
    world: &'a World,
    data: bool,
    report: &'a dyn Report,
    kept: &'a KeptList,
    name: &'static str,
    after: &[&str],
) -> Node<'a> {
    Node {
        name: name.to_owned(),
        after: after.iter().map(|name| (*name).to_owned()).collect(),
        seconds: if name == "database" { 900 } else { 20 },
        work: Box::new(move || {
            Box::pin(async move {
                let exports = world.exports().await?;
                let Some(part) = world.part(name, &exports).await? else {
                    return Ok(Done::Same);
                };
                let look = async || part.leftovers(data).await.map(|left| left.remove);
                let calls = converge(name, report, world.patience, look).await?;
                keep(kept, part.leftovers(data).await?.kept);
                Ok(if calls == 0 { Done::Same } else { Done::Changed })
            })
        }),
    }
}

fn stack_node<'a>(
    world: &'a World,
    data: bool,
    report: &'a dyn Report,
    kept: &'a KeptList,
    stack: &'a Stack,
    after: Vec<String>,
) -> Node<'a> {
    Node {
        name: stack.name.clone(),
        after,
        seconds: 120,
        work: Box::new(move || {
            Box::pin(async move {
                let Stack { region, name, .. } = stack;
                let stacks = world.stacks();
                if !still_there(&stacks, region, name).await? {
                    // An earlier run kept what is locked, and told.
                    for bucket in buckets(stack) {
                        if is_locked(world, region, bucket).await? {
                            keep(kept, [locked_bucket(world, region, bucket)]);
                        }
                    }
                    return Ok(Done::Same);
                }
                if !data && WITH_DATA.contains(&stack.layer) {
                    let why = "data needs it: `--delete-data` removes both".to_owned();
                    keep(
                        kept,
                        [Kept {
                            what: format!("stack {name}"),
                            region: region.to_string(),
                            why,
                        }],
                    );
                    return Ok(Done::Same);
                }
                let tell = |event: &Event| report.event(region, name, event);
                let mut follow = Follow::new(&tell);
                if data {
                    let locked = empty(world, stack, kept).await?;
                    release(world, stack, &locked, &mut follow, kept).await?;
                }
                stacks.remove(region, name, &mut follow).await?;
                Ok(Done::Changed)
            })
        }),
    }
}

/// Empties a stack's buckets. Answers which of them hold what nobody can delete yet, as the template calls them.
async fn empty(world: &World, stack: &Stack, kept: &KeptList) -> Result<BTreeSet<String>, Trouble> {
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
fn buckets(stack: &Stack) -> impl Iterator<Item = &str> {
    let resources = stack.template["Resources"].as_object().into_iter().flatten();
    let buckets = resources.filter(|(_, resource)| resource["Type"] == "AWS::S3::Bucket");
    buckets.filter_map(|(_, bucket)| bucket["Properties"]["BucketName"].as_str())
}

fn locked_bucket(world: &World, region: &RegionName, bucket: &str) -> Kept {
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
async fn is_locked(world: &World, region: &RegionName, bucket: &str) -> Result<bool, Trouble> {
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
async fn release(
    world: &World,
    stack: &Stack,
    locked: &BTreeSet<String>,
    follow: &mut Follow<'_>,
    kept: &KeptList,
) -> Result<(), Trouble> {
    let mut template = stack.template.clone();
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

impl Destroyed {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for kept in &self.kept {
            let _ = writeln!(text, "kept: {} in {}: {}", kept.what, kept.region, kept.why);
        }
        if let Some(failure) = &self.failure {
            let _ = writeln!(text, "FAILED at {}: {}", failure.node, failure.message);
            let _ = writeln!(
                text,
                "not removed yet: {}; run the same command again",
                self.open.join(", ")
            );
        } else {
            let _ = writeln!(
                text,
                "{} parts removed, {} things kept",
                self.removed.len(),
                self.kept.len()
            );
        }
        text
    }
}
