//! Changes of Systems Manager parameters.

use super::decoded::{Content, Ignored};
use super::detail::Detail;
use super::document::Envelope;
use super::rejection::Reason;
use crate::core::signal::Notice;

/// Reads a `Parameter Store Change`. Creating, updating, labelling and deleting are all the same to the engine: what
/// it knows of the parameter is out of date.
pub(super) fn event(envelope: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
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
