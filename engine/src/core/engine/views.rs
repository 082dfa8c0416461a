//! What the engine shows of itself.

use super::Engine;
use crate::core::decision::Verdict;
use crate::core::effect::Reconciliation;
use crate::core::machine::StateName;
use crate::core::status::{Explanation, Status};
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
            deadline: self.state_deadline,
            mode: self.mode,
            paused: self.paused,
            drives: self.keeper.drives(now.boot),
            epoch: record.map_or_else(Default::default, |record| record.epoch),
            holder: record.map(|record| record.holder),
            protected: record.is_some_and(|record| record.protected),
            serve_until: self.keeper.serve_until(),
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
