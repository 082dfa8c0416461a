//! What must hold whatever happened, read from what the world wrote down.

use std::collections::BTreeMap;

use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::ids::{Epoch, Region};

use crate::stage::Stage;

/// The policy's margin, in microseconds: the declared residual of a commit that was under way.
const MARGIN: u64 = 1_000_000;

impl Stage {
    /// Everything that must hold of the whole run.
    pub(crate) fn check(&self) {
        self.no_commit_after_the_promotion();
        self.commits_are_of_one_region_in_each_epoch();
        self.epochs_rise();
        self.no_writer_is_moved_twice_without_a_look();
        self.every_engine_is_well();
    }

    fn no_commit_after_the_promotion(&self) {
        let state = self.world.lock();
        for (began, to) in &state.moves {
            // Until the platform moves on, which it may: home, or away again.
            let ends = state.moves.iter().map(|(at, _)| *at).filter(|at| at > began).min();
            let late = state.commits.iter().find(|commit| {
                commit.region != *to && commit.at > began + MARGIN && ends.is_none_or(|ends| commit.at < ends)
            });
            // A move that came to nothing gives the region back what it had.
            let came_to_nothing = state.writer != Some(*to) && ends.is_none();
            assert!(
                late.is_none() || came_to_nothing,
                "{late:?} after the writer began to move to {to:?} at {began}"
            );
        }
    }

    fn commits_are_of_one_region_in_each_epoch(&self) {
        let state = self.world.lock();
        let mut regions: BTreeMap<Epoch, Region> = BTreeMap::new();
        let mut last = Epoch(0);
        for commit in &state.commits {
            let region = *regions.entry(commit.epoch).or_insert(commit.region);
            assert_eq!(
                region, commit.region,
                "two regions in epoch {}: {commit:?}",
                commit.epoch
            );
            assert!(
                commit.epoch >= last,
                "an order of epoch {} after one of {last}",
                commit.epoch
            );
            last = commit.epoch;
        }
    }

    fn epochs_rise(&self) {
        let state = self.world.lock();
        let mut last = (0, Epoch(0));
        for seen in &state.seen {
            if let Some(Outcome::Lease(record)) = seen.outcome {
                // Answers overtake each other on their way into this list; the item's own version does not.
                if record.version > last.0 {
                    assert!(
                        record.epoch >= last.1,
                        "the epoch fell to {} at {}",
                        record.epoch,
                        seen.at
                    );
                    last = (record.version, record.epoch);
                }
            }
        }
    }

    fn no_writer_is_moved_twice_without_a_look(&self) {
        let state = self.world.lock();
        // The last thing that was done under each key by each region: whether it moved the writer.
        let mut moved = BTreeMap::new();
        for seen in &state.seen {
            let region = seen.who.split('-').next().unwrap_or_default().to_owned();
            match seen.effect.intent {
                Intent::PromoteDatabase { .. } | Intent::SwitchOverDatabase { .. } => {
                    let again = moved.insert((region, seen.effect.key), true) == Some(true);
                    assert!(
                        !again,
                        "moved twice under one key without a look: {seen:?}\n{}",
                        seen.at
                    );
                }
                Intent::DescribeDatabase => {
                    for ((whose, _), moved) in &mut moved {
                        *moved &= *whose != region;
                    }
                }
                _ => {}
            }
        }
        let moves = state.moves.windows(2).find(|pair| pair[0].1 == pair[1].1);
        let between = moves.is_none_or(|pair| {
            // Twice to the same region is right only if the first came to nothing.
            state.seen.iter().any(|seen| {
                seen.at > pair[0].0
                    && seen.at < pair[1].0
                    && matches!(seen.outcome, Some(Outcome::Database(view)) if view.writer != Some(pair[0].1))
            })
        });
        assert!(between, "{:?}", state.moves);
    }

    fn every_engine_is_well(&self) {
        for engine in self.engines() {
            assert!(engine.is_alive(), "{} has ended:\n{}", engine.name(), engine.log());
            assert!(
                !engine.log().contains("panicked"),
                "{}:\n{}",
                engine.name(),
                engine.log()
            );
            let health = engine.health();
            assert!(health.starts_with("HTTP/1.1 200"), "{}: {health}", engine.name());
        }
    }
}
