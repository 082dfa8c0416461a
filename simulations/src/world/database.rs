//! The two databases: who takes writes, until when orders commit, and what has been replicated.

use std::time::Duration;

use understudy_engine::core::effect::DatabaseView;
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::time::DatabaseTime;

use super::clock::{DatabaseClocks, Moment};

/// The row that lets orders commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serving {
    pub epoch: Epoch,
    pub valid_until: DatabaseTime,
}

/// One region's database.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    /// It takes writes, or believes that it may. Two can believe so after a detach.
    writer: bool,
    serving: Option<Serving>,
    /// Since when nothing is replicated into it.
    cut_since: Option<Moment>,
}

/// What kind of move is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoveKind {
    /// The region's own database becomes the writer, whatever the other one does.
    Promotion,
    /// The writer moves to the region, as planned and without loss.
    Switchover,
    /// The region's database is rebuilt as a standby of the other.
    Rejoin,
}

/// A move under way.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub kind: MoveKind,
    /// The region whose database changes its role.
    pub region: Region,
    pub generation: u32,
    /// Effects that wait for it.
    pub waiting: Vec<u32>,
}

/// A promotion that went through, or began: what the commit invariant is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promotion {
    /// The region whose database was promoted.
    pub region: Region,
    /// When it began: from here on the other region must not commit.
    pub began: Moment,
    /// Up to where the other region's commits had arrived.
    pub replicated_until: Moment,
}

/// Both databases.
#[derive(Debug)]
pub(crate) struct Databases {
    pub clocks: DatabaseClocks,
    clusters: [Cluster; 2],
    /// Whether the one that is not the writer follows it.
    attached: bool,
    /// Whether each was promoted by hand, and no region has relied on that yet.
    by_hand: [bool; 2],
    pub moving: Option<Move>,
    generation: u32,
    /// The last promotion, until the other region is a standby again.
    pub promotion: Option<Promotion>,
    lag: Duration,
    #[cfg(feature = "seeded-bugs")]
    pub fence_ignores_clock: bool,
}

impl Databases {
    /// One region writes, the other one follows.
    pub(crate) fn new(clocks: DatabaseClocks, lag: Duration, writer: Region) -> Self {
        Self {
            clocks,
            clusters: Region::BOTH.map(|region| Cluster {
                writer: region == writer,
                serving: None,
                cut_since: None,
            }),
            attached: true,
            by_hand: [false; 2],
            moving: None,
            generation: 0,
            promotion: None,
            lag,
            #[cfg(feature = "seeded-bugs")]
            fence_ignores_clock: false,
        }
    }

    /// Whether a region's database takes writes, as far as it is concerned.
    pub(crate) const fn is_writer(&self, region: Region) -> bool {
        self.clusters[region.index()].writer
    }

    /// Whether one follows the other.
    pub(crate) const fn attached(&self) -> bool {
        self.attached
    }

    /// Writes the serving row. False: this database takes no writes, or a later epoch has written the row.
    pub(crate) fn write_serving(&mut self, region: Region, serving: Serving) -> bool {
        let cluster = &mut self.clusters[region.index()];
        let accepted = cluster.writer && cluster.serving.is_none_or(|row| row.epoch <= serving.epoch);
        if accepted {
            cluster.serving = Some(serving);
        }
        accepted
    }

    /// Whether the commit fence lets an order of this epoch through.
    pub(crate) fn commits(&self, region: Region, epoch: Epoch, now: Moment) -> bool {
        let cluster = &self.clusters[region.index()];
        let valid = |row: Serving| self.clocks.show(region, now) < row.valid_until;
        #[cfg(feature = "seeded-bugs")]
        let valid = |row| self.fence_ignores_clock || valid(row);
        let lets_through = |row: Serving| row.epoch == epoch && valid(row);
        cluster.writer && cluster.serving.is_some_and(lets_through)
    }

    /// When the serving row runs out on the database's own clock.
    pub(crate) fn serving_expiry(&self, region: Region) -> Option<Moment> {
        let row = self.clusters[region.index()].serving?;
        Some(self.clocks.when(region, row.valid_until))
    }

    /// Takes note of whether replication into each region works.
    pub(crate) fn replication(&mut self, now: Moment, works: [bool; 2]) {
        for region in Region::BOTH {
            let cluster = &mut self.clusters[region.index()];
            if works[region.index()] && self.attached {
                cluster.cut_since = None;
            } else {
                cluster.cut_since.get_or_insert(now);
            }
        }
    }

    /// The lag of replication into a region; none: it does not work.
    pub(crate) fn lag_into(&self, region: Region, late: Duration) -> Option<Duration> {
        let cluster = &self.clusters[region.index()];
        (self.attached && cluster.cut_since.is_none()).then(|| self.lag + late)
    }

    /// What the control plane of a region says.
    pub(crate) fn view(&self, region: Region) -> DatabaseView {
        let writer = if self.is_writer(region) {
            Some(region)
        } else {
            self.is_writer(region.other()).then_some(region.other())
        };
        DatabaseView {
            writer,
            moving: self.moving.is_some(),
            replica_attached: self.attached,
        }
    }

    /// Begins a move and returns its generation. What has been replicated by now is what will survive.
    pub(crate) fn begin(&mut self, kind: MoveKind, region: Region, now: Moment, late: Duration, waiting: u32) -> u32 {
        self.generation += 1;
        match kind {
            MoveKind::Promotion => {
                let cut = self.clusters[region.index()].cut_since.unwrap_or(now);
                self.promotion = Some(Promotion {
                    region,
                    began: now,
                    replicated_until: cut.before(self.lag + late),
                });
                self.attached = false;
            }
            // A switchover stops writes first and waits until everything has arrived.
            MoveKind::Switchover => self.clusters[region.other().index()].writer = false,
            // The old volume is given up before the new one is filled.
            MoveKind::Rejoin => {
                self.clusters[region.index()] = Cluster {
                    writer: false,
                    serving: None,
                    cut_since: Some(now),
                }
            }
        }
        self.moving = Some(Move {
            kind,
            region,
            generation: self.generation,
            waiting: vec![waiting],
        });
        self.generation
    }

    /// The move of this generation is through.
    pub(crate) fn finish(&mut self, generation: u32) -> Option<Move> {
        let done = self.moving.take_if(|moving| moving.generation == generation)?;
        match done.kind {
            MoveKind::Promotion => self.clusters[done.region.index()].writer = true,
            MoveKind::Switchover => {
                self.clusters[done.region.index()].writer = true;
                self.clusters[done.region.other().index()].serving = None;
                self.promotion = None;
            }
            MoveKind::Rejoin => {
                self.attached = true;
                self.by_hand = [false; 2];
                self.promotion = None;
            }
        }
        Some(done)
    }

    /// Somebody promotes a region's replica by hand. False: it is none, or something else is under way.
    pub(crate) fn detach(&mut self, region: Region, now: Moment) -> bool {
        if self.is_writer(region) || !self.attached || self.moving.is_some() {
            return false;
        }
        let cluster = &mut self.clusters[region.index()];
        cluster.writer = true;
        cluster.serving = None;
        cluster.cut_since.get_or_insert(now);
        self.attached = false;
        self.by_hand[region.index()] = true;
        true
    }

    /// Somebody makes a replica again of what was promoted by hand. False: a region relies on it by now.
    pub(crate) fn reattach(&mut self, region: Region) -> bool {
        if self.moving.is_some() || !std::mem::take(&mut self.by_hand[region.index()]) {
            return false;
        }
        self.clusters[region.index()] = Cluster {
            writer: false,
            serving: None,
            cut_since: None,
        };
        self.attached = true;
        true
    }

    /// A region relies on what was promoted by hand. From here on that is its promotion. False: it was not by hand.
    pub(crate) fn adopt(&mut self, region: Region, now: Moment, late: Duration) -> bool {
        let by_hand = std::mem::take(&mut self.by_hand[region.index()]);
        if by_hand {
            let cut = self.clusters[region.index()].cut_since.unwrap_or(now);
            self.promotion = Some(Promotion {
                region,
                began: now,
                replicated_until: cut.before(self.lag + late),
            });
        }
        by_hand
    }

    /// The move under way fails: a switchover goes back to where it came from, the others leave what they found.
    pub(crate) fn abort(&mut self) -> Option<Move> {
        let failed = self.moving.take()?;
        match failed.kind {
            MoveKind::Switchover => self.clusters[failed.region.other().index()].writer = true,
            // Nothing was promoted, so nothing of what the other region commits is lost.
            MoveKind::Promotion => self.promotion = None,
            MoveKind::Rejoin => {}
        }
        Some(failed)
    }
}

#[cfg(test)]
mod tests {
    use understudy_engine::core::time::WallTime;

    use super::*;

    const LAG: Duration = Duration::from_millis(400);

    fn databases() -> Databases {
        Databases::new(DatabaseClocks::new(WallTime::from_millis(0), [0, 0]), LAG, Region::Home)
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn serving(epoch: u64, until_seconds: i64) -> Serving {
        Serving {
            epoch: Epoch(epoch),
            valid_until: DatabaseTime(until_seconds * 1_000_000),
        }
    }

    #[test]
    fn the_commit_fence_closes_by_itself_and_for_older_epochs() {
        let mut databases = databases();
        assert!(databases.write_serving(Region::Home, serving(2, 10)));
        assert!(databases.commits(Region::Home, Epoch(2), at(9)));
        assert!(!databases.commits(Region::Home, Epoch(2), at(10)));
        assert!(!databases.commits(Region::Home, Epoch(1), at(9)));
        assert!(!databases.write_serving(Region::Home, serving(1, 20)));
    }

    #[test]
    fn a_replica_takes_no_serving_row() {
        assert!(!databases().write_serving(Region::Away, serving(1, 10)));
    }

    #[test]
    fn what_had_not_arrived_when_replication_broke_is_not_there_after_a_promotion() {
        let mut databases = databases();
        databases.replication(at(5), [true, false]);
        databases.replication(at(6), [true, false]);
        let generation = databases.begin(MoveKind::Promotion, Region::Away, at(20), Duration::ZERO, 0);
        assert_eq!(
            databases.promotion.map(|promotion| promotion.replicated_until),
            Some(at(5).before(LAG))
        );
        databases.finish(generation);
        assert!(databases.is_writer(Region::Home) && databases.is_writer(Region::Away));
        assert!(!databases.attached());
    }

    #[test]
    fn a_database_promoted_by_hand_takes_writes_and_commits_nothing_without_its_row() {
        let mut databases = databases();
        databases.write_serving(Region::Home, serving(1, 100));
        assert!(databases.detach(Region::Away, at(10)));
        assert!(!databases.detach(Region::Away, at(11)));
        assert!(databases.is_writer(Region::Home) && databases.is_writer(Region::Away));
        assert!(databases.commits(Region::Home, Epoch(1), at(12)));
        assert!(!databases.commits(Region::Away, Epoch(1), at(12)));
        assert_eq!(databases.lag_into(Region::Away, Duration::ZERO), None);
        assert_eq!(databases.promotion, None, "nobody relies on it");
        assert!(databases.reattach(Region::Away));
        assert!(!databases.is_writer(Region::Away) && databases.attached());
    }

    #[test]
    fn what_was_promoted_by_hand_lacks_everything_since() {
        let mut databases = databases();
        databases.detach(Region::Away, at(10));
        assert!(databases.adopt(Region::Away, at(60), Duration::ZERO));
        let promotion = databases.promotion.unwrap();
        assert_eq!(
            (promotion.began, promotion.replicated_until),
            (at(60), at(10).before(LAG))
        );
        assert!(!databases.adopt(Region::Away, at(61), Duration::ZERO));
        assert!(!databases.reattach(Region::Away), "the platform relies on it");
    }

    #[test]
    fn a_failed_switchover_leaves_the_writer_where_it_was() {
        let mut databases = databases();
        databases.begin(MoveKind::Switchover, Region::Away, at(1), Duration::ZERO, 0);
        assert_eq!(databases.view(Region::Home).writer, None);
        databases.abort();
        assert_eq!(databases.view(Region::Home).writer, Some(Region::Home));
    }

    #[test]
    fn each_region_believes_in_its_own_writer_after_a_detach_until_it_is_rebuilt() {
        let mut databases = databases();
        let generation = databases.begin(MoveKind::Promotion, Region::Away, at(1), Duration::ZERO, 0);
        databases.finish(generation);
        assert_eq!(databases.view(Region::Home).writer, Some(Region::Home));
        assert_eq!(databases.view(Region::Away).writer, Some(Region::Away));
        let generation = databases.begin(MoveKind::Rejoin, Region::Home, at(2), Duration::ZERO, 0);
        databases.finish(generation);
        assert_eq!(databases.view(Region::Home).writer, Some(Region::Away));
        assert!(databases.attached());
    }
}
