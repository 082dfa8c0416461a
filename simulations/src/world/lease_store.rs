//! The lease store: one linearizable record, reached through the regions' endpoints.

use std::time::Duration;

use understudy_engine::core::ids::{Nonce, Region};
use understudy_engine::core::lease::{Conflict, LeaseRecord, LeaseRequest};
use understudy_policies::model::LeaseStore as StoreKind;

use super::clock::Moment;
use super::links::Links;
use super::parts::{Answer, Parts};
use crate::scenario::{Part, Place};

/// The replicas of a store with multi-Region strong consistency: two regions and a witness.
const MEMBERS: [Place; 3] = [Place::Home, Place::Away, Place::Witness];

/// How a region reaches the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Through the endpoint of this place.
    Through(Place),
    /// Through the endpoint of this place, after the nearer one did not answer.
    AfterWaiting(Place),
    /// Every way refuses.
    Refused,
    /// Some way never answers, and none does.
    Nowhere,
}

/// The lease store.
#[derive(Debug)]
pub(crate) struct LeaseStore {
    record: LeaseRecord,
    /// The one place of a single table; none for a multi-Region one.
    single: Option<Place>,
    /// Which members can work with at least one other.
    connected: [bool; 3],
    /// The last stall, or the last ones without a break between them.
    stalled: (Moment, Moment),
    /// Each region's shell has found its own endpoint hanging, and goes straight to the other one.
    known_to_hang: [bool; 2],
}

impl LeaseStore {
    /// A store in which a region holds the lease.
    pub(crate) fn new(kind: &StoreKind, holder: Region) -> Self {
        Self {
            record: match holder {
                Region::Home => LeaseRecord::initial(),
                Region::Away => LeaseRecord::away_from_home(),
            },
            single: match kind {
                StoreKind::MultiRegion => None,
                // The checker lets a single table stand in the standby region only.
                StoreKind::SingleTable { .. } => Some(Place::Away),
            },
            connected: [true; 3],
            stalled: (Moment::START, Moment::START),
            known_to_hang: [false; 2],
        }
    }

    /// The item.
    pub(crate) const fn record(&self) -> &LeaseRecord {
        &self.record
    }

    /// Reads or writes the item.
    pub(crate) fn apply(&mut self, request: &LeaseRequest, nonce: Nonce) -> Result<LeaseRecord, Conflict> {
        self.record = self.record.apply(request, nonce)?;
        Ok(self.record)
    }

    /// Takes note of what works now. Losing a member makes the others stall while they agree that it is gone.
    pub(crate) fn look(&mut self, now: Moment, parts: &Parts, links: &Links, stall: Duration) {
        let alive = MEMBERS.map(|place| parts.up(place, Part::Dynamodb));
        let mut connected = [false; 3];
        for (one, here) in MEMBERS.into_iter().enumerate() {
            for (two, there) in MEMBERS.into_iter().enumerate() {
                if one != two && alive[one] && alive[two] && links.ask(here, there).is_up() {
                    connected[one] = true;
                }
            }
        }
        let lost = self
            .connected
            .iter()
            .zip(&connected)
            .any(|(before, after)| *before && !*after);
        if lost && self.single.is_none() {
            let (since, until) = self.stalled;
            let since = if now <= until { since } else { now };
            self.stalled = (since, until.max(now.after(stall)));
        }
        self.connected = connected;
    }

    /// Whether a region's shell waits for the nearer endpoint before it tries the farther one: only until it knows
    /// better.
    pub(crate) fn learns_of_hanging_endpoint(&mut self, region: Region, reach: Reach) -> bool {
        let known = &mut self.known_to_hang[region.index()];
        match reach {
            Reach::AfterWaiting(_) => !std::mem::replace(known, true),
            Reach::Through(place) if place == Place::from(region) => {
                *known = false;
                false
            }
            _ => false,
        }
    }

    /// When a request that arrives now is answered: at once, or after a stall.
    pub(crate) fn answers_at(&self, arrival: Moment) -> Moment {
        arrival.max(self.stalled.1)
    }

    /// For how long nobody has been answered.
    pub(crate) fn stalled_for(&self, now: Moment) -> Duration {
        let (since, until) = self.stalled;
        if now < until { now.since(since) } else { Duration::ZERO }
    }

    /// How a region reaches the store: its own endpoint first, then the other region's.
    pub(crate) fn reach(&self, region: Region, parts: &Parts, links: &Links) -> Reach {
        let own = Place::from(region);
        let other = Place::from(region.other());
        let near = self.through(own, own, parts, links);
        if near == Some(Answer::Answers) {
            return Reach::Through(own);
        }
        let far = self.through(own, other, parts, links);
        match (near, far) {
            (Some(Answer::Hangs), Some(Answer::Answers)) => Reach::AfterWaiting(other),
            (_, Some(Answer::Answers)) => Reach::Through(other),
            (Some(Answer::Hangs), _) | (_, Some(Answer::Hangs)) => Reach::Nowhere,
            _ => Reach::Refused,
        }
    }

    /// How one endpoint answers; none: there is no such endpoint.
    fn through(&self, from: Place, to: Place, parts: &Parts, links: &Links) -> Option<Answer> {
        if self.single.is_some_and(|place| place != to) {
            return None;
        }
        let way = if from == to {
            Answer::Answers
        } else {
            links.ask(from, to)
        };
        if !way.is_up() {
            return Some(way);
        }
        let endpoint = parts
            .state(to, Part::LeaseEndpoint)
            .answer
            .max(parts.state(to, Part::Dynamodb).answer);
        // A member without a majority takes requests and never answers them.
        let majority = self.single.is_some() || self.connected[to as usize];
        Some(if endpoint.is_up() && !majority {
            Answer::Hangs
        } else {
            endpoint
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::FaultState;

    const STALL: Duration = Duration::from_secs(3);

    fn store() -> LeaseStore {
        LeaseStore::new(&StoreKind::MultiRegion, Region::Home)
    }

    fn cut(ends: &[(Place, Place)]) -> Links {
        Links::with(ends.iter().map(|(from, to)| (*from, *to, true, &FaultState::Hang)))
    }

    #[test]
    fn the_loss_of_one_region_stalls_the_store_and_leaves_it_reachable() {
        let mut store = store();
        let parts = Parts::with([(Part::Region, Place::Home, &FaultState::Down)].into_iter());
        let links = Links::default();
        let now = Moment::from_micros(1_000_000);
        store.look(now, &parts, &links, STALL);
        assert_eq!(store.reach(Region::Away, &parts, &links), Reach::Through(Place::Away));
        assert_eq!(store.answers_at(now), now.after(STALL));
        let later = now.after(STALL).after(STALL);
        assert_eq!(store.answers_at(later), later);
    }

    #[test]
    fn a_region_that_is_lost_again_before_the_stall_is_over_stalls_the_store_without_a_break() {
        let mut store = store();
        let lost = Parts::with([(Part::Region, Place::Home, &FaultState::Down)].into_iter());
        let second = |second: u64| Moment::from_micros(second * 1_000_000);
        for at in [10, 12, 20] {
            store.look(second(at), &lost, &Links::default(), STALL);
            store.look(second(at + 1), &Parts::default(), &Links::default(), STALL);
        }
        assert_eq!(store.stalled_for(second(22)), Duration::from_secs(2));
        store.look(second(23), &lost, &Links::default(), STALL);
        assert_eq!(store.stalled_for(second(25)), Duration::from_secs(5));
        assert_eq!(store.stalled_for(second(26)), Duration::ZERO);
    }

    #[test]
    fn a_region_that_is_cut_off_from_both_others_has_no_store() {
        let mut store = store();
        let links = cut(&[(Place::Home, Place::Away), (Place::Home, Place::Witness)]);
        let parts = Parts::default();
        store.look(Moment::START, &parts, &links, STALL);
        assert_eq!(store.reach(Region::Home, &parts, &links), Reach::Nowhere);
        assert_eq!(store.reach(Region::Away, &parts, &links), Reach::Through(Place::Away));
    }

    #[test]
    fn a_partition_between_the_two_regions_alone_leaves_both_the_store() {
        let mut store = store();
        let links = cut(&[(Place::Home, Place::Away)]);
        let parts = Parts::default();
        store.look(Moment::START, &parts, &links, STALL);
        for region in Region::BOTH {
            assert_eq!(store.reach(region, &parts, &links), Reach::Through(Place::from(region)));
        }
    }

    #[test]
    fn a_lost_endpoint_is_gone_around() {
        let store = store();
        let links = Links::default();
        let refused = Parts::with([(Part::LeaseEndpoint, Place::Home, &FaultState::Down)].into_iter());
        assert_eq!(store.reach(Region::Home, &refused, &links), Reach::Through(Place::Away));
        let hanging = Parts::with([(Part::LeaseEndpoint, Place::Home, &FaultState::Hang)].into_iter());
        assert_eq!(
            store.reach(Region::Home, &hanging, &links),
            Reach::AfterWaiting(Place::Away)
        );
    }

    #[test]
    fn a_hanging_endpoint_costs_its_wait_once() {
        let mut store = store();
        let around = Reach::AfterWaiting(Place::Away);
        assert!(store.learns_of_hanging_endpoint(Region::Home, around));
        assert!(!store.learns_of_hanging_endpoint(Region::Home, around));
        assert!(!store.learns_of_hanging_endpoint(Region::Home, Reach::Through(Place::Home)));
        assert!(store.learns_of_hanging_endpoint(Region::Home, around));
    }

    #[test]
    fn an_endpoint_that_refuses_does_so_at_once_even_without_a_majority() {
        let mut store = store();
        let links = Links::default();
        let parts = Parts::with([(Part::Dynamodb, Place::Home, &FaultState::Down)].into_iter());
        store.look(Moment::START, &parts, &links, STALL);
        assert_eq!(store.reach(Region::Home, &parts, &links), Reach::Through(Place::Away));
    }

    #[test]
    fn a_single_table_is_lost_with_its_region() {
        let region = understudy_policies::model::RegionName::new("us-east-2").unwrap();
        let store = LeaseStore::new(&StoreKind::SingleTable { region }, Region::Home);
        let parts = Parts::with([(Part::Region, Place::Away, &FaultState::Down)].into_iter());
        assert_eq!(store.reach(Region::Home, &parts, &Links::default()), Reach::Refused);
    }
}
