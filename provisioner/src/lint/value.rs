//! A template's value after its intrinsic functions were resolved, as far as that goes without AWS.
//!
//! What cannot be known before deployment is [`Value::Unknown`] or [`Piece::Unknown`]: it is never guessed, and no rule
//! makes a finding of it.

use super::document::NodeId;

/// A resolved value and its place in the template. What a rule asks for and is not there is [`Value::Absent`].
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands. `None` for what was generated (SAM) or is absent.
    pub at: Option<NodeId>,
    /// What it is.
    pub value: Value,
}

/// A resolved value.
#[derive(Debug, Clone)]
pub enum Value {
    /// Not there: missing, `null`, or `AWS::NoValue`.
    Absent,
    /// There, but only AWS knows it.
    Unknown,
    /// A text, a number or a truth value.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the template.
    Map(Vec<(String, Node)>),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Letters.
    Literal(String),
    /// The account's id.
    Account,
    /// The name of the stack of this template.
    Stack(usize),
    /// What a resource of the same side returns; an empty attribute is what `Ref` returns.
    Resource(Target, String),
    /// Only AWS knows it.
    Unknown,
}

/// A resource of a side, by its template's number on that side and its logical id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The template's number on its side.
    pub template: usize,
    /// The logical id.
    pub logical: String,
}

static ABSENT: Node = Node {
    at: None,
    value: Value::Absent,
};
static UNKNOWN: Node = Node {
    at: None,
    value: Value::Unknown,
};

impl Node {
    /// A text of one piece that stands nowhere in particular.
    #[must_use]
    pub fn literal(at: Option<NodeId>, text: impl Into<String>) -> Self {
        Self {
            at,
            value: Value::Text(vec![Piece::Literal(text.into())]),
        }
    }

    /// The value under a key. Absent if there is none, unknown inside of what is unknown.
    #[must_use]
    pub fn get(&self, key: &str) -> &Self {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map_or(&ABSENT, |(_, value)| value),
            Value::Unknown => &UNKNOWN,
            _ => &ABSENT,
        }
    }

    /// The value under a path of keys, such as `DeliveryPolicy.Retry`.
    #[must_use]
    pub fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, Self::get)
    }

    /// Is it not there?
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.value, Value::Absent)
    }

    /// Is nothing of it known?
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.value, Value::Unknown)
    }

    /// Is it there, known or not?
    #[must_use]
    pub fn is_present(&self) -> bool {
        !self.is_absent()
    }

    /// The pieces, if it is a text.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        match &self.value {
            Value::Text(pieces) => pieces,
            _ => &[],
        }
    }

    /// The text, if all of it is known.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.pieces() {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for a person, with `${…}` for what is not known before deployment.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Absent => "nothing".to_owned(),
            Value::Unknown => "unknown".to_owned(),
            Value::Text(pieces) => shown(pieces),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(Self::shown).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", value.shown()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    /// The truth value; what is absent is `default`, what is unknown is `None`.
    #[must_use]
    pub fn yes_or(&self, default: bool) -> Option<bool> {
        match self.text() {
            Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ if self.is_absent() => Some(default),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.text()?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// The number; what is absent is `default`, what is unknown is `None`.
    #[must_use]
    pub fn number_or(&self, default: f64) -> Option<f64> {
        if self.is_absent() { Some(default) } else { self.number() }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or the value itself if it is a single one, as IAM has it.
    #[must_use]
    pub fn each(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Absent => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The entries, if it is a map.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The texts of a list or of a single value, as far as they are known.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.each().iter().filter_map(Self::text).collect()
    }

    /// The resource that the whole text is a reference to.
    #[must_use]
    pub fn target(&self) -> Option<(&Target, &str)> {
        match self.pieces() {
            [Piece::Resource(target, attribute)] => Some((target, attribute)),
            _ => None,
        }
    }

    /// Calls `visit` for this value and for all inside it, the outer ones first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for item in self.items() {
            item.walk(visit);
        }
        for (_, value) in self.entries() {
            value.walk(visit);
        }
    }

    /// Is there anything unknown in it?
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        let mut found = false;
        self.walk(&mut |node| found |= node.is_unknown() || node.pieces().contains(&Piece::Unknown));
        found
    }

    /// The value that a text holds as JSON, such as a state machine's definition. References inside it are kept.
    #[must_use]
    pub fn parsed(&self) -> Option<Self> {
        let pieces = match &self.value {
            Value::Text(pieces) => pieces,
            Value::Map(_) => return Some(self.clone()),
            _ => return None,
        };
        let mut text = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(letters) if letters.contains(MARK) => return None,
                Piece::Literal(letters) => text.push_str(letters),
                _ => text.push_str(&format!("{MARK}{index}{MARK}")),
            }
        }
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(from_json(&value, self.at, pieces))
    }
}

/// Stands around the number of a piece while a text with references is read as JSON. A private character of Unicode.
const MARK: char = '\u{F8FF}';

fn from_json(value: &serde_json::Value, at: Option<NodeId>, pieces: &[Piece]) -> Node {
    let value = match value {
        serde_json::Value::Null => Value::Absent,
        serde_json::Value::Bool(truth) => Value::Text(vec![Piece::Literal(truth.to_string())]),
        serde_json::Value::Number(number) => Value::Text(vec![Piece::Literal(number.to_string())]),
        serde_json::Value::String(text) => {
            let mut made = Vec::new();
            for (index, part) in text.split(MARK).enumerate() {
                match part.parse::<usize>() {
                    Ok(number) if index % 2 == 1 && number < pieces.len() => made.push(pieces[number].clone()),
                    _ => push(&mut made, Piece::Literal(part.to_owned())),
                }
            }
            if made.is_empty() {
                made.push(Piece::Literal(String::new()));
            }
            Value::Text(made)
        }
        serde_json::Value::Array(items) => Value::List(items.iter().map(|item| from_json(item, at, pieces)).collect()),
        serde_json::Value::Object(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), from_json(value, at, pieces)))
                .collect(),
        ),
    };
    Node { at, value }
}

/// Adds a piece; letters join the letters before them, and no letters at all add nothing.
pub(super) fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (_, Piece::Literal(letters)) if letters.is_empty() => {}
        (Some(Piece::Literal(before)), Piece::Literal(letters)) => before.push_str(&letters),
        (_, piece) => pieces.push(piece),
    }
}

/// Pieces for a person.
#[must_use]
pub fn shown(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(letters) => letters.clone(),
            Piece::Account => "${AWS::AccountId}".to_owned(),
            Piece::Stack(_) => "${AWS::StackName}".to_owned(),
            Piece::Resource(target, attribute) if attribute.is_empty() => format!("${{{}}}", target.logical),
            Piece::Resource(target, attribute) => format!("${{{}.{attribute}}}", target.logical),
            Piece::Unknown => "${?}".to_owned(),
        })
        .collect()
}
