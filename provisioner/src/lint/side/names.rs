//! Names, ARNs and regions inside of texts.

use std::collections::BTreeSet;

use super::{Resource, Side};
use crate::lint::value::{Piece, push};

/// Per type: the property that names the resource; whether `Ref` returns that name; and the ARN's service and what
/// stands before the name in it (empty if the ARN cannot be told from the name).
const NAMED: &[(&str, &str, bool, &str, &str)] = &[
    ("AWS::ApiGateway::DomainName", "DomainName", true, "", ""),
    ("AWS::ApiGateway::RestApi", "Name", false, "", ""),
    ("AWS::ApiGatewayV2::Api", "Name", false, "", ""),
    ("AWS::ApiGatewayV2::DomainName", "DomainName", true, "", ""),
    ("AWS::CertificateManager::Certificate", "DomainName", false, "", ""),
    ("AWS::CloudWatch::Alarm", "AlarmName", true, "cloudwatch", "alarm:"),
    (
        "AWS::CloudWatch::CompositeAlarm",
        "AlarmName",
        true,
        "cloudwatch",
        "alarm:",
    ),
    ("AWS::CloudWatch::Dashboard", "DashboardName", true, "", ""),
    ("AWS::DynamoDB::GlobalTable", "TableName", true, "dynamodb", "table/"),
    ("AWS::DynamoDB::Table", "TableName", true, "dynamodb", "table/"),
    ("AWS::EC2::SecurityGroup", "GroupName", false, "", ""),
    ("AWS::ECS::Cluster", "ClusterName", true, "ecs", "cluster/"),
    ("AWS::ECS::Service", "ServiceName", false, "", ""),
    ("AWS::ECS::TaskDefinition", "Family", false, "", ""),
    ("AWS::Events::EventBus", "Name", true, "events", "event-bus/"),
    ("AWS::Events::Rule", "Name", true, "events", "rule/"),
    ("AWS::IAM::Group", "GroupName", true, "", ""),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName", true, "", ""),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", false, "", ""),
    ("AWS::IAM::Role", "RoleName", true, "iam", "role/"),
    ("AWS::IAM::User", "UserName", true, "iam", "user/"),
    ("AWS::KMS::Alias", "AliasName", true, "kms", ""),
    ("AWS::Kinesis::Stream", "Name", true, "kinesis", "stream/"),
    ("AWS::Lambda::Function", "FunctionName", true, "lambda", "function:"),
    ("AWS::Logs::LogGroup", "LogGroupName", true, "logs", "log-group:"),
    ("AWS::RDS::DBCluster", "DBClusterIdentifier", true, "rds", "cluster:"),
    (
        "AWS::RDS::DBClusterParameterGroup",
        "DBClusterParameterGroupName",
        true,
        "",
        "",
    ),
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier", true, "rds", "db:"),
    ("AWS::RDS::DBParameterGroup", "DBParameterGroupName", true, "", ""),
    ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupName", true, "", ""),
    ("AWS::RDS::GlobalCluster", "GlobalClusterIdentifier", true, "", ""),
    ("AWS::S3::Bucket", "BucketName", true, "s3", ""),
    ("AWS::SNS::Topic", "TopicName", false, "sns", ""),
    ("AWS::SQS::Queue", "QueueName", false, "sqs", ""),
    ("AWS::SSM::Parameter", "Name", true, "", ""),
    ("AWS::Scheduler::Schedule", "Name", true, "", ""),
    ("AWS::SecretsManager::Secret", "Name", false, "", ""),
    (
        "AWS::StepFunctions::StateMachine",
        "StateMachineName",
        false,
        "states",
        "stateMachine:",
    ),
];

fn named(kind: &str) -> Option<&'static (&'static str, &'static str, bool, &'static str, &'static str)> {
    NAMED.iter().find(|(name, ..)| *name == kind)
}

/// The property that names a resource of this type.
#[must_use]
pub fn name_property(kind: &str) -> Option<&'static str> {
    named(kind).map(|(_, property, ..)| *property)
}

/// What a reference to a resource returns, if its name is known.
pub(super) fn reference(side: &Side, resource: &Resource, attribute: &str) -> Option<Vec<Piece>> {
    let (kind, property, by_ref, service, before) = named(&resource.kind)?;
    let name = resource.get(property).pieces();
    if name.is_empty()
        || name
            .iter()
            .any(|piece| matches!(piece, Piece::Unknown | Piece::Resource(..)))
    {
        return None;
    }
    let arn = |side: &Side| {
        let mut pieces = Vec::new();
        let region = if matches!(*service, "s3" | "iam") {
            ""
        } else {
            &side.region
        };
        push(&mut pieces, Piece::Literal(format!("arn:aws:{service}:{region}:")));
        if *service != "s3" {
            push(&mut pieces, Piece::Account);
        }
        push(&mut pieces, Piece::Literal(format!(":{before}")));
        for piece in name {
            push(&mut pieces, piece.clone());
        }
        pieces
    };
    match attribute {
        "" if *by_ref => Some(name.to_vec()),
        // A topic's and a state machine's `Ref` is the ARN.
        "" if matches!(*kind, "AWS::SNS::Topic" | "AWS::StepFunctions::StateMachine") => Some(arn(side)),
        "Arn" | "TopicArn" | "DBClusterArn" if !service.is_empty() && *service != "kms" => Some(arn(side)),
        "QueueName" | "TopicName" | "Name" => Some(name.to_vec()),
        _ => None,
    }
}

/// Is `word` the name of a region, such as `us-east-1`?
fn is_region(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let [partition, middle @ .., number] = parts.as_slice() else {
        return false;
    };
    const DIRECTIONS: &[&str] = &[
        "north",
        "south",
        "east",
        "west",
        "central",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
    ];
    let letters = partition.len() == 2 && partition.bytes().all(|byte| byte.is_ascii_lowercase());
    let direction = match middle {
        [direction] => DIRECTIONS.contains(direction),
        ["gov" | "iso" | "isob", direction] => DIRECTIONS.contains(direction),
        _ => false,
    };
    letters && direction && number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The regions that a text names, availability zones included.
#[must_use]
pub fn regions(text: &str) -> BTreeSet<String> {
    places(text)
        .into_iter()
        .map(|(start, end)| text[start..end].to_owned())
        .collect()
}

/// Where the regions in a text stand.
fn places(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let begins = from == 0 || !bytes[from - 1].is_ascii_alphanumeric();
        // The longest name of a region has 17 letters, `us-iso-northeast-1` one more.
        let end = (from + 9..=(from + 18).min(bytes.len()))
            .filter(|end| bytes[end - 1].is_ascii_digit())
            .find(|end| begins && text.is_char_boundary(from) && text.get(from..*end).is_some_and(is_region));
        match end {
            Some(end) if !bytes.get(end).is_some_and(u8::is_ascii_digit) => {
                found.push((from, end));
                from = end;
            }
            _ => from += 1,
        }
    }
    found
}

/// The region that an ARN or an AWS host name points into; `None` if it points nowhere in particular.
#[must_use]
pub fn arn_region(pieces: &[Piece]) -> Option<String> {
    let text: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(letters) => letters.as_str(),
            _ => "\u{0}",
        })
        .collect();
    if let Some(arn) = text.strip_prefix("arn:") {
        let region = arn.split(':').nth(2)?;
        return is_region(region).then(|| region.to_owned());
    }
    if text.contains(".amazonaws.com") || text.contains(".on.aws") {
        let host = text.split(".amazonaws.com").next()?;
        return regions(host).into_iter().next_back();
    }
    None
}

/// How far two texts may differ and still mean the same, each for its region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leeway {
    /// Not at all: both sides name the same thing, be it one region.
    None,
    /// By the regions' names.
    Regions,
    /// By the regions' names, long and short, and the words for their roles.
    Roles,
}

impl Leeway {
    /// From the strictest to the widest. A word such as `main` or `backup` is a role in one name and none in another, so
    /// each has to be tried.
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Regions, Self::Roles];
}

/// A text in which what may differ is replaced. What is left must be the same on both sides.
#[must_use]
pub(crate) fn neutral(side: &Side, text: &str, leeway: Leeway) -> String {
    if leeway == Leeway::None {
        return text.to_owned();
    }
    let mut made = String::new();
    let mut from = 0;
    for (start, end) in places(text) {
        made.push_str(&text[from..start]);
        made.push_str(match &text[start..end] {
            region if region == side.region => "{here}",
            region if region == side.peer => "{there}",
            region => region,
        });
        from = end;
    }
    made.push_str(&text[from..]);
    if leeway == Leeway::Roles {
        words(side, &made)
    } else {
        made
    }
}

/// The short forms of a region's name: `use1`, `useast1`.
fn short_forms(region: &str) -> [String; 2] {
    let mut parts = region.split('-');
    let partition = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let initials: String = rest.iter().filter_map(|part| part.chars().next()).collect();
    [format!("{partition}{initials}"), region.replace('-', "")]
}

fn words(side: &Side, text: &str) -> String {
    const PRIMARY: &[&str] = &["primary", "main", "home", "active"];
    const STANDBY: &[&str] = &["standby", "secondary", "replica", "dr", "backup", "passive"];
    let (here, there) = match side.role {
        super::Role::Primary => (PRIMARY, STANDBY),
        super::Role::Standby => (STANDBY, PRIMARY),
    };
    let (short_here, short_there) = (short_forms(&side.region), short_forms(&side.peer));
    let mut made = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, made: &mut String| {
        let lower = word.to_lowercase();
        if short_here.contains(&lower) || here.contains(&lower.as_str()) {
            made.push_str("{here}");
        } else if short_there.contains(&lower) || there.contains(&lower.as_str()) {
            made.push_str("{there}");
        } else {
            made.push_str(word);
        }
        word.clear();
    };
    for c in text.chars() {
        // `PrimaryOrders` is two words.
        let boundary = c.is_uppercase() && word.chars().last().is_some_and(char::is_lowercase);
        if !c.is_alphanumeric() || boundary {
            flush(&mut word, &mut made);
        }
        if c.is_alphanumeric() {
            word.push(c);
        } else {
            made.push(c);
        }
    }
    flush(&mut word, &mut made);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_found_in_texts() {
        let found = regions("arn:aws:sqs:us-east-1:1:q us-gov-west-1 ap-southeast-2b xus-east-2 us-east-12");
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["ap-southeast-2", "us-east-1", "us-gov-west-1"]);
    }

    #[test]
    fn an_arn_and_a_host_point_into_a_region() {
        let region = |text: &str| arn_region(&[Piece::Literal(text.to_owned())]);
        assert_eq!(region("arn:aws:sqs:us-east-2:1:q").as_deref(), Some("us-east-2"));
        assert_eq!(region("arn:aws:s3:::us-east-2-bucket"), None);
        assert_eq!(
            region("https://sqs.us-east-1.amazonaws.com/1/q").as_deref(),
            Some("us-east-1")
        );
        assert_eq!(region("us-east-1"), None);
    }

    #[test]
    fn short_forms_are_the_usual_ones() {
        assert_eq!(short_forms("us-east-1"), ["use1", "useast1"]);
    }
}
