//! Stacks: how one stands, and how it gets where it should be, by a change set.
//!
//! ```text
//!   not there, or looked at only --> change set (CREATE) --+
//!   complete                     --> change set (UPDATE) --+--> empty: nothing to do, but to protect it
//!   at work                      --> wait, look again      +--> execute, follow its events, explain what failed
//!   stuck                        --> say where and why; with `--recover`, get it out of there
//! ```

mod changes;
mod compare;
mod events;
mod remove;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, ChangeSetStatus, ChangeSetType, Stack as Found, StackStatus, Tag};
use serde_json::Value;
use tokio::time::Instant;
use understudy_policies::model::RegionName;

pub use changes::{StackChange, of_template};
pub use compare::compared;
pub use events::{Event, Follow, root_of, validation_of};
pub use remove::{delete, still_there};

use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};
use crate::spanning::{Patience, Shared};
use crate::templates::limits::SENT_MAX;

/// What our change sets are called.
const CHANGE_SET: &str = "understudy";

/// What should be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where.
    pub region: RegionName,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub template: Value,
    /// A bucket of the region for a large template, with its address in the form that CloudFormation fetches.
    pub bucket: Option<String>,
}

/// How a stack stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not there.
    Absent,
    /// A change set of it was looked at, and nothing else.
    Reviewed,
    /// It is complete.
    Complete,
    /// CloudFormation is at it.
    AtWork,
    /// Its creation failed and was rolled back: it can only be deleted.
    NeverMade,
    /// A rollback failed: it can be gone on with.
    RollbackFailed,
    /// A deletion failed.
    DeletionFailed,
}

impl Standing {
    const fn of(status: &StackStatus) -> Self {
        use StackStatus as S;
        match status {
            S::CreateComplete
            | S::UpdateComplete
            | S::UpdateRollbackComplete
            | S::ImportComplete
            | S::ImportRollbackComplete => Self::Complete,
            S::ReviewInProgress => Self::Reviewed,
            S::RollbackComplete | S::CreateFailed | S::RollbackFailed => Self::NeverMade,
            S::UpdateRollbackFailed | S::UpdateFailed | S::ImportRollbackFailed => Self::RollbackFailed,
            S::DeleteFailed => Self::DeletionFailed,
            S::DeleteComplete => Self::Absent,
            _ => Self::AtWork,
        }
    }
}

/// The stacks of one account, through CloudFormation.
#[derive(Debug, Clone)]
pub struct Stacks {
    /// What is shared.
    pub shared: Shared,
    /// How long a stack is waited for.
    pub patience: Patience,
}

/// What applying a stack led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was as it should be.
    Same,
    /// It was made, or changed.
    Changed,
}

impl Stacks {
    pub(super) fn client(&self, region: &RegionName) -> Client {
        self.shared.aws.cloudformation(region)
    }

    /// Looks at a stack. One that is not ours is an error.
    ///
    /// # Errors
    /// When AWS does not tell, or the stack is somebody else's.
    pub async fn look(&self, region: &RegionName, name: &str) -> Result<(Standing, Option<Found>), Trouble> {
        let answer = self.client(region).describe_stacks().stack_name(name).send().await;
        let found = match answer.map_err(failed("cloudformation:DescribeStacks", region)) {
            Ok(answer) => answer.stacks.unwrap_or_default().into_iter().next(),
            Err(trouble) if trouble.code == "ValidationError" && trouble.said.contains("does not exist") => None,
            Err(trouble) => return Err(trouble),
        };
        let Some(found) = found else {
            return Ok((Standing::Absent, None));
        };
        let standing = found.stack_status().map_or(Standing::AtWork, Standing::of);
        let tags = found.tags().iter();
        let tags: BTreeMap<String, String> = tags
            .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
            .collect();
        // A stack that was only looked at gets its tags with its first execution.
        if standing != Standing::Reviewed && standing != Standing::Absent && !self.shared.owns(&tags) {
            return Err(self.shared.not_ours(&format!("the stack {name}"), region));
        }
        Ok((standing, Some(found)))
    }

    /// A stack's outputs; empty if it is not there.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn outputs(&self, region: &RegionName, name: &str) -> Result<BTreeMap<String, String>, Trouble> {
        let (standing, found) = self.look(region, name).await?;
        let outputs = found.filter(|_| standing == Standing::Complete);
        let outputs = outputs.and_then(|found| found.outputs).unwrap_or_default().into_iter();
        Ok(outputs
            .filter_map(|output| Some((output.output_key?, output.output_value?)))
            .collect())
    }

    /// Waits until CloudFormation is done with a stack, and tells its events.
    pub(super) async fn settled(
        &self,
        region: &RegionName,
        name: &str,
        follow: &mut Follow<'_>,
    ) -> Result<Standing, Trouble> {
        let began = Instant::now();
        loop {
            let (standing, _) = self.look(region, name).await?;
            follow.look(&self.client(region), region, name).await?;
            if standing != Standing::AtWork {
                return Ok(standing);
            }
            if began.elapsed() > self.patience.wait_max {
                return Err(Trouble::own(
                    TroubleKind::TooLong,
                    format!(
                        "the stack {name} in {region} is still at work: run the same command again, it goes on waiting"
                    ),
                ));
            }
            tokio::time::sleep(self.patience.look_every).await;
        }
    }

    /// Makes a stack what it should be.
    ///
    /// # Errors
    /// When it is stuck, somebody else's, or CloudFormation fails at it: then with the first cause.
    pub async fn apply(&self, wanted: &Wanted, recover: bool, follow: &mut Follow<'_>) -> Result<Applied, Trouble> {
        let Wanted { region, name, .. } = wanted;
        // Not by the clock here: what counts is which events are new.
        follow.begin(&self.client(region), region, name).await?;
        let mut standing = self.settled(region, name, follow).await?;
        if matches!(
            standing,
            Standing::NeverMade | Standing::RollbackFailed | Standing::DeletionFailed
        ) {
            if !recover {
                return Err(self.stuck(region, name, standing).await?);
            }
            standing = self.recover(region, name, standing, follow).await?;
        }
        let Some(change_set) = self.change_set(wanted, standing).await? else {
            return self.protect(region, name).await;
        };
        let client = self.client(region);
        client
            .execute_change_set()
            .stack_name(name)
            .change_set_name(&change_set)
            // What is retained is retained once it is there: what a failed creation has made is empty, and would stand in the way
            // of the next one.
            .retain_except_on_create(true)
            .send()
            .await
            .map_err(failed("cloudformation:ExecuteChangeSet", region))?;
        // Its status changes a moment after the answer.
        tokio::time::sleep(self.patience.look_every.min(Duration::from_secs(1))).await;
        match self.settled(region, name, follow).await? {
            Standing::Complete if follow.failure.is_none() => {
                self.protect(region, name).await?;
                Ok(Applied::Changed)
            }
            _ => {
                if follow.failure.is_none() {
                    // Whoever may not read it is told what else is known.
                    follow.failure = validation_of(&client, region, name).await.unwrap_or(None);
                }
                Err(self.explained(region, name, follow))
            }
        }
    }

    /// Nobody deletes a stack by mistake: only `destroy` lifts the protection, of what it deletes.
    async fn protect(&self, region: &RegionName, name: &str) -> Result<Applied, Trouble> {
        let (_, found) = self.look(region, name).await?;
        if found.as_ref().is_none_or(is_protected) {
            return Ok(Applied::Same);
        }
        let call = self
            .client(region)
            .update_termination_protection()
            .stack_name(name)
            .enable_termination_protection(true);
        call.send()
            .await
            .map_err(failed("cloudformation:UpdateTerminationProtection", region))?;
        Ok(Applied::Changed)
    }

    fn explained(&self, region: &RegionName, name: &str, follow: &Follow<'_>) -> Trouble {
        let Some(event) = &follow.failure else {
            return Trouble::own(
                TroubleKind::Call,
                format!(
                    "the stack {name} in {region} failed, and none of its events says why: see them in the console"
                ),
            );
        };
        let inner = Trouble::of(&event.kind, region.as_str(), "", &event.reason);
        let help = match inner.kind {
            TroubleKind::Permission => format!("; the permission `{}` is missing", inner.action),
            _ if event.reason.contains("limit") || event.reason.contains("quota") => {
                "; a quota is used up: have it raised in Service Quotas, in both regions".to_owned()
            }
            _ if event.reason.contains("already exists") => {
                "; something with this name exists already and is not this stack's: remove it, or choose another suffix"
                    .to_owned()
            }
            _ => String::new(),
        };
        let Event {
            resource, kind, reason, ..
        } = event;
        inner.said_as(format!(
            "the stack {name} in {region} failed first at {resource} ({kind}): {reason}{help}. CloudFormation rolls it back; \
             mend the cause, then run the same command again (with `--recover` if it is stuck)"
        ))
    }

    async fn stuck(&self, region: &RegionName, name: &str, standing: Standing) -> Result<Trouble, Trouble> {
        let client = self.client(region);
        let root = match root_of(&client, region, name).await? {
            Some(root) => Some(root),
            None => validation_of(&client, region, name).await.unwrap_or(None),
        };
        let cause = root.map_or_else(
            || "its events no longer say why".to_owned(),
            |event| {
                format!(
                    "it failed first at {} ({}): {}",
                    event.resource, event.kind, event.reason
                )
            },
        );
        let (state, way_out) = match standing {
            Standing::NeverMade => (
                "was never made, and what was begun is rolled back",
                "deletes what is left of it and makes it anew",
            ),
            Standing::RollbackFailed => (
                "is stuck in a rollback that failed",
                "goes on with the rollback, and then applies",
            ),
            _ => (
                "is stuck in a deletion that failed",
                "deletes it again and makes it anew",
            ),
        };
        Ok(Trouble::own(
            TroubleKind::Unfit,
            format!("the stack {name} in {region} {state}; {cause}. Mend the cause; `apply --recover` {way_out}"),
        ))
    }

    async fn recover(
        &self,
        region: &RegionName,
        name: &str,
        standing: Standing,
        follow: &mut Follow<'_>,
    ) -> Result<Standing, Trouble> {
        if standing == Standing::RollbackFailed {
            let call = self
                .client(region)
                .continue_update_rollback()
                .stack_name(name)
                .send()
                .await;
            call.map_err(failed("cloudformation:ContinueUpdateRollback", region))?;
        } else {
            delete(self, region, name, &[]).await?;
        }
        let after = self.settled(region, name, follow).await?;
        follow.failure = None;
        match after {
            Standing::Absent | Standing::Complete => Ok(after),
            other => Err(self.stuck(region, name, other).await?),
        }
    }

    /// Makes a change set. None: there is nothing to change.
    pub(super) async fn change_set(&self, wanted: &Wanted, standing: Standing) -> Result<Option<String>, Trouble> {
        let Wanted { region, name, .. } = wanted;
        let client = self.client(region);
        let kind = match standing {
            Standing::Complete => ChangeSetType::Update,
            _ => ChangeSetType::Create,
        };
        self.forget(region, name).await;
        let call = client
            .create_change_set()
            .stack_name(name)
            .change_set_name(CHANGE_SET)
            .change_set_type(kind)
            .capabilities(Capability::CapabilityNamedIam)
            .set_tags(Some(
                self.shared
                    .each_tag()
                    .map(|(key, value)| Tag::builder().key(key).value(value).build())
                    .collect(),
            ));
        let body = wanted.template.to_string();
        let call = if body.len() <= SENT_MAX {
            call.template_body(body)
        } else {
            call.template_url(self.uploaded(wanted, body).await?)
        };
        match call.send().await {
            Ok(_) => {}
            Err(failure) => {
                let trouble = failed("cloudformation:CreateChangeSet", region)(failure);
                if says_empty(&trouble.said) {
                    return Ok(None);
                }
                if trouble.said.contains("Unrecognized resource types") && self.shared.aws.is_elsewhere() {
                    let said =
                        format!("{trouble}; if it is an emulator that lacks them, `--leave-out TYPE` goes on without");
                    return Err(trouble.said_as(said));
                }
                return Err(trouble);
            }
        }
        let began = Instant::now();
        loop {
            let answer = client
                .describe_change_set()
                .stack_name(name)
                .change_set_name(CHANGE_SET)
                .send()
                .await;
            let answer = answer.map_err(failed("cloudformation:DescribeChangeSet", region))?;
            match answer.status() {
                Some(ChangeSetStatus::CreateComplete) => return Ok(Some(CHANGE_SET.to_owned())),
                Some(ChangeSetStatus::Failed) => {
                    let reason = answer.status_reason().unwrap_or("no reason given").to_owned();
                    self.forget(region, name).await;
                    if says_empty(&reason) {
                        return Ok(None);
                    }
                    return Err(Trouble::own(
                        TroubleKind::Call,
                        format!("CloudFormation refuses the stack {name} in {region}: {reason}"),
                    ));
                }
                _ => {}
            }
            if began.elapsed() > self.patience.wait_max {
                return Err(Trouble::own(
                    TroubleKind::TooLong,
                    format!("the change set of {name} in {region} is not ready"),
                ));
            }
            tokio::time::sleep(self.patience.look_every.min(Duration::from_secs(2))).await;
        }
    }

    /// Removes our change set, if one was left by an earlier run or a plan. Nothing depends on it.
    pub(super) async fn forget(&self, region: &RegionName, name: &str) {
        let call = self
            .client(region)
            .delete_change_set()
            .stack_name(name)
            .change_set_name(CHANGE_SET);
        drop(call.send().await);
    }

    async fn uploaded(&self, wanted: &Wanted, body: String) -> Result<String, Trouble> {
        let Wanted { region, name, .. } = wanted;
        let Some(bucket) = &wanted.bucket else {
            return Err(Trouble::own(
                TroubleKind::Unfit,
                format!(
                    "the template of {name} has {} bytes, and without a bucket in {region} only {SENT_MAX} can be sent: apply the \
                     stack of the buckets first",
                    body.len()
                ),
            ));
        };
        let key = format!("templates/{name}.json");
        let call = self.shared.aws.s3(region).put_object().bucket(bucket).key(&key);
        call.body(body.into_bytes().into())
            .send()
            .await
            .map_err(failed("s3:PutObject", region))?;
        let elsewhere = self.shared.aws.endpoint_of("S3");
        Ok(elsewhere.map_or_else(
            || format!("https://{bucket}.s3.{region}.amazonaws.com/{key}"),
            |endpoint| format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')),
        ))
    }
}

/// Whether a stack cannot be deleted by mistake.
#[must_use]
pub fn is_protected(stack: &Found) -> bool {
    stack.enable_termination_protection() == Some(true)
}

/// CloudFormation's ways to say that there is nothing to change.
fn says_empty(reason: &str) -> bool {
    ["didn't contain changes", "No updates are to be performed", "no changes"]
        .iter()
        .any(|part| reason.contains(part))
}
