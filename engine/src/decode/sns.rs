//! SNS notifications as SQS receives them without raw delivery: the event is a text in `Message`.

use std::borrow::Cow;

use super::decoded::Ignored;
use super::rejection::{Excerpt, Reason};
use super::slot::Slot;

/// What SNS sent.
pub(super) enum Notification<'a> {
    /// The text that was published.
    Message(Cow<'a, str>),
    /// Something about the subscription itself.
    Other(Ignored),
}

/// Tells a published message from what SNS has to say itself. The signature is not checked here: the queue's policy
/// says which topics may send to it.
pub(super) fn notification<'a>(
    notification_type: Slot<Cow<'_, str>>,
    message: Slot<Cow<'a, str>>,
) -> Result<Notification<'a>, Reason> {
    let notification_type = notification_type.required("Type")?;
    match &*notification_type {
        "Notification" => message.required("Message").map(Notification::Message),
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => Ok(Notification::Other(Ignored::SubscriptionMessage)),
        other => Err(Reason::UnknownValue {
            path: "Type",
            value: Excerpt::of(other),
            expected: "`Notification`",
        }),
    }
}
