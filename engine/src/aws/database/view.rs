//! What RDS says about the database, from one region.

use aws_sdk_rds::types::{DbCluster, FailoverStatus, GlobalCluster, GlobalClusterMemberSynchronizationStatus};

use super::super::names::Names;
use crate::core::effect::DatabaseView;
use crate::core::ids::Region;

/// The status of a cluster that is at rest.
const AVAILABLE: &str = "available";
/// The statuses of a global cluster whose writer moves.
const MOVING: [&str; 3] = ["failing-over", "switching-over", "promoting"];

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    own: Region,
    /// The own region's cluster is there, and at rest.
    own_available: bool,
    own_exists: bool,
    /// The global cluster that the own cluster is a member of.
    pub(super) global: Option<Global>,
    /// All global clusters' names.
    pub(super) taken: Vec<String>,
}

/// A global cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Global {
    pub(super) id: String,
    writer: Option<Region>,
    moving: bool,
    target: Option<Region>,
    /// The other region's cluster is a member that follows the writer.
    attached: bool,
    /// The other region's cluster is a member at all.
    pub(super) other_is_member: bool,
}

impl View {
    /// Who the writer is follows from membership, not from a name: after a detach the platform has another global cluster.
    pub(super) fn new(names: &Names, own: Region, clusters: Vec<GlobalCluster>, cluster: Option<&DbCluster>) -> Self {
        let own_name = names.cluster(own);
        let taken = clusters
            .iter()
            .filter_map(|global| global.global_cluster_identifier.clone())
            .collect();
        let global = clusters.into_iter().find(|global| {
            global.global_cluster_members().iter().any(|member| {
                let arn = member.db_cluster_arn().unwrap_or_default();
                region_of(names, arn) == Some(own) && arn.rsplit(':').next() == Some(own_name.as_str())
            })
        });
        let status = cluster.and_then(|cluster| cluster.status.as_deref());
        Self {
            own,
            own_available: status == Some(AVAILABLE),
            own_exists: cluster.is_some(),
            global: global.and_then(|global| Global::new(names, own, &global)),
            taken,
        }
    }

    /// Whether the database of a region is the writer, and at rest.
    pub(super) fn settled_on(&self, region: Region) -> bool {
        let view = self.as_the_core_sees_it();
        view.writer == Some(region) && !view.moving && (region != self.own || self.own_available)
    }

    /// Whether the writer is on its way to a region.
    pub(super) fn moving_to(&self, region: Region) -> bool {
        self.global
            .as_ref()
            .is_some_and(|global| global.moving && global.target.is_none_or(|target| target == region))
    }

    /// Whether the own cluster stands alone.
    pub(super) const fn stands_alone(&self) -> bool {
        self.own_exists && self.global.is_none()
    }

    pub(super) fn as_the_core_sees_it(&self) -> DatabaseView {
        match &self.global {
            Some(global) => DatabaseView {
                writer: global.writer,
                moving: global.moving,
                replica_attached: global.attached,
            },
            // A cluster that left its global cluster takes writes as soon as it is available.
            None => DatabaseView {
                writer: self.own_available.then_some(self.own),
                moving: self.own_exists && !self.own_available,
                replica_attached: false,
            },
        }
    }
}

impl Global {
    fn new(names: &Names, own: Region, global: &GlobalCluster) -> Option<Self> {
        let members = global.global_cluster_members();
        let region = |arn: Option<&str>| region_of(names, arn.unwrap_or_default());
        let writer = members
            .iter()
            .find(|member| member.is_writer() == Some(true))
            .and_then(|member| region(member.db_cluster_arn()));
        let other = members
            .iter()
            .find(|member| region(member.db_cluster_arn()) == Some(own.other()));
        let follows = |status: Option<&GlobalClusterMemberSynchronizationStatus>| {
            status != Some(&GlobalClusterMemberSynchronizationStatus::PendingResync)
        };
        // Whichever of the two does not write is the one that must follow.
        let attached = other.is_some()
            && members
                .iter()
                .filter(|member| member.is_writer() != Some(true))
                .all(|member| follows(member.synchronization_status()));
        let state = global.failover_state();
        let under_way = state
            .and_then(|state| state.status())
            .is_some_and(|status| matches!(status, FailoverStatus::Pending | FailoverStatus::FailingOver));
        Some(Self {
            id: global.global_cluster_identifier.clone()?,
            writer,
            moving: under_way || global.status().is_some_and(|status| MOVING.contains(&status)),
            target: state.and_then(|state| region(state.to_db_cluster_arn())),
            attached,
            other_is_member: other.is_some(),
        })
    }
}

/// The serving region that an ARN names.
fn region_of(names: &Names, arn: &str) -> Option<Region> {
    names.region_called(arn.split(':').nth(3)?)
}
