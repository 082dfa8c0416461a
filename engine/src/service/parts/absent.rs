//! A part that nobody has configured: everything asked of it certainly comes to nothing, and is logged.

use std::time::Duration;

use async_trait::async_trait;
use tracing::warn;
use understudy_policies::model::DatabaseMethod;

use super::{Database, Humans, LeaseStore, OrderPath, Parts, Peers, PublicName, Switches};
use crate::core::effect::{Announcement, Gate, IdempotencyKey, Outcome, PageReason};
use crate::core::ids::{Epoch, Nonce, Region, Switch};
use crate::core::lease::LeaseRequest;
use crate::core::signal::PeerMessage;
use crate::core::time::DatabaseTime;

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

fn nothing(part: &str) -> Outcome {
    warn!(part, "nothing was done: the platform file names no such part");
    Outcome::Failed
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
