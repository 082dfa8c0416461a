//! The JSON Schema of a policy file, for editors; and what it says about each key, for `explain`.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use crate::model::Policy;

/// The JSON Schema (2020-12) of a policy file, with the documentation of every key.
#[must_use]
pub fn schema() -> Schema {
    let refuse_unknown = |schema: &mut Schema| {
        if schema.get("properties").is_some() {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    };
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Policy>();
    RecursiveTransform(refuse_unknown).transform(&mut schema);
    schema
}

/// The schema as it is committed: indented, with a newline at its end.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", schema().as_value())
}

/// What the schema says about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyDoc {
    /// What the key does.
    pub(crate) description: String,
    /// The names that it may have, each with what it means.
    pub(crate) choices: Vec<(String, String)>,
    /// The keys below it, when it is a table.
    pub(crate) below: Vec<String>,
}

/// Looks up a key such as `lease.ttl`, `witness.interval` or `witness[2].interval`.
pub(crate) fn key(path: &str) -> Option<KeyDoc> {
    let root = schema().to_value();
    let mut at = vec![root.clone()];
    let mut description = None;
    let own = |node: &Value| node.get("description").and_then(Value::as_str).map(str::to_owned);
    for part in path.split('.') {
        let part = part.split('[').next().unwrap_or(part);
        let mut found = at
            .iter()
            .filter_map(|parent| Some((parent, parent.get("properties")?.get(part)?)))
            .peekable();
        // The tag that tells kinds of tables apart is described where the table is.
        let (_, first) = found.peek()?;
        description = own(first).or(description.filter(|_| first.get("const").is_some()));
        let with_meaning = |(parent, node): (&Value, &Value)| {
            let mut node = node.clone();
            if node.get("const").is_some() {
                node["description"] = own(parent).into();
            }
            resolve(&root, &node)
        };
        at = found.flat_map(with_meaning).collect();
    }
    let description = description.or_else(|| at.iter().find_map(own)).unwrap_or_default();
    let choices = at.iter().filter_map(|node| {
        let name = node.get("const")?.as_str()?;
        Some((name.to_owned(), one_line(&own(node).unwrap_or_default())))
    });
    let names = at.iter().filter_map(|node| node.get("enum")?.as_array()).flatten();
    let names = names.filter_map(|name| Some((name.as_str()?.to_owned(), String::new())));
    let mut below: Vec<String> = Vec::new();
    for name in at
        .iter()
        .filter_map(|node| node.get("properties")?.as_object())
        .flat_map(serde_json::Map::keys)
    {
        if !below.contains(name) {
            below.push(name.clone());
        }
    }
    Some(KeyDoc {
        description: one_line(&description),
        choices: choices.chain(names).collect(),
        below,
    })
}

/// Every key, in the order of the file's documentation.
pub(crate) fn keys() -> Vec<String> {
    fn walk(path: &str, all: &mut Vec<String>) {
        let Some(doc) = key(path) else { return };
        all.push(path.to_owned());
        for name in doc.below {
            walk(&format!("{path}.{name}"), all);
        }
    }
    let root = schema().to_value();
    let mut all = Vec::new();
    for name in root
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(serde_json::Map::keys)
    {
        walk(name, &mut all);
    }
    all
}

/// What a node stands for: references followed, lists entered, alternatives spread out.
fn resolve(root: &Value, node: &Value) -> Vec<Value> {
    if let Some(name) = node.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map(|target| resolve(root, target)).unwrap_or_default();
    }
    if let Some(items) = node.get("items") {
        return resolve(root, items);
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(nodes) = node.get(alternatives).and_then(Value::as_array) {
            return nodes.iter().flat_map(|node| resolve(root, node)).collect();
        }
    }
    vec![node.clone()]
}

/// Doc comments are wrapped for the source; a terminal wraps for itself.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn every_key_has_a_description() {
        let keys = keys();
        assert!(keys.len() > 100, "{}", keys.len());
        for path in keys {
            assert!(!key(&path).unwrap().description.is_empty(), "{path}");
        }
    }

    #[test]
    fn every_key_that_a_rule_looks_at_exists() {
        for rule in rules::all() {
            for path in rule.keys {
                assert!(key(path).is_some(), "{}: {path}", rule.code);
            }
        }
    }

    #[test]
    fn choices_and_tables_are_told_apart() {
        let method = key("traffic.method").unwrap();
        assert_eq!(
            method.choices.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["switch", "arc", "record-change"]
        );
        assert!(key("lease").unwrap().below.contains(&"ttl".to_owned()));
        assert_eq!(key("witness[2].interval"), key("witness.interval"));
        assert_eq!(key("lease.store.region").unwrap().choices, []);
        assert_eq!(key("lease.tttl"), None);
    }
}
