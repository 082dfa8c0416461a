//! What the world tells the invariants, beyond single facts that are told where they happen.

use understudy_engine::core::effect::Effect;
use understudy_engine::core::ids::{Region, Switch};
use understudy_engine::core::journal::Happening;
use understudy_engine::core::machine::Edge;

use super::World;
use super::clients::Acceptance;
use super::clock::Moment;
use super::database::Promotion;
use super::lease_store::Reach;
use super::outside::is_judged;
use crate::invariants::{Ending, Fact, Sidecar};
use crate::scenario::Place;

/// Which regions commit orders, and what they have committed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Commits {
    /// Since when, and the count of that region's commits at that moment.
    since: [Option<(Moment, u64)>; 2],
}

impl World<'_> {
    /// Tells the invariants of something that happened now.
    #[inline]
    pub(super) fn happened(&mut self, fact: &Fact) {
        if let Some(beyond) = &mut self.beyond {
            return beyond.keep_fact(self.now, fact);
        }
        let record = &mut self.record;
        self.invariants.see(self.now, fact, &mut |name, when, text| {
            record.violate(when, name, text);
        });
    }

    /// A sidecar as the invariants know it.
    pub(super) fn sidecar(&self, slot: usize) -> Sidecar {
        Sidecar {
            slot,
            region: self.slots[slot].region,
        }
    }

    /// A shell begins an effect. Only routine whose time has run out is worth a word.
    #[inline]
    pub(super) fn shell_begins_effect(&mut self, slot: usize, effect: &Effect) {
        let boot = self.shell_saw(self.slots[slot].clock.boot(self.now));
        if !effect.intent.is_routine() || boot > effect.not_after {
            let by = self.sidecar(slot);
            self.happened(&Fact::Begun {
                by,
                effect: *effect,
                boot,
            });
        }
    }

    /// An engine wrote something into its journal.
    pub(super) fn tell_of_journal(&mut self, slot: usize, what: &Happening) {
        let by = self.sidecar(slot);
        let fact = match what {
            Happening::Moved { to, edge, .. } => {
                self.slots[slot].ordered = *edge == Edge::OperatorFailover || *edge == Edge::OperatorFailback;
                Fact::Moved {
                    by,
                    to: *to,
                    edge: *edge,
                }
            }
            Happening::Decided(decision) => Fact::Decided {
                by,
                verdict: decision.verdict,
                target: decision.target,
                assessment: decision.assessment,
                ordered: std::mem::take(&mut self.slots[slot].ordered),
            },
            Happening::Commanded { command, refused: None } => Fact::Commanded { by, command: *command },
            Happening::Asked(effect) => Fact::Asked {
                by,
                effect: *effect,
                boot: self.slots[slot].clock.boot(self.now),
            },
            Happening::Settled { id, intent, outcome } => Fact::Settled {
                by,
                id: *id,
                intent: *intent,
                outcome: *outcome,
            },
            _ => return,
        };
        self.happened(&fact);
    }

    /// Until when a sidecar's engine believes that its region may serve, if that has changed.
    #[inline]
    pub(super) fn tell_of_tenure(&mut self, slot: usize) {
        let it = &mut self.slots[slot];
        let Some(engine) = &it.engine else { return };
        let until = engine.serve_until();
        if std::mem::replace(&mut it.tenure, until) != until {
            let until = it.clock.when(until);
            let sidecar = self.sidecar(slot);
            self.happened(&Fact::Tenure { sidecar, until });
        }
    }

    /// The other region must be quiet from here on.
    pub(super) fn promotion_began(&mut self, region: Region) {
        let old = region.other();
        self.clients.count_until(self.now);
        // Stretches of commits never reach over this moment.
        self.close_commits(old);
        self.look_at_commits(old);
        let replicated_until = self
            .databases
            .promotion
            .map_or(self.now, |promotion| promotion.replicated_until);
        let at_stake = self.clients.committed(old, replicated_until, self.now);
        self.happened(&Fact::PromotionBegan {
            region,
            replicated_until,
            at_stake,
        });
        // An order that passed the fence just before may still become durable: AWS knows no epoch. That is the
        // declared residual.
        let after = self.conditions.commit;
        let orders = self.clients.committed(old, self.now.before(after), self.now);
        self.residual_commits += orders;
        self.happened(&Fact::Residual {
            region: old,
            after,
            orders,
        });
    }

    /// What the old region committed and the new one never saw is lost.
    pub(super) fn promotion_done(&mut self, promotion: Option<Promotion>) {
        let Some(promotion) = promotion else { return };
        self.keep_promotion(promotion);
        self.clients.count_until(self.now);
        let old = promotion.region.other();
        // What was committed after the promotion began is added when that comes to an end.
        let lost = self.clients.committed(old, promotion.replicated_until, promotion.began);
        self.lose(lost);
    }

    /// Acknowledged orders are not in the database that survives.
    pub(super) fn lose(&mut self, orders: u64) {
        self.orders_lost += orders;
        if orders > 0 {
            self.happened(&Fact::Lost { orders });
        }
    }

    /// Call it after every change of what a region does with orders.
    pub(super) fn look_at_commits(&mut self, region: Region) {
        let commits = self.clients.acceptance(region) == Acceptance::Commits;
        match (self.commits.since[region.index()], commits) {
            (None, true) => {
                self.clients.count_until(self.now);
                let count = self.clients.committed_so_far(region);
                self.commits.since[region.index()] = Some((self.now, count));
                self.happened(&Fact::Commits { region, so: true });
            }
            (Some(_), false) => {
                self.close_commits(region);
                self.happened(&Fact::Commits { region, so: false });
            }
            _ => {}
        }
    }

    fn close_commits(&mut self, region: Region) {
        let Some((from, before)) = self.commits.since[region.index()].take() else {
            return;
        };
        self.clients.count_until(self.now);
        let orders = self.clients.committed_so_far(region) - before;
        self.happened(&Fact::Committed {
            region,
            from,
            to: self.now,
            orders,
        });
        // What is committed after the other region's promotion began is in no database that survives.
        let fenced = self.databases.promotion;
        if fenced.is_some_and(|promotion| promotion.region != region && from >= promotion.began) {
            self.lose(orders);
        }
    }

    /// The run is over: what is still going on goes on until now.
    pub(super) fn close_invariants(&mut self) {
        for region in Region::BOTH {
            self.close_commits(region);
        }
        for slot in 0..self.slots.len() {
            let it = &mut self.slots[slot];
            if let Some(engine) = &it.engine {
                it.twin.ends(it.clock.now(self.now), engine);
            }
            self.tell_of_twin(slot);
        }
        self.tell_kept_facts(self.now);
        let ending = self.ending();
        let (record, all) = (&mut self.record, self.beyond.is_none());
        self.invariants.end(self.now, &ending, &mut |name, when, text| {
            if all || is_judged(name) {
                record.violate(when, name, text);
            }
        });
    }

    fn ending(&self) -> Ending {
        Ending {
            healed: self.faults.healed(),
            commits: Region::BOTH.map(|region| self.clients.acceptance(region) == Acceptance::Commits),
            clients_can_place: self.clients.most_can_place(),
            answer: self.dns.answer(),
            rejoin_under_way: self.databases.moving.is_some(),
            states: (0..self.slots.len())
                .map(|slot| {
                    let it = &self.slots[slot];
                    (self.sidecar(slot), it.state().filter(|_| it.is_running()))
                })
                .collect(),
        }
    }

    /// Whether the engine beside a sidecar's own has done something else.
    pub(super) fn tell_of_twin(&mut self, slot: usize) {
        if self.slots[slot].twin.has_diverged() {
            let sidecar = self.sidecar(slot);
            self.happened(&Fact::Diverged { sidecar });
        }
    }

    /// Whether a sidecar runs that could let the public name answer with the holder, if that has changed. While it does
    /// nobody asks.
    pub(super) fn tell_of_switches(&mut self, readable: [bool; 2]) {
        let agrees = self.dns.answer() == self.store.record().holder;
        let so = agrees || self.switches_are_mendable(readable);
        if std::mem::replace(&mut self.switches_mendable, so) != so {
            self.happened(&Fact::SwitchesMendable { so });
        }
    }

    /// Whether some sidecar that nobody holds back reaches the lease and every switch that Route 53's checkers can read.
    fn switches_are_mendable(&self, readable: [bool; 2]) -> bool {
        let reaches = |region: Region| {
            let lease = self.store.reach(region, &self.parts, &self.links);
            matches!(lease, Reach::Through(_) | Reach::AfterWaiting(_))
                && Switch::BOTH
                    .into_iter()
                    .zip(readable)
                    .all(|(switch, readable)| !readable || self.way_to_switch(Place::from(region), switch).0.is_up())
        };
        readable.contains(&true)
            && self
                .slots
                .iter()
                .any(|slot| slot.is_running() && !self.held_back[slot.region.index()] && reaches(slot.region))
    }
}
