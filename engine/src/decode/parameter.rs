//! Changes of Systems Manager parameters.

use std::borrow::Cow;

use serde::Deserialize;

use super::decoded::{Content, Ignored};
use super::document::Envelope;
use super::rejection::Reason;
use super::slot::Slot;
use crate::core::signal::Notice;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow)]
    name: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    exception: Slot<Cow<'a, str>>,
}

/// Reads a `Parameter Store Change`. Creating, updating, labelling and deleting are all the same to the engine: what
/// it knows of the parameter is out of date.
pub(super) fn event(envelope: &Envelope<'_>) -> Result<Content, Reason> {
    let detail: Detail<'_> = envelope.detail()?;
    let name = detail.name.required("detail.name")?;
    let exception = detail.exception.optional("detail.exception")?;
    let observed = envelope.sent()?;
    let region = envelope.serving_region()?;
    if !envelope.directory.naming().owns_parameter(&name) {
        return Ok(Content::Ignored(Ignored::OtherResource));
    }
    if exception.is_some() {
        return Ok(Content::Ignored(Ignored::FailedOperation));
    }
    Ok(Content::Notice {
        notice: Notice::ParameterChanged { region },
        observed,
    })
}
