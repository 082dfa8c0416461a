//! The fields of `detail`, of all types of event together.
//!
//! Which of them matter shows only in the envelope's `detail-type`, which may stand after them. Reading them all in the
//! same pass costs a few nanoseconds; coming back for them would cost as much again as the whole event.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::SeqAccess;

use super::slot::{Read, Shape, Slot, object};

/// What stands in `detail`. Each group is read by the module of its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail<'a> {
    // alarm
    #[serde(borrow, rename = "alarmName")]
    pub(super) alarm_name: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) state: Slot<AlarmState<'a>>,
    // rds
    #[serde(rename = "EventCategories")]
    pub(super) categories: Slot<Categories>,
    #[serde(borrow, rename = "SourceArn")]
    pub(super) source_arn: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "Date")]
    pub(super) date: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "EventID")]
    pub(super) event_id: Slot<Cow<'a, str>>,
    // health
    #[serde(borrow, rename = "eventArn")]
    pub(super) event_arn: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "eventTypeCategory")]
    pub(super) event_type_category: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "eventRegion")]
    pub(super) event_region: Slot<Cow<'a, str>>,
    #[serde(borrow, rename = "statusCode")]
    pub(super) status_code: Slot<Cow<'a, str>>,
    // execution
    #[serde(borrow, rename = "stateMachineArn")]
    pub(super) machine_arn: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) status: Slot<Cow<'a, str>>,
    // parameter
    #[serde(borrow)]
    pub(super) name: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) exception: Slot<Cow<'a, str>>,
    // own
    #[serde(borrow)]
    pub(super) region: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) sent: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) switch: Slot<Cow<'a, str>>,
    pub(super) engaged: Slot<bool>,
    pub(super) epoch: Slot<u64>,
    #[serde(borrow)]
    pub(super) changed: Slot<Cow<'a, str>>,
}
object!(Detail<'a>);

/// The state of an alarm.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AlarmState<'a> {
    #[serde(borrow)]
    pub(super) value: Slot<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) timestamp: Slot<Cow<'a, str>>,
}
object!(AlarmState<'a>);

/// The categories of an RDS event, as far as they matter.
#[derive(Debug)]
pub(super) struct Categories {
    /// One of them is `failover`, `global failover` or `global-failover`.
    pub(super) failover: bool,
}

impl Shape for Categories {
    const EXPECTED: &'static str = "an array of strings";
}

impl<'de> Read<'de> for Categories {
    fn array<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut failover = false;
        while let Some(category) = items.next_element::<Slot<Cow<'de, str>>>()? {
            failover |= matches!(category, Slot::Given(category) if category.contains("failover"));
        }
        Ok(Some(Self { failover }))
    }
}
