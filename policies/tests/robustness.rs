//! Whatever stands in a file, it is answered: with a policy or with findings, and never with a panic.

use std::collections::BTreeSet;

use understudy_policies::policy::Document;
use understudy_policies::shipped;
use understudy_policies::source::{Source, Style};

fn answer(text: &str) {
    let source = Source::new("changed.toml", text);
    let diagnostics = match Document::read(&source) {
        Ok(document) => understudy_policies::check(&document),
        Err(diagnostics) => {
            assert!(diagnostics.refused(), "refused without an error:\n{text}");
            diagnostics
        }
    };
    assert_eq!(
        diagnostics.render(Style::Plain).is_empty(),
        diagnostics.findings().is_empty()
    );
}

/// The default policy, with each line in turn replaced by what `change` makes of it; of lines that are the same (every
/// witness has an interval) the first.
fn for_each_line(change: impl Fn(&str) -> Option<String>) {
    let lines: Vec<&str> = shipped::TRADING.text.lines().collect();
    let mut seen = BTreeSet::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        if seen.insert(line)
            && let Some(changed) = change(line)
        {
            let changed: Vec<&str> = [&lines[..index], &[changed.as_str()], &lines[index + 1..]].concat();
            answer(&changed.join("\n"));
        }
    }
}

fn with_value(line: &str, value: &str) -> Option<String> {
    let (key, _) = line.split_once(" = ")?;
    Some(format!("{key} = {value}"))
}

#[test]
fn a_missing_line_is_answered() {
    for_each_line(|_| Some(String::new()));
}

#[test]
fn a_doubled_line_is_answered() {
    for_each_line(|line| Some(format!("{line}\n{line}")));
}

#[test]
fn a_broken_line_is_answered() {
    for_each_line(|line| line.get(..line.len() / 2).map(str::to_owned));
}

#[test]
fn extreme_values_are_answered() {
    for value in ["\"0s\"", "\"1ms\"", "\"10m\"", "\"7d\"", "0", "-1", "100", "{}"] {
        for_each_line(|line| with_value(line, value));
    }
}

#[test]
fn strange_texts_are_answered() {
    for value in [
        "\"\"",
        "\"\\u0000\"",
        "\"é👩‍🚀\"",
        "\"18446744073709551615d\"",
        "2026-11-23",
        "'''\n\n'''",
        "[[[[]]]]",
    ] {
        for_each_line(|line| with_value(line, value));
    }
}

#[test]
fn deep_nesting_is_answered() {
    answer(&format!("a = {}", "[".repeat(100_000)));
    answer(&format!("a = {}", "{a=".repeat(100_000)));
    answer(&"[a.".repeat(100_000));
}
