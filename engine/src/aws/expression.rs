//! One conditional update of one DynamoDB item. Names always go in as placeholders: many of ours are reserved words.
#![expect(clippy::disallowed_types, reason = "the SDK's own type for items and placeholders")]

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The key of every item.
pub(super) const KEY: &str = "id";

/// A condition and what to do if it holds.
#[derive(Debug, Default)]
pub(super) struct Update {
    conditions: Vec<String>,
    sets: Vec<String>,
    removes: Vec<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Update {
    /// Only if this attribute has this value.
    pub(super) fn when(mut self, name: &'static str, value: AttributeValue) -> Self {
        let condition = format!("{} = {}", self.name(name), self.value(value));
        self.conditions.push(condition);
        self
    }

    /// Only if there is no such attribute.
    pub(super) fn when_absent(mut self, name: &'static str) -> Self {
        let condition = format!("attribute_not_exists({})", self.name(name));
        self.conditions.push(condition);
        self
    }

    /// Only if there is no such attribute, or it has this value.
    pub(super) fn when_absent_or(mut self, name: &'static str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions
            .push(format!("(attribute_not_exists({name}) OR {name} = {value})"));
        self
    }

    /// Only if the item was not written in a later `epoch` than this.
    pub(super) fn when_not_later(mut self, name: &'static str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions
            .push(format!("(attribute_not_exists({name}) OR {name} <= {value})"));
        self
    }

    /// Only if the pair of these attributes is not later than the pair of values.
    pub(super) fn when_pair_not_later(
        mut self,
        names: [&'static str; 2],
        [first, second]: [AttributeValue; 2],
    ) -> Self {
        let [major, minor] = names.map(|name| self.name(name));
        let (first, second) = (self.value(first), self.value(second));
        self.conditions.push(format!(
            "(attribute_not_exists({major}) OR {major} < {first} OR ({major} = {first} AND {minor} <= {second}))"
        ));
        self
    }

    /// Sets an attribute.
    pub(super) fn set(mut self, name: &'static str, value: AttributeValue) -> Self {
        let set = format!("{} = {}", self.name(name), self.value(value));
        self.sets.push(set);
        self
    }

    /// Sets an attribute unless it is there already.
    pub(super) fn set_if_absent(mut self, name: &'static str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets.push(format!("{name} = if_not_exists({name}, {value})"));
        self
    }

    /// Adds one to an attribute that is there.
    pub(super) fn count(mut self, name: &'static str) -> Self {
        let (name, value) = (self.name(name), self.value(number(1)));
        self.sets.push(format!("{name} = {name} + {value}"));
        self
    }

    /// Takes an attribute away.
    pub(super) fn remove(mut self, name: &'static str) -> Self {
        let name = self.name(name);
        self.removes.push(name);
        self
    }

    /// The condition.
    pub(super) fn condition(&self) -> String {
        self.conditions.join(" AND ")
    }

    /// What to do.
    pub(super) fn update(&self) -> String {
        let mut update = format!("SET {}", self.sets.join(", "));
        if !self.removes.is_empty() {
            update.push_str(" REMOVE ");
            update.push_str(&self.removes.join(", "));
        }
        update
    }

    /// The placeholders of names and of values.
    pub(super) fn placeholders(self) -> (HashMap<String, String>, Item) {
        (self.names, self.values)
    }

    fn name(&mut self, name: &'static str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}

/// A number, as DynamoDB has it.
pub(super) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A flag.
pub(super) const fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}
