//! The policies under `deploy/iam`: what is called is allowed, what is allowed is called, and the files are these.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use understudy_engine::aws::calls;
use understudy_engine::aws::names::Names;
use understudy_engine::aws::permissions::{Role, document};
use understudy_policies::Policy;
use understudy_policies::model::ArcRoutingControl;

use crate::platform::{platform_of, policy};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/iam")
}

fn names() -> Names {
    let platform = platform_of(&std::fs::read_to_string(folder().join("example.toml")).unwrap());
    Names::new(&policy(), &platform, platform.aws.as_ref().unwrap())
}

/// The shipped policy moves traffic by switches; this one by routing controls.
fn policy_with_arc() -> Policy {
    let mut policy = policy();
    let control =
        |name: &str| format!("arn:aws:route53-recovery-control::123456789012:controlpanel/c/routingcontrol/{name}");
    policy.traffic.arc = Some(ArcRoutingControl {
        cluster: "arn:aws:route53-recovery-control::123456789012:cluster/c".to_owned(),
        primary_control: control("primary"),
        standby_control: control("standby"),
    });
    policy
}

fn actions(document: &Value) -> BTreeSet<String> {
    let statements = document["Statement"].as_array().unwrap().iter();
    let allowed = statements.filter(|statement| statement["Effect"] == "Allow");
    let actions = allowed.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_files_are_what_the_code_says() {
    for (role, name) in Role::ALL {
        let path = folder().join(format!("{name}.json"));
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(
            kept,
            document(role, &names(), &policy()),
            "{name}.json is out of date; `cargo run --release -p understudy-engine --example iam_policies -- \
             deploy/iam/example.toml policies/trading.toml deploy/iam` writes it"
        );
    }
}

#[test]
fn every_call_has_its_permission_and_no_permission_is_without_a_call() {
    let policy = policy_with_arc();
    let allowed: BTreeSet<String> = Role::ALL
        .iter()
        .flat_map(|(role, _)| actions(&document(*role, &names(), &policy)))
        .collect();
    let called: BTreeSet<String> = calls::ALL.iter().map(|call| call.action.to_owned()).collect();
    assert_eq!(allowed, called);
}

#[test]
fn everything_allowed_is_named_but_metrics_which_have_no_names() {
    for (role, name) in Role::ALL {
        let document = document(role, &names(), &policy_with_arc());
        for statement in document["Statement"].as_array().unwrap() {
            if statement["Effect"] != "Allow" {
                continue;
            }
            let everything = statement["Resource"]
                .as_array()
                .unwrap()
                .iter()
                .any(|resource| resource == "*");
            let metrics = matches!(statement["Sid"].as_str(), Some("Lag" | "Heartbeat"));
            assert_eq!(everything, metrics, "{name}: {statement}");
        }
    }
}
