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

fn limits(suffix: Option<String>) -> Limits {
    Limits {
        check_interval_s: 10.0,
        check_failures: 1.0,
        record_ttl_s: 5.0,
        suffix,
    }
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
        lint(
            &side("primary", "us-east-1"),
            &side("standby", "us-east-2"),
            limits(self.suffix.clone()),
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

#[test]
fn the_answer_does_not_depend_on_the_run_nor_on_the_order_of_the_templates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/findings");
    let text = |side: &str| fs::read_to_string(folder.join(side)).expect("the example is there");
    let extra = "Resources: {Extra: {Type: AWS::SNS::Topic}}";
    let judged = |reversed: bool| {
        let given = |side: &str, region: &str| {
            let mut templates = vec![
                Template {
                    file: side.to_owned(),
                    text: text(side),
                },
                Template {
                    file: "extra.yaml".to_owned(),
                    text: extra.to_owned(),
                },
            ];
            if reversed {
                templates.reverse();
            }
            Given {
                region: region.to_owned(),
                templates,
                parameters: BTreeMap::new(),
            }
        };
        let report = lint(
            &given("primary.yaml", "us-east-1"),
            &given("standby.yaml", "us-east-2"),
            limits(None),
            &[],
        )
        .unwrap();
        understudy_provisioner::lint::output::json(&report)["findings"].to_string()
    };
    let first = judged(false);
    assert!(first.contains("UL407"));
    assert_eq!(first, judged(false));
    let sorted = |text: &str| {
        let mut findings: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        // What is missing on a side is shown at the first of its templates.
        findings.retain(|finding| finding["code"] != "UL503");
        findings
    };
    assert_eq!(sorted(&first), sorted(&judged(true)));
}

#[test]
fn broken_templates_are_refused_and_never_panic() {
    let mut refused = 0;
    for case in cases() {
        let good = case.template("clean", "primary");
        let bad = case.template("violating", "standby").text;
        for cut in (0..bad.len()).step_by(11).filter(|cut| bad.is_char_boundary(*cut)) {
            for text in [
                bad[..cut].to_owned(),
                format!("{}{}", &bad[..cut], &bad[(cut + 5).min(bad.len())..]),
            ] {
                let given = |region: &str, text: String| Given {
                    region: region.to_owned(),
                    templates: vec![Template {
                        file: case.name.clone(),
                        text,
                    }],
                    parameters: BTreeMap::new(),
                };
                let answer = lint(
                    &given("us-east-1", good.text.clone()),
                    &given("us-east-2", text),
                    limits(None),
                    &[],
                );
                refused += usize::from(answer.is_err());
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
