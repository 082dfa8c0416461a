//! The command line, as people and programs meet it.

#[path = "cli/rubbish.rs"]
mod rubbish;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_understudy-provisioner"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn lint(name: &str, more: &[&str]) -> Output {
    let [primary, standby] = ["primary", "standby"].map(|side| format!("examples/{name}/{side}.yaml"));
    let arguments = [&["lint", "--primary", &primary, "--standby", &standby], more].concat();
    run(&arguments)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn help_and_answers_are_as_documented() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

#[test]
fn json_is_one_documented_object() {
    let output = lint("findings", &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let object: Value = serde_json::from_slice(&output.stdout).expect("one object");
    let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/linter.md")).expect("the page is there");
    for key in keys {
        assert!(
            page.contains(&format!("`{key}`")),
            "docs/linter.md does not tell of `{key}`"
        );
    }
    assert_eq!(object["silent"], Value::Bool(false));
    let finding = &object["findings"][0];
    for key in finding
        .as_object()
        .unwrap()
        .keys()
        .chain(finding["places"][0].as_object().unwrap().keys())
    {
        assert!(
            page.contains(&format!("`{key}`")),
            "docs/linter.md does not tell of `{key}`"
        );
    }
    assert_eq!(
        object["suppressed"][0]["justification"],
        "the standby is resized by the first step of a failover"
    );
}

#[test]
fn suppressions_with_a_reason_silence_and_others_do_not() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("suppressions.toml");
    let codes = ["UL341", "UL402", "UL405", "UL501", "UL503", "UL527"];
    let entries: String = codes
        .iter()
        .map(|code| format!("[[suppress]]\ncode = \"{code}\"\nreason = \"shown in the test\"\n"))
        .collect();
    fs::write(&file, entries).unwrap();
    let file = file.to_str().unwrap();
    let output = lint(
        "findings",
        &[
            "--suppressions",
            file,
            "--suppress",
            "UL407@Handler=the limit is raised in the failover",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let without_reason = lint("findings", &["--suppressions", file, "--suppress", "UL407@Handler="]);
    assert_eq!(without_reason.status.code(), Some(1));
    assert!(
        text(&without_reason.stdout).contains("UL001"),
        "{}",
        text(&without_reason.stdout)
    );
    let elsewhere = lint(
        "findings",
        &["--suppressions", file, "--suppress", "UL407@Orders=wrong resource"],
    );
    assert!(text(&elsewhere.stdout).contains("UL407") && text(&elsewhere.stdout).contains("UL003"));
}

#[test]
fn a_correct_pair_is_silent_whatever_policy_and_regions_are_named() {
    let policy = lint("clean", &["--policy", "../policies/fast.toml", "--env", "dev1"]);
    assert_eq!(policy.status.code(), Some(0), "{}", text(&policy.stdout));
    let swapped = run(&[
        "lint",
        "--primary",
        "examples/clean/standby.yaml",
        "--standby",
        "examples/clean/primary.yaml",
        "--primary-region",
        "us-east-2",
        "--standby-region",
        "us-east-1",
    ]);
    assert_eq!(swapped.status.code(), Some(0), "{}", text(&swapped.stdout));
    let suffix = lint("clean", &["--env", "prod"]);
    assert_eq!(suffix.status.code(), Some(1));
    assert!(text(&suffix.stdout).contains("UL114"));
    let given = lint("clean", &["--env", "prod", "--parameter", "Suffix=prod"]);
    assert_eq!(given.status.code(), Some(0), "{}", text(&given.stdout));
    let one_side = lint("clean", &["--parameter", "standby:Suffix=dev2"]);
    assert_eq!(one_side.status.code(), Some(1), "the sides do not belong together");
}

#[test]
fn sarif_is_written_beside_the_answer() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("beside.sarif");
    let output = lint("findings", &["--sarif", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).expect("JSON");
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 8);
    assert_eq!(
        results
            .iter()
            .filter(|result| result["suppressions"].is_array())
            .count(),
        1
    );
    let unwritable = lint("clean", &["--sarif", "no/such/folder/x.sarif"]);
    assert_eq!(unwritable.status.code(), Some(3));
}

#[test]
fn what_cannot_be_read_is_named_and_exits_with_2() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, content: &str| {
        let file = folder.join(name);
        fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let good = "examples/clean/primary.yaml";
    for (file, word) in [
        ("no-such-file.yaml".to_owned(), "cannot read"),
        (write("broken.json", "{\"Resources\": {"), "broken.json:1:"),
        (
            write("broken.yaml", "Resources:\n  A: {Type: [}\n"),
            "neither JSON nor YAML",
        ),
        (
            write("other.yaml", "services: {web: {}}\n"),
            "Is it a template of CloudFormation?",
        ),
        (write("two.yaml", "Resources: {}\n---\nResources: {}\n"), "one template"),
    ] {
        let output = run(&["lint", "--primary", good, "--standby", &file, "--json"]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(text(&output.stderr).contains(word), "{file}: {}", text(&output.stderr));
        let object: Value = serde_json::from_slice(&output.stdout).expect("one object");
        assert!(object["error"].as_str().unwrap().contains(word));
    }
    for (more, word) in [
        (&["--policy", "no.toml"] as &[&str], "no.toml"),
        (&["--policy", "examples/clean/primary.yaml"], "the policy is refused"),
        (&["--parameter", "Suffix"], "has no value"),
        (&["--suppress", "UL101"], "has no reason"),
        (
            &["--suppressions", "examples/clean/primary.yaml"],
            "cannot read the suppressions",
        ),
        (&["--standby-region", "us-east-1"], "name two regions"),
    ] {
        let output = lint("clean", more);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(
            text(&output.stderr).contains(word),
            "{more:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn the_page_lists_every_rule_as_it_is() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/linter.md")).expect("the page is there");
    for rule in understudy_provisioner::lint::rules::all() {
        let row = format!("| {} | {} | {} | {} |", rule.code, rule.title, rule.why, rule.mend);
        assert!(
            page.contains(&row),
            "docs/linter.md lacks this row, or has another:\n{row}"
        );
    }
    let rows = page.lines().filter(|line| line.starts_with("| UL")).count();
    assert_eq!(
        rows,
        understudy_provisioner::lint::rules::all().len(),
        "a row of a rule that is gone"
    );
}
