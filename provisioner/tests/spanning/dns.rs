//! Zone, health checks, records, validation of certificates.

use aws_sdk_acm::types::{Tag, ValidationMethod};
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HealthCheckType, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover,
};
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::spanning::certificates::Certificates;
use understudy_provisioner::spanning::checks::{Asks, Check, Checks};
use understudy_provisioner::spanning::records::{Records, Regional};
use understudy_provisioner::spanning::switches::ENGAGED;
use understudy_provisioner::spanning::zone::Zone;
use understudy_provisioner::spanning::{Reconciler as _, Shared};

use crate::support::{apply, plan, remove, start};

fn zone(shared: &Shared) -> Zone {
    Zone {
        shared: shared.clone(),
        domain: "example.com".to_owned(),
        name: "understudy-dev1-zone".to_owned(),
        given: None,
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
    let steps = apply(&certificates).await;
    assert_eq!(steps.len(), 2, "{steps:#?}");
    assert!(steps[0].starts_with("Add validation record _"), "{steps:#?}");
    assert_eq!(remove(&certificates, false).await, []);
    assert_eq!(remove(&zone(&shared), false).await, []);
}
