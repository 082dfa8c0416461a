//! The objects that operators get and send, as JSON. The API, the status page and the command line share them, and
//! `docs/openapi.json` is derived from them.
//!
//! Times are RFC 3339 in UTC. Spans are seconds. Regions and witnesses go by the names that the policy gives them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One sidecar as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusAnswer {
    /// When this was so.
    pub at: String,
    /// The region that the sidecar runs in.
    pub region: String,
    /// The other region.
    pub other_region: String,
    /// Which of the region's sidecars.
    pub sidecar: u16,
    /// The engine's version.
    pub version: String,
    /// The policy's name.
    pub policy: String,
    /// `armed` acts; `shadow` decides, records and explains, and changes nothing.
    pub mode: String,
    /// Whether role changes are paused. Renewals never are.
    pub paused: bool,
    /// Whether this sidecar drives its region; the others only renew.
    pub drives: bool,
    /// Whether this region may let orders commit now.
    pub serving: bool,
    /// Where the state machine is.
    pub state: StateAnswer,
    /// What needs an operator, the most urgent first.
    pub needs: Vec<NeedAnswer>,
    /// The two regions, the policy's primary first.
    pub regions: Vec<RegionAnswer>,
    /// The lease.
    pub lease: LeaseAnswer,
    /// The database, as far as the last look could tell.
    pub database: Option<DatabaseAnswer>,
    /// The last measured replication lag.
    pub replication_lag: Option<LagAnswer>,
    /// The budget of the failover under way, or of the last one.
    pub ledger: Option<LedgerAnswer>,
    /// What went into the core, and what was dropped before it.
    pub inbox: InboxAnswer,
    /// Inputs that led to nothing, by reason.
    pub disregarded: DisregardedAnswer,
    /// The process itself.
    pub process: ProcessAnswer,
}

/// The process, beside what the engine says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessAnswer {
    /// Asked to end, and waiting for it to be safe.
    pub leaving: bool,
    /// Journals that could not be read and were set aside. Whoever has looked at one removes the file.
    pub journals_set_aside: Vec<String>,
    /// The last attempt at taking over a new policy.
    pub reload: ReloadAnswer,
}

/// The last attempt at taking over a new policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadAnswer {
    /// `none`, `applied`, `postponed` until the engine rests, or `refused`: the one before goes on.
    pub what: String,
    /// When.
    pub at: Option<String>,
    /// Why it was refused, or what it waits for.
    pub because: Option<String>,
}

/// Where the state machine is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StateAnswer {
    /// Its name.
    pub name: String,
    /// The superstate, if it has one.
    pub superstate: Option<String>,
    /// What it means.
    pub meaning: String,
    /// Why the machine is there; none: it started there.
    pub because: Option<String>,
    /// For how long.
    pub for_seconds: f64,
    /// How long it may still last, if it is a state that is only passed through.
    pub deadline_in_seconds: Option<f64>,
}

/// Something that needs an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedAnswer {
    /// Whether nothing goes on without one. The others are reminders.
    pub urgent: bool,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub todo: String,
    /// The command that does it, or that ends it once it is done.
    pub command: Option<String>,
}

/// One of the two regions, as this sidecar sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionAnswer {
    /// Its name.
    pub region: String,
    /// `primary` or `standby`, in the policy.
    pub role: String,
    /// Whether it holds the lease.
    pub holds_lease: bool,
    /// What the evidence about it amounts to.
    pub assessment: String,
    /// What that means.
    pub meaning: String,
}

/// The lease, as last read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseAnswer {
    /// The number of its holder. Rises with every change of the holder.
    pub epoch: u64,
    /// Who holds it; none: it has not been read yet.
    pub holder: Option<String>,
    /// Who is taking over.
    pub claimed_by: Option<String>,
    /// Whether the holder has said that it stopped serving.
    pub released: bool,
    /// Whether the region without the lease could take over.
    pub protected: bool,
    /// How long this region may still serve without another renewal; none: it may not.
    pub serving_seconds_left: Option<f64>,
    /// For the other region's lease: after how long without a renewal it has run out for certain.
    pub expires_in_seconds: Option<f64>,
    /// How long ago the store last answered.
    pub read_seconds_ago: Option<f64>,
    /// Who drives each region.
    pub drivers: Vec<DriverAnswer>,
    /// The role change that the lease item records as under way.
    pub role_change: Option<RoleChangeAnswer>,
}

/// Who drives a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriverAnswer {
    /// The region.
    pub region: String,
    /// Which of its sidecars; none: nobody has said so.
    pub sidecar: Option<u16>,
}

/// A role change under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleChangeAnswer {
    /// `failover` or `failback`.
    pub kind: String,
    /// The last step whose intent was recorded.
    pub step: String,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseAnswer {
    /// The region whose database takes writes.
    pub writer: Option<String>,
    /// Whether it is being moved.
    pub moving: bool,
    /// Whether the other one follows it and could be promoted.
    pub replica_attached: bool,
}

/// A measured replication lag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LagAnswer {
    /// The lag.
    pub seconds: f64,
    /// How long ago it was heard of.
    pub heard_seconds_ago: f64,
}

/// The account of the budget. The engine's clock starts at the first breach, because it cannot know the onset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerAnswer {
    /// The budget, counted from the onset.
    pub budget_seconds: f64,
    /// Whether any phase is under way.
    pub running: bool,
    /// From the first breach until now, or until the last phase was over.
    pub elapsed_seconds: f64,
    /// The phases that have begun, in order.
    pub phases: Vec<PhaseAnswer>,
    /// The phase that is over its allotment by most.
    pub overrun: Option<OverrunAnswer>,
}

/// One phase of the budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseAnswer {
    /// Its name.
    pub phase: String,
    /// What the policy lets it use.
    pub allotted_seconds: f64,
    /// When it began, counted from the first breach.
    pub began_seconds: f64,
    /// What it has used.
    pub used_seconds: f64,
    /// Whether it is under way.
    pub running: bool,
}

/// A phase that is over its allotment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverrunAnswer {
    /// Which.
    pub phase: String,
    /// By how much.
    pub seconds: f64,
}

/// What went into the core since the start, and what was dropped before it because something newer or more important
/// was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct InboxAnswer {
    pub waiting: u64,
    pub accepted: u64,
    pub signals_replaced: u64,
    pub notices_dropped: u64,
    pub peers_dropped: u64,
    pub commands_refused: u64,
}

/// Inputs that led to nothing, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DisregardedAnswer {
    pub stale: u64,
    pub duplicate: u64,
    pub out_of_order: u64,
    pub future_dated: u64,
    pub unknown_witness: u64,
    pub late_outcome: u64,
    pub unhandled: u64,
}

/// Why the engine did what it did, and why it does not do otherwise now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyAnswer {
    /// When this was so.
    pub at: String,
    /// The decision that would be taken now.
    pub now: DecisionAnswer,
    /// The last decisions, oldest first.
    pub past: Vec<DecisionAnswer>,
    /// Every witness, about each region.
    pub witnesses: Vec<WitnessAnswer>,
}

/// A decision or a refusal, with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionAnswer {
    /// When.
    pub at: String,
    /// What was decided: `fail-over`, `would-fail-over`, `blocked`, `hold`, `fail-back`, `would-fail-back`,
    /// `hold-failback`, `fence`.
    pub verdict: String,
    /// The region that it is about.
    pub region: String,
    /// What the evidence about that region amounted to.
    pub assessment: String,
    /// In a sentence.
    pub sentence: String,
    /// The guards, in the order in which they are read.
    pub guards: Vec<GuardAnswer>,
    /// The smallest change that would have turned it.
    pub flip: Option<String>,
}

/// A guard as it was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuardAnswer {
    /// Its name.
    pub guard: String,
    /// Whether it agreed.
    pub passed: bool,
    /// What it looks at.
    pub subject: String,
    /// What it saw, and what it needs.
    pub saw: String,
}

/// What one witness says about one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessAnswer {
    /// Its name.
    pub witness: String,
    /// The region that it observes.
    pub region: String,
    /// `healthy`, `breached` or `missing`.
    pub verdict: String,
    /// Whether it keeps changing its mind.
    pub flapping: bool,
    /// Whether its last observation took longer than its interval to arrive.
    pub delayed: bool,
    /// How long ago its last observation arrived; none: it has never been heard.
    pub heard_seconds_ago: Option<f64>,
    /// How it observes.
    pub kind: String,
    /// What it observes.
    pub observes: String,
    /// What fails together with it.
    pub failure_domain: String,
    /// Whether its verdict counts in the quorum.
    pub quorum: bool,
}

/// What was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryAnswer {
    /// From when on.
    pub since: String,
    /// Whether there was more than is shown; the oldest is left out.
    pub shortened: bool,
    /// Rows that could not be read and are left out.
    pub unreadable: u64,
    /// Oldest first.
    pub entries: Vec<EntryAnswer>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryAnswer {
    /// When.
    pub at: String,
    /// `witness`, `assessment`, `state`, `decision`, `command`, `effect`, `outcome`, `completed` or `unhandled`.
    pub kind: String,
    /// In a sentence.
    pub text: String,
}

/// What an armed engine would have done, and how quiet the evidence was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowAnswer {
    /// From when on.
    pub since: String,
    /// Until when.
    pub until: String,
    /// Role changes that an armed engine would have begun, oldest first.
    pub would_have: Vec<EpisodeAnswer>,
    /// Suspicions that led to nothing, each with how close it came.
    pub near_misses: Vec<EpisodeAnswer>,
    /// A quorum called a region lost, and a guard forbade the failover.
    pub blocked: Vec<EpisodeAnswer>,
    /// The witnesses that changed their verdict, the noisiest first.
    pub noisy_witnesses: Vec<NoisyWitnessAnswer>,
}

/// From the first breach until the engine rested again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpisodeAnswer {
    /// What it came to: `near-miss`, `blocked`, `would-fail-over` or `would-fail-back`.
    pub kind: String,
    /// When it began.
    pub began: String,
    /// When the engine rested again; none: it does not yet.
    pub ended: Option<String>,
    /// The decision that counted.
    pub decision: Option<DecisionAnswer>,
}

/// How often a witness changed its verdict about a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoisyWitnessAnswer {
    /// Its name.
    pub witness: String,
    /// The region that it observes.
    pub region: String,
    /// All changes of its verdict.
    pub changes: u64,
    /// Those to `breached`.
    pub breaches: u64,
    /// Those to `missing`.
    pub silences: u64,
    /// Breaches per day.
    pub breaches_per_day: f64,
}

/// A command's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommandName {
    /// Stop role changes. Renewals go on.
    Pause,
    /// Allow role changes again.
    Resume,
    /// Act on decisions.
    Arm,
    /// Only record decisions.
    Disarm,
    /// Take over now, evidence or not.
    Failover,
    /// Bring the platform home now.
    Failback,
    /// Agree to what the engine is waiting for.
    Approve,
    /// Take note of what the engine asked, and let it go on from where the platform is.
    Acknowledge,
}

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    /// What.
    pub command: CommandName,
    /// Only say what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// For `failover`: a loss above the policy's bound is accepted. Needs two people where the policy says so.
    #[serde(default)]
    pub accept_loss: bool,
    /// Who asks. Where tokens have names, it must be the token's.
    #[serde(default)]
    pub by: Option<String>,
    /// Why, for the journal.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandAnswer {
    /// What was asked for.
    pub command: CommandName,
    /// What came of it.
    pub result: CommandResult,
    /// The same in a sentence, with what to do if it was refused.
    pub sentence: String,
    /// The guard that refused it.
    pub guard: Option<String>,
    /// The guards that bind an operator who asks for this role change, as they stand.
    pub guards: Vec<GuardAnswer>,
    /// What the engine does at once, or would do.
    pub at_once: Vec<String>,
    /// The steps of the workflow that this begins, or would begin.
    pub steps: Vec<StepAnswer>,
}

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommandResult {
    /// It was carried out.
    Done,
    /// It was not.
    Refused,
    /// The first of two people has consented; a second one has to ask for the same.
    ConsentRecorded,
    /// A dry run: it would be carried out.
    WouldBeDone,
    /// A dry run: it would be refused.
    WouldBeRefused,
}

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepAnswer {
    /// Its name.
    pub step: String,
    /// What it does.
    pub does: String,
    /// The state in which it runs.
    pub state: String,
    /// The steps that must be done before it starts.
    pub after: Vec<String>,
    /// How long it may take before its outcome is unknown, as the policy states it.
    pub bound: String,
    /// `look-first`, `until-deadline` or `best-effort`.
    pub retry: String,
    /// What its failure leads to.
    pub on_failure: String,
    /// Who has to agree, if the policy asks for it.
    pub gate: Option<String>,
}

/// Whether the process is alive and ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthAnswer {
    /// Whether every check is fine.
    pub ok: bool,
    /// Each check.
    pub checks: Vec<CheckAnswer>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckAnswer {
    /// Its name.
    pub check: String,
    /// Whether it is fine.
    pub ok: bool,
    /// What was seen.
    pub seen: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What is wrong, and what to do.
    pub error: String,
}
