//! The envelopes, and what is inside them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::decoded::{Content, Decoded, Kind};
use super::detail::Detail;
use super::directory::Directory;
use super::limits::{BODY_BYTES_MAX, LAYERS_MAX, check_depth};
use super::rejection::{Excerpt, Layer, Reason, Rejection};
use super::slot::Slot;
use super::{alarm, cloudevents, execution, health, own, parameter, rds, sns, time};
use crate::core::ids::Region;
use crate::core::time::WallTime;

/// Decodes one message body that arrived at `received`.
///
/// # Errors
/// A [`Rejection`] that names the place and says what to do.
pub fn decode(directory: &Directory, body: &[u8], received: WallTime) -> Result<Decoded, Rejection> {
    let (kind, content) = read_body(directory, body)?;
    Ok(Decoded {
        kind,
        content,
        received,
    })
}

/// What an event is and says.
type Understood = (Kind, Content);

fn read_body(directory: &Directory, body: &[u8]) -> Result<Understood, Rejection> {
    let in_body = |reason| Rejection {
        layer: Layer::Body,
        reason,
    };
    if body.len() > BODY_BYTES_MAX {
        return Err(in_body(Reason::Oversized { bytes: body.len() }));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        in_body(Reason::NotUtf8 {
            at: error.valid_up_to(),
        })
    })?;
    read_document(directory, text, Layer::Body, LAYERS_MAX, None)
}

/// Every field that tells the envelopes apart, or that one of them needs. One pass over the text finds them all; what
/// the envelope was shows afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document<'a> {
    // EventBridge
    #[serde(borrow, rename = "detail-type")]
    detail_type: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    source: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    account: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    time: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    region: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    detail: Slot<Detail<'a>>,
    // SNS
    #[serde(borrow, rename = "Type")]
    notification_type: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "Message")]
    message: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "TopicArn")]
    topic_arn: Slot<Cow<'a, str>>,
    // CloudEvents
    #[serde(borrow)]
    specversion: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    // CloudWatch's message to SNS
    #[serde(borrow, rename = "AlarmName")]
    alarm_name: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "AlarmArn")]
    alarm_arn: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "NewStateValue")]
    new_state: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "StateChangeTime")]
    state_change_time: Slot<Cow<'a, str>>,
}

/// Reads the document in one layer. `layers` is how many envelopes may still come, this one included; `topic` is the ARN of
/// the topic that the text was published to, if it came that way.
fn read_document(
    directory: &Directory,
    text: &str,
    layer: Layer,
    layers: u8,
    topic: Option<&str>,
) -> Result<Understood, Rejection> {
    let here = |reason| Rejection { layer, reason };
    if layers == 0 {
        return Err(here(Reason::WrappedTooOften { limit: LAYERS_MAX }));
    }
    // What stands in `data` was part of a text that has been checked.
    if layer != Layer::CloudEventData {
        check_depth(text).map_err(here)?;
    }
    let document: Document<'_> = read_object(text).map_err(here)?;
    if !document.specversion.is_absent() {
        let data = cloudevents::data(document.specversion, document.data).map_err(here)?;
        read_document(directory, data, Layer::CloudEventData, layers - 1, topic)
    } else if !document.detail_type.is_absent() {
        read_event(directory, document, layer)
    } else if !document.notification_type.is_absent() {
        let topic = document.topic_arn.optional("TopicArn").map_err(here)?;
        match sns::notification(document.notification_type, document.message).map_err(here)? {
            sns::Notification::Message(message) => {
                read_document(directory, &message, Layer::SnsMessage, layers - 1, topic.as_deref())
            }
            sns::Notification::Other(ignored) => Ok((Kind::Subscription, Content::Ignored(ignored))),
        }
    } else if !document.alarm_name.is_absent() {
        alarm::message(
            directory,
            alarm::Message {
                name: document.alarm_name,
                arn: document.alarm_arn,
                topic,
                state: document.new_state,
                changed: document.state_change_time,
            },
        )
        .map(|content| (Kind::AlarmMessage, content))
        .map_err(here)
    } else {
        Err(here(Reason::UnknownEnvelope))
    }
}

/// What an EventBridge envelope says about the event inside it.
pub(super) struct Envelope<'a> {
    pub(super) directory: &'a Directory,
    /// Where the event arose; forwarding to another region keeps it.
    pub(super) region: &'a str,
    time: &'a str,
}

impl Envelope<'_> {
    /// When the event was sent, to the second.
    pub(super) fn sent(&self) -> Result<WallTime, Reason> {
        time::parse(self.time, "time")
    }

    /// The serving region in which the event arose.
    pub(super) fn serving_region(&self) -> Result<Region, Reason> {
        self.directory.serving_region(self.region, "region")
    }
}

/// How one type of event is decoded.
struct EventType {
    detail_type: &'static str,
    /// Nobody else may send it. AWS reserves the sources that begin with `aws.`.
    source: &'static str,
    kind: Kind,
    read: fn(&Envelope<'_>, Detail<'_>) -> Result<Content, Reason>,
}

const EVENT_TYPES: [EventType; 8] = [
    EventType {
        detail_type: "CloudWatch Alarm State Change",
        source: "aws.cloudwatch",
        kind: Kind::Alarm,
        read: alarm::event,
    },
    EventType {
        detail_type: own::HEARTBEAT,
        source: own::SOURCE,
        kind: Kind::Heartbeat,
        read: own::heartbeat,
    },
    EventType {
        detail_type: own::SWITCH_CHANGED,
        source: own::SOURCE,
        kind: Kind::SwitchChanged,
        read: own::switch_changed,
    },
    EventType {
        detail_type: "RDS DB Cluster Event",
        source: "aws.rds",
        kind: Kind::DatabaseCluster,
        read: rds::event,
    },
    EventType {
        detail_type: "RDS DB Instance Event",
        source: "aws.rds",
        kind: Kind::DatabaseInstance,
        read: rds::event,
    },
    EventType {
        detail_type: "AWS Health Event",
        source: "aws.health",
        kind: Kind::Health,
        read: health::event,
    },
    EventType {
        detail_type: "Step Functions Execution Status Change",
        source: "aws.states",
        kind: Kind::Execution,
        read: execution::event,
    },
    EventType {
        detail_type: "Parameter Store Change",
        source: "aws.ssm",
        kind: Kind::Parameter,
        read: parameter::event,
    },
];

fn read_event(directory: &Directory, document: Document<'_>, layer: Layer) -> Result<Understood, Rejection> {
    let outside = |reason| Rejection { layer, reason };
    let detail_type = document.detail_type.required("detail-type").map_err(outside)?;
    let event_type = EVENT_TYPES
        .iter()
        .find(|known| known.detail_type == detail_type)
        .ok_or_else(|| {
            outside(Reason::UnknownDetailType {
                detail_type: Excerpt::of(&detail_type),
            })
        })?;
    let source = document.source.required("source").map_err(outside)?;
    if source != event_type.source {
        return Err(outside(Reason::WrongSource {
            detail_type: event_type.detail_type,
            expected: event_type.source,
            found: Excerpt::of(&source),
        }));
    }
    let account = document.account.required("account").map_err(outside)?;
    directory.check_account(&account).map_err(outside)?;
    let envelope = Envelope {
        directory,
        region: &document.region.required("region").map_err(outside)?,
        time: &document.time.required("time").map_err(outside)?,
    };
    let detail = document.detail.required("detail").map_err(outside)?;
    let content = (event_type.read)(&envelope, detail).map_err(outside)?;
    Ok((event_type.kind, content))
}

/// Reads an object whose fields are [`Slot`]s or raw, so that only its syntax can be wrong.
fn read_object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Reason> {
    // serde would also take an array, and read the fields in the order of their declaration.
    if !text.trim_start().starts_with('{') {
        let IgnoredAny = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        return Err(Reason::NotAnObject { found: found(text) });
    }
    serde_json::from_str(text).map_err(|error| syntax(&error))
}

fn syntax(error: &serde_json::Error) -> Reason {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        // A field takes any type of value, so this is a field that stands twice.
        Category::Data => Reason::Duplicate { line, column },
        Category::Eof => Reason::Truncated { line, column },
        Category::Syntax | Category::Io => Reason::Malformed { line, column },
    }
}

/// What a JSON text begins with.
pub(super) fn found(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        None => "nothing",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        Some(b'-' | b'0'..=b'9') => "a number",
        Some(_) => "no JSON",
    }
}
