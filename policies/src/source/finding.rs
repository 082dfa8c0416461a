//! What was found in a file, where, and how to mend it.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::Source;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Allowed, and likely to hurt.
    Warning,
    /// The file is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in the text, with what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What stands beside the underline.
    pub text: Option<String>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code, such as `UP001`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The key that it is about, such as `lease.ttl` or `witness[2].interval`.
    pub key: Option<String>,
    /// Every place involved, the most important one first.
    pub labels: Vec<Label>,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Everything that was found in one file: what refuses it first, then in the order of the places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    source: Source,
    findings: Vec<Finding>,
}

impl Finding {
    /// Where it begins in the text.
    pub(super) fn start(&self) -> usize {
        self.labels.first().map_or(0, |label| label.span.start)
    }
}

impl Diagnostics {
    /// Collects the findings of one file.
    #[must_use]
    pub fn new(source: Source, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| (a.start(), a.code, &a.key).cmp(&(b.start(), b.code, &b.key)))
        });
        Self { source, findings }
    }

    /// The file.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Whether the file is refused.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// The position of a byte of the text.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let text = self.source.text();
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// `{ file, errors, warnings, notes, findings: [{ code, severity, message, help, key, line, column, labels }] }`.
impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Place<'a> {
            from: Position,
            to: Position,
            text: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Item<'a> {
            code: &'a str,
            severity: Severity,
            message: &'a str,
            help: Option<&'a str>,
            key: Option<&'a str>,
            line: usize,
            column: usize,
            labels: Vec<Place<'a>>,
        }
        let item = |finding: &'_ Finding| {
            let Position { line, column } = self.position(finding.start());
            (line, column)
        };
        let items: Vec<Item<'_>> = self
            .findings
            .iter()
            .map(|finding| {
                let (line, column) = item(finding);
                Item {
                    code: finding.code,
                    severity: finding.severity,
                    message: &finding.message,
                    help: finding.help.as_deref(),
                    key: finding.key.as_deref(),
                    line,
                    column,
                    labels: finding
                        .labels
                        .iter()
                        .map(|label| Place {
                            from: self.position(label.span.start),
                            to: self.position(label.span.end),
                            text: label.text.as_deref(),
                        })
                        .collect(),
                }
            })
            .collect();
        let mut object = serializer.serialize_struct("Diagnostics", 5)?;
        object.serialize_field("file", self.source.name())?;
        object.serialize_field("errors", &self.count(Severity::Error))?;
        object.serialize_field("warnings", &self.count(Severity::Warning))?;
        object.serialize_field("notes", &self.count(Severity::Note))?;
        object.serialize_field("findings", &items)?;
        object.end()
    }
}

/// One line per finding: for logs. [`Diagnostics::render`] is for people.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            let Position { line, column } = self.position(finding.start());
            let newline = if index == 0 { "" } else { "\n" };
            let Finding {
                code,
                severity,
                message,
                ..
            } = finding;
            write!(
                f,
                "{newline}{}:{line}:{column}: {severity}[{code}]: {message}",
                self.source.name()
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
