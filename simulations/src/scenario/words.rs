//! Faults in words, for timelines.

use super::model::{Evidence, Fault, FaultState, Origin, Part, Share, Subject};
use crate::report::words::duration;

impl Share {
    fn in_words(self) -> String {
        let percent = self.fraction() * 100.0;
        format!("{percent} %")
    }
}

impl Origin {
    /// What has to happen for it, if it is anything but time.
    #[must_use]
    pub fn in_words(self) -> Option<String> {
        match self {
            Self::Onset | Self::BeforeOnset(_) => None,
            Self::Step(step) => Some(format!("the step {}", super::names::step_name(step))),
            Self::State(state) => Some(format!("the state {}", state.name())),
        }
    }
}

impl Subject {
    /// `us-east-1 lambda`, `link us-east-1 <-> us-east-2`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Part { part, place } => format!("{place} {}", part.name()),
            Self::Sidecar { place, number } => format!("{place} sidecar {number}"),
            Self::Link { from, to, both_ways } => {
                let arrow = if *both_ways { "<->" } else { "->" };
                format!("link {from} {arrow} {to}")
            }
        }
    }
}

impl Fault {
    /// What breaks, and how.
    #[must_use]
    pub fn in_short(&self) -> String {
        format!("{} {}", self.subject.in_words(), self.state.in_words())
    }

    /// What breaks, how, whether somebody published it, and what happened.
    #[must_use]
    pub fn in_words(&self) -> String {
        let subject = self.subject.in_words();
        let state = match (self.subject, self.state) {
            (
                Subject::Part {
                    part: Part::Resolvers, ..
                },
                FaultState::Delayed { by },
            ) => {
                format!("keep answers for {} more than told", duration(by))
            }
            (_, state) => state.in_words(),
        };
        let evidence = match self.evidence {
            Evidence::Published => "published",
            Evidence::Inferred => "inferred",
        };
        format!("{subject} {state} ({evidence}): {}", self.note)
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
            Self::Stepped { by, backward: false } => format!("is set ahead by {}", duration(by)),
            Self::Stepped { by, backward: true } => format!("is set back by {}", duration(by)),
            Self::Drifting { ppm } => format!("drifts by {ppm} ppm"),
            Self::Paused => "stand still between check and commit".to_owned(),
            Self::Lossy { share } => format!("loses {}", share.in_words()),
            Self::Duplicated { by } => format!("says everything twice, within {}", duration(by)),
            Self::Reordered { by } => format!("is late by up to {}, each message by itself", duration(by)),
            Self::Detached => "takes writes by itself, promoted by hand".to_owned(),
            Self::LeftOpen { clients: Share::NONE } => "is left open".to_owned(),
            Self::LeftOpen { clients } => {
                format!("is left open, and {} of the clients are sent there", clients.in_words())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::Place;

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
            origin: Origin::Onset,
            at: Duration::ZERO,
            until: None,
            evidence: Evidence::Published,
            note: "functions fail".to_owned(),
        };
        let said = "us-east-1 lambda comes and goes, 3 s of every 40 s (published): functions fail";
        assert_eq!(fault.in_words(), said);
    }
}
