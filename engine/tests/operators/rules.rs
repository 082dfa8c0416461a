//! The alert rules and the dashboard: right by themselves, about metrics that exist, with a page for each alert.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::metrics::after_a_failover;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Runs Debian's promtool. `scripts/test` installs it if it is missing.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: `scripts/test` installs it with Debian's package `prometheus`");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn every_rule_fires_on_its_own_failure_and_none_on_a_healthy_platform() {
    for arguments in [
        ["check", "rules", "deploy/prometheus/rules.yml"],
        ["test", "rules", "deploy/prometheus/tests.yml"],
    ] {
        let output = promtool(&arguments, "");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

#[test]
fn every_alert_has_a_test_and_a_page_that_says_what_to_do() {
    let (rules, tests, page) = (
        read("deploy/prometheus/rules.yml"),
        read("deploy/prometheus/tests.yml"),
        read("docs/operating.md"),
    );
    let named = |key: &str| {
        let lines = rules.lines().filter_map(|line| line.trim().strip_prefix(key));
        lines.map(|rest| rest.trim().to_owned()).collect::<Vec<_>>()
    };
    let alerts = named("- alert:");
    for alert in &alerts {
        // Once where it must not fire, and once where it must.
        assert!(tests.matches(&format!("alertname: {alert}\n")).count() >= 2, "{alert}");
    }
    let anchors: BTreeSet<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .collect();
    let pages = named("runbook:");
    assert_eq!(pages.len(), alerts.len());
    for runbook in pages {
        let anchor = runbook.strip_prefix("docs/operating.md#").unwrap();
        assert!(
            anchors.contains(anchor),
            "docs/operating.md has no heading for {anchor}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_rules_and_dashboard_name_is_exported() {
    let exported: BTreeSet<String> = after_a_failover()
        .await
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    for file in [
        "deploy/prometheus/rules.yml",
        "deploy/prometheus/tests.yml",
        "deploy/grafana/understudy.json",
    ] {
        let named = metrics_in(&read(file));
        assert!(named.len() > 15, "{file}: {named:?}");
        let missing: Vec<_> = named.difference(&exported).collect();
        assert!(missing.is_empty(), "{file} names what no sidecar exports: {missing:?}");
    }
}

fn metrics_in(text: &str) -> BTreeSet<String> {
    let pieces = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let metrics = pieces.filter(|piece| piece.starts_with("understudy_"));
    metrics
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned())
        .collect()
}

#[test]
fn the_dashboard_is_what_grafana_takes_and_no_two_panels_overlap() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/understudy.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{}", panel["title"]);
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} overlaps", panel["title"]);
            }
        }
    }
}
