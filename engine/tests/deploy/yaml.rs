//! YAML as JSON, as far as Kubernetes' files need it: no anchors, no tags.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The documents of a file.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let mut events = Parser::new_from_str(text).map(|event| event.unwrap().0);
    let mut documents = Vec::new();
    while let Some(event) = events.next() {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => documents.push(value(event, &mut events)),
        }
    }
    documents
}

fn value<'a>(event: Event<'a>, rest: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, 0, None) => plain(&text),
        Event::Scalar(text, _, 0, None) => Value::String(text.into_owned()),
        Event::SequenceStart(0, None) => {
            let mut items = Vec::new();
            loop {
                match rest.next().unwrap() {
                    Event::SequenceEnd => return Value::Array(items),
                    event => items.push(value(event, rest)),
                }
            }
        }
        Event::MappingStart(0, None) => {
            let mut entries = Map::new();
            loop {
                let key = match rest.next().unwrap() {
                    Event::MappingEnd => return Value::Object(entries),
                    Event::Scalar(text, ..) => text.into_owned(),
                    other => panic!("{other:?} is no key"),
                };
                let event = rest.next().unwrap();
                let before = entries.insert(key.clone(), value(event, rest));
                assert_eq!(before, None, "`{key}` stands there twice");
            }
        }
        other => panic!("{other:?}: this reader does not know that"),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
    }
}

#[test]
fn documents_are_read() {
    let read = documents("a: [1, two, {b: true}]\n---\n- 'yes'\n- c:\n    - 0400\n");
    let expected = [
        serde_json::json!({"a": [1, "two", {"b": true}]}),
        serde_json::json!(["yes", {"c": [400]}]),
    ];
    assert_eq!(read, expected);
}
