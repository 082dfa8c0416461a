//! Intrinsic functions, resolved as far as that goes without AWS: parameters with a value, pseudo parameters, conditions,
//! mappings, imports between the templates of a side, nested stacks whose template is among them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::combine::{append, join, split, text_of, with_globals};
use super::{LeftOut, Resource, Side};
use crate::lint::document::{Document, Kind, NodeId, Raw};
use crate::lint::value::{Node, Piece, Target, Value, push};

/// How many references may lead on to another one before the resolver gives up: a bound on loops.
const HOPS_MAX: usize = 64;

pub(super) struct Resolver<'a> {
    region: &'a str,
    documents: &'a [Document],
    given: &'a BTreeMap<String, String>,
    /// Per template: the template and the logical id of the nested stack that it belongs to.
    parents: HashMap<usize, (usize, String)>,
    /// Which template a nested stack has.
    children: HashMap<Target, usize>,
    lookups: RefCell<Vec<(String, NodeId)>>,
    imports: RefCell<Vec<(Node, NodeId)>>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(region: &'a str, documents: &'a [Document], given: &'a BTreeMap<String, String>) -> Self {
        let mut resolver = Self {
            region,
            documents,
            given,
            parents: HashMap::new(),
            children: HashMap::new(),
            lookups: RefCell::default(),
            imports: RefCell::default(),
        };
        resolver.find_nested();
        resolver
    }

    /// Pairs nested stacks with their templates: by the file that the CDK or SAM names.
    fn find_nested(&mut self) {
        let base = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
        for (template, document) in self.documents.iter().enumerate() {
            for (logical, raw) in entries(document, "Resources") {
                let file = match kind(raw) {
                    "AWS::CloudFormation::Stack" => {
                        let asset = raw.get("Metadata").and_then(|metadata| metadata.get("aws:asset:path"));
                        asset.or_else(|| raw.get("Properties")?.get("TemplateURL"))
                    }
                    "AWS::Serverless::Application" => raw.get("Properties").and_then(|p| p.get("Location")),
                    _ => None,
                };
                if !matches!(kind(raw), "AWS::CloudFormation::Stack" | "AWS::Serverless::Application") {
                    continue;
                }
                let others = (0..self.documents.len()).filter(|other| *other != template);
                let by_file = file.and_then(Raw::scalar).map(base).and_then(|file| {
                    let mut others = others.clone();
                    others.find(|other| base(&self.documents[*other].file) == file)
                });
                let child = by_file.or_else(|| self.by_parameters(raw, others));
                if let Some(child) = child {
                    self.parents.entry(child).or_insert((template, logical.clone()));
                    let logical = logical.clone();
                    self.children.insert(Target { template, logical }, child);
                }
            }
        }
    }

    /// The only template that takes exactly the parameters that a nested stack passes.
    fn by_parameters(&self, stack: &Raw, others: impl Iterator<Item = usize>) -> Option<usize> {
        let passed = stack.get("Properties")?.get("Parameters")?.entries();
        let takes_them = |other: &usize| {
            let taken = entries(&self.documents[*other], "Parameters");
            let required = taken.iter().filter(|(_, raw)| raw.get("Default").is_none());
            passed
                .iter()
                .all(|(name, _)| taken.iter().any(|(taken, _)| taken == name))
                && required
                    .clone()
                    .all(|(name, _)| passed.iter().any(|(passed, _)| passed == name))
        };
        let mut fitting = others.filter(takes_them);
        let first = fitting.next().filter(|_| !passed.is_empty())?;
        fitting.next().is_none().then_some(first)
    }

    /// Resolves everything and puts it into `side`.
    pub(super) fn run(&mut self, side: &mut Side) {
        for (template, document) in self.documents.iter().enumerate() {
            side.template_metadata.push(match document.root.get("Metadata") {
                Some(raw) => self.resolve(template, raw, 0),
                None => Node {
                    at: None,
                    value: Value::Absent,
                },
            });
            if document
                .root
                .get("Transform")
                .is_some_and(|transform| !only_serverless(transform))
            {
                side.opaque.push(format!("{} uses a macro", document.file));
            }
            for (logical, raw) in entries(document, "Resources") {
                self.resource(template, logical, raw, side);
            }
            for (_, output) in entries(document, "Outputs") {
                if self.left_out(template, output) {
                    continue;
                }
                if let Some(name) = output.get("Export").and_then(|export| export.get("Name")) {
                    side.exports.push((self.resolve(template, name, 0), name.id));
                }
            }
        }
        side.lookups = self.lookups.take();
        side.imports = self.imports.take();
        side.imports.sort_by_key(|(_, id)| *id);
        side.imports.dedup_by_key(|(_, id)| *id);
        side.lookups.sort_by_key(|(_, id)| *id);
        side.lookups.dedup();
    }

    fn left_out(&self, template: usize, raw: &Raw) -> bool {
        let condition = raw.get("Condition").and_then(Raw::scalar);
        condition.is_some_and(|name| self.named_condition(template, name, 0) == Some(false))
    }

    fn resource(&self, template: usize, logical: &str, raw: &Raw, side: &mut Side) {
        let file = &self.documents[template].file;
        if logical.starts_with("Fn::") {
            side.opaque.push(format!("{file} makes resources with {logical}"));
            return;
        }
        let target = Target {
            template,
            logical: logical.to_owned(),
        };
        let mut doubtful = false;
        if let Some(condition) = raw.get("Condition").and_then(Raw::scalar) {
            match self.named_condition(template, condition, 0) {
                Some(true) => {}
                None => doubtful = true,
                Some(false) => {
                    side.left_out.push(LeftOut {
                        kind: kind(raw).to_owned(),
                        logical: logical.to_owned(),
                        condition: condition.to_owned(),
                    });
                    return;
                }
            }
        }
        let nested = matches!(kind(raw), "AWS::CloudFormation::Stack" | "AWS::Serverless::Application");
        if nested && !self.children.contains_key(&target) {
            side.opaque.push(format!(
                "the template of the nested stack {logical} of {file} is not given"
            ));
        }
        let part = |key: &str| match raw.get(key) {
            Some(raw) => self.resolve(template, raw, 0),
            None => Node {
                at: None,
                value: Value::Absent,
            },
        };
        let mut properties = part("Properties");
        if kind(raw).starts_with("AWS::Serverless::") {
            properties = with_globals(
                kind(raw),
                properties,
                self.documents[template].root.get("Globals"),
                |raw| self.resolve(template, raw, 0),
            );
        }
        side.resources.push(Resource {
            target,
            kind: kind(raw).to_owned(),
            at: raw.id,
            properties,
            metadata: part("Metadata"),
            deletion_policy: part("DeletionPolicy"),
            doubtful,
        });
    }

    fn resolve(&self, template: usize, raw: &Raw, hops: usize) -> Node {
        let value = match &raw.kind {
            Kind::Null => Value::Absent,
            Kind::Scalar(text) => Value::Text(vec![Piece::Literal(text.clone())]),
            Kind::List(items) => Value::List(
                items
                    .iter()
                    .map(|item| self.resolve(template, item, hops))
                    .filter(Node::is_present)
                    .collect(),
            ),
            Kind::Map(entries) => match entries.as_slice() {
                [(name, argument)] if name == "Ref" || name.starts_with("Fn::") => {
                    return Node {
                        at: Some(raw.id),
                        value: self.intrinsic(template, name, argument, raw.id, hops),
                    };
                }
                _ => Value::Map(
                    entries
                        .iter()
                        .map(|(key, value)| (key.clone(), self.resolve(template, value, hops)))
                        .filter(|(_, value)| value.is_present())
                        .collect(),
                ),
            },
        };
        Node {
            at: Some(raw.id),
            value,
        }
    }

    fn intrinsic(&self, template: usize, name: &str, argument: &Raw, at: NodeId, hops: usize) -> Value {
        if hops > HOPS_MAX {
            return Value::Unknown;
        }
        let hops = hops + 1;
        let resolved = |index: usize| argument.items().get(index).map(|raw| self.resolve(template, raw, hops));
        let known = match name {
            "Ref" => argument.scalar().map(|name| self.reference(template, name, hops)),
            "Fn::GetAtt" => self.attribute(template, argument, hops),
            "Fn::Sub" => self.substitute(template, argument, hops),
            "Fn::Join" => resolved(0)
                .zip(resolved(1))
                .map(|(delimiter, items)| join(&delimiter, &items)),
            "Fn::Select" => resolved(0).zip(resolved(1)).and_then(|(index, items)| {
                let index: usize = index.text()?.parse().ok()?;
                // A list with something unknown in it may be longer than it looks.
                Some(items.items().get(index)?.value.clone())
            }),
            "Fn::Split" => resolved(0)
                .zip(resolved(1))
                .and_then(|(delimiter, text)| split(delimiter.text()?, &text, at)),
            "Fn::If" => self.choice(template, argument, hops),
            "Fn::FindInMap" => self.lookup(template, argument, at, hops),
            "Fn::ImportValue" => Some(self.import(&self.resolve(template, argument, hops), at, hops)),
            "Fn::Base64" => Some(self.resolve(template, argument, hops).value),
            _ => None,
        };
        known.unwrap_or(Value::Unknown)
    }

    /// What `Ref` returns.
    fn reference(&self, template: usize, name: &str, hops: usize) -> Value {
        let literal = |text: &str| Value::Text(vec![Piece::Literal(text.to_owned())]);
        let china = self.region.starts_with("cn-");
        match name {
            "AWS::Region" => return literal(self.region),
            "AWS::Partition" if china => return literal("aws-cn"),
            "AWS::Partition" if self.region.contains("-gov-") => return literal("aws-us-gov"),
            "AWS::Partition" => return literal("aws"),
            "AWS::URLSuffix" if china => return literal("amazonaws.com.cn"),
            "AWS::URLSuffix" => return literal("amazonaws.com"),
            "AWS::AccountId" => return Value::Text(vec![Piece::Account]),
            "AWS::StackName" => return Value::Text(vec![Piece::Stack(template)]),
            "AWS::NoValue" => return Value::Absent,
            name if name.starts_with("AWS::") => return Value::Unknown,
            _ => {}
        }
        let root = &self.documents[template].root;
        if let Some(parameter) = root.get("Parameters").and_then(|parameters| parameters.get(name)) {
            return self.parameter(template, name, parameter, hops);
        }
        if root
            .get("Resources")
            .is_some_and(|resources| resources.get(name).is_some())
        {
            return self.resource_piece(template, name, "");
        }
        Value::Unknown
    }

    fn resource_piece(&self, template: usize, logical: &str, attribute: &str) -> Value {
        let target = Target {
            template,
            logical: logical.to_owned(),
        };
        Value::Text(vec![Piece::Resource(target, attribute.to_owned())])
    }

    fn parameter(&self, template: usize, name: &str, declared: &Raw, hops: usize) -> Value {
        if let Some((parent, stack)) = self.parents.get(&template) {
            let stack = self.documents[*parent].root.get("Resources").and_then(|r| r.get(stack));
            let passed = stack.and_then(|stack| stack.get("Properties")?.get("Parameters")?.get(name));
            if let Some(passed) = passed {
                return if hops > HOPS_MAX {
                    Value::Unknown
                } else {
                    self.resolve(*parent, passed, hops + 1).value
                };
            }
        }
        let kind = declared.get("Type").and_then(Raw::scalar).unwrap_or("String");
        let value = match self.given.get(name) {
            Some(given) => given.clone(),
            // The value of a parameter store's key is AWS's to know; the default is only the key's name.
            None if kind.starts_with("AWS::SSM::Parameter::Value") => return Value::Unknown,
            None => match declared.get("Default").and_then(Raw::scalar) {
                Some(default) => default.to_owned(),
                None => return Value::Unknown,
            },
        };
        let piece = |text: &str| Value::Text(vec![Piece::Literal(text.to_owned())]);
        if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            let item = |text: &str| Node {
                at: None,
                value: piece(text.trim()),
            };
            return Value::List(
                value
                    .split(',')
                    .filter(|text| !text.trim().is_empty())
                    .map(item)
                    .collect(),
            );
        }
        piece(&value)
    }

    fn attribute(&self, template: usize, argument: &Raw, hops: usize) -> Option<Value> {
        let (logical, attribute) = match &argument.kind {
            Kind::Scalar(text) => text.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned()))?,
            _ => {
                let [logical, attribute] = argument.items() else {
                    return None;
                };
                let attribute = self.resolve(template, attribute, hops);
                (logical.scalar()?.to_owned(), attribute.text()?.to_owned())
            }
        };
        Some(self.attribute_of(template, &logical, &attribute, hops))
    }

    fn attribute_of(&self, template: usize, logical: &str, attribute: &str, hops: usize) -> Value {
        let target = Target {
            template,
            logical: logical.to_owned(),
        };
        let output = attribute.strip_prefix("Outputs.").zip(self.children.get(&target));
        if let Some((output, child)) = output {
            let value = self.documents[*child]
                .root
                .get("Outputs")
                .and_then(|outputs| outputs.get(output)?.get("Value"));
            return match value {
                Some(value) if hops <= HOPS_MAX => self.resolve(*child, value, hops + 1).value,
                _ => Value::Unknown,
            };
        }
        self.resource_piece(template, logical, attribute)
    }

    fn substitute(&self, template: usize, argument: &Raw, hops: usize) -> Option<Value> {
        let (text, variables) = match &argument.kind {
            Kind::Scalar(text) => (text.as_str(), None),
            _ => (argument.items().first()?.scalar()?, argument.items().get(1)),
        };
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            push(&mut pieces, Piece::Literal(rest[..start].to_owned()));
            let Some(end) = rest[start..].find('}').map(|end| start + end) else {
                break;
            };
            let name = rest[start + 2..end].trim();
            rest = &rest[end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                push(&mut pieces, Piece::Literal(format!("${{{literal}}}")));
                continue;
            }
            let value = match variables.and_then(|variables| variables.get(name)) {
                Some(raw) => self.resolve(template, raw, hops).value,
                None => match name.split_once('.') {
                    Some((logical, attribute)) => self.attribute_of(template, logical, attribute, hops),
                    None => self.reference(template, name, hops),
                },
            };
            append(&mut pieces, &value);
        }
        push(&mut pieces, Piece::Literal(rest.to_owned()));
        Some(text_of(pieces))
    }

    fn choice(&self, template: usize, argument: &Raw, hops: usize) -> Option<Value> {
        let [condition, yes, no] = argument.items() else {
            return None;
        };
        match self.named_condition(template, condition.scalar()?, hops) {
            Some(true) => Some(self.resolve(template, yes, hops).value),
            Some(false) => Some(self.resolve(template, no, hops).value),
            None => None,
        }
    }

    fn named_condition(&self, template: usize, name: &str, hops: usize) -> Option<bool> {
        let raw = self.documents[template].root.get("Conditions")?.get(name)?;
        self.condition(template, raw, hops + 1)
    }

    /// Does a condition hold? `None` if that is not known before deployment.
    fn condition(&self, template: usize, raw: &Raw, hops: usize) -> Option<bool> {
        if hops > HOPS_MAX {
            return None;
        }
        let [(name, argument)] = raw.entries() else {
            return None;
        };
        let each = || {
            argument
                .items()
                .iter()
                .map(|raw| self.condition(template, raw, hops + 1))
        };
        match name.as_str() {
            "Condition" => self.named_condition(template, argument.scalar()?, hops),
            "Fn::Not" => each().next()?.map(|holds| !holds),
            "Fn::And" => {
                if each().any(|holds| holds == Some(false)) {
                    Some(false)
                } else {
                    each().collect::<Option<Vec<_>>>().map(|_| true)
                }
            }
            "Fn::Or" => {
                if each().any(|holds| holds == Some(true)) {
                    Some(true)
                } else {
                    each().collect::<Option<Vec<_>>>().map(|_| false)
                }
            }
            "Fn::Equals" => {
                let [a, b] = argument.items() else {
                    return None;
                };
                let (a, b) = (self.resolve(template, a, hops), self.resolve(template, b, hops));
                match (a.text(), b.text()) {
                    (Some(a), Some(b)) => Some(a == b),
                    // The same unknown account or stack on both sides of the sign.
                    _ if !a.pieces().is_empty() && a.pieces() == b.pieces() && !a.has_unknown() => Some(true),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn lookup(&self, template: usize, argument: &Raw, at: NodeId, hops: usize) -> Option<Value> {
        let [map, first, second, rest @ ..] = argument.items() else {
            return None;
        };
        let (map, first, second) = (
            self.resolve(template, map, hops),
            self.resolve(template, first, hops),
            self.resolve(template, second, hops),
        );
        let (map, first, second) = (map.text()?, first.text()?, second.text()?);
        let mapping = self.documents[template].root.get("Mappings")?.get(map)?;
        if let Some(value) = mapping.get(first).and_then(|entries| entries.get(second)) {
            return Some(self.resolve(template, value, hops).value);
        }
        if let Some(default) = rest.first().and_then(|rest| rest.get("DefaultValue")) {
            return Some(self.resolve(template, default, hops).value);
        }
        // What a transform fills in is not in the template yet.
        if mapping.entries().iter().all(|(key, _)| !key.starts_with("Fn::")) {
            self.lookups.borrow_mut().push((format!("{map}.{first}.{second}"), at));
        }
        None
    }

    /// The value that another template of this side exports.
    fn import(&self, name: &Node, at: NodeId, hops: usize) -> Value {
        self.imports.borrow_mut().push((name.clone(), at));
        if name.has_unknown() || name.pieces().is_empty() || hops > HOPS_MAX {
            return Value::Unknown;
        }
        for (template, document) in self.documents.iter().enumerate() {
            for (_, output) in entries(document, "Outputs") {
                let exported = output.get("Export").and_then(|export| export.get("Name"));
                let same = exported
                    .is_some_and(|exported| self.resolve(template, exported, hops + 1).pieces() == name.pieces());
                if let Some(value) = output.get("Value").filter(|_| same) {
                    return self.resolve(template, value, hops + 1).value;
                }
            }
        }
        Value::Unknown
    }
}

fn entries<'a>(document: &'a Document, section: &str) -> &'a [(String, Raw)] {
    document.root.get(section).map_or(&[], Raw::entries)
}

fn kind(raw: &Raw) -> &str {
    raw.get("Type").and_then(Raw::scalar).unwrap_or_default()
}

fn only_serverless(transform: &Raw) -> bool {
    let known = |raw: &Raw| raw.scalar() == Some("AWS::Serverless-2016-10-31");
    known(transform) || (!transform.items().is_empty() && transform.items().iter().all(known))
}
