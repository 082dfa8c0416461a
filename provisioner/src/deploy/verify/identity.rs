//! Names and tags of what is inside the stacks, as AWS has them. What spans regions is looked at by its reconciler.

use std::collections::{BTreeMap, BTreeSet};

use understudy_policies::model::RegionName;

use super::{Look, Verdict};
use crate::aws::Trouble;
use crate::aws::json::tagged;
use crate::aws::trouble::failed;
use crate::templates::kinds::{ALL, Tags};

/// Types whose physical id shows their name. The others have an id that AWS chose, or are called by a host name.
const NAMED: [&str; 20] = [
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBClusterParameterGroup",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::StepFunctions::StateMachine",
    "AWS::WAFv2::WebACL",
];
/// Types of which AWS always says which of them carry a tag. That it says nothing of one means that it carries none.
const TOLD: [&str; 9] = [
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
];

/// Types without an answer that are named.
const UNTOLD_MAX: usize = 3;

/// A resource of a stack.
struct Resource {
    kind: String,
    /// What AWS calls it.
    id: String,
}

impl Look<'_> {
    /// R9.1, R9.5.
    pub(super) async fn at_names_and_tags(&mut self) {
        for region in self.world.inhabited() {
            let resources = match self.resources(region).await {
                Ok(resources) => resources,
                Err(trouble) => {
                    self.untold("R9.1", "names carry the suffix", region, &trouble);
                    continue;
                }
            };
            let (verdict, says) = self.names(&resources);
            self.point("R9.1", "names carry the suffix", region, verdict, says);
            match self.tags(region, &resources).await {
                Ok((verdict, says)) => self.point("R9.5", "what is in stacks carries our tags", region, verdict, says),
                Err(trouble) => {
                    let says = trouble.to_string();
                    self.point(
                        "R9.5",
                        "what is in stacks carries our tags",
                        region,
                        Verdict::Unknown,
                        says,
                    );
                }
            }
        }
    }

    /// Everything in a region's stacks.
    async fn resources(&self, region: &RegionName) -> Result<Vec<Resource>, Trouble> {
        let client = self.world.shared.aws.cloudformation(region);
        let looks = self.world.platform.of(region).map(async |stack| {
            let pages = client.list_stack_resources().stack_name(&stack.name).into_paginator();
            let all: Result<Vec<_>, _> = pages.items().send().collect().await;
            all.map_err(failed("cloudformation:ListStackResources", region))
        });
        let found = futures_util::future::try_join_all(looks).await?;
        Ok(found
            .into_iter()
            .flatten()
            .filter_map(|resource| {
                Some(Resource {
                    kind: resource.resource_type?,
                    id: resource.physical_resource_id?,
                })
            })
            .collect())
    }

    fn names(&self, resources: &[Resource]) -> (Verdict, String) {
        let environment = self.world.environment();
        let marks = [
            format!("understudy-{environment}-"),
            format!("understudy/{environment}/"),
        ];
        let named: Vec<_> = resources
            .iter()
            .filter(|one| NAMED.contains(&one.kind.as_str()))
            .collect();
        let wrong = named.iter().find(|one| !marks.iter().any(|mark| one.id.contains(mark)));
        match wrong {
            _ if named.is_empty() => (Verdict::No, "there is nothing that has a name".to_owned()),
            Some(Resource { kind, id }) => (Verdict::No, format!("{id} ({kind}) does not")),
            None => (
                Verdict::Yes,
                format!("all {} names that AWS did not choose", named.len()),
            ),
        }
    }

    async fn tags(&self, region: &RegionName, resources: &[Resource]) -> Result<(Verdict, String), Trouble> {
        let shared = &self.world.shared;
        let tagged = tagged(&shared.aws, region, shared.owner()).await?;
        let mut of_kind: BTreeMap<&str, [Vec<&Resource>; 2]> = BTreeMap::new();
        let mut wrong = Vec::new();
        for resource in resources {
            let taggable = ALL
                .iter()
                .any(|(kind, tags, _)| *kind == resource.kind && *tags != Tags::None);
            if !taggable {
                continue;
            }
            let found = tagged.iter().find(|(arn, _)| is_of(arn, &resource.kind, &resource.id));
            let kind = of_kind.entry(resource.kind.as_str()).or_default();
            kind[usize::from(found.is_none())].push(resource);
            let missing = found.map(|(_, tags)| shared.missing_tags(tags)).unwrap_or_default();
            if let Some((key, value)) = missing.first() {
                wrong.push(format!("{} lacks `{key}` = `{value}`", resource.id));
            }
        }
        let mut count = 0;
        let mut untold = BTreeSet::new();
        // An emulator knows the tags of some types only.
        let all_told = shared.aws.endpoint_of("RESOURCE_GROUPS_TAGGING_API").is_none();
        for (kind, [with, without]) in of_kind {
            count += with.len();
            if with.is_empty() && !(all_told && TOLD.contains(&kind)) {
                untold.insert(kind);
                continue;
            }
            wrong.extend(
                without
                    .iter()
                    .map(|one| format!("{} ({kind}) carries no tag of ours", one.id)),
            );
        }
        let (key, value) = shared.owner();
        Ok(match (wrong.first(), count) {
            (Some(first), _) => (Verdict::No, format!("{} do not, first: {first}", wrong.len())),
            (None, 0) => (
                Verdict::Unknown,
                format!("AWS says of nothing that it carries `{key}` = `{value}`"),
            ),
            (None, _) if untold.is_empty() => (Verdict::Yes, format!("all {count} that can")),
            (None, _) => {
                let some: Vec<&str> = untold.iter().copied().take(UNTOLD_MAX).collect();
                let more = match untold.len().saturating_sub(UNTOLD_MAX) {
                    0 => String::new(),
                    more => format!(" and {more} more types"),
                };
                let says = format!("{count} do; of {}{more} nothing is told", some.join(", "));
                (Verdict::Yes, says)
            }
        })
    }
}

/// Whether an ARN is of the resource that a stack knows by this id: an ARN, a URL, or the end of one.
fn is_of(arn: &str, kind: &str, id: &str) -> bool {
    // A function and its role have one name.
    if arn.split(':').nth(2) != Some(&service(kind)) {
        return false;
    }
    if id.starts_with("arn:") {
        // A task definition's ARN ends with its revision, and a log group's with a star.
        return arn == id || arn.trim_end_matches(":*") == id.trim_end_matches(":*");
    }
    let id = if id.starts_with("http") {
        id.rsplit('/').next().unwrap_or(id)
    } else {
        id.trim_start_matches('/')
    };
    let end = arn.trim_end_matches(":*").strip_suffix(id);
    end.is_some_and(|start| start.ends_with(['/', ':']))
}

/// The service of a type, as ARNs call it.
fn service(kind: &str) -> String {
    match kind.split("::").nth(1).unwrap_or_default() {
        "CertificateManager" => "acm".to_owned(),
        "EFS" => "elasticfilesystem".to_owned(),
        "StepFunctions" => "states".to_owned(),
        other => other.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_its_own_arn_only() {
        for (arn, kind, id) in [
            ("arn:aws:ec2:us-east-1:1:vpc/vpc-1", "AWS::EC2::VPC", "vpc-1"),
            ("arn:aws:s3:::bucket", "AWS::S3::Bucket", "bucket"),
            (
                "arn:aws:sqs:us-east-1:1:a",
                "AWS::SQS::Queue",
                "https://sqs.us-east-1.amazonaws.com/1/a",
            ),
            (
                "arn:aws:sns:us-east-1:1:a",
                "AWS::SNS::Topic",
                "arn:aws:sns:us-east-1:1:a",
            ),
            ("arn:aws:logs:us-east-1:1:log-group:/a/b", "AWS::Logs::LogGroup", "/a/b"),
            (
                "arn:aws:logs:us-east-1:1:log-group:/a/b:*",
                "AWS::Logs::LogGroup",
                "/a/b",
            ),
            ("arn:aws:ssm:us-east-1:1:parameter/a/b", "AWS::SSM::Parameter", "/a/b"),
            (
                "arn:aws:elasticfilesystem:us-east-1:1:file-system/fs-1",
                "AWS::EFS::FileSystem",
                "fs-1",
            ),
        ] {
            assert!(is_of(arn, kind, id), "{arn} {id}");
        }
        for (arn, kind, id) in [
            ("arn:aws:ec2:us-east-1:1:vpc/vpc-11", "AWS::EC2::VPC", "vpc-1"),
            (
                "arn:aws:sqs:us-east-1:1:all-a",
                "AWS::SQS::Queue",
                "https://sqs.us-east-1.amazonaws.com/1/a",
            ),
            (
                "arn:aws:sns:us-east-1:1:a",
                "AWS::SNS::Topic",
                "arn:aws:sns:us-east-2:1:a",
            ),
            ("arn:aws:lambda:us-east-1:1:function:a", "AWS::IAM::Role", "a"),
        ] {
            assert!(!is_of(arn, kind, id), "{arn} {id}");
        }
    }
}
