//! The least that each role needs, as IAM policies: written from the names, and checked against the list of
//! [`calls`](super::calls). `deploy/iam` holds them for an example platform; an example program writes them for any.

use serde_json::{Value, json};
use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use super::names::{NAMESPACE, Names, SWITCH_B};
use crate::core::ids::Region;
use crate::core::lease::RoleChangeKind;
use crate::decode::SOURCE;

/// Who has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A sidecar of a serving region.
    Sidecar(Region),
    /// The observer.
    Observer,
    /// Whoever makes the first lease item, once: an operator, or the provisioner.
    LeaseCreator,
}

impl Role {
    /// Every role, with the name of its file.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Sidecar(Region::Home), "sidecar-home"),
        (Self::Sidecar(Region::Away), "sidecar-away"),
        (Self::Observer, "observer"),
        (Self::LeaseCreator, "lease-creator"),
    ];
}

/// The policy document of a role.
#[must_use]
pub fn document(role: Role, names: &Names, policy: &Policy) -> Value {
    let statements = match role {
        Role::Sidecar(own) => Sidecar { own, names, policy }.statements(),
        // It speaks to health paths and to sidecars, and to nothing in AWS; this keeps it so.
        Role::Observer => vec![json!({"Sid": "NothingInAws", "Effect": "Deny", "Action": "*", "Resource": "*"})],
        Role::LeaseCreator => vec![allow(
            "FirstLeaseItem",
            &["dynamodb:PutItem"],
            tables(names, &names.lease_regions(Region::Home)[..1], &names.lease_table()),
        )],
    };
    json!({"Version": "2012-10-17", "Statement": statements})
}

struct Sidecar<'a> {
    own: Region,
    names: &'a Names,
    policy: &'a Policy,
}

impl Sidecar<'_> {
    fn statements(&self) -> Vec<Value> {
        let mut statements = self.store();
        statements.extend(self.traffic());
        statements.extend(self.database());
        statements.extend(self.telling());
        statements.extend(self.hearing());
        statements
    }

    fn store(&self) -> Vec<Value> {
        let names = self.names;
        let standby = std::slice::from_ref(names.region(Region::Away));
        let own = std::slice::from_ref(names.region(self.own));
        let switch_b = format!("arn:{}:s3:::{}/{SWITCH_B}", names.partition(), names.switch_bucket());
        vec![
            allow(
                "Lease",
                &["dynamodb:GetItem", "dynamodb:UpdateItem"],
                tables(names, &names.lease_regions(self.own), &names.lease_table()),
            ),
            allow(
                "SwitchA",
                &["dynamodb:GetItem", "dynamodb:UpdateItem"],
                tables(names, standby, &names.switch_table()),
            ),
            allow("SwitchB", &["s3:GetObject", "s3:PutObject"], vec![switch_b]),
            allow(
                "OrderPath",
                &["dynamodb:UpdateItem"],
                tables(names, own, &names.order_path_table()),
            ),
        ]
    }

    fn traffic(&self) -> Vec<Value> {
        let mut statements = Vec::new();
        if let Some(public) = self.names.public() {
            let zone = format!("arn:{}:route53:::hostedzone/{}", self.names.partition(), public.zone);
            statements.push(allow(
                "PublicName",
                &["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"],
                vec![zone],
            ));
        }
        if let Some(arc) = &self.policy.traffic.arc {
            statements.push(allow(
                "RoutingControls",
                &[
                    "route53-recovery-cluster:GetRoutingControlState",
                    "route53-recovery-cluster:UpdateRoutingControlStates",
                ],
                vec![arc.primary_control.clone(), arc.standby_control.clone()],
            ));
        }
        statements
    }

    fn database(&self) -> Vec<Value> {
        let names = self.names;
        let global = names.arn("rds", None, &format!("global-cluster:{}", names.global_cluster()));
        let after_a_detach = format!("{global}-*");
        let clusters = Region::BOTH.map(|region| names.cluster_arn(region));
        let other = self.own.other();
        let other_region = Some(names.region(other));
        let mut moved = vec![global.clone(), after_a_detach];
        moved.extend(clusters.iter().cloned());
        vec![
            // Without a name it is asked for all of them: which one the cluster is in is what is asked.
            allow(
                "GlobalClusters",
                &["rds:DescribeGlobalClusters"],
                vec![names.arn("rds", None, "global-cluster:*")],
            ),
            allow(
                "OwnCluster",
                &["rds:DescribeDBClusters"],
                vec![names.cluster_arn(self.own)],
            ),
            allow(
                "OldVolume",
                &["rds:DescribeDBClusterSnapshots"],
                vec![
                    names.cluster_arn(other),
                    names.arn("rds", other_region, "cluster-snapshot:*"),
                ],
            ),
            allow(
                "MoveTheWriter",
                &[
                    "rds:CreateGlobalCluster",
                    "rds:FailoverGlobalCluster",
                    "rds:RemoveFromGlobalCluster",
                    "rds:SwitchoverGlobalCluster",
                ],
                moved,
            ),
        ]
    }

    fn telling(&self) -> Vec<Value> {
        let names = self.names;
        let buses = Region::BOTH.map(|region| names.arn("events", Some(names.region(region)), "event-bus/default"));
        let mut events = allow("OwnEvents", &["events:PutEvents"], buses.to_vec());
        events["Condition"] = json!({"StringEquals": {"events:source": SOURCE}});
        // CloudWatch knows no resources for metrics; the namespace is all that can be said.
        let mut heartbeat = allow("Heartbeat", &["cloudwatch:PutMetricData"], vec!["*".to_owned()]);
        heartbeat["Condition"] = json!({"StringEquals": {"cloudwatch:namespace": NAMESPACE}});
        vec![
            allow("Operators", &["sns:Publish"], vec![names.topic_arn(self.own)]),
            events,
            heartbeat,
        ]
    }

    fn hearing(&self) -> Vec<Value> {
        let names = self.names;
        let own = Some(names.region(self.own));
        let queue = names.arn("sqs", own, &names.queue(self.own));
        let dead_letters = names.arn("sqs", own, &names.dead_letter_queue(self.own));
        let alarms = names.arn("cloudwatch", None, &format!("alarm:{}", names.naming().shared("*")));
        let machines = [RoleChangeKind::Failover, RoleChangeKind::Failback].map(|way| {
            let machine = names.machine_arn(self.own, way);
            // Parts of an execution are listed by the same permission.
            let parts = machine.replace(":stateMachine:", ":mapRun:") + "/*:*";
            [machine, parts]
        });
        vec![
            allow(
                "Queue",
                &["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
                vec![queue],
            ),
            allow(
                "DeadLetters",
                &["sqs:GetQueueUrl", "sqs:SendMessage"],
                vec![dead_letters],
            ),
            allow(
                "Alarms",
                &["cloudwatch:DescribeAlarms"],
                // In every region in which a witness's alarm may be.
                vec![alarms.replace(":cloudwatch::", ":cloudwatch:*:")],
            ),
            // Metrics are no resources either.
            allow("Lag", &["cloudwatch:GetMetricData"], vec!["*".to_owned()]),
            allow("Executions", &["states:ListExecutions"], machines.concat()),
        ]
    }
}

fn tables(names: &Names, regions: &[RegionName], table: &str) -> Vec<String> {
    regions
        .iter()
        .map(|region| names.arn("dynamodb", Some(region), &format!("table/{table}")))
        .collect()
}

fn allow(sid: &str, actions: &[&str], resources: impl Into<Value>) -> Value {
    let resources = resources.into();
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
}
