//! What an engine remembers across restarts.
//!
//! The lease item is the journal of record of a role change; what a guard must not forget and the item does not hold
//! is here. The shell writes it down with its journal, before it begins an effect, and hands the last one to
//! [`Engine::remembering`](super::engine::Engine::remembering) when it starts again. Times are wall times, because
//! the boot-time clock of another machine has another origin. They are only ever turned into ages of guards that count
//! in minutes; nobody's tenure depends on them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use understudy_policies::model::Mode;

use super::ids::Epoch;
use super::time::WallTime;

/// What an engine remembers across restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The mode that an operator set; none: the policy's own.
    pub mode: Option<Mode>,
    /// An operator has paused role changes.
    pub paused: bool,
    /// A human was asked to take over and has not acknowledged it.
    pub operator_asked: bool,
    /// The last epoch that was seen. Another one after the restart is a role change that was slept through.
    pub epoch: Option<Epoch>,
    /// The role changes that the guards count, oldest first.
    pub role_changes: Vec<WallTime>,
    /// The last measured replication lag, and when it was heard.
    pub lag: Option<(Duration, WallTime)>,
}
