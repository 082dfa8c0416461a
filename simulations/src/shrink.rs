//! Making a failure small: what is left is what it takes.
//!
//! A timeline that a campaign found to be wrong has faults that have nothing to do with it. [`shrink`] leaves out what
//! can be left out, then makes simpler and shorter what remains, for as long as the **same** thing goes wrong. It
//! tries candidates in a fixed order and takes the first that still fails, so that the same timeline always shrinks to
//! the same one.

use std::time::Duration;

use understudy_policies::Policy;

use crate::campaign::Timeline;
use crate::digest::Digest;
use crate::scenario::{Fault, FaultState, Scenario, overlap};

/// How many candidates are run at most.
pub const RUNS_MAX: u32 = 600;

/// The shortest run that a scenario file can ask for after the onset.
const LENGTH_MIN: Duration = Duration::from_secs(10);
/// Times are tried in whole multiples of these.
const ROUND: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(10),
    Duration::from_secs(1),
    Duration::from_millis(100),
];

/// What is wrong with a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// This invariant is broken.
    Broken(&'static str),
    /// A failover is false.
    FalseFailover,
    /// A failover is missed.
    MissedFailover,
}

impl Failure {
    /// The first thing that is wrong with a timeline; none: nothing.
    #[must_use]
    pub fn of(timeline: &Timeline, digest: &Digest) -> Option<Self> {
        let broken = digest
            .violations
            .first()
            .map(|violation| Self::Broken(violation.invariant));
        let (wrong, missing) = timeline.judge(digest);
        broken
            .or_else(|| (wrong > 0).then_some(Self::FalseFailover))
            .or_else(|| (missing > 0).then_some(Self::MissedFailover))
    }

    /// Whether the same is wrong with another timeline.
    #[must_use]
    pub fn shows_in(self, timeline: &Timeline, digest: &Digest) -> bool {
        let (wrong, missing) = timeline.judge(digest);
        match self {
            Self::Broken(invariant) => digest
                .violations
                .iter()
                .any(|violation| violation.invariant == invariant),
            Self::FalseFailover => wrong > 0,
            Self::MissedFailover => missing > 0,
        }
    }

    /// In a few words.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::Broken(invariant) => format!("broken: {invariant}"),
            Self::FalseFailover => "a failover that nothing justifies".to_owned(),
            Self::MissedFailover => "a loss that no failover answers".to_owned(),
        }
    }
}

/// A timeline that was made small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// What is left.
    pub timeline: Timeline,
    /// What is wrong with it, as with the one that it came from.
    pub failure: Failure,
    /// How many candidates were run.
    pub runs: u32,
}

/// Makes a failing timeline small. None: nothing is wrong with it.
#[must_use]
pub fn shrink(timeline: &Timeline, policy: &Policy) -> Option<Shrunk> {
    shrink_by(timeline, |candidate| candidate.digest(policy))
}

/// The same, with another way to run a timeline.
pub fn shrink_by(timeline: &Timeline, run: impl Fn(&Timeline) -> Digest) -> Option<Shrunk> {
    let failure = Failure::of(timeline, &run(timeline))?;
    let mut search = Search {
        run,
        failure,
        runs: 0,
        smallest: timeline.clone(),
    };
    search.leave_out_faults();
    loop {
        let before = search.smallest.clone();
        search.simplify_head();
        search.simplify_faults();
        search.leave_out_faults();
        search.cut_horizon();
        if search.smallest == before || search.is_over() {
            break;
        }
    }
    Some(Shrunk {
        timeline: search.smallest,
        failure,
        runs: search.runs,
    })
}

struct Search<R> {
    run: R,
    failure: Failure,
    runs: u32,
    smallest: Timeline,
}

impl<R: Fn(&Timeline) -> Digest> Search<R> {
    const fn is_over(&self) -> bool {
        self.runs >= RUNS_MAX
    }

    /// Takes a change if the same is still wrong after it.
    fn try_change(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.smallest.clone();
        change(&mut candidate.scenario);
        tidy(&mut candidate.scenario);
        if candidate.scenario == self.smallest.scenario || !is_sound(&candidate.scenario) || self.is_over() {
            return false;
        }
        self.runs += 1;
        let digest = (self.run)(&candidate);
        let still = self.failure.shows_in(&candidate, &digest);
        if still {
            self.smallest = candidate;
        }
        still
    }

    /// Delta debugging: leaves out ever smaller parts of the list, down to single faults.
    fn leave_out_faults(&mut self) {
        let mut part = self.smallest.scenario.faults.len().div_ceil(2);
        while part > 0 {
            let mut from = 0;
            let mut left_out = false;
            while from < self.smallest.scenario.faults.len() {
                if self.try_change(|scenario| {
                    let to = (from + part).min(scenario.faults.len());
                    drop(scenario.faults.drain(from..to));
                }) {
                    left_out = true;
                } else {
                    from += part;
                }
            }
            part = if left_out {
                part.min(self.smallest.scenario.faults.len())
            } else {
                part / 2
            };
        }
    }

    /// What stands above the faults.
    fn simplify_head(&mut self) {
        self.try_change(|scenario| scenario.approval_after = None);
        self.try_sidecars();
    }

    fn try_sidecars(&mut self) {
        let now = self.smallest.scenario.sidecars.unwrap_or(1);
        for fewer in 1..now {
            if self.try_change(|scenario| scenario.sidecars = Some(fewer)) {
                return;
            }
        }
    }

    /// Each fault by itself: a simpler state, a rounder beginning, a shorter and rounder length.
    fn simplify_faults(&mut self) {
        let mut index = 0;
        while index < self.smallest.scenario.faults.len() {
            for state in simpler(self.smallest.scenario.faults[index].state) {
                if self.try_change(|scenario| scenario.faults[index].state = state) {
                    break;
                }
            }
            for unit in ROUND {
                let rounded = self.try_change(|scenario| {
                    let fault = &mut scenario.faults[index];
                    let lasts = fault.until.map(|until| until.saturating_sub(fault.at));
                    fault.at = round_down(fault.at, unit);
                    fault.until = lasts.map(|lasts| fault.at + lasts);
                });
                if rounded {
                    break;
                }
            }
            self.shorten(index);
            index += 1;
        }
    }

    /// Halves a fault's length for as long as that works, then makes it round.
    fn shorten(&mut self, index: usize) {
        let lasts = |fault: &Fault| fault.until.map(|until| until.saturating_sub(fault.at));
        while self.try_change(|scenario| {
            let fault = &mut scenario.faults[index];
            if let Some(lasts) = lasts(fault) {
                fault.until = Some(fault.at + round_down(lasts / 2, Duration::from_millis(100)));
            }
        }) {}
        for unit in ROUND {
            let rounded = self.try_change(|scenario| {
                let fault = &mut scenario.faults[index];
                if let Some(lasts) = lasts(fault) {
                    fault.until = Some(fault.at + round_down(lasts, unit));
                }
            });
            if rounded {
                break;
            }
        }
    }

    /// A run that ends sooner is easier to read.
    fn cut_horizon(&mut self) {
        while self.try_change(|scenario| {
            let length = round_down(scenario.length_from_onset() / 2, Duration::from_secs(10));
            scenario.horizon = scenario.onset + length.max(LENGTH_MIN);
        }) {}
        self.try_change(|scenario| {
            let length = round_down(scenario.length_from_onset() * 3 / 4, Duration::from_secs(10));
            scenario.horizon = scenario.onset + length.max(LENGTH_MIN);
        });
    }
}

/// Simpler ways to be broken that may do as well, the simplest first.
fn simpler(state: FaultState) -> Vec<FaultState> {
    match state {
        FaultState::Hang | FaultState::Flapping { .. } => vec![FaultState::Down],
        FaultState::Slow { by } => vec![
            FaultState::Hang,
            FaultState::Slow {
                by: round_down(by, Duration::from_secs(1)),
            },
            FaultState::Slow {
                by: round_down(by, Duration::from_millis(100)),
            },
        ],
        FaultState::Delayed { by } => vec![
            FaultState::Missing,
            FaultState::Delayed {
                by: round_down(by, Duration::from_secs(1)),
            },
        ],
        _ => Vec::new(),
    }
}

fn round_down(span: Duration, unit: Duration) -> Duration {
    let (span, unit) = (span.as_micros(), unit.as_micros().max(1));
    Duration::from_micros(u64::try_from(span - span % unit).unwrap_or(u64::MAX))
}

/// What every scenario keeps to: in order, the first fault at the onset, nothing beyond the end.
fn tidy(scenario: &mut Scenario) {
    let length = scenario.length_from_onset();
    scenario.faults.sort_by_key(|fault| fault.at);
    let first = scenario.faults.first().map_or(Duration::ZERO, |fault| fault.at);
    for fault in &mut scenario.faults {
        fault.at -= first;
        fault.until = fault
            .until
            .map(|until| until.saturating_sub(first))
            .filter(|until| *until < length);
    }
    scenario.faults.retain(|fault| fault.at < length);
}

/// Whether a scenario file could say it.
fn is_sound(scenario: &Scenario) -> bool {
    let faults = &scenario.faults;
    let possible = |fault: &Fault| {
        let figure = match fault.state {
            FaultState::Slow { by }
            | FaultState::Delayed { by }
            | FaultState::Duplicated { by }
            | FaultState::Reordered { by }
            | FaultState::Stepped { by, .. } => by,
            _ => Duration::MAX,
        };
        !figure.is_zero() && fault.until.is_none_or(|until| until > fault.at) && fault.is_possible()
    };
    let apart = |index: usize| faults[index + 1..].iter().all(|other| !overlap(&faults[index], other));
    !faults.is_empty() && faults.iter().all(possible) && (0..faults.len()).all(apart)
}
