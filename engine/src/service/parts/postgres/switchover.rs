//! Moving the writer as planned, without loss: the old writer is stopped in order, the new one has everything, and only
//! then it is promoted.

use std::time::Duration;

use tracing::{error, info, warn};

use super::{Postgres, outcome};
use crate::core::effect::Outcome;
use crate::core::ids::Region;

/// How long the replica may need for what the writer wrote last. Orders are finished by then, so it is next to nothing.
const CATCHING_UP: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long one look at both databases may take. Nothing is lost while it lasts: nobody writes.
const LOOK: Duration = Duration::from_secs(2);

impl Postgres {
    pub(super) async fn move_writer(&self, to: Region) -> Outcome {
        let standings = self.standings(LOOK).await;
        let (Some(new), old) = (standings[to.index()], standings[to.other().index()]) else {
            warn!("the database that should become the writer does not answer");
            return Outcome::Failed;
        };
        if new.writable {
            return Outcome::Done;
        }
        let must_have = match old {
            Some(old) if old.writable => {
                if let Some(outcome) = self.demote(to, old.position, new.follows).await {
                    return outcome;
                }
                old.position
            }
            // An earlier attempt got this far: the old one is a replica by now, and has nothing that nobody else has.
            Some(old) => old.position,
            None => {
                error!("the old writer does not answer: nobody knows whether the new one would have everything");
                return Outcome::Failed;
            }
        };
        // From here on nobody writes. Whatever goes wrong is unknown to the caller, who looks before it acts again.
        if !self.has_received(to, must_have).await {
            error!("the old writer is stopped, and the new one lacks what it wrote; start the old one again");
            return Outcome::TimedOut;
        }
        let promoted = match self.link(to) {
            Ok(link) => self.promote(link).await,
            Err(failure) => outcome(&failure),
        };
        if promoted == Outcome::Done {
            self.follow_in_background(to.other());
            return Outcome::Done;
        }
        Outcome::TimedOut
    }

    /// Stops the old writer. Some: it could not be, and what that comes to.
    async fn demote(&self, to: Region, position: i64, follows: bool) -> Option<Outcome> {
        let from = to.other();
        let Some(demote) = &self.demote[from.index()] else {
            error!("a writer cannot be stopped by SQL; name a `demote-command` for its region in the platform file");
            return Some(Outcome::Refused);
        };
        if !follows || !self.has_received(to, position).await {
            warn!("the new writer does not follow the old one closely enough: nothing was begun");
            return Some(Outcome::Failed);
        }
        let done = demote.run(self.clock, self.limits.demotion).await;
        match self.standings(LOOK).await[from.index()] {
            Some(standing) if standing.writable => {
                error!("the old writer takes writes after its `demote-command`");
                Some(Outcome::Failed)
            }
            _ if !done => Some(Outcome::TimedOut),
            _ => {
                info!("the old writer is stopped");
                None
            }
        }
    }

    async fn has_received(&self, region: Region, position: i64) -> bool {
        let give_up = self.clock.boot().after(CATCHING_UP);
        while self.clock.boot() < give_up {
            let standing = self.standings(LOOK).await[region.index()];
            if standing.is_some_and(|standing| standing.position >= position) {
                return true;
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
        false
    }

    /// Lets the old writer follow the new one. The move is done without it; `rejoin` looks after it if this fails.
    fn follow_in_background(&self, region: Region) {
        let Some(rejoin) = self.rejoin[region.index()].clone() else {
            warn!("the old writer stays stopped; name a `rejoin-command` for its region in the platform file");
            return;
        };
        let (clock, limit) = (self.clock, self.limits.rejoining);
        drop(tokio::spawn(async move { rejoin.run(clock, limit).await }));
    }
}
