//! What a sidecar tells by way of AWS, and what it asks there besides its queue: each read back through the service's own
//! API, on ministack.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_eventbridge::types::Target;
use serde_json::{Value, json};
use understudy_engine::aws::Side;
use understudy_engine::aws::names::Names;
use understudy_engine::core::effect::{Announcement, Gate, Outcome, PageReason};
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::decode::SOURCE;
use understudy_engine::service::clock::Clock;
use understudy_engine::service::context::Context;
use understudy_engine::service::parts::Parts;
use understudy_engine::service::parts::http::{client, fresh_client};
use understudy_engine::service::platform::Place;
use understudy_engine::service::secret::Secret;

use crate::emulator::Emulator;
use crate::platform::{connections, names_of, operator, platform_of, policy};
use crate::ports::free_port;
use crate::process::Files;
use crate::resources::Resources;
use crate::scripted::{Answer, Scripted};

const PATIENCE: Duration = Duration::from_secs(150);
const PLATFORM: &str = "version = 1\nenvironment = \"dev1\"\n[primary]\nhealth = \"http://home.example/\"\n[standby]\n\
                        health = \"http://away.example/\"\n[aws]\naccount = \"000000000000\"\n";

/// The parts of the away region's sidecar, as at its start.
async fn parts(emulator: &Emulator) -> Parts {
    let context = Context {
        place: Place::Serving(Region::Away),
        policy: Arc::new(policy()),
        platform: Arc::new(platform_of(PLATFORM)),
        clock: Clock::real(),
        client: client().unwrap(),
        fresh: fresh_client().unwrap(),
        database_probes: [None, None],
        peer_token: Arc::new(Secret::new("the-peers-know-this-one".to_owned())),
        host_names: Arc::default(),
    };
    let side = Side::new(Region::Away, names_of(PLATFORM), connections(&emulator.url()).await);
    let mut parts = Parts::absent();
    side.put_into(&mut parts, &context);
    parts
}

/// A queue of the test's own.
struct Mailbox {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl Mailbox {
    /// One that a topic feeds.
    async fn of_topic(config: &SdkConfig, names: &Names, region: Region) -> Self {
        let this = Self::named(config, "tests-topic").await;
        let sns = aws_sdk_sns::Client::new(config);
        let topic = names.topic_arn(region);
        let name = topic.rsplit(':').next().unwrap();
        sns.create_topic().name(name).send().await.unwrap();
        let queue = names.arn("sqs", Some(names.region(region)), "tests-topic");
        let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue);
        subscribe.send().await.unwrap();
        this
    }

    /// One that a region's default bus feeds with everything that the engine says.
    async fn of_bus(config: &SdkConfig, names: &Names, region: Region) -> Self {
        let this = Self::named(config, "tests-bus").await;
        let bus = aws_sdk_eventbridge::Client::new(config);
        let pattern = json!({ "source": [SOURCE] }).to_string();
        bus.put_rule()
            .name("tests")
            .event_pattern(pattern)
            .send()
            .await
            .unwrap();
        let queue = names.arn("sqs", Some(names.region(region)), "tests-bus");
        let target = Target::builder().id("1").arn(queue).build().unwrap();
        bus.put_targets().rule("tests").targets(target).send().await.unwrap();
        this
    }

    async fn named(config: &SdkConfig, name: &str) -> Self {
        let sqs = aws_sdk_sqs::Client::new(config);
        let queue = sqs.create_queue().queue_name(name).send().await.unwrap();
        Self {
            sqs,
            url: queue.queue_url.unwrap(),
        }
    }

    /// The next message.
    async fn next(&self) -> Value {
        let began = Instant::now();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.url).wait_time_seconds(1);
            let answer = receive.max_number_of_messages(1).send().await.unwrap();
            if let Some(message) = answer.messages.unwrap_or_default().pop() {
                let handle = message.receipt_handle.unwrap();
                let delete = self.sqs.delete_message().queue_url(&self.url).receipt_handle(handle);
                delete.send().await.unwrap();
                return serde_json::from_str(&message.body.unwrap()).unwrap();
            }
            assert!(began.elapsed() < PATIENCE, "no message");
        }
    }
}

#[tokio::test]
async fn operators_and_other_programs_are_told_by_sns_and_eventbridge() {
    let emulator = Emulator::ministack();
    let names = names_of(PLATFORM);
    let config = operator("us-east-2", &emulator.url()).await;
    let humans = parts(&emulator).await.humans;

    // Nobody made the topic yet: it certainly was not said.
    let announced = humans.announce(Epoch(2), Announcement::FailoverStarted).await;
    assert_eq!(announced, Outcome::Failed);

    let topic = Mailbox::of_topic(&config, &names, Region::Away).await;
    let buses = [
        Mailbox::of_bus(&operator("us-east-1", &emulator.url()).await, &names, Region::Home).await,
        Mailbox::of_bus(&config, &names, Region::Away).await,
    ];
    let announced = humans.announce(Epoch(2), Announcement::FailoverCompleted).await;
    assert_eq!(announced, Outcome::Done);
    let said = topic.next().await;
    assert_eq!(said["Type"], "Notification");
    assert_eq!(
        said["Subject"],
        "Understudy us-east-2: the failover is complete: this region serves"
    );
    assert!(said["Message"].as_str().unwrap().contains("in epoch 2"), "{said}");
    for bus in &buses {
        let event = bus.next().await;
        assert_eq!(event["source"], "understudy");
        assert_eq!(event["detail-type"], "Understudy Announcement");
        let detail = &event["detail"];
        assert_eq!(detail["announcement"], "failover-completed");
        assert_eq!((&detail["epoch"], &detail["region"]), (&json!(2), &json!("us-east-2")));
    }

    assert_eq!(humans.page(Epoch(2), PageReason::NeedsOperator).await, Outcome::Done);
    let said = topic.next().await;
    let subject = said["Subject"].as_str().unwrap();
    assert!(subject.starts_with("Understudy us-east-2 needs you: "), "{subject}");
    for bus in &buses {
        let event = bus.next().await;
        assert_eq!(event["detail-type"], "Understudy Page");
        assert_eq!(event["detail"]["reason"], "needs-operator");
    }

    // Asked once; the answer is an operator's command, so the effect itself stays open.
    let asked = humans.request_approval(Epoch(2), Gate::Failback);
    let asked = tokio::time::timeout(Duration::from_secs(10), asked).await;
    assert!(asked.is_err(), "{asked:?}");
    let said = topic.next().await;
    let subject = said["Subject"].as_str().unwrap();
    assert_eq!(subject, "Understudy us-east-2 waits for approval: the way home");
    assert!(said["Message"].as_str().unwrap().contains("understudy-engine approve"));
}

/// A state machine that waits, as long as the test may take, under the name of the home region's failover workflow.
async fn begin_execution(config: &SdkConfig, names: &Names, region: Region) -> (aws_sdk_sfn::Client, String) {
    let sfn = aws_sdk_sfn::Client::new(config);
    let arn = names.machine_arn(region, RoleChangeKind::Failover);
    let definition = json!({
        "StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": true}},
    });
    let made = sfn
        .create_state_machine()
        .name(arn.rsplit(':').next().unwrap())
        .definition(definition.to_string())
        .role_arn("arn:aws:iam::000000000000:role/tests")
        .send()
        .await
        .unwrap();
    assert_eq!(made.state_machine_arn, arn);
    let begun = sfn.start_execution().state_machine_arn(&arn).send().await.unwrap();
    (sfn, begun.execution_arn)
}

/// How many heartbeats of a region CloudWatch has in the other one.
async fn heartbeats(config: &SdkConfig, of: &str) -> f64 {
    let now = SystemTime::now();
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let answer = aws_sdk_cloudwatch::Client::new(config)
        .get_metric_statistics()
        .namespace("Understudy")
        .metric_name("Heartbeat")
        .dimensions(dimension("Environment", "dev1"))
        .dimensions(dimension("Region", of))
        .start_time(DateTime::from(now - Duration::from_secs(600)))
        .end_time(DateTime::from(now + Duration::from_secs(60)))
        .period(60)
        .statistics(Statistic::Sum)
        .send()
        .await
        .unwrap();
    answer
        .datapoints()
        .iter()
        .filter_map(aws_sdk_cloudwatch::types::Datapoint::sum)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_s_heart_beats_in_the_other_region_s_metrics_and_an_execution_there_holds_it_back() {
    let emulator = Emulator::ministack();
    let application = Scripted::always(Answer::Http(200, "ok".to_owned()));
    let platform = PLATFORM
        .replace("http://home.example/", application.url().as_str())
        .replace("http://away.example/", application.url().as_str());
    let names = names_of(&platform);
    drop(Resources::make(names.clone(), &emulator.url()).await);
    let [home, away] = [
        operator("us-east-1", &emulator.url()).await,
        operator("us-east-2", &emulator.url()).await,
    ];
    let (sfn, execution) = begin_execution(&away, &names, Region::Away).await;
    assert!(heartbeats(&home, "us-east-2").await < 1.0);

    let policy = include_str!("../../../policies/trading.toml");
    let files = Files::new(policy, &platform, &emulator.url());
    assert_eq!(files.create_lease(), Some(0));
    let peers = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let sidecar = files.start("us-east-2", peers, false);
    let began = Instant::now();
    while heartbeats(&home, "us-east-2").await < 2.0 {
        assert!(began.elapsed() < PATIENCE, "the metric does not come");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // Nobody else said so, and nowhere else.
    assert!(heartbeats(&away, "us-east-2").await < 1.0);
    assert!(heartbeats(&home, "us-east-1").await < 1.0);

    // What ListExecutions tells reaches the guard.
    let guard = async || {
        let answer = sidecar.ask("why").await;
        let text = answer.to_string();
        let guards = answer["now"]["guards"].as_array().cloned().unwrap_or_default();
        let found = guards.into_iter().find(|guard| guard["guard"] == "no-execution");
        (found.and_then(|guard| guard["passed"].as_bool()), text)
    };
    loop {
        let (passed, why) = guard().await;
        if passed == Some(false) {
            break;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "the guard does not see the execution: {why}"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let described = sfn.describe_execution().execution_arn(execution).send().await.unwrap();
    assert_eq!(described.status.as_str(), "RUNNING");
}
