//! What the engine shows of itself.

use super::Engine;
use super::guards::flag;
use crate::core::decision::{Guard, Verdict};
use crate::core::effect::Reconciliation;
use crate::core::journal::Happening;
use crate::core::machine::StateName;
use crate::core::signal::Command;
use crate::core::status::{Explanation, Rehearsal, Status};
use crate::core::time::{Now, Timestamp};

impl Engine {
    /// A snapshot.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let record = self.keeper.record();
        Status {
            region: self.identity.region,
            sidecar: self.identity.sidecar,
            state: self.machine.state(),
            since: self.state_since,
            edge: self.state_edge,
            deadline: self.state_deadline,
            mode: self.mode,
            paused: self.paused,
            drives: self.keeper.drives(now.boot),
            epoch: record.map_or_else(Default::default, |record| record.epoch),
            holder: record.map(|record| record.holder),
            protected: record.is_some_and(|record| record.protected),
            serve_until: self.keeper.serve_until(),
            lease: record,
            lease_read: self.keeper.read_at(),
            lease_expires: self.keeper.expires_at(),
            database: self.database,
            lag: self.evidence.lag(),
            waits_for: self.runner.waits_for(),
            assessments: self.assessments,
            ledger: self.ledger,
            overrun: self
                .ledger
                .worst_overrun(|phase| phase.allotment(&self.settings.policy.budget.phases), now.boot),
            disregarded: self.disregarded,
        }
    }

    /// The state of the machine.
    #[must_use]
    pub fn state(&self) -> StateName {
        self.machine.state()
    }

    /// Until when this region may let orders commit; the origin of the clock if it may not.
    #[must_use]
    pub fn serve_until(&self) -> Timestamp {
        self.keeper.serve_until()
    }

    /// What the last reconciliation found.
    #[must_use]
    pub const fn reconciliation(&self) -> Option<Reconciliation> {
        self.reconciliation
    }

    /// What would come of a command if it were given now: tried on a copy, so that it is what would happen.
    #[must_use]
    pub fn rehearse(&self, now: Now, command: Command) -> Rehearsal {
        let mut copy = self.clone();
        copy.effects.clear();
        copy.journal.clear();
        let mut findings = Vec::new();
        match command {
            Command::FailOver { accept_loss } => {
                copy.loss_accepted = accept_loss;
                copy.each_failover_guard(now, |finding| {
                    if finding.guard.binds_asked_failover() {
                        findings.push(finding);
                    }
                });
            }
            Command::FailBack => copy.each_failback_guard(now, |finding| {
                let healthy = self.healthy_since[self.other().index()].is_some();
                if finding.guard == Guard::Soak {
                    // Not for how long, only whether.
                    findings.push(flag(Guard::Soak, healthy));
                } else if finding.guard.binds_asked_failback() {
                    findings.push(finding);
                }
            }),
            _ => {}
        }
        let refused = copy.handle_command(now, command).err();
        let edges = copy.journal.iter().filter_map(|entry| match entry.what {
            Happening::Moved { edge, .. } => Some(edge),
            _ => None,
        });
        Rehearsal {
            refused,
            findings,
            edges: edges.collect(),
            state: copy.machine.state(),
            intents: copy.effects.iter().map(|effect| effect.intent).collect(),
        }
    }

    /// Why the engine did what it did, and why it does not do otherwise now.
    #[must_use]
    pub fn explain(&self, now: Now) -> Explanation {
        let now_decision = match self.machine.state() {
            StateName::Soaking => {
                let verdict = if self.failback_agreed(now) {
                    Verdict::FailBack
                } else {
                    Verdict::HoldFailback
                };
                self.judge_failback(now, verdict)
            }
            state => {
                let lost = self.assessment(self.other()).is_loss();
                let verdict = match state {
                    StateName::Steady | StateName::Suspicious | StateName::Blocked if self.failover_agreed(now) => {
                        Verdict::FailOver
                    }
                    StateName::Steady | StateName::Suspicious | StateName::Blocked if lost => Verdict::Blocked,
                    _ => Verdict::Hold,
                };
                self.judge_failover(now, verdict)
            }
        };
        Explanation {
            now: now_decision,
            past: self.decisions.iter().cloned().collect(),
            witnesses: self.evidence.views(&self.settings, now.boot),
        }
    }
}
