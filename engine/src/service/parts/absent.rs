//! A part that nobody has configured: everything asked of it certainly comes to nothing, and that is logged now and then.

#![expect(clippy::disallowed_types, reason = "what was said is known to all threads")]

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tracing::warn;
use understudy_policies::model::DatabaseMethod;

use super::{Database, Humans, LeaseStore, OrderPath, Parts, Peers, PublicName, Switches};
use crate::core::effect::{Announcement, Gate, IdempotencyKey, Outcome, PageReason};
use crate::core::ids::{Epoch, Nonce, Region, Switch};
use crate::core::lease::LeaseRequest;
use crate::core::signal::PeerMessage;
use crate::core::time::{DatabaseTime, Timestamp};
use crate::service::clock::Clock;

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Absent;

impl Parts {
    /// Parts of which none is there. Whoever assembles a sidecar puts in those that are.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            lease: std::sync::Arc::new(Absent),
            database: std::sync::Arc::new(Absent),
            switches: std::sync::Arc::new(Absent),
            name: std::sync::Arc::new(Absent),
            order_path: std::sync::Arc::new(Absent),
            peers: std::sync::Arc::new(Absent),
            humans: std::sync::Arc::new(Absent),
        }
    }
}

fn nothing(part: &'static str) -> Outcome {
    if is_news(part, Clock::real().boot()) {
        warn!(part, "nothing is done: the platform file names no such part");
    }
    Outcome::Failed
}

/// A part that is missing is missing every second; that is said once in ten minutes.
const SAID_EVERY: Duration = Duration::from_secs(600);

fn is_news(part: &'static str, now: Timestamp) -> bool {
    static SAID: Mutex<BTreeMap<&'static str, Timestamp>> = Mutex::new(BTreeMap::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let news = said.get(part).is_none_or(|at| now.since(*at) >= SAID_EVERY);
    if news {
        said.insert(part, now);
    }
    news
}

#[async_trait]
impl LeaseStore for Absent {
    async fn apply(&self, _: LeaseRequest, _: Nonce, _: Duration) -> Outcome {
        nothing("lease")
    }
}

#[async_trait]
impl Database for Absent {
    async fn clock(&self) -> Outcome {
        nothing("database")
    }
    async fn write_serving(&self, _: Epoch, _: DatabaseTime) -> Outcome {
        nothing("database")
    }
    async fn promote(&self, _: DatabaseMethod, _: IdempotencyKey) -> Outcome {
        nothing("database")
    }
    async fn switch_over(&self, _: Region, _: IdempotencyKey) -> Outcome {
        nothing("database")
    }
    async fn describe(&self) -> Outcome {
        nothing("database")
    }
    async fn rejoin(&self) -> Outcome {
        nothing("database")
    }
    async fn reconcile(&self) -> Outcome {
        nothing("database")
    }
    async fn replication_lag(&self) -> Option<Duration> {
        None
    }
}

#[async_trait]
impl Switches for Absent {
    async fn set(&self, _: Switch, _: bool, _: Epoch, _: u64) -> Outcome {
        nothing("switches")
    }
    async fn read(&self) -> Outcome {
        nothing("switches")
    }
}

#[async_trait]
impl PublicName for Absent {
    async fn pin(&self, _: Option<Region>) -> Outcome {
        nothing("name")
    }
    async fn verify(&self, _: Region) -> Outcome {
        nothing("name")
    }
}

#[async_trait]
impl OrderPath for Absent {
    async fn open_intake(&self, _: Epoch) -> Outcome {
        nothing("order-path")
    }
    async fn open_processing(&self, _: Epoch) -> Outcome {
        nothing("order-path")
    }
    async fn close(&self, _: Epoch) -> Outcome {
        nothing("order-path")
    }
    async fn verify_write(&self, _: Epoch) -> Outcome {
        nothing("order-path")
    }
}

#[async_trait]
impl Peers for Absent {
    async fn tell(&self, _: PeerMessage) -> Outcome {
        nothing("peers")
    }
}

#[async_trait]
impl Humans for Absent {
    async fn announce(&self, _: Epoch, _: Announcement) -> Outcome {
        nothing("humans")
    }
    async fn page(&self, _: Epoch, _: PageReason) -> Outcome {
        nothing("humans")
    }
    async fn request_approval(&self, _: Epoch, _: Gate) -> Outcome {
        // Never answered: the operator's `approve` is.
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_part_is_told_of_once_and_not_every_second() {
        let at = |seconds: u64| Timestamp::from_micros(seconds * 1_000_000);
        let told = (0..1300)
            .filter(|second| is_news("a part of this test", at(*second)))
            .count();
        assert_eq!(told, 3);
    }
}
