//! What the files no longer ask for is seen: stacks, and the names that clients follow.

use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::destroy::destroy;
use understudy_provisioner::deploy::drift::drift;
use understudy_provisioner::deploy::plan::plan;
use understudy_provisioner::deployment::Deployment;

use crate::emulator::Emulator;
use crate::support::{LACKS, Log, world};

/// The same environment, with another deployment file.
fn with(world: &World, change: impl FnOnce(&mut Deployment)) -> World {
    let mut deployment = world.deployment.clone();
    change(&mut deployment);
    let mut other = World::new(
        world.policy.clone(),
        world.policy_text.clone(),
        deployment,
        world.shared.aws.clone(),
    );
    let known = other.platform.types();
    let lacks = LACKS.map(str::to_owned).into_iter();
    other
        .leave_out(&lacks.filter(|kind| known.contains(kind)).collect())
        .unwrap();
    other.patience = world.patience;
    other
}

#[tokio::test]
async fn a_domain_that_is_no_longer_in_the_file() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    // The engine needs a domain, so it goes with it.
    let without = with(&world, |deployment| {
        deployment.domain = None;
        deployment.engine = None;
    });

    let drifted = drift(&without).await.unwrap().text();
    for left in [
        "domain: hosted zone ",
        "domain: health check understudy-dev1-primary (",
        "domain: health check understudy-dev1-switch-b (",
        "domain: record orders.example.com in global",
        "domain: record to-us-east-1.orders.example.com in global",
        "domain: record us-east-2.orders.example.com in global",
        // Its certificates as well.
        "stack understudy-dev1-us-east-1-certificates in us-east-1: the files no longer ask for it",
    ] {
        assert!(drifted.contains(left), "{left}: {drifted}");
    }
    let planned = plan(&without).await.unwrap().text();
    assert!(
        planned.contains("HELD: domain: the deployment file has no `[domain]` any more"),
        "{planned}"
    );
    let log = Log::default();
    let trouble = apply(&without, Options::default(), &log).await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::Refused);
    assert!(trouble.to_string().contains("write `[domain]` back"), "{trouble}");
    assert_eq!(log.steps(), Vec::<String>::new(), "clients may follow it");

    // Destroying leaves them, and says so.
    let destroyed = destroy(&without, true, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    let kept = destroyed.text();
    assert!(kept.contains("kept: hosted zone "), "{kept}");
    let destroyed = destroy(&world, true, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    assert_eq!(without.left_behind().await.unwrap(), []);
}

/// A zone that is somebody else's holds our records all the same.
#[tokio::test]
async fn records_in_a_given_zone() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let route53 = world.shared.aws.route53(&world.regions()[0]);
    let zone = route53.create_hosted_zone().name("example.com").caller_reference("1");
    let id = zone.send().await.unwrap().hosted_zone.unwrap().id;
    let given = with(&world, |deployment| {
        let id = id.trim_start_matches("/hostedzone/").to_owned();
        deployment.domain.as_mut().unwrap().zone_id = Some(id);
    });
    let account = apply(&given, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let left = with(&world, |deployment| deployment.domain = None)
        .left_behind()
        .await
        .unwrap();
    let left: Vec<&str> = left.iter().map(|kept| kept.what.as_str()).collect();
    assert!(left.contains(&"record orders.example.com"), "{left:#?}");
    assert!(!left.iter().any(|what| what.starts_with("hosted zone")), "{left:#?}");
}

/// Its stacks go in the order in which nobody needs them any more.
#[tokio::test]
async fn an_observer_that_is_no_longer_in_the_file() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let without = with(&world, |deployment| deployment.engine.as_mut().unwrap().observer = None);
    let account = apply(&without, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let gone: Vec<&str> = account
        .changed
        .iter()
        .filter_map(|part| part.strip_prefix("understudy-dev1-us-west-2-"))
        .collect();
    assert_eq!(gone, ["observer", "egress", "network", "keys"]);
    let drifted = drift(&without).await.unwrap().text();
    assert!(!drifted.contains("us-west-2"), "{drifted}");
}

#[tokio::test]
async fn a_layer_that_is_no_longer_in_the_file() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let without = with(&world, |deployment| {
        deployment.egress = None;
        deployment.engine = None;
    });
    let drifted = drift(&without).await.unwrap().text();
    for layer in ["egress", "engine"] {
        let stack = format!("stack understudy-dev1-us-east-2-{layer} in us-east-2: the files no longer ask for it");
        assert!(drifted.contains(&stack), "{drifted}");
    }
    let planned = plan(&without).await.unwrap().text();
    assert!(planned.contains("stack understudy-dev1-us-east-2-egress"), "{planned}");
    let account = apply(&without, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    assert!(!drift(&without).await.unwrap().text().contains("egress"));
    // Destroying takes them along as well.
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let destroyed = destroy(&without, true, &Log::default()).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    for layer in ["egress", "engine"] {
        let stack = format!("understudy-dev1-us-east-2-{layer}");
        assert!(destroyed.removed.contains(&stack), "{}", destroyed.text());
    }
}
