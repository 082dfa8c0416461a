//! Taking the global database away: secondaries first, then the primary, then the global cluster around them.

use std::future::Future;

use aws_sdk_rds::types::{DbCluster, GlobalCluster};

use super::{AVAILABLE, Database, Seen, tags_of};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};
use crate::spanning::ChangeKind::{Change, Remove, Replace};
use crate::spanning::{Difference, GLOBAL, Leftovers, Next};

type Done = Result<(), Trouble>;

/// The status of what goes.
const DELETING: &str = "deleting";

impl Database {
    pub(super) async fn left(&self, data: bool) -> Result<Leftovers, Trouble> {
        let seen = self.look().await?;
        let mut left = Leftovers::default();
        // The secondary goes first.
        let writer = seen.situation.writer.unwrap_or(0);
        let mut before = false;
        let ours = |cluster: &DbCluster| self.shared.owns(&tags_of(cluster.tag_list()));
        for index in [1 - writer, writer] {
            let region = &self.shared.regions[index];
            let Some(cluster) = seen.clusters[index].as_ref().filter(|cluster| ours(cluster)) else {
                continue;
            };
            if !data {
                left.keep_data(self.what(index), region);
                continue;
            }
            if let Some(trouble) = seen.situation.held_back(&self.shared) {
                return Err(trouble);
            }
            let steps = self.remove_cluster(&seen, index, cluster, before);
            left.remove.extend(steps);
            before = true;
        }
        for global in seen.globals.iter().filter(|global| self.is_named(global)) {
            let Some(name) = global.global_cluster_identifier().filter(|_| self.owns_global(global)) else {
                continue;
            };
            let what = format!("global cluster {name}");
            if !data {
                left.keep_data(what, GLOBAL);
                continue;
            }
            // Without its members, nothing but its tags says whose it is.
            if !self.shared.owns(&tags_of(global.tag_list())) {
                left.remove.push(self.tag_global(global, &what));
            }
            let mut wait = before || !global.global_cluster_members().is_empty();
            if global.deletion_protection() == Some(true) {
                let act = self.protect_global(global, false);
                left.remove
                    .push(Difference::new(Change, GLOBAL, &what, "deletion protection off").by(act));
                wait = true;
            }
            let act = self.delete_global(name);
            left.remove
                .push(Difference::new(Remove, GLOBAL, what, "empty").by_if(!wait, act));
        }
        Ok(left)
    }

    /// The next step of removing the cluster that stands in the way of a new secondary. A snapshot comes first, and nothing goes
    /// before it is complete.
    pub(super) async fn take_away(&self, seen: &Seen, index: usize) -> Result<Difference, Trouble> {
        let region = &self.shared.regions[index];
        let epoch = seen.situation.epoch.unwrap_or_default();
        let name = format!("{}-before-epoch-{epoch}", self.wanted.clusters[index].name);
        let replaces = |difference: Difference| Difference {
            change: Replace,
            risk: Some(format!("the old cluster goes; the snapshot {name} keeps what it held")),
            ..difference
        };
        let rds = self.shared.aws.rds(region);
        let answer = rds
            .describe_db_cluster_snapshots()
            .db_cluster_snapshot_identifier(&name)
            .send()
            .await;
        let answer = found(
            answer,
            &["DBClusterSnapshotNotFoundFault"],
            "rds:DescribeDBClusterSnapshots",
            region,
        )?;
        let snapshot = answer.and_then(|answer| answer.db_cluster_snapshots?.into_iter().next());
        let what = format!("snapshot {name}");
        let Some(snapshot) = snapshot else {
            let act = self.take_snapshot(index, name.clone());
            return Ok(replaces(
                Difference::new(Replace, region, what, "of what the old cluster holds").by(act),
            ));
        };
        if snapshot.status() != Some(AVAILABLE) {
            return Ok(replaces(
                Difference::new(Replace, region, what, "becomes complete").waits(),
            ));
        }
        let cluster = seen.clusters[index].as_ref();
        let steps = cluster
            .map(|cluster| self.remove_cluster(seen, index, cluster, false))
            .unwrap_or_default();
        let mut next = steps.into_iter().filter(|step| !matches!(step.next, Next::After));
        Ok(replaces(next.next().unwrap_or_else(|| {
            Difference::new(Replace, region, self.what(index), "is being taken away").waits()
        })))
    }

    fn take_snapshot(&self, index: usize, name: String) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let cluster = self.wanted.clusters[index].name.clone();
        let tags = self.tags();
        async move {
            let call = rds
                .create_db_cluster_snapshot()
                .db_cluster_identifier(cluster)
                .db_cluster_snapshot_identifier(name)
                .set_tags(tags);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:CreateDBClusterSnapshot", &region))
        }
    }

    fn remove_cluster(&self, seen: &Seen, index: usize, cluster: &DbCluster, mut before: bool) -> Vec<Difference> {
        let region = &self.shared.regions[index];
        let what = self.what(index);
        let mut steps = Vec::new();
        if cluster.status.as_deref() == Some(DELETING) {
            steps.push(Difference::new(Remove, region, &what, "is being deleted").waits());
            return steps;
        }
        let ready = cluster.status.as_deref() == Some(AVAILABLE);
        if let Some(global) = self.global_of(seen, index) {
            let act = self.detach(index, global, cluster);
            steps
                .push(Difference::new(Remove, region, &what, "leaves the global cluster").by_if(!before && ready, act));
            before = true;
        }
        if cluster.deletion_protection() == Some(true) {
            let act = self.unprotect(index);
            steps.push(Difference::new(Change, region, &what, "deletion protection off").by_if(ready, act));
            before = true;
        }
        for instance in &seen.instances[index] {
            let name = instance.db_instance_identifier().unwrap_or_default();
            let gone = Difference::new(Remove, region, format!("database instance {name}"), "");
            if instance.db_instance_status() == Some(DELETING) {
                steps.push(gone.waits());
            } else {
                steps.push(gone.by_if(!before, self.delete_instance(index, name)));
            }
        }
        before |= !seen.instances[index].is_empty();
        let act = self.delete_cluster(index);
        steps.push(
            Difference::new(Remove, region, &what, "with what it holds")
                .risky("data is lost")
                .by_if(!before && ready, act),
        );
        if !ready {
            let status = cluster.status.as_deref().unwrap_or("in an unknown state");
            steps.push(Difference::new(Change, region, &what, format!("is {status}")).waits());
        }
        steps
    }

    fn detach(
        &self,
        index: usize,
        global: &GlobalCluster,
        cluster: &DbCluster,
    ) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let global = global.global_cluster_identifier.clone();
        let arn = cluster.db_cluster_arn.clone();
        async move {
            let call = rds
                .remove_from_global_cluster()
                .set_global_cluster_identifier(global)
                .set_db_cluster_identifier(arn);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:RemoveFromGlobalCluster", &region))
        }
    }

    fn unprotect(&self, index: usize) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let name = self.wanted.clusters[index].name.clone();
        async move {
            let call = rds.modify_db_cluster().db_cluster_identifier(name);
            let answer = call.deletion_protection(false).apply_immediately(true).send().await;
            answer.map(drop).map_err(failed("rds:ModifyDBCluster", &region))
        }
    }

    fn delete_instance(&self, index: usize, name: &str) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let name = name.to_owned();
        async move {
            let call = rds
                .delete_db_instance()
                .db_instance_identifier(name)
                .skip_final_snapshot(true);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:DeleteDBInstance", &region))
        }
    }

    fn delete_cluster(&self, index: usize) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let name = self.wanted.clusters[index].name.clone();
        async move {
            let call = rds
                .delete_db_cluster()
                .db_cluster_identifier(name)
                .skip_final_snapshot(true);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:DeleteDBCluster", &region))
        }
    }

    fn delete_global(&self, name: &str) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[0].clone();
        let rds = self.shared.aws.rds(&region);
        let name = name.to_owned();
        async move {
            let call = rds.delete_global_cluster().global_cluster_identifier(name);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:DeleteGlobalCluster", &region))
        }
    }
}
