//! States and assessments: what they mean, and what a human is to do.

use crate::core::effect::Gate;
use crate::core::evidence::Assessment;
use crate::core::machine::{Edge, StateName};

/// What it means to be in a state.
#[must_use]
pub const fn state(state: StateName) -> &'static str {
    match state {
        StateName::Recovering => "reading lease, writer and switches before anything else",
        StateName::Serving => "this region holds the lease and serves",
        StateName::Draining => "finishing the orders in hand before giving up the lease",
        StateName::SelfFenced => "this region does not serve: its lease ran out, was claimed, or was released",
        StateName::Steady => "standing by, ready to take over",
        StateName::Suspicious => "something is breached: looking whether enough witnesses agree",
        StateName::Blocked => "a quorum calls the serving region lost, and a guard forbids the failover",
        StateName::Claiming => "taking over: placing the claim in the lease",
        StateName::Acquiring => "taking over: waiting until the other region's lease has run out",
        StateName::Moving => "taking over: promoting the database and moving clients",
        StateName::Verifying => "taking over: checking that orders are processed here",
        StateName::Reverting => "undoing a failover that could not go on",
        StateName::Rejoining => "serving without a standby: waiting for the other region, rebuilding its database",
        StateName::Reconciling => "serving without a standby: finding out what was lost",
        StateName::Soaking => "serving away from home: the home region has to prove itself",
        StateName::Quiescing => "going home: stopping orders here",
        StateName::SwitchingOver => "going home: moving the writer",
        StateName::Redirecting => "going home: moving clients and the lease",
        StateName::Confirming => "going home: watching the home region serve",
        StateName::RollingBack => "undoing a failback that could not go on",
        StateName::NeedsOperator => "nothing goes on by itself until an operator has looked",
    }
}

/// What an assessment means.
#[must_use]
pub const fn assessment_meaning(assessment: Assessment) -> &'static str {
    match assessment {
        Assessment::Unknown => "no witness of the quorum can say anything",
        Assessment::Steady => "nothing is breached",
        Assessment::Degraded => "something is breached, and too few failure domains say so",
        Assessment::DatabaseLost => "the database is lost, the application answers",
        Assessment::ApplicationLost => "the application is lost, the database takes writes",
        Assessment::RegionLost => "application and database are lost",
        Assessment::Isolated => "it is this sidecar that is cut off",
        Assessment::SharedFault => "both regions are breached alike: moving would not help",
    }
}

/// What a human has to look at before the engine goes on from `needs_operator`, by the way it came there.
#[must_use]
pub const fn todo(edge: Option<Edge>) -> &'static str {
    match edge {
        Some(Edge::MoveOverdue) => {
            "look whether the database of this region takes writes, and finish or undo its promotion by hand; then acknowledge"
        }
        Some(Edge::VerificationFailed) => {
            "place a probe order and look up the public name; mend what keeps orders away; then acknowledge"
        }
        Some(Edge::RevertFailed) => {
            "look which of the two switches is engaged and who holds the lease, and undo what is left; then acknowledge"
        }
        Some(Edge::RejoinFailed) => "rebuild the other region's database as a standby of this one; then acknowledge",
        Some(Edge::ReconcileFailed) => {
            "compare the lost region's last orders with what survived, and report what is missing; then acknowledge"
        }
        Some(Edge::RedirectFailed | Edge::ConfirmFailed | Edge::RollBackFailed) => {
            "look where the database's writer and the lease are: both must be in one region; move what is not; then acknowledge"
        }
        _ => {
            "look where the database's writer, the lease and the public name are; mend what disagrees; then acknowledge"
        }
    }
}

impl Gate {
    /// What is asked for at this gate.
    #[must_use]
    pub const fn question(self) -> &'static str {
        match self {
            Self::Failover => "shall this region take over?",
            Self::Failback => "shall the platform go home?",
            Self::VenueReconciliation => "are the open orders reconciled with the venues?",
        }
    }
}
