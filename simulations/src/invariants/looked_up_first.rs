//! What may have happened is looked up before it is done again.

use understudy_engine::core::effect::{IdempotencyKey, Intent, Outcome};
use understudy_engine::core::ids::{EffectId, Region};

use super::{Fact, Invariant, Sidecar, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// The last attempt of a region to move the writer.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    slot: usize,
    id: EffectId,
    key: IdempotencyKey,
    /// Whether it is known what came of it.
    known: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LookedUpFirst {
    attempts: [Option<Attempt>; 2],
}

impl LookedUpFirst {
    fn attempt(&mut self, region: Region) -> Option<&mut Attempt> {
        self.attempts[region.index()].as_mut()
    }
}

const fn moves_writer(intent: &Intent) -> bool {
    matches!(intent, Intent::PromoteDatabase { .. } | Intent::SwitchOverDatabase { .. })
}

impl Invariant for LookedUpFirst {
    const NAME: &'static str = "what may have happened is looked up before it is done again";
    const MEANING: &'static str = "A promotion or a move of the writer is begun again under the same idempotency key only \
                                   if the last attempt certainly came to nothing, or a describe has answered since. \
                                   Time-outs, crashes and other sidecars make no difference.";

    fn new(_terms: &Terms) -> Self {
        Self { attempts: [None; 2] }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        match fact {
            Fact::Begun { by, effect, boot } if moves_writer(&effect.intent) && *boot <= effect.not_after => {
                let Sidecar { slot, region } = *by;
                let last = self.attempts[region.index()];
                if last.is_some_and(|last| last.key == effect.key && !last.known) {
                    let text = format!(
                        "{} asks for the writer again without knowing what came of the last attempt",
                        words::region(region)
                    );
                    broken(at, text);
                }
                self.attempts[region.index()] = Some(Attempt {
                    slot,
                    id: effect.id,
                    key: effect.key,
                    known: false,
                });
            }
            Fact::Settled {
                by,
                id,
                intent,
                outcome,
            } => {
                let Some(attempt) = self.attempt(by.region) else { return };
                attempt.known |= match outcome {
                    Outcome::Database(_) => matches!(intent, Intent::DescribeDatabase),
                    Outcome::Failed | Outcome::Refused => attempt.slot == by.slot && attempt.id == *id,
                    _ => false,
                };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, boot, breaches, effect};
    use understudy_engine::core::effect::DatabaseView;
    use understudy_policies::model::DatabaseMethod;

    const PROMOTE: Intent = Intent::PromoteDatabase {
        method: DatabaseMethod::AuroraDetach,
    };

    fn begun(id: u64) -> Fact {
        Fact::Begun {
            by: AWAY,
            effect: effect(id, 2, 90, PROMOTE),
            boot: boot(50),
        }
    }

    fn settled(id: u64, intent: Intent, outcome: Outcome) -> Fact {
        Fact::Settled {
            by: AWAY,
            id: EffectId(id),
            intent,
            outcome,
        }
    }

    #[test]
    fn a_second_promotion_after_a_time_out_breaks_it() {
        let history = [begun(1), settled(1, PROMOTE, Outcome::TimedOut), begun(2)];
        assert_eq!(breaches::<LookedUpFirst>(history.map(|fact| (100, fact))), 1);
    }

    #[test]
    fn after_a_look_or_a_certain_failure_it_may_be_tried_again() {
        let view = Outcome::Database(DatabaseView {
            writer: Some(Region::Home),
            moving: false,
            replica_attached: true,
        });
        let looked = [
            begun(1),
            settled(1, PROMOTE, Outcome::TimedOut),
            settled(2, Intent::DescribeDatabase, view),
            begun(3),
        ];
        assert_eq!(breaches::<LookedUpFirst>(looked.map(|fact| (100, fact))), 0);
        let failed = [begun(1), settled(1, PROMOTE, Outcome::Failed), begun(2)];
        assert_eq!(breaches::<LookedUpFirst>(failed.map(|fact| (100, fact))), 0);
    }

    #[test]
    fn a_look_from_before_the_attempt_proves_nothing() {
        let view = Outcome::Database(DatabaseView {
            writer: Some(Region::Home),
            moving: false,
            replica_attached: true,
        });
        let history = [settled(1, Intent::DescribeDatabase, view), begun(2), begun(3)];
        assert_eq!(breaches::<LookedUpFirst>(history.map(|fact| (100, fact))), 1);
    }
}
