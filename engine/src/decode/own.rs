//! The events that Understudy itself puts on EventBridge, with what writes them and what reads them.
//!
//! | `detail-type` | `detail` |
//! |--|--|
//! | `Understudy Heartbeat` | `{"region": "us-east-1", "sent": "2026-11-23T14:30:00.250Z"}` |
//! | `Understudy Switch Changed` | `{"switch": "a", "engaged": true, "epoch": 7, "changed": "2026-11-23T14:30:00.250Z"}` |
//! | `Understudy Announcement` | `{"announcement": "failover-started", "epoch": 8, "region": "us-east-2", "at": "…"}` |
//! | `Understudy Page` | `{"reason": "blocked", "epoch": 8, "region": "us-east-2", "at": "…"}` |
//!
//! Announcements and pages are for other programs: no rule needs to forward them to a sidecar's queue, and the decoder
//! rejects them there.
//!
//! The source is `understudy`. All carry their own time, because that of an envelope has no fraction, and the
//! heartbeat its own region, because it is put on the *other* region's bus: the envelope's region is where it arrived.

use serde::Serialize;
use understudy_policies::model::{RegionName, WitnessKind};

use super::decoded::{Content, Ignored};
use super::detail::Detail;
use super::document::Envelope;
use super::rejection::{Excerpt, Reason};
use super::time;
use crate::core::effect::{Announcement, PageReason};
use crate::core::ids::{Epoch, Switch};
use crate::core::signal::{Notice, Observation, Signal};
use crate::core::time::WallTime;

/// The `source` of the engine's own events.
pub const SOURCE: &str = "understudy";
/// The `detail-type` of a heartbeat.
pub const HEARTBEAT: &str = "Understudy Heartbeat";
/// The `detail-type` of a flipped switch.
pub const SWITCH_CHANGED: &str = "Understudy Switch Changed";

/// The `detail-type` of what subscribers are told.
pub const ANNOUNCEMENT: &str = "Understudy Announcement";
/// The `detail-type` of a page.
pub const PAGE: &str = "Understudy Page";

/// Above it, readers of JSON no longer agree on a number. One role change per second would take 285 million years.
const EPOCH_MAX: u64 = (1 << 53) - 1;

/// "A sidecar of this region is alive."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose.
    pub region: RegionName,
    /// When, on the sender's wall clock.
    pub sent: WallTime,
}

impl Heartbeat {
    /// The `detail` to send.
    #[must_use]
    pub fn detail(&self) -> String {
        write(&HeartbeatText {
            region: self.region.as_str(),
            sent: time::render(self.sent),
        })
    }
}

/// "This switch was flipped."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchChange {
    /// Which one.
    pub switch: Switch,
    /// Whether it now says "engaged".
    pub engaged: bool,
    /// The epoch that the write carried.
    pub epoch: Epoch,
    /// When, on the writer's wall clock.
    pub changed: WallTime,
}

impl SwitchChange {
    /// The `detail` to send.
    #[must_use]
    pub fn detail(&self) -> String {
        write(&SwitchText {
            switch: match self.switch {
                Switch::A => "a",
                Switch::B => "b",
            },
            engaged: self.engaged,
            epoch: self.epoch.0,
            changed: time::render(self.changed),
        })
    }
}

/// "This happened."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What.
    pub announcement: Announcement,
    /// In which epoch.
    pub epoch: Epoch,
    /// Who says so.
    pub region: RegionName,
    /// When, on the sender's wall clock.
    pub at: WallTime,
}

impl Announced {
    /// The `detail` to send.
    #[must_use]
    pub fn detail(&self) -> String {
        write(&AnnouncementText {
            announcement: self.announcement,
            epoch: self.epoch.0,
            region: self.region.as_str(),
            at: time::render(self.at),
        })
    }
}

/// "A human is needed."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged {
    /// Why.
    pub reason: PageReason,
    /// In which epoch.
    pub epoch: Epoch,
    /// Who says so.
    pub region: RegionName,
    /// When, on the sender's wall clock.
    pub at: WallTime,
}

impl Paged {
    /// The `detail` to send.
    #[must_use]
    pub fn detail(&self) -> String {
        write(&PageText {
            reason: self.reason,
            epoch: self.epoch.0,
            region: self.region.as_str(),
            at: time::render(self.at),
        })
    }
}

#[derive(Serialize)]
struct AnnouncementText<'a> {
    announcement: Announcement,
    epoch: u64,
    region: &'a str,
    at: String,
}

#[derive(Serialize)]
struct PageText<'a> {
    reason: PageReason,
    epoch: u64,
    region: &'a str,
    at: String,
}

#[derive(Serialize)]
struct HeartbeatText<'a> {
    region: &'a str,
    sent: String,
}

#[derive(Serialize)]
struct SwitchText {
    switch: &'static str,
    engaged: bool,
    epoch: u64,
    changed: String,
}

fn write(text: &impl Serialize) -> String {
    // Strings, numbers and flags in a struct always can be written.
    serde_json::to_string(text).unwrap_or_default()
}

/// Reads a heartbeat: it is always a healthy observation. Only its absence says something else.
pub(super) fn heartbeat(envelope: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
    let region = detail.region.required("detail.region")?;
    let target = envelope.directory.serving_region(&region, "detail.region")?;
    let observed = time::parse(&detail.sent.required("detail.sent")?, "detail.sent")?;
    Ok(envelope
        .directory
        .witness_of(WitnessKind::Heartbeat)
        .map_or(Content::Ignored(Ignored::NoWitness), |witness| {
            Content::Signal(Signal {
                witness,
                target,
                observation: Observation::Healthy,
                observed,
            })
        }))
}

/// Reads a flipped switch.
pub(super) fn switch_changed(_: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
    let switch = detail.switch.required("detail.switch")?;
    let switch = match &*switch {
        "a" => Switch::A,
        "b" => Switch::B,
        other => {
            return Err(Reason::UnknownValue {
                path: "detail.switch",
                value: Excerpt::of(other),
                expected: "`a` or `b`",
            });
        }
    };
    let engaged = detail.engaged.required("detail.engaged")?;
    let epoch = detail.epoch.required("detail.epoch")?;
    if epoch > EPOCH_MAX {
        return Err(Reason::UnknownValue {
            path: "detail.epoch",
            value: Excerpt::of(&epoch.to_string()),
            expected: "an epoch below 2^53",
        });
    }
    let epoch = Epoch(epoch);
    let observed = time::parse(&detail.changed.required("detail.changed")?, "detail.changed")?;
    Ok(Content::Notice {
        notice: Notice::SwitchFlipped { switch, engaged, epoch },
        observed,
    })
}
