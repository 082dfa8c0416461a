//! At most one region processes orders.

use super::{Ending, Fact, Invariant, Terms};
use crate::report::words;
use crate::world::clock::Moment;

/// See the module.
#[derive(Debug)]
pub(crate) struct OneOpenRegion {
    commits: [bool; 2],
    both_since: Option<Moment>,
}

impl OneOpenRegion {
    fn close(&mut self, at: Moment, broken: &mut impl FnMut(Moment, String)) {
        // What begins and ends at the same moment never was.
        if let Some(since) = self.both_since.take().filter(|since| at > *since) {
            let text = format!("both regions process orders for {}", words::duration(at.since(since)));
            broken(since, text);
        }
    }
}

impl Invariant for OneOpenRegion {
    const NAME: &'static str = "at most one region processes orders";
    const MEANING: &'static str = "At no moment do both regions' databases commit orders.";

    fn new(_terms: &Terms) -> Self {
        Self {
            commits: [false; 2],
            both_since: None,
        }
    }

    fn see(&mut self, at: Moment, fact: &Fact, broken: &mut impl FnMut(Moment, String)) {
        if let Fact::Commits { region, so } = *fact {
            self.commits[region.index()] = so;
            if self.commits == [true; 2] {
                self.both_since.get_or_insert(at);
            } else {
                self.close(at, broken);
            }
        }
    }

    fn end(&mut self, at: Moment, _ending: &Ending, broken: &mut impl FnMut(Moment, String)) {
        self.close(at, broken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::testing::breaches;
    use understudy_engine::core::ids::Region;

    const fn commits(region: Region, so: bool) -> Fact {
        Fact::Commits { region, so }
    }

    #[test]
    fn two_regions_that_commit_at_once_break_it() {
        let history = [
            (0, commits(Region::Home, true)),
            (50, commits(Region::Away, true)),
            (51, commits(Region::Home, false)),
        ];
        assert_eq!(breaches::<OneOpenRegion>(history), 1);
    }

    #[test]
    fn one_that_stops_at_the_moment_at_which_the_other_begins_does_not() {
        let history = [
            (0, commits(Region::Home, true)),
            (50, commits(Region::Away, true)),
            (50, commits(Region::Home, false)),
        ];
        assert_eq!(breaches::<OneOpenRegion>(history), 0);
    }
}
