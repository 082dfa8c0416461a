//! The handlers: one per state, one per superstate.

use statig::prelude::*;

use super::edge::Edge;
use super::event::{Event, EvidenceFact, Facts, RoleChangeFact, StateName, TenureFact};

/// One turn of the machine: what it may know, and what came of it.
#[derive(Debug, Clone, Copy)]
struct Turn {
    facts: Facts,
    edge: Option<Edge>,
    unhandled: bool,
}

impl Turn {
    /// Takes an edge.
    fn go(&mut self, edge: Edge, target: State) -> Outcome<State> {
        self.edge = Some(edge);
        Transition(target)
    }
}

/// The handlers' shared storage: nothing. All that they know is in the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Handlers;

#[state_machine(
    initial = "State::recovering()",
    state(derive(Debug, Clone, Copy, PartialEq, Eq)),
    superstate(derive(Debug))
)]
impl Handlers {
    #[state(superstate = "anywhere")]
    fn recovering(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Look if context.facts.recovered && context.facts.operator_asked => {
                context.go(Edge::OperatorStillAsked, State::needs_operator())
            }
            Event::Look if context.facts.recovered => Self::settle(context),
            Event::Deadline => context.go(Edge::RecoveryOverdue, State::self_fenced()),
            _ => Super,
        }
    }

    #[state(superstate = "holding_lease")]
    fn serving(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::ShutdownAsked => context.go(Edge::ShutdownWhileServing, State::draining()),
            Event::Look if context.facts.tenure == TenureFact::Ours && context.facts.drives && unfinished(context) => {
                context.go(Edge::DriverInherited, State::recovering())
            }
            _ => Super,
        }
    }

    #[state(superstate = "anywhere")]
    fn draining(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.tenure) {
            (Event::StepsDone, _) => context.go(Edge::Drained, State::self_fenced()),
            (Event::Deadline | Event::StepFailed, _) => context.go(Edge::DrainOverdue, State::self_fenced()),
            (Event::Look, TenureFact::OursLapsed) => context.go(Edge::LeaseLapsed, State::self_fenced()),
            (Event::Look, TenureFact::Theirs) => context.go(Edge::Superseded, State::self_fenced()),
            _ => Super,
        }
    }

    #[state(superstate = "anywhere")]
    fn self_fenced(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.tenure) {
            (Event::Look, TenureFact::Theirs | TenureFact::TheirsClaimedByUs) => {
                context.go(Edge::Superseded, State::steady())
            }
            (Event::Look, TenureFact::Ours) => context.go(Edge::Reinstated, State::recovering()),
            _ => Super,
        }
    }

    #[state(superstate = "standing_by")]
    fn steady(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.evidence) {
            (Event::Look, EvidenceFact::Breached | EvidenceFact::Lost) => {
                context.go(Edge::BreachSeen, State::suspicious())
            }
            _ => Super,
        }
    }

    #[state(superstate = "standing_by")]
    fn suspicious(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.evidence, context.facts.failover_agreed) {
            (Event::Look, EvidenceFact::Lost, true) => context.go(Edge::QuorumAgreed, State::claiming()),
            (Event::Look, EvidenceFact::Lost, false) => context.go(Edge::QuorumBlocked, State::blocked()),
            (Event::Look, EvidenceFact::Quiet, _) => context.go(Edge::BreachCleared, State::steady()),
            (Event::Deadline, _, _) => context.go(Edge::SuspicionOverdue, State::steady()),
            _ => Super,
        }
    }

    #[state(superstate = "standing_by")]
    fn blocked(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.evidence, context.facts.failover_agreed) {
            (Event::Look, EvidenceFact::Lost, true) => context.go(Edge::BlockLifted, State::claiming()),
            (Event::Look, EvidenceFact::Breached, _) => context.go(Edge::QuorumDissolved, State::suspicious()),
            (Event::Look, EvidenceFact::Quiet, _) => context.go(Edge::BreachCleared, State::steady()),
            _ => Super,
        }
    }

    #[state(superstate = "taking_over")]
    fn claiming(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Look | Event::Deadline if !context.facts.drives => context.go(Edge::DriverReplaced, State::steady()),
            // A late write of an earlier attempt has raised the epoch: there is nothing left to claim.
            Event::Look if context.facts.tenure == TenureFact::Ours => {
                context.go(Edge::LeaseArrived, State::recovering())
            }
            Event::StepsDone => context.go(Edge::ClaimAccepted, State::acquiring()),
            Event::StepFailed => context.go(Edge::ClaimRefused, State::reverting()),
            Event::Look if context.facts.evidence == EvidenceFact::Quiet && !context.facts.ordered => {
                context.go(Edge::ClaimNeedless, State::reverting())
            }
            Event::Deadline => context.go(Edge::ClaimOverdue, State::reverting()),
            _ => Super,
        }
    }

    #[state(superstate = "taking_over")]
    fn acquiring(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Look | Event::Deadline if !context.facts.drives => context.go(Edge::DriverReplaced, State::steady()),
            Event::StepsDone => context.go(Edge::EpochRaised, State::moving()),
            Event::StepFailed => context.go(Edge::EpochRefused, State::reverting()),
            Event::Deadline => context.go(Edge::AcquireOverdue, State::reverting()),
            _ => Super,
        }
    }

    #[state(superstate = "taking_over")]
    fn moving(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::Promoted, State::verifying()),
            Event::StepFailed => context.go(Edge::PromotionRefused, State::reverting()),
            Event::Deadline => context.go(Edge::MoveOverdue, State::needs_operator()),
            _ => Self::while_driving(context, event),
        }
    }

    #[state(superstate = "taking_over")]
    fn verifying(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::FailoverVerified, State::rejoining()),
            Event::StepFailed | Event::Deadline => context.go(Edge::VerificationFailed, State::needs_operator()),
            _ => Self::while_driving(context, event),
        }
    }

    #[state(superstate = "taking_over")]
    fn reverting(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Look | Event::Deadline if !context.facts.drives => context.go(Edge::DriverReplaced, State::steady()),
            // A late write of an earlier attempt has raised the epoch, and there is nobody to give the lease back to.
            Event::Look
                if context.facts.tenure == TenureFact::Ours
                    && context.facts.evidence == EvidenceFact::Lost
                    && !context.facts.promotion_refused =>
            {
                context.go(Edge::LeaseArrived, State::recovering())
            }
            Event::StepsDone => context.go(Edge::Reverted, State::steady()),
            Event::StepFailed | Event::Deadline => context.go(Edge::RevertFailed, State::needs_operator()),
            _ => Super,
        }
    }

    #[state(superstate = "unprotected")]
    fn rejoining(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::Rejoined, State::reconciling()),
            Event::StepFailed | Event::Deadline => context.go(Edge::RejoinFailed, State::needs_operator()),
            _ => Super,
        }
    }

    #[state(superstate = "unprotected")]
    fn reconciling(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone if context.facts.at_home => context.go(Edge::ReconciledAtHome, State::serving()),
            Event::StepsDone => context.go(Edge::ReconciledAway, State::soaking()),
            Event::StepFailed | Event::Deadline => context.go(Edge::ReconcileFailed, State::needs_operator()),
            _ => Super,
        }
    }

    #[state(superstate = "unprotected")]
    fn soaking(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Look if context.facts.failback_agreed && context.facts.tenure == TenureFact::Ours => {
                context.go(Edge::SoakOver, State::quiescing())
            }
            Event::FailbackAsked if context.facts.failback_agreed => {
                context.go(Edge::OperatorFailback, State::quiescing())
            }
            _ => Super,
        }
    }

    #[state(superstate = "handing_back")]
    fn quiescing(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::Quiesced, State::switching_over()),
            Event::StepFailed | Event::Deadline => context.go(Edge::QuiesceFailed, State::rolling_back()),
            _ => Super,
        }
    }

    #[state(superstate = "handing_back")]
    fn switching_over(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::WriterHome, State::redirecting()),
            Event::StepFailed | Event::Deadline => context.go(Edge::SwitchoverFailed, State::rolling_back()),
            _ => Super,
        }
    }

    #[state(superstate = "handing_back")]
    fn redirecting(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::LeaseHandedOver, State::confirming()),
            Event::StepFailed | Event::Deadline => context.go(Edge::RedirectFailed, State::needs_operator()),
            _ => Super,
        }
    }

    // No `handing_back`: the lease is with the other region already, and that is as it should be.
    #[state(superstate = "anywhere")]
    fn confirming(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Look if context.facts.evidence == EvidenceFact::Lost => {
                context.go(Edge::HomeLostAgain, State::steady())
            }
            Event::StepsDone => context.go(Edge::HomeConfirmed, State::steady()),
            Event::StepFailed | Event::Deadline => context.go(Edge::ConfirmFailed, State::needs_operator()),
            _ => Super,
        }
    }

    #[state(superstate = "handing_back")]
    fn rolling_back(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::StepsDone => context.go(Edge::RolledBack, State::soaking()),
            // The describe that rolling back begins with found the writer at home.
            Event::StepFailed => context.go(Edge::RollForward, State::redirecting()),
            Event::Deadline => context.go(Edge::RollBackFailed, State::needs_operator()),
            _ => Super,
        }
    }

    #[state(superstate = "anywhere")]
    fn needs_operator(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::Acknowledged => context.go(Edge::Acknowledged, State::recovering()),
            _ => Super,
        }
    }

    #[superstate(superstate = "anywhere")]
    fn holding_lease(context: &mut Turn, event: &Event) -> Outcome<State> {
        Self::while_holding(context, event)
    }

    #[superstate(superstate = "anywhere")]
    fn unprotected(context: &mut Turn, event: &Event) -> Outcome<State> {
        match event {
            Event::ShutdownAsked => context.go(Edge::ShutdownWhileServing, State::draining()),
            _ => Self::while_driving(context, event),
        }
    }

    #[superstate(superstate = "anywhere")]
    fn handing_back(context: &mut Turn, event: &Event) -> Outcome<State> {
        Self::while_driving(context, event)
    }

    #[superstate(superstate = "anywhere")]
    fn taking_over() -> Outcome<State> {
        Super
    }

    #[superstate(superstate = "anywhere")]
    fn standing_by(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.tenure) {
            (Event::Look, TenureFact::Ours | TenureFact::OursLapsed | TenureFact::OursClaimed) => {
                context.go(Edge::LeaseArrived, State::recovering())
            }
            (Event::Look, TenureFact::TheirsClaimedByUs) if context.facts.drives => {
                match context.facts.evidence {
                    EvidenceFact::Lost => context.go(Edge::ResumedClaim, State::acquiring()),
                    _ if context.facts.claim_unjustified => context.go(Edge::ClaimUnjustified, State::reverting()),
                    // A sidecar that slept, or has just started, has to hear its witnesses first.
                    _ => Super,
                }
            }
            (Event::FailoverAsked, _) if context.facts.failover_agreed => {
                context.go(Edge::OperatorFailover, State::claiming())
            }
            _ => Super,
        }
    }

    // The machine's root. statig drops a top-level `Super` in silence, so nothing may reach it: what no state handles
    // is marked here. A look or a shutdown that changes nothing is no news.
    #[superstate]
    fn anywhere(context: &mut Turn, event: &Event) -> Outcome<State> {
        context.unhandled = !matches!(event, Event::Look | Event::ShutdownAsked);
        Handled
    }
}

impl Handlers {
    /// Where a sidecar belongs once it knows everything.
    fn settle(context: &mut Turn) -> Outcome<State> {
        let facts = context.facts;
        match (facts.tenure, facts.role_change) {
            (TenureFact::Unknown, _) => Handled,
            (TenureFact::OursLapsed, _) => context.go(Edge::LeaseLapsed, State::self_fenced()),
            (TenureFact::OursClaimed, _) => context.go(Edge::ClaimSeen, State::draining()),
            (TenureFact::TheirsClaimedByUs, _) if facts.drives => context.go(Edge::ResumedClaim, State::acquiring()),
            (TenureFact::Theirs | TenureFact::TheirsClaimedByUs, _) => {
                context.go(Edge::RecoveredStandingBy, State::steady())
            }
            (TenureFact::Ours, _) if !facts.drives => context.go(Edge::RecoveredPassive, State::serving()),
            (TenureFact::Ours, RoleChangeFact::Failover) => context.go(Edge::ResumedFailover, State::moving()),
            (TenureFact::Ours, RoleChangeFact::Failback) => context.go(Edge::ResumedFailback, State::rolling_back()),
            (TenureFact::Ours, RoleChangeFact::None) if !facts.protected => {
                context.go(Edge::RecoveredUnprotected, State::rejoining())
            }
            (TenureFact::Ours, RoleChangeFact::None) if facts.at_home => {
                context.go(Edge::RecoveredServing, State::serving())
            }
            (TenureFact::Ours, RoleChangeFact::None) => context.go(Edge::RecoveredAway, State::soaking()),
        }
    }

    /// What ends every state in which this region serves or is about to.
    fn while_holding(context: &mut Turn, event: &Event) -> Outcome<State> {
        match (event, context.facts.tenure) {
            (Event::Look, TenureFact::OursClaimed) => context.go(Edge::ClaimSeen, State::draining()),
            (Event::Look, TenureFact::OursLapsed) => context.go(Edge::LeaseLapsed, State::self_fenced()),
            (Event::Look, TenureFact::Theirs | TenureFact::TheirsClaimedByUs) => {
                context.go(Edge::Superseded, State::self_fenced())
            }
            _ => Super,
        }
    }

    /// Like [`Self::while_holding`], where only the sidecar that drives has something to do.
    fn while_driving(context: &mut Turn, event: &Event) -> Outcome<State> {
        if *event == Event::Look && context.facts.tenure == TenureFact::Ours && !context.facts.drives {
            return context.go(Edge::DriverReplaced, State::serving());
        }
        Self::while_holding(context, event)
    }
}

/// Whether there is more to do for the driver than to renew.
fn unfinished(context: &Turn) -> bool {
    let facts = context.facts;
    facts.role_change != RoleChangeFact::None || !facts.protected || !facts.at_home
}

/// What one turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The state before.
    pub from: StateName,
    /// The state after.
    pub to: StateName,
    /// The edge between, if the machine moved.
    pub edge: Option<Edge>,
    /// No state handles this event here.
    pub unhandled: bool,
}

/// The state machine.
pub struct Machine {
    inner: StateMachine<Handlers>,
}

impl Machine {
    /// A machine that has just started.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Handlers.state_machine(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> StateName {
        name_of(*self.inner.state())
    }

    /// Takes at most one edge.
    pub fn turn(&mut self, event: Event, facts: Facts) -> Taken {
        let from = self.state();
        let mut turn = Turn {
            facts,
            edge: None,
            unhandled: false,
        };
        self.inner.handle_with_context(&event, &mut turn);
        Taken {
            from,
            to: self.state(),
            edge: turn.edge,
            unhandled: turn.unhandled,
        }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Machine {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Machine").field(&self.state()).finish()
    }
}

const fn name_of(state: State) -> StateName {
    match state {
        State::Recovering {} => StateName::Recovering,
        State::Serving {} => StateName::Serving,
        State::Draining {} => StateName::Draining,
        State::SelfFenced {} => StateName::SelfFenced,
        State::Steady {} => StateName::Steady,
        State::Suspicious {} => StateName::Suspicious,
        State::Blocked {} => StateName::Blocked,
        State::Claiming {} => StateName::Claiming,
        State::Acquiring {} => StateName::Acquiring,
        State::Moving {} => StateName::Moving,
        State::Verifying {} => StateName::Verifying,
        State::Reverting {} => StateName::Reverting,
        State::Rejoining {} => StateName::Rejoining,
        State::Reconciling {} => StateName::Reconciling,
        State::Soaking {} => StateName::Soaking,
        State::Quiescing {} => StateName::Quiescing,
        State::SwitchingOver {} => StateName::SwitchingOver,
        State::Redirecting {} => StateName::Redirecting,
        State::Confirming {} => StateName::Confirming,
        State::RollingBack {} => StateName::RollingBack,
        State::NeedsOperator {} => StateName::NeedsOperator,
    }
}
