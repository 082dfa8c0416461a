//! The observer: one task in the witness region, which looks at both regions from outside and tells the sidecars of both.
//!
//! It keeps nothing and calls nothing of AWS, so it has neither a journal nor a role of its own. Which region it can tell
//! decides its network: that is peered with both, and asked for the sidecars' names in both private zones. Reconcilers do that.

use serde_json::json;

use super::super::super::Stack;
use super::super::super::kinds::{EcsService, EcsTask};
use super::super::super::model::Template;
use super::super::super::site::{Layer, Site};
use super::super::keys::WitnessKeys;
use super::super::network::WitnessNetwork;
use super::task::{self, Start};
use crate::deployment::Engine;
use crate::deployment::platform_file::OPERATORS_PORT;
use crate::deployment::sidecar_secret::SidecarSecret;

pub(in super::super) fn build(
    site: &Site<'_>,
    engine: &Engine,
    network: &WitnessNetwork,
    keys: &WitnessKeys,
    stacks: &mut Vec<Stack>,
) {
    let mut template = Template::new(site, Layer::Observer, "the observer of the engine");
    let logs = task::logs(&mut template, site, &keys.logs);
    let cluster = task::cluster(&mut template, site);
    let start = Start {
        site,
        engine,
        logs: &logs,
        secrets: &SidecarSecret::OF_OBSERVER,
    };
    let role = start.role(&mut template, &keys.data);
    let mut command = start.command(&["--observer".to_owned()]);
    command.push(format!("--listen=127.0.0.1:{OPERATORS_PORT}"));
    let mut container = start.container(&command, "observer");
    container["HealthCheck"] = task::healthy(&["status", "--ready", "--json"]);
    let task = template.add(
        EcsTask,
        "Task",
        &site.name("observer"),
        start.task(json!({
            "ExecutionRoleArn": role.arn(), "ContainerDefinitions": [container],
        })),
    );
    let service = template.add(
        EcsService,
        "Observer",
        &site.name("observer"),
        task::service(json!({
            "Cluster": cluster.reference(), "TaskDefinition": task.reference(),
            // ECS starts it again in another zone.
            "NetworkConfiguration": task::network(&json!(network.subnets), &network.observer),
        })),
    );
    template.wait(&service, &["StartPolicy"]);
    // Its way out: the image comes by it.
    template.after(Layer::Egress);
    stacks.push(template.finish(stacks));
}
