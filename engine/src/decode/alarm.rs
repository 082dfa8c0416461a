//! CloudWatch alarms: metric, metric math and composite ones alike, by way of EventBridge or of SNS.
//!
//! They differ only in their configuration, which the policy knows better than the event. What counts is the state, and
//! when CloudWatch came to it.

use std::borrow::Cow;

use super::arn::Arn;
use super::decoded::Content;
use super::detail::Detail;
use super::directory::Directory;
use super::document::Envelope;
use super::rejection::{Excerpt, Reason};
use super::slot::Slot;
use super::time;
use crate::core::signal::{Observation, Signal};

/// Reads a `CloudWatch Alarm State Change`.
pub(super) fn event(envelope: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
    let name = detail.alarm_name.required("detail.alarmName")?;
    let state = detail.state.required("detail.state")?;
    let value = state.value.required("detail.state.value")?;
    let timestamp = state.timestamp.required("detail.state.timestamp")?;
    let (witness, target) = envelope.directory.alarm(&name, envelope.region)?;
    Ok(Content::Signal(Signal {
        witness,
        target,
        observation: observation(&value, "detail.state.value")?,
        observed: time::parse(&timestamp, "detail.state.timestamp")?,
    }))
}

/// The fields of the message that an alarm's action publishes to SNS. Its `Region` is a name for people, such as "US
/// East (N. Virginia)", so the region and the account are taken from the ARN, or from that of the topic.
pub(super) struct Message<'a> {
    pub(super) name: Slot<Cow<'a, str>>,
    pub(super) arn: Slot<Cow<'a, str>>,
    /// The topic that it was published to. An alarm can only publish in its own region.
    pub(super) topic: Option<&'a str>,
    pub(super) state: Slot<Cow<'a, str>>,
    pub(super) changed: Slot<Cow<'a, str>>,
}

/// Reads the message of an alarm's action.
pub(super) fn message(directory: &Directory, message: Message<'_>) -> Result<Content, Reason> {
    let name = message.name.required("AlarmName")?;
    let (arn, path) = match (message.arn.optional("AlarmArn")?, message.topic) {
        (Some(arn), _) => (arn, "AlarmArn"),
        // Alarms did not always say where they are; nor do emulators.
        (None, Some(topic)) => (Cow::Borrowed(topic), "TopicArn"),
        (None, None) => return Err(Reason::MissingField { path: "AlarmArn" }),
    };
    let state = message.state.required("NewStateValue")?;
    let changed = message.changed.required("StateChangeTime")?;
    let arn = Arn::parse(&arn, path)?;
    directory.check_account(arn.account)?;
    let (witness, target) = directory.alarm(&name, arn.region)?;
    Ok(Content::Signal(Signal {
        witness,
        target,
        observation: observation(&state, "NewStateValue")?,
        observed: time::parse(&changed, "StateChangeTime")?,
    }))
}

fn observation(value: &str, path: &'static str) -> Result<Observation, Reason> {
    match value {
        "OK" => Ok(Observation::Healthy),
        "ALARM" => Ok(Observation::Breached),
        "INSUFFICIENT_DATA" => Ok(Observation::Missing),
        other => Err(Reason::UnknownValue {
            path,
            value: Excerpt::of(other),
            expected: "`OK`, `ALARM` or `INSUFFICIENT_DATA`",
        }),
    }
}
