//! EventBridge across regions: a rule in the home region forwards to the bus of the other one, a rule there feeds the
//! queue, and the sidecar hears it. moto serves EventBridge and SQS, ministack everything else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_sdk_eventbridge::types::{PutEventsRequestEntry, Target};
use understudy_engine::core::ids::Region;
use understudy_engine::decode::{HEARTBEAT, Heartbeat, SOURCE};
use understudy_engine::service::clock::Clock;

use crate::emulator::{Emulator, free_port};
use crate::platform::{make_table, names_of, operator};
use crate::process::Files;

const PATIENCE: Duration = Duration::from_secs(120);
const PLATFORM: &str = "version = 1\nenvironment = \"dev1\"\n[primary]\n[standby]\n[aws]\naccount = \"123456789012\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_the_home_region_reaches_the_sidecar_of_the_other_one() {
    let (ministack, moto) = (Emulator::ministack(), Emulator::moto());
    let names = names_of(PLATFORM);
    let [home, away] = [
        operator("us-east-1", &moto.url()).await,
        operator("us-east-2", &moto.url()).await,
    ];

    // The queue of the away region, fed by its bus, which is fed by the home region's.
    let sqs = aws_sdk_sqs::Client::new(&away);
    for name in [names.queue(Region::Away), names.dead_letter_queue(Region::Away)] {
        sqs.create_queue().queue_name(name).send().await.unwrap();
    }
    let events = [
        aws_sdk_eventbridge::Client::new(&home),
        aws_sdk_eventbridge::Client::new(&away),
    ];
    let queue = names.arn("sqs", Some(names.region(Region::Away)), &names.queue(Region::Away));
    let bus = names.arn("events", Some(names.region(Region::Away)), "event-bus/default");
    let role = "arn:aws:iam::123456789012:role/forward";
    for (client, target) in events.iter().zip([
        Target::builder().id("forward").arn(bus).role_arn(role).build().unwrap(),
        Target::builder().id("queue").arn(queue).build().unwrap(),
    ]) {
        let pattern = format!("{{\"source\": [\"{SOURCE}\"]}}");
        client
            .put_rule()
            .name("understudy")
            .event_pattern(pattern)
            .send()
            .await
            .unwrap();
        client
            .put_targets()
            .rule("understudy")
            .targets(target)
            .send()
            .await
            .unwrap();
    }

    let lease = names.lease_table();
    for region in ["us-east-1", "us-east-2"] {
        make_table(&operator(region, &ministack.url()).await, &lease).await;
    }
    let mut files = Files::new(
        include_str!("../../../policies/trading.toml"),
        PLATFORM,
        &ministack.url(),
    );
    for variable in ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_EVENTBRIDGE"] {
        files.elsewhere(variable, &moto.url());
    }
    assert_eq!(files.create_lease(), Some(0));
    let peers = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let engine = files.start("us-east-2", peers, false);

    // Nobody runs in the home region: its sign of life can come only this way.
    let began = Instant::now();
    loop {
        let heartbeat = Heartbeat {
            region: names.region(Region::Home).clone(),
            sent: Clock::real().wall(),
        };
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(HEARTBEAT)
            .detail(heartbeat.detail())
            .build();
        events[0].put_events().entries(entry).send().await.unwrap();
        if engine.verdict("heartbeat", "us-east-1").await.as_deref() == Some("healthy") {
            break;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "the sidecar hears nothing of the home region"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
