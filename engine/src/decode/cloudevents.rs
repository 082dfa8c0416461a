//! CloudEvents 1.0 in structured mode: `data` holds one of the other envelopes, unchanged.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::document::found;
use super::rejection::{Excerpt, Reason};
use super::slot::Slot;

/// The text of the event inside. The CloudEvent's own attributes only say how it travelled.
pub(super) fn data<'a>(specversion: Slot<Cow<'_, str>>, data: Option<&'a RawValue>) -> Result<&'a str, Reason> {
    let specversion = specversion.required("specversion")?;
    if specversion != "1.0" {
        return Err(Reason::UnknownValue {
            path: "specversion",
            value: Excerpt::of(&specversion),
            expected: "`1.0`",
        });
    }
    let data = data.ok_or(Reason::MissingField { path: "data" })?.get();
    if data.starts_with('{') {
        Ok(data)
    } else {
        Err(Reason::WrongType {
            path: "data",
            expected: "an object (the event itself, not its text)",
            found: found(data),
        })
    }
}
