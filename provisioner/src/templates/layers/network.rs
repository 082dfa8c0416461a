//! The network: private subnets over three zones, and the ways out of them that stay inside AWS.
//!
//! The peering with the other region, and its routes, are a reconciler's: no stack can name what the other region's stack makes.

use serde_json::{Value, json};

use super::super::excuse::Excuse;
use super::super::kinds::{
    FlowLog, LogGroup, RouteTable, RouteTableAssociation, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};
use super::super::model::{Expr, Handle, Import, Template};
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::keys::{Keys, WitnessKeys};
use crate::deployment::platform_file::{OPERATORS_PORT, PEER_PORT as PEERS};

/// What the network exports.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) vpc: Import,
    pub(super) subnets: [Import; 3],
    pub(super) route_tables: [Import; 3],
    /// The security groups of functions, database and engine.
    pub(super) functions: Import,
    pub(super) engine: Import,
}

/// What the network of the witness region exports.
#[derive(Debug)]
pub(super) struct WitnessNetwork {
    pub(super) vpc: Import,
    pub(super) subnets: [Import; 3],
    pub(super) route_tables: [Import; 3],
    /// The security group of the observer.
    pub(super) observer: Import,
}

const SUBNETS: [[&str; 3]; 3] = [
    ["PrivateSubnetA", "PrivateRoutesA", "PrivateRoutesOfSubnetA"],
    ["PrivateSubnetB", "PrivateRoutesB", "PrivateRoutesOfSubnetB"],
    ["PrivateSubnetC", "PrivateRoutesC", "PrivateRoutesOfSubnetC"],
];
const SUBNET_EXPORTS: [[&str; 2]; 3] = [
    ["private-subnet-a", "routes-a"],
    ["private-subnet-b", "routes-b"],
    ["private-subnet-c", "routes-c"],
];

/// The services of this region that functions and sidecars call: they are reached without the internet, and when it is gone.
const INTERFACES: [(&str, &str); 12] = [
    ("QueueEndpoint", "sqs"),
    ("TopicEndpoint", "sns"),
    ("SecretEndpoint", "secretsmanager"),
    ("ParameterEndpoint", "ssm"),
    ("KeyEndpoint", "kms"),
    ("LogEndpoint", "logs"),
    ("EventEndpoint", "events"),
    ("MachineEndpoint", "states"),
    ("TokenEndpoint", "sts"),
    ("DatabaseEndpoint", "rds"),
    ("MetricEndpoint", "monitoring"),
    ("FunctionEndpoint", "lambda"),
];
/// From where the engine's image comes; its layers come from a bucket.
const REGISTRY: [(&str, &str); 2] = [("RegistryEndpoint", "ecr.api"), ("ImageEndpoint", "ecr.dkr")];

pub(super) fn build(site: &Site<'_>, keys: &Keys, stacks: &mut Vec<Stack>) -> Network {
    let mut template = Template::new(
        site,
        Layer::Network,
        "private subnets over three zones, endpoints, security groups",
    );
    let vpc = network(&mut template, site);
    let (subnets, tables) = private(&mut template, site, &vpc);
    let groups = groups(&mut template, site, &vpc);
    endpoints(&mut template, site, &vpc, &subnets, &tables, &groups.endpoints);
    flow_logs(&mut template, site, &vpc, &keys.logs);

    template.export("database-group", groups.database.group_id());
    let (subnets, route_tables) = exported(&mut template, &subnets, &tables);
    let network = Network {
        vpc: template.export("network", vpc.reference()),
        subnets,
        route_tables,
        functions: template.export("functions-group", groups.functions.group_id()),
        engine: template.export("engine-group", groups.engine.group_id()),
    };
    stacks.push(template.finish(stacks));
    network
}

/// The network of the witness region. The observer needs a way to the sidecars of both regions, and into the internet, by which
/// it comes to everything else: so there are no endpoints.
pub(super) fn witness(site: &Site<'_>, keys: &WitnessKeys, stacks: &mut Vec<Stack>) -> WitnessNetwork {
    let mut template = Template::new(
        site,
        Layer::Network,
        "private subnets over three zones, for the observer",
    );
    let vpc = network(&mut template, site);
    let (subnets, tables) = private(&mut template, site, &vpc);
    flow_logs(&mut template, site, &vpc, &keys.logs);
    let regions = &site.deployment.network;
    let group = template.add(
        SecurityGroup,
        "ObserverGroup",
        &site.name("observer"),
        json!({
            "GroupDescription": "the observer: it is called by nobody", "VpcId": vpc.reference(),
            "SecurityGroupIngress": [],
            "SecurityGroupEgress": [
                open(HTTPS, "0.0.0.0/0", "AWS, and both regions' endpoints"),
                open(PEERS, &regions.primary.cidr.to_string(), "sidecars of the primary region"),
                open(PEERS, &regions.standby.cidr.to_string(), "sidecars of the standby region"),
            ],
        }),
    );
    let (subnets, route_tables) = exported(&mut template, &subnets, &tables);
    let network = WitnessNetwork {
        vpc: template.export("network", vpc.reference()),
        subnets,
        route_tables,
        observer: template.export("observer-group", group.group_id()),
    };
    stacks.push(template.finish(stacks));
    network
}

fn network(template: &mut Template<'_>, site: &Site<'_>) -> Handle<Vpc> {
    let cidr = site.network.cidr.to_string();
    let vpc = template.add(
        Vpc,
        "Vpc",
        &site.name("network"),
        json!({"CidrBlock": cidr, "EnableDnsHostnames": true, "EnableDnsSupport": true}),
    );
    let reason = "CloudFormation cannot empty the default group; nothing is in it, and everything here names its own";
    template.excuse(&vpc, &[Excuse::Nag("VPCDefaultSecurityGroupClosed", reason)]);
    template.export("network-cidr", cidr);
    vpc
}

/// The subnets, and their tables.
fn exported(template: &mut Template<'_>, subnets: &[Expr], tables: &[Expr]) -> ([Import; 3], [Import; 3]) {
    let export = |index: usize| {
        let [subnet, routes] = SUBNET_EXPORTS[index];
        (
            template.export(subnet, &subnets[index]),
            template.export(routes, &tables[index]),
        )
    };
    let [(a, table_a), (b, table_b), (c, table_c)] = [0, 1, 2].map(export);
    ([a, b, c], [table_a, table_b, table_c])
}

/// One subnet in each zone, with a table of its own: what goes wrong in one zone stays there.
fn private(template: &mut Template<'_>, site: &Site<'_>, vpc: &Handle<Vpc>) -> (Vec<Expr>, Vec<Expr>) {
    let mut made = (Vec::new(), Vec::new());
    for (index, [subnet, routes, association]) in SUBNETS.into_iter().enumerate() {
        let zone = ["a", "b", "c"][index];
        let (place, is) = site.zone(index);
        let subnet = template.add(
            Subnet,
            subnet,
            &site.name(&format!("private-{zone}")),
            json!({
                "VpcId": vpc.reference(),
                "CidrBlock": site.network.subnets[index].to_string(),
                place: is,
                "MapPublicIpOnLaunch": false,
            }),
        );
        let table = template.add(
            RouteTable,
            routes,
            &site.name(&format!("private-{zone}")),
            json!({"VpcId": vpc.reference()}),
        );
        template.add(
            RouteTableAssociation,
            association,
            "",
            json!({"SubnetId": subnet.reference(), "RouteTableId": table.reference()}),
        );
        made.0.push(subnet.reference());
        made.1.push(table.reference());
    }
    made
}

struct Groups {
    endpoints: Handle<SecurityGroup>,
    functions: Handle<SecurityGroup>,
    engine: Handle<SecurityGroup>,
    database: Handle<SecurityGroup>,
}

const HTTPS: u16 = 443;
const POSTGRES: u16 = 5432;
const NFS: u16 = 2049;

fn open(port: u16, cidr: &str, why: &str) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": cidr, "Description": why})
}

/// Who calls the sidecars: each other, the observer, and the operators that the file names.
fn called(site: &Site<'_>, here: &str, there: &str) -> Vec<Value> {
    let mut from = vec![
        open(PEERS, here, "sidecars of this region"),
        open(PEERS, there, "sidecars of the other region"),
    ];
    if let Some(engine) = &site.deployment.engine {
        if let Some(observer) = &engine.observer {
            from.push(open(PEERS, &observer.network.cidr.to_string(), "the observer"));
        }
        let operators = engine.operators.iter();
        from.extend(operators.map(|cidr| open(OPERATORS_PORT, &cidr.to_string(), "operators")));
    }
    from
}

/// Security groups. One of another region cannot be named, so the other region is known by its addresses.
fn groups(template: &mut Template<'_>, site: &Site<'_>, vpc: &Handle<Vpc>) -> Groups {
    let here = site.network.cidr.to_string();
    let there = site.peer_network.cidr.to_string();
    let from = |port: u16, group: &Handle<SecurityGroup>, why: &str| {
        json!({
            "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "SourceSecurityGroupId": group.group_id(),
            "Description": why,
        })
    };
    let mut group = |id, role: &str, what: &str, ingress: Vec<Value>, egress: Vec<Value>| {
        template.add(
            SecurityGroup,
            id,
            &site.name(role),
            json!({
                "GroupDescription": what, "VpcId": vpc.reference(),
                "SecurityGroupIngress": ingress, "SecurityGroupEgress": egress,
            }),
        )
    };
    let https = || open(HTTPS, "0.0.0.0/0", "AWS and venues");
    let databases = || {
        [
            open(POSTGRES, &here, "the database of this region"),
            open(POSTGRES, &there, "the database of the other region"),
        ]
    };
    let functions = group(
        "FunctionsGroup",
        "functions",
        "functions: they are called by nobody in the network",
        Vec::new(),
        [https()].into_iter().chain(databases()).collect(),
    );
    let engine = group(
        "EngineGroup",
        "engine",
        "sidecars of the engine",
        called(site, &here, &there),
        [
            https(),
            open(PEERS, &here, "sidecars of this region"),
            open(PEERS, &there, "sidecars of the other region"),
            open(NFS, &here, "the journal"),
        ]
        .into_iter()
        .chain(databases())
        .collect(),
    );
    let endpoints = group(
        "EndpointsGroup",
        "endpoints",
        "endpoints of AWS services",
        vec![open(HTTPS, &here, "everything in this network")],
        vec![open(HTTPS, &here, "answers only")],
    );
    let database = group(
        "DatabaseGroup",
        "database",
        "the database",
        vec![
            from(POSTGRES, &functions, "order functions"),
            from(POSTGRES, &engine, "sidecars of this region"),
            open(POSTGRES, &there, "sidecars and functions of the other region"),
        ],
        vec![open(POSTGRES, &here, "answers only")],
    );
    Groups {
        endpoints,
        functions,
        engine,
        database,
    }
}

fn endpoints(
    template: &mut Template<'_>,
    site: &Site<'_>,
    vpc: &Handle<Vpc>,
    subnets: &[Expr],
    tables: &[Expr],
    group: &Handle<SecurityGroup>,
) {
    let service = |name: &str| format!("com.amazonaws.{}.{name}", site.region);
    // Only whoever is of this account.
    let ours = json!({
        "Sid": "OfThisAccount", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalAccount": site.names.account()}},
    });
    let of_account = iam::document([ours.clone()]);
    let of_account_and_layers = iam::document([ours, image_layers(site)]);
    let has_engine = site.deployment.engine.is_some();
    let for_buckets = if has_engine {
        &of_account_and_layers
    } else {
        &of_account
    };
    for (id, name, policy) in [
        ("BucketEndpoint", "s3", for_buckets),
        ("TableEndpoint", "dynamodb", &of_account),
    ] {
        template.add(
            VpcEndpoint,
            id,
            &site.name(name),
            json!({
                "VpcId": vpc.reference(), "ServiceName": service(name), "VpcEndpointType": "Gateway",
                "RouteTableIds": tables, "PolicyDocument": policy,
            }),
        );
    }
    let registry = if has_engine { &REGISTRY[..] } else { &[] };
    for (id, name) in INTERFACES.iter().chain(registry) {
        template.add(
            VpcEndpoint,
            *id,
            &site.name(name),
            json!({
                "VpcId": vpc.reference(), "ServiceName": service(name), "VpcEndpointType": "Interface",
                "SubnetIds": subnets, "SecurityGroupIds": [group.group_id()], "PrivateDnsEnabled": true,
                "PolicyDocument": of_account,
            }),
        );
    }
}

/// The registry's own bucket, which is in each region. It hands out signed addresses, so it is AWS that asks, and not we.
fn image_layers(site: &Site<'_>) -> Value {
    let bucket = format!("prod-{}-starport-layer-bucket", site.region);
    json!({
        "Sid": "LayersOfImages", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("{}/*", site.names.bucket_arn(&bucket)),
    })
}

fn flow_logs(template: &mut Template<'_>, site: &Site<'_>, vpc: &Handle<Vpc>, key: &Import) {
    let group = template.add(
        LogGroup,
        "FlowLogs",
        &site.names.log_group(site.region, "network"),
        json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": key}),
    );
    let role = iam::service_role(
        template,
        site,
        ["FlowLogsRole", "FlowLogsPolicy"],
        "flow-logs",
        &iam::trust(site, "vpc-flow-logs.amazonaws.com"),
        vec![iam::allow(
            "Log",
            &["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            json!(group.arn()),
        )],
    );
    template.add(
        FlowLog,
        "FlowLog",
        &site.name("network"),
        json!({
            "ResourceId": vpc.reference(), "ResourceType": "VPC", "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs", "LogGroupName": group.reference(),
            "DeliverLogsPermissionArn": role.arn(), "MaxAggregationInterval": 60,
        }),
    );
}
