//! One timeline of a workload, drawn from one seed.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use understudy_engine::core::time::WallTime;
use understudy_policies::{Policy, shipped};

use super::draft::{Draft, Piece};
use super::{ONSET, flapping, kinds, outages, quiet};
use crate::conditions::Conditions;
use crate::digest::Digest;
use crate::report::Report;
use crate::run::{conditions_rng, digest_with, run_with};
use crate::scenario::{Expect, ExpectedDecision, Scenario};

/// The stream of the seed's generator that a timeline is drawn from. The world has the first one, conditions the
/// second.
const WORKLOAD_STREAM: u64 = 2;

/// What kind of timelines to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Noise in which nothing is lost: any failover is false.
    Quiet,
    /// The serving region fails again and again, each time too shortly: any failover is false.
    Flapping,
    /// One incident that matters, and up to six other faults.
    Outages,
    /// Each seed one of the others: 20 % quiet, 20 % flapping, 60 % outages.
    Mixed,
}

impl Workload {
    /// Those that a timeline can be of.
    pub const DRAWN: [Self; 3] = [Self::Quiet, Self::Flapping, Self::Outages];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Flapping => "flapping",
            Self::Outages => "outages",
            Self::Mixed => "mixed",
        }
    }

    /// Whether any failover in it is false.
    #[must_use]
    pub const fn forbids_failovers(self) -> bool {
        matches!(self, Self::Quiet | Self::Flapping)
    }
}

/// One timeline: what will be run, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The seed that everything in it follows from.
    pub seed: u64,
    /// What it was drawn as; none: it replays a scenario.
    pub drawn_as: Option<Workload>,
    /// What breaks.
    pub scenario: Scenario,
    /// Whether the budget is promised for it, if its conditions are inside the policy's bounds: a loss of the home
    /// region, or of its application, and nothing besides.
    pub promised: bool,
    /// The kind of each fault.
    kinds: Vec<usize>,
    /// The kinds of what operators do.
    operated: Vec<usize>,
    /// The kinds that its seed left out.
    left_out: Vec<usize>,
}

impl Timeline {
    /// Draws the timeline of a seed.
    #[must_use]
    pub fn draw(workload: Workload, seed: u64, policy: &Policy, horizon: Duration) -> Self {
        let mut rng = rng(seed);
        let drawn_as = match workload {
            Workload::Mixed => match rng.random_range(0..10) {
                0 | 1 => Workload::Quiet,
                2 | 3 => Workload::Flapping,
                _ => Workload::Outages,
            },
            other => other,
        };
        let start = start(&mut rng);
        let approval_after = approval_after(&mut rng);
        let mut draft = Draft::new(policy, rng);
        let promised = match drawn_as {
            Workload::Quiet => quiet::draw(&mut draft),
            Workload::Flapping => flapping::draw(&mut draft),
            _ => outages::draw(&mut draft),
        };
        let order_path = draft.order_path.clone();
        let (sidecars, begins_in) = (Some(draft.sidecars), draft.serving);
        let drawn = draft.finish();
        let (kinds, faults) = drawn
            .pieces
            .into_iter()
            .map(|Piece { kind, fault }| (kind, fault))
            .unzip();
        let (operated, operations) = drawn.operations.into_iter().unzip();
        let scenario = Scenario {
            name: format!("{}-{seed}", drawn_as.name()),
            title: format!("seed {seed} of the workload {}", drawn_as.name()),
            variant_of: None,
            theme: None,
            start,
            onset: ONSET,
            horizon: ONSET + horizon,
            order_path,
            policy: shipped_name(policy),
            begins_in,
            mode: None,
            approval_after,
            sidecars,
            stretching_resolvers: None,
            seed: Some(seed),
            sources: Vec::new(),
            expect: Expect::only(ExpectedDecision::Hold, "nothing is lost for long enough to answer it"),
            faults,
            operations,
        };
        Self {
            seed,
            drawn_as: Some(drawn_as),
            scenario,
            promised,
            kinds,
            operated,
            left_out: drawn.left_out,
        }
    }

    /// A scenario with another seed, its onset moved within a second, so that it meets the probes at any moment of
    /// their rhythm. `horizon` counts from the onset.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario, seed: u64, horizon: Option<Duration>) -> Self {
        let horizon = horizon.unwrap_or_else(|| scenario.length_from_onset());
        let onset = scenario.onset + Duration::from_millis(rng(seed).random_range(0..1_000));
        Self {
            seed,
            drawn_as: None,
            scenario: Scenario {
                onset,
                horizon: onset + horizon,
                ..scenario.clone()
            },
            promised: scenario.expect.within_budget,
            kinds: Vec::new(),
            operated: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The conditions that it is run under.
    #[must_use]
    pub fn conditions(&self, policy: &Policy) -> Conditions {
        let conditions = Conditions::modelled(policy, &mut conditions_rng(self.seed));
        conditions.as_stated_by(&self.scenario)
    }

    /// Runs it, and keeps what a campaign adds up.
    #[must_use]
    pub fn digest(&self, policy: &Policy) -> Digest {
        digest_with(&self.scenario, policy, self.seed, self.conditions(policy))
    }

    /// Runs it, and tells all of it.
    #[must_use]
    pub fn report(&self, policy: &Policy) -> Report {
        run_with(&self.scenario, policy, self.seed, self.conditions(policy))
    }

    /// How many of its failovers are false, and how many are missing.
    ///
    /// What nothing is lost in, or nothing for long enough, has no right failover. A scenario says itself what is
    /// right. Otherwise it is the truth that decides.
    #[must_use]
    pub fn judge(&self, digest: &Digest) -> (u32, u32) {
        let judgement = digest.judgement;
        match (self.drawn_as, self.scenario.expect.decision) {
            (Some(workload), _) if !workload.forbids_failovers() => {
                (judgement.false_failovers, judgement.missed_failovers)
            }
            (Some(_), _) | (None, ExpectedDecision::Hold) => (digest.failovers, 0),
            (None, ExpectedDecision::FailOver) => (
                judgement.false_failovers,
                judgement.missed_failovers.max(u32::from(digest.failovers == 0)),
            ),
        }
    }

    /// Whether its failovers are false because nothing in it is lost for long enough, and not because the truth says so.
    /// Then nothing in it may be made worse without asking again whether that still holds.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        match self.drawn_as {
            Some(workload) => workload.forbids_failovers(),
            None => self.scenario.expect.decision == ExpectedDecision::Hold,
        }
    }

    /// The kinds of what began, each once, by their places in the catalogue.
    pub(super) fn kinds_begun(&self, digest: &Digest) -> Vec<usize> {
        let begun = self.kinds.iter().enumerate();
        let acted = self.operated.iter().enumerate();
        let acted = acted.filter(|(index, _)| digest.acted.contains(*index));
        let mut kinds: Vec<usize> = begun
            .filter(|(index, _)| digest.begun.contains(*index))
            .map(|(_, kind)| *kind)
            .chain(acted.map(|(_, kind)| *kind))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The names of the kinds that it was drawn from, each once.
    #[must_use]
    pub fn kind_names(&self) -> Vec<&'static str> {
        let mut kinds = [self.kinds.as_slice(), &self.operated].concat();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().map(kinds::name).collect()
    }

    /// The names of the kinds that its seed never draws from.
    #[must_use]
    pub fn left_out_names(&self) -> Vec<&'static str> {
        self.left_out.iter().copied().map(kinds::name).collect()
    }
}

fn rng(seed: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(WORKLOAD_STREAM);
    rng
}

/// The wall clock at the start: one half in trading hours, the other half at any time of two years.
fn start(rng: &mut impl Rng) -> WallTime {
    /// 2026-01-05T14:00:00Z, a Monday: 09:00 in New York.
    const MONDAY: i64 = 1_767_621_600_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    let trading = rng.random_bool(0.5);
    let (day, within) = if trading {
        (
            rng.random_range(0..104) * 7 + rng.random_range(0..5),
            rng.random_range(0..6 * HOUR),
        )
    } else {
        (rng.random_range(0..728), rng.random_range(0..DAY))
    };
    // Whole seconds are easier to read, and nothing depends on fractions.
    WallTime::from_millis(MONDAY + day * DAY + within / 1_000 * 1_000)
}

/// One half of the humans never answer in time.
fn approval_after(rng: &mut impl Rng) -> Option<Duration> {
    let after = Duration::from_secs(rng.random_range(20..600));
    rng.random_bool(0.5).then_some(after)
}

/// Scenarios name shipped policies only.
fn shipped_name(policy: &Policy) -> String {
    let shipped = shipped::Shipped::find(&policy.name).unwrap_or(shipped::TRADING);
    shipped.name.to_owned()
}
