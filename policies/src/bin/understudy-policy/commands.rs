//! One function per command.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use understudy_policies::budget::{self, Report};
use understudy_policies::layout;
use understudy_policies::policy::Document;
use understudy_policies::source::{Diagnostics, Severity, Source, Style};

use crate::{Answer, Failure};

/// Every file is checked, whatever is wrong with the others.
pub(crate) fn check(files: &[PathBuf]) -> Result<Answer, Failure> {
    let mut answer = Answer {
        text: String::new(),
        json: Value::Null,
        aside: String::new(),
        code: 0,
    };
    let (mut checked, mut unreadable) = (Vec::new(), Vec::new());
    for file in files {
        let source = match Source::read(file) {
            Ok(source) => source,
            Err(error) => {
                let _ = writeln!(answer.aside, "error: {error}");
                unreadable.push(json!({ "file": file.display().to_string(), "error": error.to_string() }));
                answer.code = 2;
                continue;
            }
        };
        let (diagnostics, report) = judge(&source);
        answer.aside.push_str(&diagnostics.render(Style::for_stderr()));
        answer.text.push_str(&verdict(&diagnostics, report.as_ref()));
        if diagnostics.refused() {
            answer.code = answer.code.max(1);
        }
        let mut object = json!(diagnostics);
        object["valid"] = json!(!diagnostics.refused());
        object["figures"] = report.as_ref().map_or(Value::Null, figures);
        checked.push(object);
    }
    answer.json = json!({ "valid": answer.code == 0, "files": checked, "unreadable": unreadable });
    Ok(answer)
}

fn judge(source: &Source) -> (Diagnostics, Option<Report>) {
    match Document::read(source) {
        Ok(document) => {
            let diagnostics = understudy_policies::check(&document);
            let report = budget::report(document.policy()).ok();
            (diagnostics, report)
        }
        Err(diagnostics) => (diagnostics, None),
    }
}

/// One line per file, and both figures of the promise.
fn verdict(diagnostics: &Diagnostics, report: Option<&Report>) -> String {
    let count = |severity, name: &str| match diagnostics.count(severity) {
        0 => None,
        1 => Some(format!("1 {name}")),
        count => Some(format!("{count} {name}s")),
    };
    let counts = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter_map(|(severity, name)| count(severity, name))
        .collect();
    let verdict = if diagnostics.refused() { "invalid" } else { "valid" };
    let with = if counts.is_empty() {
        String::new()
    } else {
        format!(" ({})", counts.join(", "))
    };
    let mut text = format!("{}: {verdict}{with}\n", diagnostics.source().name());
    if let Some(report) = report {
        for (name, bound, p99) in worst(report) {
            let _ = writeln!(
                text,
                "  orders {name} again: at most {bound:.1} s inside the bounds; modelled p99 {p99:.1} s without"
            );
        }
    }
    text
}

/// Both figures, in the worse of the ways of losing the region: bound and p99 in seconds.
fn worst(report: &Report) -> [(&'static str, f64, f64); 2] {
    let most =
        |pick: fn(&budget::Scenario) -> u64| report.scenarios.iter().map(pick).max().unwrap_or_default() as f64 / 1e3;
    [
        (
            "accepted",
            most(|scenario| scenario.accepted.bound_ms),
            most(|scenario| scenario.accepted.p99_ms),
        ),
        (
            "processed",
            most(|scenario| scenario.processed.bound_ms),
            most(|scenario| scenario.processed.p99_ms),
        ),
    ]
}

fn figures(report: &Report) -> Value {
    let mut object = json!({ "promised_s": report.total_ms as f64 / 1e3 });
    for (name, bound, p99) in worst(report) {
        object[name] = json!({ "bound_s": bound, "modelled_p99_s": p99 });
    }
    object
}

pub(crate) fn explain(subject: &str) -> Result<Answer, Failure> {
    let explained = understudy_policies::explain::explain(subject)?;
    Ok(Answer {
        text: explained.to_string(),
        json: json!(explained),
        aside: String::new(),
        code: 0,
    })
}

pub(crate) fn budget(file: &Path) -> Result<Answer, Failure> {
    let document = document(file)?;
    match budget::report(document.policy()) {
        Ok(report) => Ok(Answer {
            text: report.to_string(),
            json: json!(report),
            aside: String::new(),
            code: 0,
        }),
        Err(unreachable) => Ok(Answer {
            text: String::new(),
            json: json!({ "policy": document.policy().name, "error": unreachable.to_string() }),
            aside: format!("error: {unreachable}\n"),
            code: 1,
        }),
    }
}

pub(crate) fn diff(from: &Path, to: &Path) -> Result<Answer, Failure> {
    let difference = understudy_policies::diff::diff(&document(from)?, &document(to)?);
    Ok(Answer {
        text: difference.to_string(),
        json: json!(difference),
        aside: String::new(),
        code: 0,
    })
}

pub(crate) fn schema() -> Result<Answer, Failure> {
    let schema = understudy_policies::schema::schema().to_value();
    Ok(Answer {
        text: understudy_policies::schema::text(),
        json: schema,
        aside: String::new(),
        code: 0,
    })
}

/// Nothing is written unless every file could be laid out.
pub(crate) fn fmt(files: &[PathBuf], check_only: bool) -> Result<Answer, Failure> {
    let mut laid_out = Vec::new();
    let mut answer = Answer {
        text: String::new(),
        json: Value::Null,
        aside: String::new(),
        code: 0,
    };
    let mut refused = Vec::new();
    for file in files {
        let source = Source::read(file)?;
        match layout::lay_out(source.text()) {
            Ok(text) => laid_out.push((file, text != source.text(), text)),
            Err(reason) => {
                let _ = writeln!(answer.aside, "error: {}: {reason}", source.name());
                refused.push(json!({ "file": source.name(), "error": reason.to_string() }));
                answer.code = 1;
            }
        }
    }
    for (file, differs, text) in &laid_out {
        if *file == Path::new("-") && !check_only {
            answer.text.push_str(text);
        } else if *differs && check_only {
            let _ = writeln!(answer.text, "{}: would be laid out anew", file.display());
            answer.code = 1;
        } else if *differs && refused.is_empty() {
            std::fs::write(file, text).map_err(|source| Failure::Unwritable {
                name: file.display().to_string(),
                source,
            })?;
            let _ = writeln!(answer.aside, "{}: laid out anew", file.display());
        }
    }
    let differing = laid_out.iter().filter(|(_, differs, _)| *differs);
    let differing: Vec<String> = differing.map(|(file, ..)| file.display().to_string()).collect();
    let written = !check_only && refused.is_empty();
    answer.json = json!({ "differing": differing, "written": written, "refused": refused });
    Ok(answer)
}

/// A policy whose form is right. What it means is for `check`.
fn document(file: &Path) -> Result<Document, Failure> {
    let source = Source::read(file)?;
    Document::read(&source).map_err(|diagnostics| Failure::Invalid(Box::new(diagnostics)))
}
