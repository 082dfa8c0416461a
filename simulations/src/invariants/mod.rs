//! What must hold in every run, whatever breaks.
//!
//! An invariant is a sentence about the *world*: about the lease item, the databases, the orders, and what engines did,
//! never about what they believed. The world tells each `Fact` at the place where it takes effect, and every invariant
//! sees all of them, in every run and every timeline of a campaign. It reads no engine and changes nothing.
//!
//! Each has a name, a file, tests on made-up histories, and at least one seeded bug that breaks it and is found
//! (`docs/invariants.md`). Outside the assumptions that a policy declares (clocks that drift further apart than
//! `lease.drift-max`) some cannot hold. They are judged all the same, and reported when broken.
//!
//! Most facts are renewals, and most invariants do not care: `see` is a `match` that falls through at once, and nothing
//! is allocated before something is broken.

mod fact;
mod terms;
#[cfg(test)]
mod testing;

pub(crate) use fact::{Ending, Fact, Sidecar};
pub(crate) use terms::Terms;

use crate::world::clock::Moment;

/// Something that must hold.
pub(crate) trait Invariant {
    /// Its name: a sentence that is true.
    const NAME: &'static str;
    /// What it means, and where its limits are.
    const MEANING: &'static str;

    /// Before anything has happened.
    fn new(terms: &Terms) -> Self;

    /// Takes note of a fact. `broken` is told when, and what happened.
    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String));

    /// The run is over.
    fn end(&mut self, _at: Moment, _ending: &Ending, _broken: &mut impl FnMut(Moment, String)) {}
}

/// One invariant, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// Its name: a sentence that is true.
    pub name: &'static str,
    /// What it means, and where its limits are.
    pub meaning: &'static str,
    /// The name of its file.
    pub file: &'static str,
}

impl Description {
    /// What a scenario file calls it: the file's name, with dashes.
    #[must_use]
    pub fn key(&self) -> String {
        self.file.trim_end_matches(".rs").replace('_', "-")
    }
}

/// The one of this name, a sentence.
#[must_use]
pub fn named(name: &str) -> Option<&'static Description> {
    ALL.iter().find(|invariant| invariant.name == name)
}

macro_rules! invariants {
    ($($module:ident :: $invariant:ident)*) => {
        $(mod $module;)*

        /// All invariants.
        #[derive(Debug)]
        pub(crate) struct Invariants {
            $($module: $module::$invariant,)*
        }

        /// Every invariant, in the order in which they are told.
        pub const ALL: &[Description] = &[$(Description {
            name: <$module::$invariant as Invariant>::NAME,
            meaning: <$module::$invariant as Invariant>::MEANING,
            file: concat!(stringify!($module), ".rs"),
        },)*];

        impl Invariants {
            /// Before anything has happened.
            pub(crate) fn new(terms: &Terms) -> Self {
                Self {
                    $($module: Invariant::new(terms),)*
                }
            }

            /// Shows a fact to every invariant. `broken` is told which one, when, and what happened.
            #[inline]
            pub(crate) fn see(
                &mut self,
                at: Moment,
                fact: &Fact,
                broken: &mut impl FnMut(&'static str, Moment, String),
            ) {
                $(self.$module.see(at, fact, &mut |when, text| {
                    broken($module::$invariant::NAME, when, text);
                });)*
            }

            /// The run is over.
            pub(crate) fn end(
                &mut self,
                at: Moment,
                ending: &Ending,
                broken: &mut impl FnMut(&'static str, Moment, String),
            ) {
                $(self.$module.end(at, ending, &mut |when, text| {
                    broken($module::$invariant::NAME, when, text);
                });)*
            }
        }
    };
}

invariants! {
    commits_fenced::CommitsFenced
    one_open_region::OneOpenRegion
    promotion_with_lease::PromotionWithLease
    one_tenure::OneTenure
    epochs_rise::EpochsRise
    stale_refused::StaleRefused
    intent_first::IntentFirst
    looked_up_first::LookedUpFirst
    name_agrees::NameAgrees
    loss_bounded::LossBounded
    losses_reported::LossesReported
    cool_down::CoolDown
    loss_was_visible::LossWasVisible
    hands_off::HandsOff
    no_stuck_state::NoStuckState
    convergence::Convergence
    replay::Replay
}

#[cfg(test)]
pub(crate) const COMMITS_FENCED: &str = <commits_fenced::CommitsFenced as Invariant>::NAME;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invariant_has_a_name_of_its_own_and_says_what_it_means() {
        for (index, one) in ALL.iter().enumerate() {
            assert!(
                one.name.starts_with(char::is_lowercase),
                "{}: a sentence goes on with it",
                one.name
            );
            assert!(one.meaning.ends_with('.'), "{}", one.name);
            assert!(ALL[..index].iter().all(|other| other.name != one.name), "{}", one.name);
        }
    }
}
