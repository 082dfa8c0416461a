//! The failover records belong to two: the reconciler makes them, the engine and the state machines pin them. All of them must
//! mean the same records and the same targets.

use reqwest::Url;
use understudy_engine::aws::Side;
use understudy_engine::aws::connect::Connections;
use understudy_engine::aws::names::Names;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::ids::Region;
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::service::parts::PublicName as _;
use understudy_engine::service::platform;
use understudy_policies::source::Source;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::plan::plan;

use crate::emulator::Emulator;
use crate::support::{Log, loader, world};

/// What the engine makes of the shortest platform file for this platform.
fn engine_names(world: &World, zone: &str) -> Names {
    let text = format!(
        "version = 1\nenvironment = \"{}\"\n[primary]\n[standby]\n[aws]\naccount = \"{}\"\nzone = \"{zone}\"\npublic-name = \
         \"{}\"\n",
        world.environment(),
        world.deployment.account,
        world.deployment.domain.as_ref().unwrap().public_name
    );
    let platform = platform::read(&Source::new("platform.toml", &text)).unwrap_or_else(|wrong| panic!("{wrong}"));
    Names::new(&world.policy, &platform, platform.aws.as_ref().unwrap())
}

/// Where PRIMARY and SECONDARY point, with their checks and times to live.
async fn records(world: &World, zone: &str) -> Vec<(String, Option<String>, Option<i64>)> {
    let route53 = world.shared.aws.route53(&world.regions()[0]);
    let all = route53
        .list_resource_record_sets()
        .hosted_zone_id(zone)
        .send()
        .await
        .unwrap();
    let mut failover: Vec<_> = all
        .resource_record_sets()
        .iter()
        .filter(|record| record.failover().is_some())
        .collect();
    failover.sort_by_key(|record| record.failover().unwrap().as_str().to_owned());
    let one = |record: &aws_sdk_route53::types::ResourceRecordSet| {
        let value = record.resource_records()[0].value().to_owned();
        (value, record.health_check_id().map(str::to_owned), record.ttl())
    };
    failover.into_iter().map(one).collect()
}

#[tokio::test]
async fn the_engine_pins_the_records_that_the_reconciler_made() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let zone = world.zone().unwrap().find().await.unwrap().unwrap().id;
    let made = records(&world, &zone).await;
    let endpoint: Url = emulator.url().as_str().parse().unwrap();
    let home = &world.regions()[0];
    let connections = Connections::from_loader(loader(), home, Some(&endpoint)).await;
    let engine = Side::new(Region::Away, engine_names(&world, &zone), connections).public_records();

    assert_eq!(engine.pin(None).await, Outcome::Done);
    assert_eq!(
        records(&world, &zone).await,
        made,
        "as the reconciler made them, they are what the engine unpins to"
    );

    assert_eq!(engine.pin(Some(Region::Away)).await, Outcome::Done);
    let pinned = records(&world, &zone).await;
    let away = made[1].0.as_str();
    assert_eq!(
        pinned.iter().map(|record| record.0.as_str()).collect::<Vec<_>>(),
        [away, away]
    );
    assert_eq!(pinned[0].1, made[0].1, "the health check stays");
    let planned = plan(&world).await.unwrap();
    assert_eq!(
        planned.changes,
        [],
        "where they point is the engine's business: {}",
        planned.text()
    );

    assert_eq!(engine.pin(None).await, Outcome::Done);
    assert_eq!(records(&world, &zone).await, made);
}

#[tokio::test]
async fn the_state_machines_pin_to_the_same_names() {
    let world = world("http://127.0.0.1:1").await;
    let names = engine_names(&world, "Z0123456789ABC");
    for machine in &world.platform.machines {
        let text = machine.definition.to_string();
        // Each moves one way, and a failover back if it fails.
        let hosts = [Region::Home, Region::Away].map(|region| names.host(region).unwrap());
        let to = hosts.map(|host| text.matches(&format!("[{{\"Value\":\"{host}\"}}]")).count());
        let all = text.matches("\"ResourceRecords\":").count();
        assert!(
            all > 0 && to[0] + to[1] == all,
            "{to:?} of {all} in {:?} of {}",
            machine.way,
            machine.region
        );
        let own = usize::from(machine.region != world.regions()[0]);
        let moves_to = match machine.way {
            RoleChangeKind::Failover => own,
            RoleChangeKind::Failback => 1 - own,
        };
        assert!(to[moves_to] > 0, "{:?} of {}", machine.way, machine.region);
        for identifier in understudy_provisioner::spanning::records::IDENTIFIERS {
            assert!(
                text.contains(&format!("\"SetIdentifier\":\"{identifier}\"")),
                "{identifier}"
            );
        }
    }
}
