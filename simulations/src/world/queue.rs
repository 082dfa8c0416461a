//! What is still to happen, in order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use understudy_engine::core::ids::Region;
use understudy_engine::core::signal::{PeerMessage, Signal};

use super::clock::Moment;

/// Something that happens at its moment. Small and without heap memory, because a long run has millions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A fault begins, ends or, if it flaps, changes.
    Fault(u16),
    /// An operator asks for something.
    Operation(u16),
    /// A probe is due.
    Probe(u16),
    /// A signal reaches an engine.
    Signal { slot: u8, signal: Signal },
    /// A message of the other region reaches an engine.
    Peer { slot: u8, message: PeerMessage },
    /// An engine asked to be woken.
    Wake(u8),
    /// A sidecar has started again, unless it was stopped once more since.
    Restart { slot: u8, generation: u32 },
    /// An effect is begun by its shell.
    BeginEffect(u32),
    /// An effect's request is where it takes effect.
    ApplyEffect(u32),
    /// An effect's answer is back at its shell.
    AnswerEffect(u32),
    /// A shell's patience with an effect is over.
    ExpireEffect(u32),
    /// A region's serving row may have run out.
    ServingExpiry(Region),
    /// A database move is through, unless another one has begun.
    DatabaseMoved(u32),
    /// Route 53 answers differently, unless the switches changed again.
    DnsFlip(u32),
    /// A client's cached answer runs out.
    Resolve(u8),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Moment,
    sequence: u64,
    event: Event,
}

impl Entry {
    const fn key(&self) -> (Moment, u64) {
        (self.at, self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A queue of events. Events of the same moment come out in the order in which they went in, so a run never depends on
/// how the heap happens to be laid out.
#[derive(Debug)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    horizon: Moment,
}

impl Queue {
    /// A queue that forgets what would happen after the horizon.
    pub(crate) fn new(horizon: Moment) -> Self {
        Self {
            heap: BinaryHeap::with_capacity(4_096),
            sequence: 0,
            horizon,
        }
    }

    /// Schedules an event.
    pub(crate) fn push(&mut self, at: Moment, event: Event) {
        if at > self.horizon {
            return;
        }
        self.sequence += 1;
        self.heap.push(Reverse(Entry {
            at,
            sequence: self.sequence,
            event,
        }));
    }

    /// The next event.
    pub(crate) fn pop(&mut self) -> Option<(Moment, Event)> {
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Moment {
        Moment::from_micros(micros)
    }

    #[test]
    fn events_come_out_by_time_and_then_in_the_order_of_going_in() {
        let mut queue = Queue::new(at(100));
        for (micros, index) in [(7, 0), (5, 1), (7, 2), (5, 3)] {
            queue.push(at(micros), Event::Probe(index));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        let expected = [(5, 1), (5, 3), (7, 0), (7, 2)].map(|(micros, index)| (at(micros), Event::Probe(index)));
        assert_eq!(order, expected);
    }

    #[test]
    fn nothing_happens_after_the_horizon() {
        let mut queue = Queue::new(at(100));
        queue.push(at(101), Event::Probe(0));
        queue.push(at(100), Event::Probe(1));
        assert_eq!(queue.pop(), Some((at(100), Event::Probe(1))));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn an_event_is_small() {
        assert!(size_of::<Entry>() <= 80, "{}", size_of::<Entry>());
    }
}
