//! What a sidecar hears from AWS, and what it lets the other region hear.
//!
//! - [`queue`]: events of this region and of the other one.
//! - [`reconcile`]: what an event that got lost would have said: alarms, executions.
//! - [`heartbeat`]: this sidecar's own signs of life, for the other region.

mod heartbeat;
mod queue;
mod reconcile;

use std::time::Duration;

use tokio::task::JoinSet;

use super::Side;
use crate::service::clock::Clock;
use crate::service::context::Sidecar;

impl Side {
    /// Starts everything that a sidecar hears from AWS.
    pub fn start(&self, sidecar: &Sidecar, tasks: &mut JoinSet<()>) {
        queue::start(self, sidecar, &sidecar.intake, tasks);
        tasks.spawn(reconcile::keep(self.clone(), sidecar.clone()));
        tasks.spawn(heartbeat::keep(self.clone(), sidecar.clone()));
    }
}

/// Waits longer with every failure in a row, and never as long as the next sidecar.
#[derive(Debug)]
struct Backoff {
    failures: u32,
}

/// The longest wait. A queue that is out of reach for longer is not asked more often than that.
const WAIT_MAX: Duration = Duration::from_secs(30);
const WAIT_FIRST: Duration = Duration::from_millis(250);

impl Backoff {
    const fn new() -> Self {
        Self { failures: 0 }
    }

    const fn worked(&mut self) {
        self.failures = 0;
    }

    async fn failed(&mut self, clock: Clock) {
        self.failures = self.failures.saturating_add(1);
        // Microseconds are as good as dice: no two sidecars fail in the same one.
        let dice = clock.boot().as_micros();
        clock.sleep(Self::wait(self.failures, dice)).await;
    }

    /// Between half of the wait and all of it.
    fn wait(failures: u32, dice: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(10);
        let whole = (WAIT_FIRST * (1 << doublings)).min(WAIT_MAX);
        let half = whole / 2;
        let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_micros(dice % micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_differ() {
        for (failures, most) in [(1, 250), (2, 500), (5, 4_000), (8, 30_000), (u32::MAX, 30_000)] {
            let waits = [0, 777_777, u64::MAX].map(|dice| Backoff::wait(failures, dice));
            let most = Duration::from_millis(most);
            assert!(
                waits.iter().all(|wait| (most / 2..most).contains(wait)),
                "{failures}: {waits:?}"
            );
            assert_ne!(waits[0], waits[1]);
        }
    }
}
