//! Who writes, and in which epoch: read before anything is changed.
//!
//! The provisioner makes what is missing around the roles as they are. It never moves one, and while one is about to move it
//! changes nothing at all: with two regions, each is either the one that is lost or the one that is needed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_rds::types::{FailoverStatus, GlobalCluster};
use serde::Serialize;

use super::Shared;
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};

/// The statuses of a global cluster whose writer moves.
const MOVING: [&str; 3] = ["failing-over", "switching-over", "promoting"];
/// The regions as the lease item names them.
const NAMES: [&str; 2] = ["home", "away"];

/// Where to look.
#[derive(Debug, Clone)]
pub struct Places {
    /// The lease table.
    pub lease_table: String,
    /// Both regions' database clusters.
    pub clusters: [String; 2],
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Situation {
    /// The epoch of the lease item, if there is one.
    pub epoch: Option<u64>,
    /// The region that holds the lease: 0 home, 1 away.
    pub holder: Option<usize>,
    /// The region that has claimed the lease.
    pub claimed_by: Option<usize>,
    /// The role change under way, with its step.
    pub role_change: Option<String>,
    /// The region whose database writes.
    pub writer: Option<usize>,
    /// The global cluster that the writer is in.
    pub global: Option<String>,
    /// Aurora is moving the writer.
    pub moving: bool,
}

impl Situation {
    /// Looks.
    ///
    /// # Errors
    /// When neither region tells: then nobody knows whether a failover is under way.
    pub async fn read(shared: &Shared, places: &Places) -> Result<Self, Trouble> {
        let mut seen = Self::default();
        seen.lease(&lease_item(shared, places).await?);
        seen.database(shared, places, &globals(shared).await?);
        Ok(seen)
    }

    /// Why nothing may be changed now, if so.
    #[must_use]
    pub fn held_back(&self, shared: &Shared) -> Option<Trouble> {
        let epoch = self.epoch.map_or_else(String::new, |epoch| format!(" (epoch {epoch})"));
        let region = |index: usize| &shared.regions[index];
        let why = if let Some(claimant) = self.claimed_by {
            format!(
                "{} has claimed the lease{epoch}: a failover is under way",
                region(claimant)
            )
        } else if let Some(change) = &self.role_change {
            format!("a {change} is under way{epoch}")
        } else if self.moving {
            format!("Aurora is moving the writer{epoch}")
        } else {
            match (self.holder, self.writer) {
                (Some(holder), Some(writer)) if holder != writer => format!(
                    "{} holds the lease{epoch} and {}'s database writes: roles are not settled",
                    region(holder),
                    region(writer)
                ),
                _ => return None,
            }
        };
        Some(Trouble::refused(format!(
            "{why}; nothing is changed until it is over: see `understudy-engine status`, and run the same command again \
             afterwards"
        )))
    }

    fn lease(&mut self, item: &BTreeMap<String, AttributeValue>) {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let region = |name: &str| {
            NAMES
                .iter()
                .position(|known| text(name).is_some_and(|text| text == known))
        };
        self.epoch = item.get("epoch").and_then(|value| value.as_n().ok()?.parse().ok());
        self.holder = region("holder");
        self.claimed_by = region("claim_region");
        self.role_change = text("role_change").map(|kind| match text("role_change_step") {
            Some(step) => format!("{kind} (at {step})"),
            None => kind.clone(),
        });
    }

    /// Who the writer is follows from membership, not from the global cluster's name: after a detach it is another one.
    fn database(&mut self, shared: &Shared, places: &Places, globals: &[GlobalCluster]) {
        let mut writers = globals.iter().filter_map(|global| {
            let members = global.global_cluster_members();
            let writer = members.iter().find(|member| member.is_writer() == Some(true))?;
            let region = member_of(shared, places, writer.db_cluster_arn().unwrap_or_default())?;
            Some((global, region))
        });
        // After a detach the old region's cluster still is the writer of the global cluster that was left behind.
        let first = writers.next();
        let (global, writer) = match (first, writers.next()) {
            (Some(first), Some(second)) => {
                let holds = |(_, region): &(&GlobalCluster, usize)| Some(*region) == self.holder;
                if holds(&second) { second } else { first }
            }
            (Some(first), None) => first,
            (None, _) => return,
        };
        self.writer = Some(writer);
        self.global = global.global_cluster_identifier().map(str::to_owned);
        let under_way = global.failover_state().and_then(|state| state.status());
        self.moving = matches!(under_way, Some(FailoverStatus::Pending | FailoverStatus::FailingOver))
            || global.status().is_some_and(|status| MOVING.contains(&status));
    }
}

/// Which region's cluster an ARN names, if it is one of ours.
pub(super) fn member_of(shared: &Shared, places: &Places, arn: &str) -> Option<usize> {
    let mut parts = arn.split(':').skip(3);
    let region = parts.next()?;
    let name = arn.rsplit(':').next()?;
    (0..2).find(|index| shared.regions[*index].as_str() == region && places.clusters[*index] == name)
}

/// The lease item, from the first region that has it.
async fn lease_item(shared: &Shared, places: &Places) -> Result<BTreeMap<String, AttributeValue>, Trouble> {
    let mut last = None;
    for region in &shared.regions {
        let answer = shared
            .aws
            .dynamodb(region)
            .get_item()
            .table_name(&places.lease_table)
            .key("id", AttributeValue::S("lease".to_owned()))
            .consistent_read(true)
            .send()
            .await;
        match found(answer, &["ResourceNotFoundException"], "dynamodb:GetItem", region) {
            Ok(Some(answer)) if answer.item.is_some() => {
                return Ok(answer.item.into_iter().flatten().collect());
            }
            Ok(_) => {}
            Err(trouble) => last = Some(trouble),
        }
    }
    last.map_or_else(|| Ok(BTreeMap::new()), Err)
}

/// All global clusters that a region sees.
async fn globals(shared: &Shared) -> Result<Vec<GlobalCluster>, Trouble> {
    let mut last = Trouble::own(TroubleKind::Unfit, "no region to ask");
    for region in &shared.regions {
        let pages = shared.aws.rds(region).describe_global_clusters().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        match all.map_err(failed("rds:DescribeGlobalClusters", region)) {
            Ok(all) => return Ok(all),
            Err(trouble) => last = trouble,
        }
    }
    Err(last)
}
