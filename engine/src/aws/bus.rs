//! The engine's own events on EventBridge: what both regions' rules and other programs may subscribe to.

use std::fmt::Debug;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use tracing::warn;

use super::verdict::{Verdict, judge};
use crate::core::ids::Region;
use crate::decode::SOURCE;

/// The default buses of both regions, home first.
#[derive(Debug, Clone)]
pub struct Bus {
    clients: [Client; 2],
}

impl Bus {
    /// The buses of home and away.
    #[must_use]
    pub const fn new(clients: [Client; 2]) -> Self {
        Self { clients }
    }

    /// Puts one event on a region's bus.
    ///
    /// # Errors
    /// When it is not there, or nobody knows.
    pub async fn put(&self, region: Region, kind: &str, detail: &str) -> Result<(), Verdict> {
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(kind)
            .detail(detail)
            .build();
        let answer = self.clients[region.index()]
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|failure| judge("put an event", &failure))?;
        if answer.failed_entry_count() == 0 {
            return Ok(());
        }
        let code = answer.entries().iter().find_map(|entry| entry.error_code());
        warn!(kind, code, "EventBridge did not take an event");
        Err(Verdict::NotDone)
    }

    /// Puts one event on both buses, in its own time: whoever flipped a switch does not wait for this.
    pub fn tell_both(&self, kind: &'static str, detail: String) {
        let this = self.clone();
        drop(tokio::spawn(async move {
            // Best effort: what fails is in the log.
            let _ = tokio::join!(
                this.put(Region::Home, kind, &detail),
                this.put(Region::Away, kind, &detail)
            );
        }));
    }
}
