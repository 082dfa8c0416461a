//! What effects do where they take effect.

use std::time::Duration;

use understudy_engine::core::effect::{Effect, Intent, Outcome, Reconciliation};
use understudy_engine::core::ids::{Epoch, Nonce, Region, Switch};
use understudy_engine::core::lease::LeaseRequest;
use understudy_engine::core::signal::PeerMessage;
use understudy_policies::model::TrafficMethod;

use super::World;
use super::database::{MoveKind, Serving};
use super::effects::{Applied, Plan, RECORD_ACCEPTED, REFUSAL};
use super::lease_store::Reach;
use super::parts::Answer;
use super::queue::Event;
use crate::invariants::Fact;
use crate::report::{Kind, words};
use crate::scenario::{Part, Place};

/// Finishing the orders in hand. Assumption: an order's own time-out.
const DRAIN: Duration = Duration::from_millis(500);

/// What a region's order path has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderPath {
    pub epoch: Epoch,
    pub intake: bool,
    pub processing: bool,
}

impl World<'_> {
    pub(super) fn apply(&mut self, index: u32, slot: usize, effect: &Effect) -> Applied {
        let region = self.slots[slot].region;
        let own = Place::from(region);
        if !effect.intent.is_routine() {
            let by = self.sidecar(slot);
            self.happened(&Fact::Arrived { by, effect: *effect });
        }
        match effect.intent {
            Intent::Lease { request, nonce } => {
                if matches!(
                    self.store.reach(region, &self.parts, &self.links),
                    Reach::Refused | Reach::Nowhere
                ) {
                    return Applied::Silence;
                }
                let at = self.store.answers_at(self.now);
                if at > self.now {
                    return Applied::Later(at);
                }
                Applied::Answer(self.write_lease(slot, &request, nonce))
            }
            Intent::ReadDatabaseClock => self.with_writer(region, |world| {
                Outcome::DatabaseClock(world.databases.clocks.show(region, world.now))
            }),
            Intent::WriteServing { valid_until } => self.with_writer(region, |world| {
                let serving = Serving {
                    epoch: effect.epoch,
                    valid_until,
                };
                if world.databases.write_serving(region, serving) {
                    world.rely_on_detached(region);
                    let until = world.databases.clocks.when(region, valid_until);
                    world.happened(&Fact::ServingRow {
                        region,
                        epoch: effect.epoch,
                        until,
                    });
                    world.expect_serving_expiry(region);
                    Outcome::Done
                } else {
                    Outcome::Refused
                }
            }),
            Intent::PromoteDatabase { .. } => self.promote(index, slot),
            Intent::SwitchOverDatabase { to } => self.switch_over(index, slot, to),
            Intent::RejoinDatabase => self.rejoin(index, slot),
            Intent::DescribeDatabase => Applied::Answer(Outcome::Database(self.databases.view(region))),
            Intent::ReconcileDatabase => {
                if self.parts.up(Place::from(region.other()), Part::Aurora) {
                    Applied::Answer(Outcome::Reconciled(Reconciliation {
                        orders_lost: self.orders_lost,
                        residual_commits: self.residual_commits,
                    }))
                } else {
                    Applied::Answer(Outcome::Failed)
                }
            }
            Intent::SetSwitch {
                switch: which,
                engaged,
                order,
            } => {
                let accepted = self.dns.set(which, engaged, (effect.epoch, order));
                if accepted {
                    let epoch = effect.epoch;
                    self.happened(&Fact::SwitchSet { switch: which, epoch });
                }
                Applied::Answer(if accepted { Outcome::Done } else { Outcome::Refused })
            }
            Intent::ReadSwitches => Applied::Answer(Outcome::Switches(Switch::BOTH.map(|which| {
                let (way, _) = self.way_to_switch(own, which);
                let read = way.is_up() && self.gets_through(own, Self::place_of(which));
                read.then(|| self.dns.engaged(which))
            }))),
            Intent::PinRecord { to } => self.pin_record(region, Some(to)),
            Intent::UnpinRecord => self.pin_record(region, None),
            Intent::OpenIntake => self.set_order_path(region, effect.epoch, Some(true), None),
            Intent::OpenProcessing => self.set_order_path(region, effect.epoch, Some(true), Some(true)),
            Intent::CloseOrderPath => {
                let closed = self.set_order_path(region, effect.epoch, Some(false), Some(false));
                if let Some(entry) = self.effects.get(index) {
                    entry.answer += DRAIN;
                }
                closed
            }
            Intent::VerifyWrite => {
                let epoch = self.order_paths[region.index()].epoch;
                let commits = self.order_paths[region.index()].processing
                    && self.databases.commits(region, epoch, self.now)
                    && self.parts.up(own, Part::Aurora);
                Applied::Answer(if commits { Outcome::Done } else { Outcome::Failed })
            }
            Intent::VerifyRouting { region: to } => Applied::Answer(if self.dns.answer() == to {
                Outcome::Done
            } else {
                Outcome::Failed
            }),
            // These come to nothing more than their answer.
            Intent::TellPeer(_) | Intent::RequestApproval(_) | Intent::Announce(_) | Intent::Page(_) => {
                Applied::Silence
            }
        }
    }

    fn write_lease(&mut self, slot: usize, request: &LeaseRequest, nonce: Nonce) -> Outcome {
        let before = *self.store.record();
        match self.store.apply(request, nonce) {
            Ok(after) => {
                let by = self.sidecar(slot);
                match request {
                    LeaseRequest::Read | LeaseRequest::Drive { .. } => {}
                    LeaseRequest::Renew { .. } => self.happened(&Fact::Renewed { by }),
                    _ => self.happened(&Fact::LeaseWritten {
                        by,
                        request: *request,
                        before,
                        after,
                    }),
                }
                Outcome::Lease(after)
            }
            Err(conflict) => Outcome::Conflict(conflict.0),
        }
    }

    fn pin_record(&mut self, region: Region, to: Option<Region>) -> Applied {
        if !self.route53_control(region).is_up() {
            return Applied::Silence;
        }
        // Accepted: from here on it reaches everyone, whatever becomes of the control plane.
        let number = self.dns.change_record(to);
        let reaches = self.conditions.record_change.saturating_sub(RECORD_ACCEPTED);
        self.queue.push(self.now.after(reaches), Event::RecordChanged(number));
        Applied::Answer(Outcome::Done)
    }

    fn with_writer(&mut self, region: Region, then: impl FnOnce(&mut Self) -> Outcome) -> Applied {
        match self.parts.state(Place::from(region), Part::Aurora).answer {
            Answer::Hangs => Applied::Silence,
            Answer::Answers if self.databases.is_writer(region) => Applied::Answer(then(self)),
            Answer::Answers | Answer::Refuses => Applied::Answer(Outcome::Failed),
        }
    }

    fn set_order_path(
        &mut self,
        region: Region,
        epoch: Epoch,
        intake: Option<bool>,
        processing: Option<bool>,
    ) -> Applied {
        let path = &mut self.order_paths[region.index()];
        if epoch < path.epoch {
            return Applied::Answer(Outcome::Refused);
        }
        // Opening the intake of a new epoch says that nothing of the old one is processed any more.
        if epoch > path.epoch {
            path.processing = false;
        }
        *path = OrderPath {
            epoch,
            intake: intake.unwrap_or(path.intake),
            processing: processing.unwrap_or(path.processing),
        };
        Applied::Answer(Outcome::Done)
    }

    pub(super) fn plan_lease(&mut self, region: Region, effect: &Effect) -> Plan {
        let own = Place::from(region);
        let operation = self.conditions.lease_operation.sample(&mut self.rng);
        let reach = self.store.reach(region, &self.parts, &self.links);
        // Half of the shell's patience goes into each endpoint.
        let waited = if self.store.learns_of_hanging_endpoint(region, reach) {
            effect.timeout / 2
        } else {
            Duration::ZERO
        };
        let place = match reach {
            Reach::Through(place) | Reach::AfterWaiting(place) => place,
            Reach::Refused => return Plan::Answer(Outcome::Failed, REFUSAL),
            Reach::Nowhere => return Plan::Lost,
        };
        let way = if place == own {
            Duration::ZERO
        } else {
            self.links.round_trip(own, place)
        };
        let late = self.parts.state(place, Part::LeaseEndpoint).late + self.parts.state(place, Part::Dynamodb).late;
        // An operation is what the region sees of it, the way included.
        let takes = operation.max(way) + late;
        Plan::Work {
            apply: waited + takes / 2,
            answer: waited + takes,
        }
    }

    pub(super) fn tell_peer(&mut self, region: Region, message: PeerMessage) -> Plan {
        let (own, peer) = (Place::from(region), Place::from(region.other()));
        let (there, back) = self.crossings(own, peer);
        if self.links.tells(own, peer)
            && let Some(late) = there
        {
            let at = self.now.after(self.links.one_way(own, peer) + late);
            for (slot, it) in (0_u8..).zip(&self.slots) {
                if it.region != region {
                    self.queue.push(at, Event::Peer { slot, message });
                }
            }
        }
        match self.links.ask(own, peer) {
            Answer::Answers => match there.zip(back) {
                Some((there, back)) => Plan::Answer(Outcome::Done, self.links.round_trip(own, peer) + there + back),
                None => Plan::Lost,
            },
            Answer::Refuses => Plan::Answer(Outcome::Failed, REFUSAL),
            Answer::Hangs => Plan::Lost,
        }
    }

    /// The control plane of RDS in a region, and the credentials for it.
    pub(super) fn rds_control(&self, region: Region) -> Answer {
        let place = Place::from(region);
        let rds = self.parts.state(place, Part::RdsControl).answer;
        rds.max(self.parts.state(place, Part::Sts).answer)
    }

    /// The control plane of Route 53: in us-east-1, whoever asks.
    pub(super) fn route53_control(&self, region: Region) -> Answer {
        let own = Place::from(region);
        let way = if region == Region::Home {
            Answer::Answers
        } else {
            self.links.ask(own, Place::Home)
        };
        let control = self.parts.state(Place::Home, Part::Route53Control).answer;
        way.max(control).max(self.parts.state(own, Part::Sts).answer)
    }

    /// How the way to a switch's item fares.
    pub(super) fn way_to_switch(&self, own: Place, switch: Switch) -> (Answer, Duration) {
        let (place, answer) = self.switch_parts(switch);
        let way = if own == place {
            Answer::Answers
        } else {
            self.links.ask(own, place)
        };
        (way.max(answer), self.links.round_trip(own, place))
    }

    /// Whether Route 53's checkers can read a switch.
    pub(super) fn switch_is_readable(&self, switch: Switch) -> bool {
        let (place, answer) = self.switch_parts(switch);
        answer.max(self.links.ask(Place::Internet, place)).is_up()
    }

    fn switch_parts(&self, switch: Switch) -> (Place, Answer) {
        let parts: &[Part] = match switch {
            Switch::A => &[Part::ApiGateway, Part::Dynamodb],
            Switch::B => &[Part::S3],
        };
        let place = Self::place_of(switch);
        let answers = parts.iter().map(|part| self.parts.state(place, *part).answer);
        (place, answers.max().unwrap_or_default())
    }

    /// Where a switch's item is.
    pub(super) const fn place_of(switch: Switch) -> Place {
        match switch {
            Switch::A => Place::Away,
            Switch::B => Place::Witness,
        }
    }

    /// Whether the policy moves clients by switches, as opposed to changing the record.
    pub(super) fn moves_by_switches(&self) -> bool {
        self.policy.traffic.method != TrafficMethod::RecordChange
    }

    fn promote(&mut self, index: u32, slot: usize) -> Applied {
        let region = self.slots[slot].region;
        let aurora = self.parts.state(Place::from(region), Part::Aurora);
        match aurora.answer {
            Answer::Hangs => return Applied::Silence,
            Answer::Refuses => return Applied::Answer(Outcome::Failed),
            Answer::Answers if aurora.damaged => return Applied::Answer(Outcome::Refused),
            Answer::Answers => {}
        }
        if self.databases.is_writer(region) {
            self.rely_on_detached(region);
            return Applied::Answer(Outcome::Done);
        }
        self.begin_move(
            MoveKind::Promotion,
            region,
            (index, slot),
            self.conditions.promotion + aurora.late,
        )
    }

    fn switch_over(&mut self, index: u32, slot: usize, to: Region) -> Applied {
        if self.databases.is_writer(to) && !self.databases.is_writer(to.other()) {
            return Applied::Answer(Outcome::Done);
        }
        if !self.databases.attached() || !self.move_is_possible(MoveKind::Switchover, to) {
            return Applied::Answer(Outcome::Failed);
        }
        self.begin_move(MoveKind::Switchover, to, (index, slot), self.conditions.switchover)
    }

    fn rejoin(&mut self, index: u32, slot: usize) -> Applied {
        let region = self.slots[slot].region;
        if self.databases.attached() {
            return Applied::Answer(Outcome::Done);
        }
        let lost = region.other();
        if !self.databases.is_writer(region) || !self.move_is_possible(MoveKind::Rejoin, lost) {
            return Applied::Answer(Outcome::Failed);
        }
        self.begin_move(MoveKind::Rejoin, lost, (index, slot), self.conditions.rejoin)
    }

    /// Whether everything that a move needs works, now and until it is through.
    fn move_is_possible(&self, kind: MoveKind, region: Region) -> bool {
        let works = |region: Region| {
            let aurora = self.parts.state(Place::from(region), Part::Aurora);
            aurora.answer.is_up() && !aurora.damaged
        };
        let linked = self.links.ask(Place::Home, Place::Away).is_up();
        match kind {
            MoveKind::Promotion => works(region),
            MoveKind::Switchover => works(region) && works(region.other()) && linked,
            MoveKind::Rejoin => {
                let rebuilt = Place::from(region);
                works(region.other())
                    && self.parts.up(rebuilt, Part::Aurora)
                    && self.rds_control(region).is_up()
                    && linked
            }
        }
    }

    /// Begins a move for an effect of a slot.
    fn begin_move(&mut self, kind: MoveKind, region: Region, asked: (u32, usize), takes: Duration) -> Applied {
        let (index, slot) = asked;
        if let Some(moving) = &mut self.databases.moving {
            if moving.kind == kind && moving.region == region {
                moving.waiting.push(index);
                self.refer(index);
                return Applied::Waits;
            }
            return Applied::Answer(Outcome::Failed);
        }
        let late = self.replication_late(region);
        let generation = self.databases.begin(kind, region, self.now, late, index);
        self.refer(index);
        self.queue.push(self.now.after(takes), Event::DatabaseMoved(generation));
        let name = words::region(region);
        match kind {
            MoveKind::Promotion => self.promotion_began(region),
            MoveKind::Switchover => {
                let by = self.sidecar(slot);
                self.happened(&Fact::SwitchoverBegan { by });
            }
            MoveKind::Rejoin => {}
        }
        self.record.say(self.now, "database", Kind::Database, || match kind {
            MoveKind::Promotion => format!("the promotion of {name}'s database begins"),
            MoveKind::Switchover => format!("the switchover of the writer to {name} begins"),
            MoveKind::Rejoin => format!("{name}'s database is being rebuilt as a standby"),
        });
        self.show_the_oracle();
        Applied::Waits
    }

    /// A database move is through.
    pub(super) fn database_moved(&mut self, generation: u32) {
        let lost = self.databases.promotion;
        let Some(done) = self.databases.finish(generation) else {
            return;
        };
        let name = words::region(done.region);
        if done.kind == MoveKind::Promotion {
            self.promotion_done(lost);
        }
        self.record
            .say(self.now, "database", Kind::Database, || match done.kind {
                MoveKind::Promotion => format!("{name}'s database takes writes"),
                MoveKind::Switchover => format!("the writer is in {name}, and nothing was lost"),
                MoveKind::Rejoin => format!("{name}'s database follows the writer again"),
            });
        for index in done.waiting {
            self.answer_waiting(index, Some(Outcome::Done));
        }
        self.look_around();
        self.show_the_oracle();
    }

    /// A move whose needs are gone comes to nothing.
    pub(super) fn look_after_move(&mut self) {
        let Some(moving) = &self.databases.moving else { return };
        if self.move_is_possible(moving.kind, moving.region) {
            return;
        }
        let Some(failed) = self.databases.abort() else { return };
        if failed.kind == MoveKind::Promotion {
            self.happened(&Fact::PromotionFailed);
        }
        self.record.say(self.now, "database", Kind::Database, || {
            format!("the move of {}'s database fails", words::region(failed.region))
        });
        // Nobody answers for a promotion whose database went away.
        let outcome = (failed.kind != MoveKind::Promotion).then_some(Outcome::Failed);
        for index in failed.waiting {
            self.answer_waiting(index, outcome);
        }
    }
}
