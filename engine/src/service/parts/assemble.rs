//! From the platform file to the parts.

use std::sync::Arc;

use super::peers::PeerSidecars;
use super::postgres::Postgres;
use super::stand_in::StandIn;
use super::{Parts, Router};
use crate::core::engine::Identity;
use crate::service::context::Context;

/// The parts that a sidecar acts on, as the platform file names them.
#[must_use]
pub fn assemble(context: &Context, identity: Identity) -> (Arc<Parts>, Router) {
    let mut parts = Parts::absent();
    if let Some(sidecars) = PeerSidecars::of(context, identity.region) {
        parts.peers = Arc::new(sidecars);
    }
    if let Some(databases) = Postgres::of(context, identity.region) {
        parts.database = Arc::new(databases);
    }
    let played = context.platform.played.as_ref().map(|played| {
        let stand_in = StandIn::new(context.client.clone(), played.address.clone());
        (stand_in, played.parts.clone())
    });
    let router = Router {
        parts: parts.clone(),
        played,
    };
    (Arc::new(parts), router)
}
