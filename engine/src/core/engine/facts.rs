//! Condenses evidence, lease and guards into what the machine sees, and moves everything on that is due.

use std::time::Duration;

use super::Engine;
use crate::core::evidence::Assessment;
use crate::core::ids::Region;
use crate::core::journal::Happening;
use crate::core::lease::RoleChangeKind;
use crate::core::ledger::{Ledger, Phase};
use crate::core::machine::{Event, EvidenceFact, Facts, RoleChangeFact, StateName, TenureFact};
use crate::core::time::{Now, Timestamp, WallTime};
use understudy_policies::model::Component;

/// The most turns that one input can lead to. A machine that moves on for longer goes in circles.
const TURNS_MAX: usize = 32;

/// How often a state that waits for something without a moment of its own looks again.
const REVIEW_BLOCKED: Duration = Duration::from_secs(1);
const REVIEW_SOAKING: Duration = Duration::from_secs(60);

impl Engine {
    /// Moves on whatever is due: lease, steps, machine, until nothing changes any more.
    pub(super) fn advance(&mut self, now: Now) {
        self.hand_over(now);
        for _ in 0..TURNS_MAX {
            self.keep_lease(now);
            self.doubt_claim(now);
            self.run_steps(now);
            self.keep_order_path(now);
            self.keep_switches(now);
            if self.runner.is_done() {
                if self.turn(now, Event::StepsDone) {
                    continue;
                }
                break;
            }
            if !self.turn(now, Event::Look) {
                break;
            }
        }
        self.mark_corroboration(now);
        match self.machine.state() {
            StateName::NeedsOperator if seeded!(self.settings.bug, ResumesByItself) => {
                self.operator_asked = false;
                self.turn(now, Event::Acknowledged);
            }
            StateName::Blocked => self.record_refusal(now),
            StateName::Soaking => {
                self.record_failback_refusal(now);
                self.watch_standby(now);
            }
            StateName::Serving => self.watch_standby(now),
            _ => {}
        }
    }

    /// Takes at most one edge. Returns whether the machine moved.
    pub(super) fn turn(&mut self, now: Now, event: Event) -> bool {
        let facts = self.facts(now, event);
        let taken = self.machine.turn(event, facts);
        if taken.unhandled {
            self.disregarded.unhandled += 1;
            self.note(
                now,
                Happening::Unhandled {
                    state: taken.from,
                    event,
                },
            );
        }
        let Some(edge) = taken.edge else { return false };
        self.moved(now, taken.from, taken.to, edge);
        true
    }

    /// Looks at the evidence again. Called only when a witness has changed what it says.
    pub(super) fn reassess(&mut self, now: Now) {
        for target in Region::BOTH {
            let index = target.index();
            let before = self.assessments[index];
            let assessment = self.evidence.assess(&self.settings, target);
            if assessment != before {
                self.assessments[index] = assessment;
                self.note(
                    now,
                    Happening::Assessed {
                        target,
                        from: before,
                        to: assessment,
                    },
                );
            }
            self.count_loss(now, target, assessment);
            if target == self.other() {
                self.note_suspicion();
            }
            let healthy = self.evidence.is_proven_healthy(&self.settings, target);
            let event_open = self.settings.policy.failback.wait_for_health_event
                && self.evidence.health_event_open(&self.settings, target);
            mark_since(&mut self.healthy_since[index], healthy, now.boot);
            mark_since(&mut self.soaking_since[index], healthy && !event_open, now.boot);
        }
    }

    /// Keeps since when there has been reason for the loss. A database that is lost already lends none of its time to an
    /// application that has only just stopped answering.
    fn count_loss(&mut self, now: Now, target: Region, assessment: Assessment) {
        let index = target.index();
        let counts = !matches!(assessment, Assessment::Isolated | Assessment::SharedFault);
        let lost = |component| counts && self.evidence.is_lost(&self.settings, target, component);
        let (application, database) = (lost(Component::Application), lost(Component::Database));
        let lost_since = &mut self.lost_since[index];
        mark_since(&mut lost_since.application, application, now.boot);
        mark_since(&mut lost_since.database, database, now.boot);
        let since = lost_since.reason_for(assessment);
        let before = std::mem::replace(&mut self.loss_since[index], since);
        if since == before || target != self.other() {
            return;
        }
        if let Some(before) = before {
            self.suspicion.agreed = self.suspicion.agreed.max(now.boot.since(before));
            self.reopen_detection();
        }
        if since.is_some() && self.ledger.first_breach.is_some() && self.is_undecided() {
            self.ledger.end(Phase::Detect, now.boot);
            self.ledger.begin(Phase::Corroborate, now.boot);
        }
    }

    /// Keeps the strongest of what the witnesses said while this engine was suspicious.
    fn note_suspicion(&mut self) {
        let tally = self.quorum_tally();
        self.suspicion.domains = self.suspicion.domains.max(tally.breached);
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Timestamp {
        let now = Now {
            boot: self.clock,
            wall: WallTime::default(),
        };
        let mut at = self.evidence.next_silence();
        let mut consider = |moment: Timestamp| at = at.min(moment);
        consider(self.keeper.next_due(self.is_renewing()));
        consider(self.runner.next_due());
        consider(self.path_due(now));
        consider(self.handover_due());
        if let Some(deadline) = self.state_deadline {
            consider(deadline);
        }
        let state = self.machine.state();
        if self.keeper.holds() && state != StateName::SelfFenced && self.keeps_lease {
            let until = self.keeper.serve_until();
            if until > self.clock {
                consider(until);
            }
        }
        match state {
            StateName::Suspicious => {
                if let Some(since) = self.loss_since[self.other().index()] {
                    consider(
                        since
                            .after(self.dwell(self.clock))
                            .max(self.clock.after(Duration::from_millis(1))),
                    );
                }
            }
            StateName::Blocked => consider(self.clock.after(REVIEW_BLOCKED)),
            StateName::Soaking => consider(self.clock.after(REVIEW_SOAKING)),
            _ => {}
        }
        at
    }

    /// How long the quorum must hold now.
    pub(super) fn dwell(&self, now: Timestamp) -> Duration {
        let quorum = &self.settings.policy.quorum;
        if self.evidence.is_flapping(&self.settings, self.other(), now) {
            quorum.flap_dwell
        } else {
            quorum.dwell
        }
    }

    /// For how long a quorum has called the other region lost.
    pub(super) fn lost_for(&self, now: Timestamp) -> Option<Duration> {
        self.loss_since[self.other().index()].map(|since| now.since(since))
    }

    /// Whether the lease is to be renewed: always while this region holds it, unless it is being given up.
    pub(super) fn is_renewing(&self) -> bool {
        self.keeps_lease && !self.gives_up() && self.keeper.holds() && self.machine.state() != StateName::Draining
    }

    pub(super) const fn assessment(&self, target: Region) -> Assessment {
        self.assessments[target.index()]
    }

    fn facts(&self, now: Now, event: Event) -> Facts {
        let record = self.keeper.record();
        let failover_agreed = match event {
            Event::FailoverAsked => self.operator_failover_objection(now).is_none(),
            // The guards take time, and no other state asks for them.
            _ => {
                matches!(self.machine.state(), StateName::Suspicious | StateName::Blocked)
                    && self.evidence_fact(now.boot) == EvidenceFact::Lost
                    && self.failover_agreed(now)
            }
        };
        let failback_agreed = match event {
            Event::FailbackAsked => self.operator_failback_objection(now).is_none(),
            _ => self.machine.state() == StateName::Soaking && self.failback_agreed(now),
        };
        Facts {
            recovered: self.recovery.lease
                && self.recovery.database
                && self.recovery.switches
                && (!self.keeps_lease || self.keeper.seat_is_settled(now.boot)),
            tenure: self.tenure(now.boot),
            evidence: self.evidence_fact(now.boot),
            failover_agreed,
            failback_agreed,
            at_home: self.identity.region == Region::Home,
            protected: record.is_some_and(|record| record.protected),
            role_change: match record.and_then(|record| record.role_change) {
                None => RoleChangeFact::None,
                Some(change) if change.kind == RoleChangeKind::Failover => RoleChangeFact::Failover,
                Some(_) => RoleChangeFact::Failback,
            },
            ordered: self.ordered,
            claim_unjustified: self.claim_is_unjustified(now.boot),
            promotion_refused: self.promotion_refused,
            operator_asked: self.operator_asked,
            drives: self.keeper.drives(now.boot),
        }
    }

    fn tenure(&self, now: Timestamp) -> TenureFact {
        let Some(record) = self.keeper.record() else {
            return TenureFact::Unknown;
        };
        let us = self.identity.region;
        if record.holder != us {
            return if record.claimed_by(us) {
                TenureFact::TheirsClaimedByUs
            } else {
                TenureFact::Theirs
            };
        }
        if !self.keeps_lease {
            return TenureFact::Ours;
        }
        match self.keeper.serve_until() {
            _ if record.claimed_by(us.other()) => TenureFact::OursClaimed,
            // What is left of a lease that was given up is not served again by a shell that is slow to end.
            _ if self.gives_up() && self.machine.state() == StateName::SelfFenced => TenureFact::OursLapsed,
            // Held by name, but this process has not renewed it yet.
            Timestamp::ZERO => TenureFact::Unknown,
            until if now < until => TenureFact::Ours,
            _ => TenureFact::OursLapsed,
        }
    }

    fn evidence_fact(&self, now: Timestamp) -> EvidenceFact {
        let target = self.other();
        match self.lost_for(now) {
            Some(lost_for) if lost_for >= self.dwell(now) => EvidenceFact::Lost,
            Some(_) => EvidenceFact::Breached,
            None if !self.evidence.any_settled_breach(&self.settings, target) => EvidenceFact::Quiet,
            None if self.evidence.breaches(target) > self.judged_breaches => EvidenceFact::Breached,
            None => EvidenceFact::Quiet,
        }
    }

    /// Keeps since when a claim of ours has stood that nobody pursues.
    fn doubt_claim(&mut self, now: Now) {
        let doubted = self.machine.state().stands_by() && self.tenure(now.boot) == TenureFact::TheirsClaimedByUs;
        mark_since(&mut self.claim_doubted_since, doubted, now.boot);
    }

    /// Silence refutes nothing: a sidecar that slept has to hear its witnesses again before it withdraws a claim.
    fn claim_is_unjustified(&self, now: Timestamp) -> bool {
        let Some(since) = self.claim_doubted_since else {
            return false;
        };
        let refuted = self.evidence_fact(now) == EvidenceFact::Quiet
            && !matches!(
                self.assessment(self.other()),
                Assessment::Unknown | Assessment::Isolated
            );
        refuted || now >= since.after(self.settings.policy.deadlines.acquiring)
    }

    fn keep_lease(&mut self, now: Now) {
        let promoting = self.machine.state() == StateName::Moving && !self.is_promoted();
        let wishes = self.keeper.due(
            now.boot,
            self.is_renewing(),
            !promoting,
            self.keeps_lease && self.leaving.is_none(),
        );
        for wish in wishes.into_iter().flatten() {
            self.grant(now, wish);
        }
    }

    /// The quorum dissolved before it led to anything: detection goes on.
    fn reopen_detection(&mut self) {
        if let Some(first_breach) = self.ledger.first_breach.filter(|_| self.is_undecided()) {
            self.ledger = Ledger::start(first_breach);
        }
    }

    /// Whether the failover whose clock runs has not been decided yet: afterwards evidence that comes and goes has no part in
    /// its account any more.
    fn is_undecided(&self) -> bool {
        !self.machine.state().is_role_change() && self.ledger.span(Phase::Claim).is_none()
    }

    /// The dwell is over: from here on it is the guards that take time.
    fn mark_corroboration(&mut self, now: Now) {
        let corroborating = self
            .ledger
            .span(Phase::Corroborate)
            .is_some_and(|span| span.ended.is_none());
        if corroborating && self.evidence_fact(now.boot) == EvidenceFact::Lost {
            self.ledger.end(Phase::Corroborate, now.boot);
            self.ledger.begin(Phase::Decide, now.boot);
        }
    }
}

/// Keeps since when something has been so without a break.
fn mark_since(since: &mut Option<Timestamp>, so: bool, now: Timestamp) {
    if so {
        since.get_or_insert(now);
    } else {
        *since = None;
    }
}
