//! Engines that are disarmed, in shadow mode or paused change nothing.

use understudy_engine::core::decision::Verdict;
use understudy_engine::core::effect::Intent;
use understudy_engine::core::lease::LeaseRequest;
use understudy_engine::core::signal::Command;

use super::{Fact, Invariant, Sidecar, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// What an engine may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// Look.
    Shadow,
    /// Keep its region serving, or stop it: it was armed once.
    Disarmed,
    /// Everything.
    Armed,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct HandsOff {
    leaves: Vec<Leave>,
    paused: Vec<bool>,
}

const fn only_looks(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::DescribeDatabase
            | Intent::ReadSwitches
            | Intent::Lease {
                request: LeaseRequest::Read,
                ..
            }
    )
}

const fn keeps_serving(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::OpenIntake
            | Intent::OpenProcessing
            | Intent::CloseOrderPath
            | Intent::Page(_)
            | Intent::Lease {
                request: LeaseRequest::Release { .. },
                ..
            }
    )
}

impl HandsOff {
    fn leave(&self, by: Sidecar) -> Leave {
        self.leaves.get(by.slot).copied().unwrap_or(Leave::Armed)
    }
}

impl Invariant for HandsOff {
    const NAME: &'static str = "an engine that is not armed, or is paused, changes no role";
    const MEANING: &'static str = "An engine that was never armed only looks. One that was disarmed keeps its region \
                                   serving or stops it, and nothing else. One that is paused decides on no role change.";

    fn new(terms: &Terms) -> Self {
        let leave = if terms.armed { Leave::Armed } else { Leave::Shadow };
        Self {
            leaves: vec![leave; terms.sidecars],
            paused: vec![false; terms.sidecars],
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::Renewed { by } if self.leave(*by) == Leave::Shadow => {
                broken(at, format!("{} renews the lease in shadow mode", words::region(by.region)));
            }
            Fact::Asked { by, effect, .. } => {
                let intent = &effect.intent;
                let may = match self.leave(*by) {
                    Leave::Armed => true,
                    Leave::Disarmed => only_looks(intent) || keeps_serving(intent),
                    Leave::Shadow => only_looks(intent),
                };
                if !may {
                    let what = words::intent(intent).unwrap_or_else(|| "a write of the lease item".to_owned());
                    broken(at, format!("{} is not armed, and asks: {what}", words::region(by.region)));
                }
            }
            Fact::Decided {
                by,
                verdict: Verdict::FailOver | Verdict::FailBack,
                ..
            } => {
                let paused = self.paused.get(by.slot).copied().unwrap_or(false);
                if paused || self.leave(*by) != Leave::Armed {
                    let how = if paused { "paused" } else { "not armed" };
                    broken(at, format!("{} is {how}, and decides to move", words::region(by.region)));
                }
            }
            Fact::Commanded { by, command } => {
                if let (Some(leave), Some(paused)) = (self.leaves.get_mut(by.slot), self.paused.get_mut(by.slot)) {
                    match command {
                        Command::Arm => *leave = Leave::Armed,
                        Command::Disarm if *leave == Leave::Armed => *leave = Leave::Disarmed,
                        Command::Pause => *paused = true,
                        Command::Resume => *paused = false,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, boot, breaches, effect, judge, terms};
    use understudy_engine::core::evidence::Assessment;
    use understudy_engine::core::ids::Region;

    fn asked(intent: Intent) -> Fact {
        Fact::Asked {
            by: AWAY,
            effect: effect(1, 1, 60, intent),
            boot: boot(50),
        }
    }

    const fn commanded(command: Command) -> Fact {
        Fact::Commanded { by: AWAY, command }
    }

    const DECIDED: Fact = Fact::Decided {
        by: AWAY,
        verdict: Verdict::FailOver,
        target: Region::Home,
        assessment: Assessment::RegionLost,
        ordered: false,
    };

    fn in_shadow(history: impl IntoIterator<Item = Fact>) -> usize {
        let mut terms = terms();
        terms.armed = false;
        judge::<HandsOff>(&terms, history.into_iter().map(|fact| (100, fact)), None)
    }

    #[test]
    fn a_shadow_that_does_anything_but_look_breaks_it() {
        assert_eq!(in_shadow([asked(Intent::DescribeDatabase), asked(Intent::ReadSwitches)]), 0);
        assert_eq!(in_shadow([asked(Intent::OpenIntake)]), 1);
        assert_eq!(in_shadow([Fact::Renewed { by: AWAY }]), 1);
        assert_eq!(in_shadow([commanded(Command::Arm), asked(Intent::OpenIntake), DECIDED]), 0);
    }

    #[test]
    fn one_that_was_disarmed_may_keep_its_region_serving_and_no_more() {
        let disarmed = |intent| [(99, commanded(Command::Disarm)), (100, asked(intent))];
        assert_eq!(breaches::<HandsOff>(disarmed(Intent::OpenProcessing)), 0);
        assert_eq!(breaches::<HandsOff>(disarmed(Intent::RejoinDatabase)), 1);
    }

    #[test]
    fn one_that_is_paused_decides_on_nothing_until_it_is_resumed() {
        let paused = [(99, commanded(Command::Pause)), (100, DECIDED)];
        assert_eq!(breaches::<HandsOff>(paused), 1);
        let resumed = [
            (98, commanded(Command::Pause)),
            (99, commanded(Command::Resume)),
            (100, DECIDED),
        ];
        assert_eq!(breaches::<HandsOff>(resumed), 0);
    }
}
