//! The other region's sidecars, over the path between the regions.

use std::time::Duration;

use async_trait::async_trait;

use super::Peers;
use crate::core::effect::Outcome;
use crate::core::ids::Region;
use crate::core::signal::PeerMessage;
use crate::service::context::Context;
use crate::service::sources::peers::messenger::{Letter, Messenger, Sent};
use crate::service::sources::peers::wire::MessageBody;

/// Speaks to every sidecar of the other region. Never through a queue or a third party: a grant is asked for when those
/// may be gone.
#[derive(Debug)]
pub struct PeerSidecars {
    messenger: Messenger,
    region: String,
    /// How long one message may take. A promise counts from when it was asked for, so a slow one is worth
    /// little.
    patience: Duration,
}

impl PeerSidecars {
    /// The sidecars on the other side of a region, if the platform file names any.
    #[must_use]
    pub fn of(context: &Context, own: Region) -> Option<Self> {
        let sidecars = &context.platform.regions[own.other().index()].sidecars;
        (!sidecars.is_empty()).then(|| Self {
            messenger: Messenger::new(context, sidecars),
            region: context.region_name(own).to_string(),
            patience: context.policy.lease.operation_timeout,
        })
    }
}

#[async_trait]
impl Peers for PeerSidecars {
    /// Done once one has it; the others are still told. Failed only if it certainly reached none of them.
    async fn tell(&self, message: PeerMessage) -> Outcome {
        let body = MessageBody::new(self.region.clone(), message);
        let mut reports = self.messenger.send(Letter::Message, &body, self.patience);
        let mut outcome = Outcome::Failed;
        while let Some(sent) = reports.recv().await {
            match sent {
                Sent::Taken => return Outcome::Done,
                Sent::Unknown => outcome = Outcome::TimedOut,
                Sent::Refused | Sent::Unreachable => {}
            }
        }
        outcome
    }
}
