//! R5.3: what the rules and targets that the reconciler makes really carry, from each region's bus to the other's queue.
//!
//! moto delivers to another region's bus, which ministack does not. On the way it puts the receiving region into the event, which
//! AWS leaves as it was. So on moto the rule over there would take what it is told for its own, and tell it back, for ever; AWS does
//! not. Therefore the way back is taken off while an event goes there, and that no rule takes what came from the other region
//! is asked of ministack, by `TestEventPattern`.

use aws_sdk_eventbridge::types::{InputTransformer, PutEventsRequestEntry, Target};
use serde_json::{Value, json};
use understudy_provisioner::spanning::Shared;
use understudy_provisioner::spanning::forwarding::Forwarding;

use crate::emulator::Emulator;
use crate::support::{apply, remove, shared, start};

const ACCOUNT: &str = "000000000000";
/// What is put on the buses: critical events, and one of the engine's own, which it tells both regions itself.
const KINDS: [(&str, &str); 4] = [
    ("aws.cloudwatch", "CloudWatch Alarm State Change"),
    ("aws.rds", "RDS DB Cluster Event"),
    ("aws.states", "Step Functions Execution Status Change"),
    ("understudy", "Heartbeat"),
];
/// How many of them are forwarded.
const FORWARDED: usize = 3;

fn forwarding(shared: &Shared) -> Forwarding {
    let both = |of: &dyn Fn(&str) -> String| shared.regions.each_ref().map(|region| Some(of(region.as_str())));
    Forwarding {
        shared: shared.clone(),
        rules: ["us-east-1", "us-east-2"].map(|region| format!("understudy-dev1-{region}-forward")),
        roles: both(&|region| format!("arn:aws:iam::{ACCOUNT}:role/understudy-dev1-{region}-forwarding")),
        dead_letters: both(&|region| format!("arn:aws:sqs:{region}:{ACCOUNT}:understudy-dev1-{region}-undelivered")),
    }
}

/// A queue in a region that hears everything on its bus.
async fn listen(shared: &Shared, index: usize) -> String {
    let region = &shared.regions[index];
    let queue = shared.aws.sqs(region).create_queue().queue_name("heard").send().await;
    let events = shared.aws.eventbridge(region);
    let sources: Vec<&str> = KINDS.iter().map(|(source, _)| *source).collect();
    let rule = events
        .put_rule()
        .name("hear")
        .event_pattern(json!({ "source": sources }).to_string());
    rule.send().await.unwrap();
    let arn = format!("arn:aws:sqs:{region}:{ACCOUNT}:heard");
    let target = Target::builder().id("1").arn(arn).build().unwrap();
    events.put_targets().rule("hear").targets(target).send().await.unwrap();
    queue.unwrap().queue_url.unwrap()
}

/// What a queue has heard since it was asked last.
async fn heard(shared: &Shared, index: usize, queue: &str) -> Vec<(String, Value)> {
    let sqs = shared.aws.sqs(&shared.regions[index]);
    let mut heard = Vec::new();
    loop {
        let call = sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        let messages = call.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            heard.sort_by(|one: &(String, Value), other| one.0.cmp(&other.0));
            return heard;
        }
        for message in messages {
            let event: Value = serde_json::from_str(message.body().unwrap()).unwrap();
            heard.push((event["source"].as_str().unwrap().to_owned(), event["detail"].clone()));
            let gone = sqs.delete_message().queue_url(queue);
            let gone = gone.receipt_handle(message.receipt_handle().unwrap());
            gone.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_happens_in_one_region_is_heard_in_the_other_both_ways() {
    let moto = Emulator::moto(ACCOUNT);
    let shared = shared(moto.url().as_str()).await;
    let queues = [listen(&shared, 0).await, listen(&shared, 1).await];
    let forwarding = forwarding(&shared);
    for from in 0..2 {
        apply(&forwarding).await;
        let to = 1 - from;
        let back = shared.aws.eventbridge(&shared.regions[to]);
        let off = back.remove_targets().rule(&forwarding.rules[to]).ids("other-region");
        off.send().await.unwrap();
        let detail = json!({"of": shared.regions[from].as_str()});
        let entries = KINDS.map(|(source, kind)| {
            let entry = PutEventsRequestEntry::builder().source(source).detail_type(kind);
            entry.detail(detail.to_string()).build()
        });
        let put = shared.aws.eventbridge(&shared.regions[from]).put_events();
        let put = put.set_entries(Some(entries.into())).send().await.unwrap();
        assert_eq!(put.failed_entry_count(), 0);
        let all: Vec<(String, Value)> = KINDS
            .iter()
            .map(|(source, _)| ((*source).to_owned(), detail.clone()))
            .collect();
        assert_eq!(heard(&shared, from, &queues[from]).await, all);
        assert_eq!(
            heard(&shared, to, &queues[to]).await,
            all[..FORWARDED],
            "once each, from {} to {}",
            shared.regions[from],
            shared.regions[to]
        );
    }
}

/// No loop: what came from the other region is nobody's to tell.
#[tokio::test]
async fn no_rule_takes_what_came_from_the_other_region() {
    let (_emulator, shared) = start().await;
    let forwarding = forwarding(&shared);
    apply(&forwarding).await;
    for (index, rule) in forwarding.rules.iter().enumerate() {
        let client = shared.aws.eventbridge(&shared.regions[index]);
        let rule = client.describe_rule().name(rule).send().await.unwrap();
        for (number, (source, kind)) in KINDS.iter().enumerate() {
            for (origin, region) in shared.regions.iter().enumerate() {
                let event = json!({
                    "id": "1", "detail-type": kind, "source": source, "account": ACCOUNT, "time": "2026-01-01T00:00:00Z",
                    "region": region.as_str(), "resources": [], "detail": {},
                });
                let ask = client.test_event_pattern().event_pattern(rule.event_pattern().unwrap());
                let answer = ask.event(event.to_string()).send().await.unwrap();
                assert_eq!(
                    answer.result(),
                    origin == index && number < FORWARDED,
                    "{source} from {region} in {}",
                    shared.regions[index]
                );
            }
        }
    }
}

/// The rule is ours, and so is what hears of it: an event is told as it is, to the other region alone.
#[tokio::test]
async fn what_somebody_does_to_our_target_or_puts_beside_it_is_undone() {
    let (_emulator, shared) = start().await;
    let forwarding = forwarding(&shared);
    apply(&forwarding).await;
    let (client, rule) = (shared.aws.eventbridge(&shared.regions[0]), &forwarding.rules[0]);
    let read = async || {
        let answer = client.list_targets_by_rule().rule(rule).send().await.unwrap();
        answer.targets.unwrap_or_default()
    };
    let put = async |target: Target| {
        client.put_targets().rule(rule).targets(target).send().await.unwrap();
    };
    let wanted = read().await;
    let transformer = InputTransformer::builder().input_template("{}").build().unwrap();
    let drifted = |drift: &dyn Fn(&mut Target)| {
        let mut target = wanted[0].clone();
        drift(&mut target);
        target
    };
    for (what, drifted) in [
        (
            "the same words for all",
            drifted(&|target| target.input = Some("{}".to_owned())),
        ),
        (
            "a part of it",
            drifted(&|target| target.input_path = Some("$.detail".to_owned())),
        ),
        (
            "other words",
            drifted(&|target| target.input_transformer = Some(transformer.clone())),
        ),
    ] {
        put(drifted).await;
        let steps = apply(&forwarding).await;
        let detail = "its target, the bus of us-east-2";
        assert_eq!(steps, [format!("Change rule {rule} in us-east-1: {detail}")], "{what}");
        assert_eq!(read().await, wanted, "{what}");
    }
    let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:listens");
    let other = Target::builder().id("listens").arn(&arn).build().unwrap();
    put(other.clone()).await;
    assert_eq!(
        apply(&forwarding).await,
        [format!(
            "Remove rule {rule} in us-east-1: a target that is not ours: listens, {arn}"
        )]
    );
    assert_eq!(read().await, wanted);
    put(other).await;
    assert_eq!(remove(&forwarding, false).await, []);
    assert!(
        client.describe_rule().name(rule).send().await.is_err(),
        "the rule is gone"
    );
}
