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

const USE: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey*"];

pub(super) fn build(site: &Site<'_>, stacks: &mut Vec<Stack>) -> Keys {
    let mut template = Template::new(site, Layer::Keys, "keys, one per purpose");
    let of_account = iam::of_account(site);
    let services = |services: &[&str]| {
        let mut grant = iam::grant("Services", "", &USE, json!("*"), of_account.clone());
        grant["Principal"]["Service"] = json!(services);
        vec![grant]
    };
    let logs = {
        let service = format!("logs.{}.amazonaws.com", site.region);
        let context = json!({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": site.arn("logs", "log-group:*")}});
        let actions = [
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
            "kms:DescribeKey",
        ];
        vec![iam::grant("Logs", &service, &actions, json!("*"), context)]
    };
    // Alarms, rules, topics and buckets put messages into encrypted queues and topics.
    let messages = services(&["cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"]);
    let keys = Keys {
        data: key(
            &mut template,
            site,
            ["DataKey", "DataAlias"],
            "data",
            "data-key",
            Vec::new(),
        ),
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
            messages,
        ),
        logs: key(&mut template, site, ["LogsKey", "LogsAlias"], "logs", "logs-key", logs),
        functions: key(
            &mut template,
            site,
            ["FunctionsKey", "FunctionsAlias"],
            "functions",
            "functions-key",
            Vec::new(),
        ),
    };
    stacks.push(template.finish(stacks));
    keys
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
