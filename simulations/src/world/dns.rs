//! The two switches, and what Route 53 answers.

use understudy_engine::core::ids::{Epoch, Region, Switch};

/// One switch's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    engaged: bool,
    /// The epoch of the last write, and its order within the epoch.
    order: (Epoch, u64),
}

/// What the public name answers with, and why.
#[derive(Debug)]
pub(crate) struct Dns {
    items: [Item; 2],
    /// Whether checkers can read each switch. One that cannot be read does not say "engaged".
    readable: [bool; 2],
    /// Whether the endpoint check of the home region holds traffic away, if the policy lets it.
    endpoint_unhealthy: bool,
    /// What checks and switches amount to, before anyone outside sees it.
    wanted: Region,
    /// What they amount to for everyone outside.
    switched: Region,
    pinned: Option<Region>,
    /// What the last record change that was accepted says, and its number.
    record: (Option<Region>, u32),
    generation: u32,
}

impl Dns {
    /// Both switches alike, so that one region answers.
    pub(crate) fn new(answer: Region) -> Self {
        let item = Item {
            engaged: answer == Region::Away,
            order: (Epoch(0), 0),
        };
        Self {
            items: [item; 2],
            readable: [true; 2],
            endpoint_unhealthy: false,
            wanted: answer,
            switched: answer,
            pinned: None,
            record: (None, 0),
            generation: 0,
        }
    }

    /// Flips a switch. False: a later write has been there, by its epoch and its order within the epoch.
    pub(crate) fn set(&mut self, switch: Switch, engaged: bool, order: (Epoch, u64)) -> bool {
        let item = &mut self.items[switch.index()];
        let accepted = order >= item.order;
        if accepted {
            *item = Item { engaged, order };
        }
        accepted
    }

    /// What a switch says.
    pub(crate) const fn engaged(&self, switch: Switch) -> bool {
        self.items[switch.index()].engaged
    }

    /// Takes note of what the checkers see. When it amounts to another answer than before, returns the generation of
    /// the flip that is now to come.
    pub(crate) fn look(&mut self, readable: [bool; 2], endpoint_unhealthy: bool) -> Option<u32> {
        self.readable = readable;
        self.endpoint_unhealthy = endpoint_unhealthy;
        let held_away = Switch::BOTH
            .iter()
            .any(|switch| self.readable[switch.index()] && self.engaged(*switch));
        let wanted = if held_away || self.endpoint_unhealthy {
            Region::Away
        } else {
            Region::Home
        };
        if wanted == self.wanted {
            return None;
        }
        self.wanted = wanted;
        self.generation += 1;
        Some(self.generation)
    }

    /// The flip of this generation has reached everyone, unless another one came after it. True: the answer changed.
    pub(crate) fn flip(&mut self, generation: u32) -> bool {
        let before = self.answer();
        if generation == self.generation {
            self.switched = self.wanted;
        }
        self.answer() != before
    }

    /// A record change is accepted: pin the record to a region, or let it follow its checks again. Returns its number.
    pub(crate) const fn change_record(&mut self, to: Option<Region>) -> u32 {
        self.record = (to, self.record.1 + 1);
        self.record.1
    }

    /// The record change of this number has reached everyone, unless another one was accepted after it. True: the
    /// answer changed.
    pub(crate) fn record_changed(&mut self, number: u32) -> bool {
        let before = self.answer();
        if number == self.record.1 {
            self.pinned = self.record.0;
        }
        self.answer() != before
    }

    /// What the public name answers with.
    pub(crate) fn answer(&self) -> Region {
        self.pinned.unwrap_or(self.switched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READABLE: [bool; 2] = [true, true];

    #[test]
    fn either_switch_alone_holds_traffic_away() {
        for switch in Switch::BOTH {
            let mut dns = Dns::new(Region::Home);
            assert!(dns.set(switch, true, (Epoch(1), 1)));
            let flip = dns.look(READABLE, false).unwrap();
            assert_eq!(dns.answer(), Region::Home);
            assert!(dns.flip(flip));
            assert_eq!(dns.answer(), Region::Away);
        }
    }

    #[test]
    fn losing_a_switch_moves_nothing() {
        let mut dns = Dns::new(Region::Home);
        assert_eq!(dns.look([false, true], false), None);
        dns.set(Switch::A, true, (Epoch(1), 1));
        dns.set(Switch::B, true, (Epoch(1), 1));
        assert!(dns.look([false, true], false).is_some());
        assert_eq!(dns.look([true, false], false), None);
    }

    #[test]
    fn a_flip_that_was_overtaken_does_nothing() {
        let mut dns = Dns::new(Region::Home);
        dns.set(Switch::A, true, (Epoch(1), 1));
        let first = dns.look(READABLE, false).unwrap();
        dns.set(Switch::A, false, (Epoch(1), 1));
        let second = dns.look(READABLE, false).unwrap();
        assert!(!dns.flip(first));
        assert!(!dns.flip(second));
        assert_eq!(dns.answer(), Region::Home);
    }

    #[test]
    fn a_pinned_record_answers_whatever_the_switches_say_until_it_is_unpinned() {
        let mut dns = Dns::new(Region::Home);
        let pin = dns.change_record(Some(Region::Away));
        assert_eq!(dns.answer(), Region::Home, "accepted, and on its way");
        assert!(dns.record_changed(pin));
        assert_eq!(dns.answer(), Region::Away);
        let unpin = dns.change_record(None);
        assert!(dns.record_changed(unpin));
        assert_eq!(dns.answer(), Region::Home);
    }

    #[test]
    fn of_two_record_changes_the_one_that_was_accepted_last_holds() {
        let mut dns = Dns::new(Region::Home);
        let pin = dns.change_record(Some(Region::Away));
        let unpin = dns.change_record(None);
        assert!(!dns.record_changed(pin));
        assert!(!dns.record_changed(unpin));
        assert_eq!(dns.answer(), Region::Home);
    }

    #[test]
    fn a_write_that_was_held_up_does_not_undo_the_one_that_came_after_it() {
        let mut dns = Dns::new(Region::Home);
        assert!(dns.set(Switch::A, true, (Epoch(1), 14)));
        assert!(dns.set(Switch::A, false, (Epoch(1), 15)));
        assert!(!dns.set(Switch::A, true, (Epoch(1), 14)), "the first attempt once more");
        assert!(!dns.set(Switch::A, true, (Epoch(1), 12)));
        assert!(!dns.engaged(Switch::A));
        assert!(
            dns.set(Switch::A, true, (Epoch(1), 18)),
            "another claim engages it again"
        );
    }

    #[test]
    fn a_switch_refuses_an_older_epoch() {
        let mut dns = Dns::new(Region::Home);
        assert!(dns.set(Switch::A, true, (Epoch(2), 1)));
        assert!(!dns.set(Switch::A, false, (Epoch(1), 1)));
        assert!(dns.engaged(Switch::A));
    }
}
