//! Every way in which a scenario file can be wrong, and what is said about it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use understudy_policies::source::{Diagnostics, Source, Style};
use understudy_simulations::scenario::{self, Theme, rules, shipped};

fn bad_scenarios() -> Vec<(String, Diagnostics)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bad-scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = Source::new(&format!("{name}.toml"), &fs::read_to_string(path).unwrap());
        let wrong = scenario::read(&source)
            .err()
            .unwrap_or_else(|| panic!("`{name}` is not refused"));
        (name, wrong)
    };
    files.iter().map(read).collect()
}

#[test]
fn bad_files_are_told_what_is_wrong_and_how_to_mend_it() {
    for (name, wrong) in bad_scenarios() {
        assert!(wrong.findings().iter().all(|finding| finding.help.is_some()), "{name}");
        assert!(
            wrong.findings().iter().all(|finding| !finding.labels.is_empty()),
            "{name}"
        );
        insta::assert_snapshot!(name, wrong.render(Style::Plain));
    }
}

#[test]
fn every_code_is_shown_by_a_bad_file() {
    let shown: BTreeSet<&str> = bad_scenarios()
        .iter()
        .flat_map(|(_, wrong)| wrong.findings().iter().map(|finding| finding.code).collect::<Vec<_>>())
        .collect();
    let known: BTreeSet<&str> = rules::ALL.iter().map(|(code, _)| *code).collect();
    assert_eq!(shown, known);
}

#[test]
fn every_shipped_scenario_is_read_and_has_the_name_of_its_file() {
    for shipped in shipped::ALL {
        let scenario = shipped
            .scenario()
            .unwrap_or_else(|wrong| panic!("{}", wrong.render(Style::Plain)));
        assert_eq!(scenario.name, shipped.name);
    }
}

#[test]
fn every_scenario_file_is_shipped() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(shipped::find(name).is_some(), "`{name}` is not in the catalogue");
    }
}

#[test]
fn every_incident_names_its_sources_and_says_what_is_inferred() {
    let mut incidents = 0;
    for shipped in shipped::ALL {
        let scenario = shipped.scenario().unwrap();
        let is_incident = scenario.theme == Some(Theme::Incidents);
        assert_eq!(is_incident, !scenario.sources.is_empty(), "{}", shipped.name);
        if !is_incident {
            continue;
        }
        incidents += 1;
        let kinds: BTreeSet<_> = scenario.faults.iter().map(|fault| fault.evidence).collect();
        assert_eq!(
            kinds.len(),
            2,
            "{} marks both what is published and what is inferred",
            shipped.name
        );
    }
    assert!(incidents > 0);
}

/// `scenarios` prints a heading whenever the theme changes.
#[test]
fn shipped_scenarios_stand_theme_by_theme() {
    let themes: Vec<Option<Theme>> = shipped::ALL
        .iter()
        .map(|shipped| shipped.scenario().unwrap().theme)
        .collect();
    assert!(themes.iter().all(Option::is_some));
    assert!(themes.is_sorted());
}

/// Whatever a prefix of a file says, it is an error and not a panic.
#[test]
fn no_prefix_of_a_scenario_makes_the_reader_panic() {
    let text = shipped::find("region-loss").unwrap().text;
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        if let Err(wrong) = scenario::read(&Source::new("region-loss.toml", &text[..end])) {
            assert!(!wrong.findings().is_empty());
        }
    }
}

#[test]
fn every_key_of_the_format_is_read_as_it_is_written() {
    let text = include_str!("files/everything.toml");
    let scenario = scenario::read(&Source::new("everything.toml", text))
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(Style::Plain)));
    insta::assert_debug_snapshot!((
        scenario.sidecars,
        scenario.stretching_resolvers,
        scenario.seed,
        &scenario.operations
    ));
    let said: Vec<String> = scenario
        .faults
        .iter()
        .map(|fault| {
            format!(
                "{:?} + {:?} to {:?}: {}",
                fault.origin,
                fault.at,
                fault.until,
                fault.in_words()
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}
