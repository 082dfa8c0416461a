//! Buckets: configuration, audit logs, static assets, the functions' packages, and the log of who asked for what.
//!
//! Replication is a reconciler's: neither region's stack can name a bucket that the other has not made yet. The role by which
//! S3 replicates is here.

use serde_json::{Value, json};

use super::super::excuse::Excuse;
use super::super::kinds::{Bucket, BucketPolicy};
use super::super::model::{Expr, Handle, Import, Template};
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::keys::Keys;

/// What the buckets export.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) packages: Import,
}

/// The buckets that are replicated, by role.
pub(super) const REPLICATED: [&str; 3] = ["config", "audit", "assets"];

const NO_LOG_OF_THE_LOG: Excuse = Excuse::Checkov("CKV_AWS_18", "the log of the log would log itself for ever");

pub(super) fn build(site: &Site<'_>, keys: &Keys, stacks: &mut Vec<Stack>) -> Storage {
    let mut template = Template::new(
        site,
        Layer::Storage,
        "buckets for configuration, audit, assets, packages and access logs",
    );
    let logs = access_logs(&mut template, site);
    let versions = site.deployment.retention.versions_days;
    let aging = json!([
        {"Id": "old-versions", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": versions}},
        {"Id": "broken-uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]);
    let mut buckets = Buckets {
        template,
        site,
        keys,
        logs: logs.reference(),
    };
    let config = buckets.add(["ConfigBucket", "ConfigBucketPolicy"], "config", &aging, None);
    let audit_days = site.deployment.retention.audit_days;
    let lock = json!({
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": audit_days}},
    });
    let archive = json!([
        {
            "Id": "archive", "Status": "Enabled",
            "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}],
            "ExpirationInDays": audit_days + 30,
            "NoncurrentVersionExpiration": {"NoncurrentDays": audit_days + 30},
        },
        {"Id": "broken-uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]);
    let audit = buckets.add(["AuditBucket", "AuditBucketPolicy"], "audit", &archive, Some(lock));
    let assets = buckets.add(["AssetsBucket", "AssetsBucketPolicy"], "assets", &aging, None);
    let packages = buckets.add(["PackagesBucket", "PackagesBucketPolicy"], "packages", &aging, None);
    let Buckets { mut template, .. } = buckets;

    let replicated = [&config, &audit, &assets].map(Handle::<Bucket>::arn);
    let role = replication(&mut template, site, keys, &replicated);
    template.export("replication-role", role);
    template.export("audit-bucket", audit.reference());
    template.export("assets-bucket", assets.reference());
    template.export("config-bucket", config.reference());
    let storage = Storage {
        packages: template.export("packages-bucket", packages.reference()),
    };
    stacks.push(template.finish(stacks));
    storage
}

struct Buckets<'a> {
    template: Template<'a>,
    site: &'a Site<'a>,
    keys: &'a Keys,
    logs: Expr,
}

impl Buckets<'_> {
    fn add(
        &mut self,
        [id, policy]: [&'static str; 2],
        role: &str,
        lifecycle: &Value,
        lock: Option<Value>,
    ) -> Handle<Bucket> {
        let mut properties = common(lifecycle);
        properties["BucketEncryption"] = json!({"ServerSideEncryptionConfiguration": [{
            "BucketKeyEnabled": true,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.keys.storage},
        }]});
        properties["LoggingConfiguration"] =
            json!({"DestinationBucketName": self.logs, "LogFilePrefix": format!("{role}/")});
        if let Some(lock) = lock {
            properties["ObjectLockEnabled"] = true.into();
            properties["ObjectLockConfiguration"] = lock;
        }
        let bucket = self
            .template
            .add(Bucket, id, &self.site.names.bucket(self.site.region, role), properties);
        let reason = if role == "packages" {
            "both regions' buckets are given the same packages"
        } else {
            "a reconciler replicates it, once the other region's bucket is there"
        };
        self.template
            .excuse(&bucket, &[Excuse::Nag("S3BucketReplicationEnabled", reason)]);
        self.template.keep(&bucket);
        let statements = [tls(&bucket)];
        policy_of(&mut self.template, policy, &bucket, statements);
        bucket
    }
}

fn common(lifecycle: &Value) -> Value {
    json!({
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {"Rules": lifecycle},
    })
}

fn objects(bucket: &Handle<Bucket>) -> Value {
    json!({"Fn::Join": ["", [bucket.arn(), "/*"]]})
}

fn tls(bucket: &Handle<Bucket>) -> Value {
    iam::only_with_tls("s3:*", json!([bucket.arn(), objects(bucket)]))
}

fn policy_of(
    template: &mut Template<'_>,
    id: &'static str,
    bucket: &Handle<Bucket>,
    statements: impl IntoIterator<Item = Value>,
) {
    template.add(
        BucketPolicy,
        id,
        "",
        json!({"Bucket": bucket.reference(), "PolicyDocument": iam::document(statements)}),
    );
}

fn access_logs(template: &mut Template<'_>, site: &Site<'_>) -> Handle<Bucket> {
    let days = site.deployment.retention.logs_days;
    let mut properties = common(&json!([
        {
            "Id": "retention", "Status": "Enabled", "ExpirationInDays": days,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        },
        {"Id": "broken-uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]));
    // The service that writes access logs cannot use a key of ours.
    properties["BucketEncryption"] =
        json!({"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]});
    let bucket = template.add(
        Bucket,
        "AccessLogsBucket",
        &site.names.bucket(site.region, "access-logs"),
        properties,
    );
    template.keep(&bucket);
    template.excuse(
        &bucket,
        &[
            NO_LOG_OF_THE_LOG,
            Excuse::Nag(
                "S3DefaultEncryptionKMS",
                "S3 delivers access logs only with its own keys",
            ),
            Excuse::Nag(
                "S3BucketReplicationEnabled",
                "it says who asked this region's buckets, and is of no use elsewhere",
            ),
        ],
    );
    let from_ours = json!({
        "StringEquals": {"aws:SourceAccount": site.names.account()},
        "ArnLike": {"aws:SourceArn": site.names.bucket_arn(&format!("{}-*", site.region_prefix()))},
    });
    let write = iam::grant(
        "AccessLogs",
        "logging.s3.amazonaws.com",
        &["s3:PutObject"],
        objects(&bucket),
        from_ours,
    );
    let statements = [tls(&bucket), write];
    policy_of(template, "AccessLogsBucketPolicy", &bucket, statements);
    bucket
}

/// Reads here, writes there, and nothing else.
fn replication(template: &mut Template<'_>, site: &Site<'_>, keys: &Keys, buckets: &[Expr]) -> Expr {
    let here: Vec<Value> = buckets
        .iter()
        .map(|arn| json!({"Fn::Join": ["", [arn, "/*"]]}))
        .collect();
    let there = REPLICATED.map(|role| site.names.bucket_arn(&site.names.bucket(site.peer, role)));
    let objects_there: Vec<String> = there.iter().map(|arn| format!("{arn}/*")).collect();
    let through = |region: &understudy_policies::model::RegionName| json!({"StringLike": {"kms:ViaService": format!("s3.{region}.amazonaws.com")}});
    let mut with_keys_there = iam::allow_if(
        "EncryptThere",
        &["kms:Encrypt", "kms:GenerateDataKey"],
        json!(site.names.arn("kms", Some(site.peer), "key/*")),
        through(site.peer),
    );
    // The other region's key is known by its alias: its id is not known before it is there.
    with_keys_there["Condition"]["ForAnyValue:StringEquals"] =
        json!({"kms:ResourceAliases": format!("alias/{}", site.names.regional(site.peer, "storage"))});
    let statements = vec![
        iam::allow(
            "ReadRules",
            &["s3:GetReplicationConfiguration", "s3:ListBucket"],
            json!(buckets),
        ),
        iam::allow(
            "ReadObjects",
            &[
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ],
            json!(here),
        ),
        iam::allow(
            "WriteThere",
            &["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
            json!(objects_there),
        ),
        iam::allow_if(
            "DecryptHere",
            &["kms:Decrypt"],
            json!(keys.storage),
            through(site.region),
        ),
        with_keys_there,
    ];
    let trust = iam::trust(site, "s3.amazonaws.com");
    iam::service_role(
        template,
        site,
        ["ReplicationRole", "ReplicationPolicy"],
        "replication",
        &trust,
        statements,
    )
    .arn()
}
