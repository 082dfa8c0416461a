//! Once every fault is over, the platform serves again and every engine rests.

use std::time::Duration;

use understudy_engine::core::effect::Intent;
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;

use super::{Ending, Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct Convergence {
    settles: Duration,
    armed: bool,
    /// The last change of the holder, or operator's command: a new beginning.
    disturbed: Moment,
    /// Whether each sidecar waits for people to agree, who may never do.
    asks: Vec<bool>,
}

/// Whether an engine may stand there for as long as it likes while nothing is wrong.
const fn rests(state: StateName, rejoin_under_way: bool, operator: bool) -> bool {
    match state {
        StateName::Serving
        | StateName::Steady
        | StateName::Soaking
        | StateName::NeedsOperator
        // Comparing what was lost takes its time, and has a deadline.
        | StateName::Reconciling => true,
        StateName::Rejoining => rejoin_under_way,
        // The other region's claim stands until an operator has decided.
        StateName::SelfFenced => operator,
        _ => false,
    }
}

impl Convergence {
    fn asks(&mut self, slot: usize, asks: bool) {
        if let Some(it) = self.asks.get_mut(slot) {
            *it = asks;
        }
    }
}

impl Invariant for Convergence {
    const NAME: &'static str = "everything comes to rest once every fault is over";
    const MEANING: &'static str = "Once every fault is over for so long that a sidecar can restart, a last suspicion run \
                                   out and a role change that had begun come to its end (the sum of the policy's \
                                   deadlines for these, and of what moves of the database take in this run), exactly \
                                   one region serves, clients can place orders, the public name answers with it, and \
                                   every sidecar runs and stands in a resting state, or waits for an approval. Where an \
                                   operator was asked for, serving is theirs. Not judged: shorter runs, engines that were never armed, and \
                                   role changes that began later.";

    fn new(terms: &Terms) -> Self {
        Self {
            settles: terms.settles,
            armed: terms.armed,
            disturbed: Moment::START,
            asks: vec![false; terms.sidecars],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, _broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::Commanded { .. } => self.disturbed = at,
            Fact::LeaseWritten { before, after, .. }
                if after.holder != before.holder || after.role_change != before.role_change =>
            {
                self.disturbed = at;
            }
            Fact::Asked { by, effect, .. } => {
                if matches!(effect.intent, Intent::RequestApproval(_)) {
                    self.asks(by.slot, true);
                }
            }
            Fact::Settled {
                by,
                intent: Intent::RequestApproval(_),
                ..
            } => self.asks(by.slot, false),
            Fact::Started { sidecar } | Fact::Moved { by: sidecar, .. } => self.asks(sidecar.slot, false),
            _ => {}
        }
    }

    fn end(&mut self, at: Moment, ending: &Ending, broken: &mut impl FnMut(Moment, String)) {
        let Some(healed) = ending.healed else { return };
        if !self.armed || at < healed.max(self.disturbed).after(self.settles) {
            return;
        }
        let needs_operator = |(_, state): &(_, Option<StateName>)| *state == Some(StateName::NeedsOperator);
        let operator = ending.states.iter().any(needs_operator);
        for (sidecar, state) in &ending.states {
            let name = words::region(sidecar.region);
            match state {
                Some(state) if rests(*state, ending.rejoin_under_way, operator) => {}
                Some(_) if self.asks.get(sidecar.slot) == Some(&true) => {}
                Some(state) => broken(at, format!("{name} stands in {}, and nothing is wrong any more", state.name())),
                None => broken(at, format!("a sidecar of {name} does not run, and nothing is wrong any more")),
            }
        }
        if operator {
            return;
        }
        match ending.commits {
            [true, true] => broken(at, "both regions serve, and nothing is wrong any more".to_owned()),
            [false, false] => broken(at, "no region serves, and nothing is wrong any more".to_owned()),
            [home, _] => {
                let serves = if home { Region::Home } else { Region::Away };
                if ending.answer != serves {
                    let text = format!(
                        "{} serves, and the public name answers with {}",
                        words::region(serves),
                        words::region(ending.answer)
                    );
                    broken(at, text);
                } else if !ending.clients_can_place {
                    broken(at, "clients cannot place orders, and nothing is wrong any more".to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, HOME, at, boot, effect, judge, take_over, terms};
    use understudy_engine::core::effect::{Gate, Outcome};
    use understudy_engine::core::ids::EffectId;
    use understudy_engine::core::lease::LeaseRecord;

    fn well() -> Ending {
        Ending {
            healed: Some(at(100)),
            commits: [true, false],
            clients_can_place: true,
            answer: Region::Home,
            rejoin_under_way: false,
            states: vec![(HOME, Some(StateName::Serving)), (AWAY, Some(StateName::Steady))],
        }
    }

    const LATE: u64 = 7_200;

    fn ends(ending: &Ending) -> usize {
        judge::<Convergence>(&terms(), [], Some((LATE, ending)))
    }

    #[test]
    fn a_platform_that_serves_and_rests_is_well() {
        assert_eq!(ends(&well()), 0);
    }

    #[test]
    fn each_thing_that_is_not_as_it_was_breaks_it() {
        let with = |change: &dyn Fn(&mut Ending)| {
            let mut ending = well();
            change(&mut ending);
            ends(&ending)
        };
        assert_eq!(with(&|ending| ending.commits = [false; 2]), 1);
        assert_eq!(with(&|ending| ending.commits = [true; 2]), 1);
        assert_eq!(with(&|ending| ending.answer = Region::Away), 1);
        assert_eq!(with(&|ending| ending.clients_can_place = false), 1);
        assert_eq!(with(&|ending| ending.states[0].1 = None), 1);
        assert_eq!(with(&|ending| ending.states[0].1 = Some(StateName::SelfFenced)), 1);
    }

    #[test]
    fn nothing_is_judged_while_a_fault_is_in_force_or_was_until_a_moment_ago() {
        let down = Ending {
            commits: [false; 2],
            ..well()
        };
        assert_eq!(ends(&Ending { healed: None, ..down.clone() }), 0);
        let healed = Some(at(LATE - 60));
        assert_eq!(ends(&Ending { healed, ..down }), 0);
    }

    #[test]
    fn a_failover_that_has_just_happened_may_still_be_under_way() {
        let down = Ending {
            commits: [false; 2],
            ..well()
        };
        let [_, (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        let ends = |second| judge::<Convergence>(&terms(), [(second, acquire)], Some((LATE, &down)));
        assert_eq!(ends(LATE - 60), 0);
        assert_eq!(ends(200), 1);
    }

    #[test]
    fn serving_is_the_operators_business_once_one_was_asked_for() {
        let asked = Ending {
            commits: [false; 2],
            states: vec![
                (HOME, Some(StateName::SelfFenced)),
                (AWAY, Some(StateName::NeedsOperator)),
            ],
            ..well()
        };
        assert_eq!(ends(&asked), 0);
    }

    #[test]
    fn whoever_waits_for_people_to_agree_is_at_rest_and_nobody_else() {
        let waits = Ending {
            states: vec![(HOME, Some(StateName::Serving)), (AWAY, Some(StateName::Quiescing))],
            ..well()
        };
        let gate = Intent::RequestApproval(Gate::Failback);
        let asks = Fact::Asked {
            by: AWAY,
            effect: effect(1, 1, 9_000, gate),
            boot: boot(50),
        };
        let agreed = Fact::Settled {
            by: AWAY,
            id: EffectId(1),
            intent: gate,
            outcome: Outcome::Done,
        };
        let ends = |history: Vec<(u64, Fact)>| judge::<Convergence>(&terms(), history, Some((LATE, &waits)));
        assert_eq!(ends(vec![]), 1);
        assert_eq!(ends(vec![(50, asks)]), 0);
        assert_eq!(ends(vec![(50, asks), (60, agreed)]), 1);
    }

    #[test]
    fn waiting_for_a_standby_is_rest_only_while_it_is_being_rebuilt() {
        let rejoining = |rejoin_under_way| Ending {
            commits: [false, true],
            answer: Region::Away,
            rejoin_under_way,
            states: vec![(HOME, Some(StateName::Steady)), (AWAY, Some(StateName::Rejoining))],
            ..well()
        };
        assert_eq!(ends(&rejoining(true)), 0);
        assert_eq!(ends(&rejoining(false)), 1);
    }
}
