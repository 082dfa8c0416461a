//! Whether two values mean the same, each for its own region.

use super::Pair;
use crate::lint::side::{Leeway, Side, neutral};
use crate::lint::value::{Node, Piece, Value};

/// Whether two values mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// Nobody can know before deployment.
    Unknown,
}

impl Same {
    /// Of parts: one difference makes a difference.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::Yes,
        }
    }
}

pub(super) fn nodes(pair: &Pair<'_>, a: &Node, b: &Node) -> Same {
    match (&a.value, &b.value) {
        (Value::Absent, Value::Absent) => Same::Yes,
        (Value::Unknown, _) | (_, Value::Unknown) => Same::Unknown,
        (Value::Text(_), Value::Text(_)) => texts(pair, a, b),
        (Value::Map(x), Value::Map(y)) => {
            let missing = y
                .iter()
                .filter(|(key, value)| a.get(key).is_absent() && !value.is_absent());
            x.iter()
                .map(|(key, value)| nodes(pair, value, b.get(key)))
                .chain(missing.map(|(_, value)| if value.is_unknown() { Same::Unknown } else { Same::No }))
                .fold(Same::Yes, Same::and)
        }
        (Value::List(x), Value::List(y)) => lists(pair, x, y),
        _ => Same::No,
    }
}

/// The order of a list means nothing to a failover.
fn lists(pair: &Pair<'_>, x: &[Node], y: &[Node]) -> Same {
    let unknown = |nodes: &[Node]| nodes.iter().any(Node::has_unknown);
    if x.len() != y.len() {
        return if unknown(x) || unknown(y) {
            Same::Unknown
        } else {
            Same::No
        };
    }
    let mut free: Vec<&Node> = y.iter().collect();
    let mut left = Vec::new();
    for a in x {
        match free.iter().position(|b| nodes(pair, a, b) == Same::Yes) {
            Some(index) => {
                free.remove(index);
            }
            None => left.push(a),
        }
    }
    let all_differ = |a: &&Node| free.iter().all(|b| nodes(pair, a, b) == Same::No);
    match left.as_slice() {
        [] => Same::Yes,
        left if left.iter().any(all_differ) => Same::No,
        _ => Same::Unknown,
    }
}

fn texts(pair: &Pair<'_>, a: &Node, b: &Node) -> Same {
    // Most texts are the same, letter by letter.
    if let ([Piece::Literal(x)], [Piece::Literal(y)]) = (a.pieces(), b.pieces())
        && x == y
    {
        return Same::Yes;
    }
    if let (Some(a), Some(b)) = (a.number(), b.number()) {
        return if a == b { Same::Yes } else { Same::No };
    }
    for leeway in Leeway::ALL {
        // Whether a text has a meaning at all does not depend on the leeway.
        let x = key(pair, &pair.primary, a.pieces(), leeway);
        let y = key(pair, &pair.standby, b.pieces(), leeway);
        match x.zip(y) {
            None => return Same::Unknown,
            Some((x, y)) if x == y => return Same::Yes,
            Some(_) => {}
        }
    }
    if refers(a) != refers(b) {
        // A reference may well return what the other side spells out.
        Same::Unknown
    } else {
        Same::No
    }
}

fn refers(node: &Node) -> bool {
    node.pieces()
        .iter()
        .any(|piece| matches!(piece, Piece::Resource(..) | Piece::Stack(_)))
}

/// What a text means, whatever the region: what may differ is neutral, and a reference is its couple's number.
pub(super) fn key(pair: &Pair<'_>, side: &Side, pieces: &[Piece], leeway: Leeway) -> Option<String> {
    let mut made = String::new();
    let mut letters = String::new();
    for piece in pieces {
        if let Piece::Literal(more) = piece {
            letters.push_str(more);
            continue;
        }
        made.push_str(&accounts(&neutral(side, &std::mem::take(&mut letters), leeway)));
        match piece {
            Piece::Account => made.push_str("{account}"),
            Piece::Stack(_) => made.push_str("{stack}"),
            Piece::Resource(target, attribute) => {
                let couple = side.number(target).and_then(|number| pair.couple_of(side.role, number));
                match couple {
                    Some(couple) => made.push_str(&format!("{{couple {couple}.{attribute}}}")),
                    None => {
                        let expanded = side.expand(std::slice::from_ref(piece));
                        if matches!(expanded.as_slice(), [Piece::Resource(..)]) {
                            return None;
                        }
                        made.push_str(&key(pair, side, &expanded, leeway)?);
                    }
                }
            }
            _ => return None,
        }
    }
    made.push_str(&accounts(&neutral(side, &letters, leeway)));
    (!pieces.is_empty()).then_some(made)
}

/// An account that is spelled out is the account.
fn accounts(text: &str) -> String {
    let mut made = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\u{0}']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if digits.len() == 12 {
            made.push_str("{account}");
        } else {
            made.push_str(&digits);
        }
        digits.clear();
        if c != '\u{0}' {
            made.push(c);
        }
    }
    made
}
