//! Two people for an accepted loss.
//!
//! The first request records a consent, the second one by somebody else carries the command out. A consent is good for
//! a few minutes, for one sidecar, and for one failover. Unless the operators' tokens have names, people are who they
//! say they are: the rule then guards against a slip, not against a lie.
#![expect(clippy::disallowed_types, reason = "requests come on several threads")]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::core::time::Timestamp;

/// How long the first consent waits for the second. A choice: long enough for a telephone call, short enough that the
/// platform is still in the state that was consented to.
pub const GOOD_FOR: Duration = Duration::from_secs(10 * 60);

/// The consents that wait.
#[derive(Debug, Default)]
pub struct Consents {
    first: Mutex<Option<Consent>>,
}

#[derive(Debug, Clone)]
struct Consent {
    by: String,
    until: Timestamp,
}

/// What another consent came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consented {
    /// It is the first one; or the same person again, which counts once.
    First,
    /// It is the second one: the first came from this person.
    Both(String),
}

impl Consents {
    /// Somebody consents.
    pub fn give(&self, by: &str, now: Timestamp) -> Consented {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.take().filter(|first| now <= first.until) {
            Some(given) if given.by != by => Consented::Both(given.by),
            _ => {
                *first = Some(Consent {
                    by: by.to_owned(),
                    until: now.after(GOOD_FOR),
                });
                Consented::First
            }
        }
    }

    /// Who has consented and waits for a second person.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> Option<String> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = first.as_ref().filter(|first| now <= first.until);
        waiting.map(|first| first.by.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn one_person_twice_is_one_person() {
        let consents = Consents::default();
        assert_eq!(consents.give("ada", at(1)), Consented::First);
        assert_eq!(consents.give("ada", at(2)), Consented::First);
        assert_eq!(consents.give("grace", at(3)), Consented::Both("ada".to_owned()));
    }

    #[test]
    fn a_consent_is_used_up_by_the_command_that_it_was_given_for() {
        let consents = Consents::default();
        consents.give("ada", at(1));
        consents.give("grace", at(2));
        assert_eq!(consents.give("grace", at(3)), Consented::First);
    }

    #[test]
    fn a_consent_runs_out() {
        let consents = Consents::default();
        consents.give("ada", at(1));
        assert_eq!(consents.waiting(at(600)), Some("ada".to_owned()));
        assert_eq!(consents.give("grace", at(602)), Consented::First);
    }
}
