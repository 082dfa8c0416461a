//! Destroying: everything of one environment goes, in the reverse order.
//!
//! What could move the platform goes first, then clients lose their way; data goes last, and only with `--delete-data`. Without it, what holds data stays, and with it
//! the stacks that it needs: networks, keys, groups, buckets. Objects that are locked can be deleted by nobody before their
//! time: their bucket and its key stay, and are listed.

mod data;

use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;
use understudy_policies::model::RegionName;

use super::apply::{earlier, obsolete};
use super::graph::{self, Done, Node};
use super::progress::Report;
use super::stacks::{Applied, Event, Follow, Standing, Wanted, still_there};
use super::verify;
use super::world::World;
use crate::aws::Trouble;
use crate::aws::trouble::TroubleKind;
use crate::spanning::{Kept, converge};
use crate::templates::{Layer, Stack};
use data::{buckets, data_of, empty, is_locked, locked_bucket, only_data, release};

/// The layers that hold data, or that data needs.
const WITH_DATA: [Layer; 4] = [Layer::Network, Layer::Keys, Layer::Data, Layer::Storage];

/// What could move the platform, or leads clients to it: it goes only while nobody moves it. Later there is nobody left who could,
/// and a global cluster that is taken apart looks like one that moves.
const EARLY_PARTS: [&str; 3] = ["forwarding", "sidecar names", "records"];
/// The same, of stacks.
const EARLY_LAYERS: [Layer; 4] = [Layer::Signals, Layer::Engine, Layer::Observer, Layer::Workflows];

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
    let situation = world.at_rest().await?;
    let serves = situation.holder.or(situation.writer).unwrap_or(0);
    let kept = Mutex::new(world.left_behind().await?);
    let obsolete = obsolete(world).await?;
    let mut nodes = nodes(world, serves, data, report, &kept);
    for (index, (region, name)) in obsolete.iter().enumerate() {
        let region: &RegionName = region;
        let (mut after, before) = around(world, region, name);
        after.extend(earlier(&obsolete[..index], region).cloned());
        for node in &mut nodes {
            if before.contains(&node.name) {
                node.after.push(name.clone());
            }
        }
        nodes.push(obsolete_node(world, report, &kept, region, name.clone(), after));
    }
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

/// The order: first what could start a failover, then what could carry one out, then the way of the clients, then data.
///
/// ```text
///   forwarding --> signals --> engine of the region that does not serve --> engine of the other --> state machines
///     --> records --> health checks, certificates, the other stacks --> database --> tables, secrets, networks, keys
/// ```
///
/// A sidecar that ends releases its lease, and one that no longer beats raises an alarm: neither may find anybody who acts on it.
fn nodes<'a>(world: &'a World, serves: usize, data: bool, report: &'a dyn Report, kept: &'a KeptList) -> Vec<Node<'a>> {
    let names = |layer: Layer| -> Vec<String> {
        let stacks = world.platform.stacks.iter().filter(|stack| stack.layer == layer);
        stacks.map(|stack| stack.name.clone()).collect()
    };
    let of = |index: usize| world.names.stack(&world.regions()[index], Layer::Engine.name());
    let machines = names(Layer::Workflows);
    let part = |name: &'static str, after: &[&str]| part(world, data, report, kept, name, after);
    let apis = world.platform.stacks.iter().filter(|stack| stack.layer == Layer::Api);
    let apis: Vec<&str> = apis.map(|stack| stack.name.as_str()).collect();
    let acting: Vec<&str> = machines.iter().map(String::as_str).collect();
    let engines = [of(1 - serves), of(serves)];
    let signals = names(Layer::Signals);
    let signals: Vec<&str> = signals.iter().map(String::as_str).collect();
    let records = [acting.as_slice(), &engines.each_ref().map(String::as_str)].concat();
    let mut nodes = vec![
        part("account", &apis),
        part("records", &records),
        part("health checks", &["records"]),
        part("certificates", &["records"]),
        part("forwarding", &[]),
        part("replication", &["records"]),
        part("parameters", &["records"]),
        part("switches", &["health checks"]),
        part("peering", &["database"]),
        part("database", &["records"]),
        part("tables", &["database", "switches"]),
        part("secrets", &["database"]),
        part("zone", &["records", "certificates"]),
        left_behind(world),
        part("sidecar names", &signals),
        part("engine files", &engines.each_ref().map(String::as_str)),
    ];
    for stack in &world.platform.stacks {
        let needed_by = world
            .platform
            .stacks
            .iter()
            .filter(|other| other.after.contains(&stack.name));
        let mut after: Vec<String> = needed_by.map(|other| other.name.clone()).collect();
        let mut wait = |names: &[&str]| after.extend(names.iter().map(|name| (*name).to_owned()));
        match stack.layer {
            Layer::Network => wait(&["database", "peering", "sidecar names"]),
            Layer::Data => wait(&["database"]),
            Layer::Keys => wait(&["database", "secrets", "engine files", "tables", "replication"]),
            Layer::Storage => wait(&["replication"]),
            Layer::Signals => wait(&["forwarding"]),
            Layer::Messaging => wait(&["forwarding", "records", LEFT_BEHIND]),
            Layer::Engine if stack.name == engines[1] => wait(&[&engines[0], "sidecar names"]),
            Layer::Engine => {
                wait(&["sidecar names"]);
                after.extend(names(Layer::Signals));
            }
            Layer::Observer => after.extend(names(Layer::Signals)),
            Layer::Workflows => {
                after.extend(names(Layer::Signals));
                after.extend(names(Layer::Engine));
            }
            Layer::Functions => wait(&["records", "account"]),
            _ => wait(&["records"]),
        }
        nodes.push(stack_node(world, data, report, kept, stack, after));
    }
    nodes
}

/// The layer of a stack that the files no longer ask for.
fn layer_of(world: &World, region: &RegionName, name: &str) -> Layer {
    let mut layers = Layer::ALL.into_iter();
    let found = layers.find(|layer| world.names.stack(region, layer.name()) == name);
    found.unwrap_or(Layer::Engine)
}

/// Of a stack that the files no longer ask for: what goes before it, and which stacks go after.
fn around(world: &World, region: &RegionName, name: &str) -> (Vec<String>, Vec<String>) {
    let layer = layer_of(world, region, name);
    let stacks = |is: &dyn Fn(Layer) -> bool| -> Vec<String> {
        let stacks = world.platform.stacks.iter().filter(|stack| is(stack.layer));
        stacks.map(|stack| stack.name.clone()).collect()
    };
    match layer {
        // Sidecars that go silent raise an alarm, so signals go first, as with those that the files ask for.
        Layer::Engine | Layer::Observer => (
            stacks(&|other| other == Layer::Signals),
            stacks(&|other| other != Layer::Signals),
        ),
        // The observer's: AWS keeps a network that is peered.
        Layer::Network => (
            ["peering", "sidecar names"].map(str::to_owned).into(),
            stacks(&|other| WITH_DATA.contains(&other)),
        ),
        // The API's names hang on them.
        Layer::Certificates => (stacks(&|other| other == Layer::Api), Vec::new()),
        _ => (Vec::new(), stacks(&|other| WITH_DATA.contains(&other))),
    }
}

fn obsolete_node<'a>(
    world: &'a World,
    report: &'a dyn Report,
    kept: &'a KeptList,
    region: &'a RegionName,
    name: String,
    after: Vec<String>,
) -> Node<'a> {
    Node {
        name: name.clone(),
        after,
        seconds: 60,
        work: Box::new(move || {
            Box::pin(async move {
                if EARLY_LAYERS.contains(&layer_of(world, region, &name)) {
                    world.at_rest().await?;
                }
                let tell = |event: &Event| report.event(region, &name, event);
                world.stacks().remove(region, &name, &mut Follow::new(&tell)).await?;
                keep(
                    kept,
                    [Kept {
                        what: format!("what the stack {name} retains"),
                        region: region.to_string(),
                        why: "the files no longer ask for it, so its data is not looked at: file systems, for example"
                            .to_owned(),
                    }],
                );
                Ok(Done::Changed)
            })
        }),
    }
}

/// What a verification has left that was interrupted.
const LEFT_BEHIND: &str = "queues of verifications";

fn left_behind(world: &World) -> Node<'_> {
    Node {
        name: LEFT_BEHIND.to_owned(),
        after: Vec::new(),
        seconds: 1,
        work: Box::new(move || {
            Box::pin(async move {
                let removed = verify::forget(world, Duration::ZERO).await?;
                Ok(if removed.is_empty() { Done::Same } else { Done::Changed })
            })
        }),
    }
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
                if EARLY_PARTS.contains(&name) {
                    world.at_rest().await?;
                }
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
                if EARLY_LAYERS.contains(&stack.layer) {
                    world.at_rest().await?;
                }
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
                follow.begin(&stacks.client(region), region, name).await?;
                let standing = stacks.settled(region, name, &mut follow).await?;
                // One that was never made, or is deleted in part, holds nothing that would have to be released.
                let whole = matches!(standing, Standing::Complete | Standing::RollbackFailed);
                if whole
                    && !data
                    && let Some(template) = only_data(&world.stacks().template(region, name).await?)
                {
                    let wanted = Wanted {
                        template,
                        ..world.wanted(stack, &world.exports().await?)
                    };
                    keep(kept, data_of(stack, &wanted.template));
                    return Ok(match stacks.apply(&wanted, true, &mut follow).await? {
                        Applied::Same => Done::Same,
                        Applied::Changed => Done::Changed,
                    });
                }
                if data {
                    // Also of one whose deletion has failed: often because something was written into a bucket meanwhile.
                    let locked = empty(world, stack, kept).await?;
                    if whole {
                        release(world, stack, &locked, &mut follow, kept).await?;
                    }
                }
                stacks.remove(region, name, &mut follow).await?;
                Ok(Done::Changed)
            })
        }),
    }
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
