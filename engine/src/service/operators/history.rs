//! What was written down, and what weeks of it add up to.
#![expect(clippy::disallowed_types, reason = "written by one task, read by requests")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::shapes::{EpisodeAnswer, HistoryAnswer, NoisyWitnessAnswer, ShadowAnswer};
use super::view::{View, time};
use super::workflow::name;
use crate::core::ids::Region;
use crate::core::journal::JournalEntry;
use crate::core::time::WallTime;
use crate::service::journal::{Episode, EpisodeKind, JournalFailure, Reader, Span};

/// Entries in one answer, and episodes in one summary.
const SHOWN_MAX: usize = 1000;
/// Entries for the status page.
const RECENT_MAX: usize = 32;

/// The last entries, in memory: the status page shows them every second.
#[derive(Debug, Default)]
pub struct Recent {
    entries: Mutex<VecDeque<Arc<JournalEntry>>>,
}

impl Recent {
    /// Keeps what was written down last, and then what comes, until nothing comes any more.
    pub async fn keep(self: Arc<Self>, history: Reader, mut live: Receiver<Arc<JournalEntry>>) {
        let read = move || history.entries(Span::default(), None, RECENT_MAX);
        if let Ok(Ok(page)) = tokio::task::spawn_blocking(read).await {
            for row in page.rows.into_iter().rev() {
                self.add(Arc::new(row.entry));
            }
        }
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
        // What came while the journal was read may stand in it already.
        if entries.iter().any(|known| **known == *entry) {
            return;
        }
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

/// The entries since a moment, the newest of them if there are too many.
///
/// # Errors
/// When the journal cannot be read.
pub fn tell(history: &Reader, view: &View<'_>, since: WallTime) -> Result<HistoryAnswer, JournalFailure> {
    let page = history.entries(from(since), None, SHOWN_MAX)?;
    Ok(HistoryAnswer {
        since: time(since),
        shortened: page.next.is_some(),
        unreadable: page.unreadable,
        entries: page.rows.iter().rev().map(|row| view.entry(&row.entry)).collect(),
    })
}

/// What an armed engine would have done since a moment, and how quiet the evidence was.
///
/// # Errors
/// When the journal cannot be read.
pub fn shadow(history: &Reader, view: &View<'_>, since: WallTime) -> Result<ShadowAnswer, JournalFailure> {
    let mut episodes = history.episodes(from(since), None, SHOWN_MAX)?.rows;
    episodes.reverse();
    let days = history.witness_days(from(since))?;
    // The rate is that of the time that was written down, which may be shorter than what was asked for.
    let first = episodes.iter().map(|episode| episode.began);
    let first = first.chain(days.iter().map(|row| row.day)).min();
    let began = first.map_or(since, |first| first.max(since));
    let span_days = (view.now.wall.since(began).as_secs_f64() / 86_400.0).max(1.0);
    let mut noisy: BTreeMap<(String, Region), NoisyWitnessAnswer> = BTreeMap::new();
    for row in days {
        let noise = noisy
            .entry((row.witness.clone(), row.target))
            .or_insert_with(|| NoisyWitnessAnswer {
                witness: row.witness,
                region: view.region(row.target),
                changes: 0,
                breaches: 0,
                silences: 0,
                breaches_per_day: 0.0,
            });
        noise.changes += u64::from(row.counted.changes);
        noise.breaches += u64::from(row.counted.breached);
        noise.silences += u64::from(row.counted.missing);
    }
    let mut noisy: Vec<NoisyWitnessAnswer> = noisy.into_values().collect();
    for noise in &mut noisy {
        noise.breaches_per_day = rate(noise.breaches, span_days);
    }
    noisy.sort_by_key(|noise| std::cmp::Reverse(noise.changes));
    let of = |kinds: &[EpisodeKind]| {
        let kept = episodes.iter().filter(|episode| kinds.contains(&episode.kind));
        kept.map(|episode| tell_episode(episode, view)).collect()
    };
    Ok(ShadowAnswer {
        since: time(began),
        until: time(view.now.wall),
        would_have: of(&[EpisodeKind::WouldFailOver, EpisodeKind::WouldFailBack]),
        near_misses: of(&[EpisodeKind::NearMiss]),
        blocked: of(&[EpisodeKind::Blocked]),
        noisy_witnesses: noisy,
    })
}

fn tell_episode(episode: &Episode, view: &View<'_>) -> EpisodeAnswer {
    EpisodeAnswer {
        kind: name(&episode.kind),
        began: time(episode.began),
        ended: episode.ended.map(time),
        decision: episode.decision.as_ref().map(|decision| view.decision(decision)),
    }
}

const fn from(since: WallTime) -> Span {
    Span {
        from: Some(since),
        until: None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of changes, far below 2^53")]
fn rate(count: u64, days: f64) -> f64 {
    count as f64 / days
}
