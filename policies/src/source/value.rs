//! One value, and what it can be read as.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Place, in_words, type_in_words};
use super::{Fault, Reader, Table, nearest};
use crate::duration;

/// A type with a fixed set of names in the file.
pub trait Named: Copy + PartialEq + 'static {
    /// What the names stand for, such as `failure domain`.
    const WHAT: &'static str;
    /// Every name, with its value.
    const NAMES: &'static [(&'static str, Self)];
}

/// The name of a value.
#[must_use]
pub fn name_of<T: Named>(value: T) -> &'static str {
    T::NAMES
        .iter()
        .find(|(_, named)| *named == value)
        .map_or("?", |(name, _)| name)
}

/// A value that is being read.
#[derive(Debug)]
pub struct Value<'r> {
    reader: &'r Reader<'r>,
    value: &'r Spanned<DeValue<'r>>,
    path: String,
}

impl<'r> Value<'r> {
    pub(super) fn new(reader: &'r Reader<'_>, value: &'r Spanned<DeValue<'_>>, path: String) -> Self {
        Self { reader, value, path }
    }

    /// The path of this value, such as `witness[2].interval`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is a table.
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    /// A text that is not empty.
    pub fn text(&self) -> Option<String> {
        self.parsed(|text| Ok(text.to_owned()))
    }

    /// A text that `parse` understands; its error becomes the message.
    pub fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.string("a text in double quotes")?;
        if text.is_empty() {
            self.report(
                Fault::BadText,
                format!("`{}` is empty", self.path),
                "write a text between the quotes".to_owned(),
            );
            return None;
        }
        parse(text)
            .map_err(|reason| {
                // The reason says what is wrong and, after the last semicolon, how to write it instead.
                let (wrong, mend) = reason.rsplit_once("; ").unwrap_or((&reason, "change the text"));
                self.report(Fault::BadText, format!("`{}`: {wrong}", self.path), mend.to_owned());
            })
            .ok()
    }

    /// A whole number inside its bounds.
    pub fn integer<N>(&self, bounds: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i64> + Into<i64> + Copy,
    {
        let (low, high): (i64, i64) = ((*bounds.start()).into(), (*bounds.end()).into());
        let DeValue::Integer(integer) = self.value.get_ref() else {
            return self.wrong_type("a whole number, without quotes");
        };
        // A number too large for 64 bits is above every bound.
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i64::MAX);
        if !(low..=high).contains(&number) {
            return self.out_of_bounds(integer, low, high, "a whole number");
        }
        N::try_from(number).ok()
    }

    /// A number inside its bounds, with or without a fraction.
    pub fn number(&self, bounds: RangeInclusive<f64>) -> Option<f64> {
        let number = match self.value.get_ref() {
            DeValue::Float(float) => float.as_str().replace('_', "").parse().unwrap_or(f64::NAN),
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).map_or(f64::NAN, |n| n as f64)
            }
            _ => return self.wrong_type("a number, without quotes"),
        };
        if bounds.contains(&number) {
            Some(number)
        } else {
            self.out_of_bounds(number, bounds.start(), bounds.end(), "a number")
        }
    }

    /// A share: a number from 0 to 1, or a percentage in quotes.
    pub fn share(&self) -> Option<f64> {
        let DeValue::String(text) = self.value.get_ref() else {
            return self.number(0.0..=1.0);
        };
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        match percent {
            Some(percent) if (0.0..=100.0).contains(&percent) => Some(percent / 100.0),
            Some(_) => self.out_of_bounds(text, "0%", "100%", "a percentage"),
            None => {
                self.report(
                    Fault::BadText,
                    format!("`{}` is not a percentage: `{text}`", self.path),
                    "write a percentage like `\"30%\"`, or a number from 0 to 1 without quotes".to_owned(),
                );
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(boolean) => Some(*boolean),
            _ => self.wrong_type("`true` or `false`, without quotes"),
        }
    }

    /// A duration inside its bounds.
    pub fn duration(&self, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.string("a duration in double quotes, like `\"1s500ms\"`")?;
        let (low, high) = (duration::format(*bounds.start()), duration::format(*bounds.end()));
        let read = match duration::parse(text) {
            Ok(read) => read,
            Err(_) => {
                let message = format!("`{}` is not a duration: `{text}`", self.path);
                let help = "write whole numbers with units d, h, m, s, ms, largest first, like `1m30s` or `250ms`";
                self.report(Fault::NotADuration, message, help.to_owned());
                return None;
            }
        };
        if bounds.contains(&read) {
            Some(read)
        } else {
            self.out_of_bounds(text, low, high, "a duration")
        }
    }

    /// One of a fixed set of names.
    pub fn name<T: Named>(&self) -> Option<T> {
        let names = || T::NAMES.iter().map(|(name, _)| *name);
        let text = self.string(&format!("{} in double quotes: {}", T::WHAT, in_words(names(), "or")))?;
        if let Some((_, value)) = T::NAMES.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let choose = format!("write {}", in_words(names(), "or"));
        let help =
            nearest(text, names()).map_or_else(|| choose.clone(), |near| format!("did you mean `{near}`? {choose}"));
        self.report(
            Fault::UnknownName,
            format!("`{}`: `{text}` is not {}", self.path, T::WHAT),
            help,
        );
        None
    }

    /// A table.
    pub fn table<T>(&self, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Option<T> {
        match self.value.get_ref() {
            DeValue::Table(entries) => {
                Table::read(self.reader, entries, self.path.clone(), Some(self.value.span()), read)
            }
            _ => self.wrong_type(&format!("a table, headed `[{}]`", self.path)),
        }
    }

    /// A list whose length is inside its bounds, each item read with `read`.
    pub fn list<T>(
        &self,
        length: RangeInclusive<usize>,
        mut read: impl FnMut(Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            return self.wrong_type("a list");
        };
        if !length.contains(&items.len()) {
            let message = format!(
                "`{}` has {} items; it must have {} to {}",
                self.path,
                items.len(),
                length.start(),
                length.end()
            );
            self.report(Fault::OutOfBounds, message, "add or remove items".to_owned());
        }
        // Every item is read, the ones after a wrong one too; a list past its bound is not walked to its end.
        let read: Vec<Option<T>> = items
            .iter()
            .take(*length.end())
            .enumerate()
            .map(|(index, item)| {
                let path = format!("{}[{index}]", self.path);
                let place = Place {
                    key: item.span(),
                    value: item.span(),
                };
                self.reader.places_mut().insert(path.clone(), place);
                read(Value::new(self.reader, item, path))
            })
            .collect();
        let read: Option<Vec<T>> = read.into_iter().collect();
        read.filter(|read| length.contains(&read.len()))
    }

    /// Reports something wrong with this value.
    pub fn refuse(&self, code: &'static str, message: String, help: String) {
        let labels = vec![super::Label {
            span: self.span(),
            text: Some("here".to_owned()),
        }];
        self.reader.refuse(code, &self.path, labels, message, help);
    }

    fn span(&self) -> Range<usize> {
        self.value.span()
    }

    fn string(&self, wanted: &str) -> Option<&str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.wrong_type(wanted),
        }
    }

    fn wrong_type<T>(&self, wanted: &str) -> Option<T> {
        let wanted_in_short = wanted.split([',', ':']).next().unwrap_or(wanted);
        let found = type_in_words(self.value.get_ref());
        let message = format!("`{}` is {found}; it must be {wanted_in_short}", self.path);
        self.report(Fault::WrongType, message, format!("write {wanted}"));
        None
    }

    fn out_of_bounds<T>(&self, got: impl Display, low: impl Display, high: impl Display, what: &str) -> Option<T> {
        let message = format!("`{}` is {got}; it must be {low} to {high}", self.path);
        self.report(
            Fault::OutOfBounds,
            message,
            format!("write {what} from {low} to {high}"),
        );
        None
    }

    fn report(&self, fault: Fault, message: String, help: String) {
        self.reader
            .report(fault, &self.path, self.span(), message, "here", help);
    }
}
