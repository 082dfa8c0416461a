//! The lease record as a DynamoDB item, made to be read by an operator in the console as well.
//!
//! | Attribute | Type | |
//! |--|--|--|
//! | `id` | S | `lease` |
//! | `format` | N | 1. A sidecar that knows another format neither reads nor writes the item |
//! | `version` | N | rises with every write |
//! | `epoch`, `renewals` | N | |
//! | `holder` | S | `home` or `away` |
//! | `released`, `protected` | BOOL | |
//! | `claim_region`, `claim_nonce` | S | absent: nobody has claimed |
//! | `role_change`, `role_change_step` | S | absent: none is under way |
//! | `home_driver`, `home_beats`, `away_driver`, `away_beats` | N | absent: nobody drives that region |
//! | `nonce` | S | `<incarnation>-<serial>` of the last writer |

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::expression::{Item, KEY, flag, number, text};
use crate::core::ids::{Epoch, Nonce, Region, SidecarId};
use crate::core::lease::{Claim, Driver, LeaseRecord, RoleChange};

/// The format that this release reads and writes.
pub(super) const FORMAT: u32 = 1;
/// The key of the item.
pub(super) const LEASE: &str = "lease";

pub(super) const CLAIM_REGION: &str = "claim_region";
pub(super) const CLAIM_NONCE: &str = "claim_nonce";
pub(super) const CHANGE: &str = "role_change";
pub(super) const CHANGE_STEP: &str = "role_change_step";
pub(super) const DRIVERS: [(&str, &str); 2] = [("home_driver", "home_beats"), ("away_driver", "away_beats")];

/// An item that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the lease item is of format {0}, and this release reads format {FORMAT}; run the release that wrote it")]
    Format(String),
    #[error("the lease item's attribute `{0}` is missing or of the wrong form; restore the item from its backup")]
    Attribute(&'static str),
}

/// Reads an item.
pub(super) fn record(item: &Item) -> Result<LeaseRecord, Unreadable> {
    let format: String = match item.get("format") {
        Some(AttributeValue::N(format)) => format.clone(),
        _ => return Err(Unreadable::Attribute("format")),
    };
    if format != FORMAT.to_string() {
        return Err(Unreadable::Format(format));
    }
    let item = Reading(item);
    Ok(LeaseRecord {
        version: item.number("version")?,
        epoch: Epoch(item.number("epoch")?),
        holder: item.named("holder")?,
        renewals: item.number("renewals")?,
        released: item.flag("released")?,
        claim: item.both(CLAIM_REGION, CLAIM_NONCE, |item| {
            Ok(Claim {
                region: item.named(CLAIM_REGION)?,
                nonce: item.nonce(CLAIM_NONCE)?,
            })
        })?,
        protected: item.flag("protected")?,
        role_change: item.both(CHANGE, CHANGE_STEP, |item| {
            Ok(RoleChange {
                kind: item.named(CHANGE)?,
                step: item.named(CHANGE_STEP)?,
            })
        })?,
        drivers: [item.driver(Region::Home)?, item.driver(Region::Away)?],
        nonce: item.nonce("nonce")?,
    })
}

/// Writes an item, key and all.
pub(super) fn item(record: &LeaseRecord) -> Item {
    let mut item = Item::new();
    let mut put = |name: &str, value: AttributeValue| {
        item.insert(name.to_owned(), value);
    };
    put(KEY, text(LEASE));
    put("format", number(FORMAT));
    put("version", number(record.version));
    put("epoch", number(record.epoch.0));
    put("holder", named(&record.holder));
    put("renewals", number(record.renewals));
    put("released", flag(record.released));
    put("protected", flag(record.protected));
    put("nonce", nonce(record.nonce));
    if let Some(claim) = record.claim {
        put(CLAIM_REGION, named(&claim.region));
        put(CLAIM_NONCE, nonce(claim.nonce));
    }
    if let Some(change) = record.role_change {
        put(CHANGE, named(&change.kind));
        put(CHANGE_STEP, named(&change.step));
    }
    for (driver, (sidecar, beats)) in record.drivers.iter().zip(DRIVERS) {
        if let Some(driver) = driver {
            put(sidecar, number(driver.sidecar.0));
            put(beats, number(driver.beats));
        }
    }
    item
}

/// The name of a unit variant, the same as in journals and logs.
pub(super) fn named(value: &impl Serialize) -> AttributeValue {
    // Regions, kinds and steps are unit variants, which always are texts.
    let name = serde_json::to_value(value).ok();
    text(name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default())
}

/// A nonce as text.
pub(super) fn nonce(nonce: Nonce) -> AttributeValue {
    text(format!("{}-{}", nonce.incarnation, nonce.serial))
}

struct Reading<'a>(&'a Item);

impl Reading<'_> {
    fn number<N: std::str::FromStr>(&self, name: &'static str) -> Result<N, Unreadable> {
        let number = self.0.get(name).and_then(|value| value.as_n().ok());
        number
            .and_then(|number| number.parse().ok())
            .ok_or(Unreadable::Attribute(name))
    }

    fn flag(&self, name: &'static str) -> Result<bool, Unreadable> {
        let flag = self.0.get(name).and_then(|value| value.as_bool().ok());
        flag.copied().ok_or(Unreadable::Attribute(name))
    }

    fn text(&self, name: &'static str) -> Result<&str, Unreadable> {
        let text = self.0.get(name).and_then(|value| value.as_s().ok());
        text.map(String::as_str).ok_or(Unreadable::Attribute(name))
    }

    fn named<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, Unreadable> {
        serde_json::from_value(self.text(name)?.into()).map_err(|_| Unreadable::Attribute(name))
    }

    fn nonce(&self, name: &'static str) -> Result<Nonce, Unreadable> {
        let parsed = self.text(name)?.split_once('-').and_then(|(incarnation, serial)| {
            Some(Nonce {
                incarnation: incarnation.parse().ok()?,
                serial: serial.parse().ok()?,
            })
        });
        parsed.ok_or(Unreadable::Attribute(name))
    }

    fn driver(&self, region: Region) -> Result<Option<Driver>, Unreadable> {
        let (sidecar, beats) = DRIVERS[region.index()];
        self.both(sidecar, beats, |item| {
            Ok(Driver {
                sidecar: SidecarId(item.number(sidecar)?),
                beats: item.number(beats)?,
            })
        })
    }

    /// What two attributes say together: both are there, or neither is.
    fn both<T>(
        &self,
        first: &'static str,
        second: &'static str,
        read: impl FnOnce(&Self) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, Unreadable> {
        if self.0.contains_key(first) || self.0.contains_key(second) {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lease::RoleChangeKind;
    use crate::workflow::StepId;

    fn full() -> LeaseRecord {
        LeaseRecord {
            version: u64::MAX,
            claim: Some(Claim {
                region: Region::Home,
                nonce: Nonce {
                    incarnation: u64::MAX,
                    serial: 3,
                },
            }),
            role_change: Some(RoleChange {
                kind: RoleChangeKind::Failback,
                step: StepId::SwitchOverDatabase,
            }),
            drivers: [
                None,
                Some(Driver {
                    sidecar: SidecarId(2),
                    beats: 9,
                }),
            ],
            ..LeaseRecord::away_from_home()
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for written in [LeaseRecord::initial(), full()] {
            assert_eq!(record(&item(&written)), Ok(written));
        }
    }

    #[test]
    fn another_format_is_neither_guessed_nor_written() {
        let mut other = item(&full());
        other.insert("format".to_owned(), number(2));
        assert_eq!(record(&other), Err(Unreadable::Format("2".to_owned())));
    }

    #[test]
    fn every_attribute_that_is_damaged_is_named() {
        let whole = item(&full());
        for name in whole.keys().filter(|name| *name != KEY) {
            for damaged in [None, Some(AttributeValue::Null(true))] {
                let mut item = whole.clone();
                item.remove(name);
                item.extend(damaged.map(|value| (name.clone(), value)));
                let wrong = record(&item).unwrap_err();
                assert!(wrong.to_string().contains(name.as_str()), "{name}: {wrong}");
            }
        }
    }
}
