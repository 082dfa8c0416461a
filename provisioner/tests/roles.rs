//! One test per role: who may take it, and exactly what it may do. R3.4, R9.2.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use understudy_policies::model::RegionName;
use understudy_policies::source::Source;
use understudy_policies::{Policy, shipped};
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::templates::synthesize;

const ACCOUNT: &str = "000000000000";

struct Role {
    trust: Vec<Value>,
    statements: Vec<Value>,
}

fn deployment(policy: &Policy) -> Deployment {
    Deployment::read(&Source::new("deployment.toml", EXAMPLE), policy, None).unwrap()
}

fn roles_of(policy: &Policy, deployment: &Deployment, region: &RegionName) -> Vec<(String, Role)> {
    let platform = synthesize(policy, deployment);
    let mut roles = Vec::new();
    for stack in platform.of(region) {
        let resources = stack.template["Resources"].as_object().unwrap();
        for (id, role) in resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == "AWS::IAM::Role")
        {
            let reference = json!({"Ref": id});
            let policies = resources.values().filter(|resource| {
                let roles = resource["Properties"]["Roles"].as_array();
                resource["Type"] == "AWS::IAM::ManagedPolicy" && roles.is_some_and(|roles| roles.contains(&reference))
            });
            let statements = |document: &Value| document["Statement"].as_array().unwrap().clone();
            roles.push((
                role["Properties"]["RoleName"].as_str().unwrap().to_owned(),
                Role {
                    trust: statements(&role["Properties"]["AssumeRolePolicyDocument"]),
                    statements: policies
                        .flat_map(|policy| statements(&policy["Properties"]["PolicyDocument"]))
                        .collect(),
                },
            ));
        }
    }
    roles
}

/// A role of both regions, and of the witness region, if it has one of that name.
fn roles(role: &str) -> Vec<Role> {
    let policy = shipped::trading();
    let deployment = deployment(&policy);
    let names = deployment.names(&policy);
    let regions = &policy.regions;
    let of = |region| {
        let wanted = names.regional(region, role);
        let mut roles = roles_of(&policy, &deployment, region).into_iter();
        roles.find(|(name, _)| *name == wanted).map(|(_, role)| role)
    };
    let both =
        [&regions.primary, &regions.standby].map(|region| of(region).unwrap_or_else(|| panic!("{role} in {region}")));
    both.into_iter().chain(of(&regions.witness)).collect()
}

/// Checks a role in every region that has it: the service that takes it, and every action that it has. `other_region`: the role of the
/// same name in the other region may take it as well.
fn check(role: &str, service: &str, other_region: bool, actions: &[&str]) {
    let regions = [
        ("us-east-1", "us-east-2"),
        ("us-east-2", "us-east-1"),
        ("us-west-2", ""),
    ];
    for (found, (region, peer)) in roles(role).iter().zip(regions) {
        assert_eq!(found.trust[0]["Principal"], json!({"Service": service}), "{region}");
        assert_eq!(found.trust[0]["Action"], "sts:AssumeRole");
        let peer_role = format!("arn:aws:iam::{ACCOUNT}:role/understudy-dev1-{peer}-{role}");
        if other_region {
            assert_eq!(
                found.trust[1]["Condition"],
                json!({
                    "ArnEquals": {"aws:PrincipalArn": peer_role},
                    "StringEquals": {"sts:ExternalId": format!("understudy-dev1-{role}")},
                }),
                "only the same role of the other region, and only if it says what for"
            );
            let take = found
                .statements
                .iter()
                .find(|statement| statement["Action"] == json!(["sts:AssumeRole"]))
                .unwrap();
            assert_eq!(take["Resource"], peer_role);
        }
        assert_eq!(found.trust.len(), 1 + usize::from(other_region), "{region}");
        let has: BTreeSet<&str> = found
            .statements
            .iter()
            .flat_map(|statement| statement["Action"].as_array().unwrap())
            .map(|action| action.as_str().unwrap())
            .filter(|action| *action != "sts:AssumeRole")
            .collect();
        assert_eq!(has, actions.iter().copied().collect(), "{role} in {region}");
        for statement in &found.statements {
            assert_eq!(statement["Effect"], "Allow");
            least(role, statement);
        }
    }
}

/// Everything is allowed on something, and on everything only what knows no resources.
fn least(role: &str, statement: &Value) {
    let free = [
        "cloudwatch:GetMetricData",
        "cloudwatch:PutMetricData",
        "ec2:DescribeNetworkInterfaces",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "xray:PutTraceSegments",
    ];
    let action = statement["Action"][0].as_str().unwrap();
    let everything = statement["Resource"] == "*" || statement["Resource"] == json!(["*"]);
    assert!(!everything || free.contains(&action), "{role}: {statement}");
    for action in statement["Action"].as_array().unwrap() {
        assert!(!action.as_str().unwrap().contains('*'), "{role}: {statement}");
    }
}

/// What every function has.
const FUNCTION: [&str; 12] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:UnassignPrivateIpAddresses",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

fn function(role: &str, actions: &[&str]) {
    check(role, "lambda.amazonaws.com", true, &[&FUNCTION, actions].concat());
}

#[test]
fn order_intake_accepts_and_queues() {
    function("order-intake", &["dynamodb:GetItem", "dynamodb:PutItem"]);
}

#[test]
fn order_processor_takes_from_the_queue_and_reads_the_databases_secret() {
    function(
        "order-processor",
        &[
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            "secretsmanager:GetSecretValue",
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
    );
}

#[test]
fn health_reads_and_writes_nothing_but_its_probe() {
    function("health", &["dynamodb:GetItem", "secretsmanager:GetSecretValue"]);
}

#[test]
fn readiness_only_looks() {
    function(
        "readiness",
        &[
            "cloudwatch:PutMetricData",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTable",
            "lambda:GetFunctionConfiguration",
            "rds:DescribeDBClusters",
            "rds:DescribeGlobalClusters",
            "s3:GetBucketVersioning",
            "s3:GetReplicationConfiguration",
            "ssm:GetParametersByPath",
            "states:DescribeStateMachine",
        ],
    );
}

#[test]
fn starter_starts_the_failover_machine_of_its_own_region_and_nothing_else() {
    function(
        "starter",
        &["dynamodb:GetItem", "states:DescribeExecution", "states:StartExecution"],
    );
    for (found, region) in roles("starter").iter().zip(["us-east-1", "us-east-2"]) {
        let start = found
            .statements
            .iter()
            .find(|statement| statement["Sid"] == "Failover")
            .unwrap();
        let machine = format!("arn:aws:states:{region}:{ACCOUNT}:stateMachine:understudy-dev1-{region}-failover");
        assert_eq!(start["Resource"], machine);
    }
}

#[test]
fn steps_turns_the_switches_and_writes_the_serving_row() {
    function(
        "steps",
        &[
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            "rds:DescribeGlobalClusters",
            "s3:GetObject",
            "s3:PutObject",
            "secretsmanager:GetSecretValue",
        ],
    );
}

/// What both machines have.
const MACHINE: [&str; 18] = [
    "dynamodb:GetItem",
    "dynamodb:UpdateItem",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "lambda:InvokeFunction",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "rds:DescribeGlobalClusters",
    "route53:ChangeResourceRecordSets",
    "sns:Publish",
    "ssm:GetParameter",
    "xray:PutTraceSegments",
];

#[test]
fn failover_machine_moves_the_writer_here() {
    let own = [
        "rds:FailoverGlobalCluster",
        "rds:RemoveFromGlobalCluster",
        "xray:PutTelemetryRecords",
    ];
    check(
        "failover-machine",
        "states.amazonaws.com",
        true,
        &[&MACHINE, &own[..]].concat(),
    );
}

#[test]
fn failback_machine_moves_the_writer_home_without_loss() {
    let own = ["rds:SwitchoverGlobalCluster", "xray:PutTelemetryRecords"];
    check(
        "failback-machine",
        "states.amazonaws.com",
        true,
        &[&MACHINE, &own[..]].concat(),
    );
}

#[test]
fn machines_may_change_the_public_name_only() {
    for role in roles("failover-machine") {
        let change = role
            .statements
            .iter()
            .find(|statement| statement["Sid"] == "PublicRecord")
            .unwrap();
        let names = &change["Condition"]["ForAllValues:StringEquals"];
        assert_eq!(
            names["route53:ChangeResourceRecordSetsNormalizedRecordNames"],
            json!(["orders.example.com"])
        );
        assert_eq!(names["route53:ChangeResourceRecordSetsActions"], json!(["UPSERT"]));
    }
}

#[test]
fn replication_reads_here_and_writes_there() {
    check(
        "replication",
        "s3.amazonaws.com",
        false,
        &[
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "s3:GetObjectLegalHold",
            "s3:GetObjectRetention",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionTagging",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ReplicateDelete",
            "s3:ReplicateObject",
            "s3:ReplicateTags",
        ],
    );
}

#[test]
fn forwarding_puts_events_on_the_other_regions_bus_only() {
    check("forwarding", "events.amazonaws.com", false, &["events:PutEvents"]);
    for (found, peer) in roles("forwarding").iter().zip(["us-east-2", "us-east-1"]) {
        assert_eq!(
            found.statements[0]["Resource"],
            format!("arn:aws:events:{peer}:{ACCOUNT}:event-bus/default")
        );
    }
}

#[test]
fn flow_logs_writes_into_one_group() {
    let actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"];
    check("flow-logs", "vpc-flow-logs.amazonaws.com", false, &actions);
}

#[test]
fn database_monitoring_writes_into_one_group() {
    let actions = [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
    ];
    check("database-monitoring", "monitoring.rds.amazonaws.com", false, &actions);
}

#[test]
fn api_logs_writes_logs() {
    check(
        "api-logs",
        "apigateway.amazonaws.com",
        false,
        &[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ],
    );
}

#[test]
fn switch_reader_reads_one_table_and_is_in_the_standby_only() {
    let policy = shipped::trading();
    let deployment = deployment(&policy);
    let standby = roles_of(&policy, &deployment, &policy.regions.standby);
    let (_, reader) = standby
        .iter()
        .find(|(name, _)| name.ends_with("-switch-reader"))
        .unwrap();
    assert_eq!(reader.statements.len(), 1);
    assert_eq!(reader.statements[0]["Action"], json!(["dynamodb:GetItem"]));
    let table = format!("arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/understudy-dev1-switches");
    assert_eq!(reader.statements[0]["Resource"], table);
    let primary = roles_of(&policy, &deployment, &policy.regions.primary);
    assert!(primary.iter().all(|(name, _)| !name.ends_with("-switch-reader")));
}

#[test]
fn readiness_schedule_invokes_one_function() {
    let actions = [
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "lambda:InvokeFunction",
        "sqs:SendMessage",
    ];
    check("readiness-schedule", "scheduler.amazonaws.com", false, &actions);
}

#[test]
fn engine_execution_fetches_image_and_secrets_and_writes_logs() {
    check(
        "engine-execution",
        "ecs-tasks.amazonaws.com",
        false,
        &[
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetAuthorizationToken",
            "ecr:GetDownloadUrlForLayer",
            "kms:Decrypt",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "secretsmanager:GetSecretValue",
        ],
    );
}

/// The engine's own list, which its tests compare with the calls that it makes.
#[test]
fn engine_has_what_its_own_policy_says_and_its_journal_beside_it() {
    let text = EXAMPLE
        .replace("account = \"000000000000\"", "account = \"123456789012\"")
        .replace("\"dev1\"", "\"prod\"")
        .replace(
            "zone = \"example.com\"",
            "zone = \"example.com\"\nzone-id = \"Z0123456789ABC\"",
        );
    let policy = shipped::trading();
    let deployment = Deployment::read(&Source::new("deployment.toml", &text), &policy, None).unwrap();
    let files = [
        (
            &policy.regions.primary,
            include_str!("../../deploy/iam/sidecar-home.json"),
        ),
        (
            &policy.regions.standby,
            include_str!("../../deploy/iam/sidecar-away.json"),
        ),
    ];
    for (region, file) in files {
        let wanted: Value = serde_json::from_str(file).unwrap();
        let roles = roles_of(&policy, &deployment, region);
        let (_, role) = roles.iter().find(|(name, _)| name.ends_with("-engine")).unwrap();
        let set = |statements: &[Value]| -> BTreeSet<String> {
            let of = |statement: &Value| {
                let mut statement = statement.clone();
                let mut resources: Vec<Value> = statement["Resource"].as_array().cloned().unwrap_or_default();
                resources.sort_by_key(Value::to_string);
                statement["Resource"] = resources.into();
                statement.to_string()
            };
            statements.iter().map(of).collect()
        };
        let has = set(&role.statements);
        let missing: Vec<String> = set(wanted["Statement"].as_array().unwrap())
            .into_iter()
            .filter(|statement| !has.contains(statement))
            .collect();
        assert!(missing.is_empty(), "{region}: {missing:#?}");
        let sids: BTreeSet<&str> = wanted["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|statement| statement["Sid"].as_str())
            .collect();
        let beside: BTreeSet<&str> = role
            .statements
            .iter()
            .filter_map(|statement| statement["Sid"].as_str())
            .filter(|sid| !sids.contains(sid))
            .collect();
        assert_eq!(beside, ["Journal", "Messages", "OtherRegion"].into());
    }
}

/// A role without a test of its own is an error.
#[test]
fn every_role_has_a_test() {
    let tested = [
        "api-logs",
        "database-monitoring",
        "engine",
        "engine-execution",
        "failback-machine",
        "failover-machine",
        "flow-logs",
        "forwarding",
        "health",
        "order-intake",
        "order-processor",
        "readiness",
        "readiness-schedule",
        "replication",
        "starter",
        "steps",
        "switch-reader",
    ];
    let policy = shipped::trading();
    let deployment = deployment(&policy);
    let names = deployment.names(&policy);
    let found = |region| -> BTreeSet<String> {
        let roles = roles_of(&policy, &deployment, region).into_iter();
        roles.map(|(name, _)| name).collect()
    };
    let region = &policy.regions.standby;
    assert_eq!(
        found(region),
        tested.iter().map(|role| names.regional(region, role)).collect()
    );
    let region = &policy.regions.witness;
    assert_eq!(
        found(region),
        ["engine-execution", "flow-logs"]
            .map(|role| names.regional(region, role))
            .into()
    );
}
