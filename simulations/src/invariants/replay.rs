//! The same inputs give the same engine.

use super::{Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct Replay;

impl Invariant for Replay {
    const NAME: &'static str = "the same inputs give the same effects, journal and state";
    const MEANING: &'static str = "A second engine is fed with everything that a sidecar's engine is fed with, beside it \
                                   and in the same order. Both ask for the same effects, write the same journal and \
                                   show the same status. Looked at in every single run, and for one seed in 64 of a \
                                   campaign.";

    fn new(_terms: &Terms) -> Self {
        Self
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        if let Fact::Diverged { sidecar } = fact {
            let name = words::region(sidecar.region);
            broken(at, format!("an engine of {name} does something else when it is fed with the same"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::{AWAY, breaches};

    #[test]
    fn an_engine_that_does_something_else_breaks_it() {
        assert_eq!(breaches::<Replay>([(100, Fact::Diverged { sidecar: AWAY })]), 1);
        assert_eq!(breaches::<Replay>([(100, Fact::Started { sidecar: AWAY })]), 0);
    }
}
