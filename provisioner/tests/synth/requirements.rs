//! R3 to R8, as docs/requirements.md numbers them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use understudy_policies::model::RegionName;
use understudy_provisioner::deployment::EXAMPLE;

use crate::made;

/// The gateways' subnets as well: a gateway serves its own zone.
#[test]
fn r8_1_zones_that_the_file_names_are_taken() {
    let ids = ["use1-az1", "use1-az2", "use1-az4"];
    let begins = "primary-cidr =";
    let made = crate::made_of(&EXAMPLE.replacen(begins, &format!("primary-zones = {ids:?}\n{begins}"), 1));
    let [primary, standby] = made.regions();
    let zones = |region, key: &str| -> Vec<String> {
        let subnets = made.of(region, "AWS::EC2::Subnet").into_iter();
        subnets
            .filter_map(|(_, subnet)| Some(subnet["Properties"][key].as_str()?.to_owned()))
            .collect()
    };
    let mut found = zones(primary, "AvailabilityZoneId");
    found.sort();
    assert_eq!(found, ids.into_iter().flat_map(|id| [id, id]).collect::<Vec<_>>());
    assert_eq!(zones(standby, "AvailabilityZoneId"), Vec::<String>::new());
    let report = made.platform.lint(&made.policy, &made.deployment).unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
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
            assert_eq!(
                function["Properties"]["Architectures"],
                json!([package.architecture.name()]),
                "{id}"
            );
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
            // It goes only if its first creation fails: nothing is in it, and its name would be taken.
            assert_eq!(bucket["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
            assert_eq!(bucket["UpdateReplacePolicy"], "Retain", "{id}");
            let logged = properties["LoggingConfiguration"].is_object();
            assert_ne!(logged, id.ends_with("AccessLogsBucket"), "{id}");
        }
        let audit = buckets.iter().find(|(id, _)| id.ends_with("AuditBucket")).unwrap();
        let lock = &audit.1["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
        assert_eq!(*lock, json!({"Mode": "COMPLIANCE", "Days": 2557}));
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
