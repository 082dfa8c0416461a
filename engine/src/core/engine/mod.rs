//! The facade: everything that goes into the core and everything that comes out.

mod facts;
mod guards;
mod inbox;
mod memory;
mod order_path;
mod outbox;
mod reactions;
mod shutdown;
mod steps;
mod switches;
mod views;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use understudy_policies::Policy;
use understudy_policies::model::Mode;

use super::decision::{Decision, Guard};
use super::effect::{DatabaseView, Effect, Reconciliation};
use super::evidence::{Assessment, Evidence, LostSince};
use super::ids::{Epoch, Region, SidecarId};
use super::journal::JournalEntry;
use super::lease::{Keeper, Terms};
use super::ledger::Ledger;
use super::machine::{Edge, Machine, StateName};
use super::runner::Runner;
use super::settings::Settings;
use super::status::Disregarded;
use super::time::{Now, Timestamp};
use order_path::{OrderPath, Path};
use shutdown::Leaving;

/// Decisions that are kept for `explain`.
const DECISIONS_KEPT: usize = 64;
/// Journal entries that wait to be polled. Whoever never polls loses the oldest.
const JOURNAL_KEPT: usize = 4096;
/// Role changes that are remembered for the guards.
const ROLE_CHANGES_KEPT: usize = 20;

/// Who this engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its region.
    pub region: Region,
    /// Which of the region's sidecars.
    pub sidecar: SidecarId,
    /// Different for every start of every sidecar. Makes nonces unique.
    pub incarnation: u64,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// It makes no sense in this state.
    #[error("this command does nothing in state {}; `status` shows what is under way", .0.name())]
    WrongState(StateName),
    /// A guard objects even to an operator.
    #[error("refused by the guard {0:?}; `why` shows what it saw")]
    Guard(Guard),
}

/// What has been read since the start.
#[derive(Debug, Clone, Copy, Default)]
struct Recovery {
    lease: bool,
    database: bool,
    switches: bool,
}

/// How close a suspicion came to being a loss.
#[derive(Debug, Clone, Copy, Default)]
struct Suspicion {
    /// The most failure domains that agreed at one time.
    domains: u32,
    /// The longest time for which enough of them did.
    agreed: Duration,
}

/// What an effect that belongs to neither the keeper nor a workflow step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    LookAtDatabase,
    LookAtSwitches,
    WriteServing,
    OrderPath(Path),
    Release,
    /// Its outcome is written down and changes nothing.
    Aside,
}

/// An effect whose outcome has not arrived.
#[derive(Debug, Clone, Copy)]
struct Pending {
    effect: Effect,
    asked: Timestamp,
    errand: Option<Errand>,
}

/// One sidecar's engine.
///
/// - Inputs: [`handle_signal`](Self::handle_signal), [`handle_notice`](Self::handle_notice),
///   [`handle_peer`](Self::handle_peer), [`handle_outcome`](Self::handle_outcome),
///   [`handle_command`](Self::handle_command), [`handle_timeout`](Self::handle_timeout).
/// - Outputs, to be polled after every input until they are empty: [`poll_effect`](Self::poll_effect),
///   [`poll_journal`](Self::poll_journal), then [`poll_timeout`](Self::poll_timeout) for when to come back.
/// - Views: [`status`](Self::status), [`explain`](Self::explain), [`may_end`](Self::may_end).
///
/// `now.boot` must never run back from one call to the next; a call with an earlier moment is taken to be at the
/// latest one seen.
#[derive(Debug, Clone)]
pub struct Engine {
    settings: Settings,
    identity: Identity,
    mode: Mode,
    /// Armed now, or armed before: whoever renews goes on renewing, whatever else is switched off.
    keeps_lease: bool,
    paused: bool,
    /// None: nobody has asked this sidecar to shut down.
    leaving: Option<Leaving>,
    clock: Timestamp,

    machine: Machine,
    state_since: Timestamp,
    state_edge: Option<Edge>,
    state_deadline: Option<Timestamp>,
    evidence: Evidence,
    keeper: Keeper,
    runner: Runner,
    recovery: Recovery,

    assessments: [Assessment; 2],
    lost_since: [LostSince; 2],
    /// Since when there has been reason for the loss that each region is assessed as, without a break.
    loss_since: [Option<Timestamp>; 2],
    /// Since when a region has been proven healthy, without a break.
    healthy_since: [Option<Timestamp>; 2],
    /// Since when it has also had no open event of the provider, if the policy waits for that.
    soaking_since: [Option<Timestamp>; 2],
    /// The breaches of the other region that have been judged and held.
    judged_breaches: u64,
    suspicion: Suspicion,
    loss_paged: bool,

    database: Option<DatabaseView>,
    /// When the switches are to be read again.
    switches_due: Timestamp,
    /// Since when a claim of ours has stood that this engine does not pursue.
    claim_doubted_since: Option<Timestamp>,
    /// The database refused the promotion of the failover that is being undone.
    promotion_refused: bool,
    /// A human was asked to take over and has not answered.
    operator_asked: bool,
    /// The last epoch before the restart.
    remembered_epoch: Option<Epoch>,
    /// Since when a Step Functions execution is known to be failing over.
    execution_since: Option<Timestamp>,
    reconciliation: Option<Reconciliation>,
    /// Two people accepted a loss above the bound for the failover under way.
    loss_accepted: bool,
    /// An operator asked for the failover under way, whatever the evidence says.
    ordered: bool,
    /// The next attempt at moving the writer must look where it is first.
    look_first: bool,
    /// An attempt at moving the writer had an unknown outcome.
    move_unknown: bool,
    /// The replication lag as it was last known when the first breach was seen.
    lag_at_breach: Option<(Duration, Timestamp)>,
    order_path: OrderPath,
    role_changes: VecDeque<Timestamp>,
    /// The renewal counter when the lease was handed over.
    handed_over_at: Option<u64>,

    ledger: Ledger,
    decisions: VecDeque<Decision>,
    /// The guards that objected in the last recorded refusal, so that the same refusal is recorded once.
    last_objections: Option<Objections>,

    serial: u64,
    pending: Vec<Pending>,
    effects: VecDeque<Effect>,
    journal: VecDeque<JournalEntry>,
    disregarded: Disregarded,
}

/// Which guards objected, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Objections {
    failback: bool,
    guards: u32,
}

impl Engine {
    /// An engine that has just started: it will read lease, writer and switches before anything else.
    #[must_use]
    pub fn new(policy: &Policy, identity: Identity, now: Now) -> Self {
        let settings = Settings::new(policy);
        let lease = &settings.policy.lease;
        let terms = Terms {
            tenure: settings.tenure(),
            expiry: settings.expiry(),
            margin: lease.margin,
            seat: lease.ttl + lease.renew_every,
            every: lease.renew_every,
            drift: lease.drift_max,
            grant: lease.grant,
            grants_allowed: settings.grants_allowed(),
        };
        let mut engine = Self {
            mode: settings.initial_mode(),
            keeps_lease: matches!(settings.initial_mode(), Mode::Armed),
            paused: false,
            leaving: None,
            clock: now.boot,
            machine: Machine::new(),
            state_since: now.boot,
            state_edge: None,
            state_deadline: settings
                .deadline(StateName::Recovering)
                .map(|limit| now.boot.after(limit)),
            evidence: Evidence::new(identity.region, settings.witnesses.len()),
            keeper: Keeper::new(identity.region, identity.sidecar, terms, now.boot),
            runner: Runner::new(),
            recovery: Recovery::default(),
            assessments: [Assessment::Unknown; 2],
            lost_since: [LostSince::default(); 2],
            loss_since: [None; 2],
            healthy_since: [None; 2],
            soaking_since: [None; 2],
            judged_breaches: 0,
            suspicion: Suspicion::default(),
            loss_paged: false,
            database: None,
            switches_due: now.boot,
            claim_doubted_since: None,
            promotion_refused: false,
            operator_asked: false,
            remembered_epoch: None,
            execution_since: None,
            reconciliation: None,
            loss_accepted: false,
            ordered: false,
            look_first: false,
            move_unknown: false,
            lag_at_breach: None,
            order_path: OrderPath::default(),
            role_changes: VecDeque::with_capacity(ROLE_CHANGES_KEPT),
            handed_over_at: None,
            ledger: Ledger::default(),
            decisions: VecDeque::new(),
            last_objections: None,
            serial: 0,
            pending: Vec::with_capacity(16),
            effects: VecDeque::with_capacity(16),
            journal: VecDeque::with_capacity(64),
            disregarded: Disregarded::default(),
            settings,
            identity,
        };
        engine.begin_recovery(now);
        engine.advance(now);
        engine
    }

    /// The same engine, with a bug in it.
    #[cfg(feature = "seeded-bugs")]
    #[must_use]
    pub fn with_bug(mut self, bug: super::seeded::SeededBug) -> Self {
        self.settings.bug = Some(bug);
        self.keeper.bug = Some(bug);
        // What was read from the settings already.
        if seeded!(self.settings.bug, ShadowActs) {
            self.mode = self.settings.initial_mode();
            self.keeps_lease = true;
        }
        self
    }

    /// The next effect to carry out, in the order in which they were decided.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The next thing to write down.
    pub fn poll_journal(&mut self) -> Option<JournalEntry> {
        self.journal.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, at the latest. Calling it earlier is harmless.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let at = self.next_due();
        (at != Timestamp::NEVER).then_some(at)
    }

    /// The other region.
    const fn other(&self) -> Region {
        self.identity.region.other()
    }

    const fn is_armed(&self) -> bool {
        matches!(self.mode, Mode::Armed)
    }
}
