//! Syntax errors, in our words.

use std::ops::Range;

use super::reader::Fault;
use super::{Codes, Finding, Label, Severity};

/// The findings for what the TOML parser refused.
pub(super) fn findings(text: &str, errors: &[toml::de::Error], codes: Codes) -> Vec<(Fault, Finding)> {
    let mut findings = Vec::new();
    let mut last_line = None;
    let mut errors: Vec<_> = errors
        .iter()
        .map(|error| (shown_span(text, error.span()), error))
        .collect();
    errors.sort_by_key(|(span, _)| span.start);
    for (span, error) in errors {
        let line = line_of(text, span.start);
        // The parser stumbles on through a broken line; its first complaint is the useful one.
        if last_line == Some(line) {
            continue;
        }
        last_line = Some(line);
        let duplicate = error.message() == "duplicate key";
        let (fault, message, help) = if duplicate {
            let key = &text[span.clone()];
            (
                Fault::DuplicateKey,
                format!("`{key}` is set twice"),
                "keep one of the two lines",
            )
        } else {
            (
                Fault::Syntax,
                format!("not valid TOML: {}", error.message()),
                "write `key = value`, with texts in double quotes",
            )
        };
        let label = if duplicate { "set before" } else { "here" };
        let finding = Finding {
            code: codes(fault),
            severity: Severity::Error,
            message,
            help: Some(help.to_owned()),
            key: duplicate.then(|| text[span.clone()].to_owned()),
            labels: vec![Label {
                span,
                text: Some(label.to_owned()),
            }],
        };
        findings.push((fault, finding));
    }
    findings
}

/// The number of the line that holds a byte, from 0.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

/// A span that lies inside the text, on character boundaries.
fn shown_span(text: &str, span: Option<Range<usize>>) -> Range<usize> {
    let span = span.unwrap_or(0..0);
    let start = text.floor_char_boundary(span.start.min(text.len()));
    start..text.ceil_char_boundary(span.end.clamp(start, text.len()))
}
