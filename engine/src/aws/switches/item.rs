//! Switch A: an item in the standby region, which API Gateway serves straight from the table.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use tracing::warn;

use super::answer;
use crate::aws::expression::{KEY, Update, flag, number, text};
use crate::aws::verdict::{judge, note};
use crate::core::effect::Outcome;
use crate::core::ids::Epoch;

/// The key of the item.
const SWITCH: &str = "switch-a";

/// Switch A.
#[derive(Debug)]
pub struct SwitchItem {
    client: Client,
    table: String,
}

impl SwitchItem {
    /// The switch in a table.
    #[must_use]
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    pub(super) async fn set(&self, engaged: bool, epoch: Epoch, order: u64) -> Outcome {
        let update = Update::default()
            .when_pair_not_later(["epoch", "order"], [number(epoch.0), number(order)])
            .set("engaged", flag(engaged))
            .set("answer", text(answer(engaged)))
            .set("epoch", number(epoch.0))
            .set("order", number(order));
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(KEY, text(SWITCH))
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
                warn!(
                    epoch = epoch.0,
                    order, "switch A was written later than this was decided"
                );
                Outcome::Refused
            }
            Err(failure) => judge("flip switch A", &failure).into(),
        }
    }

    /// A switch that was never flipped is not engaged.
    pub(super) async fn read(&self) -> Option<bool> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(KEY, text(SWITCH))
            .consistent_read(true)
            .send()
            .await
            .inspect_err(|failure| note("read switch A", failure))
            .ok()?;
        match answer.item {
            None => Some(false),
            Some(item) => item.get("engaged")?.as_bool().ok().copied(),
        }
    }
}
