//! The two switches, as they are before any failover: released.
//!
//! Switch A is an item in the standby region, switch B an object in the witness region. Both are written once, if they are
//! not there; from then on only the engine writes them. The bucket of switch B answers health checks from the internet, so
//! its one object can be read by anybody; nothing else in it can.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Delete, ObjectIdentifier,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use serde_json::json;
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};

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

    async fn bucket_is_there(&self) -> Result<bool, Trouble> {
        let answer = self.s3().head_bucket().bucket(&self.bucket).send().await;
        match answer {
            Ok(_) => Ok(true),
            Err(failure) if failure.raw_response().is_some_and(|raw| raw.status().as_u16() == 404) => Ok(false),
            Err(failure) if failure.raw_response().is_some_and(|raw| raw.status().as_u16() == 403) => Err(self
                .shared
                .not_ours(&format!("the bucket {}", self.bucket), &self.shared.witness)),
            Err(failure) => Err(failed("s3:HeadBucket", &self.shared.witness)(failure)),
        }
    }

    async fn tags(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let answer = self.s3().get_bucket_tagging().bucket(&self.bucket).send().await;
        let answer = found(answer, &["NoSuchTagSet"], "s3:GetBucketTagging", &self.shared.witness)?;
        let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn bucket(&self, all: &mut Vec<Difference>) -> Result<bool, Trouble> {
        let region = &self.shared.witness;
        let what = format!("bucket {}", self.bucket);
        let there = self.bucket_is_there().await?;
        let client = self.s3();
        let bucket = self.bucket.clone();
        let tags = match there {
            true => self.tags().await?,
            false => BTreeMap::new(),
        };
        if !there {
            let act = create(client.clone(), bucket.clone(), self.shared.clone());
            all.push(Difference::new(Add, region, &what, "for switch B").by(act));
        } else if !self.shared.owns(&tags) && (!tags.is_empty() || !self.is_empty().await?) {
            // An empty bucket without tags is one whose making was interrupted.
            return Err(self.shared.not_ours(&what, region));
        }
        if !self.shared.missing_tags(&tags).is_empty() {
            let act = tag(client.clone(), bucket.clone(), self.shared.clone());
            all.push(Difference::new(Change, region, &what, "tags").by_if(there, act));
        }
        let versioned = match there {
            true => {
                let answer = client.get_bucket_versioning().bucket(&bucket).send().await;
                let answer = answer.map_err(failed("s3:GetBucketVersioning", region))?;
                answer.status == Some(BucketVersioningStatus::Enabled)
            }
            false => false,
        };
        if !versioned {
            let (client, bucket, region) = (client.clone(), bucket.clone(), region.clone());
            let act = version(client, bucket, region.clone());
            all.push(Difference::new(Change, &region, &what, "versioning").by_if(there, act));
        }
        let encrypted = match there {
            true => {
                let answer = client.get_bucket_encryption().bucket(&bucket).send().await;
                let absent = &["ServerSideEncryptionConfigurationNotFoundError"];
                found(answer, absent, "s3:GetEncryptionConfiguration", region)?.is_some()
            }
            false => false,
        };
        if !encrypted {
            let act = encrypt(client.clone(), bucket.clone(), region.clone());
            all.push(Difference::new(Change, region, &what, "encryption").by_if(there, act));
        }
        let opened = match there {
            true => {
                let answer = client.get_public_access_block().bucket(&bucket).send().await;
                let absent = &["NoSuchPublicAccessBlockConfiguration"];
                let answer = found(answer, absent, "s3:GetBucketPublicAccessBlock", region)?;
                let block = answer.and_then(|answer| answer.public_access_block_configuration);
                block.is_some_and(|block| {
                    block.block_public_acls() == Some(true)
                        && block.ignore_public_acls() == Some(true)
                        && block.block_public_policy() != Some(true)
                        && block.restrict_public_buckets() != Some(true)
                })
            }
            false => false,
        };
        if !opened {
            let act = open(client.clone(), bucket.clone(), region.clone());
            all.push(Difference::new(Change, region, &what, "no ACLs; a policy decides").by_if(there, act));
        }
        let policy = self.policy();
        let is = match there {
            true => {
                let answer = client.get_bucket_policy().bucket(&bucket).send().await;
                let answer = found(answer, &["NoSuchBucketPolicy"], "s3:GetBucketPolicy", region)?;
                let text = answer.and_then(|answer| answer.policy);
                text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
            }
            false => None,
        };
        if is.as_ref() != Some(&policy) {
            let region = region.clone();
            let place = region.clone();
            let act = async move {
                let answer = client
                    .put_bucket_policy()
                    .bucket(bucket)
                    .policy(policy.to_string())
                    .send()
                    .await;
                answer.map_err(failed("s3:PutBucketPolicy", &region))?;
                Ok(())
            };
            all.push(
                Difference::new(Change, &place, &what, "its one object is public, over TLS only")
                    .risky("anybody can read the switch's answer, and is meant to")
                    .by_if(there && opened, act),
            );
        }
        Ok(there)
    }

    async fn is_empty(&self) -> Result<bool, Trouble> {
        let answer = self
            .s3()
            .list_objects_v2()
            .bucket(&self.bucket)
            .max_keys(1)
            .send()
            .await;
        let answer = answer.map_err(failed("s3:ListBucket", &self.shared.witness))?;
        Ok(answer.contents().is_empty())
    }

    fn policy(&self) -> serde_json::Value {
        let arn = format!("arn:{}:s3:::{}", partition(&self.shared.witness), self.bucket);
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "HealthChecksReadTheSwitch",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": format!("{arn}/{OBJECT}"),
                },
                {
                    "Sid": "OverTlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn.clone(), format!("{arn}/*")],
                    "Condition": { "Bool": { "aws:SecureTransport": "false" } },
                },
            ],
        })
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

async fn create(client: Client, bucket: String, shared: Shared) -> Result<(), Trouble> {
    let region = &shared.witness;
    let mut call = client.create_bucket().bucket(&bucket);
    // The one region that must not be named.
    if region.as_str() != "us-east-1" {
        let place = BucketLocationConstraint::from(region.as_str());
        call =
            call.create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(place).build());
    }
    match call.send().await {
        Ok(_) => tag(client, bucket, shared.clone()).await,
        Err(failure) if failure.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(failure) if failure.code() == Some("BucketAlreadyExists") => {
            Err(shared.not_ours(&format!("the bucket {bucket}"), region))
        }
        Err(failure) => Err(failed("s3:CreateBucket", region)(failure)),
    }
}

async fn tag(client: Client, bucket: String, shared: Shared) -> Result<(), Trouble> {
    let tags: Result<Vec<Tag>, _> = shared
        .each_tag()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    let tagging = Tagging::builder().set_tag_set(Some(tags?)).build();
    let call = client.put_bucket_tagging().bucket(bucket).tagging(tagging?);
    call.send()
        .await
        .map_err(failed("s3:PutBucketTagging", &shared.witness))?;
    Ok(())
}

async fn version(client: Client, bucket: String, region: RegionName) -> Result<(), Trouble> {
    let on = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let call = client
        .put_bucket_versioning()
        .bucket(bucket)
        .versioning_configuration(on);
    call.send().await.map_err(failed("s3:PutBucketVersioning", &region))?;
    Ok(())
}

/// With S3's own keys: nobody who reads the switch has a right to one of ours.
async fn encrypt(client: Client, bucket: String, region: RegionName) -> Result<(), Trouble> {
    let by = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::Aes256)
        .build();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by?)
        .build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build();
    let call = client
        .put_bucket_encryption()
        .bucket(bucket)
        .server_side_encryption_configuration(rules?);
    call.send()
        .await
        .map_err(failed("s3:PutEncryptionConfiguration", &region))?;
    Ok(())
}

async fn open(client: Client, bucket: String, region: RegionName) -> Result<(), Trouble> {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(false)
        .restrict_public_buckets(false)
        .build();
    let call = client
        .put_public_access_block()
        .bucket(bucket)
        .public_access_block_configuration(block);
    call.send()
        .await
        .map_err(failed("s3:PutBucketPublicAccessBlock", &region))?;
    Ok(())
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

/// Removes every version of every object.
pub(crate) async fn empty(client: &Client, bucket: &str, region: &RegionName) -> Result<(), Trouble> {
    loop {
        let answer = client.list_object_versions().bucket(bucket).send().await;
        let answer = answer.map_err(failed("s3:ListBucketVersions", region))?;
        let versions = answer
            .versions()
            .iter()
            .map(|version| (version.key(), version.version_id()));
        let markers = answer
            .delete_markers()
            .iter()
            .map(|marker| (marker.key(), marker.version_id()));
        let objects: Result<Vec<ObjectIdentifier>, _> = versions
            .chain(markers)
            .map(|(key, version)| {
                ObjectIdentifier::builder()
                    .key(key.unwrap_or_default())
                    .set_version_id(version.map(str::to_owned))
                    .build()
            })
            .collect();
        let objects = objects?;
        if objects.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build()?;
        let answer = client.delete_objects().bucket(bucket).delete(delete).send().await;
        let answer = answer.map_err(failed("s3:DeleteObjectVersion", region))?;
        if let Some(error) = answer.errors().first() {
            return Err(Trouble::of(
                "s3:DeleteObjectVersion",
                region.as_str(),
                error.code().unwrap_or_default(),
                error.message().unwrap_or_default(),
            ));
        }
    }
}
