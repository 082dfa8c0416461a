//! One witness's view of one region: thresholds, dead-man timer, flapping.

use super::state::WitnessState;
use crate::core::settings::WitnessSettings;
use crate::core::signal::Observation;
use crate::core::time::{Timestamp, WallTime};

/// The changes that are remembered for judging flapping. The policy asks for at most this many.
const CHANGES: usize = 8;

/// What is remembered of one witness about one region.
#[derive(Debug, Clone, Copy)]
pub(super) struct Track {
    pub(super) state: WitnessState,
    /// The last observation, unsettled: healthy or not.
    raw_healthy: bool,
    breached_in_row: u32,
    healthy_in_row: u32,
    pub(super) heard: Option<Timestamp>,
    observed: WallTime,
    pub(super) delayed: bool,
    changes: [Timestamp; CHANGES],
    changes_seen: usize,
}

impl Track {
    pub(super) const fn new() -> Self {
        Self {
            state: WitnessState::Missing,
            raw_healthy: false,
            breached_in_row: 0,
            healthy_in_row: 0,
            heard: None,
            observed: WallTime::from_millis(i64::MIN),
            delayed: false,
            changes: [Timestamp::ZERO; CHANGES],
            changes_seen: 0,
        }
    }

    /// The wall time of the last observation.
    pub(super) const fn observed(&self) -> WallTime {
        self.observed
    }

    /// Whether this witness speaks for a breach right now: settled on it, and not contradicted by its own last
    /// observation.
    pub(super) fn says_breached(&self) -> bool {
        self.state == WitnessState::Breached && !self.raw_healthy
    }

    /// Takes an observation in. Returns whether what the witness says has changed.
    pub(super) fn hear(
        &mut self,
        settings: &WitnessSettings,
        now: Timestamp,
        observation: Observation,
        observed: WallTime,
        delayed: bool,
    ) -> bool {
        let before = (self.state, self.says_breached());
        self.heard = Some(now);
        self.observed = observed;
        self.delayed = delayed;
        match observation {
            Observation::Healthy | Observation::Lag(_) => {
                self.note_change(now, true);
                self.raw_healthy = true;
                self.breached_in_row = 0;
                self.healthy_in_row = self.healthy_in_row.saturating_add(1);
                // A witness that was silent says "healthy" at once; one that was breached has to prove it.
                if self.state == WitnessState::Missing || self.healthy_in_row >= settings.clear_after {
                    self.state = WitnessState::Healthy;
                }
            }
            Observation::Breached => {
                self.note_change(now, false);
                self.raw_healthy = false;
                self.healthy_in_row = 0;
                self.breached_in_row = self.breached_in_row.saturating_add(1);
                if self.breached_in_row >= settings.breach_after {
                    self.state = WitnessState::Breached;
                }
            }
            Observation::Missing => self.fall_silent(settings),
        }
        before != (self.state, self.says_breached())
    }

    /// When the dead-man timer runs out, if the witness was ever heard and is not silent already.
    pub(super) fn silent_at(&self, settings: &WitnessSettings) -> Option<Timestamp> {
        if self.state == WitnessState::Missing {
            return None;
        }
        self.heard.map(|heard| heard.after(settings.missing_after))
    }

    /// The witness has been silent for too long.
    pub(super) fn fall_silent(&mut self, settings: &WitnessSettings) {
        self.state = if settings.silence_is_breach {
            WitnessState::Breached
        } else {
            WitnessState::Missing
        };
        self.raw_healthy = false;
        self.breached_in_row = 0;
        self.healthy_in_row = 0;
        if settings.silence_is_breach {
            // Its timer has done its work; it starts again with the next observation.
            self.heard = None;
        }
    }

    /// Whether the witness has changed its mind this often since then.
    pub(super) fn flapped(&self, times: u32, since: Timestamp) -> bool {
        let times = usize::try_from(times).unwrap_or(CHANGES).min(CHANGES);
        if self.changes_seen < times {
            return false;
        }
        let recent = self
            .changes
            .iter()
            .take(self.changes_seen.min(CHANGES))
            .filter(|at| **at >= since)
            .count();
        recent >= times
    }

    fn note_change(&mut self, now: Timestamp, healthy: bool) {
        let first = self.healthy_in_row == 0 && self.breached_in_row == 0;
        if !first && healthy != self.raw_healthy {
            self.changes[self.changes_seen % CHANGES] = now;
            self.changes_seen += 1;
        }
    }
}
