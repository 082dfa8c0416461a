//! What follows when the machine has moved: deadlines, the ledger, decisions, and effects beside the workflow.

use super::{DECISIONS_KEPT, Engine, Errand, Recovery, Suspicion};
use crate::core::decision::{Decision, Guard, Verdict};
use crate::core::effect::{Announcement, Intent, PageReason};
use crate::core::journal::Happening;
use crate::core::ledger::{Ledger, Phase};
use crate::core::machine::{Edge, StateName};
use crate::core::time::Now;

impl Engine {
    /// The machine has moved along an edge.
    pub(super) fn moved(&mut self, now: Now, from: StateName, to: StateName, edge: Edge) {
        self.note(now, Happening::Moved { from, to, edge });
        self.state_since = now.boot;
        self.state_edge = Some(edge);
        let limit = self.settings.deadline(to);
        let limit = limit.filter(|_| !seeded!(self.settings.bug, ForgetsDeadlines));
        self.state_deadline = limit.map(|limit| now.boot.after(limit));
        if edge == Edge::PromotionRefused {
            self.promotion_refused = true;
        } else if to == StateName::Claiming || !to.is_role_change() {
            self.promotion_refused = false;
        }
        self.leave(now, from, edge);
        let afresh = matches!(to, StateName::Claiming | StateName::Quiescing) || !from.is_role_change();
        self.runner.enter(to, afresh);
        self.enter(now, to, edge);
    }

    /// What the last state leaves behind.
    fn leave(&mut self, now: Now, from: StateName, edge: Edge) {
        match edge {
            Edge::SuspicionOverdue | Edge::BreachCleared | Edge::ClaimNeedless => {
                let decision = self.judge_suspicion(now);
                self.decide(now, decision);
                self.judged_breaches = self.evidence.breaches(self.other());
            }
            Edge::EpochRaised => {
                self.ledger.end(Phase::Claim, now.boot);
                self.ledger.begin(Phase::Promote, now.boot);
            }
            Edge::Promoted => self.ledger.end(Phase::Promote, now.boot),
            Edge::FailoverVerified => {
                self.ledger.end(Phase::Redirect, now.boot);
                self.ledger.end(Phase::Verify, now.boot);
                self.note(now, Happening::Completed(self.ledger));
                self.announce(now, Announcement::FailoverCompleted);
                self.page(now, PageReason::FailedOver);
            }
            Edge::Reverted => {
                self.judged_breaches = self.evidence.breaches(self.other());
                self.announce(now, Announcement::FailoverReverted);
            }
            Edge::RecoveryOverdue => self.page(now, PageReason::CannotRead),
            Edge::HomeConfirmed => self.announce(now, Announcement::FailbackCompleted),
            Edge::RolledBack => {
                // The home region has to prove itself again: what failed once would fail again right away.
                self.soaking_since[self.other().index()] = Some(now.boot);
                self.announce(now, Announcement::FailbackRolledBack);
                self.page(now, PageReason::FailbackFailed);
            }
            Edge::ClaimSeen | Edge::LeaseLapsed => {
                if edge == Edge::LeaseLapsed {
                    self.close_path_soon(now);
                }
                let decision = self.decision(now, Verdict::Fence, self.identity.region, Vec::new());
                self.decide(now, decision);
                if edge == Edge::LeaseLapsed && from != StateName::Draining {
                    self.page(now, PageReason::SelfFenced);
                }
            }
            _ => {}
        }
    }

    /// What the new state begins with.
    fn enter(&mut self, now: Now, to: StateName, edge: Edge) {
        // A consent ends with the failover that it was given for, also if that came to nothing.
        self.loss_accepted &= to.is_role_change();
        match to {
            StateName::Recovering => self.begin_recovery(now),
            StateName::Suspicious => self.start_ledger(now),
            StateName::Blocked => self.record_refusal(now),
            StateName::Claiming => {
                self.ordered = edge == Edge::OperatorFailover;
                self.loss_accepted &= self.ordered;
                self.move_unknown = false;
                if edge == Edge::OperatorFailover {
                    self.ledger = Ledger::start(now.boot);
                    self.ledger.end(Phase::Detect, now.boot);
                }
                self.ledger.end(Phase::Corroborate, now.boot);
                self.ledger.begin(Phase::Decide, now.boot);
                self.ledger.end(Phase::Decide, now.boot);
                self.ledger.begin(Phase::Claim, now.boot);
                let decision = self.judge_failover(now, Verdict::FailOver);
                self.decide(now, decision);
                self.look_first = false;
                self.reconciliation = None;
            }
            StateName::Acquiring => self.ledger.begin(Phase::Redirect, now.boot),
            StateName::Moving => self.look_first |= edge == Edge::ResumedFailover,
            StateName::Verifying => self.ledger.begin(Phase::Verify, now.boot),
            StateName::Quiescing => {
                let decision = self.judge_failback(now, Verdict::FailBack);
                self.decide(now, decision);
                self.look_first = false;
                self.move_unknown = false;
            }
            StateName::Redirecting => self.handed_over_at = None,
            StateName::Serving | StateName::Soaking | StateName::Rejoining => self.last_objections = None,
            StateName::Steady => self.last_objections = None,
            StateName::NeedsOperator => {
                self.operator_asked = true;
                self.page(now, PageReason::NeedsOperator);
            }
            StateName::Draining
            | StateName::SelfFenced
            | StateName::Reverting
            | StateName::Reconciling
            | StateName::SwitchingOver
            | StateName::Confirming
            | StateName::RollingBack => {}
        }
    }

    /// Reads lease, writer and switches before anything else.
    pub(super) fn begin_recovery(&mut self, now: Now) {
        self.recovery = Recovery::default();
        self.keeper.look_now(now.boot);
        self.errand(now, Intent::DescribeDatabase, Errand::LookAtDatabase);
        self.errand(now, Intent::ReadSwitches, Errand::LookAtSwitches);
    }

    /// Writes a refusal down, once for each set of guards that object, and pages if a human can do something.
    pub(super) fn record_refusal(&mut self, now: Now) {
        let objections = self.failover_objections(now);
        if self.last_objections == Some(objections) {
            return;
        }
        self.last_objections = Some(objections);
        let mut decision = self.judge_failover(now, Verdict::Blocked);
        let objecting = |guard: Guard| decision.findings.iter().any(|f| !f.passed && f.guard == guard);
        let only = |guard: Guard| decision.findings.iter().all(|f| f.passed || f.guard == guard);
        if objecting(Guard::Armed) && only(Guard::Armed) {
            decision.verdict = Verdict::WouldFailOver;
        }
        // A wait ends by itself, and another sidecar's drive is no trouble.
        let page = !only(Guard::LossWait) && !objecting(Guard::Drives);
        let loss_only = objecting(Guard::LossAction);
        self.decide(now, decision);
        if page {
            self.page(
                now,
                if loss_only {
                    PageReason::Loss
                } else {
                    PageReason::Blocked
                },
            );
        }
    }

    /// While soaking: writes down why the platform does not go home yet, once for each set of guards that object.
    pub(super) fn record_failback_refusal(&mut self, now: Now) {
        let objections = self.failback_objections(now);
        if objections.guards == 0 || self.last_objections == Some(objections) {
            return;
        }
        self.last_objections = Some(objections);
        let mut decision = self.judge_failback(now, Verdict::HoldFailback);
        if decision
            .findings
            .iter()
            .all(|finding| finding.passed || finding.guard == Guard::Armed)
        {
            decision.verdict = Verdict::WouldFailBack;
        }
        self.decide(now, decision);
    }

    /// While serving: the region that could take over is lost. Pages once.
    pub(super) fn watch_standby(&mut self, now: Now) {
        let lost = self.assessment(self.other()).is_loss() && self.keeper.drives(now.boot);
        if lost && !self.loss_paged {
            self.loss_paged = true;
            self.page(now, PageReason::StandbyLost);
            let decision = self.judge_failover(now, Verdict::Hold);
            self.decide(now, decision);
        }
        // A region that comes and goes is one incident, and one page.
        let quiet = self.settings.policy.quorum.flap_window;
        if self.healthy_since[self.other().index()].is_some_and(|since| now.boot >= since.after(quiet)) {
            self.loss_paged = false;
        }
    }

    fn start_ledger(&mut self, now: Now) {
        self.lag_at_breach = self.evidence.lag();
        self.suspicion = Suspicion {
            domains: self.quorum_tally().breached,
            ..Suspicion::default()
        };
        self.ledger = Ledger::start(now.boot);
        if self.loss_since[self.other().index()].is_some() {
            self.ledger.end(Phase::Detect, now.boot);
            self.ledger.begin(Phase::Corroborate, now.boot);
        }
    }

    fn decide(&mut self, now: Now, decision: Decision) {
        if self.decisions.len() == DECISIONS_KEPT {
            self.decisions.pop_front();
        }
        self.decisions.push_back(decision.clone());
        self.note(now, Happening::Decided(decision));
    }

    pub(super) fn page(&mut self, now: Now, reason: PageReason) {
        self.errand(now, Intent::Page(reason), Errand::Aside);
    }

    fn announce(&mut self, now: Now, what: Announcement) {
        self.errand(now, Intent::Announce(what), Errand::Aside);
    }
}
