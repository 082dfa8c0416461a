//! One layout for every policy file: `key = value`, one blank line before a table, comments where they were.

use std::collections::BTreeMap;

use thiserror::Error;
use toml::de::{DeTable, DeValue};
use toml_edit::{Decor, DocumentMut, Item, RawString, Table, Value};

/// Why a text was not laid out anew.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotLaidOut {
    /// The text is not TOML; reading the policy says where.
    #[error("it is not valid TOML; `check` shows where")]
    Syntax,
    /// Laying it out would have changed a value. A bug: the text is left as it is.
    #[error("laying it out would change a value; please report this file")]
    Changed,
}

/// Lays a text out anew. Values and comments stay as they are, and so does the order.
///
/// # Errors
/// When it is not TOML.
pub fn lay_out(text: &str) -> Result<String, NotLaidOut> {
    let mut document: DocumentMut = text.parse().map_err(|_| NotLaidOut::Syntax)?;
    table(document.as_table_mut());
    let trailing = comments(document.trailing().as_str().unwrap_or_default());
    document.set_trailing(trailing);
    let laid_out = tidy(&document.to_string());
    if values(&laid_out) == values(text) {
        Ok(laid_out)
    } else {
        Err(NotLaidOut::Changed)
    }
}

fn table(table: &mut Table) {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for name in keys {
        if table.get(&name).is_some_and(Item::is_value)
            && let Some(mut key) = table.key_mut(&name)
        {
            let prefix = comments(text_of(key.leaf_decor().prefix()));
            key.leaf_decor_mut().set_prefix(prefix);
            key.leaf_decor_mut().set_suffix(" ");
        }
        match table.get_mut(&name) {
            Some(Item::Value(value)) => self::value(value),
            Some(Item::Table(below)) => header(below),
            Some(Item::ArrayOfTables(tables)) => tables.iter_mut().for_each(header),
            _ => {}
        }
    }
}

fn header(below: &mut Table) {
    let prefix = comments(text_of(below.decor().prefix()));
    let suffix = trailing_comment(text_of(below.decor().suffix()));
    // Comments that follow the last table without a blank line belong to it, and stay there.
    let apart = if prefix.starts_with('\n') || prefix.contains("\n\n") {
        ""
    } else {
        "\n"
    };
    *below.decor_mut() = Decor::new(format!("{apart}{prefix}"), suffix);
    table(below);
}

fn value(value: &mut Value) {
    let suffix = trailing_comment(text_of(value.decor().suffix()));
    if let Some(array) = value.as_array_mut() {
        let has_comments = array.to_string().contains(['#', '\n']);
        if !has_comments {
            array.fmt();
        }
    }
    *value.decor_mut() = Decor::new(" ", suffix);
}

fn text_of(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

/// Comment lines without indentation, a single blank line where there were some.
fn comments(text: &str) -> String {
    let mut lines = String::new();
    let mut blank = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if !trimmed.is_empty() {
            lines.push_str(trimmed);
            lines.push('\n');
        } else if line.ends_with('\n') && !blank {
            lines.push('\n');
        }
        blank = trimmed.is_empty();
    }
    lines
}

/// A comment behind a value, at least two spaces away from it: more of them align it with its neighbours.
fn trailing_comment(text: &str) -> String {
    let comment = text.trim();
    if comment.is_empty() {
        return String::new();
    }
    let spaces = text.bytes().take_while(|byte| *byte == b' ').count().max(2);
    format!("{:spaces$}{comment}", "")
}

/// No blank line at the start, never two in a row, no spaces at the end of a line, one newline at the end.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || !(tidy.is_empty() || tidy.ends_with("\n\n")) {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    let end = tidy.trim_end().len();
    tidy.truncate(end);
    tidy.push('\n');
    tidy
}

/// Every value of a text by its path, as it would be read.
fn values(text: &str) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &DeValue<'_>, all: &mut BTreeMap<String, String>) {
        match value {
            DeValue::Table(table) => {
                all.insert(path.to_owned(), "table".to_owned());
                for (key, value) in table {
                    walk(&format!("{path}.{:?}", key.get_ref()), value.get_ref(), all);
                }
            }
            DeValue::Array(items) => {
                all.insert(path.to_owned(), items.len().to_string());
                for (index, item) in items.iter().enumerate() {
                    walk(&format!("{path}[{index}]"), item.get_ref(), all);
                }
            }
            DeValue::String(text) => drop(all.insert(path.to_owned(), format!("{text:?}"))),
            DeValue::Integer(integer) => drop(all.insert(path.to_owned(), integer.to_string())),
            DeValue::Float(float) => drop(all.insert(path.to_owned(), float.to_string())),
            DeValue::Boolean(boolean) => drop(all.insert(path.to_owned(), boolean.to_string())),
            DeValue::Datetime(time) => drop(all.insert(path.to_owned(), time.to_string())),
        }
    }
    let mut all = BTreeMap::new();
    for (key, value) in DeTable::parse_recoverable(text).0.get_ref() {
        walk(&format!("{:?}", key.get_ref()), value.get_ref(), &mut all);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped;

    #[test]
    fn every_shipped_policy_is_laid_out() {
        for shipped in shipped::ALL {
            assert!(
                lay_out(shipped.text).unwrap() == shipped.text,
                "{}: run `fmt`",
                shipped.name
            );
        }
    }

    #[test]
    fn layout_is_mended_and_comments_stay() {
        let text = "\n\n  # first\n  a=1 # one\n\n\n\n#second\nb  =  [ 1,2 ]\n[c]\n# of d\n   d = \"x\" \n  [[e]]\nf=true\n# end";
        let expected =
            "# first\na = 1  # one\n\n#second\nb = [1, 2]\n\n[c]\n# of d\nd = \"x\"\n\n[[e]]\nf = true\n# end\n";
        assert_eq!(lay_out(text).unwrap(), expected);
        assert_eq!(lay_out(expected).unwrap(), expected);
    }

    #[test]
    fn what_is_not_toml_is_left_alone() {
        assert_eq!(lay_out("a = "), Err(NotLaidOut::Syntax));
    }
}
