//! What changes for the platform when one policy takes another's place.

mod meaning;
mod values;

use std::fmt;

use serde::Serialize;

use crate::budget::{Holder, Report, Timing, report};
use crate::policy::Document;
use values::{Setting, settings};

/// The difference of two policies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The name of the first file.
    pub from: String,
    /// The name of the second file.
    pub to: String,
    /// Every key that differs.
    pub changes: Vec<Change>,
    /// What becomes of both figures of the promise, for each way of losing the region.
    pub figures: Vec<Figure>,
}

/// A key that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The key; witnesses by name, as in `witness.peer-application.interval`.
    pub key: String,
    /// The first policy's value, if it has the key.
    pub from: Option<String>,
    /// The second policy's value, if it has the key.
    pub to: Option<String>,
    /// What it means for the platform.
    pub meaning: String,
}

/// One figure of the promise in both policies; none where the quorum can never be reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// How the region is lost.
    pub holder: Holder,
    /// `accepted` or `processed`.
    pub figure: &'static str,
    /// With the first policy.
    pub from: Option<Timing>,
    /// With the second policy.
    pub to: Option<Timing>,
}

/// Compares two policies.
#[must_use]
pub fn diff(from: &Document, to: &Document) -> Difference {
    let (old, new) = (settings(from.policy()), settings(to.policy()));
    let old_value = |key: &str| old.iter().find(|(known, _)| known == key).map(|(_, setting)| setting);
    let new_value = |key: &str| new.iter().find(|(known, _)| known == key).map(|(_, setting)| setting);
    let gone = old.iter().filter(|(key, _)| new_value(key).is_none());
    // A witness that only one policy has is one change, not one for each of its keys.
    let told = |key: &str| {
        let witness = key.strip_prefix("witness.").and_then(|rest| rest.split_once('.'));
        witness.is_some_and(|(name, _)| {
            let whole = format!("witness.{name}");
            old_value(&whole).is_none() || new_value(&whole).is_none()
        })
    };
    let keys = new.iter().chain(gone).map(|(key, _)| key).filter(|key| !told(key));
    let changes = keys
        .filter_map(|key| change(key, old_value(key), new_value(key)))
        .collect();
    let (before, after) = (report(from.policy()).ok(), report(to.policy()).ok());
    let figures = Holder::ALL.into_iter().flat_map(|holder| {
        let of = |report: &Option<Report>, pick: fn(&crate::budget::Scenario) -> &Timing| {
            let scenario = report
                .as_ref()?
                .scenarios
                .iter()
                .find(|scenario| scenario.holder == holder)?;
            Some(pick(scenario).clone())
        };
        [
            Figure {
                holder,
                figure: "accepted",
                from: of(&before, |scenario| &scenario.accepted),
                to: of(&after, |scenario| &scenario.accepted),
            },
            Figure {
                holder,
                figure: "processed",
                from: of(&before, |scenario| &scenario.processed),
                to: of(&after, |scenario| &scenario.processed),
            },
        ]
    });
    Difference {
        from: from.source().name().to_owned(),
        to: to.source().name().to_owned(),
        changes,
        figures: figures.collect(),
    }
}

fn change(key: &str, from: Option<&Setting>, to: Option<&Setting>) -> Option<Change> {
    if from == to {
        return None;
    }
    Some(Change {
        key: key.to_owned(),
        from: from.map(Setting::to_string),
        to: to.map(Setting::to_string),
        meaning: meaning::of(key, from, to),
    })
}

impl Change {
    /// The witness and its key, when it is about one.
    fn witness(&self) -> Option<(&str, &str)> {
        self.key.strip_prefix("witness.")?.split_once('.')
    }

    /// Whether it is the same change, of the same or of another witness.
    fn is_like(&self, other: &Self) -> bool {
        let field = |change: &Self| change.witness().map(|(_, field)| field.to_owned());
        self.key == other.key
            || (field(self).is_some()
                && field(self) == field(other)
                && (&self.from, &self.to) == (&other.from, &other.to))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return writeln!(f, "{} and {} mean the same.", self.from, self.to);
        }
        writeln!(f, "From {} to {}:", self.from, self.to)?;
        for (index, change) in self.changes.iter().enumerate() {
            let alike: Vec<&Change> = self.changes.iter().filter(|other| other.is_like(change)).collect();
            if self.changes[..index].iter().any(|before| before.is_like(change)) {
                continue;
            }
            let names: Vec<&str> = alike.iter().filter_map(|change| Some(change.witness()?.0)).collect();
            let (key, meaning) = match (change.witness(), names.as_slice()) {
                (Some((name, field)), [_, _, ..]) => (
                    format!("witness.{field} of {}", names.join(", ")),
                    change.meaning.replacen(&format!("`{name}`"), "each", 1),
                ),
                _ => (change.key.clone(), change.meaning.clone()),
            };
            let (from, to) = (
                change.from.as_deref().unwrap_or("none"),
                change.to.as_deref().unwrap_or("none"),
            );
            writeln!(f, "\n  {key}: {from} -> {to}\n    {meaning}")?;
        }
        writeln!(
            f,
            "\nThe promise, in seconds from the onset (worst case inside the bounds; modelled p99 without bounds):"
        )?;
        for Figure {
            holder,
            figure,
            from,
            to,
        } in &self.figures
        {
            let shown = |timing: &Option<Timing>, pick: fn(&Timing) -> u64| {
                timing.as_ref().map_or_else(
                    || "never".to_owned(),
                    |timing| format!("{:.1}", pick(timing) as f64 / 1e3),
                )
            };
            let name = match holder {
                Holder::Silent => "region lost",
                Holder::Gray => "gray primary",
            };
            writeln!(
                f,
                "  {figure:<9}  {name:<12}  worst {:>5} -> {:>5}   p99 {:>5} -> {:>5}",
                shown(from, |timing| timing.bound_ms),
                shown(to, |timing| timing.bound_ms),
                shown(from, |timing| timing.p99_ms),
                shown(to, |timing| timing.p99_ms),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped;
    use crate::source::Source;

    fn document(edits: &[(&str, &str)]) -> Document {
        let mut text = shipped::TRADING.text.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        Document::read(&Source::new("edited.toml", &text)).unwrap()
    }

    fn meanings(edits: &[(&str, &str)]) -> Vec<(String, String)> {
        let difference = diff(&document(&[]), &document(edits));
        difference
            .changes
            .into_iter()
            .map(|change| (change.key, change.meaning))
            .collect()
    }

    #[test]
    fn a_policy_means_the_same_as_itself_whatever_its_layout() {
        assert_eq!(meanings(&[("total = \"60s\"", "total = '1m'")]), []);
    }

    #[test]
    fn a_shorter_lease_is_put_into_the_operators_words() {
        let found = meanings(&[("ttl = \"8s\"", "ttl = \"6s500ms\"")]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "lease.ttl");
        assert_eq!(
            found[0].1,
            "a gray primary is waited for 1s500ms less, and a healthy holder endures 1s500ms less without its lease store"
        );
    }

    #[test]
    fn witnesses_are_compared_by_name_and_not_by_place() {
        let found = meanings(&[("name = \"reference\"", "name = \"outside\"")]);
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["witness.outside", "witness.reference"]);
    }

    #[test]
    fn both_figures_are_compared() {
        let difference = diff(&document(&[]), &document(&[("dwell = \"2s\"", "dwell = \"3s\"")]));
        let figure = &difference.figures[0];
        // The second more that is asked for, and what a slow clock makes of it: 48 ms of 3 s instead of 32 ms of 2 s.
        assert_eq!(
            figure.to.as_ref().unwrap().bound_ms - figure.from.as_ref().unwrap().bound_ms,
            1_000 + 48 - 32
        );
    }
}
