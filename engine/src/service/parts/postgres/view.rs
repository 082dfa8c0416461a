//! Who the writer is, from what both databases say.
//!
//! | Own database | The other one | The writer |
//! |--|--|--|
//! | takes writes | is in recovery, or does not answer | the own region |
//! | takes writes | takes writes | the one on the later timeline: it was promoted last |
//! | is in recovery | is in recovery | nobody |
//! | is in recovery | takes writes, or does not answer | the other region: a replica follows somebody |
//! | does not answer | takes writes | the other region |
//! | does not answer | is in recovery, or does not answer | nobody knows |

use std::time::Duration;

use super::Postgres;
use super::statements::Standing;
use crate::core::effect::DatabaseView;
use crate::core::ids::Region;

impl Postgres {
    pub(super) async fn look(&self) -> DatabaseView {
        let patience = self.clock.real_span(self.limits.look);
        let standings = self.standings(patience).await;
        let asked = self.asked.may_happen(self.clock.boot());
        view(self.own, standings, asked)
    }

    /// What both say, home first; none: no answer.
    pub(super) async fn standings(&self, patience: Duration) -> [Option<Standing>; 2] {
        let ask = |region: Region| async move {
            let link = self.link(region).ok()?;
            tokio::time::timeout(patience, link.standing()).await.ok()?.ok()
        };
        let (home, away) = tokio::join!(ask(Region::Home), ask(Region::Away));
        [home, away]
    }
}

pub(super) fn view(own: Region, standings: [Option<Standing>; 2], asked: bool) -> DatabaseView {
    let (us, them) = (standings[own.index()], standings[own.other().index()]);
    let writes = |standing: Option<Standing>| standing.is_some_and(|standing| standing.writable);
    let replays = |standing: Option<Standing>| standing.is_some_and(|standing| standing.in_recovery);
    let timeline = |standing: Option<Standing>| standing.and_then(|standing| standing.timeline);
    let writer = match (writes(us), writes(them)) {
        (true, false) => Some(own),
        (false, true) => Some(own.other()),
        (true, true) if timeline(us) > timeline(them) => Some(own),
        (true, true) if timeline(us) < timeline(them) => Some(own.other()),
        (true, true) => None,
        (false, false) if replays(us) && them.is_none() => Some(own.other()),
        (false, false) => None,
    };
    let replica = writer.and_then(|writer| standings[writer.other().index()]);
    DatabaseView {
        writer,
        moving: asked && replays(us),
        // The writer alone cannot tell the other region's replica from one of its own region.
        replica_attached: replica.is_some_and(|replica| replica.in_recovery && replica.follows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITER: Standing = Standing {
        in_recovery: false,
        writable: true,
        timeline: Some(1),
        replicas: 1,
        follows: false,
        position: 100,
    };
    const REPLICA: Standing = Standing {
        in_recovery: true,
        writable: false,
        timeline: None,
        replicas: 0,
        follows: true,
        position: 90,
    };
    const PROMOTED: Standing = Standing {
        timeline: Some(2),
        ..WRITER
    };

    #[test]
    fn the_writer_is_named_only_if_somebody_knows() {
        use Region::{Away, Home};
        let cases = [
            ([Some(WRITER), Some(REPLICA)], Some(Home)),
            ([None, Some(REPLICA)], Some(Home)),
            ([None, Some(WRITER)], Some(Away)),
            ([Some(WRITER), Some(PROMOTED)], Some(Away)),
            ([Some(WRITER), Some(WRITER)], None),
            ([Some(REPLICA), Some(REPLICA)], None),
            ([Some(WRITER), None], Some(Home)),
            ([Some(REPLICA), None], None),
            ([None, None], None),
        ];
        for (standings, writer) in cases {
            assert_eq!(view(Away, standings, false).writer, writer, "{standings:?}");
        }
    }

    #[test]
    fn a_replica_is_attached_if_it_says_so_itself() {
        assert!(view(Region::Home, [Some(WRITER), Some(REPLICA)], false).replica_attached);
        assert!(!view(Region::Home, [Some(WRITER), None], false).replica_attached);
        let lost = Standing {
            follows: false,
            ..REPLICA
        };
        assert!(!view(Region::Home, [Some(WRITER), Some(lost)], false).replica_attached);
    }

    #[test]
    fn a_promotion_that_was_asked_for_is_under_way_until_the_database_writes() {
        assert!(view(Region::Away, [None, Some(REPLICA)], true).moving);
        assert!(!view(Region::Away, [None, Some(PROMOTED)], true).moving);
    }
}
