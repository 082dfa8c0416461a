//! Typed extraction that goes on after an error.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Diagnostics, Finding, Label, Named, Severity, Source, Value, nearest, syntax};

/// What can be wrong with the form of a file. A reader's [`Codes`] name each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Not TOML.
    Syntax,
    /// A key that is set twice.
    DuplicateKey,
    /// A key that means nothing here.
    UnknownKey,
    /// A key that is needed and not there.
    MissingKey,
    /// A text where a number is needed, and the like.
    WrongType,
    /// A number, a duration or a count outside its bounds.
    OutOfBounds,
    /// A text that is not a duration.
    NotADuration,
    /// A text that is none of the names allowed here.
    UnknownName,
    /// A text that is refused for a reason of its own.
    BadText,
}

/// The code of each fault.
pub type Codes = fn(Fault) -> &'static str;

/// The places of a file's keys, by path (`lease.ttl`, `witness[2].interval`).
pub(crate) type Places = BTreeMap<String, Place>;

/// Where a key and its value stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The key, or the header of a table.
    pub(crate) key: Range<usize>,
    /// The value, or the header of a table.
    pub(crate) value: Range<usize>,
}

/// Collects what is found while a file is read.
#[derive(Debug)]
pub struct Reader<'s> {
    source: &'s Source,
    codes: Codes,
    findings: RefCell<Vec<(Option<Fault>, Finding)>>,
    places: RefCell<Places>,
}

impl<'s> Reader<'s> {
    /// Reads a file with `read`, which gets its top-level table.
    ///
    /// # Errors
    /// With everything that is wrong with the file, at once.
    pub fn read<T>(
        source: &'s Source,
        codes: Codes,
        read: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Result<T, Diagnostics> {
        Self::read_with_places(source, codes, read).map(|(value, _)| value)
    }

    pub(crate) fn read_with_places<T>(
        source: &'s Source,
        codes: Codes,
        read: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Result<(T, Places), Diagnostics> {
        let (document, errors) = DeTable::parse_recoverable(source.text());
        let reader = Self {
            source,
            codes,
            findings: RefCell::default(),
            places: RefCell::default(),
        };
        let value = Table::read(&reader, document.get_ref(), String::new(), None, read);
        let mut findings = syntax::findings(source.text(), &errors, codes);
        let broken: Vec<usize> = findings
            .iter()
            .filter(|(fault, _)| *fault == Fault::Syntax)
            .map(|(_, finding)| syntax::line_of(source.text(), finding.start()))
            .collect();
        // What stands on a broken line is not what was meant, and a key that is missing may be the one it holds.
        let follows = |fault: Option<Fault>, finding: &Finding| {
            let line = syntax::line_of(source.text(), finding.start());
            !broken.is_empty() && (fault == Some(Fault::MissingKey) || broken.contains(&line))
        };
        let found = reader.findings.into_inner().into_iter();
        let found = found.filter(|(fault, finding)| !follows(*fault, finding));
        findings.extend(found.map(|(fault, finding)| (fault.unwrap_or(Fault::BadText), finding)));
        let findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
        match value {
            Some(value) if findings.is_empty() => Ok((value, reader.places.into_inner())),
            _ => Err(Diagnostics::new(source.clone(), findings)),
        }
    }

    pub(super) fn places_mut(&self) -> std::cell::RefMut<'_, Places> {
        self.places.borrow_mut()
    }

    pub(super) fn report(
        &self,
        fault: Fault,
        key: &str,
        span: Range<usize>,
        message: String,
        label: &str,
        help: String,
    ) {
        let labels = vec![Label {
            span,
            text: Some(label.to_owned()),
        }];
        self.push(Some(fault), (self.codes)(fault), key, labels, message, help);
    }

    /// Reports what a reader of its own found, under a code of its own.
    pub(super) fn refuse(&self, code: &'static str, key: &str, labels: Vec<Label>, message: String, help: String) {
        self.push(None, code, key, labels, message, help);
    }

    fn push(
        &self,
        fault: Option<Fault>,
        code: &'static str,
        key: &str,
        labels: Vec<Label>,
        message: String,
        help: String,
    ) {
        let finding = Finding {
            code,
            severity: Severity::Error,
            message,
            help: Some(help),
            key: (!key.is_empty()).then(|| key.to_owned()),
            labels,
        };
        self.findings.borrow_mut().push((fault, finding));
    }
}

/// A table that is being read. Every key that is asked for counts as known; the others are refused at the end.
#[derive(Debug)]
pub struct Table<'r> {
    reader: &'r Reader<'r>,
    entries: &'r DeTable<'r>,
    path: String,
    header: Option<Range<usize>>,
    known: RefCell<BTreeSet<String>>,
    missing: RefCell<Vec<String>>,
}

impl<'r> Table<'r> {
    pub(super) fn read<T>(
        reader: &'r Reader<'_>,
        entries: &'r DeTable<'_>,
        path: String,
        header: Option<Range<usize>>,
        read: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Option<T> {
        let table = Table {
            reader,
            entries,
            path,
            header,
            known: RefCell::default(),
            missing: RefCell::default(),
        };
        let value = read(&table);
        table.finish();
        value
    }

    /// The path of this table: empty at the top.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key, which must be there.
    pub fn required(&self, key: &str) -> Option<Value<'_>> {
        let found = self.look_up(key);
        if found.is_none() {
            self.missing.borrow_mut().push(key.to_owned());
        }
        found
    }

    /// Reads a key that may be left out: `Some(None)` when it is, `None` when what is there is wrong.
    pub fn optional<T>(&self, key: &str, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<Option<T>> {
        match self.look_up(key) {
            Some(value) => read(value).map(Some),
            None => Some(None),
        }
    }

    /// A text that is not empty.
    pub fn text(&self, key: &str) -> Option<String> {
        self.required(key)?.text()
    }

    /// A text that `parse` understands; its error becomes the message.
    pub fn parsed<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.required(key)?.parsed(parse)
    }

    /// A whole number inside its bounds.
    pub fn integer<N>(&self, key: &str, bounds: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i64> + Into<i64> + Copy,
    {
        self.required(key)?.integer(bounds)
    }

    /// A number inside its bounds, with or without a fraction.
    pub fn number(&self, key: &str, bounds: RangeInclusive<f64>) -> Option<f64> {
        self.required(key)?.number(bounds)
    }

    /// A share, from 0 to 1.
    pub fn share(&self, key: &str) -> Option<f64> {
        self.number(key, 0.0..=1.0)
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.required(key)?.boolean()
    }

    /// A duration inside its bounds.
    pub fn duration(&self, key: &str, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        self.required(key)?.duration(bounds)
    }

    /// One of a fixed set of names.
    pub fn name<T: Named>(&self, key: &str) -> Option<T> {
        self.required(key)?.name()
    }

    /// A table.
    pub fn table<T>(&self, key: &str, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Option<T> {
        self.required(key)?.table(read)
    }

    /// A list whose length is inside its bounds, each item read with `read`.
    pub fn list<T>(
        &self,
        key: &str,
        length: RangeInclusive<usize>,
        read: impl FnMut(Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.required(key)?.list(length, read)
    }

    /// A list of tables (`[[key]]`) whose length is inside its bounds.
    pub fn tables<T>(
        &self,
        key: &str,
        length: RangeInclusive<usize>,
        mut read: impl FnMut(&Table<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.list(key, length, |value| value.table(|table| read(table)))
    }

    /// Reports something wrong with a key that was read, underlining its value; or the table when it is not there.
    pub fn refuse(&self, key: &str, code: &'static str, message: String, help: String) {
        let span = self.entries.get(key).map_or_else(|| self.header_span(), Spanned::span);
        let labels = vec![Label {
            span,
            text: Some("here".to_owned()),
        }];
        self.reader.refuse(code, &self.path_of(key), labels, message, help);
    }

    /// Reports something wrong with several keys of this table, underlining each value with its own text.
    pub fn refuse_together(&self, places: &[(&str, &str)], code: &'static str, message: String, help: String) {
        let labels = places
            .iter()
            .filter_map(|(key, text)| {
                let span = self.entries.get(*key)?.span();
                Some(Label {
                    span,
                    text: Some((*text).to_owned()),
                })
            })
            .collect();
        let key = places.first().map_or_else(String::new, |(key, _)| self.path_of(key));
        self.reader.refuse(code, &key, labels, message, help);
    }

    fn look_up(&self, key: &str) -> Option<Value<'_>> {
        self.known.borrow_mut().insert(key.to_owned());
        let (name, value) = self.entries.get_key_value(key)?;
        let path = self.path_of(key);
        self.reader.places.borrow_mut().insert(
            path.clone(),
            Place {
                key: name.span(),
                value: value.span(),
            },
        );
        Some(Value::new(self.reader, value, path))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn header_span(&self) -> Range<usize> {
        // At the top there is no header: what is missing would come after the last line.
        let end = self.reader.source.text().trim_end().len();
        self.header.clone().unwrap_or(end..end)
    }

    fn finish(&self) {
        let known = self.known.borrow();
        let missing = self.missing.borrow();
        let whole = if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{}`", self.path)
        };
        for (key, value) in self.entries {
            let name = key.get_ref().as_ref();
            if known.contains(name) {
                continue;
            }
            // A missing key is the likelier target of a typing error than one that is there already.
            let suggestion = nearest(name, missing.iter().map(String::as_str))
                .or_else(|| nearest(name, known.iter().map(String::as_str)));
            let help = match suggestion {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "remove it".to_owned(),
                None => format!(
                    "remove it; {whole} has {}",
                    in_words(known.iter().map(String::as_str), "and")
                ),
            };
            let span = if key.span().is_empty() {
                value.span()
            } else {
                key.span()
            };
            let message = format!("unknown key `{}`", self.path_of(name));
            self.reader.report(
                Fault::UnknownKey,
                &self.path_of(name),
                span,
                message,
                "means nothing here",
                help,
            );
        }
        if !missing.is_empty() {
            let message = format!("{whole} lacks {}", in_words(missing.iter().map(String::as_str), "and"));
            let help = "add what is missing: every key is required, so that what the file says is what runs".to_owned();
            let label = if self.header.is_some() {
                "in this table"
            } else {
                "the file ends here"
            };
            self.reader
                .report(Fault::MissingKey, &self.path, self.header_span(), message, label, help);
        }
    }
}

/// `` `a`, `b` and `c` ``.
pub(super) fn in_words<'a>(names: impl Iterator<Item = &'a str>, last_joined_by: &str) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {last_joined_by} {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The type of a value, in words.
pub(super) fn type_in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Makes a struct of fields that are each read as an `Option`: every field is read before a missing one is looked at,
/// so that all errors are found.
#[macro_export]
macro_rules! gather {
    ($type:ident { $($field:ident: $read:expr),+ $(,)? }) => {{
        $(let $field = $read;)+
        Some($type { $($field: $field?),+ })
    }};
}
