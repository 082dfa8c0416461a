//! Zone, health checks, records, validation of certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_acm::types::{Tag, ValidationMethod};
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HealthCheckType, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover,
    RrType,
};
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::spanning::certificates::Certificates;
use understudy_provisioner::spanning::checks::{Asks, Check, Checks};
use understudy_provisioner::spanning::hosted::Changes;
use understudy_provisioner::spanning::records::{Records, Regional};
use understudy_provisioner::spanning::switches::ENGAGED;
use understudy_provisioner::spanning::zone::Zone;
use understudy_provisioner::spanning::{Reconciler as _, Shared};

use crate::emulator::Emulator;
use crate::proxy::{Instead, proxy};
use crate::support::{apply, not_ours, plan, remove, start};

fn zone(shared: &Shared) -> Zone {
    Zone {
        shared: shared.clone(),
        domain: "example.com".to_owned(),
        name: "understudy-dev1-zone".to_owned(),
        given: None,
        changes: Changes::default(),
    }
}

fn checks(shared: &Shared) -> Checks {
    let name = |role: &str| format!("understudy-dev1-{role}");
    let text = |host: &str, path: &str, text: &str, inverted| Asks::Text {
        host: host.to_owned(),
        path: path.to_owned(),
        text: text.to_owned(),
        inverted,
    };
    let check = |role: &str, asks| Check { name: name(role), asks };
    Checks {
        shared: shared.clone(),
        checks: vec![
            check("switch-a", text("api.us-east-2.example.com", "/switch", ENGAGED, true)),
            check(
                "switch-b",
                text(
                    "understudy-dev1-switch-b-0.s3.us-west-2.amazonaws.com",
                    "/switch-b.json",
                    ENGAGED,
                    true,
                ),
            ),
            check(
                "home-endpoint",
                text("api.us-east-1.example.com", "/health", "\"healthy\"", false),
            ),
            check("primary", Asks::All(vec![name("switch-a"), name("switch-b")])),
        ],
        interval_s: 10,
        failures: 3,
    }
}

fn records(shared: &Shared, check: Option<String>) -> Records {
    Records {
        shared: shared.clone(),
        zone: zone(shared),
        public: "orders.example.com".to_owned(),
        hosts: ["api.us-east-1.example.com", "api.us-east-2.example.com"].map(str::to_owned),
        regional: [("us-east-1", "d-1"), ("us-east-2", "d-2")]
            .map(|(region, target)| Regional {
                host: format!("api.{region}.example.com"),
                target: Some(format!("{target}.execute-api.{region}.amazonaws.com")),
            })
            .into(),
        ttl_s: 5,
        check,
        secondary_check: None,
    }
}

#[tokio::test]
async fn a_zone_is_found_again_and_a_foreign_one_is_left_alone() {
    let (_emulator, shared) = start().await;
    let ours = zone(&shared);
    apply(&ours).await;
    let found = ours.find().await.unwrap().unwrap();
    assert!(found.ours);
    assert!(!ours.name_servers(&found.id).await.unwrap().is_empty());
    let other = Zone {
        shared: Shared {
            tags: [("understudy:environment".to_owned(), "dev2".to_owned())].into(),
            ..shared.clone()
        },
        name: "understudy-dev2-zone".to_owned(),
        ..zone(&shared)
    };
    let trouble = other.differences().await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::NotOurs);
    assert!(
        trouble.to_string().contains("name its id in the deployment file"),
        "{trouble}"
    );
    let given = Zone {
        given: Some(found.id.clone()),
        ..other
    };
    assert_eq!(plan(&given).await, Vec::<String>::new(), "it is used as it is");
    assert_eq!(remove(&given, true).await, []);
    assert!(ours.find().await.unwrap().is_some(), "a given zone is not removed");
    assert_eq!(remove(&ours, false).await, []);
    assert!(ours.find().await.unwrap().is_none());
}

/// R1.1, R1.3: fast checks on both switches, the calculated check over them, an endpoint check that no record uses.
#[tokio::test]
async fn the_primary_record_s_health_is_all_of_two_inverted_switches() {
    let (_emulator, shared) = start().await;
    let checks = checks(&shared);
    apply(&checks).await;
    let route53 = shared.aws.route53(&shared.regions[0]);
    let list = route53.list_health_checks().send().await.unwrap();
    let of = |name: &str| {
        let mut all = list.health_checks().iter();
        all.find(|check| {
            check
                .caller_reference()
                .starts_with(&format!("understudy-dev1-{name}-at-"))
        })
        .unwrap()
    };
    for switch in ["switch-a", "switch-b"] {
        let config = of(switch).health_check_config().unwrap();
        assert_eq!(config.r#type(), &HealthCheckType::HttpsStrMatch);
        assert_eq!(config.search_string(), Some(ENGAGED));
        assert_eq!(
            (config.request_interval(), config.failure_threshold()),
            (Some(10), Some(1))
        );
        assert_eq!(config.enable_sni(), Some(true));
        assert_eq!(config.inverted(), Some(true));
    }
    let primary = of("primary").health_check_config().unwrap();
    assert_eq!(primary.r#type(), &HealthCheckType::Calculated);
    assert_eq!(
        primary.health_threshold(),
        Some(2),
        "each of the two alone holds traffic away"
    );
    // ministack keeps how many parts a calculated check has, and not which.
    assert_eq!(primary.child_health_checks().len(), 2);
    // Somebody changes one by hand.
    let update = route53.update_health_check().health_check_id(of("home-endpoint").id());
    update.resource_path("/other").send().await.unwrap();
    assert_eq!(
        plan(&checks).await,
        ["Change health check understudy-dev1-home-endpoint in global: path /other -> /health"]
    );
    apply(&checks).await;
    // One that is off counts as healthy: the switch would hold no traffic away.
    for (name, port) in [("switch-a", 8443), ("primary", 0)] {
        let mut update = route53.update_health_check().health_check_id(of(name).id());
        if port > 0 {
            update = update.port(port).enable_sni(false);
        }
        update.disabled(true).send().await.unwrap();
    }
    let wrong = [
        "Change health check understudy-dev1-switch-a in global: port 8443 -> 443, names its host (SNI) false -> true, it is off",
        "Change health check understudy-dev1-primary in global: it is off",
    ];
    assert_eq!(apply(&checks).await, wrong);
    for name in ["switch-a", "primary"] {
        let read = route53.get_health_check().health_check_id(of(name).id()).send().await;
        let config = read.unwrap().health_check.unwrap().health_check_config.unwrap();
        assert_eq!(config.disabled(), Some(false), "{name}");
    }
    assert_eq!(remove(&checks, false).await, []);
    assert!(
        route53
            .list_health_checks()
            .send()
            .await
            .unwrap()
            .health_checks()
            .is_empty()
    );
}

/// R1.2, and: a record that the engine pinned is not turned back.
#[tokio::test]
async fn failover_records_are_made_once_and_left_as_the_engine_set_them() {
    let (_emulator, shared) = start().await;
    apply(&zone(&shared)).await;
    let checks = checks(&shared);
    apply(&checks).await;
    let check = checks.id("understudy-dev1-primary").await.unwrap();
    let records = records(&shared, check.clone());
    apply(&records).await;
    let route53 = shared.aws.route53(&shared.regions[0]);
    let id = zone(&shared).find().await.unwrap().unwrap().id;
    let list = async || {
        route53
            .list_resource_record_sets()
            .hosted_zone_id(&id)
            .send()
            .await
            .unwrap()
            .resource_record_sets
    };
    let of = |list: &[ResourceRecordSet], role: ResourceRecordSetFailover| {
        list.iter()
            .find(|record| record.failover() == Some(&role))
            .unwrap()
            .clone()
    };
    let before = list().await;
    let primary = of(&before, ResourceRecordSetFailover::Primary);
    assert_eq!(primary.health_check_id(), check.as_deref());
    assert_eq!(primary.ttl(), Some(5));
    assert_eq!(primary.resource_records()[0].value(), "api.us-east-1.example.com");
    let secondary = of(&before, ResourceRecordSetFailover::Secondary);
    assert_eq!(
        secondary.health_check_id(),
        None,
        "with a check on it, Route 53 would answer PRIMARY when both are bad"
    );
    // The engine pins the name on the standby.
    let mut pinned = primary;
    pinned.resource_records = Some(vec![
        ResourceRecord::builder()
            .value("api.us-east-2.example.com")
            .build()
            .unwrap(),
    ]);
    let change = Change::builder()
        .action(ChangeAction::Upsert)
        .resource_record_set(pinned)
        .build()
        .unwrap();
    let batch = ChangeBatch::builder().changes(change).build().unwrap();
    let call = route53
        .change_resource_record_sets()
        .hosted_zone_id(&id)
        .change_batch(batch);
    call.send().await.unwrap();
    assert_eq!(
        plan(&records).await,
        Vec::<String>::new(),
        "it is the engine's business"
    );
    assert_eq!(remove(&records, false).await, []);
    assert_eq!(remove(&zone(&shared), false).await, []);
}

/// The stack that asks for a certificate waits until it is issued; the records come meanwhile.
#[tokio::test]
async fn a_certificate_s_validation_records_are_there_at_once() {
    let (_emulator, shared) = start().await;
    apply(&zone(&shared)).await;
    let certificates = Certificates {
        shared: shared.clone(),
        zone: zone(&shared),
        names: [
            vec!["api.us-east-1.example.com".to_owned()],
            vec!["api.us-east-2.example.com".to_owned()],
        ],
        expected: true,
    };
    assert_eq!(
        certificates.differences().await.unwrap().len(),
        2,
        "both are waited for"
    );
    for (region, names) in shared.regions.iter().zip(&certificates.names) {
        let request = shared.aws.acm(region).request_certificate().domain_name(&names[0]);
        let tag = Tag::builder()
            .key("understudy:environment")
            .value("dev1")
            .build()
            .unwrap();
        request
            .validation_method(ValidationMethod::Dns)
            .tags(tag)
            .send()
            .await
            .unwrap();
    }
    let planned = plan(&certificates).await;
    let name = planned[0].split_whitespace().nth(3).unwrap().to_owned();
    // Somebody else has something at one of those names.
    let id = zone(&shared).find().await.unwrap().unwrap().id;
    let other = plain(&name, "elsewhere.example.org");
    change(&shared, &id, ChangeAction::Create, &other).await;
    not_ours(&certificates, &["type CNAME", &name]).await;
    assert_eq!(remove(&certificates, true).await, []);
    change(&shared, &id, ChangeAction::Delete, &other).await;

    let steps = apply(&certificates).await;
    assert_eq!(steps.len(), 2, "{steps:#?}");
    assert!(steps[0].starts_with("Add validation record _"), "{steps:#?}");
    assert_eq!(remove(&certificates, false).await, []);

    // One that leads to the right place is as good, and stays.
    let answer = shared.aws.acm(&shared.regions[0]).list_certificates().send().await;
    let arn = answer.unwrap().certificate_summary_list()[0]
        .certificate_arn()
        .unwrap()
        .to_owned();
    let answer = shared
        .aws
        .acm(&shared.regions[0])
        .describe_certificate()
        .certificate_arn(arn);
    let certificate = answer.send().await.unwrap().certificate.unwrap();
    let wanted = certificate.domain_validation_options()[0].resource_record().unwrap();
    let same = plain(wanted.name(), wanted.value());
    change(&shared, &id, ChangeAction::Create, &same).await;
    let steps = apply(&certificates).await;
    assert_eq!(steps.len(), 1, "the other region's: {steps:#?}");
    assert_eq!(remove(&certificates, true).await, []);
    let left = values(&shared, &id).await;
    assert_eq!(left.len(), 1, "{left:#?}");
    change(&shared, &id, ChangeAction::Delete, &same).await;
    assert_eq!(remove(&zone(&shared), false).await, []);
}

/// A record as anybody would make it.
fn plain(name: &str, to: &str) -> ResourceRecordSet {
    ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::Cname)
        .ttl(60)
        .resource_records(ResourceRecord::builder().value(to).build().unwrap())
        .build()
        .unwrap()
}

async fn change(shared: &Shared, zone: &str, action: ChangeAction, record: &ResourceRecordSet) {
    let change = Change::builder().action(action).resource_record_set(record.clone());
    let batch = ChangeBatch::builder().changes(change.build().unwrap()).build().unwrap();
    let route53 = shared.aws.route53(&shared.regions[0]);
    let call = route53.change_resource_record_sets().hosted_zone_id(zone);
    call.change_batch(batch).send().await.unwrap();
}

/// Where each record leads, apart from the zone's own.
async fn values(shared: &Shared, zone: &str) -> Vec<(String, String)> {
    let route53 = shared.aws.route53(&shared.regions[0]);
    let all = route53.list_resource_record_sets().hosted_zone_id(zone).send().await;
    let all = all.unwrap().resource_record_sets.into_iter();
    let all = all.filter(|record| !matches!(record.r#type(), RrType::Ns | RrType::Soa));
    all.map(|record| {
        (
            record.name().to_owned(),
            record.resource_records()[0].value().to_owned(),
        )
    })
    .collect()
}

/// Records have no tags: ours are known by a mark, and what has none is left as it is, whatever it is.
#[tokio::test]
async fn a_record_of_somebody_else_is_left_alone() {
    let (_emulator, shared) = start().await;
    apply(&zone(&shared)).await;
    let id = zone(&shared).find().await.unwrap().unwrap().id;
    let records = records(&shared, Some("0000-primary".to_owned()));
    let address = ResourceRecordSet::builder()
        .name("api.us-east-2.example.com")
        .r#type(RrType::A)
        .ttl(60)
        .resource_records(ResourceRecord::builder().value("192.0.2.7").build().unwrap())
        .build()
        .unwrap();
    let others_pair = ResourceRecordSet::builder()
        .name("orders.example.com")
        .r#type(RrType::Cname)
        .set_identifier("primary")
        .failover(ResourceRecordSetFailover::Primary)
        .ttl(5)
        .health_check_id("0000-another")
        .resource_records(ResourceRecord::builder().value("old.example.com").build().unwrap())
        .build()
        .unwrap();
    let mut other_environments = plain("api.us-east-1.example.com", "d-1.execute-api.us-east-1.amazonaws.com");
    other_environments.set_identifier = Some("understudy:environment=dev2".to_owned());
    other_environments.weight = Some(1);
    for (other, kind) in [
        (
            plain("api.us-east-1.example.com", "old.example.com"),
            "type CNAME for api.us-east-1",
        ),
        // Where it leads makes it no more ours.
        (
            plain("api.us-east-1.example.com", "d-1.execute-api.us-east-1.amazonaws.com"),
            "type CNAME for api.us-east-1",
        ),
        (other_environments, "type CNAME for api.us-east-1"),
        (address, "type A for api.us-east-2"),
        (plain("orders.example.com", "old.example.com"), "type CNAME for orders"),
        (others_pair, "type CNAME for orders"),
    ] {
        change(&shared, &id, ChangeAction::Create, &other).await;
        let before = values(&shared, &id).await;
        not_ours(&records, &[&format!("{kind}.example.com"), "another public name"]).await;
        assert_eq!(remove(&records, true).await, []);
        assert_eq!(values(&shared, &id).await, before);
        change(&shared, &id, ChangeAction::Delete, &other).await;
    }
    apply(&records).await;
    assert_eq!(values(&shared, &id).await.len(), 4);
    assert_eq!(remove(&records, false).await, []);
    assert_eq!(values(&shared, &id).await, []);
}

/// Whoever turns a record of ours by hand does not take it away from us.
#[tokio::test]
async fn a_record_of_ours_that_was_turned_by_hand_is_turned_back() {
    let (_emulator, shared) = start().await;
    apply(&zone(&shared)).await;
    let id = zone(&shared).find().await.unwrap().unwrap().id;
    let records = records(&shared, Some("0000-primary".to_owned()));
    apply(&records).await;
    let before = values(&shared, &id).await;
    let route53 = shared.aws.route53(&shared.regions[0]);
    let all = route53.list_resource_record_sets().hosted_zone_id(&id).send().await;
    for mut record in all.unwrap().resource_record_sets {
        let regional = record.name() == "api.us-east-2.example.com.";
        if regional || record.failover() == Some(&ResourceRecordSetFailover::Secondary) {
            let value = ResourceRecord::builder().value("elsewhere.example.org").build();
            record.resource_records = Some(vec![value.unwrap()]);
            change(&shared, &id, ChangeAction::Upsert, &record).await;
        }
    }
    let planned = plan(&records).await;
    assert_eq!(planned.len(), 2, "{planned:#?}");
    assert_eq!(
        planned[1],
        "Change record orders.example.com (SECONDARY) in global: elsewhere.example.org -> api.us-east-2.example.com"
    );
    apply(&records).await;
    assert_eq!(values(&shared, &id).await, before);
}

/// What comes after the records asks the DNS, so they have to be there first.
#[tokio::test]
async fn a_change_is_waited_for_until_all_name_servers_have_it() {
    let emulator = Emulator::ministack();
    let asked = Arc::new(AtomicUsize::new(0));
    let looks = Arc::clone(&asked);
    let endpoint = proxy(emulator.url().as_str(), move |request| {
        let pending = request.starts_with("GET /2013-04-01/change/") && looks.fetch_add(1, Ordering::SeqCst) < 20;
        pending.then(|| {
            Instead::Xml(
                "<GetChangeResponse><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>\
                 <SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></GetChangeResponse>"
                    .to_owned(),
            )
        })
    });
    let shared = crate::support::shared(&endpoint).await;
    apply(&zone(&shared)).await;
    let after_zone = asked.load(Ordering::SeqCst);
    assert!(after_zone > 20, "the new zone is waited for: {after_zone}");
    asked.store(0, Ordering::SeqCst);
    apply(&records(&shared, Some("0000-primary".to_owned()))).await;
    let after_records = asked.load(Ordering::SeqCst);
    // Four records, each asked for until it is there; the emulator itself says no once.
    assert!(after_records >= 20 + 4, "{after_records}");
}
