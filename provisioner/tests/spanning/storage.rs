//! Tables, secrets, parameters, switches, replication of buckets.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, PointInTimeRecoveryStatus};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, DeleteMarkerReplicationStatus,
    LifecycleRule, ReplicaModificationsStatus, ReplicationRule, ReplicationRuleFilter, ServerSideEncryption,
    SseKmsEncryptedObjectsStatus, VersioningConfiguration,
};
use aws_sdk_secretsmanager::types::ReplicaRegionType;
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::spanning::parameters::Parameters;
use understudy_provisioner::spanning::replication::{Pair, Replication};
use understudy_provisioner::spanning::secrets::{Holds, Replica, Secret, Secrets};
use understudy_provisioner::spanning::switches::{Standing, Switches};
use understudy_provisioner::spanning::tables::{Table, Tables};
use understudy_provisioner::spanning::{Reconciler as _, Shared};

use crate::support::{apply, plan, refused, remove, start};

fn tables(shared: &Shared) -> Tables {
    let [home, away] = shared.regions.clone();
    let table = |name: &str, replicas: Vec<_>, witness| Table {
        name: format!("understudy-dev1-{name}"),
        home: home.clone(),
        replicas,
        witness,
        key: "id".to_owned(),
        expires: None,
    };
    Tables {
        shared: shared.clone(),
        tables: vec![
            Table {
                expires: Some("expires".to_owned()),
                ..table("sessions", vec![away.clone()], None)
            },
            table("lease", vec![away.clone()], Some(shared.witness.clone())),
            Table {
                home: away.clone(),
                ..table("switches", vec![], None)
            },
        ],
    }
}

/// R2.3, R2.4: a global table with point-in-time recovery on every replica, whose items arrive in the other region.
#[tokio::test]
async fn tables_replicate_and_can_be_restored_in_both_regions() {
    let (_emulator, shared) = start().await;
    let tables = tables(&shared);
    let planned = plan(&tables).await;
    assert!(
        planned
            .iter()
            .any(|line| line.contains("lease in us-east-1: strongly consistent")),
        "{planned:#?}"
    );
    apply(&tables).await;
    let [home, away] = &shared.regions;
    for region in [home, away] {
        let client = shared.aws.dynamodb(region);
        for name in ["understudy-dev1-sessions", "understudy-dev1-lease"] {
            let backups = client
                .describe_continuous_backups()
                .table_name(name)
                .send()
                .await
                .unwrap();
            let recovery = backups
                .continuous_backups_description
                .unwrap()
                .point_in_time_recovery_description;
            let status = recovery.unwrap().point_in_time_recovery_status;
            assert_eq!(status, Some(PointInTimeRecoveryStatus::Enabled), "{name} in {region}");
        }
    }
    let item = AttributeValue::S("s1".to_owned());
    let put = shared
        .aws
        .dynamodb(home)
        .put_item()
        .table_name("understudy-dev1-sessions");
    put.item("id", item.clone()).send().await.unwrap();
    let get = shared
        .aws
        .dynamodb(away)
        .get_item()
        .table_name("understudy-dev1-sessions");
    let found = get.key("id", item).send().await.unwrap();
    assert!(found.item.is_some(), "the session arrives in the other region");
}

#[tokio::test]
async fn tables_go_only_if_their_data_may_go() {
    let (_emulator, shared) = start().await;
    let tables = tables(&shared);
    apply(&tables).await;
    let kept = remove(&tables, false).await;
    assert_eq!(kept.len(), 3, "{kept:#?}");
    assert_eq!(plan(&tables).await, Vec::<String>::new(), "nothing was touched");
    assert_eq!(remove(&tables, true).await, []);
    for region in &shared.regions {
        let names = shared.aws.dynamodb(region).list_tables().send().await.unwrap();
        assert_eq!(names.table_names(), Vec::<String>::new(), "{region}");
    }
}

#[tokio::test]
async fn a_table_of_somebody_else_is_left_alone() {
    let (_emulator, shared) = start().await;
    let stranger = Shared {
        tags: BTreeMap::from([("team".to_owned(), "other".to_owned())]),
        ..shared.clone()
    };
    apply(&Tables {
        tables: tables(&shared).tables[2..].to_vec(),
        shared: Shared {
            owner_key: "team".to_owned(),
            ..stranger
        },
    })
    .await;
    let trouble = tables(&shared).differences().await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::NotOurs);
    assert!(
        trouble.to_string().contains("choose another environment suffix"),
        "{trouble}"
    );
    assert_eq!(remove(&tables(&shared), true).await, []);
    let names = shared
        .aws
        .dynamodb(&shared.regions[1])
        .list_tables()
        .send()
        .await
        .unwrap();
    assert_eq!(names.table_names(), ["understudy-dev1-switches"]);
}

#[tokio::test]
async fn a_secret_has_a_replica_with_the_same_value() {
    let (_emulator, shared) = start().await;
    let secrets = Secrets {
        name: "secrets",
        asked_for: true,
        shared: shared.clone(),
        secrets: vec![Secret {
            name: "understudy-dev1-database".to_owned(),
            holds: Holds::Login("orders".to_owned()),
            description: "The owner of the order database".to_owned(),
            key: None,
            replicas: vec![Replica {
                region: shared.regions[1].clone(),
                key: None,
            }],
        }],
    };
    apply(&secrets).await;
    let mut values = Vec::new();
    for region in &shared.regions {
        let get = shared
            .aws
            .secrets(region)
            .get_secret_value()
            .secret_id("understudy-dev1-database");
        values.push(get.send().await.unwrap().secret_string.unwrap());
    }
    assert_eq!(values[0], values[1]);
    let value: serde_json::Value = serde_json::from_str(&values[0]).unwrap();
    assert_eq!(value["username"], "orders");
    assert_eq!(value["password"].as_str().unwrap().len(), 40);
    assert_eq!(remove(&secrets, false).await.len(), 1);
    assert_eq!(remove(&secrets, true).await, []);
    // Its key is gone as well, so nothing is left that could be restored and not be read.
    let steps = apply(&secrets).await;
    assert!(
        steps[0].starts_with("Add secret understudy-dev1-database"),
        "{steps:#?}"
    );
}

fn key(region: &str, id: &str) -> String {
    format!("arn:aws:kms:{region}:000000000000:key/{id}")
}

/// A token with a replica, both under keys of their own.
fn under_keys(shared: &Shared, id: &str) -> Secrets {
    let [home, away] = shared.regions.each_ref();
    Secrets {
        name: "secrets",
        asked_for: true,
        shared: shared.clone(),
        secrets: vec![Secret {
            name: "understudy-dev1-token".to_owned(),
            holds: Holds::Token,
            description: "test".to_owned(),
            key: Some(key(home.as_str(), id)),
            replicas: vec![Replica {
                region: away.clone(),
                key: Some(key(away.as_str(), id)),
            }],
        }],
    }
}

/// A key that is not the environment's any more is on its way out, and what it encrypts with it.
#[tokio::test]
async fn a_deleted_secret_is_restored_only_under_the_key_that_it_should_have() {
    let (_emulator, shared) = start().await;
    let client = shared.aws.secrets(&shared.regions[0]);
    let before = under_keys(&shared, "1");
    apply(&before).await;
    let name = "understudy-dev1-token";
    let delete = async || {
        let call = client.delete_secret().secret_id(name).recovery_window_in_days(7);
        call.send().await.unwrap();
    };
    delete().await;
    assert_eq!(
        apply(&before).await,
        ["Change secret understudy-dev1-token in us-east-1: restored from its deletion"]
    );
    delete().await;
    let after = under_keys(&shared, "2");
    let trouble = refused(&after).await;
    assert_eq!(trouble.kind, TroubleKind::Refused);
    let said = trouble.to_string();
    for part in [
        "encrypted with arn:aws:kms:us-east-1:000000000000:key/1",
        "aws kms cancel-key-deletion --region us-east-1 --key-id arn:aws:kms:us-east-1:000000000000:key/1",
        "aws secretsmanager delete-secret --region us-east-1 --secret-id understudy-dev1-token --force-delete-without-recovery",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The way out.
    let call = client
        .delete_secret()
        .secret_id(name)
        .force_delete_without_recovery(true);
    call.send().await.unwrap();
    apply(&after).await;
}

#[tokio::test]
async fn a_secret_under_another_key_gets_the_right_one_and_its_replica_is_made_anew() {
    let (_emulator, shared) = start().await;
    let client = shared.aws.secrets(&shared.regions[0]);
    let name = "understudy-dev1-token";
    let secrets = under_keys(&shared, "1");
    apply(&secrets).await;
    let encrypt = async |key: &str| {
        let call = client.update_secret().secret_id(name).kms_key_id(key);
        call.send().await.unwrap();
    };
    // By its id alone, it is the same key.
    encrypt("1").await;
    assert_eq!(plan(&secrets).await, Vec::<String>::new());
    let other = key("us-east-1", "other");
    encrypt(&other).await;
    let wanted = key("us-east-1", "1");
    assert_eq!(
        apply(&secrets).await,
        [format!("Change secret {name} in us-east-1: key {other} -> {wanted}")]
    );
    let there = client.describe_secret().secret_id(name).send().await.unwrap();
    assert_eq!(there.kms_key_id(), Some(wanted.as_str()));
    // ministack cannot take a replica away.
    let other = key("us-east-2", "other");
    let replica = ReplicaRegionType::builder()
        .region("us-east-2")
        .kms_key_id(&other)
        .build();
    let call = client.replicate_secret_to_regions().secret_id(name);
    call.add_replica_regions(replica).send().await.unwrap();
    assert_eq!(
        plan(&secrets).await,
        [format!(
            "Replace secret {name} in us-east-2: the replica: key {other} -> {}",
            key("us-east-2", "1")
        )]
    );
}

/// R7.2.
#[tokio::test]
async fn parameters_are_the_same_in_both_regions_again_after_one_drifted() {
    let (_emulator, shared) = start().await;
    let name = "/understudy/dev1/shared/policy".to_owned();
    let parameters = Parameters {
        shared: shared.clone(),
        values: (0..12)
            .map(|number| (format!("/understudy/dev1/shared/p{number}"), "x".to_owned()))
            .chain([(name.clone(), "version = 1".repeat(500))])
            .collect(),
        later: Vec::new(),
    };
    apply(&parameters).await;
    let other = shared.aws.ssm(&shared.regions[1]);
    let put = other.put_parameter().name(&name).value("version = 2").overwrite(true);
    put.send().await.unwrap();
    assert_eq!(
        plan(&parameters).await,
        [
            "Change parameter /understudy/dev1/shared/policy in us-east-2: version = 2 -> version = 1version = 1version = 1version…"
        ]
    );
    apply(&parameters).await;
    let read = parameters.read(&shared.regions[1]).await.unwrap();
    assert_eq!(read, parameters.values);
    assert_eq!(remove(&parameters, false).await, []);
    assert!(parameters.read(&shared.regions[0]).await.unwrap().is_empty());
}

/// R4.3 of the one bucket that no stack has, and: what the engine wrote is not touched.
#[tokio::test]
async fn switches_are_released_and_a_flipped_one_is_not_touched() {
    let (_emulator, shared) = start().await;
    let switches = Switches {
        shared: shared.clone(),
        table: "understudy-dev1-switches".to_owned(),
        bucket: "understudy-dev1-switch-b-000000000000".to_owned(),
        versions_days: 90,
    };
    apply(&tables(&shared)).await;
    assert_eq!(switches.standing().await.unwrap().engaged, [None, None]);
    apply(&switches).await;
    let released = Standing {
        engaged: [Some(false), Some(false)],
    };
    assert_eq!(switches.standing().await, Ok(released));
    let s3 = shared.aws.s3(&shared.witness);
    let policy = s3.get_bucket_policy().bucket(&switches.bucket).send().await.unwrap();
    let policy: serde_json::Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
    assert_eq!(
        policy["Statement"][0]["Resource"],
        "arn:aws:s3:::understudy-dev1-switch-b-000000000000/switch-b.json"
    );
    let versioning = s3
        .get_bucket_versioning()
        .bucket(&switches.bucket)
        .send()
        .await
        .unwrap();
    assert_eq!(versioning.status, Some(BucketVersioningStatus::Enabled));
    let encryption = s3.get_bucket_encryption().bucket(&switches.bucket).send().await;
    let encryption = encryption.unwrap().server_side_encryption_configuration.unwrap();
    let by = encryption.rules()[0].apply_server_side_encryption_by_default().unwrap();
    assert_eq!(by.sse_algorithm(), &ServerSideEncryption::Aes256);
    let lifecycle = async || {
        let call = s3.get_bucket_lifecycle_configuration().bucket(&switches.bucket);
        call.send().await.unwrap().rules.unwrap()
    };
    let expires = |rules: &[LifecycleRule]| rules[0].noncurrent_version_expiration().unwrap().noncurrent_days();
    assert_eq!(expires(&lifecycle().await), Some(90));
    let shorter = Switches {
        versions_days: 30,
        shared: shared.clone(),
        table: switches.table.clone(),
        bucket: switches.bucket.clone(),
    };
    assert_eq!(
        plan(&shorter).await,
        [format!(
            "Change bucket {} in us-west-2: old versions expire",
            switches.bucket
        )]
    );
    apply(&shorter).await;
    assert_eq!(expires(&lifecycle().await), Some(30));
    apply(&switches).await;
    // What the engine wrote in a failover stays.
    let engaged = r#"{"answer":"engaged","engaged":true,"epoch":2,"order":1}"#;
    let put = s3.put_object().bucket(&switches.bucket).key("switch-b.json");
    put.body(engaged.as_bytes().to_vec().into()).send().await.unwrap();
    apply(&switches).await;
    assert_eq!(switches.standing().await.unwrap().engaged, [Some(false), Some(true)]);
    assert_eq!(remove(&switches, false).await, []);
    assert!(s3.head_bucket().bucket(&switches.bucket).send().await.is_err());
}

/// What somebody does to a rule.
type Drift = fn(&mut ReplicationRule);

/// Whatever somebody changes of a rule, it is seen and set again.
async fn drifted_rules_are_set_again(replication: &Replication) {
    let s3 = replication.shared.aws.s3(&replication.shared.regions[0]);
    let bucket = &replication.pairs[0].buckets[0];
    let read = async || {
        let is = s3.get_bucket_replication().bucket(bucket).send().await.unwrap();
        is.replication_configuration.unwrap()
    };
    let wanted = read().await;
    let drifts: [(&str, Drift); 7] = [
        ("its priority", |rule| rule.priority = Some(2)),
        ("only some objects", |rule| {
            rule.filter = Some(ReplicationRuleFilter::builder().prefix("some/").build());
        }),
        ("not what is encrypted", |rule| {
            let selection = rule.source_selection_criteria.as_mut().unwrap();
            selection.sse_kms_encrypted_objects.as_mut().unwrap().status = SseKmsEncryptedObjectsStatus::Disabled;
        }),
        ("not what changes on replicas", |rule| {
            let selection = rule.source_selection_criteria.as_mut().unwrap();
            selection.replica_modifications.as_mut().unwrap().status = ReplicaModificationsStatus::Disabled;
        }),
        ("no deletions", |rule| {
            let markers = rule.delete_marker_replication.as_mut().unwrap();
            markers.status = Some(DeleteMarkerReplicationStatus::Disabled);
        }),
        ("at no certain time", |rule| {
            let destination = rule.destination.as_mut().unwrap();
            destination.replication_time = None;
            destination.metrics.as_mut().unwrap().event_threshold = None;
        }),
        ("not measured", |rule| {
            let destination = rule.destination.as_mut().unwrap();
            destination.replication_time = None;
            destination.metrics = None;
        }),
    ];
    for (what, drift) in drifts {
        let mut drifted = wanted.clone();
        drift(&mut drifted.rules[0]);
        let put = s3.put_bucket_replication().bucket(bucket);
        put.replication_configuration(drifted).send().await.unwrap();
        let steps = apply(replication).await;
        assert_eq!(steps.len(), 1, "{what}: {steps:#?}");
        assert!(steps[0].starts_with("Change replication of "), "{what}: {steps:#?}");
        assert_eq!(read().await, wanted, "{what}");
    }
}

/// R4.1, R4.2.
#[tokio::test]
async fn objects_replicate_both_ways() {
    let (_emulator, shared) = start().await;
    let buckets = ["understudy-dev1-us-east-1-config", "understudy-dev1-us-east-2-config"].map(str::to_owned);
    for (region, bucket) in shared.regions.iter().zip(&buckets) {
        let s3 = shared.aws.s3(region);
        let mut call = s3.create_bucket().bucket(bucket);
        if region.as_str() != "us-east-1" {
            let place = BucketLocationConstraint::from(region.as_str());
            let place = CreateBucketConfiguration::builder().location_constraint(place).build();
            call = call.create_bucket_configuration(place);
        }
        call.send().await.unwrap();
        let on = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let call = s3.put_bucket_versioning().bucket(bucket).versioning_configuration(on);
        call.send().await.unwrap();
    }
    let key = |region: &str| Some(key(region, "1"));
    let role = |region: &str| {
        Some(format!(
            "arn:aws:iam::000000000000:role/understudy-dev1-{region}-replication"
        ))
    };
    let pair = Pair {
        buckets: buckets.clone(),
        keys: [key("us-east-1"), key("us-east-2")],
        roles: [role("us-east-1"), role("us-east-2")],
    };
    let replication = Replication {
        shared: shared.clone(),
        pairs: vec![pair],
    };
    apply(&replication).await;
    for from in 0..2 {
        let s3 = shared.aws.s3(&shared.regions[from]);
        let is = s3.get_bucket_replication().bucket(&buckets[from]).send().await.unwrap();
        let is = is.replication_configuration.unwrap();
        let to = is.rules()[0].destination().unwrap();
        assert_eq!(to.bucket(), format!("arn:aws:s3:::{}", buckets[1 - from]));
        let wanted = key(shared.regions[1 - from].as_str());
        assert_eq!(
            to.encryption_configuration().unwrap().replica_kms_key_id,
            wanted,
            "the other side's own key"
        );
        let object = format!("from-{from}");
        let put = s3
            .put_object()
            .bucket(&buckets[from])
            .key(&object)
            .body(b"x".to_vec().into());
        put.send().await.unwrap();
        let other = shared.aws.s3(&shared.regions[1 - from]);
        let mut tries = 0;
        while other
            .head_object()
            .bucket(&buckets[1 - from])
            .key(&object)
            .send()
            .await
            .is_err()
        {
            tries += 1;
            assert!(tries < 200, "{object} does not arrive");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    drifted_rules_are_set_again(&replication).await;
    assert_eq!(remove(&replication, false).await, []);
}
