//! What follows for orders and clients from the state of the world: what a region does with an order, who can place one,
//! what the public name's caches hold, when a serving row runs out.

use std::time::Duration;

use understudy_engine::core::ids::Region;

use super::availability::Turn;
use super::clients::Acceptance;
use super::parts::Answer;
use super::queue::Event;
use super::{ORDER_PATIENCE, World};
use crate::invariants::Fact;
use crate::report::{Kind, words};
use crate::scenario::{Part, Place};

impl World<'_> {
    /// What a region does with an order that reaches it now.
    pub(super) fn acceptance(&self, region: Region) -> Acceptance {
        let place = Place::from(region);
        let path = self.order_paths[region.index()];
        let (answer, late) = self.path_health(place, false);
        let reached = self.links.ask(Place::Internet, place);
        if !path.intake || answer.max(reached) != Answer::Answers || late >= ORDER_PATIENCE {
            return Acceptance::Refuses;
        }
        if !path.processing {
            return Acceptance::Intake;
        }
        let aurora = self.parts.state(place, Part::Aurora).within(ORDER_PATIENCE);
        if aurora.is_up() && self.databases.commits(region, path.epoch, self.now) {
            Acceptance::Commits
        } else {
            Acceptance::Refuses
        }
    }

    /// Looks whether clients can place orders and whether orders are processed. Before the onset nobody counts.
    pub(super) fn look_at_clients(&mut self) {
        if self.now < self.onset {
            return;
        }
        let processed = Region::BOTH
            .iter()
            .any(|region| self.clients.acceptance(*region) == Acceptance::Commits);
        // In a drill there are clients who find out themselves.
        if self.beyond.is_some() {
            return;
        }
        let stretching = self.clients.most_stretching_can_place();
        self.clients_found(processed, self.clients.most_can_place(), stretching);
        if self.redirected.is_none()
            && !self.record.failovers.is_empty()
            && self.clients.most_have_resolved(Region::Away)
        {
            self.redirected = Some(self.now);
        }
    }

    /// Takes note of whether orders are processed, and whether most clients can place them.
    pub(super) fn clients_found(&mut self, processed: bool, place: bool, stretching: bool) {
        match self.processing.look(self.now, processed) {
            Turn::Same => {}
            Turn::Stopped => self.tell_of_clients(|| "orders are no longer processed".to_owned()),
            Turn::Restored { after } => {
                self.tell_of_clients(|| format!("orders are processed again, after {}", words::duration(after)));
            }
        }
        match self.placing.look(self.now, place) {
            Turn::Same => {}
            Turn::Stopped => self.tell_of_clients(|| "fewer than 95 % of clients can place orders".to_owned()),
            Turn::Restored { after } => self.tell_of_clients(|| {
                format!(
                    "95 % of clients can place orders again, after {}",
                    words::duration(after)
                )
            }),
        }
        self.stretched_placing.look(self.now, stretching);
    }

    pub(super) fn tell_of_clients(&mut self, text: impl FnOnce() -> String) {
        self.record.say(self.now, "clients", Kind::Clients, text);
    }

    /// The public name's answer may have changed: clients see it as their caches run out.
    pub(super) fn after_dns(&mut self, changed: bool) {
        if !changed {
            return;
        }
        let answer = self.dns.answer();
        self.record.say(self.now, "dns", Kind::Dns, || {
            format!("the public name answers with {}", words::region(answer))
        });
        self.happened(&Fact::Answers { region: answer });
        for (client, at) in self.clients.expiries(self.now) {
            self.queue.push(at, Event::Resolve(client));
        }
        self.look_around();
    }

    /// A serving row was written: orders stop when it runs out, unless it is written again.
    pub(super) fn expect_serving_expiry(&mut self, region: Region) {
        let check = &mut self.serving_checks[region.index()];
        let Some(at) = self.databases.serving_expiry(region) else {
            return;
        };
        if check.is_none() {
            *check = Some(at);
            self.queue.push(at, Event::ServingExpiry(region));
        }
    }

    pub(super) fn serving_expiry(&mut self, region: Region) {
        // The clock by which it runs out may have been set since.
        if self.serving_checks[region.index()] != Some(self.now) {
            return;
        }
        self.serving_checks[region.index()] = None;
        match self.databases.serving_expiry(region) {
            Some(at) if at > self.now => self.expect_serving_expiry(region),
            _ => self.look_around(),
        }
    }

    /// The clock by which a serving row runs out was set: it may do so earlier than expected.
    pub(super) fn serving_expiry_moved(&mut self, region: Region) {
        let Some(at) = self.databases.serving_expiry(region).filter(|at| *at > self.now) else {
            return;
        };
        let check = &mut self.serving_checks[region.index()];
        if check.is_none_or(|check| at < check) {
            *check = Some(at);
            self.queue.push(at, Event::ServingExpiry(region));
        }
    }

    /// Whether replication into a region works.
    pub(super) fn replication_works(&self, into: Region) -> bool {
        let (from, to) = (Place::from(into.other()), Place::from(into));
        self.parts.up(from, Part::Aurora)
            && self.parts.up(to, Part::Aurora)
            && self.parts.up(to, Part::Replication)
            && self.links.tells(from, to)
    }

    /// The lag of replication into a region, as it is measured; none: nothing is replicated into it, or nobody measures.
    pub(super) fn lag_into(&self, region: Region) -> Option<Duration> {
        let place = Place::from(region);
        if self.databases.is_writer(region) || self.parts.state(place, Part::Replication).missing {
            return None;
        }
        let late = self.replication_late(region) + self.parts.state(place, Part::Aurora).late;
        self.databases.lag_into(region, late)
    }

    /// How late replication into a region is: a fault of it makes the lag grow, by a second in each second.
    pub(super) fn replication_late(&self, region: Region) -> Duration {
        let late = self.parts.state(Place::from(region), Part::Replication).late;
        self.late_since[region.index()].map_or(Duration::ZERO, |since| late.min(self.now.since(since)))
    }

    /// Takes note of since when replication into each region is late.
    pub(super) fn look_at_lag(&mut self) {
        for region in Region::BOTH {
            let late = self.parts.state(Place::from(region), Part::Replication).late;
            let since = &mut self.late_since[region.index()];
            *since = (!late.is_zero()).then(|| since.unwrap_or(self.now));
        }
    }

    /// Whether Route 53's own checkers find the home region's endpoint healthy.
    pub(super) fn endpoint_is_healthy(&self) -> bool {
        let (answer, late) = self.path_health(Place::Home, false);
        let way = self.links.ask(Place::Internet, Place::Home);
        answer.max(way).is_up() && late < ORDER_PATIENCE
    }
}
