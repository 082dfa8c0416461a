//! The layer `engine`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use understudy_policies::shipped;
use understudy_policies::source::Source;
use understudy_provisioner::deployment::platform_file::SIDECARS;
use understudy_provisioner::deployment::sidecar_secret::SidecarSecret;
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::templates::synthesize;

use crate::{Made, made, texts};

/// The containers of a region's tasks.
fn containers(made: &Made, region: &understudy_policies::model::RegionName) -> Vec<Value> {
    let tasks = made.of(region, "AWS::ECS::TaskDefinition");
    let of = |(_, task): &(String, Value)| {
        let all = task["Properties"]["ContainerDefinitions"].as_array().unwrap().clone();
        assert_eq!(all.len(), 1);
        all[0].clone()
    };
    tasks.iter().map(of).collect()
}

/// The same with keys as the API has them: `LogDriver` as `logDriver`.
fn lower(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(lower).collect(),
        Value::Object(entries) => {
            let key = |key: &String| {
                let mut letters = key.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(letters).collect::<String>()
            };
            let entries: Map<String, Value> = entries.iter().map(|(name, below)| (key(name), lower(below))).collect();
            entries.into()
        }
        other => other.clone(),
    }
}

/// `deploy/ecs` is tried on the engine itself by its tests; this is the same container.
#[test]
fn the_container_is_the_one_that_is_tried_on_the_engine() {
    let file = include_str!("../../../deploy/ecs/task-definition.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let mut wanted = file["containerDefinitions"][0].clone();
    let text = EXAMPLE
        .replace("\"000000000000\"", "\"111122223333\"")
        .replace("\"dev1\"", "\"prod\"");
    let made = crate::made_of(&text);
    let mut found = lower(&containers(&made, made.regions()[0])[0]);
    for container in [&mut wanted, &mut found] {
        for key in ["image", "dockerLabels", "portMappings", "privileged"] {
            container.as_object_mut().unwrap().remove(key);
        }
        let options = container["logConfiguration"]["options"].as_object_mut().unwrap();
        options.remove("awslogs-group");
        container["mountPoints"][0].as_object_mut().unwrap().remove("readOnly");
    }
    assert_eq!(found, wanted);
}

#[test]
fn what_a_sidecar_is_started_with_comes_out_of_secrets_that_secrets_manager_finds() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    for region in made.regions() {
        for container in containers(&made, region) {
            assert!(container.get("Environment").is_none(), "{container}");
            let secrets = container["Secrets"].as_array().unwrap();
            assert_eq!(secrets.len(), SidecarSecret::ALL.len());
            for (secret, what) in secrets.iter().zip(SidecarSecret::ALL) {
                let name = names.sidecar_secret(what);
                // A hyphen and six letters at the end are taken for what Secrets Manager added.
                assert_ne!(name.rsplit('-').next().unwrap().len(), 6, "{name}");
                let arn = names.arn("secretsmanager", Some(region), &format!("secret:{name}"));
                let from = secret["ValueFrom"].as_str().unwrap();
                assert_eq!(from.strip_suffix(":password::").unwrap_or(from), arn);
                assert_eq!(from.ends_with(":password::"), what == SidecarSecret::Database);
                assert_eq!(secret["Name"], what.variable());
            }
        }
    }
}

#[test]
fn sidecars_are_replaced_one_after_the_other_and_when_the_policy_changes() {
    let made = made();
    for region in made.regions() {
        let services = made.of(region, "AWS::ECS::Service");
        let waits = |index: usize| services[index].1["DependsOn"].as_array().unwrap();
        assert!(waits(1).contains(&json!("Sidecar1")));
        assert!(!waits(0).contains(&json!("Sidecar2")));
        for (_, service) in &services {
            let deployment = &service["Properties"]["DeploymentConfiguration"];
            assert_eq!(
                (&deployment["MinimumHealthyPercent"], &deployment["MaximumPercent"]),
                (&json!(0), &json!(100))
            );
        }
    }
    let label = |text: &str| {
        let policy = understudy_policies::policy::parse("policy.toml", text).unwrap();
        let deployment = Deployment::read(&Source::new("deployment.toml", EXAMPLE), &policy, None).unwrap();
        let platform = synthesize(&policy, &deployment);
        let region = policy.regions.primary.clone();
        let made = Made {
            policy,
            deployment,
            platform,
        };
        containers(&made, &region)[0]["DockerLabels"]["understudy.policy"].clone()
    };
    let text = shipped::TRADING.text;
    let other = text.replacen("mode = \"armed\"", "mode = \"shadow\"", 1);
    assert_ne!(text, other);
    assert_eq!(label(text), label(&format!("{text}\n# a comment\n")));
    assert_ne!(label(text), label(&other));
}

/// R9.2. A registry in another account, and one that asks for no permission of AWS.
#[test]
fn a_task_may_fetch_its_own_image_and_no_other() {
    let fetches = |image: &str| {
        let made =
            crate::made_of(&EXAMPLE.replace("000000000000.dkr.ecr.{region}.amazonaws.com/understudy-engine", image));
        let policy = made.of(made.regions()[1], "AWS::IAM::ManagedPolicy");
        let (_, policy) = policy.iter().find(|(id, _)| id.ends_with(".StartPolicy")).unwrap();
        let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap();
        let found = statements.iter().find(|statement| statement["Sid"] == "Image");
        found.map(|statement| statement["Resource"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        fetches("111122223333.dkr.ecr.{region}.amazonaws.com/trading/engine").unwrap(),
        "arn:aws:ecr:us-east-2:111122223333:repository/trading/engine"
    );
    assert_eq!(fetches("registry.example.com/engine"), None);
}

#[test]
fn peers_find_each_sidecar_by_a_name_of_its_own() {
    let made = made();
    let names = made.deployment.names(&made.policy);
    for region in made.regions() {
        let zones = made.of(region, "AWS::ServiceDiscovery::PrivateDnsNamespace");
        assert_eq!(zones.len(), 1);
        assert_eq!(zones[0].1["Properties"]["Name"], names.sidecar_zone(region));
        let hosts = made.of(region, "AWS::ServiceDiscovery::Service");
        let services = made.of(region, "AWS::ECS::Service");
        assert_eq!((hosts.len(), services.len()), (SIDECARS, SIDECARS));
        for (index, ((id, host), (_, service))) in hosts.iter().zip(&services).enumerate() {
            let name = host["Properties"]["Name"].as_str().unwrap();
            let zone = names.sidecar_zone(region);
            assert_eq!(format!("{name}.{zone}"), names.sidecar_host(region, index + 1));
            assert_eq!(
                host["Properties"]["DnsConfig"]["DnsRecords"],
                json!([{"Type": "A", "TTL": 10}])
            );
            let id = id.rsplit('.').next().unwrap();
            assert_eq!(
                service["Properties"]["ServiceRegistries"],
                json!([{"RegistryArn": {"Fn::GetAtt": [id, "Arn"]}}])
            );
        }
    }
}

#[test]
fn the_engine_has_two_sidecars_each_with_a_journal_of_its_own() {
    let made = made();
    for region in made.regions() {
        let services = made.of(region, "AWS::ECS::Service");
        assert_eq!(services.len(), 2);
        let subnets: BTreeSet<String> = services
            .iter()
            .map(|(_, service)| {
                service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"].to_string()
            })
            .collect();
        assert_eq!(subnets.len(), 2, "in different zones");
        let tasks = made.of(region, "AWS::ECS::TaskDefinition");
        let numbers: BTreeSet<String> = tasks
            .iter()
            .map(|(_, task)| task["Properties"]["ContainerDefinitions"][0]["Command"][2].to_string())
            .collect();
        assert_eq!(
            numbers,
            ["\"--sidecar=1\"".to_owned(), "\"--sidecar=2\"".to_owned()].into()
        );
        for (id, task) in tasks {
            let mut all = Vec::new();
            texts(&task, &mut all);
            assert!(!all.iter().any(|text| text.contains("{region}")), "{id}");
        }
    }
}

/// The observer tells the sidecars of both regions what it sees, and nobody calls it.
#[test]
fn the_observer_has_a_way_to_the_sidecars_and_nobody_to_it() {
    let made = made();
    let witness = made.policy.regions.witness.clone();
    let observer = made.deployment.engine.as_ref().unwrap().observer.as_ref().unwrap();
    let all = containers(&made, &witness);
    let [container] = all.as_slice() else {
        panic!("one observer: {all:#?}");
    };
    let command: Vec<&str> = container["Command"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(command[..3], ["run", "--region=us-west-2", "--observer"]);
    let variables: BTreeSet<&str> = container["Secrets"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|secret| secret["Name"].as_str())
        .collect();
    assert_eq!(
        variables,
        SidecarSecret::OF_OBSERVER.map(SidecarSecret::variable).into()
    );
    for argument in &command {
        if let Some((_, variable)) = argument.split_once("=env:") {
            assert!(variables.contains(variable), "{argument}");
        }
    }
    let services = made.of(&witness, "AWS::ECS::Service");
    assert_eq!(services.len(), 1);
    let place = &services[0].1["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"];
    assert_eq!(
        place["Subnets"].as_array().unwrap().len(),
        3,
        "ECS starts it again in another zone"
    );
    assert_eq!(place["AssignPublicIp"], "DISABLED");

    let group = made.named(&witness, "AWS::EC2::SecurityGroup", "GroupName", "observer");
    assert_eq!(group["SecurityGroupIngress"], json!([]));
    let out: BTreeSet<String> = group["SecurityGroupEgress"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| format!("{} {}", rule["FromPort"], rule["CidrIp"].as_str().unwrap()))
        .collect();
    let network = &made.deployment.network;
    let sidecars = [&network.primary, &network.standby].map(|region| format!("7443 {}", region.cidr));
    assert!(sidecars.iter().all(|sidecar| out.contains(sidecar)), "{out:?}");
    for region in made.regions() {
        let group = made.named(region, "AWS::EC2::SecurityGroup", "GroupName", "engine");
        let rules = group["SecurityGroupIngress"].as_array().unwrap();
        let from = rules.iter().filter(|rule| rule["FromPort"] == 7443);
        let from: Vec<&str> = from.filter_map(|rule| rule["CidrIp"].as_str()).collect();
        assert!(from.contains(&observer.network.cidr.to_string().as_str()), "{from:?}");
    }
}

#[test]
fn without_an_observer_there_is_nothing_in_the_witness_region() {
    let made = crate::made_of(&crate::without(&["engine.observer"]));
    let witness = made.policy.regions.witness.clone();
    assert_eq!(made.platform.of(&witness).count(), 0);
    assert!(made.deployment.engine.is_some());
}

/// From nowhere, unless the file says from where; and never without a name that the sidecar goes by.
#[test]
fn operators_reach_the_sidecars_from_where_the_file_says() {
    let listens = |made: &Made, region, index: usize| {
        let container = &containers(made, region)[index];
        let command = container["Command"].as_array().unwrap();
        let words: Vec<String> = command.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
        words
            .into_iter()
            .filter(|word| word.starts_with("--listen") || word.starts_with("--allow-host"))
            .collect::<Vec<_>>()
    };
    let open_to = |made: &Made, region| {
        let group = made.named(region, "AWS::EC2::SecurityGroup", "GroupName", "engine");
        let rules = group["SecurityGroupIngress"].as_array().unwrap().clone();
        let on = rules.into_iter().filter(|rule| rule["FromPort"] == 7070);
        on.map(|rule| rule["CidrIp"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let closed = made();
    let open = crate::made_of(&EXAMPLE.replace("operators = []", "operators = [\"10.99.0.0/24\"]"));
    for region in closed.regions() {
        assert_eq!(listens(&closed, region, 0), ["--listen=127.0.0.1:7070"]);
        assert_eq!(open_to(&closed, region), Vec::<String>::new());
        let host = closed.deployment.names(&closed.policy).sidecar_host(region, 2);
        assert_eq!(
            listens(&open, region, 1),
            ["--listen=0.0.0.0:7070".to_owned(), format!("--allow-host={host}")]
        );
        assert_eq!(open_to(&open, region), ["10.99.0.0/24"]);
    }
}
