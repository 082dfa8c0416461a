//! R9, as docs/requirements.md numbers it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use understudy_provisioner::deployment::EXAMPLE;
use understudy_provisioner::deployment::names::OWNER_TAG;
use understudy_provisioner::templates::kinds::{self, Tags};

use crate::{made, made_of};

#[test]
fn r9_1_every_name_carries_the_suffix() {
    let made = made_of(&EXAMPLE.replace("\"dev1\"", "\"zebra7\""));
    let keys: BTreeMap<&str, &str> = BTreeMap::from([
        ("AWS::EC2::SecurityGroup", "GroupName"),
        ("AWS::KMS::Alias", "AliasName"),
        ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupName"),
        ("AWS::RDS::DBClusterParameterGroup", "DBClusterParameterGroupName"),
        ("AWS::RDS::DBParameterGroup", "DBParameterGroupName"),
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::SQS::Queue", "QueueName"),
        ("AWS::SNS::Topic", "TopicName"),
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
        ("AWS::Logs::LogGroup", "LogGroupName"),
        ("AWS::Lambda::Function", "FunctionName"),
        ("AWS::ApiGateway::RestApi", "Name"),
        ("AWS::WAFv2::WebACL", "Name"),
        ("AWS::StepFunctions::StateMachine", "StateMachineName"),
        ("AWS::CloudWatch::Alarm", "AlarmName"),
        ("AWS::CloudWatch::CompositeAlarm", "AlarmName"),
        ("AWS::CloudWatch::Dashboard", "DashboardName"),
        ("AWS::Events::Rule", "Name"),
        ("AWS::Scheduler::ScheduleGroup", "Name"),
        ("AWS::Scheduler::Schedule", "Name"),
        ("AWS::SSM::Parameter", "Name"),
        ("AWS::ECS::Cluster", "ClusterName"),
        ("AWS::ECS::TaskDefinition", "Family"),
        ("AWS::ECS::Service", "ServiceName"),
    ]);
    let mut seen = BTreeSet::new();
    for region in made.regions() {
        for (id, resource) in made.resources(region) {
            let kind = resource["Type"].as_str().unwrap().to_owned();
            if let Some(key) = keys.get(kind.as_str()) {
                let name = resource["Properties"][*key].as_str().unwrap_or_default();
                // An alarm carries the region that it watches, which may be the other one.
                let placed = made.regions().iter().any(|region| name.contains(region.as_str()));
                assert!(name.contains("zebra7") && placed, "{id} is called `{name}`");
                seen.insert(kind);
            }
        }
    }
    assert_eq!(seen.len(), keys.len(), "{seen:?}");
}

#[test]
fn r9_1_no_name_is_longer_than_the_deployment_file_is_judged_by() {
    let made = made();
    let limits = BTreeMap::from([
        ("AWS::S3::Bucket", "BucketName"),
        ("AWS::RDS::DBClusterParameterGroup", "DBClusterParameterGroupName"),
        ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupName"),
        ("AWS::RDS::DBParameterGroup", "DBParameterGroupName"),
        ("AWS::Events::Rule", "Name"),
        ("AWS::Scheduler::Schedule", "Name"),
        ("AWS::Scheduler::ScheduleGroup", "Name"),
        ("AWS::Lambda::Function", "FunctionName"),
        ("AWS::StepFunctions::StateMachine", "StateMachineName"),
        ("AWS::SQS::Queue", "QueueName"),
        ("AWS::IAM::Role", "RoleName"),
    ]);
    let names = made.deployment.names(&made.policy);
    for region in made.regions() {
        let longest: BTreeMap<&str, usize> = names
            .longest(region)
            .into_iter()
            .map(|(limit, name)| (limit.what(), name.len()))
            .collect();
        for (id, resource) in made.resources(region) {
            let kind = resource["Type"].as_str().unwrap();
            let Some(key) = limits.get(kind) else { continue };
            let what = match *key {
                "BucketName" => "bucket",
                "FunctionName" => "function",
                "StateMachineName" => "state machine",
                "QueueName" => "queue",
                "RoleName" => "role",
                "Name" => "rule or schedule",
                _ => "database",
            };
            let name = resource["Properties"][*key].as_str().unwrap();
            assert!(
                name.len() <= longest[what],
                "{id}: `{name}` is longer than any {what} that is looked at"
            );
        }
    }
}

#[test]
fn r9_5_everything_that_can_be_tagged_is() {
    let made = made();
    let how: BTreeMap<&str, (Tags, &str)> = kinds::ALL
        .iter()
        .map(|(kind, tags, key)| (*kind, (*tags, *key)))
        .collect();
    for region in made.regions() {
        for (id, resource) in made.resources(region) {
            let (tags, key) = how[resource["Type"].as_str().unwrap()];
            let has = |tags: &Value, name: &str, value: &str| match tags {
                Value::Object(_) => tags[name] == value,
                _ => tags
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|tag| *tag == json!({"Key": name, "Value": value})),
            };
            let given = &resource["Properties"][key];
            if tags == Tags::None {
                assert!(given.is_null(), "{id}");
                continue;
            }
            assert!(has(given, OWNER_TAG, "dev1"), "{id} has no owner: {given}");
            assert!(
                has(given, "owner", "trading-platform"),
                "{id} lacks a tag of the file: {given}"
            );
        }
    }
}

#[test]
fn r9_3_buckets_queues_and_topics_refuse_what_comes_without_tls() {
    let made = made();
    let kinds = [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy"),
    ];
    for region in made.regions() {
        for (kind, policy_kind) in kinds {
            let policies = made.of(region, policy_kind);
            assert_eq!(
                policies.len(),
                made.of(region, kind).len(),
                "each {kind} has its {policy_kind}"
            );
            for (id, policy) in policies {
                let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap();
                let refuses = statements.iter().any(|statement| {
                    statement["Effect"] == "Deny"
                        && statement["Condition"] == json!({"Bool": {"aws:SecureTransport": "false"}})
                });
                assert!(refuses, "{id}");
            }
        }
        let parameters = made.named(
            region,
            "AWS::RDS::DBClusterParameterGroup",
            "DBClusterParameterGroupName",
            "cluster-parameters",
        );
        assert_eq!(parameters["Parameters"]["rds.force_ssl"], "1");
    }
}

#[test]
fn r9_4_logs_are_kept_for_as_long_as_the_deployment_file_says() {
    let made = made();
    for region in made.regions() {
        let groups = made.of(region, "AWS::Logs::LogGroup");
        assert!(groups.len() >= 9, "{}", groups.len());
        for (id, group) in groups {
            assert_eq!(group["Properties"]["RetentionInDays"], 400, "{id}");
            assert!(group["Properties"]["KmsKeyId"].is_object(), "{id}");
        }
    }
}
