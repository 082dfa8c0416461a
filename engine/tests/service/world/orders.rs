//! A client that never stops: it tries to commit an order in both regions, again and again.

use std::time::Duration;

use understudy_engine::core::ids::{Epoch, Region};

use super::{Shared, State};

const EVERY: Duration = Duration::from_millis(100);

/// An order that was committed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commit {
    pub(crate) at: u64,
    pub(crate) region: Region,
    pub(crate) epoch: Epoch,
}

pub(super) async fn place(shared: Shared) {
    loop {
        {
            let at = shared.micros();
            let mut state = shared.lock();
            for region in Region::BOTH {
                if let Some(epoch) = state.commits_in(region, at) {
                    state.commits.push(Commit { at, region, epoch });
                }
            }
        }
        shared.clock.sleep(EVERY).await;
    }
}

impl State {
    /// The commit fence: the epoch in which an order commits in a region now, if it does. A region that is lost is only
    /// out of reach; what runs in it goes on.
    pub(crate) fn commits_in(&self, region: Region, now: u64) -> Option<Epoch> {
        let region = &self.regions[region.index()];
        let commits = region.accepts
            && region.processing
            && region.path_epoch == region.serving_epoch
            && now < region.valid_until;
        commits.then_some(region.serving_epoch)
    }
}
