//! A forced alarm: whether it leaves its region, and arrives in both.
//!
//! The engines' queues are not read for that. A message that is looked at is hidden from the engine meanwhile, after five looks it
//! is a dead letter, and a living engine takes the test's message away before it is seen. So each region gets a queue for the
//! duration, `…-verify-<seconds>`, subscribed to both regions' topics as the engines' queues are, and that those are subscribed is
//! read. Queue and subscriptions are removed afterwards; what an interrupted run has left, the next one removes, and `destroy`.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_sns::types::Subscription;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tokio::time::Instant;
use understudy_policies::model::{RegionName, WitnessKind};

use super::{Look, Verdict};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};
use crate::deploy::World;

/// Between two looks for a message.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// From a forced alarm to its message in a queue.
const ALARM_MAX: Duration = Duration::from_secs(30);
/// A subscription may take a moment before it is heeded, so what does not arrive is sent once more.
const TRIES: u32 = 2;
/// A queue of this age is of a run that was interrupted.
const LEFT_BEHIND: Duration = Duration::from_secs(15 * 60);
/// How long a message stays in it, in seconds.
const KEPT_S: &str = "600";
/// How a queue for this is called, before the seconds.
const ROLE: &str = "verify";

/// The queues of one run.
#[derive(Debug, Default)]
struct Ears {
    /// Region by region: its queue's name and address.
    queues: Vec<(RegionName, String, String)>,
}

impl Look<'_> {
    /// R5.4, R10.3: an alarm of each region reaches both.
    pub(super) async fn at_alarms(&mut self) {
        self.at_subscriptions().await;
        let what = "a forced alarm reaches both regions";
        let mut witnesses = self.world.policy.witnesses.iter();
        let witness = witnesses.find(|witness| witness.kind == WitnessKind::CloudwatchAlarm && !witness.quorum);
        let Some(witness) = witness.map(|witness| witness.name.clone()) else {
            let says = "every alarm of the policy counts for the quorum, and none is forced for a test";
            return self.point("R5.4", what, "", Verdict::Unknown, says);
        };
        if let Err(trouble) = forget(self.world, LEFT_BEHIND).await {
            return self.untold("R5.4", what, "", &trouble);
        }
        let mut ears = Ears::default();
        let mut points = Vec::new();
        let listens = ears.listen(self.world).await;
        for index in 0..2 {
            let region = self.world.regions()[index].clone();
            let alarm = self.world.names.alarm(&region, &witness);
            let heard = match &listens {
                Ok(()) => self.forced(&region, &alarm, &ears).await,
                Err(trouble) => Err(trouble.clone()),
            };
            points.push((region, heard));
        }
        let removed = ears.remove(self.world).await;
        for (region, heard) in points {
            let what = format!("{witness}, forced, reaches both regions");
            match heard {
                Ok((verdict, says)) => self.point("R5.4", what, &region, verdict, says),
                Err(trouble) => self.untold("R5.4", &what, &region, &trouble),
            }
        }
        if let Err(trouble) = removed {
            self.untold("R5.4", "the test's queues are removed", "", &trouble);
        }
    }

    /// Whether both engines' queues are subscribed to each region's alarms.
    async fn at_subscriptions(&mut self) {
        let what = "both engines' queues hear of its alarms";
        for region in self.world.regions().clone() {
            let subscriptions = match subscriptions(self.world, &region).await {
                Ok(subscriptions) => subscriptions,
                Err(trouble) => {
                    self.untold("R5.4", what, &region, &trouble);
                    continue;
                }
            };
            let heard: BTreeSet<&str> = subscriptions
                .iter()
                .filter(|one| one.subscription_arn().is_some_and(|arn| arn.starts_with("arn:")))
                .filter_map(Subscription::endpoint)
                .collect();
            let names = &self.world.names;
            let queues = self.world.regions().each_ref();
            let queues = queues.map(|of| names.arn("sqs", Some(of), &names.engine_queue(of)));
            let deaf: Vec<&str> = queues
                .iter()
                .map(String::as_str)
                .filter(|arn| !heard.contains(arn))
                .collect();
            let (verdict, says) = match deaf.as_slice() {
                [] => (Verdict::Yes, "subscribed".to_owned()),
                deaf => (Verdict::No, format!("not subscribed: {}", deaf.join(", "))),
            };
            self.point("R5.4", what, &region, verdict, says);
        }
    }

    async fn forced(&self, region: &RegionName, alarm: &str, ears: &Ears) -> Result<(Verdict, String), Trouble> {
        let cloudwatch = self.world.shared.aws.cloudwatch(region);
        let there = cloudwatch.describe_alarms().alarm_names(alarm).send().await;
        let there = there.map_err(failed("cloudwatch:DescribeAlarms", region))?;
        let Some(before) = there.metric_alarms().first() else {
            return Ok((Verdict::No, format!("there is no alarm {alarm}")));
        };
        let before = before.state_value().cloned().unwrap_or(StateValue::InsufficientData);
        if before == StateValue::Alarm {
            return Ok((
                Verdict::Unknown,
                format!("{alarm} is in alarm already, and is left alone"),
            ));
        }
        let set = async |value: &StateValue, why: &str| -> Result<(), Trouble> {
            let call = cloudwatch
                .set_alarm_state()
                .alarm_name(alarm)
                .state_value(value.clone())
                .state_reason(why);
            call.send().await.map_err(failed("cloudwatch:SetAlarmState", region))?;
            Ok(())
        };
        let mut missing = Vec::new();
        for _ in 0..TRIES {
            set(&StateValue::Alarm, "understudy-provisioner verify: a test").await?;
            let heard = ears.hear(self.world, alarm).await;
            set(&before, "understudy-provisioner verify: the test is over").await?;
            missing = heard?;
            if missing.is_empty() {
                return Ok((Verdict::Yes, "in both".to_owned()));
            }
        }
        let says = format!(
            "forced {TRIES} times, and not heard in {} within {} s",
            missing.join(", "),
            ALARM_MAX.as_secs()
        );
        Ok((Verdict::No, says))
    }
}

impl Ears {
    /// Makes a queue in each region, and subscribes it to both topics.
    async fn listen(&mut self, world: &World) -> Result<(), Trouble> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let topics = world.regions().each_ref().map(|region| topic(world, region));
        for region in world.regions() {
            let name = format!("{}-{}", world.names.regional(region, ROLE), now.as_secs());
            let arn = world.names.arn("sqs", Some(region), &name);
            let policy = json!({"Version": "2012-10-17", "Statement": [
                {
                    "Sid": "AlarmsOfBothRegions", "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topics}},
                },
                {
                    "Sid": "OnlyWithTls", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ]});
            let sqs = world.shared.aws.sqs(region);
            let call = sqs
                .create_queue()
                .queue_name(&name)
                .attributes(QueueAttributeName::MessageRetentionPeriod, KEPT_S)
                .attributes(QueueAttributeName::SqsManagedSseEnabled, "true")
                .attributes(QueueAttributeName::Policy, policy.to_string())
                .set_tags(Some(world.shared.each_tag().collect()));
            let made = call.send().await.map_err(failed("sqs:CreateQueue", region))?;
            self.queues
                .push((region.clone(), name, made.queue_url.unwrap_or_default()));
            for (of, topic) in world.regions().iter().zip(&topics) {
                let sns = world.shared.aws.sns(of);
                let call = sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(&arn);
                call.send().await.map_err(failed("sns:Subscribe", of))?;
            }
        }
        Ok(())
    }

    /// The regions in which an alarm is not heard.
    async fn hear(&self, world: &World, alarm: &str) -> Result<Vec<String>, Trouble> {
        let listens = self.queues.iter().map(async |(region, _, url)| {
            let heard = arrives(world, region, url, alarm).await?;
            Ok::<_, Trouble>((!heard).then(|| region.to_string()))
        });
        let deaf = futures_util::future::try_join_all(listens).await?;
        Ok(deaf.into_iter().flatten().collect())
    }

    async fn remove(self, world: &World) -> Result<(), Trouble> {
        for (region, name, _) in &self.queues {
            remove(world, region, name).await?;
        }
        Ok(())
    }
}

async fn arrives(world: &World, region: &RegionName, url: &str, alarm: &str) -> Result<bool, Trouble> {
    let client = world.shared.aws.sqs(region);
    let began = Instant::now();
    let mut heard = false;
    while !heard && began.elapsed() < ALARM_MAX {
        let call = client.receive_message().queue_url(url).max_number_of_messages(10);
        let answer = call.wait_time_seconds(1).send().await;
        let answer = answer.map_err(failed("sqs:ReceiveMessage", region))?;
        for message in answer.messages() {
            heard |= message.body().is_some_and(|body| body.contains(alarm));
            let call = client.delete_message().queue_url(url);
            let call = call.set_receipt_handle(message.receipt_handle.clone());
            call.send().await.map_err(failed("sqs:DeleteMessage", region))?;
        }
        if !heard {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(heard)
}

fn topic(world: &World, region: &RegionName) -> String {
    world
        .names
        .arn("sns", Some(region), &world.names.regional(region, "alarms"))
}

/// Who hears of a region's alarms. Nobody, if there is no such topic.
async fn subscriptions(world: &World, region: &RegionName) -> Result<Vec<Subscription>, Trouble> {
    let pages = world.shared.aws.sns(region).list_subscriptions_by_topic();
    let pages = pages.topic_arn(topic(world, region)).into_paginator();
    let all: Result<Vec<_>, _> = pages.items().send().collect().await;
    let all = found(
        all,
        &["NotFound", "NotFoundException"],
        "sns:ListSubscriptionsByTopic",
        region,
    )?;
    Ok(all.unwrap_or_default())
}

/// Removes what runs have left that were interrupted at least so long ago.
///
/// # Errors
/// When AWS does not tell, or refuses.
pub async fn forget(world: &World, age: Duration) -> Result<Vec<String>, Trouble> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut removed = Vec::new();
    for region in world.regions() {
        let prefix = format!("{}-", world.names.regional(region, ROLE));
        let sqs = world.shared.aws.sqs(region);
        let pages = sqs
            .list_queues()
            .queue_name_prefix(&prefix)
            .max_results(100)
            .into_paginator();
        let all: Result<Vec<String>, _> = pages.items().send().collect().await;
        for url in all.map_err(failed("sqs:ListQueues", region))? {
            let name = url.rsplit('/').next().unwrap_or_default();
            let made = name.strip_prefix(&prefix).and_then(|seconds| seconds.parse().ok());
            let Some(made) = made.map(Duration::from_secs) else {
                continue;
            };
            if made + age <= now {
                remove(world, region, name).await?;
                removed.push(format!("queue {name} in {region}"));
            }
        }
    }
    Ok(removed)
}

/// A queue, with its subscriptions.
async fn remove(world: &World, region: &RegionName, name: &str) -> Result<(), Trouble> {
    let arn = world.names.arn("sqs", Some(region), name);
    for of in world.regions() {
        let sns = world.shared.aws.sns(of);
        for one in subscriptions(world, of).await? {
            let own = one.endpoint() == Some(&arn);
            if let Some(subscription) = one.subscription_arn().filter(|arn| own && arn.starts_with("arn:")) {
                let call = sns.unsubscribe().subscription_arn(subscription);
                call.send().await.map_err(failed("sns:Unsubscribe", of))?;
            }
        }
    }
    let sqs = world.shared.aws.sqs(region);
    let none = &["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];
    let url = found(
        sqs.get_queue_url().queue_name(name).send().await,
        none,
        "sqs:GetQueueUrl",
        region,
    )?;
    if let Some(url) = url.and_then(|answer| answer.queue_url) {
        let gone = sqs.delete_queue().queue_url(url).send().await;
        found(gone, none, "sqs:DeleteQueue", region)?;
    }
    Ok(())
}
