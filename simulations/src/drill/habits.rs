//! What each process does every second, and whether it keeps up: time waits for whoever does not.

use std::collections::BTreeMap;
use std::time::Duration;

use understudy_engine::core::ids::Region;

use super::fleet::Fleet;
use crate::world::outside::Question;

/// What is done at least this often is done every second: whoever is late with it is waited for.
const REGULAR: Duration = Duration::from_millis(1_600);
/// A process that has not been heard of for so long is not waited for, in real time.
const SILENT_MAX: Duration = Duration::from_secs(1);

/// What a process does again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Habit {
    Lease,
    /// Whatever follows from something else, or is done more seldom: nobody waits for it.
    Other,
    Probe(Region, Question),
    Reference,
    /// It has reached another process with a letter about this.
    Letter(usize, u64),
}

/// When a process was last heard to do it.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// On the drill's clock, in microseconds.
    drill: u64,
    /// On the machine's.
    real: Duration,
    /// It does so every second.
    regular: bool,
}

/// Everything that was heard.
#[derive(Debug, Default)]
pub(crate) struct Habits(BTreeMap<(usize, Habit), Heard>);

impl Habits {
    /// A process was heard, at a moment of the drill in microseconds and a real one.
    pub(crate) fn hear(&mut self, process: usize, habit: Habit, drill: u64, real: Duration) {
        let heard = self.0.entry((process, habit)).or_insert(Heard {
            drill,
            real,
            regular: false,
        });
        let since = Duration::from_micros(drill - heard.drill.min(drill));
        *heard = Heard {
            drill,
            real,
            regular: since <= REGULAR && (heard.regular || since >= REGULAR / 8),
        };
    }

    /// Whether a process was ever heard.
    pub(crate) fn knows(&self, process: usize) -> bool {
        self.0.keys().any(|(other, _)| *other == process)
    }

    /// When whatever is done every second was last done by the one that is furthest behind; none: nobody is waited for.
    pub(crate) fn furthest_behind(&self, fleet: &Fleet, real: Duration) -> Option<u64> {
        let waited_for = |(process, habit): &(usize, Habit), heard: &Heard| {
            let reached = match habit {
                Habit::Letter(to, _) => fleet.is_awake(*to),
                Habit::Other => false,
                Habit::Lease | Habit::Probe(..) | Habit::Reference => true,
            };
            heard.regular && reached && real - heard.real < SILENT_MAX && fleet.is_awake(*process)
        };
        let heard = self.0.iter().filter(|(habit, heard)| waited_for(habit, heard));
        heard.map(|(_, heard)| heard.drill).min()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn nobody_waits_for_a_process_that_does_not_run() {
        let mut habits = Habits::default();
        let fleet = Fleet::new(PathBuf::new(), Vec::new(), channel().0);
        for second in 0..4 {
            habits.hear(0, Habit::Lease, second * 1_000_000, Duration::from_secs(second));
        }
        assert!(habits.knows(0) && !habits.knows(1));
        assert_eq!(habits.furthest_behind(&fleet, Duration::from_secs(3)), None);
    }
}
