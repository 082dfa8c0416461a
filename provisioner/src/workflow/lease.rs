//! Writes into the lease item and the order path item, in the form in which the engine writes them.
//!
//! A write that timed out may have happened. Each carries a mark of its own, so looking whether the item bears it settles it;
//! nothing else has to be compared.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::asl::{catch, choice, fail, go_on, retry, task};
use super::{Place, steps};
use understudy_engine::workflow::{Patience, Step};

/// An update with its conditions.
#[derive(Debug, Default)]
pub(super) struct Update {
    conditions: Vec<String>,
    sets: Vec<String>,
    removes: Vec<String>,
    values: Map<String, Value>,
    names: Map<String, Value>,
}

/// The epoch of the lease when this execution began, and the one after it.
pub(super) const SEEN: &str = "$.epochs.seen";
pub(super) const NEXT: &str = "$.epochs.next";

/// What the lease item calls this region, and the other one.
pub(super) const OWN: &str = "$.place.own";
pub(super) const OTHER: &str = "$.place.other";

impl Update {
    /// An update of the lease item: only of its format, and it is counted.
    fn lease() -> Self {
        Self::default().when("format", json!({"N": "1"})).count("version")
    }

    /// Of a lease that a region holds in an epoch.
    pub(super) fn held(holder: &str, epoch: &str) -> Self {
        Self::lease()
            .when("holder", json!({"S.$": holder}))
            .when("epoch", json!({"N.$": epoch}))
    }

    fn name(&mut self, name: &str) -> String {
        let key = format!("#{name}");
        self.names.insert(key.clone(), name.into());
        key
    }

    fn value(&mut self, name: &str, value: Value) -> String {
        let key = format!(":{name}");
        self.values.insert(key.clone(), value);
        key
    }

    pub(super) fn when(mut self, name: &str, value: Value) -> Self {
        let (key, value) = (self.name(name), self.value(&format!("was_{name}"), value));
        self.conditions.push(format!("{key} = {value}"));
        self
    }

    pub(super) fn when_absent_or(mut self, name: &str, value: Value) -> Self {
        let (key, value) = (self.name(name), self.value(&format!("was_{name}"), value));
        self.conditions
            .push(format!("(attribute_not_exists({key}) OR {key} = {value})"));
        self
    }

    pub(super) fn when_not_later(mut self, name: &str, value: Value) -> Self {
        let (key, value) = (self.name(name), self.value(&format!("was_{name}"), value));
        self.conditions
            .push(format!("(attribute_not_exists({key}) OR {key} <= {value})"));
        self
    }

    pub(super) fn set(mut self, name: &str, value: Value) -> Self {
        let (key, value) = (self.name(name), self.value(name, value));
        self.sets.push(format!("{key} = {value}"));
        self
    }

    pub(super) fn set_if_absent(mut self, name: &str, value: Value) -> Self {
        let (key, value) = (self.name(name), self.value(name, value));
        self.sets.push(format!("{key} = if_not_exists({key}, {value})"));
        self
    }

    pub(super) fn count(mut self, name: &str) -> Self {
        let (key, value) = (self.name(name), self.value("one", json!({"N": "1"})));
        self.sets.push(format!("{key} = {key} + {value}"));
        self
    }

    pub(super) fn remove(mut self, name: &str) -> Self {
        let key = self.name(name);
        self.removes.push(key);
        self
    }

    /// The region that claimed becomes, or is named, the holder of the next epoch.
    pub(super) fn new_term(self, holder: &str) -> Self {
        self.count("epoch")
            .count("renewals")
            .set("holder", json!({"S.$": holder}))
            .set("released", json!({"BOOL": false}))
            .remove("claim_region")
            .remove("claim_nonce")
    }

    pub(super) fn role_change(self, kind: &str, step: &str) -> Self {
        self.set("role_change", json!({"S": kind}))
            .set("role_change_step", json!({"S": step}))
    }

    pub(super) fn no_role_change(self) -> Self {
        self.remove("role_change").remove("role_change_step")
    }

    pub(super) fn parameters(self, table: &str, id: &str) -> Value {
        let mut expression = format!("SET {}", self.sets.join(", "));
        if !self.removes.is_empty() {
            expression += &format!(" REMOVE {}", self.removes.join(", "));
        }
        json!({
            "TableName": table, "Key": {"id": {"S": id}}, "UpdateExpression": expression,
            "ConditionExpression": self.conditions.join(" AND "),
            "ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values,
        })
    }
}

/// The condition of a write did not hold.
const CONDITION: [&str; 2] = [
    "DynamoDB.ConditionalCheckFailedException",
    "DynamoDb.ConditionalCheckFailedException",
];

/// Reads the lease item.
pub(super) fn read(place: &Place<'_>) -> Value {
    let parameters = json!({
        "TableName": place.names.lease_table(), "Key": {"id": {"S": "lease"}}, "ConsistentRead": true,
    });
    task(
        "dynamodb:getItem",
        &parameters,
        Patience::LeaseOperation.under(place.policy),
    )
}

/// A step that writes into the lease item: marks, writes, and looks if it is not sure.
pub(super) fn put(step: &Step, update: Update, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    let name = steps::name(step.id);
    let [mark, looked, settled, failed, done] =
        ["mark", "look", "settled", "failed", "done"].map(|part| format!("{name}_{part}"));
    let after = next.unwrap_or(&done).to_owned();
    all.insert(
        mark,
        json!({
            "Type": "Pass", "ResultPath": "$.write", "Next": name,
            "Parameters": {"nonce.$": format!("States.Format('{{}}-{}', $.epochs.mark)", step.id as usize)},
        }),
    );
    let parameters = update
        .set("nonce", json!({"S.$": "$.write.nonce"}))
        .parameters(&place.names.lease_table(), "lease");
    let tries = steps::tries(step, place);
    let mut write = task("dynamodb:updateItem", &parameters, step.patience.under(place.policy));
    write["ResultPath"] = Value::Null;
    write["Next"] = after.clone().into();
    // A condition that does not hold will not hold the next time.
    write["Retry"] = json!([
        {"ErrorEquals": CONDITION, "MaxAttempts": 0},
        retry(Duration::from_secs(1), tries),
    ]);
    write["Catch"] = json!([catch(&looked, "$.failure")]);
    all.insert(name, write);
    let mut look = read(place);
    look["ResultPath"] = "$.looked".into();
    look["Next"] = settled.clone().into();
    look["Retry"] = json!([retry(Duration::from_secs(1), tries)]);
    look["Catch"] = json!([catch(&failed, "$.failure")]);
    all.insert(looked, look);
    let ours = json!({"Variable": "$.looked.Item.nonce.S", "StringEqualsPath": "$.write.nonce"});
    all.insert(settled, choice(&[(ours, &after)], &failed));
    all.insert(
        failed,
        fail(
            &steps::error(step.id),
            "the lease item was not written: somebody else has written it, or it could not be reached",
        ),
    );
    if next.is_none() {
        let mut end = json!({"Type": "Pass"});
        go_on(&mut end, None);
        all.insert(done, end);
    }
}

/// The own region's order path item: opened or closed in an epoch. Writing it twice is writing it once.
pub(super) fn order_path(place: &Place<'_>, epoch: &str, values: &[(&str, Value)], patience: Patience) -> Value {
    let update = Update::default()
        .when_not_later("epoch", json!({"N.$": epoch}))
        .set("epoch", json!({"N.$": epoch}));
    let update = values
        .iter()
        .fold(update, |update, (name, value)| update.set(name, value.clone()));
    task(
        "dynamodb:updateItem",
        &update.parameters(&place.names.order_path_table(), "order-path"),
        patience.under(place.policy),
    )
}
