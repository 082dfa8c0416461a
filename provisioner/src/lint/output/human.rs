//! A report for people: each finding with its places, why it matters, and how to mend it.

use std::fmt::Write as _;

use crate::lint::Report;
use crate::lint::finding::Place;
use crate::lint::rules;

/// The report as text.
#[must_use]
pub fn human(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let rule = rules::find(finding.code);
        let title = rule.map_or("", |rule| rule.title);
        let _ = writeln!(text, "{} {title}: {}", finding.code, finding.reason);
        for (index, place) in finding.places.iter().enumerate() {
            let _ = writeln!(text, "  {} {}", if index == 0 { "at  " } else { "and " }, shown(place));
        }
        let _ = writeln!(text, "  why  {}", rule.map_or("", |rule| rule.why));
        let _ = writeln!(text, "  mend {}\n", finding.mend);
    }
    for suppressed in &report.suppressed {
        let finding = &suppressed.finding;
        let _ = writeln!(
            text,
            "{} suppressed: {} (because: {})",
            finding.code, finding.reason, suppressed.justification
        );
    }
    let [primary, standby] = report.resources;
    let verdict = match report.findings.len() {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    let suppressed = match report.suppressed.len() {
        0 => String::new(),
        count => format!(", {count} suppressed"),
    };
    let _ = writeln!(
        text,
        "{verdict}{suppressed}; compared {primary} resources of the primary with {standby} of the standby"
    );
    text
}

fn shown(place: &Place) -> String {
    format!(
        "{}:{}:{} {} ({})",
        place.file, place.line, place.column, place.path, place.side
    )
}
