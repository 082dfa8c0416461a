//! Intents, their outcomes, and what people are told.

use super::{Names, region};
use crate::core::effect::{Announcement, Gate, Intent, Outcome, PageReason};
use crate::core::ids::Switch;
use crate::core::lease::LeaseRequest;

/// What an intent does. None for the routine ones, which nobody wants to read.
#[must_use]
pub fn intent(intent: &Intent, names: Names<'_>) -> Option<String> {
    Some(match *intent {
        Intent::Lease { request, .. } => lease_request(&request)?.to_owned(),
        Intent::ReadDatabaseClock | Intent::WriteServing { .. } | Intent::ReadSwitches | Intent::TellPeer(_) => {
            return None;
        }
        Intent::PromoteDatabase { .. } => "promote the own database".to_owned(),
        Intent::SwitchOverDatabase { to } => format!("switch the writer over to {}", region(to, names)),
        Intent::DescribeDatabase => return None,
        Intent::RejoinDatabase => "rebuild the other region's database as a standby".to_owned(),
        Intent::ReconcileDatabase => "find out what was lost".to_owned(),
        Intent::SetSwitch {
            switch: which, engaged, ..
        } => {
            let verb = if engaged { "engage" } else { "disengage" };
            format!("{verb} switch {}", switch(which))
        }
        Intent::PinRecord { to } => format!("pin the public record to {}", region(to, names)),
        Intent::UnpinRecord => "let the public record follow its health checks again".to_owned(),
        Intent::OpenIntake => "accept orders".to_owned(),
        Intent::OpenProcessing => "process orders".to_owned(),
        Intent::CloseOrderPath => "stop accepting and processing orders".to_owned(),
        Intent::VerifyWrite => "commit a probe order".to_owned(),
        Intent::VerifyRouting { region: to } => {
            format!("see whether the public name answers with {}", region(to, names))
        }
        Intent::RequestApproval(what) => format!("ask humans to approve: {}", gate(what)),
        Intent::Announce(what) => format!("announce: {}", announcement(what)),
        Intent::Page(reason) => format!("page a human: {}", page_reason(reason)),
    })
}

const fn lease_request(request: &LeaseRequest) -> Option<&'static str> {
    match request {
        LeaseRequest::Read | LeaseRequest::Renew { .. } | LeaseRequest::Drive { .. } => None,
        LeaseRequest::Claim { .. } => Some("claim the lease"),
        LeaseRequest::Withdraw { .. } => Some("withdraw the claim"),
        LeaseRequest::Acquire { .. } => Some("raise the epoch"),
        LeaseRequest::Release { .. } => Some("release the lease"),
        LeaseRequest::Transfer { .. } => Some("hand the lease over"),
        LeaseRequest::Record { .. } => Some("record the role change's step in the lease"),
    }
}

/// A switch's name.
#[must_use]
pub const fn switch(switch: Switch) -> &'static str {
    match switch {
        Switch::A => "A",
        Switch::B => "B",
    }
}

/// A gate's name.
#[must_use]
pub const fn gate(gate: Gate) -> &'static str {
    match gate {
        Gate::Failover => "failover",
        Gate::Failback => "failback",
        Gate::VenueReconciliation => "venue reconciliation",
    }
}

/// An announcement in words.
#[must_use]
pub const fn announcement(announcement: Announcement) -> &'static str {
    match announcement {
        Announcement::FailoverStarted => "failover started",
        Announcement::FailoverCompleted => "failover complete",
        Announcement::FailoverReverted => "failover undone",
        Announcement::FailbackStarted => "failback started",
        Announcement::FailbackCompleted => "failback complete",
        Announcement::FailbackRolledBack => "failback undone",
    }
}

/// Why a human is paged, in words.
#[must_use]
pub const fn page_reason(reason: PageReason) -> &'static str {
    match reason {
        PageReason::Blocked => "a failover is called for and a guard forbids it",
        PageReason::Loss => "a loss for which the policy wants a human",
        PageReason::StandbyLost => "the standby is lost: serving without one",
        PageReason::NeedsOperator => "the engine cannot go on by itself",
        PageReason::CannotRead => "this sidecar cannot read where the platform stands, and serves nothing until it can",
        PageReason::SelfFenced => "this region stopped serving by itself",
        PageReason::FailedOver => "a failover happened",
        PageReason::FailbackFailed => "coming home was undone; it is tried again after another soak",
        PageReason::OrdersLost => "acknowledged orders did not survive",
    }
}

/// The name of an intent's kind, as metrics and traces carry it.
#[must_use]
pub const fn intent_name(intent: &Intent) -> &'static str {
    match intent {
        Intent::Lease { request, .. } => match request {
            LeaseRequest::Read => "read-lease",
            LeaseRequest::Renew { .. } => "renew-lease",
            LeaseRequest::Claim { .. } => "claim-lease",
            LeaseRequest::Withdraw { .. } => "withdraw-claim",
            LeaseRequest::Acquire { .. } => "raise-epoch",
            LeaseRequest::Release { .. } => "release-lease",
            LeaseRequest::Transfer { .. } => "transfer-lease",
            LeaseRequest::Record { .. } => "record-role-change",
            LeaseRequest::Drive { .. } => "drive",
        },
        Intent::ReadDatabaseClock => "read-database-clock",
        Intent::WriteServing { .. } => "write-serving",
        Intent::TellPeer(_) => "tell-peer",
        Intent::PromoteDatabase { .. } => "promote-database",
        Intent::SwitchOverDatabase { .. } => "switch-over-database",
        Intent::DescribeDatabase => "describe-database",
        Intent::RejoinDatabase => "rejoin-database",
        Intent::ReconcileDatabase => "reconcile-database",
        Intent::SetSwitch { .. } => "set-switch",
        Intent::ReadSwitches => "read-switches",
        Intent::PinRecord { .. } => "pin-record",
        Intent::UnpinRecord => "unpin-record",
        Intent::OpenIntake => "open-intake",
        Intent::OpenProcessing => "open-processing",
        Intent::CloseOrderPath => "close-order-path",
        Intent::VerifyWrite => "verify-write",
        Intent::VerifyRouting { .. } => "verify-routing",
        Intent::RequestApproval(_) => "request-approval",
        Intent::Announce(_) => "announce",
        Intent::Page(_) => "page",
    }
}

/// How an effect turned out, in one word: `done`, `conflict`, `refused`, `failed` or `unknown`.
#[must_use]
pub const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done
        | Outcome::Lease(_)
        | Outcome::DatabaseClock(_)
        | Outcome::Database(_)
        | Outcome::Switches(_)
        | Outcome::Reconciled(_) => "done",
        Outcome::Conflict(_) => "conflict",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
        Outcome::TimedOut => "unknown",
    }
}
