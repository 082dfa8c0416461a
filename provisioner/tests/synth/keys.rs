//! Who may use which key, judged as AWS judges it: by the key's own policy, or by the role's.
//!
//! No emulator and no validator here looks at that. What each service says of itself when it asks for a key is from its own
//! documentation; what it does not say is not there, and a condition on it refuses.

use std::collections::BTreeMap;

use serde_json::Value;
use understudy_policies::model::RegionName;

use crate::{Made, made};

/// What a service says with its request, as condition keys.
type Context = Vec<(&'static str, String)>;
/// What is done, the key, the service, its actions, and what it says.
type Case<'a> = (&'a str, &'a str, &'a str, &'a [&'a str], Context);

/// Whether a text fits a pattern with asterisks.
fn fits(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// Whether a statement's conditions hold. One that asks for what was not said does not.
fn holds(statement: &Value, context: &[(&'static str, String)]) -> bool {
    let context: BTreeMap<&str, &str> = context.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    conditions.into_iter().all(|(operator, wanted)| {
        wanted.as_object().unwrap().iter().all(|(key, patterns)| {
            let Some(said) = context.get(key.as_str()) else {
                return false;
            };
            list(patterns).iter().any(|pattern| match operator.as_str() {
                "StringEquals" | "ArnEquals" => pattern == said,
                "StringLike" | "ArnLike" => fits(pattern, said),
                other => panic!("{other} is not judged here"),
            })
        })
    })
}

impl Made {
    /// Whether the policy of a key lets a service in.
    fn lets_in(
        &self,
        region: &RegionName,
        key: &str,
        service: &str,
        action: &str,
        context: &[(&'static str, String)],
    ) -> bool {
        let key = self
            .of(region, "AWS::KMS::Key")
            .into_iter()
            .find(|(id, _)| id.ends_with(&format!(".{key}")));
        let (_, key) = key.unwrap();
        let statements = key["Properties"]["KeyPolicy"]["Statement"].as_array().unwrap().clone();
        statements.iter().any(|statement| {
            list(&statement["Principal"]["Service"]).contains(&service)
                && list(&statement["Action"]).iter().any(|allowed| fits(allowed, action))
                && holds(statement, context)
        })
    }

    /// What a role may do with a key.
    fn may(&self, region: &RegionName, role: &str, export: &str, context: &[(&'static str, String)]) -> Vec<String> {
        let names = self.deployment.names(&self.policy);
        let policy = self.named(region, "AWS::IAM::ManagedPolicy", "ManagedPolicyName", role);
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        let export = names.export(region, export);
        let on_key = statements
            .iter()
            .filter(|statement| statement["Resource"]["Fn::ImportValue"] == export && holds(statement, context));
        let mut actions: Vec<String> = on_key
            .flat_map(|statement| list(&statement["Action"]))
            .map(str::to_owned)
            .collect();
        actions.sort();
        actions.dedup();
        actions
    }
}

/// Both regions: this one and the other one.
fn sides(made: &Made) -> [[&RegionName; 2]; 2] {
    let [primary, standby] = made.regions();
    [[primary, standby], [standby, primary]]
}

#[test]
fn each_service_may_use_the_key_of_what_it_delivers_into() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    let account = || ("aws:SourceAccount", names.account().to_owned());
    for [here, there] in sides(&made) {
        let arn = |service: &str, region, resource: &str| names.arn(service, Some(region), resource);
        let queue = |role: &str| {
            (
                "kms:EncryptionContext:aws:sqs:arn",
                arn("sqs", here, &names.regional(here, role)),
            )
        };
        let topic = |region| arn("sns", region, &names.regional(region, "alarms"));
        let group = arn("logs", here, &format!("log-group:{}", names.log_group(here, "api")));
        let logs = format!("logs.{here}.amazonaws.com");
        let both = ["kms:GenerateDataKey", "kms:Decrypt"];
        let cases: Vec<Case<'_>> = vec![
            (
                "an alarm into an encrypted topic",
                "MessagesKey",
                "cloudwatch.amazonaws.com",
                &both,
                vec![
                    account(),
                    (
                        "aws:SourceArn",
                        arn(
                            "cloudwatch",
                            here,
                            &format!("alarm:{}", names.regional(here, "impaired")),
                        ),
                    ),
                ],
            ),
            (
                "this region's topic into the engine's queue",
                "MessagesKey",
                "sns.amazonaws.com",
                &both,
                vec![account(), ("aws:SourceArn", topic(here)), queue("events")],
            ),
            (
                "the other region's topic into the engine's queue",
                "MessagesKey",
                "sns.amazonaws.com",
                &both,
                vec![account(), ("aws:SourceArn", topic(there)), queue("events")],
            ),
            // EventBridge does not say for whom it asks.
            (
                "a rule into the engine's queue",
                "MessagesKey",
                "events.amazonaws.com",
                &both,
                vec![queue("events")],
            ),
            (
                "a rule's dead letters",
                "MessagesKey",
                "events.amazonaws.com",
                &both,
                vec![queue("undelivered")],
            ),
            (
                "a log group",
                "LogsKey",
                &logs,
                &["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:GenerateDataKey"],
                vec![("kms:EncryptionContext:aws:logs:arn", group)],
            ),
            (
                "what a machine's execution says, into its log group",
                "FunctionsKey",
                "delivery.logs.amazonaws.com",
                &["kms:Decrypt"],
                vec![("kms:EncryptionContext:SourceArn", arn("logs", here, "*"))],
            ),
        ];
        for (what, key, service, actions, context) in cases {
            for action in actions {
                assert!(
                    made.lets_in(here, key, service, action, &context),
                    "{what} in {here}: {action}"
                );
            }
        }
    }
}

#[test]
fn no_service_may_use_a_key_for_somebody_else() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    let stranger = "999999999999".to_owned();
    for [here, _] in sides(&made) {
        let foreign = |service: &str, resource: &str| format!("arn:aws:{service}:{here}:{stranger}:{resource}");
        let logs = format!("logs.{here}.amazonaws.com");
        let cases: [(&str, &str, Context); 6] = [
            (
                "MessagesKey",
                "cloudwatch.amazonaws.com",
                vec![
                    ("aws:SourceAccount", stranger.clone()),
                    ("aws:SourceArn", foreign("cloudwatch", "alarm:x")),
                ],
            ),
            (
                "MessagesKey",
                "sns.amazonaws.com",
                vec![
                    ("aws:SourceAccount", stranger.clone()),
                    ("aws:SourceArn", foreign("sns", "alarms")),
                ],
            ),
            (
                "MessagesKey",
                "events.amazonaws.com",
                vec![(
                    "kms:EncryptionContext:aws:sqs:arn",
                    foreign("sqs", &names.regional(here, "events")),
                )],
            ),
            (
                "FunctionsKey",
                "delivery.logs.amazonaws.com",
                vec![("kms:EncryptionContext:SourceArn", foreign("logs", "*"))],
            ),
            (
                "LogsKey",
                &logs,
                vec![("kms:EncryptionContext:aws:logs:arn", foreign("logs", "log-group:x"))],
            ),
            (
                "DataKey",
                "sns.amazonaws.com",
                vec![("aws:SourceAccount", names.account().to_owned())],
            ),
        ];
        for (key, service, context) in cases {
            assert!(
                !made.lets_in(here, key, service, "kms:Decrypt", &context),
                "{service} with {key} in {here}"
            );
        }
    }
}

/// Every role, every key: what is encrypted and touched by the role. Not more, either.
#[test]
fn each_role_may_use_the_keys_of_what_it_reads_and_writes() {
    const READ: &[&str] = &["kms:Decrypt"];
    const BOTH: &[&str] = &["kms:Decrypt", "kms:GenerateDataKey"];
    // In this order: data (secret, parameters), storage (objects), messages (queues, topics), logs, functions (environments,
    // definitions, schedules).
    const KEYS: [&str; 5] = ["data-key", "storage-key", "messages-key", "logs-key", "functions-key"];
    let roles: [(&str, [&[&str]; 5]); 17] = [
        ("order-intake", [&[], &[], BOTH, &[], READ]),
        ("order-processor", [READ, &[], BOTH, &[], READ]),
        ("health", [READ, &[], BOTH, &[], READ]),
        ("readiness", [&[], &[], BOTH, &[], READ]),
        ("starter", [&[], &[], BOTH, &[], READ]),
        ("steps", [READ, &[], BOTH, &[], READ]),
        ("failover-machine", [&[], &[], BOTH, &[], BOTH]),
        ("failback-machine", [&[], &[], BOTH, &[], BOTH]),
        ("readiness-schedule", [&[], &[], BOTH, &[], READ]),
        ("engine", [&[], &[], BOTH, &[], &[]]),
        ("replication", [&[], READ, &[], &[], &[]]),
        ("engine-execution", [READ, &[], &[], &[], &[]]),
        // They write into log groups, which encrypt by themselves.
        ("flow-logs", [&[]; 5]),
        ("database-monitoring", [&[]; 5]),
        ("api-logs", [&[]; 5]),
        ("forwarding", [&[]; 5]),
        ("switch-reader", [&[]; 5]),
    ];
    let made = made();
    let names = made.deployment.names(&made.policy);
    for [here, _] in sides(&made) {
        let mut all: Vec<String> = Vec::new();
        for (role, wanted) in &roles {
            if *role == "switch-reader" && *here == made.policy.regions.primary {
                continue;
            }
            all.push(names.regional(here, role));
            let context = vec![("kms:ViaService", format!("s3.{here}.amazonaws.com"))];
            for (key, wanted) in KEYS.iter().zip(wanted) {
                assert_eq!(
                    made.may(here, role, key, &context),
                    *wanted,
                    "{role} in {here} with {key}"
                );
            }
        }
        all.sort();
        let mut there: Vec<String> = made
            .of(here, "AWS::IAM::Role")
            .into_iter()
            .map(|(_, role)| role["Properties"]["RoleName"].as_str().unwrap().to_owned())
            .collect();
        there.sort();
        assert_eq!(all, there, "a role that is not in the table");
    }
}
