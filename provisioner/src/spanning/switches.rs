//! The two switches, as they are before any failover: released.
//!
//! Switch A is an item in the standby region, switch B an object in the witness region. Both are written once, if they are
//! not there; from then on only the engine writes them. The bucket of switch B answers health checks from the internet, so
//! its one object can be read by anybody; nothing else in it can.

mod bucket;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Remove};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};

pub(crate) use bucket::empty;

/// The item of switch A.
const ITEM: &str = "switch-a";
/// The object of switch B: the key that the engine writes.
pub const OBJECT: &str = "switch-b.json";
/// What a health check looks for. A part of both switches' answers while they are engaged, and only then.
pub const ENGAGED: &str = "\"answer\":\"engaged\"";
/// The answer of a switch that was never flipped, in the engine's own form.
const RELEASED: &str = r#"{"answer":"released","engaged":false,"epoch":0,"order":0}"#;

/// The switches.
#[derive(Debug)]
pub struct Switches {
    /// What is shared.
    pub shared: Shared,
    /// The table of switch A, in the standby region.
    pub table: String,
    /// The bucket of switch B, in the witness region.
    pub bucket: String,
    /// Days for which what the switch said before is kept.
    pub versions_days: i32,
}

/// How the switches stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Switch A and B: none if it could not be read.
    pub engaged: [Option<bool>; 2],
}

#[async_trait]
impl Reconciler for Switches {
    fn name(&self) -> &'static str {
        "switches"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        let there = self.bucket(&mut all).await?;
        let witness = &self.shared.witness;
        let object = match there {
            true => self.object().await?,
            false => None,
        };
        if object.is_none() {
            let act = put_object(self.s3(), self.bucket.clone(), witness.clone());
            all.push(Difference::new(Add, witness, "switch B", "released").by_if(there, act));
        }
        let standby = &self.shared.regions[1];
        let (table_there, item) = self.item().await?;
        if item.is_none() {
            let act = put_item(self.shared.aws.dynamodb(standby), self.table.clone(), standby.clone());
            all.push(Difference::new(Add, standby, "switch A", "released").by_if(table_there, act));
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        if !self.bucket_is_there().await? || !self.shared.owns(&self.tags().await?) {
            return Ok(left);
        }
        let what = format!("bucket {}", self.bucket);
        let (client, bucket, region) = (self.s3(), self.bucket.clone(), self.shared.witness.clone());
        let act = async move {
            empty(&client, &bucket, &region).await?;
            let answer = client.delete_bucket().bucket(bucket).send().await;
            answer.map_err(failed("s3:DeleteBucket", &region))?;
            Ok(())
        };
        left.remove
            .push(Difference::new(Remove, &self.shared.witness, what, "with switch B").by(act));
        Ok(left)
    }
}

impl Switches {
    fn s3(&self) -> Client {
        self.shared.aws.s3(&self.shared.witness)
    }

    /// Reads both.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn standing(&self) -> Result<Standing, Trouble> {
        let (_, item) = self.item().await?;
        let object = match self.bucket_is_there().await? {
            true => self.object().await?,
            false => None,
        };
        Ok(Standing {
            engaged: [item, object],
        })
    }

    /// Whether the table is there, and what its item says.
    async fn item(&self) -> Result<(bool, Option<bool>), Trouble> {
        let region = &self.shared.regions[1];
        let answer = self
            .shared
            .aws
            .dynamodb(region)
            .get_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(ITEM.to_owned()))
            .consistent_read(true)
            .send()
            .await;
        let answer = found(answer, &["ResourceNotFoundException"], "dynamodb:GetItem", region)?;
        let there = answer.is_some();
        let item = answer.and_then(|answer| answer.item);
        Ok((
            there,
            item.and_then(|item| item.get("engaged")?.as_bool().ok().copied()),
        ))
    }

    async fn object(&self) -> Result<Option<bool>, Trouble> {
        let region = &self.shared.witness;
        let answer = self.s3().get_object().bucket(&self.bucket).key(OBJECT).send().await;
        let Some(answer) = found(answer, &["NoSuchKey"], "s3:GetObject", region)? else {
            return Ok(None);
        };
        let body = answer.body.collect().await;
        let body = body.map_err(|why| Trouble::own(TroubleKind::Unreachable, why.to_string()))?;
        let value: Option<serde_json::Value> = serde_json::from_slice(&body.into_bytes()).ok();
        let engaged = value.and_then(|value| value.get("engaged")?.as_bool());
        match engaged {
            Some(engaged) => Ok(Some(engaged)),
            None => Err(Trouble::own(
                TroubleKind::Unfit,
                format!(
                    "{OBJECT} in {} holds something else: delete the object, and it is written anew",
                    self.bucket
                ),
            )),
        }
    }
}

/// AWS keeps China and GovCloud apart, and says so in every ARN.
pub(crate) fn partition(region: &RegionName) -> &'static str {
    match region.as_str() {
        name if name.starts_with("cn-") => "aws-cn",
        name if name.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

async fn put_object(client: Client, bucket: String, region: RegionName) -> Result<(), Trouble> {
    let call = client
        .put_object()
        .bucket(bucket)
        .key(OBJECT)
        .content_type("application/json")
        .cache_control("no-store")
        // Whoever was faster is right: it may be a failover.
        .if_none_match("*")
        .body(ByteStream::from_static(RELEASED.as_bytes()));
    match call.send().await {
        Err(failure)
            if matches!(
                failure.code(),
                Some("PreconditionFailed" | "ConditionalRequestConflict")
            ) =>
        {
            Ok(())
        }
        answer => answer.map(drop).map_err(failed("s3:PutObject", &region)),
    }
}

async fn put_item(client: aws_sdk_dynamodb::Client, table: String, region: RegionName) -> Result<(), Trouble> {
    let number = || AttributeValue::N("0".to_owned());
    let call = client
        .put_item()
        .table_name(table)
        .item("id", AttributeValue::S(ITEM.to_owned()))
        .item("engaged", AttributeValue::Bool(false))
        .item("answer", AttributeValue::S("released".to_owned()))
        .item("epoch", number())
        .item("order", number())
        .condition_expression("attribute_not_exists(id)");
    match call.send().await {
        Err(failure) if failure.code() == Some("ConditionalCheckFailedException") => Ok(()),
        answer => answer.map(drop).map_err(failed("dynamodb:PutItem", &region)),
    }
}
