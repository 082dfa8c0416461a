//! What happens to messages on their way: some are lost, come twice, or overtake each other.
//!
//! Orders and replication travel on connections that repeat what is lost, so only messages, probes and the requests of
//! shells fare like this.

use std::time::Duration;

use rand::Rng;

use super::clock::micros;
use crate::scenario::{FaultState, Part, Place, Share};

const PLACES: usize = Place::Internet as usize + 1;

/// What messages pass through on their way, other than links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Heartbeats,
    Metrics,
    Events,
}

const CHANNELS: usize = Channel::Events as usize + 1;

impl Channel {
    const fn of(part: Part) -> Option<Self> {
        match part {
            Part::Heartbeat => Some(Self::Heartbeats),
            Part::Cloudwatch => Some(Self::Metrics),
            Part::Eventbridge => Some(Self::Events),
            _ => None,
        }
    }
}

/// How one stretch of the way treats what passes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stretch {
    lost: Share,
    /// Each message is late by up to this much.
    late: Duration,
    /// Each message comes once more, up to this much later.
    again: Option<Duration>,
}

impl Stretch {
    fn with(mut self, state: FaultState) -> Self {
        match state {
            FaultState::Lossy { share } => self.lost = self.lost.max(share),
            FaultState::Reordered { by } => self.late = self.late.max(by),
            FaultState::Duplicated { by } => self.again = self.again.max(Some(by)),
            _ => {}
        }
        self
    }

    /// How late something gets through; none: it is lost.
    fn pass(&self, rng: &mut impl Rng) -> Option<Duration> {
        if self.lost > Share::NONE && rng.random_range(0..1_000_000) < self.lost.millionths() {
            return None;
        }
        Some(up_to(self.late, rng))
    }
}

fn up_to(longest: Duration, rng: &mut impl Rng) -> Duration {
    if longest.is_zero() {
        return Duration::ZERO;
    }
    Duration::from_micros(rng.random_range(0..=micros(longest)))
}

/// The way of one message: what it passes, from its sender on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// The link, if it leaves its region.
    pub link: Option<(Place, Place)>,
    /// Channels, each with the place where it is.
    pub channels: [Option<(Channel, Place)>; 2],
}

/// When a message arrives, later than usual: not at all, once, or twice.
pub(super) type Arrivals = [Option<Duration>; 2];

/// Every way with these faults in force.
#[derive(Debug, Clone, Default)]
pub(super) struct Deliveries {
    any: bool,
    links: [[Stretch; PLACES]; PLACES],
    channels: [[Stretch; PLACES]; CHANNELS],
}

impl Deliveries {
    /// Adds a fault of a part. What is no fault of a delivery changes nothing.
    pub(super) fn add_part(&mut self, part: Part, place: Place, state: FaultState) {
        let Some(channel) = Channel::of(part).filter(|_| spoils(state)) else {
            return;
        };
        self.any = true;
        let stretch = &mut self.channels[channel as usize][place as usize];
        *stretch = stretch.with(state);
    }

    /// Adds a fault of one direction of a link.
    pub(super) fn add_link(&mut self, from: Place, to: Place, state: FaultState) {
        if !spoils(state) {
            return;
        }
        self.any = true;
        let stretch = &mut self.links[from as usize][to as usize];
        *stretch = stretch.with(state);
    }

    /// Whether any delivery is at fault. Only then is anything drawn.
    #[inline]
    pub(super) const fn any(&self) -> bool {
        self.any
    }

    /// How a message fares on its way.
    pub(super) fn send(&self, way: Way, rng: &mut impl Rng) -> Arrivals {
        let link = way.link.map(|(from, to)| self.links[from as usize][to as usize]);
        let channels = way
            .channels
            .into_iter()
            .flatten()
            .map(|(channel, place)| self.channels[channel as usize][place as usize]);
        let mut late = Some(Duration::ZERO);
        let mut again = None;
        for stretch in channels.chain(link) {
            let passed = stretch.pass(rng);
            late = late.zip(passed).map(|(late, more)| late + more);
            again = again.max(stretch.again);
        }
        // A copy is made once the message is under way: what is lost is lost twice.
        let copy = late.zip(again).map(|(late, again)| late + up_to(again, rng));
        [late, copy]
    }

    /// How a question fares on its way there: how late it is; none: it is lost.
    pub(super) fn cross(&self, from: Place, to: Place, rng: &mut impl Rng) -> Option<Duration> {
        self.links[from as usize][to as usize].pass(rng)
    }

    /// Whether a link loses or delays anything, in either direction.
    pub(super) fn spoils_link(&self, one: Place, other: Place) -> bool {
        let spoiled = |from: Place, to: Place| self.links[from as usize][to as usize] != Stretch::default();
        self.any && (spoiled(one, other) || spoiled(other, one))
    }
}

const fn spoils(state: FaultState) -> bool {
    matches!(
        state,
        FaultState::Lossy { .. } | FaultState::Duplicated { .. } | FaultState::Reordered { .. }
    )
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const HEARTBEATS: Way = Way {
        link: Some((Place::Home, Place::Away)),
        channels: [Some((Channel::Heartbeats, Place::Home)), None],
    };

    fn thousand(deliveries: &Deliveries, way: Way) -> Vec<Arrivals> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..1_000).map(|_| deliveries.send(way, &mut rng)).collect()
    }

    #[test]
    fn a_share_of_the_messages_is_lost_and_nothing_else() {
        let mut deliveries = Deliveries::default();
        let share = Share::from_fraction(0.3);
        deliveries.add_part(Part::Heartbeat, Place::Home, FaultState::Lossy { share });
        let arrivals = thousand(&deliveries, HEARTBEATS);
        let lost = arrivals.iter().filter(|it| it[0].is_none()).count();
        assert!((250..350).contains(&lost), "{lost}");
        assert!(arrivals.iter().flatten().flatten().all(Duration::is_zero));
        let of_the_other_region = Way {
            channels: [Some((Channel::Heartbeats, Place::Away)), None],
            ..HEARTBEATS
        };
        assert!(
            thousand(&deliveries, of_the_other_region)
                .iter()
                .all(|it| it[0].is_some())
        );
    }

    #[test]
    fn duplicates_come_later_and_reordered_messages_are_late_within_their_bounds() {
        let mut deliveries = Deliveries::default();
        let by = Duration::from_secs(3);
        deliveries.add_part(Part::Heartbeat, Place::Home, FaultState::Duplicated { by });
        deliveries.add_link(Place::Home, Place::Away, FaultState::Reordered { by: by * 2 });
        let arrivals = thousand(&deliveries, HEARTBEATS);
        for [first, second] in &arrivals {
            let (first, second) = (first.unwrap(), second.unwrap());
            assert!(first <= by * 2 && second >= first && second - first <= by);
        }
        assert!(arrivals.windows(2).any(|pair| pair[0][0] > pair[1][0]), "some overtake");
        assert!(deliveries.spoils_link(Place::Away, Place::Home));
        assert!(!deliveries.spoils_link(Place::Away, Place::Witness));
    }

    #[test]
    fn nothing_is_drawn_for_what_is_not_at_fault() {
        let mut deliveries = Deliveries::default();
        assert!(!deliveries.any());
        deliveries.add_link(Place::Home, Place::Away, FaultState::Down);
        assert!(!deliveries.any());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let untouched = rng.clone();
        assert_eq!(
            deliveries.cross(Place::Home, Place::Away, &mut rng),
            Some(Duration::ZERO)
        );
        assert_eq!(rng, untouched);
    }
}
