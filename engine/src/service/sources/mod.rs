//! Where signals come from: probes of our own, heartbeats, what peers and the observer tell, events.
//!
//! ```text
//!  vantage: what this process does ──▶ watch: on schedule ──▶ probe, databases ──▶ a signal ──▶ the core's inbox, or
//!                                            │                                                  every sidecar (observer)
//!                                            └──▶ heartbeats ──▶ the other region's sidecars
//!  peers: what others send ───────────────────────────────────────────────────────────────────▶ the core's inbox
//!  events, recording, queues ──▶ intake: decodes ─────────────────────────────────────────────▶ the core's inbox
//! ```

mod bearer;
mod databases;
pub mod events;
mod intake;
pub mod measures;
pub mod peers;
mod probe;
mod recording;
mod schedule;
mod throttle;
mod vantage;
mod watch;

pub use databases::DatabaseProbe;
pub use intake::{Intake, Verdict};
pub use recording::{Recording, Unplayable};

use std::sync::Arc;

use tokio::task::JoinSet;

use super::context::{Context, Sidecar};
use super::parts::Parts;
use databases::Databases;
use peers::messenger::Messenger;
use vantage::duties;
use watch::{Audience, Lookout};

/// Starts everything that a sidecar hears or sees by itself.
pub fn start(sidecar: &Sidecar, parts: &Arc<Parts>, tasks: &mut JoinSet<()>) {
    let context = &sidecar.context;
    let lookout = Lookout {
        context,
        databases: Databases::of(context, Some(parts)),
        audience: Audience::Core(Arc::clone(&sidecar.inbox)),
        sidecar: Some(sidecar.identity.sidecar),
    };
    keep_watch(&lookout, tasks);
}

/// Starts everything that an observer sees and tells both regions.
pub fn start_observer(context: &Context, tasks: &mut JoinSet<()>) {
    let sidecars = context.platform.regions.iter().flat_map(|region| &region.sidecars);
    let lookout = Lookout {
        context,
        databases: Databases::of(context, None),
        audience: Audience::Sidecars(Messenger::new(context, sidecars)),
        sidecar: None,
    };
    keep_watch(&lookout, tasks);
}

fn keep_watch(lookout: &Lookout<'_>, tasks: &mut JoinSet<()>) {
    for duty in duties(lookout.context.place, &lookout.context.policy.witnesses) {
        if let Some(watch) = lookout.watch(duty) {
            tasks.spawn(watch.keep());
        }
    }
}
