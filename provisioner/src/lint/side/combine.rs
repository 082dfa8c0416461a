//! How values are put together and taken apart: joined, split, merged.

use crate::lint::document::{NodeId, Raw};
use crate::lint::value::{Node, Piece, Value, push};

/// Adds a value to a text; what is no text makes the text unknown there.
pub(super) fn append(pieces: &mut Vec<Piece>, value: &Value) {
    match value {
        Value::Text(more) => {
            for piece in more {
                push(pieces, piece.clone());
            }
        }
        Value::Absent => {}
        _ => push(pieces, Piece::Unknown),
    }
}

pub(super) fn text_of(mut pieces: Vec<Piece>) -> Value {
    if pieces.is_empty() {
        pieces.push(Piece::Literal(String::new()));
    }
    Value::Text(pieces)
}

pub(super) fn join(delimiter: &Node, items: &Node) -> Value {
    let Value::List(items) = &items.value else {
        return Value::Unknown;
    };
    let mut pieces = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            append(&mut pieces, &delimiter.value);
        }
        append(&mut pieces, &item.value);
    }
    text_of(pieces)
}

pub(super) fn split(delimiter: &str, text: &Node, at: NodeId) -> Option<Value> {
    if delimiter.is_empty() || text.pieces().is_empty() {
        return None;
    }
    let mut items: Vec<Vec<Piece>> = vec![Vec::new()];
    for piece in text.pieces() {
        match piece {
            Piece::Literal(letters) => {
                for (index, part) in letters.split(delimiter).enumerate() {
                    if index > 0 {
                        items.push(Vec::new());
                    }
                    push(items.last_mut()?, Piece::Literal(part.to_owned()));
                }
            }
            // An ARN falls into more parts than one.
            Piece::Resource(..) | Piece::Unknown => return None,
            piece => push(items.last_mut()?, piece.clone()),
        }
    }
    let item = |pieces| Node {
        at: Some(at),
        value: text_of(pieces),
    };
    Some(Value::List(items.into_iter().map(item).collect()))
}

/// A SAM resource's properties with what `Globals` says of all of its type.
pub(super) fn with_globals(
    kind: &str,
    properties: Node,
    globals: Option<&Raw>,
    resolve: impl Fn(&Raw) -> Node,
) -> Node {
    let section = kind.trim_start_matches("AWS::Serverless::");
    match globals.and_then(|globals| globals.get(section)) {
        Some(raw) => merge(resolve(raw), properties),
        None => properties,
    }
}

/// Maps are merged, lists are joined, and otherwise the resource's own value wins: SAM's rule.
fn merge(global: Node, own: Node) -> Node {
    let value = match (global.value, own.value) {
        (global, Value::Absent) => global,
        (Value::Map(global), Value::Map(own)) => {
            let mut merged = global;
            for (key, value) in own {
                match merged.iter().position(|(known, _)| *known == key) {
                    Some(index) => {
                        let (key, global) = merged.remove(index);
                        merged.insert(index, (key, merge(global, value)));
                    }
                    None => merged.push((key, value)),
                }
            }
            Value::Map(merged)
        }
        (Value::List(mut global), Value::List(own)) => {
            global.extend(own);
            Value::List(global)
        }
        (_, own) => own,
    };
    Node {
        at: own.at.or(global.at),
        value,
    }
}
