//! What carries one of our names and not our tag: it is named, nothing is touched, and it is still there after a removal.
//! Tables, zones, records and stacks have their tests where the rest of theirs is.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::RuleState;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType, Tag as Route53Tag, TagResourceType};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag as S3Tag, Tagging};
use understudy_provisioner::aws::ec2::Ec2;
use understudy_provisioner::spanning::checks::{Asks, Check, Checks};
use understudy_provisioner::spanning::forwarding::Forwarding;
use understudy_provisioner::spanning::parameters::Parameters;
use understudy_provisioner::spanning::peering::{Peering, Peerings};
use understudy_provisioner::spanning::secrets::{Holds, Secret, Secrets};
use understudy_provisioner::spanning::switches::Switches;

use crate::database::{database, prepare};
use crate::network::network;
use crate::support::{not_ours, remove, start};

/// Another environment's value of the tag by which we know our own.
const THEIRS: (&str, &str) = ("understudy:environment", "dev2");

#[tokio::test]
async fn a_health_check() {
    let (_emulator, shared) = start().await;
    let route53 = shared.aws.route53(&shared.regions[0]);
    let config = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Https)
        .fully_qualified_domain_name("old.example.com")
        .build()
        .unwrap();
    let made = route53
        .create_health_check()
        .caller_reference("understudy-dev1-home-endpoint-at-1")
        .health_check_config(config)
        .send()
        .await
        .unwrap();
    let id = made.health_check.unwrap().id;
    let tag = Route53Tag::builder().key(THEIRS.0).value(THEIRS.1).build();
    let call = route53.change_tags_for_resource().resource_id(&id);
    let call = call.resource_type(TagResourceType::Healthcheck).add_tags(tag);
    call.send().await.unwrap();
    let checks = Checks {
        shared: shared.clone(),
        checks: vec![Check {
            name: "understudy-dev1-home-endpoint".to_owned(),
            asks: Asks::Text {
                host: "api.us-east-1.example.com".to_owned(),
                path: "/health".to_owned(),
                text: "healthy".to_owned(),
                inverted: false,
            },
        }],
        interval_s: 10,
        failures: 3,
    };
    not_ours(&checks, &["health check understudy-dev1-home-endpoint", &id]).await;
    assert_eq!(remove(&checks, true).await, []);
    let there = route53.get_health_check().health_check_id(&id).send().await.unwrap();
    let config = there.health_check.unwrap().health_check_config.unwrap();
    assert_eq!(config.fully_qualified_domain_name(), Some("old.example.com"));
}

#[tokio::test]
async fn a_secret() {
    let (_emulator, shared) = start().await;
    let client = shared.aws.secrets(&shared.regions[0]);
    let name = "understudy-dev1-database";
    let tag = aws_sdk_secretsmanager::types::Tag::builder()
        .key(THEIRS.0)
        .value(THEIRS.1)
        .build();
    let call = client.create_secret().name(name).secret_string("theirs").tags(tag);
    call.send().await.unwrap();
    let secrets = Secrets {
        name: "secrets",
        asked_for: true,
        shared: shared.clone(),
        secrets: vec![Secret {
            name: name.to_owned(),
            holds: Holds::Login("orders".to_owned()),
            description: "test".to_owned(),
            key: None,
            replicas: Vec::new(),
        }],
    };
    not_ours(&secrets, &["secret understudy-dev1-database exists in us-east-1"]).await;
    assert_eq!(remove(&secrets, true).await, []);
    let value = client.get_secret_value().secret_id(name).send().await.unwrap();
    assert_eq!(value.secret_string(), Some("theirs"));
}

/// The standby region's only: the primary's is not made either.
#[tokio::test]
async fn a_parameter() {
    let (_emulator, shared) = start().await;
    let name = "/understudy/dev1/shared/primary";
    let other = shared.aws.ssm(&shared.regions[1]);
    let put = other.put_parameter().name(name).value("theirs");
    let put = put.r#type(aws_sdk_ssm::types::ParameterType::String);
    put.send().await.unwrap();
    let parameters = Parameters {
        shared: shared.clone(),
        values: BTreeMap::from([(name.to_owned(), "us-east-1".to_owned())]),
        later: Vec::new(),
    };
    not_ours(&parameters, &[&format!("parameter {name} exists in us-east-2")]).await;
    assert_eq!(remove(&parameters, true).await, []);
    let read = async |index: usize| parameters.read(&shared.regions[index]).await.unwrap().remove(name);
    assert_eq!(read(1).await.as_deref(), Some("theirs"));
    assert_eq!(read(0).await, None);
}

#[tokio::test]
async fn a_rule() {
    let (_emulator, shared) = start().await;
    let client = shared.aws.eventbridge(&shared.regions[1]);
    let rules = ["understudy-dev1-us-east-1-forward", "understudy-dev1-us-east-2-forward"].map(str::to_owned);
    let put = client
        .put_rule()
        .name(&rules[1])
        .event_pattern(r#"{"source":["theirs"]}"#);
    put.state(RuleState::Enabled).send().await.unwrap();
    let some = || [Some("arn:x".to_owned()), Some("arn:x".to_owned())];
    let forwarding = Forwarding {
        shared: shared.clone(),
        rules: rules.clone(),
        roles: some(),
        dead_letters: some(),
    };
    not_ours(
        &forwarding,
        &["rule understudy-dev1-us-east-2-forward exists in us-east-2"],
    )
    .await;
    assert_eq!(remove(&forwarding, true).await, []);
    let rule = client.describe_rule().name(&rules[1]).send().await.unwrap();
    assert_eq!(rule.event_pattern(), Some(r#"{"source":["theirs"]}"#));
}

#[tokio::test]
async fn a_database_cluster() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let database = database(&shared);
    let rds = shared.aws.rds(&shared.regions[1]);
    let name = &database.wanted.clusters[1].name;
    let call = rds.create_db_cluster().db_cluster_identifier(name);
    let call = call.engine("aurora-postgresql").engine_version("16.11");
    let call = call.master_username("theirs").master_user_password("theirs-theirs");
    call.send().await.unwrap();
    let said = "database cluster understudy-dev1-us-east-2-database exists in us-east-2";
    not_ours(&database, &[said]).await;
    assert_eq!(remove(&database, true).await, []);
    let there = rds.describe_db_clusters().send().await.unwrap();
    assert_eq!(there.db_clusters()[0].master_username(), Some("theirs"));
    let home = shared.aws.rds(&shared.regions[0]).describe_db_clusters().send().await;
    assert_eq!(home.unwrap().db_clusters().len(), 0);
}

/// Also one with a name that the engine would take after a detach.
#[tokio::test]
async fn a_global_cluster() {
    let (_emulator, shared) = start().await;
    prepare(&shared).await;
    let database = database(&shared);
    let rds = shared.aws.rds(&shared.regions[0]);
    for name in ["understudy-dev1-global", "understudy-dev1-global-2"] {
        let call = rds.create_global_cluster().global_cluster_identifier(name);
        let call = call.engine("aurora-postgresql").engine_version("16.11");
        call.send().await.unwrap();
        not_ours(&database, &[&format!("global cluster {name} exists")]).await;
        assert_eq!(remove(&database, true).await, []);
        let there = rds.describe_global_clusters().send().await.unwrap();
        assert_eq!(there.global_clusters()[0].global_cluster_identifier(), Some(name));
        let gone = rds.delete_global_cluster().global_cluster_identifier(name);
        gone.send().await.unwrap();
    }
}

#[tokio::test]
async fn a_peering() {
    let (_emulator, shared) = start().await;
    let networks = [
        Some(network(&shared, 0, "10.10.0.0/16").await),
        Some(network(&shared, 1, "10.20.0.0/16").await),
    ];
    let ec2 = Ec2::new(&shared.aws, &shared.regions[0]);
    let [mine, theirs] = networks
        .each_ref()
        .map(|network| network.as_ref().unwrap().vpc.as_str());
    let answer = ec2
        .call(
            "CreateVpcPeeringConnection",
            &[("VpcId", mine), ("PeerVpcId", theirs), ("PeerRegion", "us-east-2")],
        )
        .await
        .unwrap();
    let id = answer
        .at(&["vpcPeeringConnection", "vpcPeeringConnectionId"])
        .to_owned();
    let tags = [
        ("ResourceId.1", id.as_str()),
        ("Tag.1.Key", "Name"),
        ("Tag.1.Value", "understudy-dev1-peering"),
    ];
    ec2.call("CreateTags", &tags).await.unwrap();
    let peering = Peerings(vec![Peering {
        shared: shared.clone(),
        asked_for: true,
        name: "understudy-dev1-peering".to_owned(),
        regions: shared.regions.clone(),
        networks,
    }]);
    not_ours(&peering, &["peering understudy-dev1-peering", &id]).await;
    assert_eq!(remove(&peering, true).await, []);
    let answer = ec2.call("DescribeVpcPeeringConnections", &[]).await.unwrap();
    let status = answer.items("vpcPeeringConnectionSet").next().unwrap();
    assert_eq!(status.at(&["status", "code"]), "pending-acceptance");
}

/// By its tags, and by what is in it.
#[tokio::test]
async fn a_bucket() {
    let (_emulator, shared) = start().await;
    let s3 = shared.aws.s3(&shared.witness);
    for tagged in [true, false] {
        let switches = Switches {
            shared: shared.clone(),
            table: "understudy-dev1-switches".to_owned(),
            bucket: format!("understudy-dev1-switch-b-{tagged}"),
            versions_days: 90,
        };
        let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::UsWest2);
        let call = s3.create_bucket().bucket(&switches.bucket);
        let call = call.create_bucket_configuration(place.build());
        call.send().await.unwrap();
        if tagged {
            let tag = S3Tag::builder().key(THEIRS.0).value(THEIRS.1).build().unwrap();
            let tags = Tagging::builder().tag_set(tag).build().unwrap();
            let call = s3.put_bucket_tagging().bucket(&switches.bucket).tagging(tags);
            call.send().await.unwrap();
        } else {
            let call = s3.put_object().bucket(&switches.bucket).key("theirs");
            call.body(b"theirs".to_vec().into()).send().await.unwrap();
        }
        not_ours(&switches, &[&format!("bucket {} exists in us-west-2", switches.bucket)]).await;
        assert_eq!(remove(&switches, true).await, []);
        assert!(s3.head_bucket().bucket(&switches.bucket).send().await.is_ok());
        assert!(s3.get_bucket_policy().bucket(&switches.bucket).send().await.is_err());
    }
}
