//! Nothing takes effect whose time, or whose epoch, is over.

use std::time::Duration;

use understudy_engine::core::effect::{Effect, Intent};
use understudy_engine::core::ids::Epoch;
use understudy_engine::core::lease::LeaseRecord;

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct StaleRefused {
    ttl: Duration,
    epoch: Epoch,
}

/// Whether an intent changes who serves, so that it must not be done in the name of an epoch that is over.
const fn changes_roles(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::PromoteDatabase { .. }
            | Intent::SwitchOverDatabase { .. }
            | Intent::RejoinDatabase
            | Intent::OpenIntake
            | Intent::OpenProcessing
    )
}

fn name(effect: &Effect) -> String {
    words::intent(&effect.intent).unwrap_or_else(|| "a routine effect".to_owned())
}

impl Invariant for StaleRefused {
    const NAME: &'static str = "stale effects are refused";
    const MEANING: &'static str = "Every effect carries a last moment that is no further off than its own time-out or \
                                   the lease. No shell begins it later. No promotion, move, rebuild or opening takes \
                                   effect in the name of an epoch that is over; the switches themselves refuse older \
                                   epochs. Left out: Route 53 knows no epoch, so a pin that was begun in time may \
                                   become visible later (see the public name).";

    fn new(terms: &Terms) -> Self {
        Self {
            ttl: terms.ttl,
            epoch: LeaseRecord::initial().epoch,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::LeaseWritten { after, .. } => self.epoch = after.epoch,
            Fact::Asked { effect, boot, .. } if effect.not_after > boot.after(effect.timeout.max(self.ttl)) => {
                broken(at, format!("{}: may be begun long after the lease is over", name(effect)));
            }
            Fact::Begun { by, effect, boot } if *boot > effect.not_after => {
                let text = format!(
                    "{} begins {} after its last moment: {}",
                    words::region(by.region),
                    words::duration(boot.since(effect.not_after)),
                    name(effect)
                );
                broken(at, text);
            }
            Fact::Arrived { by, effect } if effect.epoch < self.epoch && changes_roles(&effect.intent) => {
                let text = format!(
                    "{} acts for epoch {} in epoch {}: {}",
                    words::region(by.region),
                    effect.epoch,
                    self.epoch,
                    name(effect)
                );
                broken(at, text);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, boot, breaches, effect, take_over};

    fn begun(at_boot: u64) -> Fact {
        Fact::Begun {
            by: AWAY,
            effect: effect(1, 2, 50, Intent::OpenIntake),
            boot: boot(at_boot),
        }
    }

    #[test]
    fn an_effect_that_is_begun_after_its_last_moment_breaks_it() {
        assert_eq!(breaches::<StaleRefused>([(100, begun(51))]), 1);
        assert_eq!(breaches::<StaleRefused>([(100, begun(50))]), 0);
    }

    #[test]
    fn an_effect_without_a_last_moment_breaks_it() {
        let asked = |not_after| Fact::Asked {
            by: AWAY,
            effect: effect(1, 2, not_after, Intent::OpenIntake),
            boot: boot(50),
        };
        assert_eq!(breaches::<StaleRefused>([(100, asked(58))]), 0);
        assert_eq!(breaches::<StaleRefused>([(100, asked(59))]), 1);
    }

    #[test]
    fn what_takes_effect_in_the_name_of_an_epoch_that_is_over_breaks_it() {
        let [_, (acquire, _)] = take_over(AWAY, LeaseRecord::initial());
        let arrived = |epoch, intent| Fact::Arrived {
            by: AWAY,
            effect: effect(1, epoch, 50, intent),
        };
        let stale = [(100, acquire), (101, arrived(1, Intent::OpenProcessing))];
        assert_eq!(breaches::<StaleRefused>(stale), 1);
        let good = [
            (100, acquire),
            (101, arrived(2, Intent::OpenProcessing)),
            (102, arrived(1, Intent::CloseOrderPath)),
        ];
        assert_eq!(breaches::<StaleRefused>(good), 0);
    }
}
