//! Making a failure small: what is left is what it takes.
//!
//! A timeline that a campaign found to be wrong has faults that have nothing to do with it. [`shrink`] leaves out what
//! can be left out, then makes simpler and shorter what remains, for as long as the **same** thing goes wrong. It
//! tries candidates in a fixed order and takes the first that still fails, so that the same timeline always shrinks to
//! the same one.

use std::ops::Range;
use std::time::Duration;

use understudy_engine::core::signal::Command;
use understudy_policies::Policy;

use crate::campaign::Timeline;
use crate::digest::Digest;
use crate::scenario::{Expect, ExpectedDecision, Fault, FaultState, Operation, Origin, Scenario, Subject, overlap};

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

impl Shrunk {
    /// As a scenario that can be kept: under this name, with what it shows as its title.
    #[must_use]
    pub fn scenario(&self, name: &str, moved: bool) -> Scenario {
        let decision = match self.failure {
            Failure::FalseFailover => ExpectedDecision::Hold,
            Failure::MissedFailover => ExpectedDecision::FailOver,
            Failure::Broken(_) if moved => ExpectedDecision::FailOver,
            Failure::Broken(_) => ExpectedDecision::Hold,
        };
        let because = match self.failure {
            Failure::FalseFailover => "nothing is lost for long enough to answer it",
            Failure::MissedFailover => "the serving region is lost, and nothing speaks against the standby",
            Failure::Broken(_) => "this is what it did when an invariant was broken; what counts is that none is",
        };
        Scenario {
            name: name.to_owned(),
            title: self.failure.in_words(),
            seed: Some(self.timeline.seed),
            expect: Expect {
                decision,
                ends_in: None,
                no_failback_before: None,
                failback_by: None,
                within_budget: false,
                uninterrupted: false,
                interrupted_max: None,
                failovers: None,
                blocked_by: None,
                needs_operator: None,
                orders_lost_max: None,
                breaks: Vec::new(),
                because: because.to_owned(),
            },
            ..self.timeline.scenario.clone()
        }
    }
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
        gentle: failure == Failure::FalseFailover && timeline.is_harmless(),
        runs: 0,
        smallest: timeline.clone(),
    };
    search.leave_out();
    loop {
        let before = search.smallest.clone();
        search.simplify_head();
        search.simplify_faults();
        search.leave_out();
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
    /// What is wrong is wrong only as long as nothing is lost for long: faults may become fewer and shorter, and neither
    /// move nor change.
    gentle: bool,
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

    fn leave_out(&mut self) {
        self.leave_out_of(
            |scenario| scenario.operations.len(),
            |scenario, range| {
                drop(scenario.operations.drain(range));
            },
        );
        self.leave_out_of(
            |scenario| scenario.faults.len(),
            |scenario, range| {
                drop(scenario.faults.drain(range));
            },
        );
    }

    /// Delta debugging: leaves out ever smaller parts of a list, down to single items.
    fn leave_out_of(&mut self, length: fn(&Scenario) -> usize, remove: fn(&mut Scenario, Range<usize>)) {
        let mut part = length(&self.smallest.scenario);
        while part > 0 {
            let mut from = 0;
            while from < length(&self.smallest.scenario) {
                let to = (from + part).min(length(&self.smallest.scenario));
                if !self.try_change(|scenario| remove(scenario, from..to)) {
                    from += part;
                }
            }
            part /= 2;
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
            if !self.gentle {
                self.simplify(index);
            }
            self.shorten(index);
            index += 1;
        }
    }

    /// A simpler state and a rounder beginning.
    fn simplify(&mut self, index: usize) {
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
    let rounder = |by: Duration| {
        let units = [Duration::from_secs(1), Duration::from_millis(100)];
        units
            .map(|unit| round_down(by, unit))
            .into_iter()
            .filter(|by| !by.is_zero())
    };
    match state {
        FaultState::Hang | FaultState::Flapping { .. } => vec![FaultState::Down],
        FaultState::Slow { by } => {
            let slow = rounder(by).map(|by| FaultState::Slow { by });
            [FaultState::Hang].into_iter().chain(slow).collect()
        }
        FaultState::Delayed { by } => {
            let delayed = rounder(by).map(|by| FaultState::Delayed { by });
            [FaultState::Missing].into_iter().chain(delayed).collect()
        }
        FaultState::Lossy { .. } => vec![FaultState::Missing, FaultState::Hang],
        FaultState::Duplicated { by } => rounder(by).map(|by| FaultState::Duplicated { by }).collect(),
        FaultState::Reordered { by } => rounder(by).map(|by| FaultState::Reordered { by }).collect(),
        FaultState::Stepped { by, backward } => rounder(by).map(|by| FaultState::Stepped { by, backward }).collect(),
        _ => Vec::new(),
    }
}

fn round_down(span: Duration, unit: Duration) -> Duration {
    let (span, unit) = (span.as_micros(), unit.as_micros().max(1));
    Duration::from_micros(u64::try_from(span - span % unit).unwrap_or(u64::MAX))
}

/// What every scenario keeps to: in order, the first thing at the onset, nothing beyond the end.
fn tidy(scenario: &mut Scenario) {
    let length = scenario.length_from_onset();
    let timed = |origin: Origin| origin == Origin::Onset;
    scenario.faults.sort_by_key(|fault| (!timed(fault.origin), fault.at));
    let breaks = scenario
        .faults
        .iter()
        .filter(|fault| timed(fault.origin))
        .map(|fault| fault.at);
    let acts = scenario.operations.iter().filter(|it| timed(it.origin)).map(|it| it.at);
    let first = breaks.chain(acts).min().unwrap_or_default();
    for fault in scenario.faults.iter_mut().filter(|fault| timed(fault.origin)) {
        fault.at -= first;
        fault.until = fault
            .until
            .map(|until| until.saturating_sub(first))
            .filter(|until| *until < length);
    }
    for operation in scenario.operations.iter_mut().filter(|it| timed(it.origin)) {
        operation.at -= first;
    }
    scenario
        .faults
        .retain(|fault| !timed(fault.origin) || fault.at < length);
    scenario
        .operations
        .retain(|operation| !timed(operation.origin) || operation.at < length);
}

/// Whether whoever is held back is let go again when every sidecar runs: else it is no failure that nothing happens any
/// more.
fn lets_go(scenario: &Scenario) -> bool {
    /// The slowest sidecar has started again so long after what stopped it.
    const RESTARTED: Duration = Duration::from_secs(2 * 60);
    let timed = scenario.faults.iter().filter(|fault| fault.origin == Origin::Onset);
    let healed = timed
        .map(|fault| fault.until.unwrap_or(scenario.horizon))
        .max()
        .unwrap_or_default();
    scenario.operations.iter().all(|held| {
        let release = match held.command {
            Command::Pause => Command::Resume,
            Command::Disarm => Command::Arm,
            _ => return true,
        };
        let lets_go = |it: &Operation| {
            it.command == release && it.region == held.region && it.origin == held.origin && it.at >= healed + RESTARTED
        };
        scenario.operations.iter().any(lets_go)
    })
}

/// Whether a scenario file could say it.
fn is_sound(scenario: &Scenario) -> bool {
    let faults = &scenario.faults;
    let at_onset = |origin: Origin, at: Duration| origin == Origin::Onset && at.is_zero();
    let begins = faults.iter().any(|fault| at_onset(fault.origin, fault.at))
        || scenario.operations.iter().any(|it| at_onset(it.origin, it.at));
    let number = |fault: &Fault| match fault.subject {
        Subject::Sidecar { number, .. } => number,
        _ => 1,
    };
    let sidecars = scenario.sidecars.unwrap_or(1);
    let asked = scenario.operations.iter().filter_map(|it| it.sidecar);
    let possible = |fault: &Fault| {
        fault.until.is_none_or(|until| until > fault.at) && fault.is_possible() && number(fault) <= sidecars
    };
    let apart = |index: usize| faults[index + 1..].iter().all(|other| !overlap(&faults[index], other));
    !faults.is_empty()
        && begins
        && lets_go(scenario)
        && faults.iter().all(possible)
        && asked.max().is_none_or(|number| number <= sidecars)
        && (0..faults.len()).all(apart)
}
