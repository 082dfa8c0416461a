//! The edges: for each its guard, and the sentence that the operator reads in the log.
//!
//! Which states an edge joins is not written down here: it is derived by exploring the machine, so that there is only
//! one table.

use serde::{Deserialize, Serialize};

macro_rules! edges {
    ($($(#[$doc:meta])* $name:ident { $guard:literal, $sentence:literal })*) => {
        /// Why the machine moved.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Edge {
            $(#[doc = $sentence] $name,)*
        }

        impl Edge {
            /// All edges.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The condition under which the edge is taken, beyond its trigger.
            #[must_use]
            pub const fn guard(self) -> &'static str {
                match self { $(Self::$name => $guard,)* }
            }

            /// What the operator reads in the log.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

edges! {
    RecoveredServing { "everything read; we hold the lease, protected", "We hold the lease and a standby is ready: serving." }
    RecoveredUnprotected { "everything read; we hold the lease, unprotected", "We hold the lease and no standby is ready: serving unprotected." }
    RecoveredAway { "everything read; we hold the lease away from home, protected", "We hold the lease away from home: serving, and watching the home region prove itself." }
    RecoveredStandingBy { "everything read; the other region holds the lease", "The other region holds the lease: standing by." }
    RecoveredPassive { "everything read; we hold the lease, and this sidecar does not drive", "Our region holds the lease and this sidecar does not drive it: leaving role changes alone." }
    DriverReplaced { "this sidecar does not drive any more", "This sidecar could not show in time that it drives its region: leaving the role change to the one that does." }
    DriverInherited { "this sidecar drives, and something is unfinished", "This sidecar drives its region now, and something is unfinished: looking at everything before going on." }
    ClaimUnjustified { "our claim stands, this sidecar drives, the other region is well or was not found lost in time", "A claim of ours stands in the lease without a loss that justifies it: withdrawing it." }
    ResumedClaim { "our claim stands, and this sidecar drives", "Our region's claim stands in the lease: going on with the failover." }
    ResumedFailover { "everything read; the lease item records a failover to us", "The lease item records an unfinished failover to us: going on with it." }
    ResumedFailback { "everything read; the lease item records a failback", "The lease item records an unfinished failback: looking where the writer is before going on." }
    OperatorStillAsked { "everything read; a human was asked before the restart", "A human was asked to take over before this sidecar restarted, and has not answered: waiting on." }
    RecoveryOverdue { "", "Lease, writer or switches could not be read in time: serving nothing, and going on as soon as they can." }
    ClaimSeen { "the other region has claimed", "The other region has claimed the lease: finishing the orders in hand and stopping." }
    LeaseLapsed { "our lease has run out", "The lease could not be renewed in time: this region stops serving by itself." }
    Superseded { "the other region holds the lease", "The other region holds the lease now: this region no longer serves." }
    ShutdownWhileServing { "", "This sidecar is being shut down, and no other has taken over from it: finishing the orders in hand and releasing the lease." }
    Drained { "", "The orders in hand are finished and the lease is released." }
    DrainOverdue { "", "Draining took too long: stopping with orders in hand." }
    Reinstated { "we hold the lease again", "The lease is ours again: looking at everything before serving." }
    LeaseArrived { "we hold the lease", "The lease is with this region now: looking at everything before serving." }
    BreachSeen { "something is breached", "A witness calls the serving region breached: corroborating." }
    BreachCleared { "nothing is breached any more", "The breach has cleared before a quorum had held for its dwell: standing by." }
    SuspicionOverdue { "", "No quorum was found in time: holding, and watching on." }
    QuorumAgreed { "a quorum held for its dwell, and all guards agree", "The serving region is lost and every guard agrees: taking over." }
    QuorumBlocked { "a quorum held for its dwell, and a guard objects", "The serving region is lost, but a guard forbids the failover." }
    BlockLifted { "the quorum still holds, and all guards agree", "What forbade the failover has gone, and the region is still lost: taking over." }
    QuorumDissolved { "no quorum any more, something is still breached", "The quorum has dissolved while the failover was blocked: corroborating again." }
    OperatorFailover { "the guards that bind an operator agree", "An operator asked for the failover: taking over." }
    ClaimAccepted { "", "The claim is in the lease: the holder cannot renew. Redirection begins." }
    ClaimRefused { "", "The claim was refused or declined: undoing what was begun." }
    ClaimNeedless { "nothing is breached any more", "The breach has cleared before the claim was accepted: withdrawing it." }
    ClaimOverdue { "", "The claim did not get into the lease in time: undoing what was begun." }
    EpochRaised { "", "The lease is ours in a new epoch: promoting the database." }
    EpochRefused { "", "The lease changed while we waited: undoing what was begun." }
    AcquireOverdue { "", "The epoch could not be raised in time: undoing what was begun." }
    Promoted { "", "The database takes writes and the order path is open: checking the result." }
    PromotionRefused { "", "The database refused the promotion: undoing what was begun." }
    MoveOverdue { "", "Promotion or redirection is not done long after the budget: an operator is needed." }
    FailoverVerified { "", "Orders are processed here and the public name answers with this region: the failover is complete." }
    VerificationFailed { "", "The failover went through but its result could not be verified: an operator is needed." }
    Reverted { "", "Everything that was begun is undone: standing by." }
    RevertFailed { "", "What was begun could not be undone: an operator is needed." }
    Rejoined { "", "The other region's database follows this one again: looking for what was lost." }
    RejoinFailed { "", "The other region's database could not be rebuilt: an operator is needed." }
    ReconciledAtHome { "this is the home region", "What was lost is reported and the standby is ready: serving at home." }
    ReconciledAway { "this is not the home region", "What was lost is reported and the standby is ready: watching the home region prove itself." }
    ReconcileFailed { "", "What was lost could not be determined: an operator is needed." }
    SoakOver { "all guards of a failback agree", "The home region has proved itself: taking the platform home." }
    OperatorFailback { "the guards that bind an operator agree", "An operator asked for the failback: taking the platform home." }
    Quiesced { "", "No order is in hand: moving the writer home." }
    QuiesceFailed { "", "The order path could not be stopped, or the failback was declined: rolling back." }
    WriterHome { "", "The writer is at home: moving clients and the lease." }
    SwitchoverFailed { "", "The writer did not move home: rolling back." }
    LeaseHandedOver { "", "The lease is with the home region: watching it serve." }
    RedirectFailed { "", "Clients or the lease could not be moved home after the writer had moved: an operator is needed." }
    HomeConfirmed { "", "The home region serves and the public name answers with it: standing by." }
    ConfirmFailed { "", "The home region was not seen to serve: an operator is needed." }
    HomeLostAgain { "a quorum has called the home region lost for its dwell", "The home region was lost while it was being confirmed: standing by, to judge it." }
    RolledBack { "", "The failback is undone and this region serves again." }
    RollForward { "the writer is at home after all", "The writer moved home after all: going on." }
    RollBackFailed { "", "The failback could be neither finished nor undone: an operator is needed." }
    Acknowledged { "", "An operator took note: looking at everything before going on." }
}
