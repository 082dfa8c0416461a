//! What a rule's code or a key means.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::policy::Document;
use crate::rules::{self, Rule};
use crate::schema;
use crate::shipped;
use crate::source::nearest;

/// An explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Explained {
    /// Of a rule.
    Rule(Rule),
    /// Of a key.
    Key(Key),
}

/// A key of the policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Key {
    /// The key, such as `lease.ttl`.
    pub key: String,
    /// What it does.
    pub description: String,
    /// The names that it may have.
    pub choices: Vec<Choice>,
    /// The keys below it, when it is a table.
    pub below: Vec<String>,
    /// What the shipped policies set it to.
    pub shipped: Vec<Setting>,
    /// The rules that look at it.
    pub rules: Vec<RuleName>,
}

/// One of the names that a key may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// As the file has it.
    pub name: String,
    /// What it means; empty when the name says it.
    pub description: String,
}

/// What a shipped policy sets a key to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The policy's name.
    pub policy: &'static str,
    /// As the file has it.
    pub value: String,
}

/// A rule, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleName {
    /// Its code.
    pub code: &'static str,
    /// What it says.
    pub title: &'static str,
}

/// Neither a code nor a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{asked}` is neither the code of a rule nor a key of the policy{}", hint(nearest.as_deref()))]
pub struct Unknown {
    /// What was asked for.
    pub asked: String,
    /// What was likely meant.
    pub nearest: Option<String>,
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; write a code like `UP301` or a key like `lease.ttl`".to_owned(),
        |nearest| format!("; did you mean `{nearest}`?"),
    )
}

/// Explains a rule's code or a key.
///
/// # Errors
/// When it is neither, with what was likely meant.
pub fn explain(asked: &str) -> Result<Explained, Unknown> {
    if let Some(rule) = rules::find(asked) {
        return Ok(Explained::Rule(*rule));
    }
    let path: String = asked
        .split('.')
        .map(|part| part.split('[').next().unwrap_or(part))
        .collect::<Vec<_>>()
        .join(".");
    let Some(doc) = schema::key(&path) else {
        let keys = schema::keys();
        let known = keys
            .iter()
            .map(String::as_str)
            .chain(rules::all().map(|rule| rule.code));
        // A last part alone is often what is remembered: `ttl` stands for the first key that ends so.
        let ending = || {
            keys.iter()
                .find(|key| key.ends_with(&format!(".{path}")))
                .map(String::as_str)
        };
        let nearest = ending().or_else(|| nearest(&path, known)).map(str::to_owned);
        return Err(Unknown {
            asked: asked.to_owned(),
            nearest,
        });
    };
    let choices = doc
        .choices
        .into_iter()
        .map(|(name, description)| Choice { name, description })
        .collect();
    let concerned = |rule: &&Rule| {
        rule.keys
            .iter()
            .any(|key| *key == path || path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
    };
    let rules = rules::all()
        .filter(concerned)
        .map(|rule| RuleName {
            code: rule.code,
            title: rule.title,
        })
        .collect();
    let shipped = if doc.below.is_empty() {
        settings(&path)
    } else {
        Vec::new()
    };
    Ok(Explained::Key(Key {
        key: path,
        description: doc.description,
        choices,
        below: doc.below,
        shipped,
        rules,
    }))
}

fn settings(path: &str) -> Vec<Setting> {
    let setting = |shipped: &shipped::Shipped| {
        let document = Document::read(&shipped.source()).ok()?;
        Some(Setting {
            policy: shipped.name,
            value: document.value_text(path)?.to_owned(),
        })
    };
    shipped::ALL.iter().filter_map(setting).collect()
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => {
                writeln!(f, "{} ({}): {}\n", rule.code, rule.severity, rule.title)?;
                writeln!(f, "Why:  {}\nMend: {}", rule.why, rule.mend)?;
                if !rule.keys.is_empty() {
                    writeln!(f, "Keys: {}", rule.keys.join(", "))?;
                }
                Ok(())
            }
            Self::Key(key) => key.fmt(f),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n{}", self.key, self.description)?;
        if !self.choices.is_empty() {
            writeln!(f, "\nOne of:")?;
        }
        for Choice { name, description } in &self.choices {
            writeln!(f, "{}", format!("  {name:<20} {description}").trim_end())?;
        }
        if !self.below.is_empty() {
            writeln!(f, "\nHolds: {}", self.below.join(", "))?;
        }
        if !self.shipped.is_empty() {
            writeln!(f, "\nShipped:")?;
        }
        for Setting { policy, value } in &self.shipped {
            writeln!(f, "  {policy:<20} {value}")?;
        }
        if !self.rules.is_empty() {
            writeln!(f, "\nRules:")?;
        }
        for RuleName { code, title } in &self.rules {
            writeln!(f, "  {code}  {title}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_in_either_case() {
        assert!(matches!(explain("up301"), Ok(Explained::Rule(rule)) if rule.code == "UP301"));
    }

    #[test]
    fn a_key_names_the_rules_that_look_at_it_and_what_is_shipped() {
        let Ok(Explained::Key(key)) = explain("lease.ttl") else {
            panic!("a key")
        };
        assert!(key.rules.iter().any(|rule| rule.code == "UP301"));
        assert_eq!(
            key.shipped[0],
            Setting {
                policy: "trading",
                value: "\"8s\"".to_owned()
            }
        );
    }

    #[test]
    fn what_is_neither_is_answered_with_the_nearest() {
        assert_eq!(explain("lease.tll").unwrap_err().nearest.as_deref(), Some("lease.ttl"));
        assert_eq!(explain("ttl").unwrap_err().nearest.as_deref(), Some("lease.ttl"));
        assert_eq!(explain("entirely-else").unwrap_err().nearest, None);
    }
}
