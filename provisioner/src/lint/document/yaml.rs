//! A YAML reader that keeps places and tags.
//!
//! `!Ref X` becomes `{Ref: X}`, `!Condition C` becomes `{Condition: C}`, `!GetAtt A.B` becomes `{Fn::GetAtt: [A, B]}`, and
//! any other `!Name` becomes `{Fn::Name: …}`.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{DEPTH_MAX, Fault, Kind, Raw, map};

/// How many values anchors may be expanded to. A file whose aliases multiply ("billion laughs") is refused.
const VALUES_MAX: usize = 2_000_000;

pub(super) fn parse(text: &str) -> Result<Raw, Fault> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        values: 0,
    };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => {
                let value = reader.value(event, span, 0)?;
                documents.push(value);
            }
        }
    }
    if documents.len() > 1 {
        let message = "a file holds one template: move the second document to a file of its own";
        return Err(Fault::new(documents[1].start, message));
    }
    documents
        .pop()
        .ok_or_else(|| Fault::new((1, 1), "the file is empty: a template is a map with `Resources`"))
}

fn place(span: Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

struct Reader<'a, I: Iterator<Item = Result<(Event<'a>, Span), saphyr_parser::ScanError>>> {
    events: I,
    anchors: HashMap<usize, Raw>,
    values: usize,
}

impl<'a, I: Iterator<Item = Result<(Event<'a>, Span), saphyr_parser::ScanError>>> Reader<'a, I> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let place = (error.marker().line(), error.marker().col() + 1);
                let message = match error.info() {
                    info if info.contains("unknown anchor") => format!("{info}: define the anchor before the alias"),
                    info => format!("this is neither JSON nor YAML: {info}"),
                };
                Err(Fault::new(place, message))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Raw, Fault> {
        let start = place(span);
        self.count(1, start)?;
        if depth > DEPTH_MAX {
            return Err(Fault::new(start, "the template is nested too deeply"));
        }
        let (raw, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let null = style == ScalarStyle::Plain && tag.is_none() && matches!(&*text, "" | "~" | "null" | "Null");
                let kind = if null {
                    Kind::Null
                } else {
                    Kind::Scalar(text.into_owned())
                };
                (Raw::new(start, kind), anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.value(event, span, depth + 1)?),
                    }
                }
                (Raw::new(start, Kind::List(items)), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => (self.map(start, depth)?, anchor, tag),
            Event::Alias(anchor) => {
                let raw = self.anchors.get(&anchor).cloned();
                let raw = raw.ok_or_else(|| Fault::new(start, "this alias stands inside its own anchor"))?;
                self.count(size(&raw), start)?;
                return Ok(Raw::new(start, raw.kind));
            }
            _ => return Err(Fault::new(start, "expected a value here")),
        };
        let raw = match tag {
            Some(tag) => tagged(&tag, raw)?,
            None => raw,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, raw.clone());
        }
        Ok(raw)
    }

    fn map(&mut self, start: (usize, usize), depth: usize) -> Result<Raw, Fault> {
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let at = place(span);
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Fault::new(at, "a key in a template is a text")),
            };
            let (event, span) = self.next()?;
            let value = self.value(event, span, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else {
                entries.push((key, at, value));
            }
        }
        // YAML's merge key: what the map itself says wins.
        for value in merged {
            let maps = if value.items().is_empty() {
                vec![value]
            } else {
                value.items().to_vec()
            };
            for (key, value) in maps.iter().flat_map(Raw::entries) {
                if !entries.iter().any(|(known, ..)| known == key) {
                    entries.push((key.clone(), value.start, value.clone()));
                }
            }
        }
        map(start, entries)
    }

    fn count(&mut self, values: usize, start: (usize, usize)) -> Result<(), Fault> {
        self.values += values;
        if self.values > VALUES_MAX {
            return Err(Fault::new(start, "the aliases make too large a template of this file"));
        }
        Ok(())
    }
}

fn size(raw: &Raw) -> usize {
    1 + raw.items().iter().map(size).sum::<usize>() + raw.entries().iter().map(|(_, value)| size(value)).sum::<usize>()
}

fn tagged(tag: &Tag, raw: Raw) -> Result<Raw, Fault> {
    if tag.is_yaml_core_schema() {
        return Ok(raw);
    }
    let name = match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") if tag.handle == "!" => name.to_owned(),
        name if tag.handle == "!" && !name.is_empty() => format!("Fn::{name}"),
        name => {
            return Err(Fault::new(
                raw.start,
                format!("the tag `{}{name}` is not CloudFormation's", tag.handle),
            ));
        }
    };
    let start = raw.start;
    let argument = match (name.as_str(), raw.scalar().and_then(|text| text.split_once('.'))) {
        ("Fn::GetAtt", Some((resource, attribute))) => Raw::new(
            start,
            Kind::List(vec![
                Raw::new(start, Kind::Scalar(resource.to_owned())),
                Raw::new(start, Kind::Scalar(attribute.to_owned())),
            ]),
        ),
        _ => raw,
    };
    Ok(Raw::new(start, Kind::Map(vec![(name, argument)])))
}
