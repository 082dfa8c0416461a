//! From the platform file to the parts.

use std::sync::Arc;

use super::peers::PeerSidecars;
use super::postgres::Postgres;
use super::stand_in::StandIn;
use super::webhook::WithWebhooks;
use super::{Parts, Router};
use crate::core::engine::Identity;
use crate::service::context::Context;
use crate::service::secret::NoSecret;

/// The parts that a sidecar acts on, as the platform file names them. `adapt` puts in those that are in AWS.
///
/// # Errors
/// When a file that should hold a secret does not.
pub fn assemble(
    context: &Context,
    identity: Identity,
    adapt: impl FnOnce(&mut Parts),
) -> Result<(Arc<Parts>, Router), NoSecret> {
    let mut parts = Parts::absent();
    if let Some(sidecars) = PeerSidecars::of(context, identity.region) {
        parts.peers = Arc::new(sidecars);
    }
    if let Some(databases) = Postgres::of(context, identity.region) {
        parts.database = Arc::new(databases);
    }
    adapt(&mut parts);
    if let Some(hooks) = context.platform.webhooks.clone() {
        let people = Arc::clone(&parts.humans);
        parts.humans = Arc::new(WithWebhooks::beside(people, hooks, context, identity.region)?);
    }
    let played = context.platform.played.as_ref().map(|played| {
        let stand_in = StandIn::new(context.client.clone(), played.address.clone());
        (stand_in, played.parts.clone())
    });
    let router = Router {
        parts: parts.clone(),
        played,
    };
    Ok((Arc::new(parts), router))
}
