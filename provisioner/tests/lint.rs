//! Every rule finds what it is for, at its place, and is silent on a correct pair.
//!
//! A case is a file of `tests/lint/rules`: first what is expected on the violating pair, as `expect CODE SIDE PATH`, and
//! perhaps `env SUFFIX`; then sections, each a template or the resources of one. A section is `=== PAIR SIDE`: PAIR is
//! `violating` or `clean`, and without it the section is for both; SIDE is `primary`, `standby` or `both`. The clean pair
//! must be silent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use understudy_provisioner::lint::pair::Limits;
use understudy_provisioner::lint::{Given, Report, Template, lint, rules};

struct Case {
    name: String,
    expected: BTreeSet<String>,
    suffix: Option<String>,
    sections: BTreeMap<String, String>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/rules");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Case {
    let text = fs::read_to_string(file).expect("a case can be read");
    let (head, rest) = text.split_once("=== ").expect("a case has sections");
    let mut case = Case {
        name: file.file_stem().unwrap().to_string_lossy().into_owned(),
        expected: BTreeSet::new(),
        suffix: None,
        sections: BTreeMap::new(),
    };
    for line in head.lines() {
        match line.split_once(' ') {
            Some(("expect", what)) => assert!(case.expected.insert(what.to_owned()), "{}: twice", case.name),
            Some(("env", suffix)) => case.suffix = Some(suffix.to_owned()),
            _ => panic!("{}: `{line}`", case.name),
        }
    }
    for section in rest.split("=== ") {
        let (name, body) = section.split_once('\n').expect("a section has a body");
        let whole = body.lines().any(|line| line.starts_with("Resources:"));
        let body = if whole {
            body.to_owned()
        } else {
            let lines = body.lines().map(|line| format!("  {line}\n"));
            format!("Resources:\n{}", lines.collect::<String>())
        };
        case.sections.insert(name.trim().to_owned(), body);
    }
    case
}

impl Case {
    fn template(&self, pair: &str, side: &str) -> Template {
        let names = [
            format!("{pair} {side}"),
            format!("{pair} both"),
            side.to_owned(),
            "both".to_owned(),
        ];
        // Where only the violating standby differs, the clean one is like the primary.
        let section = names
            .iter()
            .find_map(|name| self.sections.get(name))
            .or_else(|| self.sections.get("primary"));
        Template {
            file: format!("{}.{side}", self.name),
            text: section
                .unwrap_or_else(|| panic!("{} lacks a section for {pair} {side}", self.name))
                .clone(),
        }
    }

    fn lint(&self, pair: &str) -> Report {
        let side = |side: &str, region: &str| Given {
            region: region.to_owned(),
            templates: vec![self.template(pair, side)],
            parameters: BTreeMap::new(),
        };
        let limits = Limits {
            check_interval_s: 10.0,
            check_failures: 1.0,
            record_ttl_s: 5.0,
            suffix: self.suffix.clone(),
            witness: "us-west-2".to_owned(),
        };
        lint(
            &side("primary", "us-east-1"),
            &side("standby", "us-east-2"),
            limits,
            &[],
        )
        .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

#[test]
fn every_rule_finds_what_it_is_for_and_is_silent_on_a_correct_pair() {
    let mut wrong = Vec::new();
    for case in cases() {
        let report = case.lint("violating");
        let shown = |finding: &understudy_provisioner::lint::finding::Finding| {
            let place = &finding.places[0];
            format!("{} {} {}", finding.code, place.side, place.path)
        };
        let found: BTreeSet<String> = report.findings.iter().map(shown).collect();
        if found != case.expected {
            wrong.push(format!(
                "{}: expected {:?}\n  found {:#?}",
                case.name, case.expected, report.findings
            ));
        }
        let clean = case.lint("clean");
        if !clean.findings.is_empty() {
            wrong.push(format!(
                "{}: the clean pair is not silent: {:#?}",
                case.name, clean.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case() {
    let expected: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| {
            case.expected
                .iter()
                .map(|line| line.split(' ').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<&str> = rules::all()
        .iter()
        .map(|rule| rule.code)
        .filter(|code| !expected.contains(*code))
        .collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}
