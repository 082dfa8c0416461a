//! The regional stacks: what the requirements ask of templates, read from the templates.
//!
//! The validators are in `validators.rs`, the state machines in `machines`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use understudy_engine::decode::Environment;
use understudy_policies::model::RegionName;
use understudy_policies::source::Source;
use understudy_policies::{Policy, shipped};
use understudy_provisioner::deployment::names::OWNER_TAG;
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::lint::output::human;
use understudy_provisioner::templates::kinds::{self, Tags};
use understudy_provisioner::templates::output::File;
use understudy_provisioner::templates::{Layer, Platform, synthesize};

struct Made {
    policy: Policy,
    deployment: Deployment,
    platform: Platform,
}

fn made() -> Made {
    made_of(EXAMPLE)
}

fn made_of(text: &str) -> Made {
    let policy = shipped::trading();
    let deployment = Deployment::read(&Source::new("deployment.toml", text), &policy, None);
    let deployment = deployment.unwrap_or_else(|wrong| panic!("{wrong}"));
    let platform = synthesize(&policy, &deployment);
    Made {
        policy,
        deployment,
        platform,
    }
}

impl Made {
    fn regions(&self) -> [&RegionName; 2] {
        [&self.policy.regions.primary, &self.policy.regions.standby]
    }

    /// Every resource of a region, by stack and logical id.
    fn resources(&self, region: &RegionName) -> Vec<(String, Value)> {
        let stacks = self.platform.of(region);
        let resources = stacks.flat_map(|stack| {
            let all = stack.template["Resources"].as_object().unwrap();
            all.iter()
                .map(|(id, resource)| (format!("{}.{id}", stack.name), resource.clone()))
        });
        resources.collect()
    }

    fn of(&self, region: &RegionName, kind: &str) -> Vec<(String, Value)> {
        let mut all = self.resources(region);
        all.retain(|(_, resource)| resource["Type"] == kind);
        all
    }

    /// The properties of the one that has a name.
    fn named(&self, region: &RegionName, kind: &str, key: &str, role: &str) -> Value {
        let name = self.deployment.names(&self.policy).regional(region, role);
        let found = self
            .of(region, kind)
            .into_iter()
            .map(|(_, resource)| resource["Properties"].clone());
        let found: Vec<Value> = found.filter(|properties| properties[key] == name).collect();
        assert_eq!(found.len(), 1, "{kind} {name}");
        found[0].clone()
    }
}

/// Every text in a value.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
        Value::Object(entries) => entries.values().for_each(|below| texts(below, all)),
        _ => {}
    }
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let files = || -> Vec<File> {
        let made = made();
        made.platform.files(&made.deployment)
    };
    assert_eq!(files(), files());
}

#[test]
fn both_regions_have_everything_and_the_linter_is_silent() {
    let made = made();
    assert!(made.platform.resources() >= 220, "{}", made.platform.resources());
    let report = made.platform.lint(&made.policy, &made.deployment).unwrap();
    assert!(report.findings.is_empty(), "{}", human(&report));
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn every_shipped_policy_and_every_optional_layer_is_silent_as_well() {
    let without = |table: &str| {
        let start = EXAMPLE.find(&format!("\n[{table}]")).unwrap();
        let end = EXAMPLE[start + 2..]
            .find("\n[")
            .map_or(EXAMPLE.len(), |next| start + 2 + next);
        format!("{}{}", &EXAMPLE[..start], &EXAMPLE[end..])
    };
    let texts = [
        EXAMPLE.to_owned(),
        without("domain"),
        without("egress"),
        without("engine"),
    ];
    for shipped in shipped::ALL {
        let policy = shipped.policy().unwrap();
        for text in &texts {
            let deployment = Deployment::read(&Source::new("deployment.toml", text), &policy, None).unwrap();
            let platform = synthesize(&policy, &deployment);
            let report = platform.lint(&policy, &deployment).unwrap();
            assert!(report.findings.is_empty(), "{}: {}", shipped.name, human(&report));
        }
    }
}

#[test]
fn stacks_come_after_what_they_need_and_no_two_share_a_name() {
    let made = made();
    let mut before = BTreeSet::new();
    let names: BTreeSet<&str> = made.platform.stacks.iter().map(|stack| stack.name.as_str()).collect();
    assert_eq!(names.len(), made.platform.stacks.len());
    for region in made.regions() {
        for stack in made.platform.of(region) {
            for needed in &stack.after {
                let of_the_other_region = !needed.contains(region.as_str());
                assert!(
                    before.contains(needed) || of_the_other_region,
                    "{} needs {needed}",
                    stack.name
                );
                assert!(names.contains(needed.as_str()), "{needed}");
            }
            before.insert(stack.name.clone());
        }
    }
    for layer in Layer::ALL {
        assert!(
            made.regions()
                .iter()
                .all(|region| made.platform.stack(region, layer).is_some()),
            "{layer:?}"
        );
    }
}

/// What spans regions, or changes in a failover, is a reconciler's: a stack would "repair" it.
#[test]
fn no_stack_has_what_a_reconciler_owns() {
    let owned = [
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::DynamoDB::Table",
        "AWS::DynamoDB::GlobalTable",
        "AWS::SecretsManager::Secret",
        "AWS::EC2::VPCPeeringConnection",
        "AWS::Route53::HostedZone",
        "AWS::Route53::RecordSet",
        "AWS::Route53::HealthCheck",
        "AWS::Events::EventBusPolicy",
    ];
    let made = made();
    let types = made.platform.types();
    assert!(owned.iter().all(|kind| !types.contains(*kind)), "{types:?}");
    for region in made.regions() {
        for (id, bucket) in made.of(region, "AWS::S3::Bucket") {
            assert!(bucket["Properties"]["ReplicationConfiguration"].is_null(), "{id}");
        }
        for (id, rule) in made.of(region, "AWS::Events::Rule") {
            let targets = rule["Properties"]["Targets"].to_string();
            assert!(!targets.contains("event-bus/"), "{id} forwards");
        }
    }
}

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
fn r8_1_three_private_subnets_in_three_zones_with_tables_of_their_own() {
    let made = made();
    for region in made.regions() {
        let subnets = made.of(region, "AWS::EC2::Subnet");
        let private: Vec<&Value> = subnets
            .iter()
            .filter(|(id, _)| id.contains("Private"))
            .map(|(_, subnet)| &subnet["Properties"])
            .collect();
        assert_eq!(private.len(), 3);
        let zones: BTreeSet<String> = private
            .iter()
            .map(|subnet| subnet["AvailabilityZone"].to_string())
            .collect();
        assert_eq!(zones.len(), 3);
        assert!(
            subnets
                .iter()
                .all(|(_, subnet)| subnet["Properties"]["MapPublicIpOnLaunch"] == false)
        );
        assert_eq!(made.of(region, "AWS::EC2::FlowLog").len(), 1);
        for (id, group) in made.of(region, "AWS::EC2::SecurityGroup") {
            let ingress = group["Properties"]["SecurityGroupIngress"].to_string();
            assert!(!ingress.contains("0.0.0.0/0"), "{id} lets anybody in");
            assert!(
                !group["Properties"]["SecurityGroupEgress"]
                    .as_array()
                    .unwrap()
                    .is_empty(),
                "{id} lets everything out"
            );
        }
    }
}

#[test]
fn r3_1_orders_come_from_a_queue_with_dead_letters_and_r3_2_from_one_package() {
    let made = made();
    let package = &made.platform.packages[0];
    for region in made.regions() {
        let orders = made.named(region, "AWS::SQS::Queue", "QueueName", "orders");
        let processor = made.named(region, "AWS::Lambda::Function", "FunctionName", "order-processor");
        let visible = orders["VisibilityTimeout"].as_u64().unwrap();
        assert!(visible >= 6 * processor["Timeout"].as_u64().unwrap());
        assert_eq!(orders["RedrivePolicy"]["maxReceiveCount"], 5);
        let sources = made.of(region, "AWS::Lambda::EventSourceMapping");
        assert_eq!(sources.len(), 1);
        assert_eq!(
            sources[0].1["Properties"]["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"])
        );
        for (id, function) in made.of(region, "AWS::Lambda::Function") {
            assert_eq!(function["Properties"]["Code"]["S3Key"], package.key(), "{id}");
            assert!(function["Properties"]["ReservedConcurrentExecutions"].is_u64(), "{id}");
        }
    }
}

#[test]
fn r3_3_both_regions_have_the_public_name_and_one_of_their_own() {
    let made = made();
    let domain = made.deployment.domain.as_ref().unwrap();
    for region in made.regions() {
        let domains = made.of(region, "AWS::ApiGateway::DomainName");
        let names: BTreeSet<&str> = domains
            .iter()
            .filter_map(|(_, domain)| domain["Properties"]["DomainName"].as_str())
            .collect();
        assert!(names.contains(domain.public_name.as_str()));
        assert!(names.contains(domain.regional_name(region.as_str()).as_str()));
        for (id, domain) in &domains {
            assert_eq!(domain["Properties"]["SecurityPolicy"], "TLS_1_2", "{id}");
            assert_eq!(
                domain["Properties"]["EndpointConfiguration"]["Types"],
                json!(["REGIONAL"]),
                "{id}"
            );
        }
        let stage = &made.of(region, "AWS::ApiGateway::Stage")[0].1["Properties"];
        let settings = stage["MethodSettings"].as_array().unwrap();
        let rate = |path: &str| {
            let setting = settings.iter().find(|setting| setting["ResourcePath"] == path).unwrap();
            setting["ThrottlingRateLimit"].as_u64().unwrap()
        };
        assert_eq!(rate("/*"), 2000);
        assert_eq!(rate("/~1health"), 10_000, "health checks are not throttled");
        assert!(stage["AccessLogSetting"]["DestinationArn"].is_object());
        let open: Vec<Value> = made
            .of(region, "AWS::ApiGateway::Method")
            .into_iter()
            .filter(|(_, method)| method["Properties"]["AuthorizationType"] == "NONE")
            .map(|(_, method)| method["Properties"]["HttpMethod"].clone())
            .collect();
        assert!(
            open.iter().all(|method| method == "GET"),
            "only what is read needs no signature"
        );
    }
}

#[test]
fn r4_3_every_bucket_is_versioned_encrypted_and_has_a_lifecycle() {
    let made = made();
    for region in made.regions() {
        let buckets = made.of(region, "AWS::S3::Bucket");
        assert_eq!(buckets.len(), 5);
        for (id, bucket) in &buckets {
            let properties = &bucket["Properties"];
            assert_eq!(properties["VersioningConfiguration"]["Status"], "Enabled", "{id}");
            let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
            let algorithm = encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
                .as_str()
                .unwrap();
            let wanted = if id.ends_with("AccessLogsBucket") {
                "AES256"
            } else {
                "aws:kms"
            };
            assert_eq!(algorithm, wanted, "{id}");
            assert!(
                !properties["LifecycleConfiguration"]["Rules"]
                    .as_array()
                    .unwrap()
                    .is_empty(),
                "{id}"
            );
            assert_eq!(bucket["DeletionPolicy"], "Retain", "{id}");
            let logged = properties["LoggingConfiguration"].is_object();
            assert_ne!(logged, id.ends_with("AccessLogsBucket"), "{id}");
        }
        let audit = buckets.iter().find(|(id, _)| id.ends_with("AuditBucket")).unwrap();
        let lock = &audit.1["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
        assert_eq!(*lock, json!({"Mode": "COMPLIANCE", "Days": 2557}));
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
fn r5_1_the_policys_alarms_are_there_with_the_policys_thresholds() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    for (index, region) in made.regions().into_iter().enumerate() {
        let peer = made.regions()[1 - index];
        let alarm = |target: &RegionName, witness: &str| {
            let wanted = names.alarm(target, witness);
            let all = made.of(region, "AWS::CloudWatch::Alarm");
            let found = all
                .into_iter()
                .find(|(_, alarm)| alarm["Properties"]["AlarmName"] == wanted);
            found.unwrap_or_else(|| panic!("{wanted} in {region}")).1["Properties"].clone()
        };
        let infrastructure = &made.policy.infrastructure;
        let lag = alarm(region, "alarm-replication-lag");
        assert_eq!(
            lag["Threshold"].as_f64(),
            Some(infrastructure.replication_lag.threshold)
        );
        assert_eq!(lag["Statistic"], "Maximum");
        let errors = alarm(region, "alarm-lambda-errors");
        assert_eq!(
            errors["Threshold"].as_f64(),
            Some(infrastructure.lambda_errors.threshold)
        );
        assert_eq!(errors["Statistic"], "Sum");
        let latency = alarm(region, "alarm-api-latency");
        assert_eq!(
            latency["Threshold"].as_f64(),
            Some(infrastructure.api_latency.threshold)
        );
        assert_eq!(latency["ExtendedStatistic"], "p99");
        assert_eq!(latency["EvaluationPeriods"], infrastructure.api_latency.periods);
        // The region that falls silent cannot say so: the other one's alarm does.
        let heartbeat = alarm(peer, "heartbeat-alarm");
        assert_eq!(heartbeat["TreatMissingData"], "breaching");
        assert_eq!(heartbeat["Dimensions"][1]["Value"], peer.as_str());
        for alarm in [lag, errors, latency] {
            assert_eq!(alarm["TreatMissingData"], "missing", "silence is no breach");
        }
        let composite = &made.of(region, "AWS::CloudWatch::CompositeAlarm")[0].1["Properties"];
        let rule = composite["AlarmRule"].as_str().unwrap();
        assert!(rule.contains(&names.alarm(region, "alarm-api-latency")));
    }
}

#[test]
fn r5_2_and_r5_4_alarms_reach_both_engines_and_the_operators() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    for region in made.regions() {
        let subscriptions = made.of(region, "AWS::SNS::Subscription");
        let ends = |protocol: &str| -> BTreeSet<String> {
            let those = subscriptions
                .iter()
                .filter(|(_, subscription)| subscription["Properties"]["Protocol"] == protocol);
            those
                .filter_map(|(_, subscription)| subscription["Properties"]["Endpoint"].as_str().map(str::to_owned))
                .collect()
        };
        let queues = made
            .regions()
            .map(|region| names.arn("sqs", Some(region), &names.engine_queue(region)));
        assert_eq!(ends("sqs"), queues.into());
        assert_eq!(ends("email"), ["operators@example.com".to_owned()].into());
        // Both regions' topics may write into this region's queue.
        let policies = made.of(region, "AWS::SQS::QueuePolicy");
        let events = policies.iter().find(|(id, _)| id.ends_with(".EventsPolicy")).unwrap();
        let text = events.1.to_string();
        for from in made.regions() {
            assert!(
                text.contains(&names.arn("sns", Some(from), &names.regional(from, "alarms"))),
                "{from}"
            );
        }
    }
}

#[test]
fn r5_3_every_kind_of_event_leads_to_the_engines_queue_and_silence_starts_the_machine() {
    let made = made();
    for region in made.regions() {
        let rules = made.of(region, "AWS::Events::Rule");
        let mut sources = BTreeSet::new();
        for (id, rule) in &rules {
            assert_eq!(rule["Properties"]["State"], "ENABLED", "{id}");
            assert!(
                rule["Properties"]["Targets"][0]["DeadLetterConfig"]["Arn"].is_object(),
                "{id}"
            );
            sources.extend(
                rule["Properties"]["EventPattern"]["source"][0]
                    .as_str()
                    .map(str::to_owned),
            );
        }
        let wanted = [
            "aws.cloudwatch",
            "aws.rds",
            "aws.health",
            "aws.states",
            "aws.ssm",
            "understudy",
        ];
        assert_eq!(sources, wanted.map(str::to_owned).into());
        let silence = rules.iter().find(|(id, _)| id.ends_with("SilenceRule")).unwrap();
        assert_eq!(silence.1["Properties"]["Targets"][0]["Id"], "starter");
    }
}

#[test]
fn r6_1_and_r6_2_each_region_has_a_machine_for_each_way() {
    let made = made();
    for region in made.regions() {
        for way in ["failover", "failback"] {
            let machine = made.named(region, "AWS::StepFunctions::StateMachine", "StateMachineName", way);
            let definition: Value = serde_json::from_str(machine["DefinitionString"].as_str().unwrap()).unwrap();
            assert_eq!(definition["StartAt"], "recovering");
        }
    }
    assert_eq!(made.platform.machines.len(), 4);
}

#[test]
fn r6_3_readiness_is_looked_at_every_hour_in_both_regions() {
    let made = made();
    for region in made.regions() {
        let schedule = made.named(region, "AWS::Scheduler::Schedule", "Name", "readiness-schedule");
        assert_eq!(schedule["ScheduleExpression"], "rate(1 hour)");
        assert_eq!(schedule["State"], "ENABLED");
    }
}

#[test]
fn r7_1_parameters_say_what_differs_between_the_regions() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    for (index, region) in made.regions().into_iter().enumerate() {
        let parameters = made.of(region, "AWS::SSM::Parameter");
        let value = |name: &str| {
            let wanted = names.parameter(region, name);
            let found = parameters
                .iter()
                .find(|(_, parameter)| parameter["Properties"]["Name"] == wanted);
            found.unwrap().1["Properties"]["Value"].clone()
        };
        assert_eq!(value("role"), ["primary", "standby"][index]);
        assert_eq!(value("peer-region"), made.regions()[1 - index].as_str());
        assert_eq!(value("database-cluster"), names.cluster(region));
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

#[test]
fn the_engine_has_two_sidecars_each_with_a_journal_of_its_own() {
    let made = made();
    for region in made.regions() {
        let services = made.of(region, "AWS::ECS::Service");
        assert_eq!(services.len(), 2);
        let subnets: BTreeSet<String> = services
            .iter()
            .map(|(_, service)| {
                service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"].to_string()
            })
            .collect();
        assert_eq!(subnets.len(), 2, "in different zones");
        let tasks = made.of(region, "AWS::ECS::TaskDefinition");
        let numbers: BTreeSet<String> = tasks
            .iter()
            .map(|(_, task)| task["Properties"]["ContainerDefinitions"][1]["Command"][2].to_string())
            .collect();
        assert_eq!(
            numbers,
            ["\"--sidecar=1\"".to_owned(), "\"--sidecar=2\"".to_owned()].into()
        );
        for (id, task) in tasks {
            let mut all = Vec::new();
            texts(&task, &mut all);
            assert!(!all.iter().any(|text| text.contains("{region}")), "{id}");
        }
    }
}

/// Every resource carries every tag: forty long ones make the template of a network too large for a call, and there is no
/// bucket yet from which it could be fetched.
#[test]
fn a_template_that_cannot_be_sent_is_refused_at_synthesis() {
    assert_eq!(made().platform.too_large(), None);
    let mut text = EXAMPLE.to_owned();
    for number in 0..30 {
        text.push_str(&format!(
            "\n[[tag]]\nname = \"tag-{number}\"\nvalue = \"{}\"\n",
            "x".repeat(250)
        ));
    }
    // Tables behind tables: the tags may stand at the end.
    let why = made_of(&text).platform.too_large().unwrap();
    assert!(
        why.starts_with("the template of understudy-dev1-us-east-1-network has "),
        "{why}"
    );
    assert!(
        why.contains("and may have 51200") && why.contains("fewer or shorter `[[tag]]`"),
        "{why}"
    );
}

/// No template knows a secret.
#[test]
fn no_template_holds_a_password_or_a_token() {
    let made = made();
    for stack in &made.platform.stacks {
        let text = stack.template.to_string().to_lowercase();
        for word in [
            "masteruserpassword",
            "secretstring",
            "aws_secret_access_key",
            "begin private key",
        ] {
            assert!(!text.contains(word), "{}: {word}", stack.name);
        }
    }
}

#[test]
fn the_shipped_example_is_the_one_that_is_built_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deployment.toml");
    assert_eq!(std::fs::read_to_string(path).unwrap(), EXAMPLE);
    assert!(Environment::new("dev1").is_ok());
}
