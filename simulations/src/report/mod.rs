//! What a run found: the documented object that `run --json` prints, and what the readable report is rendered from.
//!
//! Every time is in seconds, counted from the onset of the first fault unless its name says otherwise; what happened
//! before the onset is negative. Every figure is *modelled*: it comes out of sampled conditions, not out of AWS. The
//! same scenario, policy and seed give the same object, byte for byte.

pub mod words;

use serde::Serialize;

use crate::scenario::ExpectedDecision;

/// One run of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Which scenario.
    pub scenario: ScenarioReport,
    /// The name of the policy.
    pub policy: String,
    /// The seed of everything random.
    pub seed: u64,
    /// What was sampled.
    pub conditions: ConditionsReport,
    /// What happened, in the order in which it happened.
    pub timeline: Vec<TimelineEntry>,
    /// What the engines decided or refused, with their reasons.
    pub decisions: Vec<DecisionReport>,
    /// Where each engine stands at the end, and why it does nothing else.
    pub standing: Vec<StandingReport>,
    /// Where the budget went.
    pub ledger: LedgerReport,
    /// What became of the clients' orders.
    pub orders: OrdersReport,
    /// Inputs and effects that led to nothing, over all engines.
    pub disregarded: DisregardedReport,
    /// Every invariant that was looked at, and whether it held.
    pub invariants: Vec<InvariantReport>,
    /// How invariants were broken; of each the first ten times. Empty in a right run.
    pub violations: Vec<Violation>,
    /// What the scenario says ought to happen.
    pub expected: ExpectedReport,
    /// What happened.
    pub actual: ActualReport,
    /// Whether the two agree.
    pub verdict: VerdictReport,
    /// Every change of a witness's mind, for whoever asks what one of them saw. The timeline tells them, too.
    #[serde(skip)]
    pub sightings: Vec<Sighting>,
}

/// Which scenario was run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// The wall clock at the onset, in milliseconds since 1970-01-01T00:00:00Z.
    pub onset_unix_millis: i64,
    /// From the onset to the end of the run.
    pub length_seconds: f64,
}

/// What was sampled for this run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionsReport {
    /// Whether every figure is inside the bounds that the policy declares.
    pub within_bounds: bool,
    /// Each figure.
    pub figures: Vec<ConditionReport>,
}

/// One sampled figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionReport {
    /// Its name.
    pub name: &'static str,
    /// Its value, in `unit`.
    pub value: f64,
    /// `s`, `ppm` or `count`.
    pub unit: &'static str,
    /// The bound that the policy declares for it, in the same unit.
    pub bound: Option<f64>,
    /// Where its distribution comes from.
    pub source: &'static str,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A fault began or ended.
    Fault,
    /// A witness changed its verdict.
    Witness,
    /// The evidence about a region amounts to something else.
    Assessment,
    /// A state machine moved.
    State,
    /// A decision or a refusal.
    Decision,
    /// An engine asked for something, or learnt how it turned out.
    Effect,
    /// A database moved.
    Database,
    /// Route 53 answers differently.
    Dns,
    /// Clients can or cannot place orders.
    Clients,
    /// A human was paged or told.
    Human,
    /// A role change is complete.
    Completed,
    /// An event that no state handles.
    Unhandled,
    /// An invariant was broken.
    Violation,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// When.
    pub at_seconds: f64,
    /// Who did it or saw it: `us-east-2 engine`, `world`, `dns`, `clients`.
    pub who: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// In a sentence.
    pub text: String,
}

/// A witness changed its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sighting {
    /// When.
    pub at_seconds: f64,
    /// The engine that heard of it.
    pub who: String,
    /// Which witness.
    pub witness: String,
    /// The region it is about.
    pub target: &'static str,
    /// What it had said before.
    pub from: &'static str,
    /// What it says now.
    pub to: &'static str,
    /// Where every engine stood right after; null: it was not running.
    pub states: Vec<EngineState>,
}

/// Where an engine stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineState {
    /// Whose.
    pub who: String,
    /// The state of its machine; null: the sidecar is not running.
    pub state: Option<&'static str>,
}

/// One decision or refusal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionReport {
    /// When.
    pub at_seconds: f64,
    /// Whose.
    pub who: String,
    /// What: `fail-over`, `blocked`, `hold`, `fail-back`, `hold-failback`, `fence`, or what a shadow would have done.
    pub verdict: &'static str,
    /// In a sentence.
    pub text: String,
    /// The region it is about.
    pub target: &'static str,
    /// What the evidence about it amounted to.
    pub assessment: &'static str,
    /// The guards, in the order in which they are read.
    pub findings: Vec<FindingReport>,
    /// The smallest change that would have turned it, in a sentence.
    pub flip: Option<String>,
}

/// One guard, as it was evaluated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingReport {
    /// Its name.
    pub guard: &'static str,
    /// Whether it agreed.
    pub passed: bool,
    /// What it saw and what it needs, in a sentence.
    pub text: String,
}

/// Where one engine stands at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StandingReport {
    /// Whose.
    pub who: String,
    /// The state of its machine; none: the sidecar is not running.
    pub state: Option<&'static str>,
    /// What it would decide now, with its reasons.
    pub now: Option<DecisionReport>,
}

/// Where the budget went. Everything counts from the onset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerReport {
    /// The budget.
    pub budget_seconds: f64,
    /// The phases of the first failover, in order. Empty if there was none.
    pub phases: Vec<PhaseReport>,
    /// The moment that both figures count from, itself counted from the first fault: the beginning of the last fault
    /// that began before clients could no longer place orders. Zero unless an earlier fault hurt nobody.
    pub counted_from_seconds: f64,
    /// When fewer than 95 % of clients could no longer place orders: the interruption that the first failover answered,
    /// or the first one if none was answered. None: never.
    pub interrupted_at_seconds: Option<f64>,
    /// Orders accepted again: 95 % of clients can place orders, those behind resolvers that stretch TTLs apart.
    /// None: never interrupted, or not within the run; `interrupted_at_seconds` tells which.
    pub accepted_rto_seconds: Option<f64>,
    /// Orders processed again: they commit in the writer.
    pub processed_rto_seconds: Option<f64>,
    /// When processing stopped, likewise; none: never.
    pub processing_stopped_at_seconds: Option<f64>,
    /// Orders accepted again for 95 % of the clients whose resolvers stretch TTLs.
    pub stretched_rto_seconds: Option<f64>,
    /// The phase that overran its allotment by most.
    pub overrun_phase: Option<&'static str>,
    /// For how long fewer than 95 % of clients could place orders, over the whole run.
    pub interrupted_seconds: f64,
    /// How many times that began.
    pub interruptions: u32,
}

/// One phase of a failover.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseReport {
    /// Its name.
    pub phase: &'static str,
    /// Its beginning. Detection begins at the onset, whatever the engine saw first.
    pub from_seconds: f64,
    /// Its end; none: not over when the run ended.
    pub to_seconds: Option<f64>,
    /// What it used.
    pub used_seconds: f64,
    /// What the policy allots to it.
    pub allotted_seconds: f64,
    /// Whether it used more.
    pub over: bool,
}

/// What became of the clients' orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OrdersReport {
    /// Placed by clients.
    pub placed: u64,
    /// Acknowledged: durable in a region.
    pub accepted: u64,
    /// Refused or unanswered.
    pub refused: u64,
    /// Committed in a writer.
    pub processed: u64,
    /// Accepted during a take-over and never processed within the run.
    pub pending: u64,
    /// Acknowledged, and not in the database that survived.
    pub lost: u64,
    /// Commits that were checked before the other region's promotion began and became durable after: the declared
    /// residual.
    pub residual_commits: u64,
}

/// Inputs and effects that led to nothing, over all engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the engine's own counters, by their own names")]
pub struct DisregardedReport {
    pub stale: u64,
    pub duplicate: u64,
    pub out_of_order: u64,
    pub future_dated: u64,
    pub unknown_witness: u64,
    pub late_outcome: u64,
    pub unhandled: u64,
    /// Effects that the shell dropped because their time had run out before they began.
    pub expired_effects: u64,
}

/// One invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InvariantReport {
    /// Its name: a sentence that is true where it held.
    pub name: &'static str,
    /// Whether it held throughout.
    pub held: bool,
}

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// When.
    pub at_seconds: f64,
    /// Which invariant.
    pub invariant: &'static str,
    /// What happened.
    pub text: String,
}

/// What the scenario says ought to happen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpectedReport {
    /// Whether the platform ought to move.
    pub decision: ExpectedDecision,
    /// The region that ought to serve at the end.
    pub ends_in: Option<&'static str>,
    /// Coming home must not begin earlier.
    pub no_failback_before_seconds: Option<f64>,
    /// Coming home must have begun by then.
    pub failback_by_seconds: Option<f64>,
    /// Whether both figures must be inside the budget.
    pub within_budget: bool,
    /// Whether clients must be able to place orders throughout.
    pub uninterrupted: bool,
    /// The longest for which fewer than 95 % of clients may be unable to place orders, all interruptions together.
    pub interrupted_max_seconds: Option<f64>,
    /// How many failovers ought to be decided.
    pub failovers: Option<u32>,
    /// The guard that some refusal ought to name.
    pub blocked_by: Option<&'static str>,
    /// Whether an engine ought to end up asking an operator to take over.
    pub needs_operator: Option<bool>,
    /// How many acknowledged orders may be lost.
    pub orders_lost_max: Option<u32>,
    /// The invariants that ought to break.
    pub breaks: Vec<&'static str>,
    /// Why that is the right decision.
    pub because: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActualReport {
    /// Whether the platform moved.
    pub decision: ExpectedDecision,
    /// When it was decided, if it moved.
    pub decided_at_seconds: Option<f64>,
    /// How many failovers were decided.
    pub failovers: u32,
    /// The region that serves at the end; none: neither processes orders.
    pub ends_in: Option<&'static str>,
    /// When the first failback began.
    pub failback_at_seconds: Option<f64>,
    /// When the first failback was complete.
    pub home_at_seconds: Option<f64>,
    /// Whether both figures are inside the budget, if clients were interrupted.
    pub within_budget: Option<bool>,
    /// Whether a human was asked to take over from the engine.
    pub needs_operator: bool,
}

/// Whether what happened is what ought to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictReport {
    /// Whether it is.
    pub right: bool,
    /// Every point at which it is, or is not, in sentences. Never empty.
    pub points: Vec<VerdictPoint>,
}

/// One point on which the run is judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictPoint {
    /// Whether it is as it ought to be.
    pub right: bool,
    /// In a sentence.
    pub text: String,
}

impl Report {
    /// How often an invariant was broken that the scenario does not expect to break.
    #[must_use]
    pub fn unexpected_violations(&self) -> usize {
        let expected = &self.expected.breaks;
        let violations = self.violations.iter();
        violations.filter(|it| !expected.contains(&it.invariant)).count()
    }
}

/// Microseconds as seconds. Exact to the microsecond for every run that anyone will wait for.
#[must_use]
pub fn seconds(micros: i64) -> f64 {
    // Dividing a whole number of microseconds rounds once, so the same moment always prints the same digits.
    #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
    let micros = micros as f64;
    micros / 1e6
}
