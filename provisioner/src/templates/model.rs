//! A template while it is being made.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::kinds::{Kind, Tags};
use super::site::{Layer, Site};
use super::{Stack, excuse};

/// What CloudFormation works out: a reference, an attribute, an import. Only resources and exports make one.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr(pub(super) Value);

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What another stack of the region exports.
#[derive(Debug, Clone, PartialEq)]
pub struct Import(Expr);

impl Serialize for Import {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A resource of the template at hand.
#[derive(Debug)]
pub struct Handle<K> {
    pub(super) id: String,
    pub(super) kind: PhantomData<K>,
}

impl<K: Kind> Handle<K> {
    /// What `Ref` gives: which of its properties that is depends on the kind.
    #[must_use]
    pub fn reference(&self) -> Expr {
        Expr(json!({"Ref": self.id}))
    }

    pub(super) fn attribute(&self, name: &str) -> Expr {
        Expr(json!({"Fn::GetAtt": [self.id, name]}))
    }
}

/// A template while it is being made.
#[derive(Debug)]
pub(super) struct Template<'a> {
    site: &'a Site<'a>,
    layer: Layer,
    description: &'static str,
    resources: Map<String, Value>,
    outputs: Map<String, Value>,
    after: BTreeSet<Layer>,
    after_in_both: BTreeSet<Layer>,
}

impl<'a> Template<'a> {
    pub(super) fn new(site: &'a Site<'a>, layer: Layer, description: &'static str) -> Self {
        Self {
            site,
            layer,
            description,
            resources: Map::new(),
            outputs: Map::new(),
            after: BTreeSet::new(),
            after_in_both: BTreeSet::new(),
        }
    }

    /// Adds a resource, with its name, if its kind has one, and with every tag.
    pub(super) fn add<K: Kind>(&mut self, _: K, id: impl Into<String>, name: &str, properties: Value) -> Handle<K> {
        let id = id.into();
        let Value::Object(mut properties) = properties else {
            panic!("the properties of {id} are no object");
        };
        if let Some(key) = K::NAME {
            properties.insert(key.to_owned(), name.into());
        }
        self.tag::<K>(name, &mut properties);
        let mut resource = Map::new();
        resource.insert("Type".to_owned(), K::TYPE.into());
        resource.insert("Properties".to_owned(), Value::Object(properties));
        let before = self.resources.insert(id.clone(), Value::Object(resource));
        assert!(before.is_none(), "{id} stands twice in the layer {}", self.layer.name());
        Handle { id, kind: PhantomData }
    }

    /// The resource waits for another one that it does not refer to.
    pub(super) fn wait<K: Kind>(&mut self, resource: &Handle<K>, others: &[&str]) {
        self.resources[resource.id.as_str()]["DependsOn"] = json!(others);
    }

    /// The resource stays when it is removed from the template, replaced, or its stack deleted. It goes only with the creation
    /// that failed: nothing is in it yet, and the next try would find its name taken.
    pub(super) fn keep<K: Kind>(&mut self, resource: &Handle<K>) {
        self.resources[resource.id.as_str()]["DeletionPolicy"] = "RetainExceptOnCreate".into();
        self.resources[resource.id.as_str()]["UpdateReplacePolicy"] = "Retain".into();
    }

    /// A validator objects, and this is why it is right all the same.
    pub(super) fn excuse<K: Kind>(&mut self, resource: &Handle<K>, excuses: &[excuse::Excuse]) {
        self.excuse_id(&resource.id, excuses);
    }

    /// A policy has a wildcard, and this is why nothing narrower can be said.
    pub(super) fn excuse_wildcard(&mut self, id: &str, resource: &str, reason: &str) {
        excuse::wildcard(&mut self.resources[id], resource, reason);
    }

    /// The same, of a resource that somebody else has made.
    pub(super) fn excuse_id(&mut self, id: &str, excuses: &[excuse::Excuse]) {
        excuse::put(&mut self.resources[id], excuses);
    }

    /// Lets other stacks of the region use a value. `name` is unique in the region.
    pub(super) fn export(&mut self, name: &'static str, value: impl Serialize) -> Import {
        let export = self.site.names.export(self.site.region, name);
        let id: String = name.split('-').map(capitalized).collect();
        let output = json!({"Value": json!(value), "Export": {"Name": export}});
        let before = self.outputs.insert(id, output);
        assert!(before.is_none(), "{name} is exported twice");
        Import(Expr(json!({"Fn::ImportValue": export})))
    }

    /// The stack needs something of another layer that it names without importing it.
    pub(super) fn after(&mut self, layer: Layer) {
        self.after.insert(layer);
    }

    /// The stack names what this layer makes in either region.
    pub(super) fn after_in_both(&mut self, layer: Layer) {
        self.after_in_both.insert(layer);
    }

    /// The resources of a kind.
    pub(super) fn ids_of<K: Kind>(&self, _: K) -> Vec<String> {
        let all = self
            .resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == K::TYPE);
        all.map(|(id, _)| id.clone()).collect()
    }

    /// The stack.
    pub(super) fn finish(self, made: &[Stack]) -> Stack {
        let Self { site, layer, .. } = self;
        let mut seen = Seen::default();
        for part in self.resources.values().chain(self.outputs.values()) {
            seen.look(part);
        }
        for id in &seen.ids {
            assert!(
                self.resources.contains_key(id),
                "the layer {} refers to {id}, which is none of its resources",
                layer.name()
            );
        }
        let mut after: Vec<String> = Vec::new();
        for stack in made.iter().filter(|stack| stack.region == *site.region) {
            let exports = stack.template["Outputs"].as_object().into_iter().flat_map(Map::values);
            let imported = exports
                .filter_map(|output| output["Export"]["Name"].as_str())
                .any(|export| seen.imports.remove(export));
            if imported || self.after.contains(&stack.layer) {
                after.push(stack.name.clone());
            }
        }
        for stack in made.iter().filter(|stack| stack.region == *site.region) {
            for output in stack.template["Outputs"].as_object().into_iter().flat_map(Map::values) {
                seen.imports
                    .remove(output["Export"]["Name"].as_str().unwrap_or_default());
            }
        }
        assert!(
            seen.imports.is_empty(),
            "the layer {} imports {:?}, which no earlier layer of {} exports",
            layer.name(),
            seen.imports,
            site.region
        );
        for layer in &self.after_in_both {
            for region in [site.region, site.peer] {
                let name = site.names.stack(region, layer.name());
                if !after.contains(&name) {
                    after.push(name);
                }
            }
        }
        let mut template = Map::new();
        template.insert("AWSTemplateFormatVersion".to_owned(), "2010-09-09".into());
        template.insert(
            "Description".to_owned(),
            format!(
                "understudy {} in {}: {}",
                site.names.environment(),
                site.region,
                self.description
            )
            .into(),
        );
        template.insert("Resources".to_owned(), self.resources.into());
        if !self.outputs.is_empty() {
            template.insert("Outputs".to_owned(), self.outputs.into());
        }
        Stack {
            region: site.region.clone(),
            layer,
            name: site.names.stack(site.region, layer.name()),
            template: template.into(),
            after,
            parameters: std::collections::BTreeMap::new(),
        }
    }

    fn tag<K: Kind>(&self, name: &str, properties: &mut Map<String, Value>) {
        let mut tags = self.site.deployment.all_tags();
        if K::TAGS == Tags::Named {
            tags.insert("Name".to_owned(), name.to_owned());
        }
        let list = |key: &str, value: &str| -> Value {
            let pair = |(name, content): (&String, &String)| json!({key: name, value: content});
            tags.iter().map(pair).collect()
        };
        let value = match K::TAGS {
            Tags::None => return,
            Tags::List | Tags::Named => list("Key", "Value"),
            Tags::LowerCase => list("key", "value"),
            Tags::Map => json!(tags),
        };
        properties.insert(K::TAG_KEY.to_owned(), value);
    }
}

/// What a template refers to.
#[derive(Debug, Default)]
struct Seen {
    ids: BTreeSet<String>,
    imports: BTreeSet<String>,
}

impl Seen {
    fn look(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(item)),
            Value::Object(entries) => {
                for (key, below) in entries {
                    match (key.as_str(), below) {
                        ("Ref", Value::String(id)) if !id.starts_with("AWS::") => {
                            self.ids.insert(id.clone());
                        }
                        ("Fn::GetAtt", Value::Array(parts)) => {
                            self.ids
                                .extend(parts.first().and_then(Value::as_str).map(str::to_owned));
                        }
                        ("Fn::ImportValue", Value::String(name)) => {
                            self.imports.insert(name.clone());
                        }
                        ("DependsOn", Value::Array(ids)) => {
                            self.ids.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => self.look(below),
                    }
                }
            }
            _ => {}
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
