//! The forced alarm: it is heard in both regions, and the engines' queues are left as they are.

use aws_sdk_sns::types::Subscription;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::destroy::destroy;
use understudy_provisioner::deploy::verify::{Age, Verdict, verify};

use crate::platform::{REGIONS, platform};
use crate::support::{Log, region};
use crate::verification::point;

/// The queues of verifications, in a region.
async fn queues(world: &World, of: &str) -> Vec<String> {
    let sqs = world.shared.aws.sqs(&region(of));
    let found = sqs
        .list_queues()
        .queue_name_prefix(format!("understudy-dev1-{of}-verify"))
        .send()
        .await;
    found.unwrap().queue_urls.unwrap_or_default()
}

async fn subscribed(world: &World, of: &str) -> Vec<String> {
    let sns = world.shared.aws.sns(&region(of));
    let topic = format!("arn:aws:sns:{of}:000000000000:understudy-dev1-{of}-alarms");
    let told = sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    let endpoints = told.subscriptions().iter().filter_map(Subscription::endpoint);
    let mut endpoints: Vec<String> = endpoints.map(str::to_owned).collect();
    endpoints.sort();
    endpoints
}

/// A queue of a run that was interrupted long ago, subscribed to both topics.
async fn left_behind(world: &World) {
    let name = "understudy-dev1-us-east-2-verify-1700000000";
    let sqs = world.shared.aws.sqs(&region("us-east-2"));
    sqs.create_queue().queue_name(name).send().await.unwrap();
    for of in REGIONS {
        let subscribe = world.shared.aws.sns(&region(of)).subscribe().protocol("sqs");
        let subscribe = subscribe.topic_arn(format!("arn:aws:sns:{of}:000000000000:understudy-dev1-{of}-alarms"));
        let endpoint = format!("arn:aws:sqs:us-east-2:000000000000:{name}");
        subscribe.endpoint(endpoint).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_verification_takes_no_message_of_an_engine_and_leaves_no_queue() {
    let (_emulator, world) = platform().await;
    let engine_queues = REGIONS.map(|of| format!("arn:aws:sqs:{of}:000000000000:understudy-dev1-{of}-events"));
    let sqs = world.shared.aws.sqs(&region("us-east-2"));
    let url = sqs
        .get_queue_url()
        .queue_name("understudy-dev1-us-east-2-events")
        .send()
        .await;
    let url = url.unwrap().queue_url.unwrap();
    // Something that the engine has not read yet.
    sqs.send_message()
        .queue_url(&url)
        .message_body("for the engine")
        .send()
        .await
        .unwrap();
    left_behind(&world).await;
    let verification = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    for of in REGIONS {
        let (verdict, says) = point(&verification, "R5.4", "forced, reaches both regions", of);
        assert_eq!(verdict, Verdict::Yes, "{says}");
        assert_eq!(queues(&world, of).await, Vec::<String>::new(), "in {of}");
        assert_eq!(subscribed(&world, of).await, engine_queues, "in {of}");
    }
    let system = aws_sdk_sqs::types::MessageSystemAttributeName::ApproximateReceiveCount;
    let mut first_reads = 0;
    loop {
        let call = sqs.receive_message().queue_url(&url).max_number_of_messages(10);
        let read = call
            .message_system_attribute_names(system.clone())
            .send()
            .await
            .unwrap();
        if read.messages().is_empty() {
            break;
        }
        for message in read.messages() {
            let count = &message.attributes().unwrap()[&system];
            assert_eq!(count, "1", "nobody has read it before: {message:?}");
            first_reads += 1;
        }
    }
    // The message, and what the engine hears of each region's alarm: that it came, and that it went.
    assert!(first_reads >= 3, "{first_reads}");
}

#[tokio::test]
async fn an_engine_that_is_not_subscribed_is_seen_and_destroying_removes_what_is_left_behind() {
    let (_emulator, world) = platform().await;
    let sns = world.shared.aws.sns(&region("us-east-1"));
    let topic = "arn:aws:sns:us-east-1:000000000000:understudy-dev1-us-east-1-alarms";
    let told = sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    let mut all = told.subscriptions().iter();
    let away = all.find(|one| {
        one.endpoint()
            .is_some_and(|endpoint| endpoint.contains("us-east-2-events"))
    });
    let away = away.unwrap().subscription_arn().unwrap();
    sns.unsubscribe().subscription_arn(away).send().await.unwrap();
    let verification = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    let (verdict, says) = point(&verification, "R5.4", "hear of its alarms", "us-east-1");
    assert_eq!(verdict, Verdict::No);
    assert!(says.contains("understudy-dev1-us-east-2-events"), "{says}");
    assert_eq!(
        point(&verification, "R5.4", "hear of its alarms", "us-east-2").0,
        Verdict::Yes
    );

    left_behind(&world).await;
    let destroyed = destroy(&world, false, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    assert_eq!(queues(&world, "us-east-2").await, Vec::<String>::new());
}
