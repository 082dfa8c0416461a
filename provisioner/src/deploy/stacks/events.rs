//! A stack's events: told as they come, and searched for the first that failed.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{StackEvent, ValidationStatus};
use serde::Serialize;
use understudy_policies::model::RegionName;

use crate::aws::Trouble;
use crate::aws::trouble::found;

/// Events that are looked at, at most. A stack of 500 resources has some 1,500 in one operation.
const EVENTS_MAX: usize = 4000;
/// What a resource says when it stopped because another one failed.
const CANCELLED: [&str; 3] = ["Resource creation cancelled", "Resource update cancelled", "cancelled"];

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The resource, as the template calls it.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// What it became.
    pub status: String,
    /// Why.
    pub reason: String,
}

impl Event {
    fn of(event: &StackEvent) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            resource: text(event.logical_resource_id()),
            kind: text(event.resource_type()),
            status: event
                .resource_status()
                .map_or_else(String::new, |status| status.as_str().to_owned()),
            reason: text(event.resource_status_reason()),
        }
    }

    fn is_root(&self, stack: &str) -> bool {
        let follows = CANCELLED.iter().any(|word| self.reason.contains(word));
        // The stack's own event only repeats what its resources said.
        self.status.ends_with("_FAILED") && !follows && self.resource != stack
    }
}

/// Follows a stack's events.
pub struct Follow<'a> {
    seen: BTreeSet<String>,
    /// The first that failed since the operation began.
    pub failure: Option<Event>,
    tell: &'a (dyn Fn(&Event) + Send + Sync),
}

impl std::fmt::Debug for Follow<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow")
            .field("seen", &self.seen.len())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl<'a> Follow<'a> {
    /// Tells each new event.
    pub fn new(tell: &'a (dyn Fn(&Event) + Send + Sync)) -> Self {
        Self {
            seen: BTreeSet::new(),
            failure: None,
            tell,
        }
    }

    /// What has happened so far is no news.
    pub(in crate::deploy) async fn begin(
        &mut self,
        client: &Client,
        region: &RegionName,
        stack: &str,
    ) -> Result<(), Trouble> {
        let events = all(client, region, stack, EVENTS_MAX).await?;
        self.seen.extend(events.into_iter().filter_map(|event| event.event_id));
        Ok(())
    }

    /// Tells what is new, oldest first.
    pub(super) async fn look(&mut self, client: &Client, region: &RegionName, stack: &str) -> Result<(), Trouble> {
        let mut new = Vec::new();
        for event in all(client, region, stack, EVENTS_MAX).await? {
            if self.seen.insert(event.event_id().unwrap_or_default().to_owned()) {
                new.push(Event::of(&event));
            }
        }
        for event in new.into_iter().rev() {
            (self.tell)(&event);
            if self.failure.is_none() && event.is_root(stack) {
                self.failure = Some(event);
            }
        }
        Ok(())
    }
}

/// The first event that failed in a stack's last operation.
///
/// # Errors
/// When AWS does not tell.
pub async fn root_of(client: &Client, region: &RegionName, stack: &str) -> Result<Option<Event>, Trouble> {
    let mut root = None;
    // Newest first: the last one found is the oldest.
    for event in all(client, region, stack, EVENTS_MAX).await? {
        let event = Event::of(&event);
        if event.is_root(stack) {
            root = Some(event);
        } else if event.resource == stack
            && matches!(
                event.status.as_str(),
                "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS"
            )
            && root.is_some()
        {
            // Where that operation began.
            break;
        }
    }
    Ok(root)
}

/// What CloudFormation found wrong before it made anything, such as a name that is taken: no event of the stack tells that.
///
/// # Errors
/// When AWS does not tell.
pub async fn validation_of(client: &Client, region: &RegionName, stack: &str) -> Result<Option<Event>, Trouble> {
    let answer = client.describe_events().stack_name(stack).send().await;
    let answer = found(answer, &["ValidationError"], "cloudformation:DescribeEvents", region)?;
    let events = answer.and_then(|answer| answer.operation_events).unwrap_or_default();
    let wrong = events
        .iter()
        .find(|event| event.validation_status() == Some(&ValidationStatus::Failed));
    Ok(wrong.map(|event| {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Event {
            resource: text(event.logical_resource_id()),
            kind: text(event.resource_type()),
            status: "VALIDATION_FAILED".to_owned(),
            reason: text(event.validation_status_reason()),
        }
    }))
}

/// Newest first.
async fn all(client: &Client, region: &RegionName, stack: &str, most: usize) -> Result<Vec<StackEvent>, Trouble> {
    let mut events = Vec::new();
    let mut token = None;
    while events.len() < most {
        let answer = client
            .describe_stack_events()
            .stack_name(stack)
            .set_next_token(token)
            .send()
            .await;
        // A stack that is not there has none.
        let Some(answer) = found(
            answer,
            &["ValidationError"],
            "cloudformation:DescribeStackEvents",
            region,
        )?
        else {
            break;
        };
        events.extend(answer.stack_events.unwrap_or_default());
        token = answer.next_token;
        if token.is_none() {
            break;
        }
    }
    Ok(events)
}
