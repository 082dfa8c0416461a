//! The Aurora global database: two clusters with their instances, and the global cluster around them.
//!
//! ```text
//!   nothing        -> the cluster of the region that is to write, an instance, the global cluster, the other cluster, an instance
//!   a writer alone -> the global cluster around it, and what follows from there
//!   both members   -> settings only; who writes is never asked for
//! ```
//!
//! After a *managed* failover Aurora rebuilds the old region's cluster by itself: it is waited for. After a *detach* the old
//! cluster stands in the way, by its name, and holds the only copy of what was lost. It is replaced only if that was asked
//! for, and a final snapshot is kept.

mod calls;
mod endpoints;
mod removal;
mod settings;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_rds::types::{DbCluster, DbInstance, GlobalCluster, GlobalClusterMember, Tag};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Replace};
use super::situation::{Places, Situation, member_of};
use super::{Difference, GLOBAL, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};

pub(super) const ENGINE: &str = "aurora-postgresql";
const AVAILABLE: &str = "available";
/// The log that is kept outside the database.
pub(super) const LOG: &str = "postgresql";
/// Seconds between two reports on an instance's machine: RDS takes 1, 5, 10, 15, 30 or 60. They are for people; no decision
/// rests on them.
pub(super) const MONITORING_S: i32 = 60;

/// One region's cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its subnets.
    pub subnet_group: String,
    /// Its parameters.
    pub parameter_group: String,
    /// The parameters of its instances.
    pub instance_parameter_group: String,
    /// The role by which instances tell how their machines do; none: not known before it is there.
    pub monitoring_role: Option<String>,
    /// Who may connect; none: not known before the region's network is there.
    pub security_groups: Option<Vec<String>>,
    /// The key that encrypts it; none: not known before the region's keys are there.
    pub key: Option<String>,
}

/// What should be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The global cluster, as long as nothing was detached.
    pub global: String,
    /// Home, then away.
    pub clusters: [Cluster; 2],
    /// The lease table, which says who may write.
    pub lease_table: String,
    /// Aurora's version, the same in both regions.
    pub engine_version: String,
    /// The first database in it.
    pub database: String,
    /// Its owner.
    pub user: String,
    /// The secret that holds the owner's name and password.
    pub secret: String,
    /// The class of the instances.
    pub class: String,
    /// Instances in each region; at least one, for a cluster without one cannot be promoted.
    pub instances: u32,
    /// Days for which backups are kept.
    pub retention_days: i32,
    /// After a detach: replace the old region's cluster, with a final snapshot.
    pub rebuild_standby: bool,
}

/// The global database.
#[derive(Debug)]
pub struct Database {
    /// What is shared.
    pub shared: Shared,
    /// What should be.
    pub wanted: Wanted,
}

/// What is there.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) situation: Situation,
    pub(super) globals: Vec<GlobalCluster>,
    pub(super) clusters: [Option<DbCluster>; 2],
    pub(super) instances: [Vec<DbInstance>; 2],
}

#[async_trait]
impl Reconciler for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let seen = self.look().await?;
        if let Some(trouble) = seen.situation.held_back(&self.shared) {
            return Err(trouble);
        }
        let mut all = Vec::new();
        for index in 0..2 {
            self.ours(&seen, index)?;
        }
        self.global_is_ours(&seen)?;
        let writer = self.writer(&seen)?;
        let other = 1 - writer;
        let region = |index: usize| &self.shared.regions[index];
        let writes = seen.clusters[writer].as_ref();
        if writes.is_none() {
            let act = self.create_writer(writer);
            all.push(
                Difference::new(Add, region(writer), self.what(writer), "the writer").by_if(self.ready(writer), act),
            );
        }
        self.kept_for_good(&seen, writer, &mut all);
        self.details(&seen, writer, &mut all);
        let settled = self.settled(&seen, writer);
        let global = self.global_of(&seen, writer);
        if global.is_none() {
            let act = self.create_global(&seen, writer);
            all.push(Difference::new(Add, GLOBAL, self.what_global(&seen), "around the writer").by_if(settled, act));
        }
        let is_member = global.is_some_and(|global| self.has_member(global, other));
        match (&seen.clusters[other], global) {
            (Some(_), Some(global)) if is_member => {
                self.details(&seen, other, &mut all);
                self.of_global(global, &mut all);
            }
            (Some(_), _) => self.stands_in_the_way(&seen, other, &mut all).await?,
            (None, global) => {
                let name = global
                    .and_then(|global| global.global_cluster_identifier())
                    .map(str::to_owned);
                let ready = settled && name.is_some() && self.ready(other);
                let act = self.create_secondary(other, name.unwrap_or_default());
                all.push(
                    Difference::new(
                        Add,
                        region(other),
                        self.what(other),
                        "a secondary that follows the writer",
                    )
                    .by_if(ready, act),
                );
                self.details(&seen, other, &mut all);
            }
        }
        Ok(all)
    }

    async fn leftovers(&self, data: bool) -> Result<Leftovers, Trouble> {
        self.left(data).await
    }
}

impl Database {
    pub(super) fn what(&self, index: usize) -> String {
        format!("database cluster {}", self.wanted.clusters[index].name)
    }

    fn what_global(&self, seen: &Seen) -> String {
        format!("global cluster {}", self.free_global(seen))
    }

    fn places(&self) -> Places {
        Places {
            lease_table: self.wanted.lease_table.clone(),
            clusters: self.wanted.clusters.each_ref().map(|cluster| cluster.name.clone()),
        }
    }

    /// Whether everything that a region's cluster is made with is known.
    fn ready(&self, index: usize) -> bool {
        let cluster = &self.wanted.clusters[index];
        cluster.security_groups.is_some() && cluster.key.is_some()
    }

    pub(super) async fn look(&self) -> Result<Seen, Trouble> {
        let situation = Situation::read(&self.shared, &self.places()).await?;
        let [home, away] = &self.shared.regions;
        let pages = self.shared.aws.rds(home).describe_global_clusters().into_paginator();
        let globals: Result<Vec<_>, _> = pages.items().send().collect().await;
        let globals = globals.map_err(failed("rds:DescribeGlobalClusters", home))?;
        let ((first, of_first), (second, of_second)) =
            futures_util::future::try_join(self.of_region(0, home), self.of_region(1, away)).await?;
        Ok(Seen {
            situation,
            globals,
            clusters: [first, second],
            instances: [of_first, of_second],
        })
    }

    async fn of_region(
        &self,
        index: usize,
        region: &RegionName,
    ) -> Result<(Option<DbCluster>, Vec<DbInstance>), Trouble> {
        let rds = self.shared.aws.rds(region);
        let name = &self.wanted.clusters[index].name;
        let answer = rds.describe_db_clusters().db_cluster_identifier(name).send().await;
        let answer = found(answer, &["DBClusterNotFoundFault"], "rds:DescribeDBClusters", region)?;
        let cluster = answer.and_then(|answer| answer.db_clusters?.into_iter().next());
        let pages = rds.describe_db_instances().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        let mut all = all.map_err(failed("rds:DescribeDBInstances", region))?;
        all.retain(|instance| instance.db_cluster_identifier() == Some(name));
        Ok((cluster, all))
    }

    fn ours(&self, seen: &Seen, index: usize) -> Result<(), Trouble> {
        let Some(cluster) = &seen.clusters[index] else {
            return Ok(());
        };
        if self.shared.owns(&tags_of(cluster.tag_list())) {
            return Ok(());
        }
        Err(self.shared.not_ours(&self.what(index), &self.shared.regions[index]))
    }

    /// A global cluster with our name that neither carries our tag nor has a member of ours is somebody else's.
    fn global_is_ours(&self, seen: &Seen) -> Result<(), Trouble> {
        let mut named = seen.globals.iter().filter(|global| self.is_named(global));
        match named.find(|global| !self.owns_global(global)) {
            None => Ok(()),
            Some(other) => {
                let what = format!(
                    "global cluster {}",
                    other.global_cluster_identifier().unwrap_or_default()
                );
                Err(self.shared.not_ours(&what, &self.shared.regions[0]))
            }
        }
    }

    /// Whether a global cluster has our name, or one of those that the engine takes after a detach.
    fn is_named(&self, global: &GlobalCluster) -> bool {
        let name = global.global_cluster_identifier().unwrap_or_default();
        let rest = name.strip_prefix(&self.wanted.global);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| rest.parse::<u32>().is_ok())
        })
    }

    /// One that the engine made after a detach has no tags yet: whose members it has tells.
    fn owns_global(&self, global: &GlobalCluster) -> bool {
        self.shared.owns(&tags_of(global.tag_list())) || (0..2).any(|index| self.has_member(global, index))
    }

    /// Who writes, or is to be made first.
    fn writer(&self, seen: &Seen) -> Result<usize, Trouble> {
        if let Some(writer) = seen.situation.writer {
            return Ok(writer);
        }
        match &seen.clusters {
            // Nobody has served yet, or the lease says who may.
            [None, None] => Ok(seen.situation.holder.unwrap_or(0)),
            [Some(_), None] => Ok(0),
            [None, Some(_)] => Ok(1),
            [Some(_), Some(_)] => match seen.situation.holder {
                Some(holder) => Ok(holder),
                None => Err(Trouble::refused(format!(
                    "both {} and {} stand alone, and no lease says which of them may write: find out which one holds the \
                     orders, remove the other one, and apply again",
                    self.what(0),
                    self.what(1)
                ))),
            },
        }
    }

    pub(super) fn global_of<'a>(&self, seen: &'a Seen, index: usize) -> Option<&'a GlobalCluster> {
        seen.globals.iter().find(|global| self.has_member(global, index))
    }

    fn has_member(&self, global: &GlobalCluster, index: usize) -> bool {
        self.member(global, index).is_some()
    }

    pub(super) fn member<'a>(&self, global: &'a GlobalCluster, index: usize) -> Option<&'a GlobalClusterMember> {
        let places = self.places();
        let mut members = global.global_cluster_members().iter();
        members
            .find(|member| member_of(&self.shared, &places, member.db_cluster_arn().unwrap_or_default()) == Some(index))
    }

    /// A cluster at rest, with an instance at rest.
    fn settled(&self, seen: &Seen, index: usize) -> bool {
        let cluster = seen.clusters[index]
            .as_ref()
            .and_then(|cluster| cluster.status.as_deref());
        let mut instances = seen.instances[index].iter();
        cluster == Some(AVAILABLE) && instances.any(|instance| instance.db_instance_status() == Some(AVAILABLE))
    }

    /// The cluster of a region that is not a member of the serving global cluster.
    async fn stands_in_the_way(&self, seen: &Seen, index: usize, all: &mut Vec<Difference>) -> Result<(), Trouble> {
        let region = &self.shared.regions[index];
        let what = self.what(index);
        let writer = 1 - index;
        if !self.wanted.rebuild_standby {
            let said = format!(
                "{what} in {region} does not follow {}: a failover left it behind. It holds the only copy of orders that had \
                 not arrived in {}. Compare them first; then `apply --rebuild-standby` keeps a final snapshot of it, and \
                 makes it anew as a secondary",
                self.what(writer),
                self.shared.regions[writer]
            );
            all.push(
                Difference::new(Replace, region, &what, "it was left behind by a failover")
                    .risky("it may hold orders that are nowhere else")
                    .refused(Trouble::refused(said)),
            );
            return Ok(());
        }
        if seen.situation.holder != Some(writer) || !self.settled(seen, writer) {
            return Err(Trouble::refused(format!(
                "{what} in {region} is replaced only while {} holds the lease and its database is at rest",
                self.shared.regions[writer]
            )));
        }
        all.push(self.take_away(seen, index).await?);
        Ok(())
    }

    pub(super) fn instance(&self, index: usize, number: u32) -> String {
        format!("{}-{number}", self.wanted.clusters[index].name)
    }
}

pub(super) fn tags_of(tags: &[Tag]) -> BTreeMap<String, String> {
    let tags = tags.iter();
    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}
