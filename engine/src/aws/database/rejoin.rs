//! After a failover: the other region's database becomes a standby again, and what was lost is found.
//!
//! - After a *managed* failover Aurora rebuilds the old region's cluster on a new volume by itself, in minutes to hours,
//!   and keeps the old volume as a snapshot. Nothing is asked for: it is waited for.
//! - After a *detach* the old global cluster stays behind with the old cluster in it. A new global cluster is made around
//!   the one that serves, which costs nothing and stops nothing. The old cluster is in its way, by its name, and holds
//!   the only copy of what was lost: replacing it is not for a program that was just told that a region is gone. The log
//!   says what the provisioner, or an operator, does next.

use std::time::Duration;

use tracing::{info, warn};

use super::Aurora;
use crate::aws::verdict::{Verdict, judge, note};
use crate::core::effect::Outcome;
use crate::core::ids::Region;

/// A rebuild takes minutes to hours.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// What Aurora calls the snapshot of a volume that it replaced.
const SNAPSHOT: &str = "rds:unplanned-global-failover-";
/// Global clusters that were made after a detach, and not tidied up since.
const GLOBALS_MAX: u32 = 9;

impl Aurora {
    pub(super) async fn rebuild(&self) -> Outcome {
        loop {
            let view = match self.look().await {
                Ok(view) => view,
                Err(verdict) => return verdict.into(),
            };
            if !view.settled_on(self.own) {
                warn!("the own region's database is not the writer; there is nothing to rebuild the other one from");
                return Outcome::Failed;
            }
            if view.as_the_core_sees_it().replica_attached {
                return Outcome::Done;
            }
            if view.stands_alone() {
                if let Err(verdict) = self.new_global(&view.taken).await {
                    return verdict.into();
                }
                continue;
            }
            if !view.global.as_ref().is_some_and(|global| global.other_is_member) {
                self.say_what_is_left_to_do();
                return Outcome::Failed;
            }
            info!("the other region's database is a member that does not follow yet; waiting for Aurora");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn new_global(&self, taken: &[String]) -> Result<(), Verdict> {
        let base = self.names.global_cluster();
        let free = std::iter::once(base.clone())
            .chain((2..=GLOBALS_MAX).map(|number| format!("{base}-{number}")))
            .find(|name| !taken.contains(name));
        let Some(name) = free else {
            warn!(
                base,
                "too many global clusters were left behind by earlier failovers; delete those without members"
            );
            return Err(Verdict::NotDone);
        };
        info!(name, "making a new global cluster around the database that serves");
        self.rds(self.own)
            .create_global_cluster()
            .global_cluster_identifier(&name)
            .source_db_cluster_identifier(self.names.cluster_arn(self.own))
            .send()
            .await
            .map(drop)
            .map_err(|failure| judge("make a global cluster", &failure))
    }

    fn say_what_is_left_to_do(&self) {
        let other = self.own.other();
        warn!(
            cluster = self.names.cluster(other),
            region = %self.names.region(other),
            "the other region's database must be rebuilt as a secondary: take a snapshot of the old cluster first, it holds \
             what was lost; then `understudy-provisioner apply`, or delete the old cluster and create it again as a member \
             of the new global cluster, with an instance. This is asked again by itself"
        );
    }

    pub(super) async fn find_what_was_lost(&self) -> Outcome {
        for snapshot in self.snapshots(self.own.other()).await {
            info!(
                snapshot,
                "Aurora kept the volume that it replaced; commits that did not survive are in it"
            );
        }
        match &self.postgres {
            Some(postgres) => postgres.reconcile().await,
            None => {
                warn!(
                    "nobody can compare the rows of the two regions: the platform file names no `database`; restore the old \
                     volume's snapshot beside the database, compare, and `acknowledge`"
                );
                Outcome::Failed
            }
        }
    }

    /// Best effort: it is only told.
    async fn snapshots(&self, region: Region) -> Vec<String> {
        let answer = self
            .rds(region)
            .describe_db_cluster_snapshots()
            .db_cluster_identifier(self.names.cluster(region))
            .send()
            .await;
        let Ok(answer) = answer.inspect_err(|failure| note("look for snapshots", failure)) else {
            return Vec::new();
        };
        let names = answer.db_cluster_snapshots().iter();
        names
            .filter_map(|snapshot| snapshot.db_cluster_snapshot_identifier())
            .filter(|name| name.starts_with(SNAPSHOT))
            .map(str::to_owned)
            .collect()
    }
}
