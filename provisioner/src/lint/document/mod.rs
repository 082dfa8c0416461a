//! A template as it was written: JSON or YAML as one tree, in which every value knows its place.
//!
//! Scalars stay text. CloudFormation itself takes `30` and `"30"` for the same, and so does the linter. The short forms of
//! YAML (`!Ref`, `!Sub`, `!GetAtt`, …) become the long ones here, so that nothing behind this module knows of them.

mod json;
mod yaml;

use std::fmt::Write as _;

/// How deeply a template may be nested. CloudFormation's own templates stay far below; the bound keeps a hostile file
/// from exhausting the stack.
const DEPTH_MAX: usize = 200;

/// Which value of which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// The document's number among all documents of both sides.
    pub document: usize,
    /// The value's number within its document, in the order of the text.
    pub node: usize,
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Where it stands.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
    /// The line and the column at which it begins; both count from 1.
    start: (usize, usize),
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `null`, or nothing at all.
    Null,
    /// A text, a number or a truth value.
    Scalar(String),
    /// A list.
    List(Vec<Raw>),
    /// A map, in the order of the text.
    Map(Vec<(String, Raw)>),
}

impl Raw {
    fn new(start: (usize, usize), kind: Kind) -> Self {
        Self {
            id: NodeId { document: 0, node: 0 },
            kind,
            start,
        }
    }

    /// The value under a key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The entries, if this is a map.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items, if this is a list.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is a scalar.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// One step from a value to one inside it.
#[derive(Debug, Clone)]
enum Step {
    Root,
    Key(String),
    Index(usize),
}

#[derive(Debug)]
struct Info {
    parent: usize,
    step: Step,
    start: (usize, usize),
}

/// Why a template cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct Malformed {
    /// The file's name as it was given.
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    /// Counts from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// An error before the file's name is known.
#[derive(Debug)]
struct Fault {
    start: (usize, usize),
    message: String,
}

impl Fault {
    fn new(start: (usize, usize), message: impl Into<String>) -> Self {
        Self {
            start,
            message: message.into(),
        }
    }
}

/// A template as it was written.
#[derive(Debug)]
pub struct Document {
    /// The file's name as it was given.
    pub file: String,
    /// Its top-level value, always a map.
    pub root: Raw,
    infos: Vec<Info>,
}

impl Document {
    /// Reads a template. `number` is the document's number among all documents of both sides.
    ///
    /// # Errors
    ///
    /// If the text is neither JSON nor YAML, has a key twice, is nested too deeply, or is not a map.
    pub fn read(number: usize, file: &str, text: &str) -> Result<Self, Malformed> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parsed = if text.trim_start().starts_with('{') {
            json::parse(text)
        } else {
            yaml::parse(text)
        };
        let malformed = |fault: Fault| Malformed {
            file: file.to_owned(),
            line: fault.start.0,
            column: fault.start.1,
            message: fault.message,
        };
        let mut root = parsed.map_err(malformed)?;
        if !matches!(root.kind, Kind::Map(_)) {
            let message = "a template is a map with `Resources`; this is none";
            return Err(malformed(Fault::new(root.start, message)));
        }
        let mut infos = Vec::new();
        number_nodes(&mut root, number, 0, Step::Root, &mut infos);
        Ok(Self {
            file: file.to_owned(),
            root,
            infos,
        })
    }

    /// The line and the column of a value; both count from 1.
    #[must_use]
    pub fn start(&self, id: NodeId) -> (usize, usize) {
        self.infos[id.node].start
    }

    /// The path of a value, such as `Resources.Orders.Properties.Tags[0]`. Empty for the template itself.
    #[must_use]
    pub fn path(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut node = id.node;
        loop {
            let info = &self.infos[node];
            match &info.step {
                Step::Root => break,
                step => steps.push(step),
            }
            node = info.parent;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            let _ = match step {
                Step::Root => Ok(()),
                Step::Index(index) => write!(path, "[{index}]"),
                Step::Key(key) if plain(key) && path.is_empty() => write!(path, "{key}"),
                Step::Key(key) if plain(key) => write!(path, ".{key}"),
                Step::Key(key) => write!(path, "[{key:?}]"),
            };
        }
        path
    }
}

/// Can the key stand in a path without quotes?
fn plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':'))
}

fn number_nodes(raw: &mut Raw, document: usize, parent: usize, step: Step, infos: &mut Vec<Info>) {
    let node = infos.len();
    raw.id = NodeId { document, node };
    infos.push(Info {
        parent,
        step,
        start: raw.start,
    });
    match &mut raw.kind {
        Kind::Null | Kind::Scalar(_) => {}
        Kind::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                number_nodes(item, document, node, Step::Index(index), infos);
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                number_nodes(value, document, node, Step::Key(key.clone()), infos);
            }
        }
    }
}

/// A map in which no key comes twice.
fn map(start: (usize, usize), entries: Vec<(String, (usize, usize), Raw)>) -> Result<Raw, Fault> {
    /// Up to so many keys, looking through all of them is faster than sorting them.
    const FEW: usize = 16;
    let twice = |key: &str, at| Fault::new(at, format!("the key `{key}` comes twice in one map"));
    let mut seen = std::collections::BTreeSet::new();
    for (index, (key, at, _)) in entries.iter().enumerate() {
        let known = if entries.len() <= FEW {
            entries[..index].iter().any(|(before, ..)| before == key)
        } else {
            !seen.insert(key.as_str())
        };
        if known {
            return Err(twice(key, *at));
        }
    }
    let entries = entries.into_iter().map(|(key, _, value)| (key, value)).collect();
    Ok(Raw::new(start, Kind::Map(entries)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Document {
        Document::read(0, "t", text).expect("the template can be read")
    }

    #[test]
    fn json_and_yaml_make_the_same_tree() {
        let json = read("{\"Resources\": {\"Q\": {\"Type\": \"AWS::SQS::Queue\", \"Tags\": [{\"Ref\": \"A\"}]}}}");
        let yaml = read("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Tags:\n      - !Ref A\n");
        let show = |document: &Document| {
            let queue = document.root.get("Resources").unwrap().get("Q").unwrap();
            let tag = &queue.get("Tags").unwrap().items()[0];
            (
                queue.get("Type").unwrap().scalar().unwrap().to_owned(),
                tag.get("Ref").unwrap().scalar().unwrap().to_owned(),
                document.path(tag.id),
            )
        };
        assert_eq!(show(&json), show(&yaml));
        assert_eq!(show(&json).2, "Resources.Q.Tags[0]");
    }

    #[test]
    fn a_value_knows_its_line_and_column() {
        let document = read("Resources:\n  Q:\n    Type: \"AWS::SQS::Queue\"\n");
        let kind = document.root.get("Resources").unwrap().get("Q").unwrap().get("Type");
        assert_eq!(document.start(kind.unwrap().id), (3, 11));
    }

    #[test]
    fn keys_with_dots_are_quoted_in_a_path() {
        let document = read("{\"a\": {\"x.y\": [1]}}");
        let inner = &document.root.get("a").unwrap().get("x.y").unwrap().items()[0];
        assert_eq!(document.path(inner.id), "a[\"x.y\"][0]");
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, place, word) in [
            ("{\"a\": 1, \"a\": 2}", (1, 10), "twice"),
            ("a: 1\na: 2\n", (2, 1), "twice"),
            ("{\"a\": tru}", (1, 7), "value"),
            ("- a\n", (1, 1), "map"),
            ("{\"a\": 1} x", (1, 10), "after"),
            ("{\"a\":\n \"b", (2, 2), "closed"),
            ("a: &x 1\nb: *y\n", (2, 4), "anchor"),
        ] {
            let error = Document::read(0, "t", text).expect_err(text);
            assert_eq!((error.line, error.column), place, "{text}: {error}");
            assert!(error.message.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_template_that_is_too_deep_is_refused() {
        let json = format!("{{\"a\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Document::read(0, "t", &json).unwrap_err().message.contains("deep"));
        let yaml = format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Document::read(0, "t", &yaml).is_err());
    }
}
