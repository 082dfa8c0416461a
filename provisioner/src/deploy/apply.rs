//! Applying: everything that differs is made so, in both regions, in one order.
//!
//! ```text
//!   zone -> delegation -> certificates ---------------------------------------+
//!   tables -> switches --------------------------------------------------+    |
//!   network -> peering                                                   |    |
//!   keys -> secrets -> database (with data, network, tables)             |    |
//!   storage -> replication, packages -> functions -> account -> ... api --+----+--> health checks -> records -> engine -> observer -> verify
//! ```
//!
//! A run that is interrupted anywhere, even killed, is taken up by running the same command again: nothing is remembered but
//! what AWS has.

use std::collections::BTreeSet;

use aws_sdk_s3::primitives::ByteStream;
use serde::Serialize;
use understudy_policies::model::RegionName;

use super::delegation::Delegation;
use super::graph::{self, Done, Node};
use super::progress::Report;
use super::stacks::{Applied, Event, Follow};
use super::verify::{self, Age, Verification};
use super::world::{Exports, World};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};
use crate::spanning::converge;
use crate::templates::limits::{SENT_MAX, size};
use crate::templates::{Layer, Stack};

/// How to apply.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Get stuck stacks out of where they are.
    pub recover: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// What was changed.
    pub changed: Vec<String>,
    /// What was as it should be.
    pub same: Vec<String>,
    /// What is not done, because of the failure.
    pub open: Vec<String>,
    /// The first failure, with where it was.
    pub failure: Option<Failure>,
    /// What verification found, if it came to that.
    pub verification: Option<Verification>,
}

/// A failure.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// Where.
    pub node: String,
    /// Why, and what to do.
    pub message: String,
    /// The same, for programs.
    pub trouble: Trouble,
}

/// Applies everything, then verifies.
///
/// # Errors
/// When something stands in the way before anything was changed. What fails later is in the result.
pub async fn apply(world: &World, options: Options, report: &dyn Report) -> Result<Account, Trouble> {
    world.preflight(report).await?;
    let nodes = nodes(world, options, report).await?;
    let outcome = graph::run(nodes, report)
        .await
        .map_err(|why| Trouble::own(TroubleKind::Unfit, why))?;
    let failure = outcome.failure.map(|(node, trouble)| Failure {
        node,
        message: trouble.to_string(),
        trouble,
    });
    let verification = match failure {
        Some(_) => None,
        None => {
            let age = if outcome.changed.is_empty() {
                Age::Settled
            } else {
                Age::Fresh
            };
            Some(verify::verify(world, age, report).await?)
        }
    };
    Ok(Account {
        changed: outcome.changed,
        same: outcome.same,
        open: outcome.open,
        failure,
        verification,
    })
}

/// Seconds for something new, for the ETA. Assumptions: nobody publishes them.
fn seconds(layer: Layer) -> u64 {
    match layer {
        Layer::Network => 180,
        Layer::Certificates => 300,
        Layer::Functions | Layer::Engine | Layer::Observer => 150,
        _ => 90,
    }
}

async fn nodes<'a>(world: &'a World, options: Options, report: &'a dyn Report) -> Result<Vec<Node<'a>>, Trouble> {
    let layer = |layer: Layer| -> Vec<String> {
        let stacks = world.platform.stacks.iter().filter(move |stack| stack.layer == layer);
        stacks.map(|stack| stack.name.clone()).collect()
    };
    let layers = |wanted: &[Layer]| -> Vec<String> { wanted.iter().flat_map(|wanted| layer(*wanted)).collect() };
    let and = |mut names: Vec<String>, more: &[&str]| {
        names.extend(more.iter().map(|name| (*name).to_owned()));
        names
    };
    let mut nodes = vec![
        part(world, report, "zone", Vec::new(), 60),
        delegation(world, report),
        part(world, report, "tables", Vec::new(), 120),
        part(
            world,
            report,
            "parameters",
            and(Vec::new(), &["zone", "health checks"]),
            10,
        ),
        part(world, report, "secrets", layer(Layer::Keys), 20),
        part(world, report, "peering", layer(Layer::Network), 30),
        part(
            world,
            report,
            "database",
            and(
                layers(&[Layer::Network, Layer::Keys, Layer::Data]),
                &["secrets", "tables"],
            ),
            1800,
        ),
        part(world, report, "replication", layers(&[Layer::Storage, Layer::Keys]), 20),
        part(world, report, "account", layer(Layer::Functions), 5),
        part(world, report, "certificates", and(Vec::new(), &["delegation"]), 300),
        part(world, report, "switches", and(Vec::new(), &["tables"]), 20),
        part(
            world,
            report,
            "health checks",
            and(layer(Layer::Api), &["switches"]),
            20,
        ),
        part(
            world,
            report,
            "forwarding",
            layers(&[Layer::Messaging, Layer::Signals]),
            10,
        ),
        part(
            world,
            report,
            "records",
            and(
                layer(Layer::Api),
                &["health checks", "zone", "certificates", "database"],
            ),
            60,
        ),
        part(
            world,
            report,
            "engine files",
            and(layer(Layer::Keys), &["zone", "database"]),
            20,
        ),
        part(
            world,
            report,
            "sidecar names",
            layers(&[Layer::Network, Layer::Engine]),
            20,
        ),
    ];
    for region in world.regions() {
        nodes.push(packages(world, region));
    }
    for stack in &world.platform.stacks {
        nodes.push(stack_node(world, options, report, stack));
    }
    // A layer that the files no longer ask for.
    let all: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let obsolete = obsolete(world).await?;
    for (index, (region, name)) in obsolete.iter().enumerate() {
        let region: &RegionName = region;
        let after = all.iter().chain(earlier(&obsolete[..index], region)).cloned().collect();
        let name = name.clone();
        nodes.push(Node {
            after,
            seconds: 60,
            work: Box::new({
                let name = name.clone();
                move || {
                    Box::pin(async move {
                        world.at_rest().await?;
                        let tell = |event: &Event| report.event(region, &name, event);
                        world.stacks().remove(region, &name, &mut Follow::new(&tell)).await?;
                        Ok(Done::Changed)
                    })
                }
            }),
            name,
        });
    }
    Ok(nodes)
}

/// Of stacks in the order in which they go, those of a region.
pub(super) fn earlier<'a>(
    gone: &'a [(&RegionName, String)],
    region: &'a RegionName,
) -> impl Iterator<Item = &'a String> {
    let of_region = gone.iter().filter(move |(other, _)| *other == region);
    of_region.map(|(_, name)| name)
}

/// Stacks of ours that are there and should not be, each before those that it needs.
pub(super) async fn obsolete(world: &World) -> Result<Vec<(&RegionName, String)>, Trouble> {
    let wanted: BTreeSet<&String> = world.platform.stacks.iter().map(|stack| &stack.name).collect();
    let mut found = Vec::new();
    for region in world.regions().iter().chain([&world.shared.witness]) {
        for layer in Layer::ALL.into_iter().rev() {
            let name = world.names.stack(region, layer.name());
            if !wanted.contains(&name) && super::stacks::still_there(&world.stacks(), region, &name).await? {
                found.push((region, name));
            }
        }
    }
    Ok(found)
}

/// One reconciler.
fn part<'a>(
    world: &'a World,
    report: &'a dyn Report,
    name: &'static str,
    after: Vec<String>,
    seconds: u64,
) -> Node<'a> {
    Node {
        name: name.to_owned(),
        after,
        seconds,
        work: Box::new(move || {
            Box::pin(async move {
                // Time may have passed since the beginning, and a failover may have begun.
                let situation = world.at_rest().await?;
                if name == "records" {
                    world.switches_agree(&situation).await?;
                }
                let exports = world.exports().await?;
                let Some(part) = world.part(name, &exports).await? else {
                    return Ok(Done::Same);
                };
                let calls = converge(name, report, world.patience, async || part.differences().await).await?;
                Ok(if calls == 0 { Done::Same } else { Done::Changed })
            })
        }),
    }
}

fn delegation<'a>(world: &'a World, report: &'a dyn Report) -> Node<'a> {
    Node {
        name: "delegation".to_owned(),
        after: vec!["zone".to_owned()],
        seconds: 1,
        work: Box::new(move || {
            Box::pin(async move {
                if world.delegation().await? == Delegation::NotAsked {
                    report.note("whether the domain is delegated is not asked: Route 53 is not AWS's own here");
                }
                Ok(Done::Same)
            })
        }),
    }
}

/// The functions' packages, into the region's bucket.
fn packages<'a>(world: &'a World, region: &'a RegionName) -> Node<'a> {
    Node {
        name: packages_name(region),
        after: vec![world.names.stack(region, Layer::Storage.name())],
        seconds: 10,
        work: Box::new(move || {
            Box::pin(async move {
                let bucket = world.names.bucket(region, "packages");
                let s3 = world.shared.aws.s3(region);
                let mut done = Done::Same;
                for package in &world.platform.packages {
                    // Its key carries its digest: what is there under this key is this package.
                    let there = s3.head_object().bucket(&bucket).key(package.key()).send().await;
                    if there.is_ok() {
                        continue;
                    }
                    let call = s3.put_object().bucket(&bucket).key(package.key());
                    let call = call.body(ByteStream::from_static(package.bytes));
                    call.send().await.map_err(failed("s3:PutObject", region))?;
                    done = Done::Changed;
                }
                Ok(done)
            })
        }),
    }
}

fn packages_name(region: &RegionName) -> String {
    format!("packages in {region}")
}

fn stack_node<'a>(world: &'a World, options: Options, report: &'a dyn Report, stack: &'a Stack) -> Node<'a> {
    let mut after = stack.after.clone();
    match stack.layer {
        Layer::Certificates => after.push("delegation".to_owned()),
        Layer::Functions => after.push(packages_name(&stack.region)),
        // A sidecar is well when it finds what it looks for at its start.
        Layer::Engine => {
            let parts = ["tables", "engine files", "switches", "records", "peering"];
            after.extend(parts.map(str::to_owned));
            // One region after the other: while one region's sidecars are replaced, the other one's can take over.
            if stack.region == world.regions()[0] {
                after.push(world.names.stack(&world.regions()[1], Layer::Engine.name()));
            }
        }
        // It tells sidecars what it sees, by their names.
        Layer::Observer => after.extend(["engine files", "peering", "sidecar names"].map(str::to_owned)),
        Layer::Api => after.push("account".to_owned()),
        _ => {}
    }
    Node {
        name: stack.name.clone(),
        after,
        seconds: seconds(stack.layer),
        work: Box::new(move || {
            Box::pin(async move {
                world.at_rest().await?;
                let large = size(&stack.template) > SENT_MAX;
                let exports = if large {
                    world.exports().await?
                } else {
                    Exports::default()
                };
                let tell = |event: &Event| report.event(&stack.region, &stack.name, event);
                let mut follow = Follow::new(&tell);
                let applied = world
                    .stacks()
                    .apply(&world.wanted(stack, &exports), options.recover, &mut follow)
                    .await?;
                Ok(match applied {
                    Applied::Same => Done::Same,
                    Applied::Changed => Done::Changed,
                })
            })
        }),
    }
}

impl World {
    /// The records follow the switches. Before they are made, the switches must say what the lease says.
    async fn switches_agree(&self, situation: &crate::spanning::situation::Situation) -> Result<(), Trouble> {
        let standing = self.switches().standing().await?;
        let away_serves = situation.holder == Some(1);
        for (switch, engaged) in ["A", "B"].into_iter().zip(standing.engaged) {
            if engaged == Some(true) && !away_serves {
                return Err(Trouble::refused(format!(
                    "switch {switch} is engaged, and {} serves: the records would lead clients away from it. See \
                     `understudy-engine status`; release the switch by `understudy-engine failback`, or wait until the engine \
                     does",
                    self.regions()[0]
                )));
            }
        }
        Ok(())
    }
}
