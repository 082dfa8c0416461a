//! What carries one of our names, and was made by somebody else: stacks, and what is inside of ours.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::destroy::destroy;
use understudy_provisioner::deploy::drift::drift;
use understudy_provisioner::deploy::plan::plan;

use crate::emulator::Emulator;
use crate::support::{Log, region, world};

const STACK: &str = "understudy-dev1-us-east-2-keys";

async fn of_somebody_else(world: &World) {
    let client = world.shared.aws.cloudformation(&region("us-east-2"));
    let template = r#"{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "theirs"}}}}"#;
    let create = client.create_stack().stack_name(STACK).template_body(template);
    create.send().await.unwrap();
}

async fn is_there(world: &World) -> bool {
    let client = world.shared.aws.cloudformation(&region("us-east-2"));
    let found = client.describe_stacks().stack_name(STACK).send().await.unwrap();
    let queues = world
        .shared
        .aws
        .sqs(&region("us-east-2"))
        .list_queues()
        .send()
        .await
        .unwrap();
    let stack = &found.stacks()[0];
    let complete = stack.stack_status().unwrap().as_str() == "CREATE_COMPLETE";
    complete && stack.tags().is_empty() && queues.queue_urls().iter().any(|url| url.ends_with("/theirs"))
}

#[tokio::test]
async fn a_plan_says_that_a_stack_is_somebody_elses() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    of_somebody_else(&world).await;
    let planned = plan(&world).await.unwrap();
    assert_eq!(planned.held.len(), 1, "{}", planned.text());
    assert_eq!(planned.held[0].part, STACK);
    assert!(
        planned.held[0].why.contains("does not carry our tag"),
        "{}",
        planned.held[0].why
    );
    assert!(
        planned.changes.iter().all(|line| line.part != STACK),
        "{}",
        planned.text()
    );
}

#[tokio::test]
async fn a_stack_of_somebody_else_stops_apply_and_outlives_destroy() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    of_somebody_else(&world).await;
    let account = apply(&world, Options { recover: true }, &Log::default()).await.unwrap();
    let failure = account.failure.unwrap();
    assert_eq!(
        (failure.node.as_str(), failure.trouble.kind),
        (STACK, TroubleKind::NotOurs)
    );
    assert!(is_there(&world).await);
    let drifted = drift(&world).await;
    let drifted = drifted.map_or_else(|why| why.to_string(), |drift| drift.text());
    assert!(drifted.contains("does not carry our tag"), "{drifted}");
    let destroyed = destroy(&world, true, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    assert!(is_there(&world).await);
}

/// Inside a stack it is CloudFormation that finds it, and what it says is told, with the resource.
#[tokio::test]
async fn a_bucket_of_somebody_else_stops_its_stack_and_stays() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let s3 = world.shared.aws.s3(&region("us-east-2"));
    let bucket = world.names.bucket(&region("us-east-2"), "config");
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::UsEast2);
    let create = s3
        .create_bucket()
        .bucket(&bucket)
        .create_bucket_configuration(place.build());
    create.send().await.unwrap();
    s3.put_object()
        .bucket(&bucket)
        .key("theirs")
        .body(b"1".to_vec().into())
        .send()
        .await
        .unwrap();
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    let failure = account.failure.unwrap();
    assert_eq!(failure.node, "understudy-dev1-us-east-2-storage", "{}", failure.message);
    assert!(
        failure.message.contains("AWS::S3::Bucket") && failure.message.contains(&bucket),
        "{}",
        failure.message
    );
    let theirs = s3.get_object().bucket(&bucket).key("theirs").send().await;
    assert!(theirs.is_ok(), "it is as it was");
}
