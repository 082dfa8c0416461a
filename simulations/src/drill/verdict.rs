//! When a drill is over: as soon as everything that the scenario states can be judged.

use std::time::Duration;

use super::staging;
use crate::scenario::{ExpectedDecision, Scenario};
use crate::world::clock::Moment;
use crate::world::outside::Glance;

/// How long everything must have stood as it ought to.
const SETTLED: Duration = Duration::from_secs(10);
/// How long after the last change that is known a scenario is followed in any case.
const AFTER_CHANGES: Duration = Duration::from_secs(20);
/// How long after its last fault a scenario is followed in which nothing is expected to happen.
const NOTHING: Duration = Duration::from_secs(120);

/// Watches for the end.
#[derive(Debug)]
pub(crate) struct Watch {
    onset: Moment,
    horizon: Moment,
    /// Not before this.
    earliest: Moment,
    wants: Wants,
    /// Since when everything has stood as it ought to.
    settled: Option<Moment>,
    ended: Moment,
}

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// So many failovers, each of them complete.
    Failovers(usize),
    /// The way home, complete.
    Home,
    /// Time alone.
    Time,
}

impl Watch {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let onset = Moment::START.after(scenario.onset);
        let horizon = Moment::START.after(scenario.horizon);
        let changes = onset.after(staging::last_change(scenario));
        let expect = &scenario.expect;
        let home = expect.decision == ExpectedDecision::FailOver
            && (expect.failback_by.is_some() || expect.ends_in == Some(scenario.begins_in));
        // What must not happen is followed to its end.
        let holds_off = expect.no_failback_before.is_some() && !home;
        let asks = !expect.breaks.is_empty();
        let wants = match expect.decision {
            _ if holds_off || asks => Wants::Time,
            ExpectedDecision::FailOver if home => Wants::Home,
            ExpectedDecision::FailOver => Wants::Failovers(
                expect
                    .failovers
                    .map_or(1, |failovers| usize::try_from(failovers).unwrap_or(1)),
            ),
            ExpectedDecision::Hold => Wants::Time,
        };
        let earliest = match wants {
            Wants::Time if expect.decision == ExpectedDecision::Hold && staging::all_end(scenario) && !holds_off => {
                changes.after(NOTHING)
            }
            Wants::Time => horizon,
            _ => changes.after(AFTER_CHANGES),
        };
        Self {
            onset,
            horizon,
            earliest: earliest.min(horizon),
            wants,
            settled: None,
            ended: horizon,
        }
    }

    /// Whether it is over now.
    pub(crate) fn is_over(&mut self, now: Moment, glance: &Glance) -> bool {
        self.ended = now.min(self.horizon);
        if now >= self.horizon {
            return true;
        }
        let quiet = !glance.interrupted && !glance.faults_to_come && glance.as_stated;
        let there = match self.wants {
            Wants::Failovers(failovers) => glance.failovers >= failovers && glance.resting && glance.settled && quiet,
            Wants::Home => glance.home && glance.resting && glance.settled && quiet,
            Wants::Time => quiet,
        };
        if !there {
            self.settled = None;
            return false;
        }
        let since = *self.settled.get_or_insert(now);
        now >= self.earliest && now >= since.after(SETTLED)
    }

    /// From the onset to the end.
    pub(crate) fn followed(&self) -> Duration {
        self.ended.since(self.onset)
    }
}
