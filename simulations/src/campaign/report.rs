//! What a campaign found: the documented object that `campaign --json` prints.
//!
//! Every figure is *modelled*. Times are in seconds; those of a timeline count from its onset. Apart
//! from how long it took, the same seed, number of timelines, workload or scenario, policy and horizon give the same object, on any number of cores.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use understudy_engine::core::machine::Edge;

use super::run::{Campaign, Source};
use super::tally::{Listed, Rto, Spread, Tally};
use super::timeline::Workload;
use crate::report::OrdersReport;

/// The share of the time in which 95 % of the clients must be able to place orders.
pub(super) const AVAILABILITY_TARGET: f64 = 0.9999;
/// What may be interrupted in a year: its 0.01 %.
const SPARE_SECONDS_PER_YEAR: f64 = 365.25 * 86_400.0 * (1.0 - AVAILABILITY_TARGET);

/// Many timelines and what they add up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignReport {
    /// Whether nothing is wrong: no broken invariant, no false and no missed failover.
    pub right: bool,
    /// Whether it was stopped early. What was run are the first `timelines` seeds.
    pub interrupted: bool,
    /// The first seed.
    pub seed: u64,
    /// How many timelines were asked for.
    pub timelines_asked: u64,
    /// How many were run.
    pub timelines: u64,
    /// What was drawn; null: a scenario was replayed.
    pub workload: Option<Workload>,
    /// The scenario that every timeline replays; null: they were drawn.
    pub scenario: Option<String>,
    /// The name of the policy.
    pub policy: String,
    /// From the onset to the end of each timeline.
    pub horizon_seconds: f64,
    /// How many ran at the same time.
    pub cores: usize,
    /// Virtual time, over all timelines and from the start of each.
    pub simulated_seconds: f64,
    /// How long the campaign took; null: nobody measured it.
    pub wall_seconds: Option<f64>,
    /// Virtual time per real time and core.
    pub simulated_seconds_per_wall_second_per_core: Option<f64>,
    /// What was drawn, by workload. Empty if a scenario was replayed.
    pub drawn: Vec<WorkloadReport>,
    /// Failovers that were decided.
    pub failovers: u64,
    /// Timelines with one or more of them.
    pub timelines_with_failover: u64,
    /// Failbacks that began.
    pub failbacks: u64,
    /// Losses that left no room for doubt, by the truth that no engine sees.
    pub demanded_failovers: u64,
    /// Failovers that nothing justified. In quiet and flapping timelines that is any.
    pub false_failovers: u64,
    /// The first seeds with one.
    pub false_failover_seeds: Vec<SeedReport>,
    /// Demanded failovers that nobody decided.
    pub missed_failovers: u64,
    /// The first seeds with one.
    pub missed_failover_seeds: Vec<SeedReport>,
    /// The share of timelines whose sampled conditions are all inside the bounds that the policy declares.
    pub inside_bounds_share: f64,
    /// Timelines for which the budget is promised: conditions inside the bounds, a failover, and nothing but the one
    /// loss of the home region or its application (or a scenario that demands it).
    pub promised: u64,
    /// Those of them in which either figure was over the budget.
    pub over_budget_inside_bounds: u64,
    /// The first seeds of those.
    pub over_budget_seeds: Vec<SeedReport>,
    /// How many times an invariant was broken.
    pub violations_count: u64,
    /// The first of them by seed, at most 100.
    pub violations: Vec<FoundViolation>,
    /// How many times each invariant was broken.
    pub violations_by_invariant: BTreeMap<&'static str, u64>,
    /// The share of the time from the onset on in which 95 % of the clients could place orders. It says what the drawn
    /// outages do, not how often outages come.
    pub availability: f64,
    /// What is aimed at over a year.
    pub availability_target: f64,
    /// The time for which fewer than 95 % of the clients could place orders, per timeline in which that happened.
    pub mean_interruption_seconds: Option<f64>,
    /// How many of the mean interruption fit into a year's 0.01 %.
    pub outages_per_year_at_target: Option<f64>,
    /// Orders accepted again, from the onset of what stopped them first; over timelines with a failover.
    pub accepted_rto_seconds: Figures,
    /// Orders processed again; over timelines with a failover.
    pub processed_rto_seconds: Figures,
    /// The same over timelines with a failover and conditions inside the declared bounds.
    pub accepted_rto_inside_bounds_seconds: Figures,
    /// The same over timelines with a failover and conditions inside the declared bounds.
    pub processed_rto_inside_bounds_seconds: Figures,
    /// What became of the clients' orders, over all timelines.
    pub orders: OrdersReport,
    /// Acknowledged orders that are not in the database that survived, over all timelines.
    pub orders_lost: u64,
    /// Timelines in which a human was asked to take over.
    pub needs_operator: u64,
    /// The region that served at the end of how many timelines; `none`: neither did.
    pub ends_in: BTreeMap<&'static str, u64>,
    /// The first seeds at whose end neither region processed orders.
    pub unserved_seeds: Vec<SeedReport>,
    /// The phase that overran its allotment by most, in how many timelines with a failover.
    pub overruns: BTreeMap<&'static str, u64>,
    /// The edges of the state machine that some engine took, in how many timelines.
    pub edges_reached: Vec<Reached>,
    /// Those that none took.
    pub edges_unreached: Vec<String>,
    /// The kinds of faults that began, in how many timelines. Empty if a scenario was replayed.
    pub faults_reached: Vec<Reached>,
    /// Those that the workload can draw and that never began.
    pub faults_unreached: Vec<String>,
}

/// What one workload adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WorkloadReport {
    /// Which.
    pub workload: Workload,
    /// How many timelines.
    pub timelines: u64,
    /// How many failovers in them.
    pub failovers: u64,
    /// How many of them have a time in which fewer than 95 % of the clients could place orders.
    pub interrupted_timelines: u64,
    /// All of that time.
    pub interrupted_seconds: f64,
}

/// One seed, and how to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// The command that shows it.
    pub replay: String,
}

/// A broken invariant, and how to see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundViolation {
    /// The seed of the timeline.
    pub seed: u64,
    /// Which invariant.
    pub invariant: &'static str,
    /// When.
    pub at_seconds: f64,
    /// What happened.
    pub text: String,
    /// The command that shows it.
    pub replay: String,
}

/// How long something took, over many timelines. Quantiles are right to three digits, the largest is exact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Over how many.
    pub count: u64,
    /// How many more were not over when their timelines ended; they are in no quantile.
    pub never: u64,
    /// One half took at most this long.
    pub p50: Option<f64>,
    /// 99 of 100.
    pub p99: Option<f64>,
    /// 999 of 1000.
    pub p999: Option<f64>,
    /// All of them.
    pub max: Option<f64>,
}

/// Something that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// Its name.
    pub name: String,
    /// In how many timelines.
    pub timelines: u64,
}

impl CampaignReport {
    /// What a campaign added up, and how long it took if somebody measured it.
    #[must_use]
    pub fn new(campaign: &Campaign<'_>, tally: &Tally, wall: Option<Duration>) -> Self {
        let Campaign { source, policy, .. } = campaign;
        let (workload, scenario, horizon) = match source {
            Source::Workload(workload, horizon) => (Some(*workload), None, *horizon),
            Source::Scenario(scenario, horizon) => {
                let horizon = horizon.unwrap_or_else(|| scenario.length_from_onset());
                (None, Some(scenario.name.clone()), horizon)
            }
        };
        let replay = Replay(campaign);
        let simulated = tally.simulated.as_secs_f64();
        let mean = (tally.interrupted_timelines > 0)
            .then(|| tally.interrupted.as_secs_f64() / whole(tally.interrupted_timelines));
        let edges = tally.edges().map(|(edge, count)| (edge_name(edge), count));
        let (edges_reached, edges_unreached) = reached(edges);
        let kinds = workload.into_iter().flat_map(|workload| tally.kinds(workload));
        let (faults_reached, faults_unreached) = reached(kinds.map(|(name, count)| (name.to_owned(), count)));
        Self {
            right: tally.violations == 0 && tally.false_failovers == 0 && tally.missed_failovers == 0,
            interrupted: tally.timelines < campaign.timelines,
            seed: campaign.seed,
            timelines_asked: campaign.timelines,
            timelines: tally.timelines,
            workload,
            scenario,
            policy: policy.name.clone(),
            horizon_seconds: horizon.as_secs_f64(),
            cores: campaign.cores,
            simulated_seconds: simulated,
            wall_seconds: wall.map(|wall| wall.as_secs_f64()),
            simulated_seconds_per_wall_second_per_core: wall
                .map(|wall| simulated / wall.as_secs_f64() / whole(campaign.cores as u64)),
            drawn: drawn(workload, tally),
            failovers: tally.failovers,
            timelines_with_failover: tally.failed_over,
            failbacks: tally.failbacks,
            demanded_failovers: tally.demanded,
            false_failovers: tally.false_failovers,
            false_failover_seeds: replay.seeds(&tally.listed_false),
            missed_failovers: tally.missed_failovers,
            missed_failover_seeds: replay.seeds(&tally.listed_missed),
            inside_bounds_share: share(tally.within_bounds, tally.timelines),
            promised: tally.promised,
            over_budget_inside_bounds: tally.over_budget,
            over_budget_seeds: replay.seeds(&tally.listed_over_budget),
            violations_count: tally.violations,
            violations: replay.violations(tally),
            violations_by_invariant: tally.by_invariant.clone(),
            availability: availability(tally),
            availability_target: AVAILABILITY_TARGET,
            mean_interruption_seconds: mean,
            outages_per_year_at_target: mean.map(|mean| SPARE_SECONDS_PER_YEAR / mean),
            accepted_rto_seconds: accepted(&tally.rto),
            processed_rto_seconds: processed(&tally.rto),
            accepted_rto_inside_bounds_seconds: accepted(&tally.rto_within_bounds),
            processed_rto_inside_bounds_seconds: processed(&tally.rto_within_bounds),
            orders: tally.orders,
            orders_lost: tally.orders.lost,
            needs_operator: tally.needs_operator,
            ends_in: ["us-east-1", "us-east-2", "none"]
                .into_iter()
                .zip(tally.ends_in)
                .collect(),
            unserved_seeds: replay.seeds(&tally.listed_unserved),
            overruns: tally.overruns.clone(),
            edges_reached,
            edges_unreached,
            faults_reached,
            faults_unreached,
        }
    }
}

/// The command that shows one seed of a campaign.
struct Replay<'a>(&'a Campaign<'a>);

impl Replay<'_> {
    fn command(&self, seed: u64) -> String {
        format!("understudy-sim replay {seed} {}", self.0.replay_options)
    }

    fn seeds(&self, listed: &Listed<()>) -> Vec<SeedReport> {
        let seed = |seed| SeedReport {
            seed,
            replay: self.command(seed),
        };
        listed.iter().map(|(it, ())| seed(it)).collect()
    }

    fn violations(&self, tally: &Tally) -> Vec<FoundViolation> {
        let listed = tally.listed_violations.iter();
        listed
            .map(|(seed, violation)| FoundViolation {
                seed,
                invariant: violation.invariant,
                at_seconds: violation.at_seconds,
                text: violation.text.clone(),
                replay: self.command(seed),
            })
            .collect()
    }
}

fn drawn(workload: Option<Workload>, tally: &Tally) -> Vec<WorkloadReport> {
    if workload.is_none() {
        return Vec::new();
    }
    let sorts = Workload::DRAWN.into_iter().zip(tally.sorts);
    sorts
        .filter(|(drawn, _)| workload == Some(Workload::Mixed) || workload == Some(*drawn))
        .map(|(workload, sort)| WorkloadReport {
            workload,
            timelines: sort.timelines,
            failovers: sort.failovers,
            interrupted_timelines: sort.interrupted_timelines,
            interrupted_seconds: sort.interrupted.as_secs_f64(),
        })
        .collect()
}

/// What was reached in how many timelines, and what in none.
fn reached(counts: impl Iterator<Item = (String, u64)>) -> (Vec<Reached>, Vec<String>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (name, timelines) in counts {
        if timelines == 0 {
            missing.push(name);
        } else {
            found.push(Reached { name, timelines });
        }
    }
    (found, missing)
}

fn accepted(rto: &Rto) -> Figures {
    figures(&rto.accepted, rto.accepted_never)
}

fn processed(rto: &Rto) -> Figures {
    figures(&rto.processed, rto.processed_never)
}

fn figures(spread: &Spread, never: u64) -> Figures {
    Figures {
        count: spread.count(),
        never,
        p50: spread.quantile(0.5),
        p99: spread.quantile(0.99),
        p999: spread.quantile(0.999),
        max: spread.max(),
    }
}

fn availability(tally: &Tally) -> f64 {
    if tally.watched.is_zero() {
        return 1.0;
    }
    1.0 - tally.interrupted.as_secs_f64() / tally.watched.as_secs_f64()
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { whole(part) / whole(all) }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "2^53 timelines would take longer than anyone will wait"
)]
fn whole(count: u64) -> f64 {
    count as f64
}

/// An edge's name as logs and metrics have it.
fn edge_name(edge: Edge) -> String {
    let name = serde_json::to_value(edge).ok();
    name.as_ref()
        .and_then(|name| name.as_str())
        .unwrap_or_default()
        .to_owned()
}
