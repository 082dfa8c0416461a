//! AWS Health events. They come tens of minutes late, so they corroborate and never decide.

use understudy_policies::model::WitnessKind;

use super::arn::Arn;
use super::decoded::{Content, Ignored};
use super::detail::Detail;
use super::document::Envelope;
use super::rejection::{Excerpt, Reason};
use crate::core::signal::{Observation, Signal};

/// Reads an `AWS Health Event`. Its envelope's region is where it was delivered, which may be the backup region; the
/// region that it is about stands inside.
pub(super) fn event(envelope: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
    let arn = detail.event_arn.required("detail.eventArn")?;
    let arn = Arn::parse(&arn, "detail.eventArn")?;
    let category = detail.event_type_category.required("detail.eventTypeCategory")?;
    let event_region = detail.event_region.optional("detail.eventRegion")?;
    let status = detail.status_code.optional("detail.statusCode")?;
    let observed = envelope.sent()?;
    match &*category {
        "issue" | "investigation" => {}
        "accountNotification" | "scheduledChange" => return Ok(Content::Ignored(Ignored::NotAFault)),
        other => {
            return Err(Reason::UnknownValue {
                path: "detail.eventTypeCategory",
                value: Excerpt::of(other),
                expected: "`issue`, `investigation`, `accountNotification` or `scheduledChange`",
            });
        }
    }
    let Some(target) = envelope.directory.region(event_region.as_deref().unwrap_or(arn.region)) else {
        return Ok(Content::Ignored(Ignored::OtherRegion));
    };
    let status = status.ok_or(Reason::MissingField {
        path: "detail.statusCode",
    })?;
    let observation = match &*status {
        "open" => Observation::Breached,
        "closed" => Observation::Healthy,
        "upcoming" => return Ok(Content::Ignored(Ignored::NotAFault)),
        other => {
            return Err(Reason::UnknownValue {
                path: "detail.statusCode",
                value: Excerpt::of(other),
                expected: "`open`, `closed` or `upcoming`",
            });
        }
    };
    Ok(envelope
        .directory
        .witness_of(WitnessKind::AwsHealth)
        .map_or(Content::Ignored(Ignored::NoWitness), |witness| {
            Content::Signal(Signal {
                witness,
                target,
                observation,
                observed,
            })
        }))
}
