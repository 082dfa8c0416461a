//! What a change set would do, in words.

use aws_sdk_cloudformation::types::{ChangeAction, Replacement, ResourceChange};
use serde::Serialize;
use serde_json::Value;

use super::{CHANGE_SET, Stacks, Standing, Wanted, compared, is_protected};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};
use crate::spanning::ChangeKind;
use crate::templates::limits::{SENT_MAX, size};

/// Types that hold what cannot be made again.
const HOLD_DATA: [&str; 8] = [
    "AWS::EFS::FileSystem",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::DynamoDB::",
    "AWS::RDS::",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
    "AWS::SecretsManager::",
];
/// Types whose replacement interrupts everything behind them.
const CARRY: [&str; 4] = [
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::DomainName",
];

/// What a change says that may be a replacement.
const PERHAPS: &str = " (perhaps a replacement)";

/// One change of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackChange {
    /// What happens.
    pub change: ChangeKind,
    /// The resource, as the template calls it.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// Which of its properties.
    pub detail: String,
    /// Why it is risky, if it is.
    pub risk: Option<String>,
}

impl StackChange {
    /// Whether the resource that is there now goes for certain, with its id.
    #[must_use]
    pub fn surely_goes(&self) -> bool {
        matches!(self.change, ChangeKind::Replace | ChangeKind::Remove) && !self.detail.ends_with(PERHAPS)
    }
}

impl Stacks {
    /// What applying a stack would change. Leaves nothing behind.
    ///
    /// # Errors
    /// When it is stuck or somebody else's, or CloudFormation refuses the template.
    pub async fn plan(&self, wanted: &Wanted) -> Result<Vec<StackChange>, Trouble> {
        let Wanted {
            region, name, template, ..
        } = wanted;
        let (standing, found) = self.look(region, name).await?;
        match standing {
            // A change set of a new stack could not import what other new stacks are going to export.
            Standing::Absent | Standing::Reviewed => return Ok(of_template(template)),
            Standing::Complete => {}
            Standing::AtWork => {
                return Err(Trouble::own(
                    TroubleKind::Unfit,
                    format!(
                        "CloudFormation is at work on the stack {name} in {region}: wait until it is done, or run `apply`, \
                         which waits"
                    ),
                ));
            }
            stuck => return Err(self.stuck(region, name, stuck).await?),
        }
        let mut changes = Vec::new();
        if !found.as_ref().is_none_or(is_protected) {
            changes.push(StackChange {
                change: ChangeKind::Change,
                resource: name.clone(),
                kind: "stack".to_owned(),
                detail: "protection against deletion".to_owned(),
                risk: None,
            });
        }
        // A plan uploads nothing.
        if size(template) > SENT_MAX {
            changes.extend(compared(&self.template(region, name).await?, template));
            return Ok(changes);
        }
        if self.change_set(wanted, standing).await?.is_none() {
            return Ok(changes);
        }
        let client = self.client(region);
        let mut token = None;
        loop {
            let call = client
                .describe_change_set()
                .stack_name(name)
                .change_set_name(CHANGE_SET);
            let answer = call.set_next_token(token).send().await;
            let answer = answer.map_err(failed("cloudformation:DescribeChangeSet", region))?;
            let these = answer.changes.unwrap_or_default();
            changes.extend(
                these
                    .iter()
                    .filter_map(|change| change.resource_change())
                    .map(of_change),
            );
            token = answer.next_token;
            if token.is_none() {
                break;
            }
        }
        self.forget(region, name).await;
        Ok(changes)
    }
}

/// Everything in a template, as additions.
#[must_use]
pub fn of_template(template: &Value) -> Vec<StackChange> {
    let resources = template["Resources"].as_object();
    let resources = resources.into_iter().flatten();
    resources
        .map(|(name, resource)| StackChange {
            change: ChangeKind::Add,
            resource: name.clone(),
            kind: resource["Type"].as_str().unwrap_or_default().to_owned(),
            detail: String::new(),
            risk: None,
        })
        .collect()
}

/// Why a change of something of this type is risky, if it is.
pub(super) fn at_risk(change: ChangeKind, kind: &str) -> Option<&'static str> {
    let begins = |types: &[&str]| types.iter().any(|known| kind.starts_with(known));
    let goes = matches!(change, ChangeKind::Remove | ChangeKind::Replace);
    match goes {
        true if begins(&HOLD_DATA) => Some("what it holds is lost, or left behind"),
        true if begins(&CARRY) => Some("what depends on it is interrupted"),
        _ => None,
    }
}

fn of_change(change: &ResourceChange) -> StackChange {
    let kind = change.resource_type().unwrap_or_default().to_owned();
    let replaced = change.replacement();
    let what = match (change.action(), replaced) {
        (Some(ChangeAction::Add | ChangeAction::Import), _) => ChangeKind::Add,
        (Some(ChangeAction::Remove), _) => ChangeKind::Remove,
        (_, Some(Replacement::True | Replacement::Conditional)) => ChangeKind::Replace,
        _ => ChangeKind::Change,
    };
    let risk = at_risk(what, &kind);
    let mut properties: Vec<&str> = change
        .details()
        .iter()
        .filter_map(|detail| detail.target()?.name())
        .collect();
    properties.sort_unstable();
    properties.dedup();
    let mut detail = properties.join(", ");
    if replaced == Some(&Replacement::Conditional) {
        detail.push_str(PERHAPS);
    }
    StackChange {
        change: what,
        resource: change.logical_resource_id().unwrap_or_default().to_owned(),
        kind,
        detail,
        risk: risk.map(str::to_owned),
    }
}
