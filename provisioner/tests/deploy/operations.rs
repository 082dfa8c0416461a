//! R5 to R9 on a platform that `apply` made: each property is read back through the service's own API.

use std::collections::BTreeSet;

use aws_sdk_sfn::types::StateMachineListItem;
use serde_json::{Value, json};
use understudy_provisioner::aws::ec2::Ec2;

use crate::platform::{REGIONS, platform, read};

#[tokio::test]
async fn r5_alarms_judge_by_the_policy_and_reach_both_engines() {
    let (_emulator, world) = platform().await;
    let infrastructure = &world.policy.infrastructure;
    let queues: BTreeSet<String> = REGIONS
        .map(|region| format!("arn:aws:sqs:{region}:000000000000:understudy-dev1-{region}-events"))
        .into();
    for (index, region) in world.regions().iter().enumerate() {
        let alarms = world
            .shared
            .aws
            .cloudwatch(region)
            .describe_alarms()
            .send()
            .await
            .unwrap();
        let alarm = |target: &str, witness: &str| {
            let name = format!("understudy-dev1-{target}-{witness}");
            let mut all = alarms.metric_alarms().iter();
            all.find(|alarm| alarm.alarm_name() == Some(&name))
                .unwrap_or_else(|| panic!("{name} in {region}"))
        };
        let topic = format!("arn:aws:sns:{region}:000000000000:understudy-dev1-{region}-alarms");
        for (witness, namespace, threshold) in [
            (
                "alarm-replication-lag",
                "AWS/RDS",
                infrastructure.replication_lag.threshold,
            ),
            (
                "alarm-lambda-errors",
                "AWS/Lambda",
                infrastructure.lambda_errors.threshold,
            ),
            (
                "alarm-api-latency",
                "AWS/ApiGateway",
                infrastructure.api_latency.threshold,
            ),
        ] {
            let found = alarm(region.as_str(), witness);
            assert_eq!(found.threshold(), Some(threshold), "{witness}");
            assert_eq!(found.namespace(), Some(namespace));
            assert!(found.alarm_actions().contains(&topic), "{witness}");
            assert!(
                found.ok_actions().contains(&topic),
                "{witness}: that it is over is told as well"
            );
        }
        // The region that fell silent cannot say so.
        assert_eq!(
            alarm(REGIONS[1 - index], "heartbeat-alarm").treat_missing_data(),
            Some("breaching")
        );
        let sns = world.shared.aws.sns(region);
        let told = sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let told: BTreeSet<String> = told
            .subscriptions()
            .iter()
            .filter_map(|one| one.endpoint.clone())
            .collect();
        assert_eq!(told, queues, "both engines hear of {region}'s alarms");
        let people = format!("arn:aws:sns:{region}:000000000000:understudy-dev1-{region}-operators");
        let told = sns
            .list_subscriptions_by_topic()
            .topic_arn(people)
            .send()
            .await
            .unwrap();
        assert_eq!(told.subscriptions()[0].endpoint(), Some("operators@example.com"));

        let rules = world.shared.aws.eventbridge(region).list_rules().send().await.unwrap();
        let forwarding = format!("understudy-dev1-{region}-forwarding");
        let mut all = rules.rules().iter();
        let rule = all.find(|rule| rule.name() == Some(&forwarding)).unwrap();
        let pattern: Value = serde_json::from_str(rule.event_pattern().unwrap()).unwrap();
        assert_eq!(
            pattern["region"],
            json!([region.as_str()]),
            "only what began here: no loop"
        );
    }
}

#[tokio::test]
async fn r6_both_machines_and_the_hourly_schedule_are_there() {
    let (emulator, world) = platform().await;
    let read = read(&emulator);
    for region in world.regions() {
        let machines = world.shared.aws.sfn(region).list_state_machines().send().await.unwrap();
        let names: BTreeSet<&str> = machines
            .state_machines()
            .iter()
            .map(StateMachineListItem::name)
            .collect();
        let wanted = ["failover", "failback"].map(|way| format!("understudy-dev1-{region}-{way}"));
        assert_eq!(names, wanted.iter().map(String::as_str).collect(), "{region}");
        let schedule = &read[region.as_str()]["schedules"][format!("understudy-dev1-{region}-readiness-schedule")];
        assert_eq!(
            (&schedule["every"], &schedule["state"]),
            (&json!("rate(1 hour)"), &json!("ENABLED"))
        );
        assert!(schedule["target"].as_str().unwrap().ends_with("-readiness"));
    }
}

#[tokio::test]
async fn r7_parameters_differ_where_they_should_and_agree_where_they_must() {
    let (_emulator, world) = platform().await;
    let value = async |region: usize, name: &str| -> String {
        let region = &world.regions()[region];
        let name = name.replace("{region}", region.as_str());
        let get = world.shared.aws.ssm(region).get_parameter().name(&name).send().await;
        let get = get.unwrap_or_else(|why| panic!("{name} in {region}: {why}"));
        get.parameter.unwrap().value.unwrap()
    };
    assert_eq!(value(0, "/understudy/dev1/{region}/role").await, "primary");
    assert_eq!(value(1, "/understudy/dev1/{region}/role").await, "standby");
    let zone = world.zone().unwrap().find().await.unwrap().unwrap().id;
    let check = world
        .checks()
        .unwrap()
        .id("understudy-dev1-primary")
        .await
        .unwrap()
        .unwrap();
    for (name, wanted) in [
        ("environment", "dev1"),
        ("primary", "us-east-1"),
        ("standby", "us-east-2"),
        ("public-name", "orders.example.com"),
        // The state machines pin the public name with these.
        ("hosted-zone", zone.as_str()),
        ("primary-check", check.as_str()),
    ] {
        for region in [0, 1] {
            assert_eq!(
                value(region, &format!("/understudy/dev1/shared/{name}")).await,
                wanted,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn r8_private_subnets_in_three_zones_and_routes_to_the_other_region() {
    let (_emulator, world) = platform().await;
    for (index, region) in world.regions().iter().enumerate() {
        let ec2 = Ec2::new(&world.shared.aws, region);
        let vpcs = ec2.call("DescribeVpcs", &[]).await.unwrap();
        let cidr = ["10.20.0.0/16", "10.21.0.0/16"][index];
        let vpc = vpcs.items("vpcSet").find(|vpc| vpc.at(&["cidrBlock"]) == cidr).unwrap();
        let id = vpc.at(&["vpcId"]);
        let subnets = ec2.call("DescribeSubnets", &[]).await.unwrap();
        let private: Vec<_> = subnets
            .items("subnetSet")
            .filter(|subnet| subnet.at(&["vpcId"]) == id && subnet.at(&["cidrBlock"]).ends_with("/20"))
            .collect();
        let zones: BTreeSet<&str> = private.iter().map(|subnet| subnet.at(&["availabilityZone"])).collect();
        assert_eq!((private.len(), zones.len()), (3, 3), "{region}");
        assert!(
            private
                .iter()
                .all(|subnet| subnet.at(&["mapPublicIpOnLaunch"]) == "false"),
            "{region}"
        );
        let tables = ec2.call("DescribeRouteTables", &[]).await.unwrap();
        let peer = ["10.21.0.0/16", "10.20.0.0/16"][index];
        let routed = tables
            .items("routeTableSet")
            .filter(|table| table.at(&["vpcId"]) == id)
            .filter(|table| {
                let mut routes = table.items("routeSet");
                routes.any(|route| {
                    route.at(&["destinationCidrBlock"]) == peer
                        && route.at(&["vpcPeeringConnectionId"]).starts_with("pcx-")
                })
            });
        assert_eq!(
            routed.count(),
            3,
            "each private subnet's table leads to the other region, in {region}"
        );
    }
}

#[tokio::test]
async fn r9_data_is_encrypted_and_kept_as_the_file_says() {
    let (emulator, world) = platform().await;
    let read = read(&emulator);
    for region in world.regions() {
        let clusters = world
            .shared
            .aws
            .rds(region)
            .describe_db_clusters()
            .send()
            .await
            .unwrap();
        let cluster = &clusters.db_clusters()[0];
        assert_eq!(cluster.storage_encrypted(), Some(true));
        assert_eq!(cluster.backup_retention_period(), Some(35));
        let table = world
            .shared
            .aws
            .dynamodb(region)
            .describe_table()
            .table_name(world.names.session_table());
        let table = table.send().await.unwrap().table.unwrap();
        assert_eq!(
            table.sse_description.unwrap().status.unwrap().as_str(),
            "ENABLED",
            "{region}"
        );
        let sqs = world.shared.aws.sqs(region);
        for url in sqs.list_queues().send().await.unwrap().queue_urls() {
            let attributes = sqs
                .get_queue_attributes()
                .queue_url(url)
                .attribute_names(aws_sdk_sqs::types::QueueAttributeName::All)
                .send()
                .await
                .unwrap()
                .attributes
                .unwrap();
            let of = |name| attributes.get(&name).cloned().unwrap_or_default();
            assert!(
                of(aws_sdk_sqs::types::QueueAttributeName::KmsMasterKeyId).contains(region.as_str()),
                "{url}"
            );
            assert!(
                of(aws_sdk_sqs::types::QueueAttributeName::Policy).contains("aws:SecureTransport"),
                "{url}"
            );
        }
        let read = &read[region.as_str()];
        assert_eq!(read["cluster_parameters"]["rds.force_ssl"], "1");
        let groups = read["log_groups"].as_object().unwrap();
        assert!(groups.len() >= 9, "{groups:?}");
        for (name, group) in groups {
            assert_eq!(
                *group,
                json!([400, true]),
                "{name}: kept for as long as the file says, with our key"
            );
        }
        let keys = read["keys"].as_object().unwrap();
        assert!(
            keys.len() == 5 && keys.values().all(|key| key["rotates"] == true),
            "{keys:?}"
        );
    }
}
