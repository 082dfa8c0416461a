//! The own region's order path: an item that the order functions read before they accept or process an order.
//!
//! | Attribute | Type | |
//! |--|--|--|
//! | `id` | S | `order-path` |
//! | `epoch` | N | the latest epoch in which it was written |
//! | `intake`, `processing` | N | the epoch in which it was opened; 0: closed |
//!
//! Intake is open if `intake` equals `epoch`, and processing likewise. So raising the epoch closes what an older one had
//! opened, in one write.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use reqwest::{Client as HttpClient, StatusCode, Url};
use tracing::warn;

use super::expression::{KEY, Update, number, text};
use super::verdict::judge;
use crate::core::effect::Outcome;
use crate::core::ids::Epoch;
use crate::service::parts::{Database, OrderPath};

/// The key of the item.
const ORDER_PATH: &str = "order-path";
const INTAKE: &str = "intake";
const PROCESSING: &str = "processing";
/// The header in which a probe order carries its epoch.
pub const EPOCH_HEADER: &str = "x-understudy-epoch";

/// The own region's order path.
#[derive(Debug)]
pub struct OrderPathItem {
    client: Client,
    table: String,
    /// How long an order that was begun may take at most.
    finish_within: Duration,
    probe: Option<(HttpClient, Url)>,
    database: Arc<dyn Database>,
}

impl OrderPathItem {
    /// The order path behind a table's item. Without a `probe`, a database that takes writes is taken for an order path
    /// that does.
    #[must_use]
    pub const fn new(
        client: Client,
        table: String,
        finish_within: Duration,
        probe: Option<(HttpClient, Url)>,
        database: Arc<dyn Database>,
    ) -> Self {
        Self {
            client,
            table,
            finish_within,
            probe,
            database,
        }
    }

    async fn write(&self, epoch: Epoch, values: &[(&'static str, u64)]) -> Outcome {
        let update = Update::default()
            .when_not_later("epoch", number(epoch.0))
            .set("epoch", number(epoch.0));
        let update = values
            .iter()
            .fold(update, |update, (name, value)| update.set(name, number(value)));
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(KEY, text(ORDER_PATH))
            .condition_expression(update.condition())
            .update_expression(update.update());
        let (names, values) = update.placeholders();
        let sent = call
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::Done,
            Err(failure)
                if matches!(
                    failure.as_service_error(),
                    Some(UpdateItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                warn!(epoch = epoch.0, "the order path is in a later epoch");
                Outcome::Refused
            }
            Err(failure) => judge("write the order path", &failure).into(),
        }
    }
}

#[async_trait]
impl OrderPath for OrderPathItem {
    async fn open_intake(&self, epoch: Epoch) -> Outcome {
        self.write(epoch, &[(INTAKE, epoch.0)]).await
    }

    async fn open_processing(&self, epoch: Epoch) -> Outcome {
        self.write(epoch, &[(PROCESSING, epoch.0)]).await
    }

    async fn close(&self, epoch: Epoch) -> Outcome {
        let outcome = self.write(epoch, &[(INTAKE, 0), (PROCESSING, 0)]).await;
        if outcome == Outcome::Done {
            // Order functions read the item with each order, so after this none is left that began before.
            tokio::time::sleep(self.finish_within).await;
        }
        outcome
    }

    async fn verify_write(&self, epoch: Epoch) -> Outcome {
        let Some((client, url)) = &self.probe else {
            return match self.database.clock().await {
                Outcome::DatabaseClock(_) => Outcome::Done,
                other => other,
            };
        };
        let sent = client
            .post(url.clone())
            .header(EPOCH_HEADER, epoch.0.to_string())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => Outcome::Done,
            Ok(answer) => {
                warn!(status = answer.status().as_u16(), "the probe order was not committed");
                if answer.status().is_client_error() && answer.status() != StatusCode::REQUEST_TIMEOUT {
                    Outcome::Failed
                } else {
                    Outcome::TimedOut
                }
            }
            Err(error) if error.is_connect() => Outcome::Failed,
            Err(_) => Outcome::TimedOut,
        }
    }
}
