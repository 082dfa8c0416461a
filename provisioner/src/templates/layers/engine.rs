//! The engine as a service: two sidecars per region, each a service of its own, because each has a number and a journal.
//!
//! What a sidecar is started with, its policy, platform file, tokens and password, comes out of secrets into its environment. A
//! reconciler makes them. Sidecars find each other by names that Cloud Map keeps; another reconciler makes each region's names
//! known in the other one, and to the observer.

pub(super) mod observer;
mod task;

use serde_json::{Value, json};
use understudy_engine::decode::SOURCE;
use understudy_policies::model::{LeaseStore, RegionName};

use super::super::excuse::Excuse;
use super::super::kinds::{
    EcsService, EcsTask, FileSystem, FileSystemAccess, FileSystemTarget, SecurityGroup, SidecarHost, SidecarZone,
};
use super::super::model::{Handle, Template};
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::keys::Keys;
use super::network::Network;
use crate::deployment::Engine;
use crate::deployment::platform_file::{OPERATORS_PORT, PEER_PORT, SIDECARS as COUNT};
use crate::deployment::sidecar_secret::SidecarSecret;
use task::{Start, USER};

const SIDECARS: [[&str; 4]; COUNT] = [
    ["Journal1", "Task1", "Sidecar1", "Host1"],
    ["Journal2", "Task2", "Sidecar2", "Host2"],
];
const TARGETS: [&str; 3] = ["JournalsInZoneA", "JournalsInZoneB", "JournalsInZoneC"];
/// Seconds for which an address of a sidecar is remembered.
const HOST_TTL_S: u32 = 10;

pub(super) struct Below<'a> {
    pub(super) network: &'a Network,
    pub(super) keys: &'a Keys,
}

pub(super) fn build(site: &Site<'_>, engine: &Engine, below: &Below<'_>, stacks: &mut Vec<Stack>) {
    let Below { network, keys } = below;
    let mut template = Template::new(site, Layer::Engine, "the engine, two sidecars");
    let logs = task::logs(&mut template, site, &keys.logs);
    let cluster = task::cluster(&mut template, site);
    let files = journals(&mut template, site, network, keys);
    let mut statements = sidecar(site);
    statements.extend([
        iam::with_key("Messages", &keys.messages),
        iam::allow_if(
            "Journal",
            &["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            json!(files.arn()),
            json!({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}),
        ),
    ]);
    let task_role = iam::role(
        &mut template,
        site,
        ["TaskRole", "TaskPolicy"],
        "engine",
        "ecs-tasks.amazonaws.com",
        statements,
    );
    let start = Start {
        site,
        engine,
        logs: &logs,
        secrets: &SidecarSecret::ALL,
    };
    let start_role = start.role(&mut template, &keys.data);
    let zone = template.add(
        SidecarZone,
        "SidecarZone",
        &site.names.sidecar_zone(site.region),
        json!({
            "Description": format!("where the sidecars of {} find each other", site.names.environment()),
            "Vpc": network.vpc,
        }),
    );
    template.export("sidecar-zone", zone.zone());
    for (index, [journal, task, service, host]) in SIDECARS.into_iter().enumerate() {
        let number = index + 1;
        let host = template.add(
            SidecarHost,
            host,
            &format!("sidecar-{number}"),
            json!({
                "NamespaceId": zone.reference(),
                "DnsConfig": {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": HOST_TTL_S}]},
                // ECS says whether the task is there.
                "HealthCheckCustomConfig": {"FailureThreshold": 1},
            }),
        );
        let access = template.add(
            FileSystemAccess,
            journal,
            &site.name(&format!("journal-{number}")),
            json!({
                "FileSystemId": files.reference(), "PosixUser": {"Uid": USER, "Gid": USER},
                "RootDirectory": {
                    "Path": format!("/sidecar-{number}"),
                    "CreationInfo": {"OwnerUid": USER, "OwnerGid": USER, "Permissions": "0700"},
                },
            }),
        );
        let volumes = json!([
            {
                "Name": "journal",
                "EFSVolumeConfiguration": {
                    "FilesystemId": files.reference(), "TransitEncryption": "ENABLED",
                    "AuthorizationConfig": {"AccessPointId": access.reference(), "IAM": "ENABLED"},
                },
            },
        ]);
        let task = template.add(
            EcsTask,
            task,
            &site.name(&format!("engine-{number}")),
            start.task(json!({
                "TaskRoleArn": task_role.arn(), "ExecutionRoleArn": start_role.arn(), "Volumes": volumes,
                "ContainerDefinitions": [container(&start, number)],
            })),
        );
        let service = template.add(
            EcsService,
            service,
            &site.name(&format!("engine-{number}")),
            task::service(json!({
                "Cluster": cluster.reference(), "TaskDefinition": task.reference(),
                // In different zones.
                "NetworkConfiguration": task::network(&json!([network.subnets[index]]), &network.engine),
                "ServiceRegistries": [{"RegistryArn": host.arn()}],
            })),
        );
        let mut needs = TARGETS.to_vec();
        needs.extend(["TaskPolicy", "StartPolicy"]);
        // One after the other: while one is replaced, the other one drives.
        needs.extend(SIDECARS[..index].iter().map(|[_, _, earlier, _]| *earlier));
        template.wait(&service, &needs);
    }
    template.after(Layer::Configuration);
    stacks.push(template.finish(stacks));
}

/// Where the journals are. They outlive their tasks.
fn journals(template: &mut Template<'_>, site: &Site<'_>, network: &Network, keys: &Keys) -> Handle<FileSystem> {
    let cidr = site.network.cidr.to_string();
    let nfs = |why: &str| json!([{"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "CidrIp": cidr, "Description": why}]);
    let group = template.add(
        SecurityGroup,
        "JournalsGroup",
        &site.name("journals"),
        json!({
            "GroupDescription": "journals of the sidecars", "VpcId": network.vpc,
            "SecurityGroupIngress": nfs("sidecars"), "SecurityGroupEgress": nfs("answers only"),
        }),
    );
    let files = template.add(
        FileSystem,
        "Journals",
        &site.name("journals"),
        json!({"Encrypted": true, "KmsKeyId": keys.storage, "BackupPolicy": {"Status": "ENABLED"}}),
    );
    template.keep(&files);
    template.excuse(
        &files,
        &[Excuse::Nag(
            "EFSInBackupPlan",
            "AWS's own backup policy is on; the lease item is the record, the journal is detail",
        )],
    );
    for (id, subnet) in TARGETS.into_iter().zip(&network.subnets) {
        template.add(
            FileSystemTarget,
            id,
            "",
            json!({"FileSystemId": files.reference(), "SubnetId": subnet, "SecurityGroups": [group.group_id()]}),
        );
    }
    files
}

fn container(start: &Start<'_>, number: usize) -> Value {
    let Start { site, engine, .. } = start;
    let mut command = start.command(&[format!("--sidecar={number}")]);
    command.push("--journal=/var/lib/understudy".to_owned());
    command.push(format!("--peer-listen=0.0.0.0:{PEER_PORT}"));
    let mut ports = vec![json!({"Name": "peers", "ContainerPort": PEER_PORT, "Protocol": "tcp"})];
    if engine.operators.is_empty() {
        command.push(format!("--listen=127.0.0.1:{OPERATORS_PORT}"));
    } else {
        command.push(format!("--listen=0.0.0.0:{OPERATORS_PORT}"));
        command.push(format!("--allow-host={}", site.names.sidecar_host(site.region, number)));
        ports.push(json!({"Name": "operators", "ContainerPort": OPERATORS_PORT, "Protocol": "tcp"}));
    }
    let mut container = start.container(&command, &format!("sidecar-{number}"));
    container["PortMappings"] = json!(ports);
    container["MountPoints"] =
        json!([{"SourceVolume": "journal", "ContainerPath": "/var/lib/understudy", "ReadOnly": false}]);
    container["HealthCheck"] = task::healthy(&["status", "--json"]);
    container
}

/// What a sidecar calls: the same as the engine's own list under `deploy/iam`, with which a test compares it.
fn sidecar(site: &Site<'_>) -> Vec<Value> {
    let names = &site.names;
    let table = |region: &RegionName, name: &str| names.table_arn(region, name);
    let lease = match &site.policy.lease.store {
        LeaseStore::MultiRegion => site.both(|region| table(region, &names.lease_table())),
        LeaseStore::SingleTable { region } => vec![table(region, &names.lease_table())],
    };
    let clusters = site.both(|region| names.arn("rds", Some(region), &format!("cluster:{}", names.cluster(region))));
    let global = names.arn("rds", None, &format!("global-cluster:{}", names.global_cluster()));
    let buses = site.both(|region| names.arn("events", Some(region), "event-bus/default"));
    let switch_b = format!("{}/switch-b.json", names.bucket_arn(&names.switch_bucket()));
    let machines: Vec<String> = ["failover", "failback"]
        .map(|way| site.arn("states", &format!("stateMachine:{}", site.name(way))))
        .into_iter()
        .flat_map(|machine| {
            let parts = machine.replace(":stateMachine:", ":mapRun:") + "/*:*";
            [machine, parts]
        })
        .collect();
    let mut statements = vec![
        iam::allow("Lease", &["dynamodb:GetItem", "dynamodb:UpdateItem"], json!(lease)),
        iam::allow(
            "SwitchA",
            &["dynamodb:GetItem", "dynamodb:UpdateItem"],
            json!([table(names.standby(), &names.switch_table())]),
        ),
        iam::allow("SwitchB", &["s3:GetObject", "s3:PutObject"], json!([switch_b])),
        iam::allow(
            "OrderPath",
            &["dynamodb:UpdateItem"],
            json!([table(site.region, &names.order_path_table())]),
        ),
        iam::allow(
            "GlobalClusters",
            &["rds:DescribeGlobalClusters"],
            json!([names.arn("rds", None, "global-cluster:*")]),
        ),
        iam::allow("OwnCluster", &["rds:DescribeDBClusters"], json!([clusters[0]])),
        iam::allow(
            "OldVolume",
            &["rds:DescribeDBClusterSnapshots"],
            json!([clusters[1], names.arn("rds", Some(site.peer), "cluster-snapshot:*")]),
        ),
        iam::allow(
            "MoveTheWriter",
            &[
                "rds:CreateGlobalCluster",
                "rds:FailoverGlobalCluster",
                "rds:RemoveFromGlobalCluster",
                "rds:SwitchoverGlobalCluster",
            ],
            json!([global.clone(), format!("{global}-*"), clusters[0], clusters[1]]),
        ),
        iam::allow(
            "Operators",
            &["sns:Publish"],
            json!([site.arn("sns", &names.topic(site.region))]),
        ),
        iam::allow_if(
            "OwnEvents",
            &["events:PutEvents"],
            json!(buses),
            json!({"StringEquals": {"events:source": SOURCE}}),
        ),
        iam::allow_if(
            "Heartbeat",
            &["cloudwatch:PutMetricData"],
            json!(["*"]),
            json!({"StringEquals": {"cloudwatch:namespace": "Understudy"}}),
        ),
        iam::allow(
            "Queue",
            &["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            json!([site.arn("sqs", &names.engine_queue(site.region))]),
        ),
        iam::allow(
            "DeadLetters",
            &["sqs:GetQueueUrl", "sqs:SendMessage"],
            json!([site.arn("sqs", &names.engine_dead_letters(site.region))]),
        ),
        iam::allow(
            "Alarms",
            &["cloudwatch:DescribeAlarms"],
            json!([names
                .arn("cloudwatch", None, &format!("alarm:{}", names.shared("*")))
                .replace(":cloudwatch::", ":cloudwatch:*:")]),
        ),
        iam::allow("Lag", &["cloudwatch:GetMetricData"], json!(["*"])),
        iam::allow("Executions", &["states:ListExecutions"], json!(machines)),
    ];
    if let Some(domain) = &site.deployment.domain {
        let zone = domain.zone_id.as_deref().unwrap_or("*");
        statements.push(iam::allow(
            "PublicName",
            &["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"],
            json!([format!("arn:{}:route53:::hostedzone/{zone}", names.partition())]),
        ));
    }
    statements
}
