//! The lease item and its conditional writes.

use serde::{Deserialize, Serialize};

use crate::core::ids::{Epoch, Nonce, Region, SidecarId};
use crate::workflow::StepId;

/// A quorum-approved intention to take over. While there is one, the holder cannot renew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The region that will take over.
    pub region: Region,
    /// The nonce of the write that placed it.
    pub nonce: Nonce,
}

/// The sidecar that drives role changes for its region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driver {
    /// Which one.
    pub sidecar: SidecarId,
    /// Rises with every sign of life.
    pub beats: u64,
}

/// Which way the platform is moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleChangeKind {
    /// Away from a lost region.
    Failover,
    /// Home, as a planned move.
    Failback,
}

/// The journal of record of a role change: what is under way, and how far it is known to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChange {
    /// Which way.
    pub kind: RoleChangeKind,
    /// The last step whose intent was recorded.
    pub step: StepId,
}

/// The item in the lease store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Rises with every write, so that answers which overtake each other can be told apart.
    pub version: u64,
    /// The current term.
    pub epoch: Epoch,
    /// The region that may serve.
    pub holder: Region,
    /// Rises with every renewal. Only its movement counts, never a time.
    pub renewals: u64,
    /// The holder has stopped serving and said so: nobody need wait.
    pub released: bool,
    /// Someone is taking over.
    pub claim: Option<Claim>,
    /// Whether the region that does not hold the lease has a promotable database. While it has not, it must not take
    /// over: a second failure pages a human.
    pub protected: bool,
    /// The role change under way.
    pub role_change: Option<RoleChange>,
    /// Who drives, for each region.
    pub drivers: [Option<Driver>; 2],
    /// The last writer's mark.
    pub nonce: Nonce,
}

/// A read or a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseRequest {
    /// Read the item, strongly consistent.
    Read,
    /// The holder renews: only in its own epoch, and only while nobody has claimed.
    Renew {
        /// The holder's epoch.
        epoch: Epoch,
        /// The holder.
        region: Region,
    },
    /// The other region claims: only in the epoch it saw, and only if nobody else has.
    Claim {
        /// The epoch that the claimer saw.
        epoch: Epoch,
        /// The claimer.
        region: Region,
    },
    /// The claimer gives up: the holder may renew again.
    Withdraw {
        /// The epoch of the claim.
        epoch: Epoch,
        /// The claimer.
        region: Region,
    },
    /// The claimer becomes the holder of the next epoch.
    Acquire {
        /// The epoch of the claim; the item's epoch becomes the next one.
        epoch: Epoch,
        /// The claimer.
        region: Region,
        /// The mark of the claim whose wait is over, so that a late write of an earlier attempt does nothing.
        claim: Nonce,
    },
    /// The holder has stopped serving.
    Release {
        /// The holder's epoch.
        epoch: Epoch,
        /// The holder.
        region: Region,
        /// The renewals that it saw when it stopped, so that a late write does nothing to a region that serves again.
        renewals: u64,
    },
    /// The holder hands the lease to the other region, which holds the next epoch.
    Transfer {
        /// The holder's epoch; the item's epoch becomes the next one.
        epoch: Epoch,
        /// The region that is handing over.
        from: Region,
        /// Whether the region that hands over could take over again.
        protected: bool,
    },
    /// The holder records a role change's step, or its end, and whether it is protected.
    Record {
        /// The holder's epoch.
        epoch: Epoch,
        /// The holder.
        region: Region,
        /// What is under way now.
        role_change: Option<RoleChange>,
        /// Whether the other region can take over.
        protected: bool,
    },
    /// A sidecar shows that it drives, or takes over from a driver that fell silent.
    Drive {
        /// Its region.
        region: Region,
        /// The sidecar.
        sidecar: SidecarId,
        /// The driver that it saw; the write fails if there is another by now.
        seen: Option<Driver>,
    },
}

/// A conditional write's condition did not hold. Carries the item as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease item is not as the write expected: epoch {} is held, read it again", .0.epoch)]
pub struct Conflict(pub LeaseRecord);

impl LeaseRecord {
    /// The item of a new platform: the home region holds epoch 1, and the standby is ready.
    #[must_use]
    pub const fn initial() -> Self {
        Self {
            version: 0,
            epoch: Epoch(1),
            holder: Region::Home,
            renewals: 0,
            released: false,
            claim: None,
            protected: true,
            role_change: None,
            drivers: [None, None],
            nonce: Nonce {
                incarnation: 0,
                serial: 0,
            },
        }
    }

    /// The item of a platform that failed over long ago: the other region holds epoch 2, and home is its standby.
    #[must_use]
    pub const fn away_from_home() -> Self {
        Self {
            version: 1,
            epoch: Epoch(2),
            holder: Region::Away,
            ..Self::initial()
        }
    }

    /// What a request makes of the item. A read leaves it as it is.
    ///
    /// # Errors
    /// [`Conflict`] when the request's condition does not hold; the item is then unchanged.
    pub fn apply(&self, request: &LeaseRequest, nonce: Nonce) -> Result<Self, Conflict> {
        let mut next = *self;
        next.nonce = nonce;
        next.version += 1;
        let holds = match *request {
            LeaseRequest::Read => return Ok(*self),
            LeaseRequest::Renew { epoch, region } => {
                next.renewals += 1;
                // A holder that was shut down and started again takes its release back, as long as nobody claimed.
                next.released = false;
                self.held_by(region, epoch) && self.claim.is_none()
            }
            LeaseRequest::Claim { epoch, region } => {
                // Claiming twice is the same claim: the first nonce stays, so a repeated write changes nothing.
                next.claim = Some(self.claim.unwrap_or(Claim { region, nonce }));
                self.held_by(region.other(), epoch) && self.claim.is_none_or(|claim| claim.region == region)
            }
            LeaseRequest::Withdraw { epoch, region } => {
                next.claim = None;
                // A holder that released during the claim holds the lease again once the claim is gone.
                next.released = false;
                self.held_by(region.other(), epoch) && self.claimed_by(region)
            }
            LeaseRequest::Acquire { epoch, region, claim } => {
                next.start_term(region);
                next.role_change = Some(RoleChange {
                    kind: RoleChangeKind::Failover,
                    step: StepId::RaiseEpoch,
                });
                next.protected = false;
                self.held_by(region.other(), epoch) && self.claim == Some(Claim { region, nonce: claim })
            }
            LeaseRequest::Release {
                epoch,
                region,
                renewals,
            } => {
                next.released = true;
                self.held_by(region, epoch) && self.renewals == renewals
            }
            LeaseRequest::Transfer { epoch, from, protected } => {
                next.start_term(from.other());
                next.protected = protected;
                next.role_change = None;
                self.held_by(from, epoch)
            }
            LeaseRequest::Record {
                epoch,
                region,
                role_change,
                protected,
            } => {
                next.role_change = role_change;
                next.protected = protected;
                self.held_by(region, epoch)
            }
            LeaseRequest::Drive { region, sidecar, seen } => {
                let beats = seen.map_or(0, |driver| driver.beats) + 1;
                next.drivers[region.index()] = Some(Driver { sidecar, beats });
                self.drivers[region.index()] == seen
            }
        };
        if holds { Ok(next) } else { Err(Conflict(*self)) }
    }

    /// Whether this region holds this epoch.
    #[must_use]
    pub fn held_by(&self, region: Region, epoch: Epoch) -> bool {
        self.holder == region && self.epoch == epoch
    }

    /// Whether this region has claimed.
    #[must_use]
    pub fn claimed_by(&self, region: Region) -> bool {
        self.claim.is_some_and(|claim| claim.region == region)
    }

    fn start_term(&mut self, holder: Region) {
        self.epoch = self.epoch.next();
        self.holder = holder;
        self.renewals += 1;
        self.released = false;
        self.claim = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = Nonce {
        incarnation: 7,
        serial: 1,
    };
    const E1: Epoch = Epoch(1);

    fn apply(record: LeaseRecord, request: LeaseRequest) -> Result<LeaseRecord, Conflict> {
        record.apply(&request, NONCE)
    }

    #[test]
    fn a_claim_stops_renewals_and_withdrawing_it_allows_them_again() {
        let claimed = apply(
            LeaseRecord::initial(),
            LeaseRequest::Claim {
                epoch: E1,
                region: Region::Away,
            },
        )
        .unwrap();
        let renew = LeaseRequest::Renew {
            epoch: E1,
            region: Region::Home,
        };
        assert!(apply(claimed, renew).is_err());
        let withdrawn = apply(
            claimed,
            LeaseRequest::Withdraw {
                epoch: E1,
                region: Region::Away,
            },
        )
        .unwrap();
        assert!(apply(withdrawn, renew).is_ok());
    }

    #[test]
    fn only_the_claimer_acquires_and_the_epoch_rises_by_one() {
        let acquire = LeaseRequest::Acquire {
            epoch: E1,
            region: Region::Away,
            claim: NONCE,
        };
        assert!(apply(LeaseRecord::initial(), acquire).is_err());
        let claimed = apply(
            LeaseRecord::initial(),
            LeaseRequest::Claim {
                epoch: E1,
                region: Region::Away,
            },
        )
        .unwrap();
        let taken = apply(claimed, acquire).unwrap();
        assert_eq!(
            (taken.epoch, taken.holder, taken.claim, taken.protected),
            (Epoch(2), Region::Away, None, false)
        );
    }

    #[test]
    fn a_stale_holder_can_do_nothing() {
        let claimed = apply(
            LeaseRecord::initial(),
            LeaseRequest::Claim {
                epoch: E1,
                region: Region::Away,
            },
        )
        .unwrap();
        let taken = apply(
            claimed,
            LeaseRequest::Acquire {
                epoch: E1,
                region: Region::Away,
                claim: NONCE,
            },
        )
        .unwrap();
        for request in [
            LeaseRequest::Renew {
                epoch: E1,
                region: Region::Home,
            },
            LeaseRequest::Release {
                epoch: E1,
                region: Region::Home,
                renewals: 0,
            },
            LeaseRequest::Transfer {
                epoch: E1,
                from: Region::Home,
                protected: true,
            },
            LeaseRequest::Record {
                epoch: E1,
                region: Region::Home,
                role_change: None,
                protected: true,
            },
        ] {
            assert_eq!(apply(taken, request), Err(Conflict(taken)), "{request:?}");
        }
    }

    #[test]
    fn claiming_twice_keeps_the_first_claim() {
        let request = LeaseRequest::Claim {
            epoch: E1,
            region: Region::Away,
        };
        let once = LeaseRecord::initial().apply(&request, NONCE).unwrap();
        let twice = once
            .apply(
                &request,
                Nonce {
                    incarnation: 7,
                    serial: 2,
                },
            )
            .unwrap();
        assert_eq!(once.claim, twice.claim);
    }

    #[test]
    fn a_driver_is_replaced_only_by_one_that_saw_its_last_beat() {
        let drive = |sidecar, seen| LeaseRequest::Drive {
            region: Region::Home,
            sidecar: SidecarId(sidecar),
            seen,
        };
        let first = apply(LeaseRecord::initial(), drive(1, None)).unwrap();
        let second = apply(first, drive(1, first.drivers[0])).unwrap();
        assert!(apply(second, drive(2, first.drivers[0])).is_err());
        assert!(apply(second, drive(2, second.drivers[0])).is_ok());
    }

    #[test]
    fn an_acquire_of_an_earlier_claim_does_nothing() {
        let claim = LeaseRequest::Claim {
            epoch: E1,
            region: Region::Away,
        };
        let first = apply(LeaseRecord::initial(), claim).unwrap();
        let withdrawn = apply(
            first,
            LeaseRequest::Withdraw {
                epoch: E1,
                region: Region::Away,
            },
        )
        .unwrap();
        let second = withdrawn
            .apply(
                &claim,
                Nonce {
                    incarnation: 7,
                    serial: 9,
                },
            )
            .unwrap();
        let late = LeaseRequest::Acquire {
            epoch: E1,
            region: Region::Away,
            claim: NONCE,
        };
        assert_eq!(apply(second, late), Err(Conflict(second)));
    }

    #[test]
    fn a_release_that_was_overtaken_by_a_renewal_does_nothing() {
        let renewed = apply(
            LeaseRecord::initial(),
            LeaseRequest::Renew {
                epoch: E1,
                region: Region::Home,
            },
        )
        .unwrap();
        let late = LeaseRequest::Release {
            epoch: E1,
            region: Region::Home,
            renewals: 0,
        };
        assert_eq!(apply(renewed, late), Err(Conflict(renewed)));
    }
}
