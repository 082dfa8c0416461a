//! Keeping the lease: renewing it as the holder, watching it as the one who may take over.
//!
//! Every `renew-every` the holder notes the boot-time clock `t0` and renews in the store; it may serve until
//! `t0 + ttl - margin`. Beside that it reads the database's clock `s`, and once both are through it writes
//! `serving(valid_until = s + what was left of that time when the reading arrived)`. `s` was read before it arrived, so
//! the database stops no later than the holder does; and a taker's wait starts only once it has *seen* the renewal, so
//! it ends later than both. The renewal waits for no database.

use std::time::Duration;

use super::record::{LeaseRecord, LeaseRequest};
use crate::core::effect::{Intent, Outcome};
use crate::core::ids::{EffectId, Nonce, Region, SidecarId};
use crate::core::signal::PeerMessage;
use crate::core::time::{DatabaseTime, Timestamp};

/// With this many renewal intervals left and the last renewal failed, the other region is asked for a grant: late
/// enough that a store which merely stalls needs none, early enough for an answer.
const INTERVALS_LEFT_FOR_GRANT: u32 = 2;

/// A holder whose last renewal was seen this many intervals ago is seen to renew: one may come late.
const INTERVALS_OF_RENEWALS: u32 = 2;

/// What a handover of the seat takes beside the seat's own time, in renewal intervals: the last beat may be under way
/// and is seen an interval late, the other sidecar takes the seat up to an interval after it may, its write takes up to
/// an interval, and this sidecar sees it up to an interval later. One more, for an attempt that fails.
const INTERVALS_OF_HANDOVER: u32 = 6;

/// The lease's figures, from the policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) tenure: Duration,
    pub(crate) expiry: Duration,
    pub(crate) margin: Duration,
    /// How long one beat keeps the driver's seat. A store that stalls must not cost the seat in the middle of a loss.
    pub(crate) seat: Duration,
    pub(crate) every: Duration,
    pub(crate) drift: Duration,
    pub(crate) grant: Duration,
    pub(crate) grants_allowed: bool,
}

/// One attempt to extend the lease, by way of the store or of the other region. Both may be under way at once.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    effect: EffectId,
    began: Timestamp,
    nonce: Nonce,
}

/// What the keeper wants done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) intent: Intent,
    /// Which of the keeper's effects this is.
    pub(crate) purpose: Purpose,
}

/// What an effect of the keeper is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Renewal,
    Grant,
    Clock,
    Serving,
    Watch,
}

/// The lease as one sidecar keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    region: Region,
    sidecar: SidecarId,
    terms: Terms,
    record: Option<LeaseRecord>,
    /// When the store last answered.
    read_at: Option<Timestamp>,
    /// When the renewal counter was last *seen* to move. Never earlier than when it did.
    moved_at: Timestamp,
    renewal: Option<Attempt>,
    grant: Option<Attempt>,
    next_renewal: Timestamp,
    clock: Option<EffectId>,
    /// The database's clock and when it arrived here.
    clock_read: Option<(DatabaseTime, Timestamp)>,
    /// The end of the time that the serving row was last asked to cover.
    row_until: Timestamp,
    /// Whether the own region's database takes writes, as far as is known.
    writer: bool,
    watch: Option<(EffectId, Timestamp)>,
    next_watch: Timestamp,
    /// This region may serve until then.
    serve_until: Option<Timestamp>,
    /// The last renewal did not get through to the store.
    failing: bool,
    /// The driver's beat that was last seen to move, and when.
    driver_moved: (u64, Timestamp),
    /// This sidecar's last successful beat was asked for then.
    driving_since: Option<Timestamp>,
    /// This region has promised not to take the lease before then.
    promised_until: Timestamp,
    /// The serving row was written in this epoch.
    serving_row: bool,
    #[cfg(feature = "seeded-bugs")]
    pub(crate) bug: Option<crate::core::seeded::SeededBug>,
}

impl Keeper {
    pub(crate) const fn new(region: Region, sidecar: SidecarId, terms: Terms, now: Timestamp) -> Self {
        Self {
            region,
            sidecar,
            terms,
            record: None,
            read_at: None,
            moved_at: now,
            renewal: None,
            grant: None,
            next_renewal: now,
            clock: None,
            clock_read: None,
            row_until: Timestamp::ZERO,
            writer: false,
            watch: None,
            next_watch: now,
            serve_until: None,
            failing: false,
            driver_moved: (0, now),
            driving_since: None,
            promised_until: Timestamp::ZERO,
            serving_row: false,
            #[cfg(feature = "seeded-bugs")]
            bug: None,
        }
    }

    /// The lease item as last seen.
    pub(crate) const fn record(&self) -> Option<LeaseRecord> {
        self.record
    }

    /// When the store last answered.
    pub(crate) const fn read_at(&self) -> Option<Timestamp> {
        self.read_at
    }

    /// Whether this region holds the lease, as last seen.
    pub(crate) fn holds(&self) -> bool {
        self.record.is_some_and(|record| record.holder == self.region)
    }

    /// Until when this region may serve.
    pub(crate) fn serve_until(&self) -> Timestamp {
        if self.holds() {
            self.serve_until.unwrap_or(Timestamp::ZERO)
        } else {
            Timestamp::ZERO
        }
    }

    /// Whether the serving row has been written in this epoch.
    pub(crate) const fn serving_row_written(&self) -> bool {
        self.serving_row
    }

    /// When the other region's lease will have run out for certain: the wait, and any promise.
    pub(crate) fn expires_at(&self) -> Timestamp {
        let waited = self.moved_at.after(self.terms.expiry);
        let released = self
            .record
            .is_some_and(|record| record.released && record.claimed_by(self.region));
        if released || seeded!(self.bug, SkipsTheWait) {
            Timestamp::ZERO
        } else {
            waited.max(self.promised_until)
        }
    }

    /// Whether the holder was seen to renew just now.
    pub(crate) fn sees_renewals(&self, now: Timestamp) -> bool {
        now < self.moved_at.after(self.terms.every * INTERVALS_OF_RENEWALS)
    }

    /// Whether this sidecar drives its region.
    pub(crate) fn drives(&self, now: Timestamp) -> bool {
        self.has_the_seat()
            && self
                .driving_since
                .is_some_and(|since| now < since.after(self.terms.seat))
    }

    /// Whether this sidecar is the last driver that was seen. While the store is out of reach nobody can renew the
    /// seat, and it is this sidecar that answers for its region.
    pub(crate) fn has_the_seat(&self) -> bool {
        self.record.is_some_and(|record| {
            record.drivers[self.region.index()].is_some_and(|driver| driver.sidecar == self.sidecar)
        })
    }

    /// By when another sidecar of this region, if there is one, has taken the seat of a driver that beats no more from
    /// now on, and this one has seen it.
    pub(crate) fn seat_passes_by(&self, now: Timestamp) -> Timestamp {
        now.after(self.terms.seat + self.terms.drift + self.terms.every * INTERVALS_OF_HANDOVER)
    }

    /// Whether it is known who drives this region: another sidecar, or this one, which has shown it in the store.
    pub(crate) fn seat_is_settled(&self, now: Timestamp) -> bool {
        let taken = self
            .record
            .is_some_and(|record| record.drivers[self.region.index()].is_some());
        taken && (!self.has_the_seat() || self.drives(now))
    }

    /// When something is due.
    pub(crate) fn next_due(&self, renewing: bool) -> Timestamp {
        let mut at = Timestamp::NEVER;
        if renewing && self.renewal.is_none() {
            at = at.min(self.next_renewal);
        }
        if self.watch.is_none() {
            at = at.min(self.next_watch);
        }
        at
    }

    /// Starts what is due: a renewal, a request for a grant, a look. `writer` tells whether the own region's database
    /// takes writes, as far as is known; `acting` whether the engine may write at all.
    pub(crate) fn due(&mut self, now: Timestamp, renewing: bool, writer: bool, acting: bool) -> [Option<Wish>; 4] {
        self.writer = writer;
        let nonce = Nonce::default();
        let epoch = self.record.map_or_else(Default::default, |record| record.epoch);
        let mut wishes = [None; 4];
        if renewing && self.renewal.is_none() && now >= self.next_renewal {
            self.next_renewal = now.after(self.terms.every);
            let request = LeaseRequest::Renew {
                epoch,
                region: self.region,
            };
            wishes[0] = Some(Wish {
                intent: Intent::Lease { request, nonce },
                purpose: Purpose::Renewal,
            });
            // The clock is read beside the renewal, so that the row can be written as soon as that is through.
            if writer && self.clock.is_none() {
                wishes[3] = Some(Wish {
                    intent: Intent::ReadDatabaseClock,
                    purpose: Purpose::Clock,
                });
            }
            if self.needs_a_grant(now) {
                let from = self.region;
                wishes[1] = Some(Wish {
                    intent: Intent::TellPeer(PeerMessage::GrantRequest { from, epoch, nonce }),
                    purpose: Purpose::Grant,
                });
            }
        }
        if self.watch.is_none() && now >= self.next_watch {
            self.next_watch = now.after(self.terms.every);
            let request = self.watch_request(now, acting);
            wishes[2] = Some(Wish {
                intent: Intent::Lease { request, nonce },
                purpose: Purpose::Watch,
            });
        }
        wishes
    }

    /// The database has just become the writer: its serving row is wanted at once, not with the next renewal.
    pub(crate) const fn promoted(&mut self) -> Wish {
        self.writer = true;
        Wish {
            intent: Intent::ReadDatabaseClock,
            purpose: Purpose::Clock,
        }
    }

    /// Looks at the lease now rather than at the next beat.
    pub(crate) const fn look_now(&mut self, now: Timestamp) {
        self.next_watch = now;
    }

    /// The effect of a wish has been given its id.
    pub(crate) const fn issued(&mut self, now: Timestamp, id: EffectId, nonce: Nonce, wish: Wish) {
        match wish.purpose {
            Purpose::Watch => self.watch = Some((id, now)),
            Purpose::Clock => self.clock = Some(id),
            Purpose::Serving => {}
            Purpose::Renewal | Purpose::Grant => {
                let attempt = Some(Attempt {
                    effect: id,
                    began: now,
                    nonce,
                });
                if matches!(wish.purpose, Purpose::Renewal) {
                    self.renewal = attempt;
                } else {
                    self.grant = attempt;
                }
            }
        }
    }

    /// Takes in the outcome of an effect; the lease item that it brought has been [seen](Self::see) already.
    pub(crate) fn settle(&mut self, now: Timestamp, id: EffectId, outcome: Outcome) -> Settled {
        if let Some((_, began)) = self.watch.filter(|(watch, _)| *watch == id) {
            self.watch = None;
            if self.has_the_seat() && matches!(outcome, Outcome::Lease(_)) {
                self.driving_since = Some(began);
            }
            return Settled::Done;
        }
        if self.clock == Some(id) {
            self.clock = None;
            return match outcome {
                Outcome::DatabaseClock(clock) => {
                    self.clock_read = Some((clock, now));
                    self.serving_row()
                }
                // The lease is renewed all the same; the serving row just runs out.
                _ => Settled::Done,
            };
        }
        if self.grant.is_some_and(|grant| grant.effect == id) {
            // Once the message is on its way, the answer comes as a message of the peer.
            if outcome != Outcome::Done {
                self.grant = None;
            }
            return Settled::Done;
        }
        let Some(renewal) = self.renewal.take_if(|renewal| renewal.effect == id) else {
            return Settled::NotOurs;
        };
        self.failing = !matches!(outcome, Outcome::Lease(_) | Outcome::Conflict(_));
        match outcome {
            Outcome::Lease(_) => self.extend(renewal.began.after(self.terms.tenure)),
            _ if seeded!(self.bug, NeverLapses) => self.extend(renewal.began.after(self.terms.tenure)),
            _ => Settled::Done,
        }
    }

    /// The other region answered a request for a grant.
    pub(crate) fn granted(&mut self, nonce: Nonce, granted: Option<Duration>) -> Settled {
        let Some(asked) = self.grant.take_if(|grant| grant.nonce == nonce) else {
            return Settled::NotOurs;
        };
        match granted {
            // Nobody believes in more than this region would grant itself.
            Some(time) => {
                let time = time.min(self.terms.grant).saturating_sub(self.terms.margin);
                self.extend(asked.began.after(time))
            }
            None => Settled::Done,
        }
    }

    /// The other region asks for a grant: promises not to take the lease for a while.
    pub(crate) fn promise(&mut self, now: Timestamp) -> Duration {
        self.promised_until = self.promised_until.max(now.after(self.terms.grant + self.terms.drift));
        self.terms.grant
    }

    /// Takes in the lease item, from whatever effect. Returns whether the renewal counter has moved.
    pub(crate) fn see(&mut self, now: Timestamp, record: LeaseRecord) -> bool {
        self.read_at = Some(now);
        if self.record.is_some_and(|seen| record.version < seen.version) {
            // Answers may overtake each other; what is known is not unlearned.
            return false;
        }
        let first = self.record.is_none();
        let new_epoch = self.record.is_some_and(|seen| seen.epoch != record.epoch);
        let moved = first || new_epoch || self.record.is_some_and(|seen| seen.renewals != record.renewals);
        if moved {
            self.moved_at = now;
        }
        if new_epoch {
            self.row_until = Timestamp::ZERO;
            self.clock_read = None;
            self.serve_until = None;
            self.serving_row = false;
        }
        let beats = record.drivers[self.region.index()].map_or(0, |driver| driver.beats);
        if beats != self.driver_moved.0 || first {
            self.driver_moved = (beats, now);
        }
        self.record = Some(record);
        if first && record.drivers[self.region.index()].is_none_or(|driver| driver.sidecar == self.sidecar) {
            // A seat that is free, or was this sidecar's, need not wait for the next beat.
            self.look_now(now);
        }
        moved
    }

    /// The epoch was raised by a write that was asked for at `began`: that is a renewal as well.
    pub(crate) fn raised(&mut self, began: Timestamp) {
        self.serve_until = Some(began.after(self.terms.tenure));
    }

    /// The serving row's write went through.
    pub(crate) const fn serving_row_done(&mut self) {
        self.serving_row = true;
    }

    /// Whether the other region is to be asked: the store does not answer, and the lease is nearly out. An answer that
    /// does not come is not waited for longer than an operation of the store would be.
    fn needs_a_grant(&self, now: Timestamp) -> bool {
        let asked = self
            .grant
            .is_some_and(|grant| now < grant.began.after(self.terms.every));
        let left = self.serve_until().since(now);
        self.terms.grants_allowed && self.failing && !asked && left <= self.terms.every * INTERVALS_LEFT_FOR_GRANT
    }

    fn extend(&mut self, until: Timestamp) -> Settled {
        if !self.holds() {
            return Settled::Done;
        }
        self.serve_until = Some(self.serve_until.map_or(until, |before| before.max(until)));
        self.serving_row()
    }

    /// Extends the serving row to the end of the lease, once the database's clock is known. A reading is used once, so
    /// a database whose clock jumps (a failover inside the region) is noticed with the next renewal. It is good for one
    /// lease: what clocks may drift apart is declared for no longer, and over more the row would outlive the lease.
    fn serving_row(&mut self) -> Settled {
        let until = self.serve_until();
        let ttl = self.terms.tenure + self.terms.margin;
        let good = |read_at: Timestamp| until > read_at && until <= read_at.after(ttl);
        match self.clock_read {
            Some((clock, read_at)) if self.writer && until > self.row_until && good(read_at) => {
                self.row_until = until;
                self.clock_read = None;
                let overstated = Duration::from_secs(if seeded!(self.bug, OverstatesTheRow) { 60 } else { 0 });
                Settled::Next(Wish {
                    intent: Intent::WriteServing {
                        valid_until: clock.after(until.since(read_at) + overstated),
                    },
                    purpose: Purpose::Serving,
                })
            }
            _ => Settled::Done,
        }
    }

    /// The driver beats; the others watch, and one of them takes over from a driver that fell silent.
    fn watch_request(&self, now: Timestamp, acting: bool) -> LeaseRequest {
        let Some(record) = self.record.filter(|_| acting) else {
            return LeaseRequest::Read;
        };
        let seen = record.drivers[self.region.index()];
        let ours = seen.is_some_and(|driver| driver.sidecar == self.sidecar);
        let silent = now >= self.driver_moved.1.after(self.terms.seat + self.terms.drift);
        if ours || seen.is_none() || silent {
            LeaseRequest::Drive {
                region: self.region,
                sidecar: self.sidecar,
                seen,
            }
        } else {
            LeaseRequest::Read
        }
    }
}

/// What settling an effect came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It was none of the keeper's effects.
    NotOurs,
    /// Nothing follows.
    Done,
    /// This is to be done next.
    Next(Wish),
}
