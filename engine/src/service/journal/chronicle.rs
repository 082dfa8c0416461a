//! Condenses entries into episodes and witness days as they are written.

use std::collections::BTreeMap;

use redb::{ReadableTable, WriteTransaction};
use understudy_policies::model::Mode;

use super::bounds::{EPISODES_MAX, WITNESS_DAYS_MAX, trim};
use super::episode::{Episode, EpisodeKind, WitnessDay};
use super::format::{EPISODES, WITNESS_DAYS};
use crate::core::decision::{Decision, Guard, Verdict};
use crate::core::effect::Effect;
use crate::core::evidence::WitnessState;
use crate::core::ids::WitnessId;
use crate::core::journal::{Happening, JournalEntry};
use crate::core::machine::StateName;
use crate::core::time::WallTime;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The episode under way, if there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chronicle {
    open: Option<Episode>,
    next: u64,
}

/// Brings the summaries up to date with entries that are being written.
pub(super) fn write(
    chronicle: &mut Chronicle,
    transaction: &WriteTransaction,
    entries: &[JournalEntry],
    witnesses: &[String],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut changed = BTreeMap::new();
    let mut days: BTreeMap<(u32, String, u8), WitnessDay> = BTreeMap::new();
    for entry in entries {
        if let Some(episode) = chronicle.take(entry) {
            changed.insert(episode.number, episode);
        }
        if let Happening::Witness {
            witness, target, to, ..
        } = entry.what
        {
            let key = (day(entry.at.wall), name(witness, witnesses), target as u8);
            let day = days.entry(key).or_default();
            day.changes += 1;
            day.breached += u32::from(to == WitnessState::Breached);
            day.missing += u32::from(to == WitnessState::Missing);
        }
    }
    if !changed.is_empty() {
        let mut episodes = transaction.open_table(EPISODES)?;
        for (number, episode) in changed {
            episodes.insert(number, serde_json::to_vec(&episode)?.as_slice())?;
        }
        trim(&mut episodes, EPISODES_MAX)?;
    }
    if !days.is_empty() {
        let mut table = transaction.open_table(WITNESS_DAYS)?;
        for ((day, witness, region), more) in days {
            let key = (day, witness.as_str(), region);
            let kept = table
                .get(key)?
                .and_then(|kept| serde_json::from_slice(kept.value()).ok());
            let sum = sum(kept.unwrap_or_default(), more);
            table.insert(key, serde_json::to_vec(&sum)?.as_slice())?;
        }
        trim(&mut table, WITNESS_DAYS_MAX)?;
    }
    Ok(())
}

impl Chronicle {
    /// Goes on after the last episode that was written down; one that cannot be read is over.
    pub(super) fn after(last: Option<(u64, Option<Episode>)>) -> Self {
        Self {
            next: last.as_ref().map_or(0, |(number, _)| number + 1),
            open: last
                .and_then(|(_, episode)| episode)
                .filter(|episode| episode.ended.is_none()),
        }
    }

    /// Takes one entry in. Returns the episode that it changed, if it changed one.
    pub(super) fn take(&mut self, entry: &JournalEntry) -> Option<Episode> {
        let at = entry.at.wall;
        match &entry.what {
            Happening::Moved { to, .. } => self.moved(at, *to),
            Happening::Decided(decision) => self.decided(at, decision),
            Happening::Asked(effect) => self.asked(effect),
            Happening::Completed(ledger) => {
                let open = self.open.as_mut()?;
                open.ledger = Some(*ledger);
                Some(open.clone())
            }
            Happening::Witness { .. }
            | Happening::Assessed { .. }
            | Happening::Commanded { .. }
            | Happening::Signed { .. }
            | Happening::Settled { .. }
            | Happening::Unhandled { .. } => None,
        }
    }

    fn moved(&mut self, at: WallTime, to: StateName) -> Option<Episode> {
        let under_way = to.is_role_change() || matches!(to, StateName::Suspicious | StateName::Blocked);
        if under_way && self.open.is_none() {
            self.open = Some(self.begin(at, EpisodeKind::NearMiss));
            return self.open.clone();
        }
        // A restart in the middle goes through these, and finds what was begun.
        if under_way || matches!(to, StateName::Recovering | StateName::Draining) {
            return None;
        }
        let mut over = self.open.take()?;
        (over.ended, over.ended_in) = (Some(at), Some(to));
        Some(over)
    }

    fn decided(&mut self, at: WallTime, decision: &Decision) -> Option<Episode> {
        let kind = match decision.verdict {
            Verdict::Hold => EpisodeKind::NearMiss,
            Verdict::Blocked => EpisodeKind::Blocked,
            Verdict::Fence => EpisodeKind::Fenced,
            Verdict::WouldFailOver => EpisodeKind::WouldFailOver,
            Verdict::WouldFailBack => EpisodeKind::WouldFailBack,
            Verdict::FailBack => EpisodeKind::Failback,
            Verdict::FailOver => EpisodeKind::Failover,
            Verdict::HoldFailback => return None,
        };
        // These are decided in a state that goes on: they are over as soon as they are said.
        let at_once = matches!(kind, EpisodeKind::Fenced | EpisodeKind::WouldFailBack);
        if at_once {
            let mut episode = self.begin(at, kind);
            episode.ended = Some(at);
            note(&mut episode, decision);
            return Some(episode);
        }
        // A standby that is lost while this region serves is no episode of its own: it is paged for.
        let open = self.open.as_mut()?;
        if kind >= open.kind {
            open.kind = kind;
            note(open, decision);
        }
        Some(open.clone())
    }

    fn asked(&mut self, effect: &Effect) -> Option<Episode> {
        let open = self.open.as_mut()?;
        if open.kind < EpisodeKind::Failback || open.epoch == Some(effect.epoch) {
            return None;
        }
        open.epoch = Some(effect.epoch);
        Some(open.clone())
    }

    fn begin(&mut self, began: WallTime, kind: EpisodeKind) -> Episode {
        let number = self.next;
        self.next += 1;
        Episode {
            number,
            kind,
            began,
            ended: None,
            ended_in: None,
            target: None,
            mode: None,
            epoch: None,
            decision: None,
            ledger: None,
        }
    }
}

fn note(episode: &mut Episode, decision: &Decision) {
    let armed = decision.findings.iter().find(|finding| finding.guard == Guard::Armed);
    let mode = armed.map(|finding| if finding.passed { Mode::Armed } else { Mode::Shadow });
    episode.mode = mode.or(episode.mode);
    episode.target = Some(decision.target);
    let mut kept = decision.clone();
    if !matches!(decision.verdict, Verdict::FailOver | Verdict::FailBack) {
        kept.findings.retain(|finding| !finding.passed);
    }
    episode.decision = Some(kept);
}

fn sum(a: WitnessDay, b: WitnessDay) -> WitnessDay {
    WitnessDay {
        changes: a.changes.saturating_add(b.changes),
        breached: a.breached.saturating_add(b.breached),
        missing: a.missing.saturating_add(b.missing),
    }
}

fn day(at: WallTime) -> u32 {
    u32::try_from(at.as_millis().div_euclid(DAY_MS)).unwrap_or(0)
}

/// By name, because the policy's list may be another one next month.
fn name(witness: WitnessId, names: &[String]) -> String {
    names
        .get(usize::from(witness.0))
        .cloned()
        .unwrap_or_else(|| format!("witness-{}", witness.0))
}
