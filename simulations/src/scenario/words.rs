//! Faults in words, for timelines.

use super::model::{Evidence, Fault, FaultState, Subject};
use crate::report::words::duration;

impl Subject {
    /// `us-east-1 lambda`, `link us-east-1 <-> us-east-2`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Part { part, place } => format!("{place} {}", part.name()),
            Self::Link { from, to, both_ways } => {
                let arrow = if *both_ways { "<->" } else { "->" };
                format!("link {from} {arrow} {to}")
            }
        }
    }
}

impl Fault {
    /// What breaks, how, whether somebody published it, and what happened.
    #[must_use]
    pub fn in_words(&self) -> String {
        let subject = self.subject.in_words();
        let evidence = match self.evidence {
            Evidence::Published => "published",
            Evidence::Inferred => "inferred",
        };
        format!("{subject} {} ({evidence}): {}", self.state.in_words(), self.note)
    }
}

impl FaultState {
    fn in_words(self) -> String {
        match self {
            Self::Down => "refuses".to_owned(),
            Self::Hang => "does not answer".to_owned(),
            Self::Flapping { period, down_for } => {
                format!("comes and goes, {} of every {}", duration(down_for), duration(period))
            }
            Self::Slow { by } => format!("is slow by {}", duration(by)),
            Self::Missing => "is silent".to_owned(),
            Self::Delayed { by } => format!("is late by {}", duration(by)),
            Self::Open => "has an open event".to_owned(),
            Self::Damaged => "answers with damaged data".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::{Part, Place};

    #[test]
    fn a_fault_says_what_breaks_how_and_who_says_so() {
        let fault = Fault {
            subject: Subject::Part {
                part: Part::Lambda,
                place: Place::Home,
            },
            state: FaultState::Flapping {
                period: Duration::from_secs(40),
                down_for: Duration::from_secs(3),
            },
            at: Duration::ZERO,
            until: None,
            evidence: Evidence::Published,
            note: "functions fail".to_owned(),
        };
        let said = "us-east-1 lambda comes and goes, 3 s of every 40 s (published): functions fail";
        assert_eq!(fault.in_words(), said);
    }
}
