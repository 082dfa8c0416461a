//! Statements, and the roles made of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kinds::{ManagedPolicy, Role};
use super::model::{Expr, Handle, Template};
use super::site::Site;

/// A statement of these fields.
fn statement<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// An allowance.
pub(super) fn allow(sid: &str, actions: &[&str], resources: Value) -> Value {
    statement([
        ("Sid", sid.into()),
        ("Effect", "Allow".into()),
        ("Action", json!(actions)),
        ("Resource", resources),
    ])
}

/// An allowance under a condition.
pub(super) fn allow_if(sid: &str, actions: &[&str], resources: Value, condition: Value) -> Value {
    let mut statement = allow(sid, actions, resources);
    statement["Condition"] = condition;
    statement
}

/// What a service may do with a resource, as a part of the resource's own policy.
pub(super) fn grant(sid: &str, service: &str, actions: &[&str], resource: Value, condition: Value) -> Value {
    statement([
        ("Sid", sid.into()),
        ("Effect", "Allow".into()),
        ("Principal", json!({"Service": service})),
        ("Action", json!(actions)),
        ("Resource", resource),
        ("Condition", condition),
    ])
}

/// Nobody may do anything without TLS.
pub(super) fn only_with_tls(action: &str, resources: Value) -> Value {
    statement([
        ("Sid", "OnlyWithTls".into()),
        ("Effect", "Deny".into()),
        ("Principal", "*".into()),
        ("Action", action.into()),
        ("Resource", resources),
        ("Condition", json!({"Bool": {"aws:SecureTransport": "false"}})),
    ])
}

/// A secret of this region, by its name: Secrets Manager adds a dash and six letters.
pub(super) fn secret(site: &Site<'_>, name: &str) -> String {
    site.arn("secretsmanager", &format!("secret:{name}-??????"))
}

/// A policy document.
pub(super) fn document(statements: impl IntoIterator<Item = Value>) -> Value {
    let statements: Vec<Value> = statements.into_iter().collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Only on behalf of this account.
pub(super) fn of_account(site: &Site<'_>) -> Value {
    json!({"StringEquals": {"aws:SourceAccount": site.names.account()}})
}

/// What is needed to run in a network. Lambda looks for the writing ones on everything of EC2 in the account, and EC2 knows no
/// resources for the reading one.
pub(super) fn interfaces(site: &Site<'_>) -> [Value; 2] {
    let write = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ];
    [
        allow("Interfaces", &write, json!(site.arn("ec2", "*/*"))),
        allow("LookAtInterfaces", &["ec2:DescribeNetworkInterfaces"], json!("*")),
    ]
}

/// What is needed to be traced. X-Ray knows no resources.
pub(super) fn tracing() -> Value {
    allow(
        "Tracing",
        &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        json!("*"),
    )
}

/// A role, and its policy as a resource of its own.
///
/// Whoever runs under the role of the same name in the other region may take it: what has to look at this region from there
/// does so with this region's permissions, and with no others. A role that is not there cannot be named as a principal, so the
/// account is, and the condition says which of its roles.
pub(super) fn role(
    template: &mut Template<'_>,
    site: &Site<'_>,
    [id, policy_id]: [&'static str; 2],
    name: &str,
    service: &str,
    mut statements: Vec<Value>,
) -> Handle<Role> {
    let peer = site.names.role_arn(site.peer, name);
    let trust = [
        trusted(site, service),
        json!({
            "Sid": "SameRoleOfTheOtherRegion", "Effect": "Allow",
            "Principal": {"AWS": site.names.arn("iam", None, "root")},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnEquals": {"aws:PrincipalArn": peer},
                "StringEquals": {"sts:ExternalId": site.names.shared(name)},
            },
        }),
    ];
    statements.push(allow("OtherRegion", &["sts:AssumeRole"], json!(peer)));
    service_role(template, site, [id, policy_id], name, &document(trust), statements)
}

/// A role that only a service takes: nothing runs under it that could take another.
pub(super) fn service_role(
    template: &mut Template<'_>,
    site: &Site<'_>,
    [id, policy_id]: [&'static str; 2],
    name: &str,
    trust: &Value,
    statements: Vec<Value>,
) -> Handle<Role> {
    let role = template.add(
        Role,
        id,
        &site.name(name),
        json!({"AssumeRolePolicyDocument": trust, "MaxSessionDuration": 3600}),
    );
    policy(template, policy_id, &site.name(name), &[role.reference()], statements);
    role
}

/// What some roles have in common.
pub(super) fn policy(
    template: &mut Template<'_>,
    id: &'static str,
    name: &str,
    roles: &[Expr],
    statements: Vec<Value>,
) {
    let wildcards: BTreeMap<String, &str> = statements.iter().flat_map(wildcards).collect();
    let policy = json!({"PolicyDocument": document(statements), "Roles": roles});
    let _: Handle<ManagedPolicy> = template.add(ManagedPolicy, id, name, policy);
    for (resource, reason) in wildcards {
        template.excuse_wildcard(id, &resource, reason);
    }
}

/// Why a statement's resources cannot be named more narrowly, by the action. One that is not here has to be.
const WILDCARDS: [(&str, &str); 19] = [
    (
        "cloudwatch:DescribeAlarms",
        "the alarms of this environment, in each region in which a witness's may be",
    ),
    ("cloudwatch:", "metrics are no resources"),
    ("dynamodb:", "the indexes of the table"),
    ("ec2:Describe", "EC2 knows no resources for reading"),
    (
        "ec2:",
        "Lambda wants its interfaces allowed on all of EC2 in the account",
    ),
    ("ecr:GetAuthorizationToken", "the token for a registry has no resource"),
    (
        "kms:",
        "the other region's key is known by its alias only, which is the condition",
    ),
    ("logs:CreateLogDelivery", "the delivery of vended logs has no resources"),
    (
        "logs:CreateLogGroup",
        "API Gateway chooses the end of its group's name, and writes for every environment with one role",
    ),
    ("logs:DescribeLogGroups", "API Gateway looks through all log groups"),
    ("logs:", "the streams of one group"),
    ("rds:DescribeDBClusterSnapshots", "Aurora chooses the snapshot's name"),
    (
        "rds:DescribeGlobalClusters",
        "which global cluster a cluster is in is what is asked",
    ),
    (
        "rds:",
        "after a detach the global cluster has another name with this beginning",
    ),
    ("route53:", "the id of a zone that is made is not known before"),
    ("s3:", "the objects of one bucket"),
    ("ssm:", "the parameters of this environment"),
    ("states:", "executions are named when they are started"),
    ("xray:", "X-Ray knows no resources"),
];

/// The wildcards among a statement's resources, each with its reason.
fn wildcards(statement: &Value) -> Vec<(String, &'static str)> {
    let resources = match &statement["Resource"] {
        Value::Array(resources) => resources.clone(),
        resource => vec![resource.clone()],
    };
    let action = statement["Action"][0].as_str().unwrap_or_default();
    let wild = resources
        .iter()
        .filter_map(spelled)
        .filter(|resource| resource.contains('*'));
    wild.map(|resource| {
        let reason = WILDCARDS.iter().find(|(actions, _)| action.starts_with(actions));
        let Some((_, reason)) = reason else {
            panic!("nobody says why {action} is allowed on {resource}");
        };
        (resource, *reason)
    })
    .collect()
}

/// A resource as it reads: what CloudFormation works out stands in angle brackets.
fn spelled(resource: &Value) -> Option<String> {
    if let Some(text) = resource.as_str() {
        return Some(text.to_owned());
    }
    if let Some(parts) = resource["Fn::Join"][1].as_array() {
        return Some(parts.iter().filter_map(spelled).collect());
    }
    let attribute = resource["Fn::GetAtt"].as_array()?;
    let names: Vec<&str> = attribute.iter().filter_map(Value::as_str).collect();
    Some(format!("<{}>", names.join(".")))
}

/// The services that say on whose behalf they take a role. The others would be locked out by a condition.
const TELLING: [&str; 6] = [
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "scheduler.amazonaws.com",
    "states.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
];

/// A trust in one service, on behalf of this account.
pub(super) fn trust(site: &Site<'_>, service: &str) -> Value {
    document([trusted(site, service)])
}

fn trusted(site: &Site<'_>, service: &str) -> Value {
    let mut statement = json!({
        "Sid": "Service", "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
    });
    if TELLING.contains(&service) {
        statement["Condition"] = of_account(site);
    }
    statement
}

/// The use of a key, by whoever has data encrypted with it.
pub(super) fn with_key(sid: &str, key: &impl serde::Serialize) -> Value {
    allow(sid, &["kms:Decrypt", "kms:GenerateDataKey"], json!(key))
}

/// Writing into a log group.
pub(super) fn logging(group: &Expr) -> Value {
    allow("Log", &["logs:CreateLogStream", "logs:PutLogEvents"], json!(group))
}
