//! What must hold in every run, looked at whenever something changes.

use understudy_engine::core::ids::Region;

use super::World;
use super::clients::Acceptance;
use super::clock::Moment;
use super::database::Promotion;
use crate::report::words;

/// Commits in a region that must not commit.
pub(super) const COMMIT_AFTER_PROMOTION: &str = "no commit after the other region's promotion began";
/// Two regions that commit at once.
pub(super) const ONE_OPEN_REGION: &str = "at most one region processes orders";
/// A promotion by a region that does not hold the lease.
pub(super) const PROMOTION_WITH_LEASE: &str = "promotion only with the lease";

/// What is being broken right now, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Broken {
    /// A region commits although the other one's promotion began.
    fenced_commits: [Option<Moment>; 2],
    both_commit: Option<Moment>,
}

impl World<'_> {
    /// The other region must be quiet from here on.
    pub(super) fn promotion_began(&mut self, region: Region) {
        if self.store.record().holder != region {
            let text = format!("{} promotes without holding the lease", words::region(region));
            self.record.violate(self.now, PROMOTION_WITH_LEASE, text);
        }
        // An order that passed the fence just before may still become durable: AWS knows no epoch. That is the
        // declared residual.
        self.clients.count_until(self.now);
        let from = self.now.before(self.conditions.commit);
        self.residual_commits += self.clients.committed(region.other(), from, self.now);
    }

    /// What the old region committed and the new one never saw is lost.
    pub(super) fn promotion_done(&mut self, promotion: Option<Promotion>) {
        let Some(promotion) = promotion else { return };
        self.clients.count_until(self.now);
        let old = promotion.region.other();
        // What was committed after the promotion began is added when that comes to an end.
        let lost = self.clients.committed(old, promotion.replicated_until, promotion.began);
        self.orders_lost += lost;
    }

    /// Looks at what is being broken now. Call it after every change of what the regions do with orders.
    pub(super) fn check_invariants(&mut self) {
        for region in Region::BOTH {
            let fenced = self
                .databases
                .promotion
                .is_some_and(|promotion| promotion.region != region);
            let commits = self.clients.acceptance(region) == Acceptance::Commits;
            let since = &mut self.broken.fenced_commits[region.index()];
            match (*since, fenced && commits) {
                (None, true) => *since = Some(self.now),
                (Some(from), false) => {
                    *since = None;
                    self.report_fenced_commits(region, from);
                }
                _ => {}
            }
        }
        let both = Region::BOTH
            .iter()
            .all(|region| self.clients.acceptance(*region) == Acceptance::Commits);
        match (self.broken.both_commit, both) {
            (None, true) => self.broken.both_commit = Some(self.now),
            (Some(from), false) => {
                self.broken.both_commit = None;
                if self.now > from {
                    let text = format!(
                        "both regions process orders for {}",
                        words::duration(self.now.since(from))
                    );
                    self.record.violate(from, ONE_OPEN_REGION, text);
                }
            }
            _ => {}
        }
    }

    fn report_fenced_commits(&mut self, region: Region, from: Moment) {
        self.clients.count_until(self.now);
        let orders = self.clients.committed(region, from, self.now);
        if orders > 0 {
            self.orders_lost += orders;
            let text = format!(
                "{} committed {orders} orders within {} after the other region's promotion had begun",
                words::region(region),
                words::duration(self.now.since(from))
            );
            self.record.violate(from, COMMIT_AFTER_PROMOTION, text);
        }
    }

    /// The run is over: what is still being broken is broken until now.
    pub(super) fn close_invariants(&mut self) {
        for region in Region::BOTH {
            if let Some(from) = self.broken.fenced_commits[region.index()].take() {
                self.report_fenced_commits(region, from);
            }
        }
        if let Some(from) = self.broken.both_commit.take()
            && self.now > from
        {
            let text = format!(
                "both regions process orders for {}",
                words::duration(self.now.since(from))
            );
            self.record.violate(from, ONE_OPEN_REGION, text);
        }
    }
}
