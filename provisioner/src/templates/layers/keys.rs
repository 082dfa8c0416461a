//! Keys: one per purpose, so that who may read logs may not read orders.
//!
//! Each region has keys of its own. Services treat a multi-Region key as one of a single region, so nothing is gained by them,
//! and what is replicated is encrypted anew on the other side.

use serde_json::{Value, json};

use super::super::kinds::{Key, KeyAlias};
use super::super::model::{Import, Template};
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};

/// The keys of a region.
#[derive(Debug)]
pub(super) struct Keys {
    /// The database, its secret, the parameters.
    pub(super) data: Import,
    /// Buckets and file systems.
    pub(super) storage: Import,
    /// Queues and topics.
    pub(super) messages: Import,
    /// Logs.
    pub(super) logs: Import,
    /// Functions' environments, and state machines.
    pub(super) functions: Import,
}

/// The keys of the witness region.
#[derive(Debug)]
pub(super) struct WitnessKeys {
    /// The secrets that the observer is started with.
    pub(super) data: Import,
    /// Logs.
    pub(super) logs: Import,
}

const USE: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey*"];

pub(super) fn build(site: &Site<'_>, stacks: &mut Vec<Stack>) -> Keys {
    let mut template = Template::new(site, Layer::Keys, "keys, one per purpose");
    let keys = Keys {
        data: data(&mut template, site),
        storage: key(
            &mut template,
            site,
            ["StorageKey", "StorageAlias"],
            "storage",
            "storage-key",
            Vec::new(),
        ),
        messages: key(
            &mut template,
            site,
            ["MessagesKey", "MessagesAlias"],
            "messages",
            "messages-key",
            messengers(site),
        ),
        logs: logs(&mut template, site),
        functions: key(
            &mut template,
            site,
            ["FunctionsKey", "FunctionsAlias"],
            "functions",
            "functions-key",
            vec![machine_logs(site)],
        ),
    };
    stacks.push(template.finish(stacks));
    keys
}

/// The same, for the little that is in the witness region.
pub(super) fn witness(site: &Site<'_>, stacks: &mut Vec<Stack>) -> WitnessKeys {
    let mut template = Template::new(site, Layer::Keys, "keys, one per purpose");
    let keys = WitnessKeys {
        data: data(&mut template, site),
        logs: logs(&mut template, site),
    };
    stacks.push(template.finish(stacks));
    keys
}

fn data(template: &mut Template<'_>, site: &Site<'_>) -> Import {
    key(template, site, ["DataKey", "DataAlias"], "data", "data-key", Vec::new())
}

fn logs(template: &mut Template<'_>, site: &Site<'_>) -> Import {
    let services = vec![log_groups(site)];
    key(template, site, ["LogsKey", "LogsAlias"], "logs", "logs-key", services)
}

/// Those who put messages into encrypted queues and topics: alarms and topics on behalf of this account, rules into our queues.
///
/// Alarms and topics name themselves. EventBridge names nobody when it asks for a key, and a condition on the source would
/// refuse it without a word; which queue the message is for, SQS says in the encryption context.
fn messengers(site: &Site<'_>) -> Vec<Value> {
    let from = |source: Value| {
        let mut condition = iam::of_account(site);
        condition["ArnLike"] = json!({"aws:SourceArn": source});
        condition
    };
    let topics = site.both(|region| {
        let topic = site.names.regional(region, "alarms");
        site.names.arn("sns", Some(region), &topic)
    });
    let queues = site.arn("sqs", &format!("{}-*", site.region_prefix()));
    let into_ours = json!({"ArnLike": {"kms:EncryptionContext:aws:sqs:arn": queues}});
    let alarms = from(json!(site.arn("cloudwatch", "alarm:*")));
    [
        ("Alarms", "cloudwatch.amazonaws.com", alarms),
        ("Topics", "sns.amazonaws.com", from(json!(topics))),
        ("Rules", "events.amazonaws.com", into_ours),
    ]
    .map(|(sid, service, condition)| iam::grant(sid, service, &USE, json!("*"), condition))
    .into()
}

/// CloudWatch Logs, for the groups of this account and region.
fn log_groups(site: &Site<'_>) -> Value {
    let service = format!("logs.{}.amazonaws.com", site.region);
    let context = json!({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": site.arn("logs", "log-group:*")}});
    let actions = [
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
        "kms:DescribeKey",
    ];
    iam::grant("Logs", &service, &actions, json!("*"), context)
}

/// What Step Functions writes of an execution is encrypted with the machine's key until it is in its log group, and delivered
/// by a service of its own. Its context is this text as it stands: the asterisk is a letter of it.
fn machine_logs(site: &Site<'_>) -> Value {
    let context = json!({"StringEquals": {"kms:EncryptionContext:SourceArn": site.arn("logs", "*")}});
    iam::grant(
        "MachineLogs",
        "delivery.logs.amazonaws.com",
        &["kms:Decrypt"],
        json!("*"),
        context,
    )
}

fn key(
    template: &mut Template<'_>,
    site: &Site<'_>,
    [id, alias]: [&'static str; 2],
    purpose: &str,
    export: &'static str,
    services: Vec<Value>,
) -> Import {
    let owner = json!({
        "Sid": "Account", "Effect": "Allow", "Principal": {"AWS": site.names.arn("iam", None, "root")},
        "Action": "kms:*", "Resource": "*",
    });
    let key = template.add(
        Key,
        id,
        purpose,
        json!({
            "Description": format!("{}: {purpose}", site.name(purpose)),
            "EnableKeyRotation": true,
            "PendingWindowInDays": 30,
            "KeyPolicy": iam::document([owner].into_iter().chain(services)),
        }),
    );
    // What it encrypts outlives the stack.
    template.keep(&key);
    template.add(
        KeyAlias,
        alias,
        &format!("alias/{}", site.name(purpose)),
        json!({"TargetKeyId": key.reference()}),
    );
    template.export(export, key.arn())
}
