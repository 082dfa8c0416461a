//! What outlives a restart: taken out, and put back.

use understudy_policies::Policy;
use understudy_policies::model::Mode;

use super::{Engine, Identity, ROLE_CHANGES_KEPT};
use crate::core::memory::Memory;
use crate::core::time::{Now, Timestamp, WallTime};

impl Engine {
    /// An engine that has started again, with what it had written down before.
    #[must_use]
    pub fn remembering(policy: &Policy, identity: Identity, memory: &Memory, now: Now) -> Self {
        let mut engine = Self::new(policy, identity, now);
        let boot = |wall: WallTime| now.boot.before(now.wall.since(wall));
        if let Some(mode) = memory.mode {
            engine.mode = mode;
            // An engine that was armed once may be the one that renews.
            engine.keeps_lease |= mode == Mode::Armed;
        }
        engine.paused = memory.paused;
        engine.operator_asked = memory.operator_asked;
        engine.remembered_epoch = memory.epoch;
        let recent = memory.role_changes.iter().rev().take(ROLE_CHANGES_KEPT).rev();
        engine.role_changes.extend(recent.map(|at| boot(*at)));
        if let Some((lag, heard)) = memory.lag {
            engine.evidence.remember_lag(lag, boot(heard));
        }
        engine
    }

    /// What the shell is to write down, so that it outlives a restart.
    #[must_use]
    pub fn memory(&self, now: Now) -> Memory {
        let wall = |at: Timestamp| {
            let age = i64::try_from(now.boot.since(at).as_millis()).unwrap_or(i64::MAX);
            WallTime::from_millis(now.wall.as_millis().saturating_sub(age))
        };
        let epoch = self.keeper.record().map(|record| record.epoch);
        Memory {
            mode: (self.mode != self.settings.initial_mode()).then_some(self.mode),
            paused: self.paused,
            operator_asked: self.operator_asked,
            epoch: epoch.or(self.remembered_epoch),
            role_changes: self.role_changes.iter().map(|at| wall(*at)).collect(),
            lag: self.evidence.lag().map(|(lag, heard)| (lag, wall(heard))),
        }
    }
}
