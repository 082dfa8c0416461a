//! The state machines: each region its own copy of both.

use serde_json::{Value, json};
use understudy_engine::core::lease::RoleChangeKind;

use super::super::kinds::{LogGroup, Machine as MachineKind};
use super::super::model::Template;
use super::super::site::{Layer, Site};
use super::super::{Machine, Platform, iam};
use super::functions::Functions;
use super::keys::Keys;
use super::messaging::Messaging;
use crate::workflow::{self, Place};

pub(super) fn build(
    site: &Site<'_>,
    keys: &Keys,
    messaging: &Messaging,
    functions: &Functions,
    platform: &mut Platform,
) {
    let mut template = Template::new(site, Layer::Workflows, "the state machines");
    let logs = template.add(
        LogGroup,
        "MachineLogs",
        &format!("/aws/vendedlogs/states/{}", site.name("machines")),
        json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": keys.logs}),
    );
    let ways = [
        (
            RoleChangeKind::Failover,
            ["Failover", "FailoverRole", "FailoverPolicy"],
            "failover",
        ),
        (
            RoleChangeKind::Failback,
            ["Failback", "FailbackRole", "FailbackPolicy"],
            "failback",
        ),
    ];
    for (way, [id, role_id, policy_id], name) in ways {
        let place = Place {
            policy: site.policy,
            deployment: site.deployment,
            names: &site.names,
            region: site.region,
            peer: site.peer,
        };
        let definition = workflow::render(way, &place);
        let statements = statements(site, way, keys, messaging, functions);
        let role = iam::role(
            &mut template,
            site,
            [role_id, policy_id],
            &format!("{name}-machine"),
            "states.amazonaws.com",
            statements,
        );
        let machine = template.add(
            MachineKind,
            id,
            &site.names.machine(site.region, way),
            json!({
                "StateMachineType": "STANDARD", "RoleArn": role.arn(), "DefinitionString": definition.to_string(),
                "TracingConfiguration": {"Enabled": true},
                "LoggingConfiguration": {
                    "Level": "ALL", "IncludeExecutionData": true,
                    "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": logs.arn()}}],
                },
                "EncryptionConfiguration": {
                    "Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": keys.functions, "KmsDataKeyReusePeriodSeconds": 300,
                },
            }),
        );
        template.wait(&machine, &[policy_id]);
        template.export(if name == "failover" { "failover" } else { "failback" }, machine.arn());
        platform.machines.push(Machine {
            region: site.region.clone(),
            way,
            definition,
        });
    }
    platform.stacks.push(template.finish(&platform.stacks));
}

fn statements(
    site: &Site<'_>,
    way: RoleChangeKind,
    keys: &Keys,
    messaging: &Messaging,
    functions: &Functions,
) -> Vec<Value> {
    let table = |name: String| json!(site.names.table_arn(site.region, &name));
    let clusters = workflow::clusters(&site.names, [site.region, site.peer]);
    let moves: &[&str] = match way {
        RoleChangeKind::Failover => &["rds:FailoverGlobalCluster", "rds:RemoveFromGlobalCluster"],
        RoleChangeKind::Failback => &["rds:SwitchoverGlobalCluster"],
    };
    let mut statements = vec![
        iam::allow(
            "Lease",
            &["dynamodb:GetItem", "dynamodb:UpdateItem"],
            table(site.names.lease_table()),
        ),
        iam::allow(
            "OrderPath",
            &["dynamodb:UpdateItem"],
            table(site.names.order_path_table()),
        ),
        iam::allow(
            "LookAtTheWriter",
            &["rds:DescribeGlobalClusters"],
            json!(site.names.arn("rds", None, "global-cluster:*")),
        ),
        iam::allow("MoveTheWriter", moves, json!(clusters)),
        iam::allow("Steps", &["lambda:InvokeFunction"], json!(functions.steps)),
        iam::allow("Operators", &["sns:Publish"], json!(messaging.operators)),
        iam::with_key("Messages", &keys.messages),
        iam::with_key("Machine", &keys.functions),
        iam::tracing(),
        // Step Functions knows no resources for the delivery of its logs.
        iam::allow(
            "LogDelivery",
            &[
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ],
            json!("*"),
        ),
    ];
    if let Some(domain) = &site.deployment.domain {
        let parameters = [workflow::ZONE_PARAMETER, workflow::CHECK_PARAMETER]
            .map(|name| site.arn("ssm", &format!("parameter{}", site.names.shared_parameter(name))));
        let zone = domain.zone_id.as_deref().unwrap_or("*");
        let partition = site.names.partition();
        let mut change = iam::allow(
            "PublicRecord",
            &["route53:ChangeResourceRecordSets"],
            json!(format!("arn:{partition}:route53:::hostedzone/{zone}")),
        );
        // Only this name's records, whatever the zone.
        change["Condition"] = json!({"ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": [domain.public_name],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT"],
        }});
        statements.extend([
            iam::allow("RecordParameters", &["ssm:GetParameter"], json!(parameters)),
            change,
        ]);
    }
    statements
}
