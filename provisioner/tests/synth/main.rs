//! The regional stacks: what the requirements ask of templates, read from the templates.
//!
//! The validators are in `validators.rs`, the state machines in `machines`.

mod compliance;
mod engine;
mod keys;
mod network;
mod requirements;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use understudy_engine::decode::Environment;
use understudy_policies::model::RegionName;
use understudy_policies::source::Source;
use understudy_policies::{Policy, shipped};
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::lint::output::human;
use understudy_provisioner::templates::output::File;
use understudy_provisioner::templates::{Layer, Platform, synthesize};

struct Made {
    policy: Policy,
    deployment: Deployment,
    platform: Platform,
}

fn made() -> Made {
    made_of(EXAMPLE)
}

fn made_of(text: &str) -> Made {
    let policy = shipped::trading();
    let deployment = Deployment::read(&Source::new("deployment.toml", text), &policy, None);
    let deployment = deployment.unwrap_or_else(|wrong| panic!("{wrong}"));
    let platform = synthesize(&policy, &deployment);
    Made {
        policy,
        deployment,
        platform,
    }
}

/// The example without some of its tables.
fn without(tables: &[&str]) -> String {
    tables.iter().fold(EXAMPLE.to_owned(), |text, table| {
        let start = text.find(&format!("\n[{table}]")).unwrap();
        // With the tables inside of it.
        let inside = format!("\n[{table}.");
        let mut next = text[start + 2..].match_indices("\n[").map(|(at, _)| start + 2 + at);
        let end = next.find(|at| !text[*at..].starts_with(&inside));
        format!("{}{}", &text[..start], &text[end.unwrap_or(text.len())..])
    })
}

impl Made {
    fn regions(&self) -> [&RegionName; 2] {
        [&self.policy.regions.primary, &self.policy.regions.standby]
    }

    /// Every resource of a region, by stack and logical id.
    fn resources(&self, region: &RegionName) -> Vec<(String, Value)> {
        let stacks = self.platform.of(region);
        let resources = stacks.flat_map(|stack| {
            let all = stack.template["Resources"].as_object().unwrap();
            all.iter()
                .map(|(id, resource)| (format!("{}.{id}", stack.name), resource.clone()))
        });
        resources.collect()
    }

    fn of(&self, region: &RegionName, kind: &str) -> Vec<(String, Value)> {
        let mut all = self.resources(region);
        all.retain(|(_, resource)| resource["Type"] == kind);
        all
    }

    /// The properties of the one that has a name.
    fn named(&self, region: &RegionName, kind: &str, key: &str, role: &str) -> Value {
        let name = self.deployment.names(&self.policy).regional(region, role);
        let found = self
            .of(region, kind)
            .into_iter()
            .map(|(_, resource)| resource["Properties"].clone());
        let found: Vec<Value> = found.filter(|properties| properties[key] == name).collect();
        assert_eq!(found.len(), 1, "{kind} {name}");
        found[0].clone()
    }
}

/// Every text in a value.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
        Value::Object(entries) => entries.values().for_each(|below| texts(below, all)),
        _ => {}
    }
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let files = || -> Vec<File> {
        let made = made();
        made.platform.files(&made.deployment)
    };
    assert_eq!(files(), files());
}

#[test]
fn both_regions_have_everything_and_the_linter_is_silent() {
    let made = made();
    assert!(made.platform.resources() >= 220, "{}", made.platform.resources());
    let report = made.platform.lint(&made.policy, &made.deployment).unwrap();
    assert!(report.findings.is_empty(), "{}", human(&report));
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn every_shipped_policy_and_every_optional_layer_is_silent_as_well() {
    let texts = [
        EXAMPLE.to_owned(),
        without(&["engine.observer"]),
        without(&["engine"]),
        without(&["domain", "engine"]),
        without(&["egress", "engine"]),
    ];
    for shipped in shipped::ALL {
        let policy = shipped.policy().unwrap();
        for text in &texts {
            let deployment = Deployment::read(&Source::new("deployment.toml", text), &policy, None).unwrap();
            let platform = synthesize(&policy, &deployment);
            let report = platform.lint(&policy, &deployment).unwrap();
            assert!(report.findings.is_empty(), "{}: {}", shipped.name, human(&report));
        }
    }
}

#[test]
fn stacks_come_after_what_they_need_and_no_two_share_a_name() {
    let made = made();
    let mut before = BTreeSet::new();
    let names: BTreeSet<&str> = made.platform.stacks.iter().map(|stack| stack.name.as_str()).collect();
    assert_eq!(names.len(), made.platform.stacks.len());
    let witness = &made.policy.regions.witness;
    for region in made.regions().into_iter().chain([witness]) {
        for stack in made.platform.of(region) {
            for needed in &stack.after {
                let of_the_other_region = !needed.contains(region.as_str());
                assert!(
                    before.contains(needed) || of_the_other_region,
                    "{} needs {needed}",
                    stack.name
                );
                assert!(names.contains(needed.as_str()), "{needed}");
            }
            before.insert(stack.name.clone());
        }
    }
    for layer in Layer::ALL {
        let serves = layer != Layer::Observer;
        let in_both = made
            .regions()
            .map(|region| made.platform.stack(region, layer).is_some());
        assert_eq!(in_both, [serves; 2], "{layer:?}");
    }
    let there: Vec<Layer> = made.platform.of(witness).map(|stack| stack.layer).collect();
    assert_eq!(there, [Layer::Keys, Layer::Network, Layer::Egress, Layer::Observer]);
}

/// What spans regions, or changes in a failover, is a reconciler's: a stack would "repair" it.
#[test]
fn no_stack_has_what_a_reconciler_owns() {
    let owned = [
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::DynamoDB::Table",
        "AWS::DynamoDB::GlobalTable",
        "AWS::SecretsManager::Secret",
        "AWS::EC2::VPCPeeringConnection",
        "AWS::Route53::HostedZone",
        "AWS::Route53::RecordSet",
        "AWS::Route53::HealthCheck",
        "AWS::Events::EventBusPolicy",
    ];
    let made = made();
    let types = made.platform.types();
    assert!(owned.iter().all(|kind| !types.contains(*kind)), "{types:?}");
    for region in made.regions() {
        for (id, bucket) in made.of(region, "AWS::S3::Bucket") {
            assert!(bucket["Properties"]["ReplicationConfiguration"].is_null(), "{id}");
        }
        for (id, rule) in made.of(region, "AWS::Events::Rule") {
            let targets = rule["Properties"]["Targets"].to_string();
            assert!(!targets.contains("event-bus/"), "{id} forwards");
        }
    }
}

/// Every resource carries every tag: forty long ones make the template of a network too large for a call, and there is no
/// bucket yet from which it could be fetched.
#[test]
fn a_template_that_cannot_be_sent_is_refused_at_synthesis() {
    assert_eq!(made().platform.too_large(), None);
    let mut text = EXAMPLE.to_owned();
    for number in 0..30 {
        text.push_str(&format!(
            "\n[[tag]]\nname = \"tag-{number}\"\nvalue = \"{}\"\n",
            "x".repeat(250)
        ));
    }
    // Tables behind tables: the tags may stand at the end.
    let why = made_of(&text).platform.too_large().unwrap();
    assert!(
        why.starts_with("the template of understudy-dev1-us-east-1-network has "),
        "{why}"
    );
    assert!(
        why.contains("and may have 51200") && why.contains("fewer or shorter `[[tag]]`"),
        "{why}"
    );
}

/// No template knows a secret.
#[test]
fn no_template_holds_a_password_or_a_token() {
    let made = made();
    for stack in &made.platform.stacks {
        let text = stack.template.to_string().to_lowercase();
        for word in [
            "masteruserpassword",
            "secretstring",
            "aws_secret_access_key",
            "begin private key",
        ] {
            assert!(!text.contains(word), "{}: {word}", stack.name);
        }
    }
}

#[test]
fn the_shipped_example_is_the_one_that_is_built_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deployment.toml");
    assert_eq!(std::fs::read_to_string(path).unwrap(), EXAMPLE);
    assert!(Environment::new("dev1").is_ok());
}
