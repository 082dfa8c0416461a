//! The guards: each evaluated to a finding, with what it saw and what it needs.

use std::time::Duration;

use understudy_policies::model::{Component, LossAction, WhenUnknown};

use super::{Engine, Objections};
use crate::core::decision::{Decision, Finding, Flip, Guard, Relation, Value, Verdict};
use crate::core::evidence::{Assessment, Tally};
use crate::core::ids::Region;
use crate::core::time::Now;

pub(super) const fn flag(guard: Guard, passed: bool) -> Finding {
    Finding {
        guard,
        passed,
        saw: Value::Flag(passed),
        relation: Relation::Is,
        needs: Value::Flag(true),
    }
}

fn at_least(guard: Guard, saw: Duration, needs: Duration) -> Finding {
    Finding {
        guard,
        passed: saw >= needs,
        saw: Value::Span(saw),
        relation: Relation::AtLeast,
        needs: Value::Span(needs),
    }
}

impl Engine {
    /// Whether every guard of a failover agrees.
    pub(super) fn failover_agreed(&self, now: Now) -> bool {
        let mut agreed = true;
        self.each_failover_guard(now, |finding| agreed &= finding.passed);
        agreed
    }

    /// Whether every guard of a failback agrees.
    pub(super) fn failback_agreed(&self, now: Now) -> bool {
        let mut agreed = true;
        self.each_failback_guard(now, |finding| agreed &= finding.passed);
        agreed
    }

    /// The first guard that objects even to an operator's failover. Evidence, cool-down and counts do not bind them.
    pub(super) fn operator_failover_objection(&self, now: Now) -> Option<Guard> {
        let mut objection = None;
        self.each_failover_guard(now, |finding| {
            if finding.guard.binds_asked_failover() && !finding.passed && objection.is_none() {
                objection = Some(finding.guard);
            }
        });
        objection
    }

    /// The first guard that objects even to an operator's failback. Soak, calendar and mode do not bind them.
    pub(super) fn operator_failback_objection(&self, now: Now) -> Option<Guard> {
        // Whoever asks, the platform does not go where nobody can serve.
        if self.healthy_since[self.other().index()].is_none() {
            return Some(Guard::Soak);
        }
        let mut objection = None;
        self.each_failback_guard(now, |finding| {
            if finding.guard.binds_asked_failback() && !finding.passed && objection.is_none() {
                objection = Some(finding.guard);
            }
        });
        objection
    }

    /// A decision about a failover as the guards stand now.
    pub(super) fn judge_failover(&self, now: Now, verdict: Verdict) -> Decision {
        let mut findings = Vec::new();
        self.each_failover_guard(now, |finding| findings.push(finding));
        self.decision(now, verdict, self.other(), findings)
    }

    /// Why a suspicion led to nothing: by the strongest evidence that it saw, not by what is left of it.
    pub(super) fn judge_suspicion(&self, now: Now) -> Decision {
        let quorum = &self.settings.policy.quorum;
        let suspicion = self.suspicion;
        let agreed = self.lost_for(now.boot).unwrap_or_default().max(suspicion.agreed);
        let mut findings = Vec::new();
        self.each_failover_guard(now, |finding| match finding.guard {
            Guard::Quorum => {
                let passed = suspicion.domains >= quorum.failure_domains;
                findings.push(Finding {
                    passed,
                    saw: Value::Count(suspicion.domains),
                    ..finding
                });
                if passed {
                    findings.push(at_least(Guard::Dwell, agreed, self.dwell(now.boot)));
                }
            }
            Guard::Dwell | Guard::LossAction | Guard::LossWait => {}
            _ => findings.push(finding),
        });
        self.decision(now, Verdict::Hold, self.other(), findings)
    }

    /// A decision about a failback as the guards stand now.
    pub(super) fn judge_failback(&self, now: Now, verdict: Verdict) -> Decision {
        let mut findings = Vec::new();
        self.each_failback_guard(now, |finding| findings.push(finding));
        self.decision(now, verdict, self.other(), findings)
    }

    pub(super) fn decision(&self, now: Now, verdict: Verdict, target: Region, findings: Vec<Finding>) -> Decision {
        let flip = smallest_flip(&findings);
        Decision {
            at: now,
            verdict,
            target,
            assessment: self.assessment(target),
            findings,
            flip,
        }
    }

    /// The set of guards that object to a failover.
    pub(super) fn failover_objections(&self, now: Now) -> Objections {
        let mut guards = 0;
        self.each_failover_guard(now, |finding| {
            guards |= u32::from(!finding.passed) << finding.guard as u32;
        });
        Objections {
            failback: false,
            guards,
        }
    }

    /// The set of guards that object to a failback.
    pub(super) fn failback_objections(&self, now: Now) -> Objections {
        let mut guards = 0;
        self.each_failback_guard(now, |finding| {
            guards |= u32::from(!finding.passed) << finding.guard as u32;
        });
        Objections { failback: true, guards }
    }

    /// What the quorum says about the other region: the stronger of what is said of its parts.
    pub(super) fn quorum_tally(&self) -> Tally {
        let application = self
            .evidence
            .tally(&self.settings, self.other(), Component::Application);
        let database = self.evidence.tally(&self.settings, self.other(), Component::Database);
        if database.breached > application.breached {
            database
        } else {
            application
        }
    }

    pub(super) fn each_failover_guard(&self, now: Now, mut find: impl FnMut(Finding)) {
        let policy = &self.settings.policy;
        let assessment = self.assessment(self.other());
        find(flag(Guard::NotIsolated, assessment != Assessment::Isolated));
        find(flag(Guard::NotShared, assessment != Assessment::SharedFault));
        let tally = self.quorum_tally();
        find(Finding {
            guard: Guard::Quorum,
            passed: assessment.is_loss(),
            saw: Value::Count(tally.breached),
            relation: Relation::AtLeast,
            needs: Value::Count(policy.quorum.failure_domains),
        });
        // Without a quorum these have nothing to judge.
        if let (Some(rule), Some(lost_for)) = (self.settings.loss_rule(assessment), self.lost_for(now.boot)) {
            let dwell = self.dwell(now.boot);
            find(at_least(Guard::Dwell, lost_for, dwell));
            find(flag(Guard::LossAction, rule.action == LossAction::FailOver));
            if !rule.wait.is_zero() {
                find(at_least(Guard::LossWait, lost_for, dwell + rule.wait));
            }
        }
        self.each_standing_guard(now, &mut find);
        let record = self.keeper.record();
        let theirs = record.is_some_and(|record| {
            record.holder == self.other() && record.claim.is_none_or(|claim| claim.region == self.identity.region)
        });
        find(flag(Guard::Lease, theirs));
        find(flag(Guard::Protected, record.is_some_and(|record| record.protected)));
        let own = self.assessment(self.identity.region);
        find(Finding {
            guard: Guard::OwnRegion,
            // One witness that finds fault from outside does not make this region worse than a lost one.
            passed: !self.evidence.own_region_breached(&self.settings) && !own.is_loss(),
            saw: Value::Assessment(own),
            relation: Relation::Is,
            needs: Value::Assessment(Assessment::Steady),
        });
        if let Some(finding) = self.cool_down(now, assessment) {
            find(finding);
        }
        find(self.role_change_limit(now));
        find(self.data_loss(now, assessment));
    }

    pub(super) fn each_failback_guard(&self, now: Now, mut find: impl FnMut(Finding)) {
        let policy = &self.settings.policy;
        let home = self.other();
        find(flag(Guard::FailbackMode, self.settings.failback_is_automatic()));
        self.each_standing_guard(now, &mut find);
        find(flag(
            Guard::Protected,
            self.keeper.record().is_some_and(|record| record.protected),
        ));
        let healthy_for = self.soaking_since[home.index()].map_or(Duration::ZERO, |since| now.boot.since(since));
        find(at_least(Guard::Soak, healthy_for, policy.failback.soak));
        if policy.failback.wait_for_health_event {
            find(flag(
                Guard::NoHealthEvent,
                !self.evidence.health_event_open(&self.settings, home),
            ));
        }
        if !policy.failback.during_trading {
            find(flag(Guard::OutsideTrading, !self.settings.calendar.trades(now.wall)));
        }
        find(self.role_change_limit(now));
    }

    /// The guards of every role change.
    fn each_standing_guard(&self, now: Now, find: &mut impl FnMut(Finding)) {
        let disarmed = !self.is_armed() && !seeded!(self.settings.bug, ActsDisarmed);
        find(flag(Guard::Armed, !disarmed));
        let paused = self.paused && !seeded!(self.settings.bug, IgnoresPause);
        find(flag(Guard::NotPaused, !paused && self.leaving.is_none()));
        if self.keeps_lease {
            find(flag(Guard::Drives, self.keeper.drives(now.boot)));
        }
        // An event of its end may be lost; it cannot last longer than the state that does the same.
        let limit = self.settings.policy.deadlines.moving;
        let running = self.execution_since.is_some_and(|since| now.boot < since.after(limit));
        find(flag(Guard::NoExecution, !running));
    }

    /// None while no role change is known.
    fn cool_down(&self, now: Now, assessment: Assessment) -> Option<Finding> {
        let guards = &self.settings.policy.guards;
        let quiet_for = self.role_changes.back().map(|at| now.boot.since(*at))?;
        let escapes =
            guards.cool_down_escape && assessment == Assessment::RegionLost && now.boot >= self.keeper.expires_at();
        let finding = at_least(Guard::CoolDown, quiet_for, guards.cool_down);
        Some(Finding {
            passed: finding.passed || escapes || seeded!(self.settings.bug, NoCoolDown),
            ..finding
        })
    }

    fn role_change_limit(&self, now: Now) -> Finding {
        let guards = &self.settings.policy.guards;
        let since = now.boot.before(guards.role_changes_window);
        let count = self.role_changes.iter().filter(|at| **at >= since).count();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let most = guards.role_changes_max.saturating_sub(1);
        Finding {
            guard: Guard::RoleChanges,
            passed: count <= most,
            saw: Value::Count(count),
            relation: Relation::AtMost,
            needs: Value::Count(most),
        }
    }

    fn data_loss(&self, now: Now, assessment: Assessment) -> Finding {
        let bound = &self.settings.policy.guards.data_loss;
        let accepted = self.loss_accepted && self.settings.policy.gates.two_person_loss;
        // With the database lost, the lag that matters is the one before the breach: nobody can measure it afterwards.
        let database_lost = matches!(assessment, Assessment::RegionLost | Assessment::DatabaseLost);
        let (lag, counted_from) = match self.ledger.first_breach {
            Some(breach) if database_lost => (self.lag_at_breach, breach),
            _ => (self.evidence.lag(), now.boot),
        };
        let known = lag.filter(|(_, at)| counted_from.since(*at) <= bound.lag_age_max);
        let (saw, passed) = match known {
            Some((lag, _)) => (Value::Span(lag), lag <= bound.lag_max),
            None => (Value::Unknown, bound.lag_unknown == WhenUnknown::Proceed),
        };
        Finding {
            guard: Guard::DataLoss,
            passed: passed || accepted || seeded!(self.settings.bug, IgnoresLag),
            saw,
            relation: Relation::AtMost,
            needs: Value::Span(bound.lag_max),
        }
    }
}

/// The smallest change that would have turned the decision: the first guard that objected, with what would have
/// satisfied it and how many others stood in the way; or, when all agreed, one failure domain fewer in the quorum.
fn smallest_flip(findings: &[Finding]) -> Option<Flip> {
    let mut objecting = findings.iter().filter(|finding| !finding.passed);
    if let Some(first) = objecting.next() {
        let others = u32::try_from(objecting.count()).unwrap_or(u32::MAX);
        return Some(Flip {
            guard: first.guard,
            saw: first.saw,
            instead: first.needs,
            others,
        });
    }
    let quorum = findings.iter().find(|finding| finding.guard == Guard::Quorum);
    let turned = quorum.or_else(|| findings.first())?;
    let instead = match turned.needs {
        Value::Count(needs) => Value::Count(needs.saturating_sub(1)),
        Value::Flag(needs) => Value::Flag(!needs),
        other => other,
    };
    Some(Flip {
        guard: turned.guard,
        saw: turned.saw,
        instead,
        others: 0,
    })
}
