//! EventBridge from one region to the other, and on to the queue of a real sidecar there: moto for EventBridge and SQS,
//! ministack for the rest of AWS.
//!
//! moto forwards an event to another region's bus, and loses a part of its envelope on the way: it replaces `region`,
//! `time` and `resources` by the receiving bus's own, and what it gives to a queue has no `account`. AWS keeps all of
//! them. So the rules here carry the envelope inside `detail` to the other region ([`WRAP`]) and take it out there
//! ([`UNWRAP`]): input transformers, which AWS would not need and moto honours. Nothing in what arrives is made up; it has
//! all gone the whole way.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_eventbridge::types::{InputTransformer, PutEventsRequestEntry, Target};
use reqwest::Url;
use serde_json::{Value, json};
use understudy_engine::aws::names::Names;
use understudy_engine::core::ids::Region;
use understudy_engine::core::time::WallTime;
use understudy_engine::decode::{HEARTBEAT, Heartbeat, SOURCE};
use understudy_policies::model::RegionName;

use crate::emulator::Emulator;
use crate::platform::{names_of, operator};
use crate::ports::free_port;
use crate::process::{Engine, Files};
use crate::resources::Resources;
use crate::scripted::{Answer, Scripted};

const PATIENCE: Duration = Duration::from_secs(150);
const ACCOUNT: &str = "000000000000";
const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];
const ALARMS: &str = "aws.cloudwatch";
const ALARM_CHANGED: &str = "CloudWatch Alarm State Change";

/// The whole envelope goes into `detail`.
const WRAP: &str = r#"{"source": "<source>", "detail-type": "<detail-type>", "detail": {"id": "<id>",
    "account": "<account>", "time": "<time>", "region": "<region>", "resources": <resources>, "detail": <detail>}}"#;
/// And comes out of it again. moto wants the time as it writes it, as a number, and makes a text of it.
const UNWRAP: &str = r#"{"version": "0", "id": "<id>", "source": "<source>", "detail-type": "<detail-type>",
    "account": "<account>", "time": "<time>", "region": "<region>", "resources": <resources>, "detail": <detail>}"#;

/// Where the parts of the envelope are, `from` the root of the event or the one inside it.
fn paths(from: &str) -> impl Iterator<Item = (String, String)> {
    let outside = ["source", "detail-type"].map(|name| (name.to_owned(), format!("$.{name}")));
    let inside = ["id", "account", "time", "region", "resources", "detail"];
    let inside = inside.map(|name| (name.to_owned(), format!("{from}.{name}")));
    outside.into_iter().chain(inside)
}

/// The test's own connections to moto.
struct Moto {
    emulator: Emulator,
    buses: [aws_sdk_eventbridge::Client; 2],
    queues: [aws_sdk_sqs::Client; 2],
}

impl Moto {
    async fn start(names: &Names) -> Self {
        let emulator = Emulator::moto(ACCOUNT);
        let configs = [
            operator(REGIONS[0], &emulator.url()).await,
            operator(REGIONS[1], &emulator.url()).await,
        ];
        let this = Self {
            emulator,
            buses: configs.each_ref().map(aws_sdk_eventbridge::Client::new),
            queues: configs.each_ref().map(aws_sdk_sqs::Client::new),
        };
        for region in Region::BOTH {
            let sqs = &this.queues[region.index()];
            for name in [names.queue(region), names.dead_letter_queue(region)] {
                sqs.create_queue().queue_name(name).send().await.unwrap();
            }
            let queue = names.arn("sqs", Some(names.region(region)), &names.queue(region));
            // AWS would give these the account without being asked.
            this.rule(region, (SOURCE, HEARTBEAT), &queue, UNWRAP, "$").await;
            if region == Region::Away {
                this.rule(region, (ALARMS, ALARM_CHANGED), &queue, UNWRAP, "$.detail")
                    .await;
            }
        }
        let bus = names.arn("events", Some(names.region(Region::Away)), "event-bus/default");
        this.rule(Region::Home, (ALARMS, ALARM_CHANGED), &bus, WRAP, "$").await;
        this
    }

    /// What one source says of one kind on a region's bus goes to `to`, as the template says.
    async fn rule(&self, on: Region, (source, kind): (&str, &str), to: &str, template: &str, from: &str) {
        let client = &self.buses[on.index()];
        let name = format!("tests-{}", source.replace('.', "-"));
        client
            .put_rule()
            .name(&name)
            .event_pattern(json!({"source": [source], "detail-type": [kind]}).to_string())
            .send()
            .await
            .unwrap();
        let transformer = InputTransformer::builder()
            .input_template(template)
            .set_input_paths_map(Some(paths(from).collect()))
            .build()
            .unwrap();
        let target = Target::builder()
            .id("1")
            .arn(to)
            .input_transformer(transformer)
            .build()
            .unwrap();
        let put = client.put_targets().rule(&name).targets(target).send().await.unwrap();
        assert_eq!(put.failed_entry_count(), 0);
    }

    /// What CloudWatch would put on the home region's bus.
    async fn alarm_changes(&self, alarm: &str, state: &str) {
        let detail = json!({
            "alarmName": alarm,
            "state": {"value": state, "reason": "the test", "timestamp": now()},
            "previousState": {"value": "OK", "timestamp": now()},
            "configuration": {"metrics": []},
        });
        let entry = PutEventsRequestEntry::builder()
            .source(ALARMS)
            .detail_type(ALARM_CHANGED)
            .resources(format!("arn:aws:cloudwatch:{}:{ACCOUNT}:alarm:{alarm}", REGIONS[0]))
            .detail(detail.to_string())
            .build();
        let put = self.buses[0].put_events().entries(entry).send().await.unwrap();
        assert_eq!(put.failed_entry_count(), 0);
    }

    /// How many messages a queue holds, seen or unseen.
    async fn waiting(&self, region: Region, queue: &str) -> u64 {
        let sqs = &self.queues[region.index()];
        let url = sqs.get_queue_url().queue_name(queue).send().await.unwrap();
        let answer = sqs
            .get_queue_attributes()
            .queue_url(url.queue_url.unwrap())
            .attribute_names("All".into())
            .send()
            .await
            .unwrap();
        let attributes = answer.attributes.unwrap_or_default();
        attributes
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOfMessages"))
            .map(|(_, count)| count.parse::<u64>().unwrap())
            .sum()
    }
}

/// The wall clock, as AWS writes it: just as the engine writes its own.
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let heartbeat = Heartbeat {
        region: RegionName::new(REGIONS[0]).unwrap(),
        sent: WallTime::from_millis(since.as_millis().try_into().unwrap()),
    };
    let detail: Value = serde_json::from_str(&heartbeat.detail()).unwrap();
    detail["sent"].as_str().unwrap().to_owned()
}

async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_regions_eventbridge_says_is_heard_by_the_other_regions_sidecar() {
    let ministack = Emulator::ministack();
    let application = Scripted::always(Answer::Http(200, "ok".to_owned()));
    // Without addresses of sidecars: heartbeats have no other way than EventBridge.
    let platform = format!(
        "version = 1\nenvironment = \"dev1\"\n[primary]\nhealth = \"{url}\"\n[standby]\nhealth = \"{url}\"\n[aws]\n\
         account = \"{ACCOUNT}\"\n",
        url = application.url()
    );
    let names = names_of(&platform);
    let alarm = names.naming().alarm(names.region(Region::Home), "alarm-lambda-errors");
    drop(Resources::make(names.clone(), &ministack.url()).await);
    let moto = Moto::start(&names).await;
    let places: [(&str, Url); 3] = [
        ("AWS_ENDPOINT_URL", ministack.url()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", moto.emulator.url()),
        ("AWS_ENDPOINT_URL_SQS", moto.emulator.url()),
    ];
    let policy = include_str!("../../../policies/trading.toml");
    let files = Files::new(policy, &platform, &ministack.url()).with_endpoints(&places);
    assert_eq!(files.create_lease(), Some(0));
    let peers = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
    let away = files.start(REGIONS[1], peers[1], false);
    let heard = async |engine: &Engine, witness: &str, about: &str| engine.verdict(witness, about).await;

    until("the sidecar answers", async || !away.state().await.is_empty()).await;
    moto.alarm_changes(&alarm, "ALARM").await;
    until("the alarm is heard", async || {
        heard(&away, "alarm-lambda-errors", REGIONS[0]).await.as_deref() == Some("breached")
    })
    .await;
    moto.alarm_changes(&alarm, "OK").await;
    until("its end is heard", async || {
        heard(&away, "alarm-lambda-errors", REGIONS[0]).await.as_deref() == Some("healthy")
    })
    .await;

    // A sidecar puts its heartbeat on the other region's bus.
    assert_ne!(heard(&away, "heartbeat", REGIONS[0]).await.as_deref(), Some("healthy"));
    let home = files.start(REGIONS[0], peers[0], false);
    until("each hears the other one's heart", async || {
        heard(&away, "heartbeat", REGIONS[0]).await.as_deref() == Some("healthy")
            && heard(&home, "heartbeat", REGIONS[1]).await.as_deref() == Some("healthy")
    })
    .await;

    // What was understood is deleted, and nothing of it was buried.
    drop((home, away));
    assert_eq!(
        moto.waiting(Region::Away, &names.dead_letter_queue(Region::Away)).await,
        0
    );
    assert_eq!(
        moto.waiting(Region::Home, &names.dead_letter_queue(Region::Home)).await,
        0
    );
}
