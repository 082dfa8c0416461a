//! R1 to R4 on a platform that `apply` made: each property is read back through the service's own API.
//!
//! What the emulator does not keep is looked at in the templates (`tests/synth`), and named here.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_route53::types::ResourceRecordSetFailover;
use serde_json::json;

use crate::platform::{REGIONS, platform, read};

#[tokio::test]
async fn r1_a_zone_fast_checks_and_two_failover_records() {
    let (_emulator, world) = platform().await;
    let route53 = world.shared.aws.route53(&world.regions()[0]);
    let zones = route53.list_hosted_zones().send().await.unwrap();
    let mut zones = zones.hosted_zones().iter();
    assert!(zones.any(|zone| zone.name() == "example.com."));
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

/// ministack's CloudFormation keeps neither encryption nor lifecycle nor lock of a bucket: `synth` and the validators look at
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
