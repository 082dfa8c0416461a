//! The lease item in DynamoDB.
//!
//! One table with multi-Region strong consistency, a replica in each serving region: every read is strongly consistent, and
//! every write one conditional update that is judged against the latest version, whichever endpoint takes it. The own
//! region's endpoint is tried first, then the other one.
//!
//! Sending a write to the second endpoint after the first one fell silent does no more than a single write that was held
//! up on its way could do, which every request of the protocol is made for: a renewal counts twice at most, a claim keeps
//! its first mark, and everything else is tied to the epoch, the beat, the renewals or the claim that it saw. A condition
//! that does not hold brings the item along; if it carries our own mark, then the write that fell silent was the one that
//! went through.
//!
//! The engine never makes the item: after a table was lost, whoever made a new one would hand the lease to the home region
//! while the other one may serve. [`LeaseTable::create_first`] is for `understudy-engine create-lease`, which an operator
//! or the provisioner calls once.

mod item;
mod request;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, error, warn};

use super::expression::{Item, KEY, Update, text};
use super::verdict::{Verdict, judge};
use crate::core::effect::Outcome;
use crate::core::ids::Nonce;
use crate::core::lease::{LeaseRecord, LeaseRequest};
use crate::service::parts::LeaseStore;

/// How much of the patience each endpoint may use, the first one first. What is left is for reading back.
const SHARES: [f64; 2] = [0.45, 0.80];
/// All of the patience that is used: the shell's own clock must not run out first.
const LAST: f64 = 0.97;

/// The lease item's table.
#[derive(Debug)]
pub struct LeaseTable {
    /// The own region's endpoint first.
    endpoints: Vec<Client>,
    table: String,
}

/// What one attempt came to.
#[derive(Debug)]
enum Attempt {
    Written(LeaseRecord),
    /// The condition did not hold.
    Refused(LeaseRecord),
    /// Two regions wrote at the same time, and this one lost.
    Crossed,
    NotDone,
    Unknown,
}

/// Why the first item was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCreated {
    /// There is one.
    #[error("there is a lease item already; leave it alone, it says which region serves")]
    Exists,
    /// The table did not answer.
    #[error("the lease table did not take the item; the log says why")]
    Failed,
    /// It may have been made.
    #[error("it is not known whether the item was made; ask again: it is made once at most")]
    Unknown,
}

impl LeaseTable {
    /// The table behind these endpoints, the own region's first.
    #[must_use]
    pub const fn new(endpoints: Vec<Client>, table: String) -> Self {
        Self { endpoints, table }
    }

    /// Makes the item of a new platform, in which the home region holds epoch 1, unless there is an item.
    ///
    /// # Errors
    /// When there is one, or the table does not answer.
    pub async fn create_first(&self) -> Result<LeaseRecord, NotCreated> {
        let record = LeaseRecord::initial();
        let client = self.endpoints.first().ok_or(NotCreated::Failed)?;
        let put = client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::item(&record)))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", KEY);
        match put.send().await {
            Ok(_) => Ok(record),
            Err(SdkError::ServiceError(answer))
                if matches!(answer.err(), PutItemError::ConditionalCheckFailedException(_)) =>
            {
                Err(NotCreated::Exists)
            }
            Err(failure) => Err(match judge("create the lease item", &failure) {
                Verdict::NotDone => NotCreated::Failed,
                Verdict::Unknown => NotCreated::Unknown,
            }),
        }
    }

    async fn write(&self, request: &LeaseRequest, nonce: Nonce, began: Instant, patience: Duration) -> Outcome {
        let mut unknown = false;
        for (client, share) in self.endpoints.iter().zip(self.shares()) {
            let deadline = began + patience.mul_f64(share);
            let mut crossed = false;
            loop {
                let Some(update) = request::update(request, nonce) else {
                    break;
                };
                let attempt = timeout_at(deadline, self.attempt(client, update)).await;
                match attempt.unwrap_or(Attempt::Unknown) {
                    Attempt::Written(record) => return Outcome::Lease(record),
                    // Nobody else writes our mark: the attempt before this one went through after all.
                    Attempt::Refused(record) if record.nonce == nonce => return Outcome::Lease(record),
                    Attempt::Refused(record) => return Outcome::Conflict(record),
                    // The other region's write is through by now; once more is enough to see what it made of the item.
                    Attempt::Crossed if !crossed => {
                        crossed = true;
                        continue;
                    }
                    Attempt::Crossed | Attempt::NotDone => {}
                    Attempt::Unknown => unknown = true,
                }
                break;
            }
        }
        if !unknown {
            return Outcome::Failed;
        }
        self.read_back(request, nonce, began + patience.mul_f64(LAST)).await
    }

    /// Settles a write of which nobody knows whether it went through.
    async fn read_back(&self, request: &LeaseRequest, nonce: Nonce, deadline: Instant) -> Outcome {
        for client in &self.endpoints {
            match timeout_at(deadline, self.look(client)).await {
                Ok(Ok(record)) if record.nonce == nonce => return Outcome::Lease(record),
                // It can no longer happen to the item as it is.
                Ok(Ok(record)) if record.apply(request, nonce).is_err() => return Outcome::Conflict(record),
                // It may still be on its way.
                Ok(Ok(_)) | Err(_) => break,
                Ok(Err(_)) => {}
            }
        }
        Outcome::TimedOut
    }

    async fn read(&self, began: Instant, patience: Duration) -> Outcome {
        let mut worst = Outcome::Failed;
        for (client, share) in self.endpoints.iter().zip(self.shares()) {
            match timeout_at(began + patience.mul_f64(share), self.look(client)).await {
                Ok(Ok(record)) => return Outcome::Lease(record),
                Ok(Err(Verdict::NotDone)) => {}
                Ok(Err(Verdict::Unknown)) | Err(_) => worst = Outcome::TimedOut,
            }
        }
        worst
    }

    async fn look(&self, client: &Client) -> Result<LeaseRecord, Verdict> {
        let get = client
            .get_item()
            .table_name(&self.table)
            .key(KEY, text(item::LEASE))
            .consistent_read(true);
        let answer = get
            .send()
            .await
            .map_err(|failure: SdkError<GetItemError, HttpResponse>| judge("read the lease", &failure))?;
        let Some(item) = answer.item else {
            error!(
                table = self.table,
                "there is no lease item, and a sidecar never makes one: if this platform is new, run `understudy-engine \
                 create-lease`; if the table was lost, restore it from its backup, and look which region serves before that"
            );
            return Err(Verdict::NotDone);
        };
        self.understand(&item).ok_or(Verdict::NotDone)
    }

    async fn attempt(&self, client: &Client, update: Update) -> Attempt {
        let call = client
            .update_item()
            .table_name(&self.table)
            .key(KEY, text(item::LEASE))
            .condition_expression(update.condition())
            .update_expression(update.update())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (names, values) = update.placeholders();
        let call = call
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        match call.send().await {
            // What was written can be read; if it cannot, reading back settles it.
            Ok(answer) => match answer.attributes.and_then(|item| self.understand(&item)) {
                Some(record) => Attempt::Written(record),
                None => Attempt::Unknown,
            },
            Err(failure) => self.refusal(&failure),
        }
    }

    fn refusal(&self, failure: &SdkError<UpdateItemError, HttpResponse>) -> Attempt {
        match failure.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                let Some(item) = refused.item() else {
                    // No item, so no condition of ours could hold.
                    warn!(
                        table = self.table,
                        "the lease item is not there, or was not shown with the refusal"
                    );
                    return Attempt::NotDone;
                };
                self.understand(item).map_or(Attempt::NotDone, Attempt::Refused)
            }
            Some(UpdateItemError::ReplicatedWriteConflictException(_)) => {
                debug!("a write of the lease crossed one of the other region");
                Attempt::Crossed
            }
            _ => match judge("write the lease", failure) {
                Verdict::NotDone => Attempt::NotDone,
                Verdict::Unknown => Attempt::Unknown,
            },
        }
    }

    fn understand(&self, item: &Item) -> Option<LeaseRecord> {
        item::record(item)
            .inspect_err(|wrong| error!(table = self.table, %wrong, "the lease item cannot be read"))
            .ok()
    }

    fn shares(&self) -> impl Iterator<Item = f64> {
        let [first, last] = SHARES;
        // A single endpoint has the first one's time as well.
        let skipped = usize::from(self.endpoints.len() < 2);
        [first, last].into_iter().skip(skipped).chain(std::iter::repeat(last))
    }
}

#[async_trait]
impl LeaseStore for LeaseTable {
    async fn apply(&self, request: LeaseRequest, nonce: Nonce, patience: Duration) -> Outcome {
        let began = Instant::now();
        match request {
            LeaseRequest::Read => self.read(began, patience).await,
            _ => self.write(&request, nonce, began, patience).await,
        }
    }
}
