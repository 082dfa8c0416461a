//! What the database stands on: where its instances may be, and that it takes no connection without TLS.
//!
//! The clusters themselves are a reconciler's: they change roles in a failover, and CloudFormation would "repair" that.

use serde_json::json;

use super::super::Stack;
use super::super::iam;
use super::super::kinds::{ClusterParameters, DatabaseSubnets, InstanceParameters, LogGroup};
use super::super::model::Template;
use super::super::site::{Layer, Site};
use super::keys::Keys;
use super::network::Network;

pub(super) fn build(site: &Site<'_>, network: &Network, keys: &Keys, stacks: &mut Vec<Stack>) {
    let mut template = Template::new(site, Layer::Data, "subnet and parameter groups of the database");
    let family = site.deployment.database.family();
    let subnets = template.add(
        DatabaseSubnets,
        "DatabaseSubnets",
        &site.name("database"),
        json!({"DBSubnetGroupDescription": "private subnets over three zones", "SubnetIds": network.subnets}),
    );
    let mut parameters = json!({
        "rds.force_ssl": "1",
        "ssl_min_protocol_version": "TLSv1.2",
        // The commit fence compares clocks: a transaction that idles must not hold the serving row.
        "idle_in_transaction_session_timeout": "60000",
        "log_connections": "1",
        "log_disconnections": "1",
        "log_min_duration_statement": "1000",
    });
    if let Some(seconds) = site.policy.database.global_db_rpo_seconds {
        parameters["rds.global_db_rpo"] = seconds.to_string().into();
    }
    let cluster = template.add(
        ClusterParameters,
        "ClusterParameters",
        &site.name("cluster-parameters"),
        json!({"Description": "TLS only", "Family": family, "Parameters": parameters}),
    );
    let instance = template.add(
        InstanceParameters,
        "InstanceParameters",
        &site.name("instance-parameters"),
        json!({
            "Description": "what slow statements did", "Family": family,
            "Parameters": {"shared_preload_libraries": "pg_stat_statements", "log_lock_waits": "1"},
        }),
    );
    let monitoring = iam::service_role(
        &mut template,
        site,
        ["MonitoringRole", "MonitoringPolicy"],
        "database-monitoring",
        &iam::trust(site, "monitoring.rds.amazonaws.com"),
        vec![iam::allow(
            "OperatingSystemMetrics",
            // The first instance of an account makes the group, by this role.
            &[
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:DescribeLogStreams",
                "logs:CreateLogGroup",
                "logs:PutRetentionPolicy",
            ],
            json!([
                site.arn("logs", "log-group:RDSOSMetrics"),
                site.arn("logs", "log-group:RDSOSMetrics:*")
            ]),
        )],
    );
    // RDS would make it itself, to be kept for ever.
    template.add(
        LogGroup,
        "DatabaseLogs",
        &format!("/aws/rds/cluster/{}/postgresql", site.names.cluster(site.region)),
        json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": keys.logs}),
    );
    template.export("database-subnets", subnets.reference());
    template.export("cluster-parameters", cluster.reference());
    template.export("instance-parameters", instance.reference());
    template.export("database-monitoring-role", monitoring.arn());
    stacks.push(template.finish(stacks));
}
