//! Queues and topics.
//!
//! | Queue | Who reads it |
//! |--|--|
//! | `orders` | the order processor |
//! | `order-dead-letters` | an operator: orders that could not be processed |
//! | `events` | the engine of this region |
//! | `dead-letters` | an operator: what the engine did not understand |
//! | `undelivered` | an operator: what rules, schedules and functions could not deliver |
//!
//! Alarms of each region reach both engines: the topic `alarms` is subscribed by both regions' queues. The topic `operators`
//! is for people only, so that the engine's own pages do not come back to it.

use serde_json::{Value, json};

use super::super::excuse::Excuse;
use super::super::kinds::{Queue, QueuePolicy, Topic, TopicPolicy};
use super::super::model::{Handle, Import, Template};
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::keys::Keys;

/// What is exported.
#[derive(Debug)]
pub(super) struct Messaging {
    pub(super) orders: Import,
    pub(super) orders_url: Import,
    pub(super) undelivered: Import,
    pub(super) events: Import,
    pub(super) alarms: Import,
    pub(super) operators: Import,
}

const DAY_S: u32 = 86_400;

pub(super) fn build(site: &Site<'_>, keys: &Keys, stacks: &mut Vec<Stack>) -> Messaging {
    let mut template = Template::new(site, Layer::Messaging, "queues with dead letters, topics");
    let timeout_s = u32::try_from(site.deployment.functions.timeout.as_secs()).unwrap_or(u32::MAX);
    let rules = site.arn("events", "rule/*");
    let from = |sid: &str, service: &str, source: Value| {
        let mut condition = iam::of_account(site);
        condition["ArnLike"] = json!({"aws:SourceArn": source});
        (sid.to_owned(), service.to_owned(), condition)
    };
    let both_topics = json!(site.both(|region| {
        site.names
            .arn("sns", Some(region), &site.names.regional(region, "alarms"))
    }));

    let order_letters = queue(
        &mut template,
        site,
        keys,
        ["OrderDeadLetters", "OrderDeadLettersPolicy"],
        "order-dead-letters",
        json!({}),
        Vec::new(),
    );
    let orders = queue(
        &mut template,
        site,
        keys,
        ["Orders", "OrdersPolicy"],
        "orders",
        // Six times as long as the function may take, or an order is handed out again while it is worked on.
        json!({"VisibilityTimeout": timeout_s * 6, "RedrivePolicy": {"deadLetterTargetArn": order_letters.arn(), "maxReceiveCount": 5}}),
        Vec::new(),
    );
    let letters = queue(
        &mut template,
        site,
        keys,
        ["DeadLetters", "DeadLettersPolicy"],
        "dead-letters",
        json!({}),
        Vec::new(),
    );
    let events = queue(
        &mut template,
        site,
        keys,
        ["Events", "EventsPolicy"],
        "events",
        json!({"VisibilityTimeout": 30, "RedrivePolicy": {"deadLetterTargetArn": letters.arn(), "maxReceiveCount": 5}}),
        vec![
            from("AlarmsOfBothRegions", "sns.amazonaws.com", both_topics),
            from("Rules", "events.amazonaws.com", json!(rules)),
        ],
    );
    let undelivered = queue(
        &mut template,
        site,
        keys,
        ["Undelivered", "UndeliveredPolicy"],
        "undelivered",
        json!({}),
        vec![from("Rules", "events.amazonaws.com", json!(rules))],
    );

    template.excuse(
        &undelivered,
        &[Excuse::Nag("AwsSolutions-SQS3", "it takes dead letters itself")],
    );

    let alarms_here = || {
        let mut condition = iam::of_account(site);
        condition["ArnLike"] = json!({"aws:SourceArn": site.arn("cloudwatch", "alarm:*")});
        condition
    };
    let alarms = topic(
        &mut template,
        site,
        keys,
        ["Alarms", "AlarmsPolicy"],
        "alarms",
        alarms_here(),
    );
    let operators = topic(
        &mut template,
        site,
        keys,
        ["Operators", "OperatorsPolicy"],
        "operators",
        alarms_here(),
    );

    template.export("order-dead-letters", order_letters.arn());
    template.export("dead-letters", letters.arn());
    let messaging = Messaging {
        orders: template.export("orders", orders.arn()),
        orders_url: template.export("orders-url", orders.reference()),
        undelivered: template.export("undelivered", undelivered.arn()),
        events: template.export("events", events.arn()),
        alarms: template.export("alarms", alarms.reference()),
        operators: template.export("operators", operators.reference()),
    };
    stacks.push(template.finish(stacks));
    messaging
}

fn queue(
    template: &mut Template<'_>,
    site: &Site<'_>,
    keys: &Keys,
    [id, policy]: [&'static str; 2],
    role: &str,
    more: Value,
    senders: Vec<(String, String, Value)>,
) -> Handle<Queue> {
    let mut properties = json!({
        "KmsMasterKeyId": keys.messages,
        "KmsDataKeyReusePeriodSeconds": 300,
        "MessageRetentionPeriod": 14 * DAY_S,
    });
    if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
        properties.extend(more);
    }
    let queue = template.add(Queue, id, &site.name(role), properties);
    let mut statements = vec![iam::only_with_tls("sqs:*", json!(queue.arn()))];
    for (sid, service, condition) in senders {
        statements.push(iam::grant(
            &sid,
            &service,
            &["sqs:SendMessage"],
            json!(queue.arn()),
            condition,
        ));
    }
    template.add(
        QueuePolicy,
        policy,
        "",
        json!({"Queues": [queue.reference()], "PolicyDocument": iam::document(statements)}),
    );
    queue
}

fn topic(
    template: &mut Template<'_>,
    site: &Site<'_>,
    keys: &Keys,
    [id, policy]: [&'static str; 2],
    role: &str,
    from_alarms: Value,
) -> Handle<Topic> {
    let topic = template.add(
        Topic,
        id,
        &site.name(role),
        json!({"DisplayName": format!("understudy {} {role}", site.names.environment()), "KmsMasterKeyId": keys.messages}),
    );
    let arn = json!(topic.reference());
    let statements = [
        iam::only_with_tls("sns:Publish", arn.clone()),
        iam::grant("Alarms", "cloudwatch.amazonaws.com", &["sns:Publish"], arn, from_alarms),
    ];
    template.add(
        TopicPolicy,
        policy,
        "",
        json!({"Topics": [topic.reference()], "PolicyDocument": iam::document(statements)}),
    );
    topic
}
