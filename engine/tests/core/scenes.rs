//! Where the tests of a [`Pair`] begin.

use std::time::Duration;

use crate::pair::Pair;
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_policies::shipped;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// The first sidecar of each region.
pub(crate) const HOME: usize = 0;
pub(crate) const AWAY: usize = 1;

/// A quiet platform.
pub(crate) fn pair() -> Pair {
    Pair::settled(shipped::trading())
}

/// The home region is lost, and the other has taken over.
pub(crate) fn failed_over() -> Pair {
    let mut pair = pair();
    pair.lose(Region::Home);
    pair.run_to("failover", 60 * SECOND, |p| p.states()[1] == StateName::Rejoining);
    pair
}

/// The home region is back as the standby, with the number of its new sidecar.
pub(crate) fn soaking() -> (Pair, usize) {
    let mut pair = failed_over();
    let home = pair.bring_back(Region::Home);
    pair.run_to("soaking", 2 * HOUR, |p| p.states()[1] == StateName::Soaking);
    (pair, home)
}
