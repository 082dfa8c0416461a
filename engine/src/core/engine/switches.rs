//! Keeps both switches as the lease item needs them.
//!
//! A role change flips them, and may have to leave one behind: switch A lives in the standby region and is out of reach
//! while that region is lost. When it answers again, what it says must be what holds now. So the driver of either region
//! reads both now and then, and flips the one that does not say what the lease item says: the holder may have no
//! sidecar just then, and the region that came back may be the only one that reaches its switch. The order of writes
//! keeps one that acts on an old view from undoing what came after it.

use std::time::Duration;

use understudy_policies::model::TrafficMethod;

use super::{Engine, Errand};
use crate::core::effect::Intent;
use crate::core::ids::{Region, Switch};
use crate::core::machine::StateName;
use crate::core::time::Now;

/// How often the switches are read. A choice: a switch that says the wrong thing moves clients within the time that
/// Route 53 needs, and an operator who flips one by hand sees it flipped back.
const READ_EVERY: Duration = Duration::from_secs(20);

impl Engine {
    /// Reads the switches, if it is time to.
    pub(super) fn keep_switches(&mut self, now: Now) {
        let left_alone = seeded!(self.settings.bug, LeavesSwitches);
        if now.boot < self.switches_due || !self.keeps_switches(now) || left_alone {
            return;
        }
        self.switches_due = now.boot.after(READ_EVERY);
        self.errand(now, Intent::ReadSwitches, Errand::LookAtSwitches);
    }

    /// Flips what says otherwise. What cannot be read is left alone: it says nothing to Route 53 either.
    pub(super) fn settle_switches(&mut self, now: Now, says: [Option<bool>; 2]) {
        let Some(holder) = self.keeper.record().map(|record| record.holder) else {
            return;
        };
        if !self.keeps_switches(now) {
            return;
        }
        for (switch, says) in Switch::BOTH.into_iter().zip(says) {
            if says.is_some_and(|engaged| engaged != sends_away(holder)) {
                let intent = self.flip(switch, holder, false);
                self.errand(now, intent, Errand::Aside);
            }
        }
    }

    /// The write that sends clients to a region, or that undoes what sent them elsewhere on the same version of the
    /// lease item.
    pub(super) fn flip(&self, switch: Switch, to: Region, undoes: bool) -> Intent {
        let version = self.keeper.record().map_or(0, |record| record.version);
        Intent::SetSwitch {
            switch,
            engaged: sends_away(to),
            order: version * 2 + u64::from(undoes),
        }
    }

    /// Whether this engine looks after the switches: in peace only, because during a role change its steps flip them.
    fn keeps_switches(&self, now: Now) -> bool {
        let state = self.machine.state();
        let serves = matches!(
            state,
            StateName::Serving | StateName::Rejoining | StateName::Reconciling | StateName::Soaking
        ) && now.boot < self.keeper.serve_until();
        (serves || state.stands_by())
            && self.is_armed()
            && self.keeper.drives(now.boot)
            && self.settings.policy.traffic.method != TrafficMethod::RecordChange
            && self
                .keeper
                .record()
                .is_some_and(|record| record.claim.is_none() && record.role_change.is_none())
    }
}

/// What a switch says while clients belong in a region: engaged holds them away from home.
const fn sends_away(to: Region) -> bool {
    matches!(to, Region::Away)
}
