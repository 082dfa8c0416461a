//! R10.1, R10.2: the whole way, on an empty emulator.

use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
};
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::destroy::destroy;
use understudy_provisioner::deploy::drift::drift;
use understudy_provisioner::deploy::plan::plan;
use understudy_provisioner::deploy::verify::{Age, Verdict, verify};
use understudy_provisioner::spanning::ChangeKind;

use crate::emulator::Emulator;
use crate::support::{Log, world};

#[tokio::test]
async fn apply_verify_again_drift_destroy() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let planned = plan(&world).await.unwrap();
    assert_eq!(planned.held, [], "{}", planned.text());
    assert_eq!(
        planned.count(ChangeKind::Add) + planned.count(ChangeKind::Change),
        planned.changes.len()
    );
    assert!(planned.count(ChangeKind::Add) > world.platform.resources());

    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let verification = account.verification.unwrap();
    assert!(verification.synchronized, "{}", verification.text());
    let yes = verification
        .points
        .iter()
        .filter(|point| point.verdict == Verdict::Yes)
        .count();
    assert!(yes >= 10, "{}", verification.text());

    let planned = plan(&world).await.unwrap();
    assert_eq!(planned.changes, [], "{}", planned.text());
    let log = Log::default();
    let again = apply(&world, Options::default(), &log).await.unwrap();
    assert_eq!(
        (again.changed, log.steps()),
        (Vec::new(), Vec::new()),
        "nothing is changed"
    );
    let drifted = drift(&world).await.unwrap();
    assert_eq!(drifted.drifted, [], "{}", drifted.text());

    // Without `--delete-data`, what holds data stays, and can be gone on with.
    let destroyed = destroy(&world, false, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    assert!(
        destroyed.kept.iter().any(|kept| kept.what.contains("table")),
        "{}",
        destroyed.text()
    );
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    assert!(account.verification.unwrap().synchronized);

    let destroyed = destroy(&world, true, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    nothing_of_ours(&world).await;
    let account = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    assert!(!account.synchronized, "and that is seen");
}

/// Nobody can delete what is locked: `destroy` says so, keeps bucket and key, and removes the rest.
#[tokio::test]
async fn locked_audit_objects_are_listed_as_kept() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let region = &world.regions()[0];
    let s3 = world.shared.aws.s3(region);
    let audit = world.names.bucket(region, "audit");
    // The emulator's CloudFormation does not keep the lock; the template has it.
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .days(2557)
        .build();
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(ObjectLockRule::builder().default_retention(retention).build())
        .build();
    let put = s3
        .put_object_lock_configuration()
        .bucket(&audit)
        .object_lock_configuration(lock);
    put.send().await.unwrap();
    let put = s3
        .put_object()
        .bucket(&audit)
        .key("orders/1")
        .body(b"1".to_vec().into());
    put.send().await.unwrap();

    let destroyed = destroy(&world, true, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    let kept: Vec<(&str, &str)> = destroyed
        .kept
        .iter()
        .map(|kept| (kept.what.as_str(), kept.region.as_str()))
        .collect();
    let bucket = format!("bucket {audit}");
    assert!(kept.contains(&(&bucket, "us-east-1")), "{}", destroyed.text());
    assert!(
        destroyed
            .text()
            .contains("locked for 2557 days and nobody can delete them earlier"),
        "{}",
        destroyed.text()
    );
    assert!(
        kept.iter()
            .any(|(what, region)| what.starts_with("key ") && *region == "us-east-1"),
        "what is locked is read with a key: {}",
        destroyed.text()
    );
    let still = s3.get_object().bucket(&audit).key("orders/1").send().await;
    assert!(still.is_ok(), "the object is there");
    let stacks = world
        .shared
        .aws
        .cloudformation(region)
        .describe_stacks()
        .send()
        .await
        .unwrap();
    assert_eq!(stacks.stacks().len(), 0, "the stacks are gone");
    // Again: the same is kept, nothing is in the way.
    let again = destroy(&world, true, &Log::default()).await.unwrap();
    assert!(again.failure.is_none(), "{}", again.text());
    assert!(again.kept.iter().any(|kept| kept.what == bucket), "{}", again.text());
}

/// Every service is asked what it still has.
async fn nothing_of_ours(world: &understudy_provisioner::deploy::World) {
    let aws = &world.shared.aws;
    let mut left = Vec::new();
    let witness = world.shared.witness.clone();
    for region in world.regions().iter().chain([&witness]) {
        let mut add = |what: &str, names: Vec<String>| {
            let ours = names.into_iter().filter(|name| name.contains("understudy"));
            left.extend(ours.map(|name| format!("{what} {name} in {region}")));
        };
        let tables = aws.dynamodb(region).list_tables().send().await.unwrap();
        add("table", tables.table_names().to_vec());
        let clusters = aws.rds(region).describe_db_clusters().send().await.unwrap();
        add(
            "cluster",
            clusters
                .db_clusters()
                .iter()
                .filter_map(|one| one.db_cluster_identifier.clone())
                .collect(),
        );
        let instances = aws.rds(region).describe_db_instances().send().await.unwrap();
        add(
            "instance",
            instances
                .db_instances()
                .iter()
                .filter_map(|one| one.db_instance_identifier.clone())
                .collect(),
        );
        let globals = aws.rds(region).describe_global_clusters().send().await.unwrap();
        add(
            "global cluster",
            globals
                .global_clusters()
                .iter()
                .filter_map(|one| one.global_cluster_identifier.clone())
                .collect(),
        );
        let stacks = aws.cloudformation(region).describe_stacks().send().await.unwrap();
        add(
            "stack",
            stacks
                .stacks()
                .iter()
                .filter_map(|one| one.stack_name.clone())
                .collect(),
        );
        let buckets = aws.s3(region).list_buckets().send().await.unwrap();
        add(
            "bucket",
            buckets.buckets().iter().filter_map(|one| one.name.clone()).collect(),
        );
        let queues = aws.sqs(region).list_queues().send().await.unwrap();
        add("queue", queues.queue_urls().to_vec());
        let topics = aws.sns(region).list_topics().send().await.unwrap();
        add(
            "topic",
            topics.topics().iter().filter_map(|one| one.topic_arn.clone()).collect(),
        );
        let functions = aws.lambda(region).list_functions().send().await.unwrap();
        add(
            "function",
            functions
                .functions()
                .iter()
                .filter_map(|one| one.function_name.clone())
                .collect(),
        );
        let machines = aws.sfn(region).list_state_machines().send().await.unwrap();
        add(
            "machine",
            machines.state_machines().iter().map(|one| one.name.clone()).collect(),
        );
        let alarms = aws.cloudwatch(region).describe_alarms().send().await.unwrap();
        add(
            "alarm",
            alarms
                .metric_alarms()
                .iter()
                .filter_map(|one| one.alarm_name.clone())
                .collect(),
        );
        let parameters = aws.ssm(region).describe_parameters().send().await.unwrap();
        add(
            "parameter",
            parameters
                .parameters()
                .iter()
                .filter_map(|one| one.name.clone())
                .collect(),
        );
        let rules = aws.eventbridge(region).list_rules().send().await.unwrap();
        add(
            "rule",
            rules.rules().iter().filter_map(|one| one.name.clone()).collect(),
        );
    }
    let route53 = aws.route53(&world.regions()[0]);
    assert!(
        route53
            .list_hosted_zones()
            .send()
            .await
            .unwrap()
            .hosted_zones()
            .is_empty()
    );
    assert!(
        route53
            .list_health_checks()
            .send()
            .await
            .unwrap()
            .health_checks()
            .is_empty()
    );
    assert_eq!(left, Vec::<String>::new());
}
