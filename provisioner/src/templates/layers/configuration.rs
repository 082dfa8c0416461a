//! Parameters that differ between the regions. What both must agree on is a reconciler's, which compares the two.

use serde_json::json;

use super::super::Stack;
use super::super::kinds::Parameter;
use super::super::model::Template;
use super::super::site::{Layer, Site};

pub(super) fn build(site: &Site<'_>, stacks: &mut Vec<Stack>) {
    let mut template = Template::new(site, Layer::Configuration, "parameters that differ between the regions");
    let role = if site.is_standby() { "standby" } else { "primary" };
    let values = [
        (
            "RoleParameter",
            "role",
            "what the policy calls this region",
            role.to_owned(),
        ),
        (
            "PeerParameter",
            "peer-region",
            "the region that can take over, or can be taken over from",
            site.peer.to_string(),
        ),
        (
            "ClusterParameter",
            "database-cluster",
            "the database cluster of this region",
            site.names.cluster(site.region),
        ),
        (
            "OrdersParameter",
            "orders-queue",
            "the queue of orders of this region",
            site.name("orders"),
        ),
        (
            "EventsParameter",
            "events-queue",
            "the queue that feeds the engine of this region",
            site.names.engine_queue(site.region),
        ),
        (
            "ConfigParameter",
            "config-bucket",
            "the configuration of this region",
            site.names.bucket(site.region, "config"),
        ),
        (
            "AuditParameter",
            "audit-bucket",
            "the audit logs of this region",
            site.names.bucket(site.region, "audit"),
        ),
        (
            "AssetsParameter",
            "assets-bucket",
            "the static assets of this region",
            site.names.bucket(site.region, "assets"),
        ),
    ];
    for (id, name, what, value) in values {
        template.add(
            Parameter,
            id,
            &site.names.parameter(site.region, name),
            json!({"Type": "String", "Description": what, "Value": value}),
        );
    }
    stacks.push(template.finish(stacks));
}
