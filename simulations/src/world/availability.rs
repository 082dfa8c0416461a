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

/// The times at which something did not work.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Availability {
    open: Option<Moment>,
    first: Option<Interruption>,
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
        self.first.get_or_insert(Interruption { from, to });
        self.total += now.since(from);
        self.count += 1;
    }

    /// The first interruption.
    pub(crate) const fn first(&self) -> Option<Interruption> {
        self.first
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
            it.first(),
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
        assert_eq!((it.first(), it.count()), (None, 0));
    }
}
