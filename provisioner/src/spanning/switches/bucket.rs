//! The bucket of switch B: versioned, encrypted, and open for its one object only.
//!
//! It has no log of who asked: the log would have to be a bucket in its own region, and the witness region has nothing but this one.
//! What is in it is public, and asked for every few seconds by Route 53's checkers.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Delete,
    ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, ObjectIdentifier,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use serde_json::json;
use understudy_policies::model::RegionName;

use super::super::ChangeKind::{Add, Change};
use super::super::{Difference, Shared};
use super::{OBJECT, Switches, partition};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};

/// What is set on the bucket, in this order.
const SETTINGS: [&str; 6] = [
    "tags",
    "versioning",
    "encryption",
    "old versions expire",
    "no ACLs; a policy decides",
    PUBLIC,
];
const PUBLIC: &str = "its one object is public, over TLS only";
const WHY_PUBLIC: &str = "anybody can read the switch's answer, and is meant to";

impl Switches {
    pub(super) async fn bucket_is_there(&self) -> Result<bool, Trouble> {
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

    pub(super) async fn tags(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let answer = self.s3().get_bucket_tagging().bucket(&self.bucket).send().await;
        let answer = found(answer, &["NoSuchTagSet"], "s3:GetBucketTagging", &self.shared.witness)?;
        let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// What differs of the bucket, and whether it is there.
    pub(super) async fn bucket(&self, all: &mut Vec<Difference>) -> Result<bool, Trouble> {
        let region = &self.shared.witness;
        let what = format!("bucket {}", self.bucket);
        let (client, bucket, place) = (self.s3(), self.bucket.clone(), region.clone());
        if !self.bucket_is_there().await? {
            let act = create(client, bucket, self.shared.clone());
            all.push(Difference::new(Add, region, &what, "for switch B").by(act));
            for setting in SETTINGS {
                let later = Difference::new(Change, region, &what, setting);
                all.push(if setting == PUBLIC {
                    later.risky(WHY_PUBLIC)
                } else {
                    later
                });
            }
            return Ok(false);
        }
        let tags = self.tags().await?;
        if !self.shared.owns(&tags) && (!tags.is_empty() || !self.is_empty().await?) {
            // An empty bucket without tags is one whose making was interrupted.
            return Err(self.shared.not_ours(&what, region));
        }
        let wrong = |setting: &str| Difference::new(Change, region, &what, setting);
        let [tagged, versioned, encrypted, aging, opened, policy] = SETTINGS;
        if !self.shared.missing_tags(&tags).is_empty() {
            all.push(wrong(tagged).by(tag(client.clone(), bucket.clone(), self.shared.clone())));
        }
        if !self.is_versioned().await? {
            all.push(wrong(versioned).by(version(client.clone(), bucket.clone(), place.clone())));
        }
        if !self.is_encrypted().await? {
            all.push(wrong(encrypted).by(encrypt(client.clone(), bucket.clone(), place.clone())));
        }
        if !self.ages().await? {
            let act = age(client.clone(), bucket.clone(), self.versions_days, place.clone());
            all.push(wrong(aging).by(act));
        }
        let open_already = self.is_opened().await?;
        if !open_already {
            all.push(wrong(opened).by(open(client.clone(), bucket.clone(), place.clone())));
        }
        if !self.has_policy().await? {
            let act = put_policy(client, bucket, self.policy(), place);
            all.push(wrong(policy).risky(WHY_PUBLIC).by_if(open_already, act));
        }
        Ok(true)
    }

    async fn is_versioned(&self) -> Result<bool, Trouble> {
        let answer = self.s3().get_bucket_versioning().bucket(&self.bucket).send().await;
        let answer = answer.map_err(failed("s3:GetBucketVersioning", &self.shared.witness))?;
        Ok(answer.status == Some(BucketVersioningStatus::Enabled))
    }

    async fn is_encrypted(&self) -> Result<bool, Trouble> {
        let answer = self.s3().get_bucket_encryption().bucket(&self.bucket).send().await;
        let absent = &["ServerSideEncryptionConfigurationNotFoundError"];
        let answer = found(answer, absent, "s3:GetEncryptionConfiguration", &self.shared.witness)?;
        Ok(answer.is_some())
    }

    async fn ages(&self) -> Result<bool, Trouble> {
        let call = self.s3().get_bucket_lifecycle_configuration().bucket(&self.bucket);
        let absent = &["NoSuchLifecycleConfiguration"];
        let answer = found(
            call.send().await,
            absent,
            "s3:GetLifecycleConfiguration",
            &self.shared.witness,
        )?;
        let rules = answer.and_then(|answer| answer.rules).unwrap_or_default();
        let enabled = |rule: &&LifecycleRule| rule.status() == &ExpirationStatus::Enabled;
        let days = |rule: &LifecycleRule| rule.noncurrent_version_expiration()?.noncurrent_days();
        let is: Vec<Option<i32>> = rules.iter().filter(enabled).map(days).collect();
        Ok(is == [Some(self.versions_days)])
    }

    async fn is_opened(&self) -> Result<bool, Trouble> {
        let answer = self.s3().get_public_access_block().bucket(&self.bucket).send().await;
        let absent = &["NoSuchPublicAccessBlockConfiguration"];
        let answer = found(answer, absent, "s3:GetBucketPublicAccessBlock", &self.shared.witness)?;
        let block = answer.and_then(|answer| answer.public_access_block_configuration);
        Ok(block.is_some_and(|block| {
            block.block_public_acls() == Some(true)
                && block.ignore_public_acls() == Some(true)
                && block.block_public_policy() != Some(true)
                && block.restrict_public_buckets() != Some(true)
        }))
    }

    async fn has_policy(&self) -> Result<bool, Trouble> {
        let answer = self.s3().get_bucket_policy().bucket(&self.bucket).send().await;
        let answer = found(
            answer,
            &["NoSuchBucketPolicy"],
            "s3:GetBucketPolicy",
            &self.shared.witness,
        )?;
        let text = answer.and_then(|answer| answer.policy);
        let is = text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
        Ok(is == Some(self.policy()))
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

/// The engine writes the object anew with each move.
async fn age(client: Client, bucket: String, days: i32, region: RegionName) -> Result<(), Trouble> {
    let rule = LifecycleRule::builder()
        .id("old-versions")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(days).build())
        .build()?;
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build()?;
    let call = client
        .put_bucket_lifecycle_configuration()
        .bucket(bucket)
        .lifecycle_configuration(rules);
    call.send()
        .await
        .map_err(failed("s3:PutLifecycleConfiguration", &region))?;
    Ok(())
}

async fn put_policy(
    client: Client,
    bucket: String,
    policy: serde_json::Value,
    region: RegionName,
) -> Result<(), Trouble> {
    let call = client.put_bucket_policy().bucket(bucket).policy(policy.to_string());
    call.send().await.map_err(failed("s3:PutBucketPolicy", &region))?;
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
