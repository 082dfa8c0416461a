//! The points that need a probe: something is written in one region, and looked for in the other. Every probe is taken away
//! again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::time::Instant;

use super::{Look, Verdict};
use crate::aws::Trouble;
use crate::aws::trouble::failed;

/// Between two looks for a probe.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A session arrives within a second, as a rule.
const ITEM_MAX: Duration = Duration::from_secs(60);
/// An object arrives within seconds, as a rule; S3 promises 15 minutes.
const OBJECT_MAX: Duration = Duration::from_secs(180);
/// The verdict of a function that is not there yet.
pub(super) const PLACEHOLDER: &str = "placeholder";

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
