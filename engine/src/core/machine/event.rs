//! What the machine sees: events, facts and the names of its states.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use understudy_policies::model::Deadlines;

/// The states, by the names that code, logs, metrics, the rendered workflow and the diagram share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// After a start: reading lease, writer and switches before anything else.
    Recovering,
    /// Holding the lease and serving, with a standby that could take over.
    Serving,
    /// Finishing the orders in hand before giving up the lease.
    Draining,
    /// Not serving: the lease ran out, was claimed, or was released.
    SelfFenced,
    /// Standing by, nothing to report.
    Steady,
    /// Standing by, corroborating a breach.
    Suspicious,
    /// Standing by: a quorum says lost, and a guard says no.
    Blocked,
    /// Taking over: placing the claim.
    Claiming,
    /// Taking over: waiting for the lease to run out, raising the epoch.
    Acquiring,
    /// Taking over: promotion and redirection.
    Moving,
    /// Taking over: checking the result.
    Verifying,
    /// Taking over: undoing what could not be finished.
    Reverting,
    /// Serving without a standby: waiting for the other region, rebuilding its database.
    Rejoining,
    /// Serving without a standby: finding what was lost.
    Reconciling,
    /// Serving with a new standby that still has to prove itself.
    Soaking,
    /// Handing back: stopping orders.
    Quiescing,
    /// Handing back: moving the writer home.
    SwitchingOver,
    /// Handing back: moving clients and the lease home.
    Redirecting,
    /// Handing back: seeing the home region serve.
    Confirming,
    /// Handing back: undoing.
    RollingBack,
    /// A human was asked; nothing resumes by itself.
    NeedsOperator,
}

impl StateName {
    /// All states.
    pub const ALL: [Self; 21] = [
        Self::Recovering,
        Self::Serving,
        Self::Draining,
        Self::SelfFenced,
        Self::Steady,
        Self::Suspicious,
        Self::Blocked,
        Self::Claiming,
        Self::Acquiring,
        Self::Moving,
        Self::Verifying,
        Self::Reverting,
        Self::Rejoining,
        Self::Reconciling,
        Self::Soaking,
        Self::Quiescing,
        Self::SwitchingOver,
        Self::Redirecting,
        Self::Confirming,
        Self::RollingBack,
        Self::NeedsOperator,
    ];

    /// The name, as in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovering => "recovering",
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::SelfFenced => "self_fenced",
            Self::Steady => "steady",
            Self::Suspicious => "suspicious",
            Self::Blocked => "blocked",
            Self::Claiming => "claiming",
            Self::Acquiring => "acquiring",
            Self::Moving => "moving",
            Self::Verifying => "verifying",
            Self::Reverting => "reverting",
            Self::Rejoining => "rejoining",
            Self::Reconciling => "reconciling",
            Self::Soaking => "soaking",
            Self::Quiescing => "quiescing",
            Self::SwitchingOver => "switching_over",
            Self::Redirecting => "redirecting",
            Self::Confirming => "confirming",
            Self::RollingBack => "rolling_back",
            Self::NeedsOperator => "needs_operator",
        }
    }

    /// The superstate, if the state has one.
    #[must_use]
    pub const fn superstate(self) -> Option<&'static str> {
        match self {
            Self::Recovering | Self::NeedsOperator => None,
            Self::Serving | Self::Draining | Self::SelfFenced => Some("holding_lease"),
            Self::Steady | Self::Suspicious | Self::Blocked => Some("standing_by"),
            Self::Claiming | Self::Acquiring | Self::Moving | Self::Verifying | Self::Reverting => Some("taking_over"),
            Self::Rejoining | Self::Reconciling | Self::Soaking => Some("unprotected"),
            Self::Quiescing | Self::SwitchingOver | Self::Redirecting | Self::Confirming | Self::RollingBack => {
                Some("handing_back")
            }
        }
    }

    /// Whether the state is only passed through. Every one of these has a deadline edge.
    #[must_use]
    pub const fn is_transitional(self) -> bool {
        !matches!(
            self,
            Self::Serving | Self::SelfFenced | Self::Steady | Self::Blocked | Self::Soaking | Self::NeedsOperator
        )
    }

    /// How long the state may last; none: for as long as it likes.
    #[must_use]
    pub const fn deadline(self, deadlines: &Deadlines) -> Option<Duration> {
        match self {
            Self::Recovering => Some(deadlines.recovering),
            Self::Suspicious => Some(deadlines.suspicious),
            Self::Draining => Some(deadlines.draining),
            Self::Claiming => Some(deadlines.claiming),
            Self::Acquiring => Some(deadlines.acquiring),
            Self::Moving => Some(deadlines.moving),
            Self::Verifying => Some(deadlines.verifying),
            Self::Reverting => Some(deadlines.reverting),
            Self::Rejoining => Some(deadlines.rejoining),
            Self::Reconciling => Some(deadlines.reconciling),
            Self::Quiescing | Self::SwitchingOver | Self::Redirecting | Self::Confirming | Self::RollingBack => {
                Some(deadlines.handing_back)
            }
            Self::Serving | Self::SelfFenced | Self::Steady | Self::Blocked | Self::Soaking | Self::NeedsOperator => {
                None
            }
        }
    }

    /// Whether this region watches the one that holds the lease.
    #[must_use]
    pub const fn stands_by(self) -> bool {
        matches!(self, Self::Steady | Self::Suspicious | Self::Blocked)
    }

    /// Whether this region serves in this state, and no role change is under way.
    #[must_use]
    pub const fn serves(self) -> bool {
        matches!(
            self,
            Self::Serving | Self::Rejoining | Self::Reconciling | Self::Soaking
        )
    }

    /// Whether a role change is under way in this state.
    #[must_use]
    pub const fn is_role_change(self) -> bool {
        matches!(
            self,
            Self::Claiming
                | Self::Acquiring
                | Self::Moving
                | Self::Verifying
                | Self::Reverting
                | Self::Quiescing
                | Self::SwitchingOver
                | Self::Redirecting
                | Self::Confirming
                | Self::RollingBack
        )
    }
}

/// What the machine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The facts may have changed.
    Look,
    /// The workflow's steps of this state are done.
    StepsDone,
    /// A step of this state failed for certain.
    StepFailed,
    /// The state's deadline is over.
    Deadline,
    /// An operator asks for a failover to this region.
    FailoverAsked,
    /// An operator asks to come home.
    FailbackAsked,
    /// An operator took note, and lets the engine go on.
    Acknowledged,
    /// This sidecar is being shut down.
    ShutdownAsked,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 8] = [
        Self::Look,
        Self::StepsDone,
        Self::StepFailed,
        Self::Deadline,
        Self::FailoverAsked,
        Self::FailbackAsked,
        Self::Acknowledged,
        Self::ShutdownAsked,
    ];

    /// The name, as in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::StepsDone => "steps-done",
            Self::StepFailed => "step-failed",
            Self::Deadline => "deadline",
            Self::FailoverAsked => "failover-asked",
            Self::FailbackAsked => "failback-asked",
            Self::Acknowledged => "acknowledged",
            Self::ShutdownAsked => "shutdown-asked",
        }
    }
}

/// Who holds the lease, as far as this sidecar knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenureFact {
    /// Not read yet.
    Unknown,
    /// This region, and it may serve.
    Ours,
    /// This region by name, but its time has run out.
    OursLapsed,
    /// This region, and the other one has claimed.
    OursClaimed,
    /// The other region.
    Theirs,
    /// The other region, and this one has claimed.
    TheirsClaimedByUs,
}

/// What the evidence about the other region calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceFact {
    /// Nothing new.
    Quiet,
    /// Something is breached that has not been judged yet.
    Breached,
    /// A quorum has called something lost for long enough.
    Lost,
}

/// The role change that the lease item records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleChangeFact {
    /// None.
    None,
    /// A failover to the holder.
    Failover,
    /// A failback away from the holder.
    Failback,
}

/// All that the machine may know when it decides which edge to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Facts {
    /// Everything that must be read after a start has been read.
    pub recovered: bool,
    /// Who holds the lease.
    pub tenure: TenureFact,
    /// What the evidence about the other region calls for.
    pub evidence: EvidenceFact,
    /// Whether all guards of a failover agree.
    pub failover_agreed: bool,
    /// Whether all guards of a failback agree.
    pub failback_agreed: bool,
    /// Whether this is the home region.
    pub at_home: bool,
    /// Whether the region without the lease could take over.
    pub protected: bool,
    /// The role change that the lease item records.
    pub role_change: RoleChangeFact,
    /// Whether an operator asked for the failover under way.
    pub ordered: bool,
    /// Whether a claim of ours stands that nothing justifies any more: the other region is seen to be well, or was not
    /// found lost in time.
    pub claim_unjustified: bool,
    /// Whether the database refused the promotion of the failover that is being undone.
    pub promotion_refused: bool,
    /// Whether a human was asked to take over and has not answered.
    pub operator_asked: bool,
    /// Whether this sidecar drives its region. The others renew, and leave role changes alone.
    pub drives: bool,
}
