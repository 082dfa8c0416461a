//! The steps of the workflows.

use crate::workflow::{Patience, StepId};

/// What a step does.
#[must_use]
pub const fn step(step: StepId) -> &'static str {
    match step {
        StepId::ApproveFailover => "ask for approval of the failover",
        StepId::WriteClaim => "claim the lease: from here on the holder cannot renew",
        StepId::AwaitLease => "wait until the holder's lease has run out, or it has released it",
        StepId::RaiseEpoch => "become the holder of the next epoch",
        StepId::EngageSwitchA => "flip switch A to the region that takes over",
        StepId::EngageSwitchB => "flip switch B to the region that takes over",
        StepId::PromoteDatabase => "make the own region's database the writer",
        StepId::WriteServingRow => "let orders commit in the new epoch",
        StepId::ReconcileVenues => "reconcile open orders with the venues",
        StepId::OpenIntake => "accept orders durably, before the database takes writes",
        StepId::OpenProcessing => "process the orders",
        StepId::PinRecord => "pin the public record to the region that takes over",
        StepId::Announce => "tell subscribers",
        StepId::VerifyWrite => "commit a probe order",
        StepId::VerifyRouting => "look whether the public name answers with the new region",
        StepId::ApproveFailback => "ask for approval of the failback",
        StepId::CloseOrderPath => "stop accepting orders and finish those in hand",
        StepId::SwitchOverDatabase => "switch the database over without loss",
        StepId::DisengageSwitchA => "flip switch A back to the region that serves",
        StepId::DisengageSwitchB => "flip switch B back to the region that serves",
        StepId::TransferLease => "hand the lease to the home region",
        StepId::ConfirmHome => "see the home region renew",
        StepId::RecordCompletion => "record in the lease item that the failover is complete",
        StepId::AwaitRegion => "wait until the other region is healthy again",
        StepId::RejoinDatabase => "rebuild the other region's database as a standby",
        StepId::ReconcileDatabase => "find what was lost",
        StepId::MarkProtected => "record in the lease item that the other region could take over again",
        StepId::GiveUpLease => "withdraw the claim, or hand the raised lease back",
        StepId::RecordFailback => "record in the lease item that a failback begins",
        StepId::LookAtWriter => "ask the database who the writer is",
        StepId::RecordRollback => "record in the lease item that the failback is undone",
        StepId::UnpinRecord => "let the public record follow its health checks again",
    }
}

/// The bound of a step, as the policy states it.
#[must_use]
pub const fn patience(patience: Patience) -> &'static str {
    match patience {
        Patience::LeaseOperation => "lease.operation-timeout",
        Patience::LeaseExpiry => "lease.ttl + lease.drift-max",
        Patience::SwitchWrite => "bounds.switch-write",
        Patience::Promotion => "bounds.promotion + bounds.database-write",
        Patience::Switchover => "half of deadlines.handing-back",
        Patience::DatabaseWrite => "bounds.database-write",
        Patience::RecordChange => "60 s",
        Patience::Draining => "deadlines.draining",
        Patience::Check => "5 s",
        Patience::Rejoining => "deadlines.rejoining",
        Patience::Rebuild => "5 min, then it is asked again",
        Patience::Comparison => "30 min, then it is asked again",
        Patience::HandingBack => "deadlines.handing-back",
        Patience::Human => "as long as it takes",
    }
}
