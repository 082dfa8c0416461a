//! Everything that the provisioner would have made, in an emulator.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricDatum, Statistic};
use aws_sdk_dynamodb::types::{
    AttributeValue, CreateReplicationGroupMemberAction, ReplicationGroupUpdate, StreamSpecification, StreamViewType,
};
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover, RrType,
};
use reqwest::Url;
use understudy_engine::aws::names::Names;
use understudy_engine::core::ids::Region;

use crate::platform::{make_bucket, make_table, operator};

/// The only version that the emulator takes.
const ENGINE_VERSION: &str = "16.11";
pub(crate) const PUBLIC_NAME: &str = "orders.example.com";
/// The table of user sessions, which is the platform's own.
const SESSIONS: &str = "understudy-dev1-sessions";
const SERVING: [&str; 2] = ["us-east-1", "us-east-2"];
const WITNESS: &str = "us-west-2";

/// The operator's own connections to the three regions.
pub(crate) struct Resources {
    pub(crate) names: Names,
    pub(crate) serving: [SdkConfig; 2],
    endpoint: Url,
}

impl Resources {
    pub(crate) async fn make(names: Names, endpoint: &Url) -> Self {
        let serving = [
            operator(SERVING[0], endpoint).await,
            operator(SERVING[1], endpoint).await,
        ];
        let this = Self {
            names,
            serving,
            endpoint: endpoint.clone(),
        };
        this.make_global_table(&this.names.lease_table()).await;
        this.make_global_table(SESSIONS).await;
        for config in &this.serving {
            make_table(config, &this.names.order_path_table()).await;
        }
        make_table(&this.serving[1], &this.names.switch_table()).await;
        make_bucket(WITNESS, endpoint, &this.names.switch_bucket()).await;
        this.make_queues().await;
        this.make_database().await;
        this
    }

    async fn make_global_table(&self, table: &str) {
        let client = aws_sdk_dynamodb::Client::new(&self.serving[0]);
        make_table(&self.serving[0], table).await;
        let streams = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build()
            .unwrap();
        let update = client.update_table().table_name(table).stream_specification(streams);
        update.send().await.unwrap();
        let replica = CreateReplicationGroupMemberAction::builder()
            .region_name(SERVING[1])
            .build()
            .unwrap();
        let update = ReplicationGroupUpdate::builder().create(replica).build();
        let call = client.update_table().table_name(table).replica_updates(update);
        call.send().await.unwrap();
    }

    async fn make_queues(&self) {
        for (config, region) in self.serving.iter().zip(Region::BOTH) {
            let sqs = aws_sdk_sqs::Client::new(config);
            for name in [self.names.queue(region), self.names.dead_letter_queue(region)] {
                sqs.create_queue().queue_name(name).send().await.unwrap();
            }
            let sns = aws_sdk_sns::Client::new(config);
            let topic = self.names.topic_arn(region);
            let topic = topic.rsplit(':').next().unwrap();
            sns.create_topic().name(topic).send().await.unwrap();
        }
    }

    async fn make_database(&self) {
        let global = self.names.global_cluster();
        for (config, region) in self.serving.iter().zip(Region::BOTH) {
            let rds = aws_sdk_rds::Client::new(config);
            let call = rds
                .create_db_cluster()
                .db_cluster_identifier(self.names.cluster(region))
                .engine("aurora-postgresql")
                .engine_version(ENGINE_VERSION);
            let call = match region {
                Region::Home => call.master_username("orders").master_user_password("not-a-secret-1"),
                Region::Away => call.global_cluster_identifier(&global),
            };
            call.send().await.unwrap();
            rds.create_db_instance()
                .db_instance_identifier(format!("{}-1", self.names.cluster(region)))
                .db_cluster_identifier(self.names.cluster(region))
                .engine("aurora-postgresql")
                .db_instance_class("db.r6g.large")
                .send()
                .await
                .unwrap();
            if region == Region::Home {
                rds.create_global_cluster()
                    .global_cluster_identifier(&global)
                    .source_db_cluster_identifier(self.names.cluster_arn(region))
                    .send()
                    .await
                    .unwrap();
            }
        }
    }

    /// A zone with the two failover records. Answers with the zone's id.
    pub(crate) async fn make_zone(config: &SdkConfig, hosts: [&str; 2]) -> String {
        let route53 = aws_sdk_route53::Client::new(config);
        let zone = route53
            .create_hosted_zone()
            .name("example.com")
            .caller_reference("tests")
            .send()
            .await
            .unwrap();
        let id = zone.hosted_zone.unwrap().id;
        let failovers = [ResourceRecordSetFailover::Primary, ResourceRecordSetFailover::Secondary];
        let changes = failovers.into_iter().zip(hosts).map(|(failover, host)| {
            let record = ResourceRecordSet::builder()
                .name(PUBLIC_NAME)
                .r#type(RrType::Cname)
                .set_identifier(failover.as_str())
                .failover(failover)
                .ttl(5)
                .resource_records(ResourceRecord::builder().value(host).build().unwrap())
                .build()
                .unwrap();
            Change::builder()
                .action(ChangeAction::Create)
                .resource_record_set(record)
                .build()
                .unwrap()
        });
        let batch = ChangeBatch::builder()
            .set_changes(Some(changes.collect()))
            .build()
            .unwrap();
        route53
            .change_resource_record_sets()
            .hosted_zone_id(&id)
            .change_batch(batch)
            .send()
            .await
            .unwrap();
        id.trim_start_matches("/hostedzone/").to_owned()
    }

    /// Where the two records point, primary first.
    pub(crate) async fn records(&self, zone: &str) -> [String; 2] {
        let route53 = aws_sdk_route53::Client::new(&self.serving[0]);
        let list = route53
            .list_resource_record_sets()
            .hosted_zone_id(zone)
            .send()
            .await
            .unwrap();
        let value = |failover: ResourceRecordSetFailover| {
            let mut records = list.resource_record_sets().iter();
            let record = records.find(|record| record.failover() == Some(&failover)).unwrap();
            record.resource_records()[0].value().to_owned()
        };
        [
            value(ResourceRecordSetFailover::Primary),
            value(ResourceRecordSetFailover::Secondary),
        ]
    }

    /// An alarm that publishes to a topic of its own region, from which the queues of both regions get it.
    pub(crate) async fn make_alarm(&self, witness: &str) {
        let home = &self.serving[0];
        let sns = aws_sdk_sns::Client::new(home);
        let topic = sns
            .create_topic()
            .name("understudy-dev1-us-east-1-alarms")
            .send()
            .await
            .unwrap();
        let topic = topic.topic_arn.unwrap();
        for region in Region::BOTH {
            let name = self.names.region(region);
            let queue = self.names.arn("sqs", Some(name), &self.names.queue(region));
            sns.subscribe()
                .topic_arn(&topic)
                .protocol("sqs")
                .endpoint(queue)
                .send()
                .await
                .unwrap();
        }
        let alarm = self.names.naming().alarm(self.names.region(Region::Home), witness);
        aws_sdk_cloudwatch::Client::new(home)
            .put_metric_alarm()
            .alarm_name(alarm)
            .namespace("Orders")
            .metric_name("Errors")
            .statistic(Statistic::Maximum)
            .period(10)
            .evaluation_periods(1)
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .alarm_actions(&topic)
            .ok_actions(&topic)
            .send()
            .await
            .unwrap();
    }

    /// The metric that the alarm watches.
    pub(crate) async fn put_errors(&self, count: f64) {
        let datum = MetricDatum::builder().metric_name("Errors").value(count).build();
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&self.serving[0]);
        let put = cloudwatch.put_metric_data().namespace("Orders").metric_data(datum);
        put.send().await.unwrap();
    }

    /// The replication lag of a region's replica, measured again and again.
    pub(crate) async fn keep_measuring_lag(&self) {
        let clients = self.serving.each_ref().map(aws_sdk_cloudwatch::Client::new);
        let clusters = Region::BOTH.map(|region| self.names.cluster(region));
        tokio::spawn(async move {
            loop {
                for (client, cluster) in clients.iter().zip(&clusters) {
                    let dimension = Dimension::builder().name("DBClusterIdentifier").value(cluster).build();
                    let datum = MetricDatum::builder()
                        .metric_name("AuroraGlobalDBReplicationLag")
                        .dimensions(dimension)
                        .value(120.0)
                        .build();
                    // The emulator may have ended with the test.
                    drop(
                        client
                            .put_metric_data()
                            .namespace("AWS/RDS")
                            .metric_data(datum)
                            .send()
                            .await,
                    );
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        });
    }

    /// Where RDS says that the writer is.
    pub(crate) async fn writer(&self) -> Option<Region> {
        let rds = aws_sdk_rds::Client::new(&self.serving[1]);
        let answer = rds.describe_global_clusters().send().await.unwrap();
        let members = answer.global_clusters()[0].global_cluster_members().to_vec();
        let writer = members.iter().find(|member| member.is_writer() == Some(true))?;
        self.names.region_called(writer.db_cluster_arn()?.split(':').nth(3)?)
    }

    /// Writes a session in one region, and tells whether it arrives in the other one.
    pub(crate) async fn session_arrives(&self, from: Region, id: &str) -> bool {
        let [here, there] =
            [from, from.other()].map(|region| aws_sdk_dynamodb::Client::new(&self.serving[region.index()]));
        let key = AttributeValue::S(id.to_owned());
        here.put_item()
            .table_name(SESSIONS)
            .item("id", key.clone())
            .send()
            .await
            .unwrap();
        for _ in 0..50 {
            let get = there.get_item().table_name(SESSIONS).key("id", key.clone());
            if get.send().await.unwrap().item.is_some() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// A region's order path: epoch, intake, processing.
    pub(crate) async fn order_path(&self, region: Region) -> [u64; 3] {
        let client = aws_sdk_dynamodb::Client::new(&self.serving[region.index()]);
        let key = AttributeValue::S("order-path".to_owned());
        let get = client
            .get_item()
            .table_name(self.names.order_path_table())
            .key("id", key);
        let item = get.send().await.unwrap().item.unwrap_or_default();
        ["epoch", "intake", "processing"].map(|name| {
            let number = item.get(name).and_then(|value| value.as_n().ok());
            number.map_or(0, |number| number.parse().unwrap())
        })
    }

    /// Sends a text to a region's queue.
    pub(crate) async fn send(&self, region: Region, body: &str) {
        let sqs = aws_sdk_sqs::Client::new(&self.serving[region.index()]);
        let url = sqs
            .get_queue_url()
            .queue_name(self.names.queue(region))
            .send()
            .await
            .unwrap();
        let send = sqs.send_message().queue_url(url.queue_url.unwrap()).message_body(body);
        send.send().await.unwrap();
    }

    /// What lies in a region's dead-letter queue: bodies with their reasons.
    pub(crate) async fn buried(&self, region: Region) -> Vec<(String, String)> {
        let sqs = aws_sdk_sqs::Client::new(&self.serving[region.index()]);
        let url = sqs
            .get_queue_url()
            .queue_name(self.names.dead_letter_queue(region))
            .send()
            .await
            .unwrap();
        let answer = sqs
            .receive_message()
            .queue_url(url.queue_url.unwrap())
            .message_attribute_names("All")
            .visibility_timeout(0)
            .send()
            .await
            .unwrap();
        let messages = answer.messages.unwrap_or_default();
        messages
            .into_iter()
            .map(|message| {
                let attributes = message.message_attributes.unwrap_or_default();
                let reason = attributes
                    .get("UnderstudyReason")
                    .and_then(|value| value.string_value());
                (message.body.unwrap_or_default(), reason.unwrap_or_default().to_owned())
            })
            .collect()
    }

    /// The side of the emulator that tests ask for lease and switches.
    pub(crate) async fn side(&self, region: Region) -> understudy_engine::aws::Side {
        let connections = crate::platform::connections(&self.endpoint).await;
        understudy_engine::aws::Side::new(region, self.names.clone(), connections)
    }
}
