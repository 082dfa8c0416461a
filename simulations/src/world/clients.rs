//! Clients with DNS caches, and what becomes of their orders.
//!
//! No order is an event. Between two changes (of an answer in a cache, or of what a region does with orders) nothing
//! differs from one order to the next, so each stretch of time is counted in one go, exactly.

use std::time::Duration;

use rand::Rng;
use understudy_engine::core::ids::Region;

use super::clock::{Moment, micros};
use crate::scenario::Share;

/// The largest number of clients.
pub(crate) const CLIENTS_MAX: u16 = 256;

/// A set of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClientSet([u64; 4]);

impl ClientSet {
    pub(crate) fn insert(&mut self, client: u8) {
        self.0[usize::from(client) / 64] |= 1 << (client % 64);
    }

    pub(crate) fn remove(&mut self, client: u8) {
        self.0[usize::from(client) / 64] &= !(1 << (client % 64));
    }

    pub(crate) fn contains(&self, client: u8) -> bool {
        self.0[usize::from(client) / 64] & (1 << (client % 64)) != 0
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    fn iter(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |client| self.contains(*client))
    }
}

/// What a region does with an order that reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Acceptance {
    /// Refuses it, or does not answer.
    Refuses,
    /// Writes it down durably, to be processed later.
    Intake,
    /// Commits it.
    Commits,
}

#[derive(Debug, Clone, Copy)]
struct Client {
    /// When it places its first order. The others follow at a fixed interval.
    first_order: u64,
    /// When its cached answer first runs out.
    first_expiry: u64,
    /// How long its resolver keeps an answer.
    keeps: u64,
}

impl Client {
    /// When what its resolver keeps next runs out, now or later.
    fn next_expiry(&self, now: Moment, longer: u64) -> u64 {
        let keeps = self.keeps + longer;
        let since = now.micros().saturating_sub(self.first_expiry);
        self.first_expiry + since.div_ceil(keeps) * keeps
    }
}

/// How the clients are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    /// How many, at most [`CLIENTS_MAX`].
    pub count: u16,
    /// How many of them sit behind a resolver that stretches TTLs.
    pub stretching: u16,
    /// The record's TTL.
    pub ttl: Duration,
    /// How much longer a stretching resolver keeps an answer, at least and at most.
    pub stretch: (Duration, Duration),
    /// The time between two orders of one client.
    pub order_interval: Duration,
}

/// What became of the orders so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub placed: u64,
    pub accepted: u64,
    pub refused: u64,
    pub processed: u64,
}

/// A stretch of time in which a region committed the orders of these clients.
#[derive(Debug, Clone, Copy)]
struct Commits {
    from: Moment,
    to: Moment,
    clients: ClientSet,
}

/// All clients.
#[derive(Debug)]
pub(crate) struct Clients {
    clients: Vec<Client>,
    interval: u64,
    /// How much longer than usual every resolver keeps an answer now.
    longer: u64,
    all: ClientSet,
    stretching: ClientSet,
    /// Who was sent to a region and asks no resolver.
    sent: ClientSet,
    resolved: [ClientSet; 2],
    acceptance: [Acceptance; 2],
    counted_until: Moment,
    tally: Tally,
    pending: [u64; 2],
    commits: [Vec<Commits>; 2],
    /// Orders that stood still before they were committed, by the moment at which they were.
    late_commits: [Vec<(Moment, u64)>; 2],
    /// How many orders each region has committed.
    committed: [u64; 2],
}

impl Clients {
    /// Clients that have all resolved one region, with their orders and caches staggered.
    pub(crate) fn new(crowd: &Crowd, region: Region, rng: &mut impl Rng) -> Self {
        let mut all = ClientSet::default();
        let mut stretching = ClientSet::default();
        let interval = micros(crowd.order_interval).max(1);
        let count = crowd.count.min(CLIENTS_MAX);
        let clients = (0..count)
            .map(|index| {
                let client = u8::try_from(index).unwrap_or(u8::MAX);
                all.insert(client);
                let mut keeps = micros(crowd.ttl).max(1);
                if index < crowd.stretching {
                    stretching.insert(client);
                    keeps += rng.random_range(micros(crowd.stretch.0)..=micros(crowd.stretch.1));
                }
                Client {
                    first_order: rng.random_range(0..interval),
                    first_expiry: rng.random_range(0..keeps),
                    keeps,
                }
            })
            .collect();
        Self {
            clients,
            interval,
            longer: 0,
            all,
            stretching,
            sent: ClientSet::default(),
            resolved: Region::BOTH.map(|it| if it == region { all } else { ClientSet::default() }),
            acceptance: [Acceptance::Refuses; 2],
            counted_until: Moment::START,
            tally: Tally::default(),
            pending: [0; 2],
            commits: [Vec::new(), Vec::new()],
            late_commits: [Vec::new(), Vec::new()],
            committed: [0; 2],
        }
    }

    /// What a region does with orders from now on. What it has in hand is processed as soon as it commits.
    pub(crate) fn set_acceptance(&mut self, now: Moment, region: Region, acceptance: Acceptance) {
        self.count_until(now);
        self.acceptance[region.index()] = acceptance;
        if acceptance == Acceptance::Commits {
            self.tally.processed += std::mem::take(&mut self.pending[region.index()]);
        }
    }

    /// What a region does with orders.
    pub(crate) const fn acceptance(&self, region: Region) -> Acceptance {
        self.acceptance[region.index()]
    }

    /// When each client will next ask for the public name's address.
    pub(crate) fn expiries(&self, now: Moment) -> impl Iterator<Item = (u8, Moment)> + '_ {
        let longer = self.longer;
        (0_u8..=u8::MAX)
            .zip(&self.clients)
            .map(move |(index, client)| (index, Moment::from_micros(client.next_expiry(now, longer))))
    }

    /// Whether a client asks for the public name's address now: what it was told may be kept for longer by now.
    pub(crate) fn asks(&self, now: Moment, client: u8) -> bool {
        let client = self.clients.get(usize::from(client));
        client.is_some_and(|client| client.next_expiry(now, self.longer) == now.micros())
    }

    /// From now on every resolver keeps answers for so much longer than usual: those that it has, and those that it
    /// fetches. What is kept when that is over runs out when it would have.
    pub(crate) fn keep_longer(&mut self, now: Moment, longer: Duration) {
        let longer = micros(longer);
        for client in &mut self.clients {
            let next = client.next_expiry(now, self.longer);
            client.first_expiry = next + longer.saturating_sub(self.longer);
        }
        self.longer = longer;
    }

    /// A share of the clients, those behind ordinary resolvers first, is sent to a region whatever they resolve.
    pub(crate) fn send_to(&mut self, now: Moment, region: Region, share: Share) {
        self.count_until(now);
        let count = u16::try_from(self.clients.len()).unwrap_or(CLIENTS_MAX);
        for index in (0..count).rev().take(usize::from(share.of(count))) {
            let client = u8::try_from(index).unwrap_or(u8::MAX);
            self.sent.insert(client);
            self.resolved[region.index()].insert(client);
            self.resolved[region.other().index()].remove(client);
        }
    }

    /// Whoever was sent somewhere goes where the public name answers with again.
    pub(crate) fn send_nobody(&mut self, now: Moment, answer: Region) {
        let sent = std::mem::take(&mut self.sent);
        for client in sent.iter() {
            self.resolve(now, client, answer);
        }
    }

    /// Orders that stood still in a region between their check and their commit went on: they were committed, or
    /// refused.
    pub(crate) fn went_on(&mut self, now: Moment, region: Region, orders: u64, committed: bool) {
        self.count_until(now);
        self.tally.placed += orders;
        if committed {
            self.tally.accepted += orders;
            self.tally.processed += orders;
            self.late_commits[region.index()].push((now, orders));
        } else {
            self.tally.refused += orders;
        }
    }

    /// A client asks for the public name's address and is told a region.
    pub(crate) fn resolve(&mut self, now: Moment, client: u8, answer: Region) {
        if self.resolved[answer.index()].contains(client) || self.sent.contains(client) {
            return;
        }
        self.count_until(now);
        self.resolved[answer.index()].insert(client);
        self.resolved[answer.other().index()].remove(client);
    }

    /// Whether 95 % of the clients can place orders, leaving out those behind resolvers that stretch TTLs.
    pub(crate) fn most_can_place(&self) -> bool {
        Self::is_most(self.able().without(self.stretching), self.all.without(self.stretching))
    }

    /// Whether 95 % of the clients behind resolvers that stretch TTLs can place orders.
    pub(crate) fn most_stretching_can_place(&self) -> bool {
        Self::is_most(self.able().and(self.stretching), self.stretching)
    }

    /// Whether 95 % of the clients, without those behind stretching resolvers, have resolved a region.
    pub(crate) fn most_have_resolved(&self, region: Region) -> bool {
        let resolved = self.resolved[region.index()].without(self.stretching);
        Self::is_most(resolved, self.all.without(self.stretching))
    }

    fn able(&self) -> ClientSet {
        Region::BOTH
            .into_iter()
            .filter(|region| self.acceptance(*region) > Acceptance::Refuses)
            .map(|region| self.resolved[region.index()])
            .fold(ClientSet::default(), ClientSet::or)
    }

    fn is_most(some: ClientSet, all: ClientSet) -> bool {
        is_most(some.len(), all.len())
    }

    /// Counts the orders up to a moment.
    pub(crate) fn count_until(&mut self, now: Moment) {
        let from = self.counted_until;
        if now <= from {
            return;
        }
        self.counted_until = now;
        for region in Region::BOTH {
            let clients = self.resolved[region.index()];
            let orders = self.orders(clients, from, now);
            self.tally.placed += orders;
            match self.acceptance(region) {
                Acceptance::Refuses => self.tally.refused += orders,
                Acceptance::Intake => {
                    self.tally.accepted += orders;
                    self.pending[region.index()] += orders;
                }
                Acceptance::Commits => {
                    self.tally.accepted += orders;
                    self.tally.processed += orders;
                    self.committed[region.index()] += orders;
                    self.commits[region.index()].push(Commits { from, to: now, clients });
                }
            }
        }
    }

    /// The orders that a region committed from one moment to another, as far as they are counted.
    pub(crate) fn committed(&self, region: Region, from: Moment, to: Moment) -> u64 {
        let in_time: u64 = self.commits[region.index()]
            .iter()
            .rev()
            .take_while(|commits| commits.to > from)
            .map(|commits| self.orders(commits.clients, commits.from.max(from), commits.to.min(to)))
            .sum();
        let late = self.late_commits[region.index()].iter();
        let late: u64 = late
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, orders)| orders)
            .sum();
        in_time + late
    }

    /// The orders that a region has committed, as far as they are counted.
    pub(crate) const fn committed_so_far(&self, region: Region) -> u64 {
        self.committed[region.index()]
    }

    /// What became of the orders so far.
    pub(crate) const fn tally(&self) -> Tally {
        self.tally
    }

    /// Orders that were accepted and are not processed yet.
    pub(crate) const fn pending(&self) -> u64 {
        self.pending[0] + self.pending[1]
    }

    /// The orders that these clients place from one moment to another.
    fn orders(&self, clients: ClientSet, from: Moment, to: Moment) -> u64 {
        if to <= from {
            return 0;
        }
        let before = |at: Moment, first: u64| at.micros().saturating_sub(first).div_ceil(self.interval);
        clients
            .iter()
            .filter_map(|client| self.clients.get(usize::from(client)))
            .map(|client| before(to, client.first_order) - before(from, client.first_order))
            .sum()
    }
}

/// Whether that is 95 % of all of them.
pub(crate) const fn is_most(some: u32, all: u32) -> bool {
    some * 100 >= all * 95
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const CROWD: Crowd = Crowd {
        count: 200,
        stretching: 17,
        ttl: Duration::from_secs(5),
        stretch: (Duration::from_secs(60), Duration::from_secs(300)),
        order_interval: Duration::from_secs(1),
    };

    fn clients() -> Clients {
        Clients::new(&CROWD, Region::Home, &mut ChaCha8Rng::seed_from_u64(1))
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn every_order_is_counted_once_however_time_is_cut() {
        let mut whole = clients();
        whole.count_until(at(1_000));
        let mut cut = clients();
        for micros in (0..=1_000_000_000).step_by(777_777) {
            cut.count_until(Moment::from_micros(micros));
        }
        cut.count_until(at(1_000));
        assert_eq!(whole.tally().placed, 200 * 1_000);
        assert_eq!(whole.tally(), cut.tally());
    }

    #[test]
    fn orders_taken_in_during_a_take_over_are_processed_once_it_commits() {
        let mut clients = clients();
        clients.set_acceptance(at(0), Region::Home, Acceptance::Intake);
        clients.set_acceptance(at(10), Region::Home, Acceptance::Commits);
        let tally = clients.tally();
        assert_eq!((tally.accepted, tally.processed, clients.pending()), (2_000, 2_000, 0));
        // They were never committed in that stretch: what is lost is judged by commits alone.
        assert_eq!(clients.committed(Region::Home, at(0), at(10)), 0);
    }

    #[test]
    fn an_answer_in_a_cache_is_kept_for_its_time_and_no_longer() {
        let clients = clients();
        for (client, expiry) in clients.expiries(at(1_000)) {
            let kept = expiry.since(at(1_000));
            let longest = if clients.stretching.contains(client) { 305 } else { 5 };
            assert!(kept <= Duration::from_secs(longest), "{client}: {kept:?}");
        }
    }

    #[test]
    fn answers_that_are_kept_or_fetched_during_the_fault_are_kept_for_longer() {
        let mut clients = clients();
        let (begins, ends) = (at(1_000), at(1_100));
        let before: Vec<_> = clients.expiries(begins).collect();
        clients.keep_longer(begins, Duration::from_secs(60));
        for ((client, usual), (_, now)) in before.iter().zip(clients.expiries(begins)) {
            assert_eq!(now, usual.after(Duration::from_secs(60)), "{client}");
            assert!(clients.asks(now, *client) && !clients.asks(*usual, *client), "{client}");
        }
        let kept: Vec<_> = clients.expiries(ends).collect();
        clients.keep_longer(ends, Duration::ZERO);
        for ((client, usual), (_, now)) in kept.iter().zip(clients.expiries(ends)) {
            assert_eq!(now, *usual, "{client}");
        }
        // From then on everybody is back to what was told.
        let later = at(10_000);
        for (client, expiry) in clients.expiries(later) {
            let longest = if clients.stretching.contains(client) { 305 } else { 5 };
            assert!(expiry.since(later) <= Duration::from_secs(longest), "{client}");
        }
    }

    #[test]
    fn whoever_is_sent_somewhere_asks_no_resolver_until_nobody_is() {
        let mut clients = clients();
        clients.send_to(at(0), Region::Away, Share::from_fraction(0.1));
        assert_eq!(clients.resolved[Region::Away.index()].len(), 20);
        clients.resolve(at(1), 199, Region::Home);
        assert!(clients.resolved[Region::Away.index()].contains(199));
        clients.send_nobody(at(2), Region::Home);
        assert_eq!(clients.resolved[Region::Home.index()], clients.all);
    }

    #[test]
    fn an_order_that_stood_still_counts_when_it_is_committed() {
        let mut clients = clients();
        clients.went_on(at(30), Region::Home, 20, true);
        clients.went_on(at(40), Region::Home, 7, false);
        assert_eq!(clients.committed(Region::Home, at(0), at(30)), 0);
        assert_eq!(clients.committed(Region::Home, at(30), at(31)), 20);
        let tally = clients.tally();
        assert_eq!((tally.accepted, tally.processed), (20, 20));
        assert_eq!(tally.placed, tally.accepted + tally.refused);
    }

    #[test]
    fn ninety_five_per_cent_is_judged_without_stretching_resolvers() {
        let mut clients = clients();
        clients.set_acceptance(at(0), Region::Away, Acceptance::Intake);
        let rest = clients.all.without(clients.stretching);
        for client in rest.iter().take(173) {
            clients.resolve(at(1), client, Region::Away);
        }
        assert!(!clients.most_can_place(), "173 of 183 are 94.5 %");
        let next = rest.iter().nth(173).unwrap();
        clients.resolve(at(1), next, Region::Away);
        assert!(clients.most_can_place());
        assert!(!clients.most_stretching_can_place());
    }

    #[test]
    fn commits_are_found_again_by_time() {
        let mut clients = clients();
        clients.set_acceptance(at(0), Region::Home, Acceptance::Commits);
        clients.set_acceptance(at(30), Region::Home, Acceptance::Refuses);
        clients.count_until(at(60));
        assert_eq!(clients.committed(Region::Home, at(20), at(60)), 200 * 10);
        assert_eq!(clients.committed(Region::Away, at(0), at(60)), 0);
    }
}
