//! The points that need a probe: something is written in one region, and looked for in the other. Every probe is taken away
//! again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_dynamodb::types::AttributeValue;
use tokio::time::Instant;
use understudy_policies::model::WitnessKind;

use super::{Look, Verdict};
use crate::aws::Trouble;
use crate::aws::trouble::failed;

/// Between two looks for a probe.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A session arrives within a second, as a rule.
const ITEM_MAX: Duration = Duration::from_secs(60);
/// An object arrives within seconds, as a rule; S3 promises 15 minutes.
const OBJECT_MAX: Duration = Duration::from_secs(180);
/// From a forced alarm to its message in a queue.
const ALARM_MAX: Duration = Duration::from_secs(30);
/// How long a message that was looked at stays hidden from the engine.
const HIDDEN_S: i32 = 1;
/// The verdict of a function that is not there yet.
const PLACEHOLDER: &str = "placeholder";

impl Look<'_> {
    /// R2.4: a session that is written here arrives there, both ways.
    pub(super) async fn at_sessions(&mut self) {
        for from in 0..2 {
            let what = "a session arrives in the other region";
            let region = self.world.regions()[from].clone();
            match self.session(from).await {
                Ok(Some(took)) => {
                    self.point(
                        "R2.4",
                        what,
                        &region,
                        Verdict::Yes,
                        format!("after {} ms", took.as_millis()),
                    );
                }
                Ok(None) => {
                    let says = format!("not within {} s", ITEM_MAX.as_secs());
                    self.point("R2.4", what, &region, Verdict::No, says);
                }
                Err(trouble) => self.untold("R2.4", what, &region, &trouble),
            }
        }
    }

    async fn session(&self, from: usize) -> Result<Option<Duration>, Trouble> {
        let [here, there] = [from, 1 - from].map(|index| &self.world.regions()[index]);
        let table = self.world.names.session_table();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = AttributeValue::S(format!("understudy-probe-{}-{from}", now.as_millis()));
        let expires = AttributeValue::N((now.as_secs() + 600).to_string());
        let client = self.world.shared.aws.dynamodb(here);
        let put = client
            .put_item()
            .table_name(&table)
            .item("id", id.clone())
            .item("expires", expires);
        put.send().await.map_err(failed("dynamodb:PutItem", here))?;
        let began = Instant::now();
        let other = self.world.shared.aws.dynamodb(there);
        let mut took = None;
        while took.is_none() && began.elapsed() < ITEM_MAX {
            let get = other.get_item().table_name(&table).key("id", id.clone()).send().await;
            if get.map_err(failed("dynamodb:GetItem", there))?.item.is_some() {
                took = Some(began.elapsed());
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let delete = client.delete_item().table_name(&table).key("id", id).send().await;
        delete.map_err(failed("dynamodb:DeleteItem", here))?;
        Ok(took)
    }

    /// R4.2: an object that is put here arrives there, both ways.
    pub(super) async fn at_objects(&mut self) {
        for from in 0..2 {
            let what = "an object arrives in the other region";
            let region = self.world.regions()[from].clone();
            match self.object(from).await {
                Ok(Some(took)) => {
                    self.point(
                        "R4.2",
                        what,
                        &region,
                        Verdict::Yes,
                        format!("after {} ms", took.as_millis()),
                    );
                }
                Ok(None) => {
                    let says = format!(
                        "not within {} s; S3 promises 15 min: verify again",
                        OBJECT_MAX.as_secs()
                    );
                    self.point("R4.2", what, &region, Verdict::No, says);
                }
                Err(trouble) => self.untold("R4.2", what, &region, &trouble),
            }
        }
    }

    async fn object(&self, from: usize) -> Result<Option<Duration>, Trouble> {
        let [here, there] = [from, 1 - from].map(|index| &self.world.regions()[index]);
        let [bucket, copies] = [here, there].map(|region| self.world.names.bucket(region, "config"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let key = format!("understudy-probe/{}-{from}", now.as_millis());
        let client = self.world.shared.aws.s3(here);
        let put = client
            .put_object()
            .bucket(&bucket)
            .key(&key)
            .body(b"probe".to_vec().into());
        put.send().await.map_err(failed("s3:PutObject", here))?;
        let began = Instant::now();
        let other = self.world.shared.aws.s3(there);
        let mut took = None;
        while took.is_none() && began.elapsed() < OBJECT_MAX {
            if other.head_object().bucket(&copies).key(&key).send().await.is_ok() {
                took = Some(began.elapsed());
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        // On both sides: deletions by version do not replicate, deletions by marker do.
        for (client, bucket, region) in [(&client, &bucket, here), (&other, &copies, there)] {
            let delete = client.delete_object().bucket(bucket).key(&key).send().await;
            delete.map_err(failed("s3:DeleteObject", region))?;
        }
        Ok(took)
    }

    /// R5.4, R10.3: an alarm of each region reaches both engines' queues.
    pub(super) async fn at_alarms(&mut self) {
        let witness = self
            .world
            .policy
            .witnesses
            .iter()
            .find(|witness| witness.kind == WitnessKind::CloudwatchAlarm && !witness.quorum);
        let Some(witness) = witness.map(|witness| witness.name.clone()) else {
            self.point(
                "R5.4",
                "a forced alarm reaches both queues",
                "",
                Verdict::Unknown,
                "every alarm of the policy counts for the quorum, and none is forced for a test",
            );
            return;
        };
        for index in 0..2 {
            let region = self.world.regions()[index].clone();
            let alarm = self.world.names.alarm(&region, &witness);
            let what = format!("{witness}, forced, reaches both queues");
            match self.alarm(index, &alarm).await {
                Ok((verdict, says)) => self.point("R5.4", what, &region, verdict, says),
                Err(trouble) => self.untold("R5.4", &what, &region, &trouble),
            }
        }
    }

    async fn alarm(&self, index: usize, alarm: &str) -> Result<(Verdict, String), Trouble> {
        let region = &self.world.regions()[index];
        let cloudwatch = self.world.shared.aws.cloudwatch(region);
        let there = cloudwatch.describe_alarms().alarm_names(alarm).send().await;
        let there = there.map_err(failed("cloudwatch:DescribeAlarms", region))?;
        let Some(before) = there.metric_alarms().first() else {
            return Ok((Verdict::No, format!("there is no alarm {alarm}")));
        };
        let before = before.state_value().cloned().unwrap_or(StateValue::InsufficientData);
        let set = async |value: StateValue, why: &str| -> Result<(), Trouble> {
            let call = cloudwatch
                .set_alarm_state()
                .alarm_name(alarm)
                .state_value(value)
                .state_reason(why);
            call.send().await.map_err(failed("cloudwatch:SetAlarmState", region))?;
            Ok(())
        };
        if before == StateValue::Alarm {
            return Ok((
                Verdict::Unknown,
                format!("{alarm} is in alarm already, and is left alone"),
            ));
        }
        set(StateValue::Alarm, "understudy-provisioner verify: a test").await?;
        let [home, away] = self.world.regions();
        let (home, away) = tokio::join!(self.arrives(home, alarm), self.arrives(away, alarm));
        set(before, "understudy-provisioner verify: the test is over").await?;
        let missing: Vec<&str> = [(home?, 0), (away?, 1)]
            .into_iter()
            .filter(|(arrived, _)| !arrived)
            .map(|(_, index)| self.world.regions()[index].as_str())
            .collect();
        Ok(match (missing.as_slice(), self.somebody_listens().await) {
            ([], _) => (Verdict::Yes, "in both".to_owned()),
            (missing, true) => (
                Verdict::Unknown,
                format!(
                    "not seen in {}: the engine takes the messages itself",
                    missing.join(", ")
                ),
            ),
            (missing, false) => (
                Verdict::No,
                format!("not in {} within {} s", missing.join(", "), ALARM_MAX.as_secs()),
            ),
        })
    }

    /// Whether a sidecar beats: then it reads the queues.
    async fn somebody_listens(&self) -> bool {
        self.world.situation().await.is_ok_and(|seen| seen.epoch.is_some())
    }

    /// Looks at the messages of an engine's queue, and leaves them there.
    async fn arrives(&self, region: &understudy_policies::model::RegionName, alarm: &str) -> Result<bool, Trouble> {
        let client = self.world.shared.aws.sqs(region);
        let queue = self.world.names.engine_queue(region);
        let url = client.get_queue_url().queue_name(queue).send().await;
        let url = url
            .map_err(failed("sqs:GetQueueUrl", region))?
            .queue_url
            .unwrap_or_default();
        let began = Instant::now();
        while began.elapsed() < ALARM_MAX {
            let call = client.receive_message().queue_url(&url).max_number_of_messages(10);
            let answer = call.visibility_timeout(HIDDEN_S).wait_time_seconds(1).send().await;
            let answer = answer.map_err(failed("sqs:ReceiveMessage", region))?;
            let mut found = false;
            for message in answer.messages() {
                if message.body().is_some_and(|body| body.contains(alarm)) {
                    found = true;
                    // The engine must not take a test for the truth.
                    let call = client.delete_message().queue_url(&url);
                    let call = call.set_receipt_handle(message.receipt_handle.clone());
                    call.send().await.map_err(failed("sqs:DeleteMessage", region))?;
                }
            }
            if found {
                return Ok(true);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(false)
    }

    /// R6.3: the readiness function runs in both regions, and says that the platform could fail over.
    pub(super) async fn at_readiness(&mut self) {
        let what = "readiness is tested, and its verdict is good";
        for region in self.world.regions().clone() {
            let name = self.world.names.regional(&region, "readiness");
            let client = self.world.shared.aws.lambda(&region);
            let answer = client.invoke().function_name(&name).send().await;
            let answer = match answer.map_err(failed("lambda:InvokeFunction", &region)) {
                Ok(answer) => answer,
                Err(trouble) => {
                    self.untold("R6.3", what, &region, &trouble);
                    continue;
                }
            };
            let body = answer
                .payload()
                .map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned());
            let body = body.unwrap_or_default();
            let (verdict, says) = if answer.function_error().is_some() {
                (Verdict::No, format!("{name} failed: {body}"))
            } else if body.contains(PLACEHOLDER) {
                (
                    Verdict::Unknown,
                    "its program is not there yet; the placeholder answers".to_owned(),
                )
            } else if body.contains("\"ready\":true") {
                (Verdict::Yes, "ready".to_owned())
            } else {
                (Verdict::No, body)
            };
            self.point("R6.3", what, &region, verdict, says);
        }
    }
}
