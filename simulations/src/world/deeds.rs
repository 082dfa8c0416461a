//! Faults that do something once, where the others only hold for a while: orders that are paused, caches that keep
//! answers for longer, an order path that is left open, a database that is promoted by hand.

use std::time::Duration;

use understudy_engine::core::ids::{Epoch, Region};

use super::World;
use super::clients::Acceptance;
use super::faults::Change;
use super::queue::Event;
use super::{Kind, ORDER_PATIENCE, words};
use crate::invariants::Fact;
use crate::scenario::{FaultState, Part, Place, Share, Subject};

/// How many orders stand still when transactions are paused. Assumption.
pub(super) const PAUSED_ORDERS: u64 = 20;

impl World<'_> {
    /// Does what a fault does when it begins or ends.
    pub(super) fn carry_out(&mut self, change: Change, index: u16) {
        let fault = self.faults.get(index);
        let (Subject::Part { part, place }, state) = (fault.subject, fault.state) else {
            return;
        };
        let begins = change == Change::Begins;
        match (state, place.region()) {
            (FaultState::Paused, Some(region)) if begins => self.pause_orders(region),
            (FaultState::Paused, Some(region)) => self.resume_orders(region),
            (FaultState::LeftOpen { clients }, Some(region)) if begins => self.leave_open(region, clients),
            (FaultState::LeftOpen { .. }, Some(region)) => self.close_what_was_left_open(region),
            (FaultState::Detached, Some(region)) if begins => self.detach(region),
            (FaultState::Detached, Some(region)) => self.reattach(region),
            (FaultState::Delayed { by }, None) if part == Part::Resolvers => {
                self.keep_answers(if begins { by } else { Duration::ZERO });
            }
            _ => {}
        }
    }

    /// Orders that are about to commit have passed their check, and stand still.
    fn pause_orders(&mut self, region: Region) {
        let open = self.clients.acceptance(region) == Acceptance::Commits;
        self.paused[region.index()] = open.then(|| self.order_paths[region.index()].epoch);
        let name = words::region(region);
        self.record.say(self.now, "world", Kind::Clients, || {
            if open {
                format!("{PAUSED_ORDERS} orders in {name} have passed their check and stand still")
            } else {
                format!("no order is open in {name}")
            }
        });
    }

    /// They go on, in the epoch in which they began: the database alone can stop them now.
    fn resume_orders(&mut self, region: Region) {
        let Some(epoch) = self.paused[region.index()].take() else {
            return;
        };
        let aurora = self
            .parts
            .state(Place::from(region), Part::Aurora)
            .within(ORDER_PATIENCE);
        let commits = aurora.is_up() && self.databases.commits(region, epoch, self.now);
        self.clients.went_on(self.now, region, PAUSED_ORDERS, commits);
        let name = words::region(region);
        self.record.say(self.now, "world", Kind::Clients, || {
            if commits {
                format!("{PAUSED_ORDERS} orders in {name} that stood still commit")
            } else {
                format!("{PAUSED_ORDERS} orders in {name} that stood still are refused by the database")
            }
        });
        let fenced = self.databases.promotion.is_some_and(|it| it.region != region);
        if commits {
            self.happened(&Fact::Committed {
                region,
                from: self.now,
                to: self.now,
                orders: PAUSED_ORDERS,
            });
        }
        if commits && fenced {
            self.lose(PAUSED_ORDERS);
        }
    }

    /// Every resolver keeps answers for so much longer than told.
    fn keep_answers(&mut self, longer: Duration) {
        self.clients.keep_longer(self.now, longer);
        for (client, at) in self.clients.expiries(self.now) {
            self.queue.push(at, Event::Resolve(client));
        }
    }

    /// Somebody has left a region's order path open, and sends clients there.
    fn leave_open(&mut self, region: Region, clients: Share) {
        let path = &mut self.order_paths[region.index()];
        path.intake = true;
        path.processing = true;
        self.clients.send_to(self.now, region, clients);
        self.look_at_clients();
    }

    fn close_what_was_left_open(&mut self, region: Region) {
        if self.store.record().holder != region {
            let path = &mut self.order_paths[region.index()];
            path.intake = false;
            path.processing = false;
        }
        self.clients.send_nobody(self.now, self.dns.answer());
        self.look_at_clients();
    }

    /// Somebody promotes a region's database by hand.
    fn detach(&mut self, region: Region) {
        let detached = self.databases.detach(region, self.now);
        self.record.say(self.now, "database", Kind::Database, || {
            let name = words::region(region);
            if detached {
                format!("{name}'s database takes writes, and follows nobody any more")
            } else {
                format!("{name}'s database cannot be detached: it is the writer already, or being moved")
            }
        });
    }

    fn reattach(&mut self, region: Region) {
        let attached = self.databases.reattach(region);
        self.record.say(self.now, "database", Kind::Database, || {
            let name = words::region(region);
            if attached {
                format!("{name}'s database follows the writer again")
            } else {
                format!("{name}'s database stays as it is: the platform relies on it")
            }
        });
    }

    /// A region that took over goes on with a database that had been promoted by hand: that is its promotion.
    pub(super) fn rely_on_detached(&mut self, region: Region) {
        let late = self.replication_late(region);
        if self.databases.adopt(region, self.now, late) {
            self.promotion_began(region);
            self.promotion_done(self.databases.promotion);
        }
    }
}

/// The epoch of the orders that stand still in each region.
pub(super) type PausedOrders = [Option<Epoch>; 2];
