//! The points that are only read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_rds::types::GlobalCluster;

use super::{Look, Verdict};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};
use crate::deploy::parts;
use crate::deploy::stacks::{Standing, is_protected};

/// How far back lag is looked for.
const LAG_WITHIN: Duration = Duration::from_secs(15 * 60);

impl Look<'_> {
    /// R10.1: every stack is complete, and protected.
    pub(super) async fn at_stacks(&mut self) {
        let stacks = self.world.stacks();
        for region in self.world.inhabited() {
            let mut open = Vec::new();
            let mut count = 0;
            for stack in self.world.platform.of(region) {
                count += 1;
                match stacks.look(region, &stack.name).await {
                    Ok((Standing::Complete, Some(found))) if !is_protected(&found) => {
                        open.push(format!("{} is not protected against deletion", stack.name));
                    }
                    Ok((Standing::Complete, _)) => {}
                    Ok((standing, _)) => open.push(format!("{} is {standing:?}", stack.name)),
                    Err(trouble) => open.push(trouble.to_string()),
                }
            }
            let verdict = if open.is_empty() { Verdict::Yes } else { Verdict::No };
            let says = if open.is_empty() {
                format!("{count} stacks, protected against deletion")
            } else {
                open.join("; ")
            };
            self.point("R10.1", "stacks are complete", region, verdict, says);
        }
        if !self.world.left_out.is_empty() {
            let kinds: BTreeSet<&str> = self.world.left_out.iter().map(|left| left.kind.as_str()).collect();
            let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
            let says = format!("{} resources are left out: {kinds}", self.world.left_out.len());
            self.point("R10.1", "nothing is left out", "", Verdict::Unknown, says);
        }
    }

    /// Everything that spans regions is as it should be.
    pub(super) async fn at_spanning(&mut self) {
        for name in parts::ALL {
            let (requirement, what) = match name {
                "tables" => ("R2.3", "tables, replicas, point-in-time recovery"),
                "secrets" => ("R9.3", "secrets and their replicas"),
                "peering" => ("R8.1", "peering, and routes on both sides"),
                "database" => ("R2.1", "database clusters, instances, settings"),
                "replication" => ("R4.1", "replication of buckets, both ways"),
                "account" => ("R3.3", "API Gateway has a role for its logs"),
                "certificates" => ("R3.3", "certificates are validated"),
                "parameters" => ("R7.2", "parameters are equal in both regions"),
                "switches" => ("R1.2", "switches are there"),
                "health checks" => ("R1.1", "health checks are as they should be"),
                "forwarding" => ("R5.3", "events are forwarded both ways"),
                "records" => ("R1.2", "failover records"),
                "engine files" => ("R11.1", "what sidecars are started with"),
                "sidecar names" => ("R11.1", "sidecars find those of the other region"),
                _ => ("R1.1", "hosted zone"),
            };
            let part = match self.world.part(name, &self.exports).await {
                Ok(Some(part)) => part,
                Ok(None) => {
                    self.point(requirement, what, "", Verdict::Unknown, "the files do not ask for it");
                    continue;
                }
                Err(trouble) => {
                    self.untold(requirement, what, "", &trouble);
                    continue;
                }
            };
            match part.differences().await {
                Ok(differences) if differences.is_empty() => {
                    self.point(requirement, what, "", Verdict::Yes, "as it should be");
                }
                Ok(differences) => {
                    let first = &differences[0];
                    let says = format!(
                        "{} differences, first: {} in {}: {}",
                        differences.len(),
                        first.what,
                        first.region,
                        first.detail
                    );
                    self.point(requirement, what, "", Verdict::No, says);
                }
                Err(trouble) => self.untold(requirement, what, "", &trouble),
            }
        }
    }

    /// Who serves, and whether the lease item is there.
    pub(super) async fn at_roles(&mut self) {
        match self.world.situation().await {
            Ok(situation) => {
                let region =
                    |index: Option<usize>| index.map_or("nobody", |index| self.world.regions()[index].as_str());
                let says = match situation.epoch {
                    Some(epoch) => format!(
                        "{} holds the lease (epoch {epoch}), {} writes",
                        region(situation.holder),
                        region(situation.writer)
                    ),
                    None => format!(
                        "no lease item yet: `understudy-engine create-lease` makes it; {} writes",
                        region(situation.writer)
                    ),
                };
                let (verdict, says) = match situation.held_back(&self.world.shared) {
                    Some(why) => (Verdict::No, format!("{says}: {why}")),
                    None if situation.epoch.is_none() => (Verdict::Unknown, says),
                    None => (Verdict::Yes, says),
                };
                self.point("R10.2", "roles are settled", "", verdict, says);
            }
            Err(trouble) => self.untold("R10.2", "roles are settled", "", &trouble),
        }
    }

    /// R2.1: who is a member, and how far the one that does not write is behind.
    pub(super) async fn at_database(&mut self) {
        match self.members().await {
            Ok((verdict, says)) => self.point("R2.1", "one region writes, the other follows", "", verdict, says),
            Err(trouble) => self.untold("R2.1", "one region writes, the other follows", "", &trouble),
        }
        let lag = self.lag().await;
        let what = "the secondary follows the writer";
        match lag {
            Ok((index, Some(lag_ms))) => {
                let bound = self.world.policy.guards.data_loss.lag_max.as_secs_f64() * 1000.0;
                let verdict = if lag_ms <= bound { Verdict::Yes } else { Verdict::No };
                let region = self.world.regions()[index].clone();
                self.point(
                    "R10.2",
                    what,
                    &region,
                    verdict,
                    format!("{lag_ms:.0} ms behind; the policy's bound is {bound:.0} ms"),
                );
            }
            Ok((index, None)) => {
                let region = self.world.regions()[index].clone();
                let says = "its lag has no data points yet; CloudWatch has them minutes after the secondary is there";
                self.point("R10.2", what, &region, Verdict::Unknown, says);
            }
            Err(trouble) => self.untold("R10.2", what, "", &trouble),
        }
    }

    /// The members of the global cluster, with the instances that each could be promoted with.
    async fn members(&self) -> Result<(Verdict, String), Trouble> {
        let situation = self.world.situation().await?;
        let (Some(global), Some(writer)) = (situation.global, situation.writer) else {
            return Ok((Verdict::No, "there is no global cluster with a writer".to_owned()));
        };
        let mut members = Vec::new();
        let mut good = true;
        for index in [writer, 1 - writer] {
            let region = &self.world.regions()[index];
            let call = self.world.shared.aws.rds(region).describe_db_clusters();
            let answer = call
                .db_cluster_identifier(self.world.names.cluster(region))
                .send()
                .await;
            let answer = found(answer, &["DBClusterNotFoundFault"], "rds:DescribeDBClusters", region)?;
            let cluster = answer.and_then(|answer| answer.db_clusters?.into_iter().next());
            let instances = cluster.map_or(0, |cluster| cluster.db_cluster_members().len());
            // One without an instance cannot be promoted.
            good &= instances > 0;
            let does = if index == writer { "writes" } else { "follows" };
            members.push(format!("{region} {does} ({instances} instances)"));
        }
        let follows = self.world.names.cluster(&self.world.regions()[1 - writer]);
        let rds = self.world.shared.aws.rds(&self.world.regions()[writer]);
        let answer = rds
            .describe_global_clusters()
            .global_cluster_identifier(&global)
            .send()
            .await;
        let answer = answer.map_err(failed("rds:DescribeGlobalClusters", &self.world.regions()[writer]))?;
        let clusters = answer.global_clusters().iter();
        let is_member = clusters.flat_map(GlobalCluster::global_cluster_members).any(|member| {
            let arn = member.db_cluster_arn().unwrap_or_default();
            arn.ends_with(&format!(":{follows}"))
        });
        if !is_member {
            return Ok((Verdict::No, format!("{follows} is no member of {global}")));
        }
        let verdict = if good { Verdict::Yes } else { Verdict::No };
        Ok((verdict, format!("{}, in {global}", members.join(", "))))
    }

    /// The follower's region, and the latest lag that CloudWatch knows, in milliseconds.
    async fn lag(&self) -> Result<(usize, Option<f64>), Trouble> {
        let situation = self.world.situation().await?;
        let follower = 1 - situation.writer.unwrap_or(0);
        let region = &self.world.regions()[follower];
        let now = SystemTime::now();
        let dimension = Dimension::builder()
            .name("DBClusterIdentifier")
            .value(self.world.names.cluster(region))
            .build();
        let answer = self
            .world
            .shared
            .aws
            .cloudwatch(region)
            .get_metric_statistics()
            .namespace("AWS/RDS")
            .metric_name("AuroraGlobalDBReplicationLag")
            .dimensions(dimension)
            .start_time((now - LAG_WITHIN).into())
            .end_time(now.into())
            .period(60)
            .statistics(Statistic::Maximum)
            .send()
            .await
            .map_err(failed("cloudwatch:GetMetricStatistics", region))?;
        let mut points = answer.datapoints.unwrap_or_default();
        points.sort_by_key(|point| point.timestamp.map(|at| at.secs()));
        Ok((follower, points.last().and_then(|point| point.maximum)))
    }

    /// R3.2: the same digest in both regions.
    pub(super) async fn at_functions(&mut self) {
        let what = "functions have the same package in both regions";
        match (self.digests(0).await, self.digests(1).await) {
            (Ok(home), Ok(away)) => {
                let different: Vec<&String> = home
                    .keys()
                    .chain(away.keys())
                    .filter(|role| home.get(*role) != away.get(*role))
                    .collect();
                let (verdict, says) = match (home.is_empty(), different.first()) {
                    (true, None) => (Verdict::Unknown, "there are no functions".to_owned()),
                    (false, None) => (Verdict::Yes, format!("{} functions", home.len())),
                    (_, Some(first)) => (Verdict::No, format!("{first} differs")),
                };
                self.point("R3.2", what, "", verdict, says);
            }
            (Err(trouble), _) | (_, Err(trouble)) => self.untold("R3.2", what, "", &trouble),
        }
    }

    /// Digests by role.
    async fn digests(&self, index: usize) -> Result<BTreeMap<String, String>, Trouble> {
        let region = &self.world.regions()[index];
        let prefix = self.world.names.regional(region, "");
        let pages = self.world.shared.aws.lambda(region).list_functions().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        let all = all.map_err(failed("lambda:ListFunctions", region))?;
        Ok(all
            .into_iter()
            .filter_map(|function| {
                let role = function.function_name?.strip_prefix(&prefix)?.to_owned();
                Some((role, function.code_sha256?))
            })
            .collect())
    }
}
