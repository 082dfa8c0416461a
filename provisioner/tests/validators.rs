//! What others' validators say of the templates, and that each exception has its reason and is explained in the docs.
//!
//! `scripts/test templates` installs them, and does the same in seconds while you work. All of them work offline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use understudy_policies::shipped;
use understudy_policies::source::Source;
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::templates::synthesize;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder with everything that `synth` writes.
fn written() -> &'static Path {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let policy = shipped::trading();
        let deployment = Deployment::read(&Source::new("deployment.toml", EXAMPLE), &policy, None).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("validators-{}", std::process::id()));
        for file in synthesize(&policy, &deployment).files(&deployment) {
            let path = folder.join(&file.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.bytes).unwrap();
        }
        folder
    })
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

fn templates() -> Vec<PathBuf> {
    files(written(), ".template.json")
}

fn output(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; `scripts/test templates` installs it"))
}

fn validator(name: &str) -> Command {
    Command::new(root().join("target/emulators/validators/bin").join(name))
}

fn all(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn cfn_lint_finds_nothing_in_either_region() {
    let found = output(
        validator("cfn-lint")
            .args(["-r", "us-east-1", "us-east-2", "--"])
            .args(templates()),
    );
    assert!(found.status.success() && found.stdout.is_empty(), "{}", all(&found));
}

#[test]
fn checkov_fails_nothing() {
    let mut command = validator("checkov");
    command.arg("-d").arg(written()).args([
        "--framework",
        "cloudformation",
        "--output",
        "json",
        "--quiet",
        "--skip-download",
    ]);
    let found = output(&mut command);
    let report: Value = serde_json::from_slice(&found.stdout).unwrap_or_else(|_| panic!("{}", all(&found)));
    assert_eq!(report["summary"]["failed"], 0, "{report:#}");
    assert!(
        report["summary"]["passed"].as_u64().unwrap() > 500,
        "{}",
        report["summary"]
    );
    assert_eq!(report["summary"]["parsing_errors"], 0);
    let (passed, skipped) = (&report["summary"]["passed"], &report["summary"]["skipped"]);
    let said = format!("| {passed} passed, 0 failed, {skipped} skipped |");
    let docs = fs::read_to_string(root().join("docs/provisioner.md")).unwrap();
    assert!(docs.contains(&said), "docs/provisioner.md says other than `{said}`");
    let resources = &report["summary"]["resource_count"];
    assert_eq!(
        docs.matches(&format!("{resources} resources")).count(),
        2,
        "docs/provisioner.md: {resources} resources"
    );
}

#[test]
fn cfn_guard_finds_our_own_rules_kept() {
    let guard = root().join("target/guard/bin/cfn-guard");
    let rules = root().join("provisioner/guard/r9.guard");
    let mut command = Command::new(&guard);
    command.arg("validate").arg("--rules").arg(&rules);
    for template in templates() {
        command.arg("--data").arg(template);
    }
    let found = output(&mut command);
    assert!(found.status.success(), "{}", all(&found));

    // And they are no rules that nothing breaks.
    let broken = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.template.json");
    let text = fs::read_to_string(
        templates()
            .iter()
            .find(|path| path.to_string_lossy().contains("messaging"))
            .unwrap(),
    );
    fs::write(&broken, text.unwrap().replace("KmsMasterKeyId", "KmsMasterKey")).unwrap();
    let found = output(
        Command::new(guard)
            .arg("validate")
            .arg("--rules")
            .arg(rules)
            .arg("--data")
            .arg(broken),
    );
    assert!(
        !found.status.success() && all(&found).contains("queues_are_encrypted"),
        "{}",
        all(&found)
    );
}

#[test]
fn asl_validator_finds_every_machine_valid() {
    for machine in files(&written().join("machines"), ".asl.json") {
        let program = root().join("target/node/node_modules/.bin/asl-validator");
        let found = output(Command::new(program).arg("--json-path").arg(machine));
        assert!(found.status.success(), "{}", all(&found));
    }
}

#[test]
fn cdk_nag_finds_nothing_that_is_not_explained() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cdk/nag.cjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .args(templates())
        .env("NODE_PATH", root().join("target/node/node_modules"));
    let found = output(&mut command);
    let packs: BTreeMap<String, Value> =
        serde_json::from_slice(&found.stdout).unwrap_or_else(|_| panic!("{}", all(&found)));
    assert_eq!(packs.keys().collect::<Vec<_>>(), PACKS);
    let docs = fs::read_to_string(root().join("docs/provisioner.md")).unwrap();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut wildcards: BTreeMap<String, [usize; 1]> = BTreeMap::new();
    for (index, (pack, findings)) in packs.into_iter().enumerate() {
        assert_eq!(findings["failed"], Value::Array(Vec::new()), "{pack}");
        for excused in findings["excused"].as_array().unwrap() {
            let rule = excused["rule"].as_str().unwrap();
            // Rules about wildcards name each one; the page explains the rule.
            let rule = rule.split('[').next().unwrap();
            let rule = rule.rsplit_once('-').map_or(rule, |(_, name)| name);
            assert!(
                docs.contains(&format!("`{rule}`")),
                "docs/provisioner.md does not explain {rule}"
            );
            assert!(
                excused["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
                "{excused}"
            );
            for row in [format!("`{rule}`"), "all".to_owned()] {
                counts.entry(row).or_default()[index] += 1;
            }
            if rule == "IAM5" {
                let why = excused["reason"].as_str().unwrap_or_default();
                wildcards.entry(why.to_owned()).or_default()[0] += 1;
            }
        }
    }
    counted(
        &docs,
        "| Rule | AwsSolutions | NIST 800-53 R5 | PCI DSS 3.2.1 |",
        &counts,
    );
    counted(&docs, "| Why nothing narrower can be said | Times |", &wildcards);
}

/// The packs of rules, as columns of the page's table.
const PACKS: [&str; 3] = ["AwsSolutions", "NIST.800.53.R5", "PCI.DSS.321"];

/// A table of the page has these rows, and no others.
fn counted<const N: usize>(docs: &str, head: &str, counts: &BTreeMap<String, [usize; N]>) {
    let cell = |count: &usize| {
        if *count == 0 {
            "–".to_owned()
        } else {
            count.to_string()
        }
    };
    let wanted: BTreeSet<String> = counts
        .iter()
        .map(|(row, counts)| format!("| {row} | {} |", counts.each_ref().map(cell).join(" | ")))
        .collect();
    let (_, table) = docs
        .split_once(head)
        .unwrap_or_else(|| panic!("docs/provisioner.md lacks {head}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    assert_eq!(
        rows.map(str::to_owned).collect::<BTreeSet<_>>(),
        wanted,
        "docs/provisioner.md"
    );
}
