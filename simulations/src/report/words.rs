//! The engine's names and values as a person reads them.

use std::time::Duration;

use understudy_engine::core::decision::{Decision, Finding, Flip, Guard, Relation, Value, Verdict};
use understudy_engine::core::effect::{Announcement, Gate, Intent, PageReason};
use understudy_engine::core::evidence::{Assessment, WitnessState};
use understudy_engine::core::ids::{Region, Switch};
use understudy_engine::core::lease::LeaseRequest;

use crate::scenario::Place;

/// A region's name.
#[must_use]
pub fn region(region: Region) -> &'static str {
    Place::from(region).name()
}

/// A verdict's name.
#[must_use]
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::FailOver => "fail-over",
        Verdict::WouldFailOver => "would-fail-over",
        Verdict::Blocked => "blocked",
        Verdict::Hold => "hold",
        Verdict::FailBack => "fail-back",
        Verdict::WouldFailBack => "would-fail-back",
        Verdict::HoldFailback => "hold-failback",
        Verdict::Fence => "fence",
    }
}

/// An assessment's name.
#[must_use]
pub const fn assessment(assessment: Assessment) -> &'static str {
    match assessment {
        Assessment::Unknown => "unknown",
        Assessment::Steady => "steady",
        Assessment::Degraded => "degraded",
        Assessment::DatabaseLost => "database lost",
        Assessment::ApplicationLost => "application lost",
        Assessment::RegionLost => "region lost",
        Assessment::Isolated => "isolated",
        Assessment::SharedFault => "shared fault",
    }
}

/// A witness's state.
#[must_use]
pub const fn witness_state(state: WitnessState) -> &'static str {
    match state {
        WitnessState::Missing => "missing",
        WitnessState::Healthy => "healthy",
        WitnessState::Breached => "breached",
    }
}

/// A guard's name.
#[must_use]
pub const fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::Quorum => "quorum",
        Guard::Dwell => "dwell",
        Guard::LossAction => "loss-action",
        Guard::LossWait => "loss-wait",
        Guard::NotShared => "not-shared",
        Guard::NotIsolated => "not-isolated",
        Guard::OwnRegion => "own-region",
        Guard::Protected => "protected",
        Guard::Armed => "armed",
        Guard::NotPaused => "not-paused",
        Guard::Drives => "drives",
        Guard::CoolDown => "cool-down",
        Guard::RoleChanges => "role-changes",
        Guard::DataLoss => "data-loss",
        Guard::NoExecution => "no-execution",
        Guard::Lease => "lease",
        Guard::Soak => "soak",
        Guard::OutsideTrading => "outside-trading",
        Guard::NoHealthEvent => "no-health-event",
        Guard::FailbackMode => "failback-mode",
    }
}

/// What a guard looks at, as the subject of a sentence.
#[must_use]
pub const fn guard_subject(guard: Guard) -> &'static str {
    match guard {
        Guard::Quorum => "failure domains that call the region breached",
        Guard::Dwell => "time for which they have agreed",
        Guard::LossAction => "the policy fails over for this class of loss",
        Guard::LossWait => "time for which the loss has lasted",
        Guard::NotShared => "the fault is not shared by both regions",
        Guard::NotIsolated => "it is not this sidecar that is cut off",
        Guard::OwnRegion => "this region is fit to serve",
        Guard::Protected => "the standby's database can be promoted",
        Guard::Armed => "the engine is armed",
        Guard::NotPaused => "nobody has paused role changes",
        Guard::Drives => "this sidecar drives its region",
        Guard::CoolDown => "time since the last role change",
        Guard::RoleChanges => "earlier role changes within the window",
        Guard::DataLoss => "replication lag before the first breach",
        Guard::NoExecution => "no Step Functions execution is doing the same",
        Guard::Lease => "the other region holds the lease, unclaimed by anyone else",
        Guard::Soak => "time for which the home region has been healthy",
        Guard::OutsideTrading => "the market is closed",
        Guard::NoHealthEvent => "the provider reports no open event",
        Guard::FailbackMode => "failback is automatic or asked for",
    }
}

/// A value.
#[must_use]
pub fn value(value: Value) -> String {
    match value {
        Value::Unknown => "unknown".to_owned(),
        Value::Flag(true) => "yes".to_owned(),
        Value::Flag(false) => "no".to_owned(),
        Value::Count(count) => count.to_string(),
        Value::Span(span) => duration(span),
        Value::Assessment(seen) => assessment(seen).to_owned(),
        Value::Epoch(epoch) => format!("epoch {epoch}"),
        Value::Region(seen) => region(seen).to_owned(),
    }
}

/// A time span to the millisecond, largest units first, at most two of them.
#[must_use]
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    let millis = span.subsec_millis();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, secs) if millis == 0 => format!("{secs} s"),
        (0, 0, secs) => format!("{secs}.{millis:03} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A guard's finding in a sentence.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    format!("{}: {}", guard_subject(finding.guard), comparison(finding))
}

fn comparison(finding: &Finding) -> String {
    let saw = value(finding.saw);
    match (finding.relation, finding.needs) {
        (Relation::Is, Value::Flag(_)) if finding.passed => saw,
        (Relation::AtLeast, needs) => format!("{saw}, needs at least {}", value(needs)),
        (Relation::AtMost, needs) => format!("{saw}, needs at most {}", value(needs)),
        (Relation::Is, needs) => format!("{saw}, needs {}", value(needs)),
    }
}

/// The smallest change in a sentence.
#[must_use]
pub fn flip(flip: &Flip) -> String {
    let others = match flip.others {
        0 => String::new(),
        1 => ", and one other guard stood in the way".to_owned(),
        count => format!(", and {count} other guards stood in the way"),
    };
    format!(
        "{}: {} instead of {}{others}",
        guard_subject(flip.guard),
        value(flip.instead),
        value(flip.saw)
    )
}

/// A decision in a sentence.
#[must_use]
pub fn decision(decision: &Decision) -> String {
    let target = region(decision.target);
    let seen = assessment(decision.assessment);
    match decision.verdict {
        Verdict::FailOver => format!("fail over: {target} is assessed as {seen}, and every guard agrees"),
        Verdict::WouldFailOver => format!("would fail over if it were armed: {target} is assessed as {seen}"),
        Verdict::Blocked => {
            let objections: Vec<_> = decision
                .findings
                .iter()
                .filter(|finding| !finding.passed)
                .map(|finding| guard(finding.guard))
                .collect();
            format!(
                "blocked: {target} is assessed as {seen}; objecting: {}",
                objections.join(", ")
            )
        }
        Verdict::Hold => format!("hold: {target} is assessed as {seen}"),
        Verdict::FailBack => format!("come home: {target} has proved itself, and every guard agrees"),
        Verdict::WouldFailBack => format!("would come home if it were armed: {target} has proved itself"),
        Verdict::HoldFailback => format!("not yet home: {target} is assessed as {seen}"),
        Verdict::Fence => format!("stop serving: {target} is assessed as {seen}"),
    }
}

/// What an intent does. None for the routine ones, which nobody wants to read.
#[must_use]
pub fn intent(intent: &Intent) -> Option<String> {
    Some(match *intent {
        Intent::Lease { request, .. } => lease_request(&request)?.to_owned(),
        Intent::ReadDatabaseClock | Intent::WriteServing { .. } | Intent::ReadSwitches | Intent::TellPeer(_) => {
            return None;
        }
        Intent::PromoteDatabase { .. } => "promote the own database".to_owned(),
        Intent::SwitchOverDatabase { to } => format!("switch the writer over to {}", region(to)),
        Intent::DescribeDatabase => return None,
        Intent::RejoinDatabase => "rebuild the other region's database as a standby".to_owned(),
        Intent::ReconcileDatabase => "find out what was lost".to_owned(),
        Intent::SetSwitch {
            switch: which, engaged, ..
        } => {
            let verb = if engaged { "engage" } else { "disengage" };
            format!("{verb} switch {}", switch(which))
        }
        Intent::PinRecord { to } => format!("pin the public record to {}", region(to)),
        Intent::UnpinRecord => "let the public record follow its health checks again".to_owned(),
        Intent::OpenIntake => "accept orders".to_owned(),
        Intent::OpenProcessing => "process orders".to_owned(),
        Intent::CloseOrderPath => "stop accepting and processing orders".to_owned(),
        Intent::VerifyWrite => "commit a probe order".to_owned(),
        Intent::VerifyRouting { region: to } => format!("see whether the public name answers with {}", region(to)),
        Intent::RequestApproval(gate) => format!("ask humans to approve: {}", gate_name(gate)),
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

const fn gate_name(gate: Gate) -> &'static str {
    match gate {
        Gate::Failover => "failover",
        Gate::Failback => "failback",
        Gate::VenueReconciliation => "venue reconciliation",
    }
}

const fn announcement(announcement: Announcement) -> &'static str {
    match announcement {
        Announcement::FailoverStarted => "failover started",
        Announcement::FailoverCompleted => "failover complete",
        Announcement::FailoverReverted => "failover undone",
        Announcement::FailbackStarted => "failback started",
        Announcement::FailbackCompleted => "failback complete",
        Announcement::FailbackRolledBack => "failback undone",
    }
}

const fn page_reason(reason: PageReason) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_person_writes_them() {
        for (millis, text) in [
            (0, "0 s"),
            (1_500, "1.500 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (7_200_000, "2 h"),
            (7_260_000, "2 h 1 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_failed_guard_says_what_it_saw_and_what_it_needs() {
        let seen = Finding {
            guard: Guard::Quorum,
            passed: false,
            saw: Value::Count(1),
            relation: Relation::AtLeast,
            needs: Value::Count(2),
        };
        assert_eq!(
            finding(&seen),
            "failure domains that call the region breached: 1, needs at least 2"
        );
    }

    #[test]
    fn the_flip_names_what_else_stood_in_the_way() {
        let seen = Flip {
            guard: Guard::Dwell,
            saw: Value::Span(Duration::from_millis(1_500)),
            instead: Value::Span(Duration::from_secs(2)),
            others: 1,
        };
        assert_eq!(
            flip(&seen),
            "time for which they have agreed: 2 s instead of 1.500 s, and one other guard stood in the way"
        );
    }
}
