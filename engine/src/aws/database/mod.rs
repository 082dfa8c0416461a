//! The database: an Aurora global cluster, whose writer RDS moves.
//!
//! Every move looks first, is asked for once, and is then watched until the own region's database takes writes. A call of
//! which nobody knows whether it arrived is not sent again: watching tells. What needs a connection (the clock, the serving
//! row, comparing rows) goes to the region's own PostgreSQL, which somebody else speaks to.

mod lag;
mod rejoin;
mod view;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_rds::operation::describe_db_clusters::DescribeDBClustersError;
use aws_sdk_rds::operation::failover_global_cluster::FailoverGlobalClusterError;
use aws_sdk_rds::operation::remove_from_global_cluster::RemoveFromGlobalClusterError;
use aws_sdk_rds::operation::switchover_global_cluster::SwitchoverGlobalClusterError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tracing::{info, warn};
use understudy_policies::model::DatabaseMethod;

use self::view::View;
use super::names::Names;
use super::verdict::{Verdict, judge};
use crate::core::effect::{IdempotencyKey, Outcome};
use crate::core::ids::{Epoch, Region};
use crate::core::time::DatabaseTime;
use crate::service::parts::Database;

/// Time between two looks at a move that is under way. RDS allows far more describes than two a second.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the database may take to say whether it takes writes.
const ASK_AT_MOST: Duration = Duration::from_secs(1);
/// Pages of global clusters that are read: 2,000 clusters.
const PAGES_MAX: usize = 20;

/// The clients of both regions, home first.
#[derive(Debug)]
pub struct Aurora {
    own: Region,
    names: Names,
    rds: [aws_sdk_rds::Client; 2],
    cloudwatch: aws_sdk_cloudwatch::Client,
    postgres: Option<Arc<dyn Database>>,
}

/// What a call that asks for a move came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It is under way, or nobody knows: watch.
    Watch,
    /// It certainly is not.
    Not(Outcome),
}

impl Aurora {
    /// The database as the sidecar of a region sees it. `rds` are the clients of home and away, `postgres` speaks to the
    /// own region's database.
    #[must_use]
    pub const fn new(
        own: Region,
        names: Names,
        rds: [aws_sdk_rds::Client; 2],
        cloudwatch: aws_sdk_cloudwatch::Client,
        postgres: Option<Arc<dyn Database>>,
    ) -> Self {
        Self {
            own,
            names,
            rds,
            cloudwatch,
            postgres,
        }
    }

    const fn rds(&self, region: Region) -> &aws_sdk_rds::Client {
        &self.rds[region.index()]
    }

    /// Looks from the own region: its RDS answers also when the other region is lost.
    async fn look(&self) -> Result<View, Verdict> {
        let (clusters, own) = tokio::join!(self.global_clusters(), self.cluster(self.own));
        Ok(View::new(&self.names, self.own, clusters?, own?.as_ref()))
    }

    async fn global_clusters(&self) -> Result<Vec<aws_sdk_rds::types::GlobalCluster>, Verdict> {
        let mut found = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = self.rds(self.own).describe_global_clusters().set_marker(marker.take());
            let page = call
                .send()
                .await
                .map_err(|failure| judge("describe the global clusters", &failure))?;
            found.extend(page.global_clusters.unwrap_or_default());
            marker = page.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn cluster(&self, region: Region) -> Result<Option<aws_sdk_rds::types::DbCluster>, Verdict> {
        let id = self.names.cluster(region);
        let sent = self
            .rds(region)
            .describe_db_clusters()
            .db_cluster_identifier(&id)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(answer.db_clusters.unwrap_or_default().into_iter().next()),
            Err(failure)
                if matches!(
                    failure.as_service_error(),
                    Some(DescribeDBClustersError::DbClusterNotFoundFault(_))
                ) =>
            {
                Ok(None)
            }
            Err(failure) => Err(judge("describe the database cluster", &failure)),
        }
    }

    /// Watches until the database of a region takes writes. Ends with the caller's patience, if it has to.
    async fn watch(&self, target: Region) -> Outcome {
        loop {
            if target == self.own && self.takes_writes().await == Some(true) {
                return Outcome::Done;
            }
            if let Ok(view) = self.look().await
                && view.settled_on(target)
                // A describe is ahead of the database at times; who can ask the database believes only that.
                && (target != self.own || self.postgres.is_none())
            {
                return Outcome::Done;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether the own region's database takes writes, if somebody can ask it.
    async fn takes_writes(&self) -> Option<bool> {
        let postgres = self.postgres.as_ref()?;
        // A server that is being promoted may hang; the next look is as good.
        let asked = tokio::time::timeout(ASK_AT_MOST, postgres.clock()).await;
        Some(matches!(asked, Ok(Outcome::DatabaseClock(_))))
    }

    async fn fail_over(&self, global: &str) -> Asked {
        let call = self
            .rds(self.own)
            .failover_global_cluster()
            .global_cluster_identifier(global)
            .target_db_cluster_identifier(self.names.cluster_arn(self.own))
            .allow_data_loss(true);
        match call.send().await {
            Ok(_) => Asked::Watch,
            Err(failure) => {
                let verdict = judge("fail the global cluster over", &failure);
                let missing = matches!(
                    failure.as_service_error(),
                    Some(
                        FailoverGlobalClusterError::DbClusterNotFoundFault(_)
                            | FailoverGlobalClusterError::GlobalClusterNotFoundFault(_)
                    )
                );
                asked(verdict, missing, failure.code())
            }
        }
    }

    async fn detach(&self, global: &str) -> Asked {
        let call = self
            .rds(self.own)
            .remove_from_global_cluster()
            .global_cluster_identifier(global)
            .db_cluster_identifier(self.names.cluster_arn(self.own));
        match call.send().await {
            Ok(_) => Asked::Watch,
            Err(failure) => {
                let verdict = judge("detach the database cluster", &failure);
                let missing = matches!(
                    failure.as_service_error(),
                    Some(
                        RemoveFromGlobalClusterError::DbClusterNotFoundFault(_)
                            | RemoveFromGlobalClusterError::GlobalClusterNotFoundFault(_)
                    )
                );
                asked(verdict, missing, failure.code())
            }
        }
    }

    async fn switch(&self, global: &str, to: Region) -> Asked {
        let call = self
            .rds(self.own)
            .switchover_global_cluster()
            .global_cluster_identifier(global)
            .target_db_cluster_identifier(self.names.cluster_arn(to));
        match call.send().await {
            Ok(_) => Asked::Watch,
            Err(failure) => {
                let verdict = judge("switch the global cluster over", &failure);
                let missing = matches!(
                    failure.as_service_error(),
                    Some(
                        SwitchoverGlobalClusterError::DbClusterNotFoundFault(_)
                            | SwitchoverGlobalClusterError::GlobalClusterNotFoundFault(_)
                    )
                );
                asked(verdict, missing, failure.code())
            }
        }
    }
}

/// What is not there cannot be moved, however often it is asked for. A state that forbids it may pass: a move that is
/// under way already looks like that, and the next look tells.
fn asked(verdict: Verdict, missing: bool, code: Option<&str>) -> Asked {
    match verdict {
        Verdict::Unknown => Asked::Watch,
        Verdict::NotDone if missing || code == Some("InvalidParameterValue") => Asked::Not(Outcome::Refused),
        Verdict::NotDone => Asked::Not(Outcome::Failed),
    }
}

#[async_trait]
impl Database for Aurora {
    async fn clock(&self) -> Outcome {
        match &self.postgres {
            Some(postgres) => postgres.clock().await,
            None => nobody_speaks("clock"),
        }
    }

    async fn write_serving(&self, epoch: Epoch, valid_until: DatabaseTime) -> Outcome {
        match &self.postgres {
            Some(postgres) => postgres.write_serving(epoch, valid_until).await,
            None => nobody_speaks("serving row"),
        }
    }

    async fn promote(&self, method: DatabaseMethod, key: IdempotencyKey) -> Outcome {
        let view = match self.look().await {
            Ok(view) => view,
            // Nothing was asked for yet.
            Err(_) => return Outcome::Failed,
        };
        let asked = match (&view.global, method) {
            _ if view.settled_on(self.own) || view.moving_to(self.own) => Asked::Watch,
            (_, DatabaseMethod::Postgres) => {
                warn!(
                    "an Aurora cluster is not promoted like a streaming standby; mend `database.method` in the policy"
                );
                return Outcome::Refused;
            }
            (None, _) => {
                warn!("the own region's database belongs to no global cluster, and takes no writes");
                return Outcome::Failed;
            }
            (Some(global), DatabaseMethod::AuroraManaged) => {
                info!(epoch = key.epoch.0, global = global.id, "asking Aurora to fail over");
                self.fail_over(&global.id).await
            }
            (Some(global), DatabaseMethod::AuroraDetach) => {
                info!(
                    epoch = key.epoch.0,
                    global = global.id,
                    "taking the database cluster out of its global cluster"
                );
                self.detach(&global.id).await
            }
        };
        match asked {
            Asked::Watch => self.watch(self.own).await,
            Asked::Not(outcome) => outcome,
        }
    }

    async fn switch_over(&self, to: Region, key: IdempotencyKey) -> Outcome {
        let view = match self.look().await {
            Ok(view) => view,
            Err(_) => return Outcome::Failed,
        };
        let asked = match &view.global {
            _ if view.settled_on(to) || view.moving_to(to) => Asked::Watch,
            None => {
                warn!("the own region's database belongs to no global cluster; there is nothing to switch over to");
                return Outcome::Failed;
            }
            Some(global) => {
                info!(
                    epoch = key.epoch.0,
                    global = global.id,
                    ?to,
                    "asking Aurora to switch over"
                );
                self.switch(&global.id, to).await
            }
        };
        match asked {
            Asked::Watch => self.watch(to).await,
            Asked::Not(outcome) => outcome,
        }
    }

    async fn describe(&self) -> Outcome {
        match self.look().await {
            Ok(view) => Outcome::Database(view.as_the_core_sees_it()),
            Err(verdict) => verdict.into(),
        }
    }

    async fn rejoin(&self) -> Outcome {
        self.rebuild().await
    }

    async fn reconcile(&self) -> Outcome {
        self.find_what_was_lost().await
    }

    async fn replication_lag(&self) -> Option<Duration> {
        self.lag().await
    }
}

fn nobody_speaks(what: &str) -> Outcome {
    warn!(
        what,
        "the platform file names no `database` in this region; nobody can ask it"
    );
    Outcome::Failed
}
