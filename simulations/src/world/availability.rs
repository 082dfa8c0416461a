//! When something stopped working and when it worked again.

use std::time::Duration;

use super::clock::Moment;

/// One time of not working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interruption {
    pub from: Moment,
    /// None: not over when the run ended.
    pub to: Option<Moment>,
}

/// An interruption that begins so soon after a failover was decided is still what it answers: a region that is cut off
/// serves until its lease runs out. Assumption: the budget.
const FOLLOWS: Duration = Duration::from_secs(60);

/// The times at which something did not work.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Availability {
    open: Option<Moment>,
    first: Option<Interruption>,
    /// When the first failover was decided, and the interruption that it answered.
    failover: Option<Moment>,
    answered: Option<Interruption>,
    total: Duration,
    count: u32,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Same,
    Stopped,
    Restored { after: Duration },
}

impl Availability {
    /// Takes note of whether it works now.
    pub(crate) fn look(&mut self, now: Moment, works: bool) -> Turn {
        match (self.open, works) {
            (None, false) => {
                self.open = Some(now);
                Turn::Stopped
            }
            (Some(from), true) => {
                self.open = None;
                // What stops and works again at the same moment was never seen not to work.
                if now > from {
                    self.close(from, Some(now), now);
                }
                Turn::Restored { after: now.since(from) }
            }
            _ => Turn::Same,
        }
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, now: Moment) {
        if let Some(from) = self.open.take() {
            self.close(from, None, now);
        }
    }

    fn close(&mut self, from: Moment, to: Option<Moment>, now: Moment) {
        let it = Interruption { from, to };
        self.first.get_or_insert(it);
        let answered = |decided: Moment| to.is_none_or(|to| to >= decided) && from <= decided.after(FOLLOWS);
        if self.failover.is_some_and(answered) {
            self.answered.get_or_insert(it);
        }
        self.total += now.since(from);
        self.count += 1;
    }

    /// The first failover is decided.
    pub(crate) fn failover(&mut self, now: Moment) {
        self.failover.get_or_insert(now);
    }

    /// The interruption that the first failover answered; the first one if there is none such.
    pub(crate) fn counted(&self) -> Option<Interruption> {
        self.answered.or(self.first)
    }

    /// Whether it does not work now.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// All interruptions together.
    pub(crate) const fn total(&self) -> Duration {
        self.total
    }

    /// How many there were.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_first_interruption_is_kept_and_all_of_them_are_added_up() {
        let mut it = Availability::default();
        for (second, works) in [
            (1, true),
            (2, false),
            (3, false),
            (5, true),
            (8, false),
            (9, true),
            (12, false),
        ] {
            it.look(at(second), works);
        }
        it.finish(at(20));
        assert_eq!(
            it.counted(),
            Some(Interruption {
                from: at(2),
                to: Some(at(5))
            })
        );
        assert_eq!((it.total(), it.count()), (Duration::from_secs(12), 3));
    }

    #[test]
    fn an_interruption_without_length_is_none() {
        let mut it = Availability::default();
        it.look(at(2), false);
        it.look(at(2), true);
        it.finish(at(3));
        assert_eq!((it.counted(), it.count()), (None, 0));
    }

    #[test]
    fn the_interruption_that_a_failover_answered_counts_and_not_a_blip_before_it() {
        let mut it = Availability::default();
        for (second, works) in [(2, false), (3, true), (100, false)] {
            it.look(at(second), works);
        }
        it.failover(at(106));
        it.look(at(140), true);
        it.look(at(1_000), false);
        it.finish(at(2_000));
        let answered = Interruption {
            from: at(100),
            to: Some(at(140)),
        };
        assert_eq!(it.counted(), Some(answered));
    }
}
