//! What was written down, and what weeks of it add up to.
#![expect(clippy::disallowed_types, reason = "written by one task, read by requests")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::shapes::{HistoryAnswer, NoisyWitnessAnswer, ShadowAnswer};
use super::view::{View, time};
use crate::core::decision::Verdict;
use crate::core::evidence::WitnessState;
use crate::core::ids::{Region, WitnessId};
use crate::core::journal::{Happening, JournalEntry};
use crate::core::time::WallTime;

/// Entries in one answer.
const SHOWN_MAX: usize = 1000;
/// Decisions in one summary: the newest.
const DECISIONS_MAX: usize = 200;
/// Entries in memory. With about 300 bytes each, some 2 MB at most.
const RECENT_MAX: usize = 4096;

/// Where the journal's entries can be read again.
pub trait History: Debug + Send + Sync {
    /// Calls `each` with every entry since a moment, oldest first. May take as long as a disk takes.
    ///
    /// # Errors
    /// With what is wrong, in words for an operator.
    fn since(&self, since: WallTime, each: &mut dyn FnMut(&JournalEntry)) -> Result<(), String>;
}

/// The last entries, in memory.
#[derive(Debug, Default)]
pub struct Recent {
    entries: Mutex<VecDeque<Arc<JournalEntry>>>,
}

impl Recent {
    /// Keeps what comes, until nothing comes any more.
    pub async fn keep(self: Arc<Self>, mut live: Receiver<Arc<JournalEntry>>) {
        loop {
            match live.recv().await {
                Ok(entry) => self.add(entry),
                // A burst was faster than this task: the journal has it.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn add(&self, entry: Arc<JournalEntry>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == RECENT_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// The last few, oldest first.
    #[must_use]
    pub fn last(&self, most: usize) -> Vec<Arc<JournalEntry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.range(entries.len().saturating_sub(most)..).cloned().collect()
    }
}

impl History for Recent {
    fn since(&self, since: WallTime, each: &mut dyn FnMut(&JournalEntry)) -> Result<(), String> {
        let entries = self.last(RECENT_MAX);
        for entry in entries.iter().filter(|entry| entry.at.wall >= since) {
            each(entry);
        }
        Ok(())
    }
}

/// The entries since a moment, the newest of them if there are too many.
///
/// # Errors
/// When the journal cannot be read.
pub fn tell(history: &dyn History, view: &View<'_>, since: WallTime) -> Result<HistoryAnswer, String> {
    let mut entries = VecDeque::new();
    let mut shortened = false;
    history.since(since, &mut |entry| {
        if entries.len() == SHOWN_MAX {
            entries.pop_front();
            shortened = true;
        }
        entries.push_back(view.entry(entry));
    })?;
    Ok(HistoryAnswer {
        since: time(since),
        shortened,
        entries: entries.into(),
    })
}

/// What an armed engine would have done since a moment, and how quiet the evidence was.
///
/// # Errors
/// When the journal cannot be read.
pub fn shadow(history: &dyn History, view: &View<'_>, since: WallTime) -> Result<ShadowAnswer, String> {
    #[derive(Default)]
    struct Noise {
        changes: u64,
        breaches: u64,
        silences: u64,
    }
    let mut noise: BTreeMap<(WitnessId, Region), Noise> = BTreeMap::new();
    let mut would_have = VecDeque::new();
    let mut near_misses = VecDeque::new();
    let mut blocked = 0;
    let mut first = None;
    history.since(since, &mut |entry| {
        first.get_or_insert(entry.at.wall);
        match &entry.what {
            Happening::Witness {
                witness, target, to, ..
            } => {
                let noise = noise.entry((*witness, *target)).or_default();
                noise.changes += 1;
                noise.breaches += u64::from(*to == WitnessState::Breached);
                noise.silences += u64::from(*to == WitnessState::Missing);
            }
            Happening::Decided(decision) => match decision.verdict {
                Verdict::WouldFailOver | Verdict::WouldFailBack => push(&mut would_have, view.decision(decision)),
                Verdict::Hold => push(&mut near_misses, view.decision(decision)),
                Verdict::Blocked => blocked += 1,
                Verdict::FailOver | Verdict::FailBack | Verdict::HoldFailback | Verdict::Fence => {}
            },
            _ => {}
        }
    })?;
    // Counted from the first entry: before it, nothing was written down.
    let from = first.unwrap_or(view.now.wall).max(since);
    let days = (view.now.wall.since(from).as_secs_f64() / 86_400.0).max(1.0 / 24.0);
    let mut noisy: Vec<NoisyWitnessAnswer> = noise
        .into_iter()
        .map(|((witness, target), noise)| NoisyWitnessAnswer {
            witness: view.witness(witness).to_owned(),
            region: view.region(target),
            changes: noise.changes,
            breaches: noise.breaches,
            silences: noise.silences,
            breaches_per_day: rate(noise.breaches, days),
        })
        .collect();
    noisy.sort_by_key(|noisy| std::cmp::Reverse(noisy.changes));
    Ok(ShadowAnswer {
        since: time(from),
        until: time(view.now.wall),
        would_have: would_have.into(),
        near_misses: near_misses.into(),
        blocked,
        noisy_witnesses: noisy,
    })
}

fn push<T>(into: &mut VecDeque<T>, item: T) {
    if into.len() == DECISIONS_MAX {
        into.pop_front();
    }
    into.push_back(item);
}

#[expect(clippy::cast_precision_loss, reason = "a count of changes, far below 2^53")]
fn rate(count: u64, days: f64) -> f64 {
    count as f64 / days
}
