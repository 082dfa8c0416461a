//! What was measured, as text and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<(String, String, Value)>,
}

impl Report {
    /// A distribution of times.
    pub(crate) fn times(&mut self, name: &str, mut times: Vec<Duration>, target_p99: Option<Duration>) {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() * share / 1_000).min(times.len() - 1)];
        let (median, p99, most) = (at(500), at(990), at(1_000));
        let milliseconds = |span: Duration| span.as_secs_f64() * 1_000.0;
        let target = target_p99.map_or(String::new(), |target| {
            format!(
                " (target p99 {:.0} ms: {})",
                milliseconds(target),
                verdict(p99 <= target)
            )
        });
        let text = format!(
            "p50 {:8.3} ms  p99 {:8.3} ms  max {:8.3} ms  of {}{target}",
            milliseconds(median),
            milliseconds(p99),
            milliseconds(most),
            times.len()
        );
        let value = json!({
            "p50_ms": milliseconds(median),
            "p99_ms": milliseconds(p99),
            "max_ms": milliseconds(most),
            "count": times.len(),
            "target_p99_ms": target_p99.map(milliseconds),
        });
        self.rows.push((name.to_owned(), text, value));
    }

    /// One number.
    pub(crate) fn number(&mut self, name: &str, value: f64, unit: &str, most: Option<f64>) {
        let target = most.map_or(String::new(), |most| {
            format!(" (target at most {most}: {})", verdict(value <= most))
        });
        let text = format!("{value:.2} {unit}{target}");
        self.rows.push((
            name.to_owned(),
            text,
            json!({ "value": value, "unit": unit, "most": most }),
        ));
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, row, _) in &self.rows {
            writeln!(text, "{name:<46} {row}").unwrap();
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Map<String, Value> = self
            .rows
            .iter()
            .map(|(name, _, value)| (name.clone(), value.clone()))
            .collect();
        Value::Object(rows)
    }
}

const fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}
