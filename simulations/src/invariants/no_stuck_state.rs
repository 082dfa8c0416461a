//! Nothing gets stuck, and nothing resumes by itself after a human was asked.

use std::time::Duration;

use understudy_engine::core::effect::{Intent, PageReason};
use understudy_engine::core::machine::{Edge, StateName};
use understudy_engine::core::signal::Command;

use super::{Ending, Fact, Invariant, Sidecar, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// Where one sidecar's machine stands.
#[derive(Debug, Clone, Copy)]
struct Stand {
    sidecar: Option<Sidecar>,
    state: StateName,
    since: Moment,
    runs: bool,
    paused: Option<Moment>,
    /// A human who must agree was asked, and has not answered.
    gate: bool,
    /// A human was asked to take over, and has not answered. Outlives the process.
    operator: bool,
    /// The page about it is still to come.
    to_page: Option<Moment>,
    /// It left off asking; the journal's word about the command that made it do so is still to come.
    to_acknowledge: Option<Moment>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct NoStuckState {
    terms: Terms,
    stands: Vec<Stand>,
}

impl Stand {
    /// The state is over, or the run is.
    fn close(&self, at: Moment, terms: &Terms, broken: &mut impl FnMut(Moment, String)) {
        let Some(sidecar) = self.sidecar.filter(|_| self.runs && !self.gate) else {
            return;
        };
        let name = words::region(sidecar.region);
        // A process that stands still does nothing, and is owed that time.
        let still = self.paused.map_or(Duration::ZERO, |since| at.since(since));
        let lasted = at.since(self.since).saturating_sub(still);
        if terms.deadline(self.state).is_some_and(|limit| lasted > limit) {
            let text = format!(
                "{name} stands in {} for {}, beyond its deadline",
                self.state.name(),
                words::duration(lasted)
            );
            broken(self.since, text);
        }
        if let Some(since) = self.to_page.filter(|since| at > *since) {
            broken(since, format!("{name} needs an operator, and pages nobody"));
        }
        if let Some(since) = self.to_acknowledge.filter(|since| at > *since) {
            broken(since, format!("{name} resumes after a human was asked, and nobody acknowledged"));
        }
    }

    fn enter(&mut self, at: Moment, state: StateName) {
        self.state = state;
        self.since = at;
        self.gate = false;
        self.to_page = None;
        self.to_acknowledge = None;
    }
}

impl Invariant for NoStuckState {
    const NAME: &'static str = "no state outlasts its deadline, and none is left by itself after a human was asked";
    const MEANING: &'static str = "No engine stays in a transitional state for longer than its deadline while its process \
                                   runs and waits for no approval. Whoever needs an operator pages one at once, and \
                                   moves on only after the acknowledgement, restarts or not.";

    fn new(terms: &Terms) -> Self {
        let stand = Stand {
            sidecar: None,
            state: StateName::Recovering,
            since: Moment::START,
            runs: false,
            paused: None,
            gate: false,
            operator: false,
            to_page: None,
            to_acknowledge: None,
        };
        Self {
            terms: terms.clone(),
            stands: vec![stand; terms.sidecars],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        let (Fact::Started { sidecar }
        | Fact::Stopped { sidecar }
        | Fact::Paused { sidecar }
        | Fact::Resumed { sidecar }
        | Fact::Moved { by: sidecar, .. }
        | Fact::Commanded { by: sidecar, .. }
        | Fact::Asked { by: sidecar, .. }
        | Fact::Settled { by: sidecar, .. }) = fact
        else {
            return;
        };
        let Some(stand) = self.stands.get_mut(sidecar.slot) else {
            return;
        };
        match fact {
            Fact::Started { .. } => {
                stand.sidecar = Some(*sidecar);
                stand.runs = true;
                stand.paused = None;
                stand.enter(at, StateName::Recovering);
            }
            Fact::Stopped { .. } => {
                stand.close(at, &self.terms, broken);
                stand.runs = false;
            }
            Fact::Paused { .. } => stand.paused = Some(at),
            Fact::Resumed { .. } => {
                if let Some(since) = stand.paused.take() {
                    stand.since = stand.since.after(at.since(since));
                }
            }
            Fact::Moved { to, edge, .. } => {
                stand.close(at, &self.terms, broken);
                if stand.operator && *to != StateName::NeedsOperator && *edge != Edge::Acknowledged {
                    let text = format!(
                        "{} goes on to {} although nobody acknowledged",
                        words::region(sidecar.region),
                        to.name()
                    );
                    broken(at, text);
                }
                stand.enter(at, *to);
                if *edge == Edge::Acknowledged {
                    stand.operator = false;
                    stand.to_acknowledge = Some(at);
                }
                if *to == StateName::NeedsOperator {
                    stand.operator = true;
                    // One that was never armed tells nobody of anything.
                    stand.to_page = self.terms.armed.then_some(at);
                }
            }
            Fact::Commanded {
                command: Command::Acknowledge,
                ..
            } => {
                stand.operator = false;
                stand.to_acknowledge = None;
            }
            Fact::Asked { effect, .. } => match effect.intent {
                Intent::RequestApproval(_) => stand.gate = true,
                Intent::Page(PageReason::NeedsOperator) => stand.to_page = None,
                _ => {}
            },
            Fact::Settled {
                intent: Intent::RequestApproval(_),
                ..
            } => {
                stand.gate = false;
                stand.since = at;
            }
            _ => {}
        }
    }

    fn end(&mut self, at: Moment, _ending: &Ending, broken: &mut impl FnMut(Moment, String)) {
        for stand in &self.stands {
            stand.close(at, &self.terms, broken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, boot, breaches, effect};
    use understudy_engine::core::effect::Gate;

    const STARTED: Fact = Fact::Started { sidecar: AWAY };

    const fn moved(to: StateName, edge: Edge) -> Fact {
        Fact::Moved { by: AWAY, to, edge }
    }

    fn asked(intent: Intent) -> Fact {
        Fact::Asked {
            by: AWAY,
            effect: effect(1, 1, 60, intent),
            boot: boot(50),
        }
    }

    const CLAIMING: Fact = moved(StateName::Claiming, Edge::QuorumAgreed);
    const OVERDUE: Fact = moved(StateName::Reverting, Edge::ClaimOverdue);
    const CALL: Fact = moved(StateName::NeedsOperator, Edge::VerificationFailed);

    #[test]
    fn a_state_that_outlasts_its_deadline_breaks_it() {
        assert_eq!(breaches::<NoStuckState>([(90, STARTED), (100, CLAIMING), (120, OVERDUE)]), 1);
        assert_eq!(breaches::<NoStuckState>([(90, STARTED), (100, CLAIMING), (110, OVERDUE)]), 0);
    }

    #[test]
    fn time_in_which_the_process_stands_still_does_not_count() {
        let history = [
            (90, STARTED),
            (100, CLAIMING),
            (105, Fact::Paused { sidecar: AWAY }),
            (165, Fact::Resumed { sidecar: AWAY }),
            (170, OVERDUE),
        ];
        assert_eq!(breaches::<NoStuckState>(history), 0);
    }

    #[test]
    fn neither_does_time_in_which_a_human_is_waited_for() {
        let gate = Intent::RequestApproval(Gate::Failover);
        let answer = Fact::Settled {
            by: AWAY,
            id: understudy_engine::core::ids::EffectId(1),
            intent: gate,
            outcome: understudy_engine::core::effect::Outcome::Done,
        };
        let history = [
            (90, STARTED),
            (100, CLAIMING),
            (100, asked(gate)),
            (700, answer),
            (705, OVERDUE),
        ];
        assert_eq!(breaches::<NoStuckState>(history), 0);
    }

    #[test]
    fn going_on_without_an_acknowledgement_breaks_it_also_after_a_restart() {
        let page = asked(Intent::Page(PageReason::NeedsOperator));
        let steady = moved(StateName::Steady, Edge::RecoveredStandingBy);
        let still = moved(StateName::NeedsOperator, Edge::OperatorStillAsked);
        let called = [(90, STARTED), (95, moved(StateName::Verifying, Edge::Promoted))];
        let called = |rest: &[(u64, Fact)]| {
            let mut history = called.to_vec();
            history.extend([(100, CALL), (100, page)]);
            history.extend_from_slice(rest);
            history
        };
        let stopped = Fact::Stopped { sidecar: AWAY };
        assert_eq!(breaches::<NoStuckState>(called(&[(110, stopped), (120, STARTED), (125, steady)])), 1);
        assert_eq!(
            breaches::<NoStuckState>(called(&[(110, stopped), (120, STARTED), (125, still), (125, page)])),
            0
        );
        let acknowledged = moved(StateName::Recovering, Edge::Acknowledged);
        let command = Fact::Commanded {
            by: AWAY,
            command: Command::Acknowledge,
        };
        assert_eq!(
            breaches::<NoStuckState>(called(&[(110, acknowledged), (110, command), (115, steady)])),
            0
        );
        assert_eq!(breaches::<NoStuckState>(called(&[(110, acknowledged), (115, steady)])), 1);
    }

    #[test]
    fn whoever_needs_an_operator_and_pages_nobody_breaks_it() {
        let verifying = moved(StateName::Verifying, Edge::Promoted);
        let history = [
            (90, STARTED),
            (95, verifying),
            (100, CALL),
            (130, Fact::Stopped { sidecar: AWAY }),
        ];
        assert_eq!(breaches::<NoStuckState>(history), 1);
    }
}
