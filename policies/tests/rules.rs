//! Policies that are refused (`bad/`) and policies that are allowed with a warning or a note (`doubtful/`): every rule
//! is shown at least once, and every diagnostic is reviewed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use understudy_policies::policy::Document;
use understudy_policies::rules;
use understudy_policies::source::{Diagnostics, Source, Style};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Every file is judged once.
fn judged(folder: &str) -> &'static [(PathBuf, Diagnostics)] {
    static BAD: OnceLock<Vec<(PathBuf, Diagnostics)>> = OnceLock::new();
    static DOUBTFUL: OnceLock<Vec<(PathBuf, Diagnostics)>> = OnceLock::new();
    let folder_of = if folder == "bad" { &BAD } else { &DOUBTFUL };
    folder_of.get_or_init(|| {
        files(folder)
            .into_iter()
            .map(|file| (file.clone(), judge(&file)))
            .collect()
    })
}

fn judge(file: &Path) -> Diagnostics {
    let text = std::fs::read_to_string(file).unwrap();
    let source = Source::new(&format!("{}.toml", name(file)), &text);
    match Document::read(&source) {
        Ok(document) => understudy_policies::check(&document),
        Err(diagnostics) => diagnostics,
    }
}

/// `up301-stall-fences` is about UP301.
fn announced(file: &Path) -> Option<&'static rules::Rule> {
    rules::find(name(file).split('-').next()?)
}

fn assert_announced_rule_is_found(file: &Path, found: &Diagnostics) {
    if let Some(rule) = announced(file) {
        assert!(
            found.findings().iter().any(|finding| finding.code == rule.code),
            "{}: {found}",
            name(file)
        );
    }
}

fn assert_reviewed(folder: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("snapshots/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (file, found) in judged(folder) {
            insta::assert_snapshot!(name(file), found.render(Style::Plain));
        }
    });
}

#[test]
fn bad_policies_are_refused_for_the_announced_reason() {
    let judged = judged("bad");
    assert!(judged.len() >= 40, "{}", judged.len());
    for (file, found) in judged {
        assert!(found.refused(), "{}", name(file));
        assert_announced_rule_is_found(file, found);
    }
}

#[test]
fn doubtful_policies_are_allowed_and_the_doubt_is_named() {
    for (file, found) in judged("doubtful") {
        assert!(!found.refused(), "{found}");
        assert_announced_rule_is_found(file, found);
    }
}

#[test]
fn every_rule_has_a_policy_that_shows_it() {
    let shown: BTreeSet<&str> = files("bad")
        .iter()
        .chain(&files("doubtful"))
        .filter_map(|file| announced(file))
        .map(|rule| rule.code)
        .collect();
    let missing: Vec<&str> = rules::all()
        .map(|rule| rule.code)
        .filter(|code| !shown.contains(code))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_finding_underlines_a_place_and_says_how_to_mend_it() {
    for (file, found) in judged("bad").iter().chain(judged("doubtful")) {
        for finding in found.findings() {
            assert!(!finding.labels.is_empty(), "{}: {}", name(file), finding.message);
            assert!(
                finding.help.as_ref().is_some_and(|help| !help.is_empty()),
                "{}: {}",
                name(file),
                finding.message
            );
            assert!(rules::find(finding.code).is_some_and(|rule| rule.severity == finding.severity));
        }
    }
}

#[test]
fn diagnostics_of_bad_policies_are_reviewed() {
    assert_reviewed("bad");
}

#[test]
fn diagnostics_of_doubtful_policies_are_reviewed() {
    assert_reviewed("doubtful");
}
