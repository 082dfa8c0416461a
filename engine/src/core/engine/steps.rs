//! The steps of the workflow: what each asks for, and what its outcome means.

use super::order_path::Path;
use super::{Engine, Pending};
use crate::core::effect::{Announcement, Gate, Intent, Outcome, PageReason};
use crate::core::ids::{Region, Switch};
use crate::core::lease::{LeaseRequest, RoleChange, RoleChangeKind};
use crate::core::ledger::Phase;
use crate::core::machine::{Event, StateName};
use crate::core::runner::StepState;
use crate::core::time::{Now, Timestamp};
use crate::workflow::{OnFailure, Patience, Retry, Step, StepId};

/// How long a region must have been healthy before its database is rebuilt, in flap windows.
const FLAP_WINDOWS_BEFORE_REJOIN: u32 = 1;

impl Engine {
    /// Starts every step that may start now.
    pub(super) fn run_steps(&mut self, now: Now) {
        // Steps that are done at once may let others start; there are fewer passes than steps.
        for _ in 0..StepId::COUNT {
            let mut ready = [None; StepId::COUNT];
            let mut count = 0;
            for step in self.runner.ready(now.boot) {
                ready[count] = Some(step);
                count += 1;
            }
            if count == 0 {
                return;
            }
            let mut settled_at_once = false;
            for step in ready.into_iter().flatten() {
                self.start_step(now, step);
                settled_at_once |= self.runner.step(step.id) == StepState::Done;
            }
            if !settled_at_once {
                return;
            }
        }
    }

    pub(super) fn is_promoted(&self) -> bool {
        self.runner.step(StepId::PromoteDatabase) == StepState::Done
    }

    fn start_step(&mut self, now: Now, step: &'static Step) {
        let us = self.identity.region;
        let other = self.other();
        let policy = &self.settings.policy;
        let record = self.keeper.record();
        let epoch = record.map_or_else(Default::default, |record| record.epoch);
        let protected = record.is_some_and(|record| record.protected);
        let lease = |engine: &mut Self, request: LeaseRequest| {
            let nonce = engine.next_nonce();
            engine.issue_step(now, step.id, step.patience, Intent::Lease { request, nonce });
        };
        if let Some(gate) = step.gate {
            let wanted = match gate {
                Gate::Failover => policy.gates.approve_failover,
                Gate::Failback => policy.gates.approve_failback,
                Gate::VenueReconciliation => policy.gates.reconcile_venues,
            };
            if wanted {
                self.issue_step(now, step.id, step.patience, Intent::RequestApproval(gate));
            } else {
                self.runner.done(step.id);
            }
            return;
        }
        match step.id {
            StepId::ApproveFailover | StepId::ApproveFailback | StepId::ReconcileVenues => self.runner.done(step.id),
            // An earlier claim of this region has come to its end unseen: the next renewal shows that the lease is ours.
            StepId::WriteClaim if self.keeper.holds() => self.runner.wait(step.id, self.next_try(now)),
            StepId::WriteClaim => lease(self, LeaseRequest::Claim { epoch, region: us }),
            // Someone else has withdrawn the claim: there is nothing to wait for.
            StepId::AwaitLease if record.is_some_and(|record| record.holder == other && !record.claimed_by(us)) => {
                self.fail(now, step);
            }
            StepId::AwaitLease if self.keeper.holds() => self.runner.done(step.id),
            StepId::AwaitLease => {
                let until = self.keeper.expires_at();
                if now.boot >= until {
                    self.runner.done(step.id);
                } else {
                    // A release in the meantime ends the wait, so it is looked at again before.
                    self.runner.wait(step.id, until.min(self.next_try(now)));
                }
            }
            StepId::RaiseEpoch if self.keeper.holds() => {
                if now.boot < self.keeper.serve_until() {
                    self.runner.done(step.id);
                } else {
                    self.runner.wait(step.id, self.next_try(now));
                }
            }
            StepId::RaiseEpoch => {
                let claim = record
                    .and_then(|record| record.claim)
                    .map_or_else(Default::default, |claim| claim.nonce);
                lease(
                    self,
                    LeaseRequest::Acquire {
                        epoch,
                        region: us,
                        claim,
                    },
                );
            }
            // The claim came to nothing, so no switch was flipped: nothing waits for one that is out of reach.
            StepId::DisengageSwitchA if self.never_flipped(StepId::EngageSwitchA) => self.runner.done(step.id),
            StepId::DisengageSwitchB if self.never_flipped(StepId::EngageSwitchB) => self.runner.done(step.id),
            StepId::DisengageSwitchA | StepId::DisengageSwitchB if seeded!(self.settings.bug, LeavesSwitches) => {
                self.runner.done(step.id);
            }
            // A switch knows one direction, away from home: taking over at home is to let go of it.
            StepId::EngageSwitchA => self.set_switch(now, step, Switch::A, true),
            StepId::EngageSwitchB => self.set_switch(now, step, Switch::B, true),
            StepId::DisengageSwitchA => self.set_switch(now, step, Switch::A, false),
            StepId::DisengageSwitchB => self.set_switch(now, step, Switch::B, false),
            StepId::PromoteDatabase => {
                let intent = if self.look_first {
                    Intent::DescribeDatabase
                } else {
                    Intent::PromoteDatabase {
                        method: policy.database.method,
                    }
                };
                let patience = if self.look_first {
                    Patience::LeaseOperation
                } else {
                    step.patience
                };
                self.issue_step(now, step.id, patience, intent);
            }
            StepId::SwitchOverDatabase => {
                let intent = if self.look_first {
                    Intent::DescribeDatabase
                } else {
                    Intent::SwitchOverDatabase { to: other }
                };
                let patience = if self.look_first {
                    Patience::LeaseOperation
                } else {
                    step.patience
                };
                self.issue_step(now, step.id, patience, intent);
            }
            // The keeper writes the row with the next renewal; this waits for it.
            StepId::WriteServingRow => {
                if self.keeper.serving_row_written() {
                    self.runner.done(step.id);
                } else {
                    self.runner.wait(step.id, self.next_try(now));
                }
            }
            StepId::OpenIntake => self.issue_step(now, step.id, step.patience, Intent::OpenIntake),
            StepId::OpenProcessing => self.issue_step(now, step.id, step.patience, Intent::OpenProcessing),
            StepId::CloseOrderPath => self.issue_step(now, step.id, step.patience, Intent::CloseOrderPath),
            // A record that is pinned to home would answer with it whatever the switches say when home is lost next.
            StepId::PinRecord if policy.traffic.pin_record => {
                let intent = match us {
                    Region::Home => Intent::UnpinRecord,
                    Region::Away => Intent::PinRecord { to: us },
                };
                self.issue_step(now, step.id, step.patience, intent);
            }
            // Nothing was pinned, so there is nothing to undo.
            StepId::UnpinRecord
                if step.state == StateName::Reverting && self.runner.step(StepId::PinRecord) == StepState::Pending =>
            {
                self.runner.done(step.id);
            }
            StepId::UnpinRecord if policy.traffic.pin_record => {
                self.issue_step(now, step.id, step.patience, Intent::UnpinRecord);
            }
            StepId::PinRecord | StepId::UnpinRecord => self.runner.done(step.id),
            StepId::Announce => {
                let what = if step.state == StateName::Acquiring {
                    Announcement::FailoverStarted
                } else {
                    Announcement::FailbackStarted
                };
                self.issue_step(now, step.id, step.patience, Intent::Announce(what));
            }
            StepId::VerifyWrite => self.issue_step(now, step.id, step.patience, Intent::VerifyWrite),
            StepId::VerifyRouting => {
                let region = if step.state == StateName::Confirming { other } else { us };
                self.issue_step(now, step.id, step.patience, Intent::VerifyRouting { region });
            }
            StepId::RecordCompletion => {
                lease(
                    self,
                    LeaseRequest::Record {
                        epoch,
                        region: us,
                        role_change: None,
                        protected: false,
                    },
                );
            }
            StepId::MarkProtected | StepId::RecordRollback => {
                lease(
                    self,
                    LeaseRequest::Record {
                        epoch,
                        region: us,
                        role_change: None,
                        protected: true,
                    },
                );
            }
            StepId::RecordFailback => {
                let role_change = Some(RoleChange {
                    kind: RoleChangeKind::Failback,
                    step: StepId::CloseOrderPath,
                });
                lease(
                    self,
                    LeaseRequest::Record {
                        epoch,
                        region: us,
                        role_change,
                        protected,
                    },
                );
            }
            StepId::TransferLease => lease(
                self,
                LeaseRequest::Transfer {
                    epoch,
                    from: us,
                    protected,
                },
            ),
            StepId::ConfirmHome => self.confirm_home(now, step.id),
            StepId::AwaitRegion => {
                let quiet = policy.quorum.flap_window * FLAP_WINDOWS_BEFORE_REJOIN;
                match self.healthy_since[other.index()] {
                    Some(since) if now.boot >= since.after(quiet) => self.runner.done(step.id),
                    Some(since) => self.runner.wait(step.id, since.after(quiet)),
                    None => self.runner.wait(step.id, self.next_try(now)),
                }
            }
            StepId::RejoinDatabase => self.issue_step(now, step.id, step.patience, Intent::RejoinDatabase),
            StepId::ReconcileDatabase => self.issue_step(now, step.id, step.patience, Intent::ReconcileDatabase),
            StepId::GiveUpLease => self.give_up_lease(now, step),
            StepId::LookAtWriter => self.issue_step(now, step.id, step.patience, Intent::DescribeDatabase),
        }
    }

    /// An effect of a step has turned out.
    pub(super) fn settle_step(&mut self, now: Now, step: &'static Step, pending: &Pending, outcome: Outcome) {
        // Route 53's control plane is in us-east-1: it may answer long after the failover.
        if step.id == StepId::PinRecord && outcome != Outcome::Done {
            self.runner
                .wait(step.id, now.boot.after(self.settings.patience(step.patience)));
            return;
        }
        if step.retry == Retry::BestEffort {
            self.runner.done(step.id);
            return;
        }
        let us = self.identity.region;
        match (step.id, outcome) {
            (StepId::WriteClaim, Outcome::Lease(record) | Outcome::Conflict(record)) => {
                if record.claimed_by(us) {
                    self.runner.done(step.id);
                } else if record.holder == us {
                    self.runner.wait(step.id, self.next_try(now));
                } else {
                    self.fail(now, step);
                }
            }
            (StepId::RaiseEpoch, Outcome::Lease(_)) => {
                self.keeper.raised(pending.asked);
                self.runner.done(step.id);
            }
            // An earlier attempt got through unseen. When, is not known: the next renewal tells how long it holds.
            (StepId::RaiseEpoch, Outcome::Conflict(record)) if record.holder == us => {
                self.runner.wait(step.id, self.next_try(now));
            }
            (StepId::RaiseEpoch, Outcome::Conflict(_)) => self.fail(now, step),
            (StepId::GiveUpLease, Outcome::Lease(_)) => self.runner.done(step.id),
            // Someone else's claim, or none: there is nothing of ours left to give up.
            (StepId::GiveUpLease, Outcome::Conflict(record)) => {
                if record.claimed_by(us) || record.holder == us {
                    self.runner.wait(step.id, self.next_try(now));
                } else {
                    self.runner.done(step.id);
                }
            }
            (StepId::TransferLease, Outcome::Conflict(record)) if record.holder == self.other() => {
                self.runner.done(step.id);
            }
            (
                StepId::TransferLease
                | StepId::RecordCompletion
                | StepId::MarkProtected
                | StepId::RecordFailback
                | StepId::RecordRollback,
                Outcome::Lease(_),
            ) => self.runner.done(step.id),
            (StepId::PromoteDatabase, Outcome::Done) => self.promoted(now),
            (StepId::SwitchOverDatabase, Outcome::Done) => self.runner.done(step.id),
            (StepId::PromoteDatabase | StepId::SwitchOverDatabase, outcome) => {
                self.settle_writer_move(now, step, pending, outcome);
            }
            (StepId::LookAtWriter, Outcome::Database(view)) => match view.writer {
                Some(writer) if writer == us && !view.moving => self.runner.done(step.id),
                Some(_) if !view.moving => self.fail(now, step),
                _ => self.runner.wait(step.id, self.next_try(now)),
            },
            (StepId::ReconcileDatabase, Outcome::Reconciled(found)) => {
                self.reconciliation = Some(found);
                let quiet = seeded!(self.settings.bug, KeepsLossQuiet);
                if (found.orders_lost > 0 || found.residual_commits > 0) && !quiet {
                    self.page(now, PageReason::OrdersLost);
                }
                self.runner.done(step.id);
            }
            // The region was lost again meanwhile, or the rebuild failed: wait until it is healthy again.
            (StepId::RejoinDatabase, Outcome::Failed | Outcome::TimedOut | Outcome::Refused) => {
                self.runner.wait(step.id, now.boot);
                self.runner.wait(StepId::AwaitRegion, self.next_try(now));
            }
            // An approval may come when the home region is no longer what it was when it was asked for.
            (StepId::ApproveFailback, Outcome::Done) if self.healthy_since[self.other().index()].is_none() => {
                self.fail(now, step);
            }
            (StepId::ApproveFailover | StepId::ApproveFailback, Outcome::Refused) => self.fail(now, step),
            // Waiting for the public name to answer with this region is redirection's time, not verification's.
            (StepId::VerifyWrite, Outcome::Done) => {
                self.ledger.end(Phase::Verify, now.boot);
                self.runner.done(step.id);
            }
            (StepId::VerifyRouting, Outcome::Done) => {
                self.ledger.end(Phase::Redirect, now.boot);
                self.runner.done(step.id);
            }
            (StepId::OpenProcessing, Outcome::Done) => {
                self.path_changed(Path::Open);
                self.runner.done(step.id);
            }
            (StepId::CloseOrderPath, Outcome::Done) => {
                self.path_changed(Path::Closed);
                self.runner.done(step.id);
            }
            (_, Outcome::Done) => self.runner.done(step.id),
            _ => self.runner.wait(step.id, self.next_try(now)),
        }
    }

    /// A move of the writer did not simply succeed. A time-out is unknown: look before acting again.
    fn settle_writer_move(&mut self, now: Now, step: &'static Step, pending: &Pending, outcome: Outcome) {
        let target = if step.id == StepId::PromoteDatabase {
            self.identity.region
        } else {
            self.other()
        };
        match outcome {
            // A refusal after an attempt that may have got through proves nothing.
            Outcome::Refused if !self.move_unknown => self.fail(now, step),
            Outcome::Database(view) => {
                self.database = Some(view);
                if view.moving || view.writer.is_none() {
                    // Still under way, or not to be told: look again.
                    self.look_first = true;
                    self.runner.wait(step.id, self.next_try(now));
                } else if view.writer == Some(target) {
                    self.look_first = false;
                    if step.id == StepId::PromoteDatabase {
                        self.promoted(now);
                    } else {
                        self.runner.done(step.id);
                    }
                } else if step.id == StepId::SwitchOverDatabase && !self.move_unknown {
                    // It failed for certain, and the order path is closed meanwhile: going home can wait, orders cannot.
                    self.look_first = false;
                    self.fail(now, step);
                } else {
                    // The describe agrees that nothing happened: it may be asked for again.
                    self.look_first = false;
                    self.runner.wait(step.id, now.boot);
                }
            }
            _ => {
                // A look that nobody answered has moved nothing.
                let attempted = pending.effect.intent != Intent::DescribeDatabase;
                self.move_unknown |= attempted && outcome == Outcome::TimedOut;
                self.look_first = !seeded!(self.settings.bug, PromotesAgain);
                self.runner.wait(step.id, self.next_try(now));
            }
        }
    }

    fn promoted(&mut self, now: Now) {
        self.runner.done(StepId::PromoteDatabase);
        // Orders commit only after the serving row is written. It would come with the next renewal; the budget has no
        // time to wait for that.
        let wish = self.keeper.promoted();
        self.grant(now, wish);
    }

    fn set_switch(&mut self, now: Now, step: &'static Step, switch: Switch, to_us: bool) {
        let us = self.identity.region;
        let intent = self.flip(switch, if to_us { us } else { us.other() }, !to_us);
        self.issue_step(now, step.id, step.patience, intent);
    }

    /// Whether this process is undoing a claim of its own before the switch's turn came.
    fn never_flipped(&self, engage: StepId) -> bool {
        self.machine.state() == StateName::Reverting
            && self.runner.step(StepId::WriteClaim) != StepState::Pending
            && self.runner.step(engage) == StepState::Pending
    }

    fn give_up_lease(&mut self, now: Now, step: &'static Step) {
        let us = self.identity.region;
        let Some(record) = self.keeper.record() else {
            self.runner.wait(step.id, self.next_try(now));
            return;
        };
        let epoch = record.epoch;
        let request = if record.holder == us {
            if self.healthy_since[self.other().index()].is_none() {
                // Nobody to give it to; the state's deadline asks an operator.
                self.runner.wait(step.id, self.next_try(now));
                return;
            }
            // Nothing was promoted, so this region's database is the standby that it was.
            LeaseRequest::Transfer {
                epoch,
                from: us,
                protected: true,
            }
        } else {
            // Asked for even if no claim is known: an earlier one may have got through unseen.
            LeaseRequest::Withdraw { epoch, region: us }
        };
        let nonce = self.next_nonce();
        self.issue_step(now, step.id, step.patience, Intent::Lease { request, nonce });
    }

    fn confirm_home(&mut self, now: Now, id: StepId) {
        let Some(record) = self.keeper.record() else { return };
        if record.holder == self.identity.region {
            self.runner.wait(id, self.next_try(now));
            return;
        }
        let renewals = *self.handed_over_at.get_or_insert(record.renewals);
        if record.renewals > renewals {
            self.runner.done(id);
        } else {
            self.runner.wait(id, self.next_try(now));
        }
    }

    /// A step failed for certain.
    fn fail(&mut self, now: Now, step: &'static Step) {
        match step.on_failure {
            OnFailure::Revert | OnFailure::RollBack | OnFailure::RollForward => {
                self.turn(now, Event::StepFailed);
            }
            OnFailure::NeedsOperator => self.runner.wait(step.id, self.next_try(now)),
            OnFailure::Continue => self.runner.done(step.id),
        }
    }

    fn next_try(&self, now: Now) -> Timestamp {
        now.boot.after(self.settings.policy.lease.renew_every)
    }
}
