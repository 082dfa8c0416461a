//! Making the lost region's server a standby again: what it has is compared first, because rebuilding overwrites it.

use std::time::Duration;

use tracing::{error, info, warn};

use super::Postgres;
use crate::core::effect::Outcome;

/// How long a server that was rebuilt may need until it streams.
const FOLLOWING: Duration = Duration::from_secs(5 * 60);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long one look at both databases may take.
const LOOK: Duration = Duration::from_secs(5);

impl Postgres {
    pub(super) async fn rebuild_other(&self) -> Outcome {
        let other = self.own.other();
        if self.is_followed().await {
            return Outcome::Done;
        }
        if self.find_lost().await.is_none() {
            warn!("nothing was compared: start the lost server as it is; the commit fence keeps it from serving");
            return Outcome::Failed;
        }
        let Some(rejoin) = &self.rejoin[other.index()] else {
            error!("a server cannot be rebuilt by SQL; name a `rejoin-command` for its region, or rebuild it by hand");
            return Outcome::Failed;
        };
        if !rejoin.run(self.clock, self.limits.rejoining).await {
            return Outcome::Failed;
        }
        let give_up = self.clock.boot().after(FOLLOWING);
        while self.clock.boot() < give_up {
            if self.is_followed().await {
                info!("the other region's database follows again");
                return Outcome::Done;
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
        error!("the `rejoin-command` is done, and the server does not follow");
        Outcome::Failed
    }

    /// Whether the other region's server follows the own one, which must be the writer.
    async fn is_followed(&self) -> bool {
        let standings = self.standings(LOOK).await;
        let (own, other) = (standings[self.own.index()], standings[self.own.other().index()]);
        own.is_some_and(|own| own.writable && own.replicas > 0) && other.is_some_and(|other| other.follows)
    }
}
