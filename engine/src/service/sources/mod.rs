//! Where signals come from: probes of our own, heartbeats, what peers and the observer tell, events.

pub mod events;
pub mod peers;

use std::sync::Arc;

use tokio::task::JoinSet;

use super::context::{Context, Sidecar};
use super::parts::Parts;

/// Starts everything that a sidecar hears or sees by itself.
pub fn start(sidecar: &Sidecar, parts: &Arc<Parts>, tasks: &mut JoinSet<()>) {
    let _ = (sidecar, parts, tasks);
}

/// Starts everything that an observer sees and tells both regions.
pub fn start_observer(context: &Context, tasks: &mut JoinSet<()>) {
    let _ = (context, tasks);
}
