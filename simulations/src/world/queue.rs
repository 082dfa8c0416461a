//! What is still to happen, in order.

use std::cmp::Reverse;
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
    /// A change of the public record has reached everyone, unless another one was accepted after it.
    RecordChanged(u32),
    /// A client's cached answer runs out.
    Resolve(u8),
}

/// How many buckets the near future has. A power of two.
const BUCKETS: usize = 1_024;
/// A bucket is 2^11 microseconds, about 2 ms, so the near future is about 2 s: what is due every second stays in it.
const BUCKET_BITS: u32 = 11;
/// No entry.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Moment,
    sequence: u64,
    event: Event,
    /// The entry after this one in the same bucket, or the next free one.
    next: u32,
}

impl Entry {
    const fn key(&self) -> (Moment, u64) {
        (self.at, self.sequence)
    }
}

/// The entries of one bucket, a list in the order in which they come out.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    first: u32,
    last: u32,
}

const EMPTY: Bucket = Bucket {
    first: NONE,
    last: NONE,
};

/// A queue of events. Events of the same moment come out in the order in which they went in, so a run never depends on
/// how the queue happens to be laid out.
///
/// Nearly everything happens within two seconds of being scheduled. So the near future is a ring of short buckets, in
/// which scheduling and taking cost the same however much is waiting. What comes later waits in a heap.
#[derive(Debug)]
pub(crate) struct Queue {
    entries: Vec<Entry>,
    /// The first of the entries that are free.
    free: u32,
    near: Box<[Bucket; BUCKETS]>,
    /// Which buckets of the ring hold something.
    filled: [u64; BUCKETS / 64],
    /// The bucket of the moment that was reached, counted from the start. The ring holds it and those that follow.
    current: u64,
    /// What lies beyond the ring.
    far: BinaryHeap<Reverse<(Moment, u64, u32)>>,
    sequence: u64,
    horizon: Moment,
}

impl Queue {
    /// A queue that forgets what would happen after the horizon.
    pub(crate) fn new(horizon: Moment) -> Self {
        Self {
            entries: Vec::with_capacity(512),
            free: NONE,
            near: Box::new([EMPTY; BUCKETS]),
            filled: [0; BUCKETS / 64],
            current: 0,
            far: BinaryHeap::new(),
            sequence: 0,
            horizon,
        }
    }

    /// Schedules an event.
    // Inlined, like `keep` and `pop`: an event that is handed on in pieces is read back as a whole, and that stalls.
    #[inline]
    pub(crate) fn push(&mut self, at: Moment, event: Event) {
        if at > self.horizon {
            return;
        }
        self.sequence += 1;
        let entry = Entry {
            at,
            sequence: self.sequence,
            event,
            next: NONE,
        };
        let index = self.keep(entry);
        if bucket_of(at) < self.current + BUCKETS as u64 {
            self.insert(index);
        } else {
            self.far.push(Reverse((at, self.sequence, index)));
        }
    }

    /// When the next event is due.
    pub(crate) fn next_at(&self) -> Option<Moment> {
        match self.first_filled() {
            Some(place) => Some(self.entries[self.near[place].first as usize].at),
            None => self.far.peek().map(|Reverse((at, ..))| *at),
        }
    }

    /// The next event.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(Moment, Event)> {
        let place = match self.first_filled() {
            Some(place) => place,
            None => {
                let Reverse((at, ..)) = *self.far.peek()?;
                self.advance(bucket_of(at));
                self.first_filled()?
            }
        };
        let index = self.near[place].first;
        let entry = self.entries[index as usize];
        self.near[place].first = entry.next;
        if entry.next == NONE {
            self.near[place] = EMPTY;
            self.filled[place / 64] &= !(1 << (place % 64));
        }
        self.entries[index as usize].next = self.free;
        self.free = index;
        self.advance(bucket_of(entry.at));
        Some((entry.at, entry.event))
    }

    /// Moves the ring on. What comes into its reach leaves the heap, and comes later than anything else in the ring.
    #[inline]
    fn advance(&mut self, to: u64) {
        if to <= self.current {
            return;
        }
        self.current = to;
        while let Some(Reverse((at, _, index))) = self.far.peek()
            && bucket_of(*at) < to + BUCKETS as u64
        {
            let index = *index;
            self.far.pop();
            self.insert(index);
        }
    }

    #[inline]
    fn keep(&mut self, entry: Entry) -> u32 {
        if let Some(slot) = self.entries.get_mut(self.free as usize) {
            return std::mem::replace(&mut self.free, std::mem::replace(slot, entry).next);
        }
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
    }

    /// Puts an entry into its bucket. Most go to the end.
    fn insert(&mut self, index: u32) {
        let key = self.entries[index as usize].key();
        // What is past comes next: it is put where the search for the next event begins.
        let place = place_of(bucket_of(key.0).max(self.current));
        let Bucket { first, last } = self.near[place];
        if first == NONE {
            self.near[place] = Bucket {
                first: index,
                last: index,
            };
            self.filled[place / 64] |= 1 << (place % 64);
        } else if self.entries[last as usize].key() < key {
            self.entries[last as usize].next = index;
            self.near[place].last = index;
        } else if key < self.entries[first as usize].key() {
            self.entries[index as usize].next = first;
            self.near[place].first = index;
        } else {
            let mut before = first;
            loop {
                let after = self.entries[before as usize].next;
                if self.entries[after as usize].key() > key {
                    self.entries[index as usize].next = after;
                    self.entries[before as usize].next = index;
                    return;
                }
                before = after;
            }
        }
    }

    /// The first bucket of the ring that holds something, from the current one on.
    fn first_filled(&self) -> Option<usize> {
        let words = self.filled.len();
        let start = place_of(self.current);
        let (word, bit) = (start / 64, start % 64);
        let here = self.filled[word] & (u64::MAX << bit);
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        // The last look is at the bits of the first word that lie before the start.
        (1..=words).find_map(|step| {
            let word = (word + step) % words;
            let bits = self.filled[word];
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        })
    }
}

/// The bucket of a moment, counted from the start.
const fn bucket_of(at: Moment) -> u64 {
    at.micros() >> BUCKET_BITS
}

/// Where a bucket is in the ring.
const fn place_of(bucket: u64) -> usize {
    (bucket % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

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
    fn near_and_far_events_of_any_order_come_out_as_if_sorted() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut queue = Queue::new(at(u64::MAX));
        let mut expected = BTreeSet::new();
        let mut now = at(0);
        for sequence in 0..50_000_u32 {
            // Some at the same moment, most within the ring, some beyond it, some past.
            let after = match rng.random_range(0..10) {
                0 => 0,
                1..=3 => rng.random_range(0..4) * 1_000,
                4..=7 => rng.random_range(0..2_500_000),
                _ => rng.random_range(0..60_000_000),
            };
            let moment = if sequence % 1_000 == 999 {
                now.before(Duration::from_micros(after))
            } else {
                at(now.micros() + after)
            };
            queue.push(moment, Event::AnswerEffect(sequence));
            expected.insert((moment, sequence));
            // The queue fills up, and is emptied again and again.
            let taken = if sequence % 2_000 < 1_000 { 1 } else { 3 };
            for _ in 0..rng.random_range(0..=taken) {
                let next = expected.pop_first();
                let event = next.map(|(moment, sequence)| (moment, Event::AnswerEffect(sequence)));
                assert_eq!(queue.pop(), event);
                now = next.map_or(now, |(moment, _)| moment.max(now));
            }
        }
        for (moment, sequence) in expected {
            assert_eq!(queue.pop(), Some((moment, Event::AnswerEffect(sequence))));
        }
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn an_event_is_small() {
        assert!(size_of::<Event>() <= 56, "{}", size_of::<Event>());
    }
}
