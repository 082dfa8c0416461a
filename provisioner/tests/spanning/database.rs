//! The global database: made, left alone after a failover, rebuilt only when that is asked for.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_rds::types::DbCluster;
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::spanning::database::{Cluster, Database, Wanted};
use understudy_provisioner::spanning::secrets::{Holds, Replica, Secret, Secrets};
use understudy_provisioner::spanning::tables::{Table, Tables};
use understudy_provisioner::spanning::{Next, Reconciler as _, Shared};

use crate::proxy::proxy;
use crate::support;
use crate::support::{apply, plan, refused, remove, start};

/// The only version of 16 that the emulator takes.
const VERSION: &str = "16.11";

/// The parameter group of the instances, as their stack makes it.
const INSTANCES: &str = "understudy-dev1-instance-parameters";

fn monitoring(region: &str) -> String {
    format!("arn:aws:iam::000000000000:role/understudy-dev1-{region}-database-monitoring")
}

pub(crate) fn database(shared: &Shared) -> Database {
    let cluster = |region: &str| Cluster {
        name: format!("understudy-dev1-{region}-database"),
        subnet_group: format!("understudy-dev1-{region}-database"),
        parameter_group: "default.aurora-postgresql16".to_owned(),
        instance_parameter_group: INSTANCES.to_owned(),
        monitoring_role: Some(monitoring(region)),
        security_groups: Some(vec!["sg-1".to_owned()]),
        key: Some(format!("arn:aws:kms:{region}:000000000000:key/1")),
    };
    Database {
        shared: shared.clone(),
        wanted: Wanted {
            global: "understudy-dev1-global".to_owned(),
            clusters: [cluster("us-east-1"), cluster("us-east-2")],
            lease_table: "understudy-dev1-lease".to_owned(),
            engine_version: VERSION.to_owned(),
            database: "orders".to_owned(),
            user: "orders".to_owned(),
            secret: "understudy-dev1-database".to_owned(),
            class: "db.r6g.large".to_owned(),
            instances: 1,
            retention_days: 14,
            rebuild_standby: false,
        },
    }
}

/// What the database needs: a password, the lease table, and groups.
pub(crate) async fn prepare(shared: &Shared) {
    for region in &shared.regions {
        let rds = shared.aws.rds(region);
        let group = rds.create_db_parameter_group().db_parameter_group_name(INSTANCES);
        let group = group
            .db_parameter_group_family("aurora-postgresql16")
            .description("test");
        group.send().await.unwrap();
    }
    apply(&Secrets {
        name: "secrets",
        asked_for: true,
        shared: shared.clone(),
        secrets: vec![Secret {
            name: "understudy-dev1-database".to_owned(),
            holds: Holds::Login("orders".to_owned()),
            description: "test".to_owned(),
            key: None,
            replicas: vec![Replica {
                region: shared.regions[1].clone(),
                key: None,
            }],
        }],
    })
    .await;
    apply(&Tables {
        shared: shared.clone(),
        tables: vec![Table {
            name: "understudy-dev1-lease".to_owned(),
            home: shared.regions[0].clone(),
            replicas: vec![shared.regions[1].clone()],
            witness: Some(shared.witness.clone()),
            key: "id".to_owned(),
            expires: None,
        }],
    })
    .await;
}

/// Writes a lease item as the engine would.
async fn lease(shared: &Shared, epoch: u64, holder: &str, more: &[(&str, &str)]) {
    let client = shared.aws.dynamodb(&shared.regions[0]);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mut call = client
        .put_item()
        .table_name("understudy-dev1-lease")
        .item("id", text("lease"))
        .item("epoch", AttributeValue::N(epoch.to_string()))
        .item("holder", text(holder));
    for (name, value) in more {
        call = call.item(*name, text(value));
    }
    call.send().await.unwrap();
}

async fn members(shared: &Shared) -> Vec<(String, bool)> {
    let rds = shared.aws.rds(&shared.regions[0]);
    let globals = rds.describe_global_clusters().send().await.unwrap();
    let mut members = Vec::new();
    for global in globals.global_clusters() {
        for member in global.global_cluster_members() {
            let arn = member.db_cluster_arn().unwrap();
            members.push((arn.split(':').nth(3).unwrap().to_owned(), member.is_writer().unwrap()));
        }
    }
    members.sort();
    members
}

/// R2.1, R9.3, R9.4.
#[tokio::test]
async fn a_writer_at_home_and_a_secondary_with_an_instance() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let database = database(&shared);
    let steps = apply(&database).await;
    assert!(steps[0].ends_with("us-east-1: the writer"), "{steps:#?}");
    assert_eq!(
        members(&shared).await,
        [("us-east-1".to_owned(), true), ("us-east-2".to_owned(), false)]
    );
    for region in &shared.regions {
        let rds = shared.aws.rds(region);
        let clusters = rds.describe_db_clusters().send().await.unwrap();
        let cluster = &clusters.db_clusters()[0];
        assert_eq!(cluster.storage_encrypted(), Some(true));
        assert_eq!(cluster.backup_retention_period(), Some(14));
        assert_eq!(cluster.deletion_protection(), Some(true));
        assert_eq!(cluster.engine_version(), Some(VERSION));
        assert_eq!(cluster.iam_database_authentication_enabled(), Some(true));
        assert_eq!(security_groups(cluster), ["sg-1"]);
        let instances = rds.describe_db_instances().send().await.unwrap();
        let instance = &instances.db_instances()[0];
        assert_eq!(
            instance.db_parameter_groups()[0].db_parameter_group_name(),
            Some(INSTANCES)
        );
        assert_eq!(instance.monitoring_interval(), Some(60));
        assert_eq!(
            instance.monitoring_role_arn(),
            Some(monitoring(region.as_str()).as_str())
        );
        assert_eq!(
            cluster.db_cluster_members().len(),
            1,
            "one that has no instance cannot be promoted"
        );
        let secret = shared
            .aws
            .secrets(region)
            .get_secret_value()
            .secret_id("understudy-dev1-database");
        let secret = secret.send().await.unwrap().secret_string.unwrap();
        let secret: serde_json::Value = serde_json::from_str(&secret).unwrap();
        let told = steps.concat();
        assert!(
            !told.contains(secret["password"].as_str().unwrap()),
            "a password is never told"
        );
    }
    assert_eq!(
        remove(&database, false).await.len(),
        3,
        "two clusters and the global one are kept"
    );
    assert_eq!(remove(&database, true).await, []);
    assert_eq!(members(&shared).await, []);
    let rds = shared.aws.rds(&shared.regions[0]);
    assert!(
        rds.describe_global_clusters()
            .send()
            .await
            .unwrap()
            .global_clusters()
            .is_empty()
    );
    assert!(
        rds.describe_db_instances()
            .send()
            .await
            .unwrap()
            .db_instances()
            .is_empty()
    );
}

fn security_groups(cluster: &DbCluster) -> Vec<&str> {
    let groups = cluster.vpc_security_groups().iter();
    groups.filter_map(|group| group.vpc_security_group_id()).collect()
}

/// What somebody changes by hand is seen in both regions, and brought back.
#[tokio::test]
async fn settings_of_clusters_and_instances_that_drifted_are_brought_back() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let database = database(&shared);
    apply(&database).await;
    for (index, region) in shared.regions.iter().enumerate() {
        let rds = shared.aws.rds(region);
        let name = &database.wanted.clusters[index].name;
        let cluster = rds.modify_db_cluster().db_cluster_identifier(name);
        cluster
            .vpc_security_group_ids("sg-open")
            .enable_iam_database_authentication(false)
            .backup_retention_period(1)
            .apply_immediately(true)
            .send()
            .await
            .unwrap();
        let instance = rds.modify_db_instance().db_instance_identifier(format!("{name}-1"));
        instance
            .db_parameter_group_name("default.aurora-postgresql16")
            .monitoring_interval(5)
            .monitoring_role_arn("arn:aws:iam::000000000000:role/other")
            .publicly_accessible(true)
            .apply_immediately(true)
            .send()
            .await
            .unwrap();
    }
    let expected = |region: &str| {
        [
            format!(
                "Change database instance understudy-dev1-{region}-database-1 in {region}: parameter group {INSTANCES}, \
                 monitored every 5 -> 60 s, the role for monitoring, it has a public address"
            ),
            format!(
                "Change database cluster understudy-dev1-{region}-database in {region}: backups for 1 -> 14 days, security \
                 groups sg-open -> sg-1, who may connect by IAM"
            ),
        ]
    };
    assert_eq!(
        plan(&database).await,
        [expected("us-east-1"), expected("us-east-2")].concat()
    );
    apply(&database).await;
    for region in &shared.regions {
        let rds = shared.aws.rds(region);
        let clusters = rds.describe_db_clusters().send().await.unwrap();
        assert_eq!(security_groups(&clusters.db_clusters()[0]), ["sg-1"]);
    }
}

/// ministack keeps what an instance is made with here, and not what it is changed to: so the call is looked at.
#[tokio::test]
async fn an_instance_that_takes_minor_versions_by_itself_is_told_not_to() {
    let (emulator, shared) = start().await;
    prepare(&shared).await;
    let mut database = database(&shared);
    apply(&database).await;
    let cluster = &database.wanted.clusters[0];
    let call = shared.aws.rds(&shared.regions[0]).create_db_instance();
    let call = call.db_instance_identifier(format!("{}-2", cluster.name));
    let call = call.db_cluster_identifier(&cluster.name).engine("aurora-postgresql");
    let call = call
        .db_instance_class("db.r6g.large")
        .db_parameter_group_name(INSTANCES);
    let call = call
        .monitoring_interval(60)
        .monitoring_role_arn(monitoring("us-east-1"));
    call.auto_minor_version_upgrade(true).send().await.unwrap();
    database.wanted.instances = 2;
    let wrong =
        "Change database instance understudy-dev1-us-east-1-database-2 in us-east-1: minor versions come by themselves";
    let planned = plan(&database).await;
    assert_eq!(planned[0], wrong, "{planned:#?}");

    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let between = proxy(emulator.url().as_str(), move |request| {
        if request.contains("Action=ModifyDBInstance") {
            heard.lock().unwrap().push(request.to_owned());
        }
        None
    });
    database.shared = support::shared(&between).await;
    let differences = database.differences().await.unwrap();
    let Next::Act(act) = differences.into_iter().next().unwrap().next else {
        panic!("nothing is done about it");
    };
    act().await.unwrap();
    let told = told.lock().unwrap();
    assert!(told[0].contains("AutoMinorVersionUpgrade=false"), "{told:#?}");
}

/// The cluster keeps them for good, and whoever is told others finds nothing there.
#[tokio::test]
async fn another_name_or_an_older_version_is_refused_with_the_one_to_write_back() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let mut database = database(&shared);
    apply(&database).await;
    database.wanted.database = "trades".to_owned();
    let trouble = refused(&database).await;
    assert_eq!(trouble.kind, TroubleKind::Unfit);
    let said = trouble.to_string();
    assert!(said.contains("write orders back into `database.name`"), "{said}");
    let planned = plan(&database).await;
    let change = "Change database cluster understudy-dev1-us-east-1-database in us-east-1";
    assert_eq!(planned, [format!("{change}: database orders -> trades")]);

    database.wanted.database = "orders".to_owned();
    database.wanted.user = "trader".to_owned();
    let said = refused(&database).await.to_string();
    assert!(said.contains("write orders back into `database.user`"), "{said}");

    database.wanted.user = "orders".to_owned();
    // As text, it would be the newer one.
    database.wanted.engine_version = "16.9".to_owned();
    let trouble = refused(&database).await;
    assert_eq!(trouble.kind, TroubleKind::Unfit);
    let said = trouble.to_string();
    assert!(said.contains("write 16.11 into `database.engine-version`"), "{said}");
    assert_eq!(plan(&database).await, [format!("{change}: version 16.11 -> 16.9")]);
}

#[tokio::test]
async fn while_roles_change_nothing_is_touched() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let database = database(&shared);
    apply(&database).await;
    for (more, why) in [
        (
            &[("claim_region", "away"), ("claim_nonce", "1-1")][..],
            "us-east-2 has claimed the lease (epoch 4)",
        ),
        (
            &[("role_change", "failover"), ("role_change_step", "promote")][..],
            "a failover (at promote) is under way (epoch 4)",
        ),
    ] {
        lease(&shared, 4, "home", more).await;
        let trouble = database.differences().await.unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::Refused);
        assert!(trouble.to_string().starts_with(why), "{trouble}");
        assert_eq!(database.leftovers(true).await.unwrap_err().kind, TroubleKind::Refused);
    }
    // The lease moved, and the database has not yet.
    lease(&shared, 5, "away", &[]).await;
    let trouble = database.differences().await.unwrap_err();
    assert!(trouble.to_string().contains("roles are not settled"), "{trouble}");
}

/// The drift that other tools "repair".
#[tokio::test]
async fn after_a_failover_the_roles_are_left_as_they_are() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let database = database(&shared);
    apply(&database).await;
    let arn = format!(
        "arn:aws:rds:us-east-2:000000000000:cluster:{}",
        database.wanted.clusters[1].name
    );
    let rds = shared.aws.rds(&shared.regions[1]);
    let call = rds
        .failover_global_cluster()
        .global_cluster_identifier("understudy-dev1-global");
    call.target_db_cluster_identifier(arn)
        .allow_data_loss(true)
        .send()
        .await
        .unwrap();
    lease(&shared, 2, "away", &[]).await;
    assert_eq!(plan(&database).await, Vec::<String>::new());
    apply(&database).await;
    assert_eq!(
        members(&shared).await,
        [("us-east-1".to_owned(), false), ("us-east-2".to_owned(), true)]
    );
}

#[tokio::test]
async fn after_a_detach_the_old_cluster_is_replaced_only_if_that_is_asked_for() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let mut database = database(&shared);
    apply(&database).await;
    let arn = format!(
        "arn:aws:rds:us-east-2:000000000000:cluster:{}",
        database.wanted.clusters[1].name
    );
    let rds = shared.aws.rds(&shared.regions[1]);
    let detach = rds
        .remove_from_global_cluster()
        .global_cluster_identifier("understudy-dev1-global");
    detach.db_cluster_identifier(&arn).send().await.unwrap();
    let global = rds
        .create_global_cluster()
        .global_cluster_identifier("understudy-dev1-global-2");
    global.source_db_cluster_identifier(&arn).send().await.unwrap();
    lease(&shared, 2, "away", &[]).await;
    let differences = database.differences().await.unwrap();
    let planned = plan(&database).await;
    assert!(
        planned[0].starts_with("Replace database cluster understudy-dev1-us-east-1-database"),
        "{planned:#?}"
    );
    assert!(differences[0].risk.is_some());
    let steps = support::Steps::default();
    let refused = understudy_provisioner::spanning::converge("database", &steps, support::PATIENCE, async || {
        database.differences().await
    });
    let refused = refused.await.unwrap_err();
    assert!(refused.to_string().contains("apply --rebuild-standby"), "{refused}");
    assert_eq!(steps.taken(), Vec::<String>::new(), "nothing was touched");
    database.wanted.rebuild_standby = true;
    apply(&database).await;
    let rds = shared.aws.rds(&shared.regions[0]);
    let snapshots = rds.describe_db_cluster_snapshots().send().await.unwrap();
    let names: Vec<_> = snapshots
        .db_cluster_snapshots()
        .iter()
        .map(|snapshot| snapshot.db_cluster_snapshot_identifier())
        .collect();
    assert_eq!(names, [Some("understudy-dev1-us-east-1-database-before-epoch-2")]);
    assert_eq!(
        members(&shared).await,
        [("us-east-1".to_owned(), false), ("us-east-2".to_owned(), true)]
    );
    // The engine gives a new global cluster no tags; without them, nobody could tell whose it is once it is empty.
    let rds = shared.aws.rds(&shared.regions[0]);
    let globals = rds.describe_global_clusters().send().await.unwrap();
    for global in globals.global_clusters() {
        let tags = global.tag_list().iter();
        let owners: Vec<_> = tags.filter(|tag| tag.key() == Some("understudy:environment")).collect();
        assert_eq!(owners.len(), 1, "{global:?}");
    }
    assert_eq!(remove(&database, true).await, []);
    let globals = rds.describe_global_clusters().send().await.unwrap();
    assert_eq!(globals.global_clusters(), []);
}
