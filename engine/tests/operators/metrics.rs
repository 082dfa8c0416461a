//! What Prometheus gets from a running sidecar.

use std::collections::BTreeSet;

use serde_json::json;

use crate::stage::Stage;

/// The samples of a scrape: name, labels as text, value.
fn samples(text: &str) -> Vec<(String, String, f64)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        (
            name.to_owned(),
            labels.trim_end_matches('}').to_owned(),
            value.parse().unwrap(),
        )
    };
    lines.map(read).collect()
}

/// Everything that a sidecar exports once it has seen a failover.
pub(crate) async fn after_a_failover() -> String {
    let stage = Stage::new().await;
    stage.until("its seat", |status| status["drives"] == true).await;
    stage.command(&json!({ "command": "acknowledge" })).await;
    stage.change(|world| world.home_up = false);
    stage.until_state("rejoining").await;
    stage.text("/metrics").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_shows_in_state_lease_ledger_decisions_and_effects() {
    let text = after_a_failover().await;
    let samples = samples(&text);
    let value = |name: &str, labels: &[&str]| {
        let of = |(known, seen, _): &&(String, String, f64)| {
            known == name && labels.iter().all(|label| seen.contains(label))
        };
        let found: Vec<_> = samples.iter().filter(of).collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
        found[0].2
    };
    let own = ["region=\"us-east-2\"", "sidecar=\"1\""];
    assert_eq!(value("understudy_state", &["state=\"rejoining\"", own[0], own[1]]), 1.0);
    assert_eq!(value("understudy_state", &["state=\"steady\""]), 0.0);
    assert_eq!(value("understudy_armed", &[]), 1.0);
    assert_eq!(value("understudy_serving", &[]), 1.0);
    assert_eq!(value("understudy_holds_lease", &[]), 1.0);
    assert_eq!(value("understudy_epoch", &[]), 2.0);
    assert_eq!(value("understudy_lease_holder", &["target=\"us-east-2\""]), 1.0);
    assert_eq!(value("understudy_lease_protected", &[]), 0.0);
    assert_eq!(
        value(
            "understudy_assessment",
            &["target=\"us-east-1\"", "assessment=\"region lost\""]
        ),
        1.0
    );
    let witness = [
        "witness=\"peer-database\"",
        "target=\"us-east-1\"",
        "verdict=\"breached\"",
        "quorum=\"true\"",
    ];
    assert_eq!(value("understudy_witness", &witness), 1.0);
    assert_eq!(value("understudy_decisions_total", &["verdict=\"fail-over\""]), 1.0);
    assert_eq!(
        value("understudy_decisions_total", &["verdict=\"would-fail-over\""]),
        0.0
    );
    assert_eq!(
        value(
            "understudy_commands_total",
            &["command=\"acknowledge\"", "result=\"refused\""]
        ),
        1.0
    );
    assert_eq!(
        value(
            "understudy_effects_total",
            &["intent=\"promote-database\"", "outcome=\"done\""]
        ),
        1.0
    );
    assert!(value("understudy_effect_seconds_count", &["intent=\"renew-lease\""]) > 0.0);
    assert!(value("understudy_journal_write_seconds_count", &["durability=\"durable\""]) > 0.0);
    assert!(value("understudy_ledger_phase_used_seconds", &["phase=\"claim\""]) > 0.0);
    assert_eq!(value("understudy_ledger_running", &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_keep_to_the_conventions_of_prometheus() {
    let text = after_a_failover().await;
    let mut typed = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(name.starts_with("understudy_"), "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        assert!(
            kind != "histogram" || name.ends_with("_seconds"),
            "{name} has a base unit"
        );
        assert!(
            !name.contains("milli") && !name.contains("_ms"),
            "{name} has a base unit"
        );
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has a help text");
        typed.insert(name);
    }
    assert!(typed.len() > 30, "{typed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_finds_nothing_wrong_with_a_scrape() {
    let text = after_a_failover().await;
    let output = crate::rules::promtool(&["check", "metrics"], &text);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
