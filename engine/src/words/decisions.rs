//! Decisions, guards and what they saw.

use super::{Names, duration, region};
use crate::core::decision::{Decision, Finding, Flip, Guard, Relation, Value, Verdict};
use crate::core::evidence::{Assessment, WitnessState};

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
pub fn value(value: Value, names: Names<'_>) -> String {
    match value {
        Value::Unknown => "unknown".to_owned(),
        Value::Flag(true) => "yes".to_owned(),
        Value::Flag(false) => "no".to_owned(),
        Value::Count(count) => count.to_string(),
        Value::Span(span) => duration(span),
        Value::Assessment(seen) => assessment(seen).to_owned(),
        Value::Epoch(epoch) => format!("epoch {epoch}"),
        Value::Region(seen) => region(seen, names).to_owned(),
    }
}

/// A guard's finding in a sentence.
#[must_use]
pub fn finding(finding: &Finding, names: Names<'_>) -> String {
    format!("{}: {}", guard_subject(finding.guard), comparison(finding, names))
}

/// What a guard saw, and what it needs.
#[must_use]
pub fn comparison(finding: &Finding, names: Names<'_>) -> String {
    let saw = value(finding.saw, names);
    match (finding.relation, finding.needs) {
        (Relation::Is, Value::Flag(_)) if finding.passed => saw,
        (Relation::AtLeast, needs) => format!("{saw}, needs at least {}", value(needs, names)),
        (Relation::AtMost, needs) => format!("{saw}, needs at most {}", value(needs, names)),
        (Relation::Is, needs) => format!("{saw}, needs {}", value(needs, names)),
    }
}

/// The smallest change in a sentence.
#[must_use]
pub fn flip(flip: &Flip, names: Names<'_>) -> String {
    let others = match flip.others {
        0 => String::new(),
        1 => ", and one other guard stood in the way".to_owned(),
        count => format!(", and {count} other guards stood in the way"),
    };
    format!(
        "{}: {} instead of {}{others}",
        guard_subject(flip.guard),
        value(flip.instead, names),
        value(flip.saw, names)
    )
}

/// A decision in a sentence.
#[must_use]
pub fn decision(decision: &Decision, names: Names<'_>) -> String {
    let target = region(decision.target, names);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NAMES: Names<'_> = ["us-east-1", "us-east-2"];

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
            finding(&seen, NAMES),
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
            flip(&seen, NAMES),
            "time for which they have agreed: 2 s instead of 1.500 s, and one other guard stood in the way"
        );
    }
}
