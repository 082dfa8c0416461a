//! R1 to R10 on a platform that `apply` made: each property is read back through the service's own API.
//!
//! What the emulator does not keep is looked at in the templates (`tests/synth`), and named here.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_route53::types::ResourceRecordSetFailover;
use aws_sdk_sfn::types::StateMachineListItem;
use serde_json::{Value, json};
use understudy_provisioner::aws::ec2::Ec2;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Account, Options, apply};
use understudy_provisioner::deploy::verify::{Verdict, Verification, verify};

use crate::emulator::Emulator;
use crate::support::{Log, world};

const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

async fn applied(world: &World) -> Account {
    let account = apply(world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    account
}

/// The platform of the shipped example.
async fn platform() -> (Emulator, World) {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    applied(&world).await;
    (emulator, world)
}

/// What services say that the provisioner has no client for, by region.
fn read(emulator: &Emulator) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(folder.join("../target/emulators/venv/bin/python"))
        .arg(folder.join("tests/deploy/read.py"))
        .arg(emulator.url().as_str())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Makes the lease item, as `understudy-engine create-lease` does.
async fn create_lease(world: &World) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let client = world.shared.aws.dynamodb(&world.regions()[0]);
    let lease = client
        .put_item()
        .table_name(world.names.lease_table())
        .item("id", text("lease"))
        .item("epoch", AttributeValue::N("1".to_owned()))
        .item("renewals", AttributeValue::N("1".to_owned()))
        .item("holder", text("home"))
        .item("protected", AttributeValue::Bool(true));
    lease.send().await.unwrap();
}

#[tokio::test]
async fn r1_a_zone_fast_checks_and_two_failover_records() {
    let (_emulator, world) = platform().await;
    let route53 = world.shared.aws.route53(&world.regions()[0]);
    let zones = route53.list_hosted_zones().send().await.unwrap();
    assert_eq!(zones.hosted_zones()[0].name(), "example.com.");
    let zone = world.zone().unwrap().find().await.unwrap().unwrap();
    assert!(zone.ours);

    let checks = route53.list_health_checks().send().await.unwrap();
    let wanted = &world.policy.infrastructure.route53_check;
    for (role, region) in [("home-endpoint", "us-east-1"), ("away-endpoint", "us-east-2")] {
        let start = format!("understudy-dev1-{role}-at-");
        let mut all = checks.health_checks().iter();
        let check = all.find(|check| check.caller_reference().starts_with(&start)).unwrap();
        let config = check.health_check_config().unwrap();
        let host = format!("{region}.orders.example.com");
        assert_eq!(
            config.fully_qualified_domain_name(),
            Some(host.as_str()),
            "not the name that fails over"
        );
        assert_eq!(config.resource_path(), Some("/health"));
        assert_eq!(config.request_interval(), Some(10));
        assert_eq!(
            config.failure_threshold(),
            i32::try_from(wanted.failure_threshold).ok(),
            "from the policy"
        );
    }

    let records = route53
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await
        .unwrap();
    let value = |name: &str| -> Vec<String> {
        let all = records.resource_record_sets().iter();
        let those =
            all.filter(|record| record.name().trim_end_matches('.') == name && !record.resource_records().is_empty());
        those
            .map(|record| record.resource_records()[0].value().to_owned())
            .collect()
    };
    for (role, region) in [
        (ResourceRecordSetFailover::Primary, "us-east-1"),
        (ResourceRecordSetFailover::Secondary, "us-east-2"),
    ] {
        let mut all = records.resource_record_sets().iter();
        let record = all.find(|record| record.failover() == Some(&role)).unwrap();
        assert_eq!(record.name(), "orders.example.com.");
        assert_eq!(record.ttl(), Some(5), "the policy's");
        let entry = format!("to-{region}.orders.example.com");
        assert_eq!(record.resource_records()[0].value(), entry);
        // Each name leads to what API Gateway gave for it.
        assert_eq!(
            value(&entry),
            [format!("orders.example.com.execute-api.{region}.amazonaws.com")]
        );
        let own = format!("{region}.orders.example.com");
        assert_eq!(value(&own), [format!("{own}.execute-api.{region}.amazonaws.com")]);
    }
}

#[tokio::test]
async fn r2_a_writer_at_home_a_secondary_away_and_sessions_in_both() {
    let (_emulator, world) = platform().await;
    let [home, _] = world.regions();
    let globals = world
        .shared
        .aws
        .rds(home)
        .describe_global_clusters()
        .send()
        .await
        .unwrap();
    let global = &globals.global_clusters()[0];
    assert_eq!(global.global_cluster_identifier(), Some("understudy-dev1-global"));
    let members: BTreeSet<(&str, bool)> = global
        .global_cluster_members()
        .iter()
        .map(|member| {
            let region = member.db_cluster_arn().unwrap().split(':').nth(3).unwrap();
            (region, member.is_writer().unwrap())
        })
        .collect();
    assert_eq!(members, [("us-east-1", true), ("us-east-2", false)].into());
    for region in world.regions() {
        let clusters = world
            .shared
            .aws
            .rds(region)
            .describe_db_clusters()
            .send()
            .await
            .unwrap();
        let cluster = &clusters.db_clusters()[0];
        assert_eq!(cluster.engine(), Some("aurora-postgresql"));
        assert_eq!(cluster.db_cluster_members().len(), 2, "the file's, in {region}");
        let client = world.shared.aws.dynamodb(region);
        for table in ["sessions", "intake", "lease"] {
            let name = format!("understudy-dev1-{table}");
            let backups = client
                .describe_continuous_backups()
                .table_name(&name)
                .send()
                .await
                .unwrap();
            let backups = backups.continuous_backups_description.unwrap();
            let recovery = backups.point_in_time_recovery_description.unwrap();
            assert_eq!(
                recovery.point_in_time_recovery_status.unwrap().as_str(),
                "ENABLED",
                "{name} in {region}"
            );
        }
    }
    let session = world.names.session_table();
    for from in [0, 1] {
        let [here, there] = [from, 1 - from].map(|index| world.shared.aws.dynamodb(&world.regions()[index]));
        let id = AttributeValue::S(format!("somebody-{from}"));
        here.put_item()
            .table_name(&session)
            .item("id", id.clone())
            .send()
            .await
            .unwrap();
        let seen = there
            .get_item()
            .table_name(&session)
            .key("id", id)
            .send()
            .await
            .unwrap();
        assert!(seen.item.is_some(), "from {from}");
    }
}

#[tokio::test]
async fn r3_functions_take_orders_from_queues_behind_an_api() {
    let (emulator, world) = platform().await;
    let mut digests = BTreeSet::new();
    let read = read(&emulator);
    for region in world.regions() {
        let lambda = world.shared.aws.lambda(region);
        let functions = lambda.list_functions().send().await.unwrap();
        assert_eq!(functions.functions().len(), 6, "{region}");
        digests.extend(
            functions
                .functions()
                .iter()
                .map(|function| function.code_sha256().unwrap().to_owned()),
        );
        let sources = lambda.list_event_source_mappings().send().await.unwrap();
        let [source] = sources.event_source_mappings() else {
            panic!("one queue is read in {region}");
        };
        let queue = format!("arn:aws:sqs:{region}:000000000000:understudy-dev1-{region}-orders");
        assert_eq!(source.event_source_arn(), Some(queue.as_str()));
        assert!(source.function_arn().unwrap().ends_with("-order-processor"));
        assert_eq!(source.state(), Some("Enabled"));

        let read = &read[region.as_str()];
        let apis = read["apis"].as_object().unwrap();
        let (api, one) = apis.iter().next().unwrap();
        assert_eq!(
            (apis.len(), &one["name"]),
            (1, &json!(format!("understudy-dev1-{region}-api")))
        );
        for name in ["orders.example.com".to_owned(), format!("{region}.orders.example.com")] {
            let domain = &read["domains"][&name];
            assert_eq!(domain["tls"], "TLS_1_2", "{name} in {region}");
            assert_eq!(domain["apis"], json!([api]), "{name} in {region}");
            assert!(
                domain["certificate"].as_str().unwrap().contains(region.as_str()),
                "{name}"
            );
        }
    }
    assert_eq!(digests.len(), 1, "the same package everywhere");
}

/// ministack's CloudFormation keeps neither encryption nor lifecycle nor lock of a bucket: `tests/synth` and the validators look at
/// those.
#[tokio::test]
async fn r4_buckets_are_replicated_both_ways_encrypted_and_locked() {
    let (_emulator, world) = platform().await;
    for (index, region) in world.regions().iter().enumerate() {
        let s3 = world.shared.aws.s3(region);
        let peer = REGIONS[1 - index];
        for role in ["config", "audit", "assets"] {
            let bucket = world.names.bucket(region, role);
            let is = s3.get_bucket_replication().bucket(&bucket).send().await.unwrap();
            let is = is.replication_configuration.unwrap();
            let [rule] = is.rules() else {
                panic!("one rule on {bucket}")
            };
            let to = rule.destination().unwrap();
            assert_eq!(
                to.bucket(),
                format!("arn:aws:s3:::understudy-dev1-{peer}-{role}-000000000000")
            );
            let key = to.encryption_configuration().unwrap().replica_kms_key_id().unwrap();
            assert!(key.contains(peer), "with the other region's own key: {key}");
            let versioning = s3.get_bucket_versioning().bucket(&bucket).send().await.unwrap();
            assert_eq!(versioning.status.unwrap().as_str(), "Enabled", "{bucket}");
            let policy = s3.get_bucket_policy().bucket(&bucket).send().await.unwrap();
            assert!(policy.policy().unwrap().contains("aws:SecureTransport"), "{bucket}");
            let block = s3.get_public_access_block().bucket(&bucket).send().await.unwrap();
            let block = block.public_access_block_configuration.unwrap();
            assert_eq!(block.restrict_public_buckets(), Some(true), "{bucket}");
        }
    }
    let synthesized = world
        .platform
        .stacks
        .iter()
        .filter(|stack| stack.name.ends_with("-storage"));
    for stack in synthesized {
        let audit = &stack.template["Resources"]["AuditBucket"]["Properties"];
        assert_eq!(audit["ObjectLockEnabled"], true);
        assert!(audit["LifecycleConfiguration"].is_object() && audit["BucketEncryption"].is_object());
    }
}

#[tokio::test]
async fn r5_alarms_judge_by_the_policy_and_reach_both_engines() {
    let (_emulator, world) = platform().await;
    let infrastructure = &world.policy.infrastructure;
    let queues: BTreeSet<String> = REGIONS
        .map(|region| format!("arn:aws:sqs:{region}:000000000000:understudy-dev1-{region}-events"))
        .into();
    for (index, region) in world.regions().iter().enumerate() {
        let alarms = world
            .shared
            .aws
            .cloudwatch(region)
            .describe_alarms()
            .send()
            .await
            .unwrap();
        let alarm = |target: &str, witness: &str| {
            let name = format!("understudy-dev1-{target}-{witness}");
            let mut all = alarms.metric_alarms().iter();
            all.find(|alarm| alarm.alarm_name() == Some(&name))
                .unwrap_or_else(|| panic!("{name} in {region}"))
        };
        let topic = format!("arn:aws:sns:{region}:000000000000:understudy-dev1-{region}-alarms");
        for (witness, namespace, threshold) in [
            (
                "alarm-replication-lag",
                "AWS/RDS",
                infrastructure.replication_lag.threshold,
            ),
            (
                "alarm-lambda-errors",
                "AWS/Lambda",
                infrastructure.lambda_errors.threshold,
            ),
            (
                "alarm-api-latency",
                "AWS/ApiGateway",
                infrastructure.api_latency.threshold,
            ),
        ] {
            let found = alarm(region.as_str(), witness);
            assert_eq!(found.threshold(), Some(threshold), "{witness}");
            assert_eq!(found.namespace(), Some(namespace));
            assert!(found.alarm_actions().contains(&topic), "{witness}");
            assert!(
                found.ok_actions().contains(&topic),
                "{witness}: that it is over is told as well"
            );
        }
        // The region that fell silent cannot say so.
        assert_eq!(
            alarm(REGIONS[1 - index], "heartbeat-alarm").treat_missing_data(),
            Some("breaching")
        );
        let sns = world.shared.aws.sns(region);
        let told = sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let told: BTreeSet<String> = told
            .subscriptions()
            .iter()
            .filter_map(|one| one.endpoint.clone())
            .collect();
        assert_eq!(told, queues, "both engines hear of {region}'s alarms");
        let people = format!("arn:aws:sns:{region}:000000000000:understudy-dev1-{region}-operators");
        let told = sns
            .list_subscriptions_by_topic()
            .topic_arn(people)
            .send()
            .await
            .unwrap();
        assert_eq!(told.subscriptions()[0].endpoint(), Some("operators@example.com"));

        let rules = world.shared.aws.eventbridge(region).list_rules().send().await.unwrap();
        let forwarding = format!("understudy-dev1-{region}-forwarding");
        let mut all = rules.rules().iter();
        let rule = all.find(|rule| rule.name() == Some(&forwarding)).unwrap();
        let pattern: Value = serde_json::from_str(rule.event_pattern().unwrap()).unwrap();
        assert_eq!(
            pattern["region"],
            json!([region.as_str()]),
            "only what began here: no loop"
        );
    }
}

#[tokio::test]
async fn r6_both_machines_and_the_hourly_schedule_are_there() {
    let (emulator, world) = platform().await;
    let read = read(&emulator);
    for region in world.regions() {
        let machines = world.shared.aws.sfn(region).list_state_machines().send().await.unwrap();
        let names: BTreeSet<&str> = machines
            .state_machines()
            .iter()
            .map(StateMachineListItem::name)
            .collect();
        let wanted = ["failover", "failback"].map(|way| format!("understudy-dev1-{region}-{way}"));
        assert_eq!(names, wanted.iter().map(String::as_str).collect(), "{region}");
        let schedule = &read[region.as_str()]["schedules"][format!("understudy-dev1-{region}-readiness-schedule")];
        assert_eq!(
            (&schedule["every"], &schedule["state"]),
            (&json!("rate(1 hour)"), &json!("ENABLED"))
        );
        assert!(schedule["target"].as_str().unwrap().ends_with("-readiness"));
    }
}

#[tokio::test]
async fn r7_parameters_differ_where_they_should_and_agree_where_they_must() {
    let (_emulator, world) = platform().await;
    let value = async |region: usize, name: &str| -> String {
        let region = &world.regions()[region];
        let name = name.replace("{region}", region.as_str());
        let get = world.shared.aws.ssm(region).get_parameter().name(&name).send().await;
        let get = get.unwrap_or_else(|why| panic!("{name} in {region}: {why}"));
        get.parameter.unwrap().value.unwrap()
    };
    assert_eq!(value(0, "/understudy/dev1/{region}/role").await, "primary");
    assert_eq!(value(1, "/understudy/dev1/{region}/role").await, "standby");
    let zone = world.zone().unwrap().find().await.unwrap().unwrap().id;
    let check = world
        .checks()
        .unwrap()
        .id("understudy-dev1-primary")
        .await
        .unwrap()
        .unwrap();
    for (name, wanted) in [
        ("environment", "dev1"),
        ("primary", "us-east-1"),
        ("standby", "us-east-2"),
        ("public-name", "orders.example.com"),
        // The state machines pin the public name with these.
        ("hosted-zone", zone.as_str()),
        ("primary-check", check.as_str()),
    ] {
        for region in [0, 1] {
            assert_eq!(
                value(region, &format!("/understudy/dev1/shared/{name}")).await,
                wanted,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn r8_private_subnets_in_three_zones_and_routes_to_the_other_region() {
    let (_emulator, world) = platform().await;
    for (index, region) in world.regions().iter().enumerate() {
        let ec2 = Ec2::new(&world.shared.aws, region);
        let vpcs = ec2.call("DescribeVpcs", &[]).await.unwrap();
        let cidr = ["10.20.0.0/16", "10.21.0.0/16"][index];
        let vpc = vpcs.items("vpcSet").find(|vpc| vpc.at(&["cidrBlock"]) == cidr).unwrap();
        let id = vpc.at(&["vpcId"]);
        let subnets = ec2.call("DescribeSubnets", &[]).await.unwrap();
        let private: Vec<_> = subnets
            .items("subnetSet")
            .filter(|subnet| subnet.at(&["vpcId"]) == id && subnet.at(&["cidrBlock"]).ends_with("/20"))
            .collect();
        let zones: BTreeSet<&str> = private.iter().map(|subnet| subnet.at(&["availabilityZone"])).collect();
        assert_eq!((private.len(), zones.len()), (3, 3), "{region}");
        assert!(
            private
                .iter()
                .all(|subnet| subnet.at(&["mapPublicIpOnLaunch"]) == "false"),
            "{region}"
        );
        let tables = ec2.call("DescribeRouteTables", &[]).await.unwrap();
        let peer = ["10.21.0.0/16", "10.20.0.0/16"][index];
        let routed = tables
            .items("routeTableSet")
            .filter(|table| table.at(&["vpcId"]) == id)
            .filter(|table| {
                let mut routes = table.items("routeSet");
                routes.any(|route| {
                    route.at(&["destinationCidrBlock"]) == peer
                        && route.at(&["vpcPeeringConnectionId"]).starts_with("pcx-")
                })
            });
        assert_eq!(
            routed.count(),
            3,
            "each private subnet's table leads to the other region, in {region}"
        );
    }
}

#[tokio::test]
async fn r9_data_is_encrypted_and_kept_as_the_file_says() {
    let (emulator, world) = platform().await;
    let read = read(&emulator);
    for region in world.regions() {
        let clusters = world
            .shared
            .aws
            .rds(region)
            .describe_db_clusters()
            .send()
            .await
            .unwrap();
        let cluster = &clusters.db_clusters()[0];
        assert_eq!(cluster.storage_encrypted(), Some(true));
        assert_eq!(cluster.backup_retention_period(), Some(35));
        let table = world
            .shared
            .aws
            .dynamodb(region)
            .describe_table()
            .table_name(world.names.session_table());
        let table = table.send().await.unwrap().table.unwrap();
        assert_eq!(
            table.sse_description.unwrap().status.unwrap().as_str(),
            "ENABLED",
            "{region}"
        );
        let sqs = world.shared.aws.sqs(region);
        for url in sqs.list_queues().send().await.unwrap().queue_urls() {
            let attributes = sqs
                .get_queue_attributes()
                .queue_url(url)
                .attribute_names(aws_sdk_sqs::types::QueueAttributeName::All)
                .send()
                .await
                .unwrap()
                .attributes
                .unwrap();
            let of = |name| attributes.get(&name).cloned().unwrap_or_default();
            assert!(
                of(aws_sdk_sqs::types::QueueAttributeName::KmsMasterKeyId).contains(region.as_str()),
                "{url}"
            );
            assert!(
                of(aws_sdk_sqs::types::QueueAttributeName::Policy).contains("aws:SecureTransport"),
                "{url}"
            );
        }
        let read = &read[region.as_str()];
        assert_eq!(read["cluster_parameters"]["rds.force_ssl"], "1");
        let groups = read["log_groups"].as_object().unwrap();
        assert!(groups.len() >= 9, "{groups:?}");
        for (name, group) in groups {
            assert_eq!(
                *group,
                json!([400, true]),
                "{name}: kept for as long as the file says, with our key"
            );
        }
        let keys = read["keys"].as_object().unwrap();
        assert!(
            keys.len() == 5 && keys.values().all(|key| key["rotates"] == true),
            "{keys:?}"
        );
    }
}

/// The point of a verification.
fn point(verification: &Verification, requirement: &str, what: &str, region: &str) -> (Verdict, String) {
    let mut all = verification.points.iter();
    let found =
        all.find(|point| point.requirement == requirement && point.what.contains(what) && point.region == region);
    let found = found.unwrap_or_else(|| panic!("{requirement} {what} {region}: {}", verification.text()));
    (found.verdict, found.says.clone())
}

#[tokio::test]
async fn r9_everything_carries_the_suffix_and_the_tags() {
    let (emulator, world) = platform().await;
    let read = read(&emulator);
    for region in REGIONS {
        for (name, role) in read[region]["roles"].as_object().unwrap() {
            assert!(name.starts_with("understudy-dev1-"), "{name}");
            let mut policies = role["policies"].as_array().unwrap().clone();
            // What all functions have in common.
            policies.retain(|policy| policy.as_str().is_none_or(|policy| !policy.ends_with("-functions")));
            assert_eq!(policies, [json!(name)], "one policy of the same name");
        }
        let tags = read[region]["apis"].as_object().unwrap().values().next().unwrap()["tags"].clone();
        assert_eq!(
            (&tags["understudy-environment"], &tags["owner"]),
            (&json!("dev1"), &json!("trading-platform"))
        );
    }
    let verification = verify(&world).await.unwrap();
    for region in REGIONS {
        assert_eq!(point(&verification, "R9.1", "suffix", region).0, Verdict::Yes);
        assert_eq!(
            point(&verification, "R9.5", "tags", region).0,
            Verdict::Yes,
            "{}",
            verification.text()
        );
    }
    // Somebody takes a tag off, inside a stack.
    let region = &world.regions()[1];
    let sqs = world.shared.aws.sqs(region);
    let url = sqs
        .get_queue_url()
        .queue_name("understudy-dev1-us-east-2-orders")
        .send()
        .await
        .unwrap();
    let untag = sqs.untag_queue().queue_url(url.queue_url().unwrap()).tag_keys("owner");
    untag.send().await.unwrap();
    let verification = verify(&world).await.unwrap();
    let (verdict, says) = point(&verification, "R9.5", "tags", "us-east-2");
    assert_eq!(verdict, Verdict::No);
    assert!(says.contains("orders lacks `owner` = `trading-platform`"), "{says}");
    assert!(!verification.synchronized);
    assert_eq!(point(&verification, "R9.5", "tags", "us-east-1").0, Verdict::Yes);
}

#[tokio::test]
async fn r10_verification_looks_at_every_point() {
    let (_emulator, world) = platform().await;
    let before = verify(&world).await.unwrap();
    assert_eq!(
        point(&before, "R6.1", "runs dry", "us-east-2").0,
        Verdict::Unknown,
        "no lease item yet"
    );
    create_lease(&world).await;
    let verification = verify(&world).await.unwrap();
    assert!(verification.synchronized, "{}", verification.text());
    let wanted = [
        ("R10.1", "stacks are complete", true),
        ("R9.1", "suffix", true),
        ("R9.5", "tags", true),
        ("R1.1", "hosted zone", false),
        ("R2.3", "tables", false),
        ("R2.1", "one region writes", false),
        ("R2.4", "a session arrives", true),
        ("R3.2", "same package", false),
        ("R4.1", "replication of buckets", false),
        ("R4.2", "an object arrives", true),
        ("R5.3", "forwarded both ways", false),
        ("R5.4", "reaches both queues", true),
        ("R6.1", "failover machine is ready", true),
        ("R6.1", "failover machine runs dry", true),
        ("R6.2", "failback machine runs dry", true),
        ("R7.2", "parameters are equal", false),
        ("R8.1", "peering", false),
        ("R10.2", "roles are settled", false),
        ("R10.3", "endpoint answers", true),
        ("R1.2", "failover records", false),
        ("R1.1", "health checks are as", false),
    ];
    for (requirement, what, regional) in wanted {
        let regions: &[&str] = if regional { &REGIONS } else { &[""] };
        for region in regions {
            let (verdict, says) = point(&verification, requirement, what, region);
            assert_eq!(verdict, Verdict::Yes, "{requirement} {what} {region}: {says}");
        }
    }
    // What nobody can tell here says why.
    for (requirement, what, region, why) in [
        ("R1.1", "home-endpoint is healthy", "global", "GetHealthCheckStatus"),
        ("R10.2", "follows the writer", "us-east-2", "no data points yet"),
        ("R6.3", "readiness", "us-east-1", "placeholder"),
    ] {
        let (verdict, says) = point(&verification, requirement, what, region);
        assert_eq!(verdict, Verdict::Unknown);
        assert!(says.contains(why), "{says}");
    }
    let text = verification.text();
    assert!(
        text.contains("us-east-1 writes (2 instances), us-east-2 follows (2 instances), in understudy-dev1-global"),
        "{text}"
    );
}

#[tokio::test]
async fn r10_an_apply_that_ends_unsynchronized_fails() {
    let (_emulator, world) = platform().await;
    // Somebody puts another program into one region.
    let lambda = world.shared.aws.lambda(&world.regions()[1]);
    let packages = world.names.bucket(&world.regions()[1], "packages");
    let s3 = world.shared.aws.s3(&world.regions()[1]);
    let mut other = world.platform.packages[0].bytes.clone();
    // Behind the end of a zip file a comment may stand.
    let length = other.len();
    other[length - 2] = 1;
    other.push(b'x');
    s3.put_object()
        .bucket(&packages)
        .key("other.zip")
        .body(other.into())
        .send()
        .await
        .unwrap();
    let update = lambda
        .update_function_code()
        .function_name("understudy-dev1-us-east-2-health");
    update.s3_bucket(packages).s3_key("other.zip").send().await.unwrap();
    let account = applied(&world).await;
    let verification = account.verification.unwrap();
    assert!(!verification.synchronized, "{}", verification.text());
    let (verdict, says) = point(&verification, "R3.2", "same package", "");
    assert_eq!((verdict, says.as_str()), (Verdict::No, "health differs"));
}
