//! What sidecars in ECS are started with, and the names by which they find each other.

use understudy_provisioner::spanning::Reconciler as _;
use understudy_provisioner::spanning::Shared;
use understudy_provisioner::spanning::secrets::{Holds, Replica, Secret, Secrets};
use understudy_provisioner::spanning::sidecar_names::{SidecarNames, SidecarNetwork, SidecarZone};

use crate::support::{apply, remove, start};

/// In the other region, and in the witness region.
fn secret(shared: &Shared, name: &str, holds: Holds) -> Secret {
    let replicas = [&shared.regions[1], &shared.witness].map(|region| Replica {
        region: region.clone(),
        key: None,
    });
    Secret {
        name: name.to_owned(),
        holds,
        description: "Of the sidecars".to_owned(),
        key: None,
        replicas: replicas.into(),
    }
}

#[tokio::test]
async fn a_file_follows_what_the_files_say_and_a_token_stays() {
    let (_emulator, shared) = start().await;
    let with = |policy: Option<&str>| Secrets {
        name: "engine files",
        asked_for: true,
        shared: shared.clone(),
        secrets: vec![
            secret(
                &shared,
                "understudy-dev1-engine-policy-file",
                Holds::Text(policy.map(str::to_owned)),
            ),
            secret(&shared, "understudy-dev1-engine-token", Holds::Token),
        ],
    };
    let values = async |name: &str| {
        let mut values = Vec::new();
        for region in shared.regions.iter().chain([&shared.witness]) {
            let call = shared.aws.secrets(region).get_secret_value().secret_id(name);
            values.push(call.send().await.unwrap().secret_string.unwrap());
        }
        assert_eq!(values[0], values[1], "{name} is the same in both regions");
        assert_eq!(values[0], values[2], "{name} is the same in the witness region");
        values.remove(0)
    };
    apply(&with(Some("version = 1\n"))).await;
    assert_eq!(values("understudy-dev1-engine-policy-file").await, "version = 1\n");
    let token = values("understudy-dev1-engine-token").await;
    assert_eq!(token.len(), 40);
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));

    let steps = apply(&with(Some("version = 1\n# tuned\n"))).await;
    assert_eq!(steps.len(), 1, "{steps:#?}");
    // What it says is not shown.
    assert!(
        steps[0].contains("the files say something else") && !steps[0].contains("tuned"),
        "{steps:#?}"
    );
    assert_eq!(
        values("understudy-dev1-engine-policy-file").await,
        "version = 1\n# tuned\n"
    );
    assert_eq!(values("understudy-dev1-engine-token").await, token);
    // What cannot be said now is left as it is.
    assert!(with(None).differences().await.unwrap().is_empty());
    assert_eq!(remove(&with(None), true).await, []);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_yet_is_planned_and_not_made() {
    let (_emulator, shared) = start().await;
    let secrets = Secrets {
        name: "engine files",
        asked_for: true,
        secrets: vec![secret(
            &shared,
            "understudy-dev1-engine-platform-file",
            Holds::Text(None),
        )],
        shared,
    };
    let differences = secrets.differences().await.unwrap();
    assert_eq!(differences.len(), 3);
    assert!(
        differences
            .iter()
            .all(|difference| format!("{:?}", difference.next) == "After")
    );
}

fn networks(shared: &Shared, vpc: impl Fn(&str) -> Option<String>) -> Vec<SidecarNetwork> {
    let [home, away] = &shared.regions;
    [(home, "home"), (away, "away"), (&shared.witness, "witness")]
        .map(|(region, name)| SidecarNetwork {
            region: region.clone(),
            vpc: vpc(name),
        })
        .into()
}

#[tokio::test]
async fn each_regions_names_are_resolved_in_the_other_region_and_by_the_observer() {
    let (_emulator, shared) = start().await;
    let route53 = shared.aws.route53(&shared.regions[0]);
    let mut zones = Vec::new();
    for (region, vpc) in shared.regions.iter().zip(["vpc-home", "vpc-away"]) {
        let name = format!("understudy-dev1-{region}-sidecars.internal");
        let network = aws_sdk_route53::types::Vpc::builder()
            .vpc_id(vpc)
            .vpc_region(region.as_str().into())
            .build();
        let call = route53
            .create_hosted_zone()
            .name(&name)
            .caller_reference(&name)
            .vpc(network);
        let made = call.send().await.unwrap();
        zones.push(SidecarZone {
            name,
            id: Some(
                made.hosted_zone
                    .unwrap()
                    .id
                    .trim_start_matches("/hostedzone/")
                    .to_owned(),
            ),
        });
    }
    let names = SidecarNames {
        shared: shared.clone(),
        zones: zones.clone().try_into().unwrap(),
        networks: networks(&shared, |name| Some(format!("vpc-{name}"))),
    };
    assert_eq!(apply(&names).await.len(), 4);
    for zone in &zones {
        let there = route53
            .get_hosted_zone()
            .id(zone.id.as_ref().unwrap())
            .send()
            .await
            .unwrap();
        let mut vpcs: Vec<&str> = there.vpcs().iter().filter_map(|vpc| vpc.vpc_id()).collect();
        vpcs.sort_unstable();
        assert_eq!(vpcs, ["vpc-away", "vpc-home", "vpc-witness"], "{}", zone.name);
    }
    assert!(names.differences().await.unwrap().is_empty());
    // The files no longer ask for an observer.
    let mut names = names;
    let witness = names.networks.pop();
    assert_eq!(apply(&names).await.len(), 2);
    names.networks.extend(witness);
    assert_eq!(apply(&names).await.len(), 2);
    assert_eq!(remove(&names, false).await, []);
    for (zone, vpc) in zones.iter().zip(["vpc-home", "vpc-away"]) {
        let there = route53
            .get_hosted_zone()
            .id(zone.id.as_ref().unwrap())
            .send()
            .await
            .unwrap();
        let vpcs: Vec<&str> = there.vpcs().iter().filter_map(|vpc| vpc.vpc_id()).collect();
        assert_eq!(vpcs, [vpc]);
    }
}

/// Before the stacks of the engine are there, the names can be planned.
#[tokio::test]
async fn names_that_are_not_there_yet_are_planned() {
    let (_emulator, shared) = start().await;
    let zone = |name: &str| SidecarZone {
        name: name.to_owned(),
        id: None,
    };
    let names = SidecarNames {
        zones: [zone("home.internal"), zone("away.internal")],
        networks: networks(&shared, |_| None),
        shared,
    };
    assert_eq!(names.differences().await.unwrap().len(), 4);
    assert!(names.leftovers(true).await.unwrap().remove.is_empty());
}
