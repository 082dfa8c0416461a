//! Keeps the own region's order path as the machine's state wants it.
//!
//! The workflow opens and closes it in the course of a role change. In every state in which the engine rests it is
//! compared with what was last confirmed, and asked for again until it is confirmed: an answer that was lost, a restart
//! or a fence must not leave it open, or closed, for ever.

use std::time::Duration;

use super::{Engine, Errand};
use crate::core::effect::{Intent, Outcome};
use crate::core::lease::LeaseRequest;
use crate::core::machine::{Event, StateName};
use crate::core::time::{Now, Timestamp};

/// For so long a standby's order path is taken to be closed. Then it is closed once more, which changes nothing unless
/// somebody has opened it by hand: a standby that was left on must not wait for the next restart. A choice.
const CLOSED_FOR: Duration = Duration::from_secs(30);
/// The same for an order path that is open: a call of another sidecar that was held up may have closed it, and every
/// second of that costs orders. A choice.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// What the order path does with orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// Refuses them.
    Closed,
    /// Accepts and processes them.
    Open,
}

/// What is known of the order path.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OrderPath {
    /// What was last confirmed, by this process.
    confirmed: Option<Path>,
    confirmed_at: Timestamp,
    /// Calls under way.
    under_way: u8,
    /// One of them failed.
    failed: bool,
    /// Not to be asked for again before.
    retry_at: Timestamp,
    /// A lease that has just lapsed is looked at once more before the path is closed: another sidecar of the region may
    /// have renewed it. The database refuses commits meanwhile.
    close_after: Timestamp,
}

impl OrderPath {
    /// Until when there is nothing to ask for.
    fn known_until(&self, wanted: Path) -> Timestamp {
        match wanted {
            _ if self.confirmed != Some(wanted) => Timestamp::ZERO,
            Path::Open => self.confirmed_at.after(OPEN_FOR),
            Path::Closed => self.confirmed_at.after(CLOSED_FOR),
        }
    }
}

impl Engine {
    /// Asks for what the state wants, unless it is so already.
    pub(super) fn keep_order_path(&mut self, now: Now) {
        let Some(wanted) = self.wanted_path(now) else { return };
        let path = &mut self.order_path;
        let early = now.boot < path.retry_at || (wanted == Path::Closed && now.boot < path.close_after);
        let repeated = path.confirmed == Some(wanted);
        if now.boot < path.known_until(wanted) || path.under_way > 0 || early {
            return;
        }
        // What this sidecar knows of the lease may be old, and another one may serve by now. A holder that is seen to renew
        // is none of this region's.
        if repeated && !self.keeper.sees_renewals(now.boot) {
            return;
        }
        path.failed = false;
        path.retry_at = now.boot.after(self.settings.policy.lease.renew_every);
        let intents: &[Intent] = match wanted {
            Path::Closed => &[Intent::CloseOrderPath],
            Path::Open => &[Intent::OpenIntake, Intent::OpenProcessing],
        };
        for intent in intents {
            self.order_path.under_way += 1;
            self.errand(now, *intent, Errand::OrderPath(wanted));
        }
    }

    /// A call has turned out.
    pub(super) fn settle_order_path(&mut self, now: Now, asked: Path, outcome: Outcome) {
        let path = &mut self.order_path;
        path.under_way = path.under_way.saturating_sub(1);
        path.failed |= outcome != Outcome::Done;
        if path.under_way == 0 {
            path.confirmed = (!path.failed).then_some(asked);
            path.confirmed_at = self.clock;
        }
        if self.machine.state() == StateName::Draining && self.order_path.confirmed == Some(Path::Closed) {
            // Only the driver opens the path, so only the driver knows that it stays closed.
            if self.keeper.has_the_seat() {
                self.release(now);
            } else {
                self.turn(now, Event::StepsDone);
            }
        }
    }

    /// A step of the workflow has changed the order path.
    pub(super) const fn path_changed(&mut self, to: Path) {
        self.order_path.confirmed = Some(to);
        self.order_path.confirmed_at = self.clock;
    }

    /// The lease has lapsed: the path is closed unless it turns out within one operation that it has not.
    pub(super) fn close_path_soon(&mut self, now: Now) {
        self.order_path.close_after = now.boot.after(self.settings.policy.lease.operation_timeout);
    }

    /// When something is due.
    pub(super) fn path_due(&self, now: Now) -> Timestamp {
        let path = &self.order_path;
        match self.wanted_path(now) {
            Some(wanted) if path.under_way == 0 => {
                let retry_at = match wanted {
                    Path::Closed => path.retry_at.max(path.close_after),
                    Path::Open => path.retry_at,
                };
                let at = retry_at.max(path.known_until(wanted));
                // What is due and waits for a renewal to be seen is looked at when one is.
                if path.confirmed == Some(wanted) && at <= now.boot {
                    Timestamp::NEVER
                } else {
                    at
                }
            }
            _ => Timestamp::NEVER,
        }
    }

    /// What the state wants; nothing while a role change decides it step by step.
    fn wanted_path(&self, now: Now) -> Option<Path> {
        if !self.keeps_lease {
            return None;
        }
        let may_serve = now.boot < self.keeper.serve_until();
        match self.machine.state() {
            state if state.serves() => {
                let again = self.order_path.confirmed == Some(Path::Closed);
                let stays_closed = seeded!(self.settings.bug, StaysClosed) && again;
                (may_serve && self.keeper.drives(now.boot) && !stays_closed).then_some(Path::Open)
            }
            // One that has read nothing yet knows nothing of its region's other sidecars: they may be serving.
            // One that does not drive leaves it to the one that does, which may hold the lease again already. The
            // database refuses commits meanwhile.
            StateName::SelfFenced | StateName::NeedsOperator if !self.keeper.has_the_seat() => None,
            // Another sidecar of the region may have taken the lease this very moment: then it is not ours to close.
            StateName::Steady | StateName::Suspicious | StateName::Blocked => {
                (!self.keeper.holds()).then_some(Path::Closed)
            }
            StateName::SelfFenced | StateName::Draining => Some(Path::Closed),
            StateName::NeedsOperator => (!may_serve).then_some(Path::Closed),
            _ => None,
        }
    }

    /// Everything is closed: the other region need not wait.
    fn release(&mut self, now: Now) {
        let Some(record) = self.keeper.record() else { return };
        let request = LeaseRequest::Release {
            epoch: record.epoch,
            region: self.identity.region,
            renewals: record.renewals,
        };
        let nonce = self.next_nonce();
        self.errand(now, Intent::Lease { request, nonce }, Errand::Release);
    }

    /// The release has turned out, one way or the other: this region serves no more.
    pub(super) fn settle_release(&mut self, now: Now) {
        if self.machine.state() == StateName::Draining {
            self.turn(now, Event::StepsDone);
        }
    }
}
