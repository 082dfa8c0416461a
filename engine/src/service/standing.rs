//! What operators should know of the process itself, beside what the engine says.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::core::machine::StateName;
use crate::core::time::WallTime;

/// What operators should know of the process itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Standing {
    /// Journals that could not be read and were set aside, oldest first. Whoever has looked at one removes the file.
    pub set_aside: Vec<PathBuf>,
    /// The last attempt at taking over a new policy.
    pub reload: Reload,
    /// Asked to end, and waiting for it to be safe.
    pub leaving: bool,
}

/// The last attempt at taking over a new policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Reload {
    /// There was none.
    #[default]
    None,
    /// The policy of the file runs.
    Applied {
        /// Since when.
        at: WallTime,
    },
    /// The policy of the file is good, and is applied once the engine rests.
    Postponed {
        /// Since when.
        since: WallTime,
        /// What the engine was doing then.
        state: StateName,
    },
    /// The policy of the file cannot be used; the one before goes on.
    Refused {
        /// When.
        at: WallTime,
        /// Everything that is wrong with it.
        because: String,
    },
}

/// Where it is written; others look at a receiver.
pub(super) type Standings = watch::Sender<Arc<Standing>>;

pub(super) fn change(standings: &Standings, how: impl FnOnce(&mut Standing)) {
    standings.send_modify(|standing| how(Arc::make_mut(standing)));
}
