//! Flapping timelines: the serving region fails and recovers again and again, each time too shortly for a failover, and
//! nothing else is broken. Any failover is false.
//!
//! How short is too short follows from the policy's own figures. The first probe of a failing piece may be asked right at
//! its beginning, so a quorum can stand `(breach-after - 1) x interval` later, and the decision comes a `dwell` after
//! that, if no healthy answer arrives meanwhile. When the region has recovered, the next probe is asked within one more
//! `interval`, and its answer is heard within `signal-delivery` and a tenth of a second for the way. So a piece is honest
//! if it lasts at most
//!
//! ```text
//!   (breach-after - 1) x interval + dwell - interval - signal-delivery - 100 ms        2.4 s for trading.toml
//! ```
//!
//! Between two pieces the region is up for `clear-after` intervals and that tenth, so that every witness calls it healthy
//! again and each piece counts by itself. Pieces that come faster are too short for any witness to settle on one, with an
//! interval and that tenth between them, so that every witness sees the region up once in each period. A region that fails as a whole hangs rather than refuses: what restarts is lost for as long as a
//! restart takes, and no longer flaps.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_policies::model::Witness;

use super::draft::{Draft, link, part};
use super::kinds::{self, Group, Kind};
use super::{BEGUN_BY, HEALED_BY};
use crate::scenario::{FaultState, Part, Place, Subject};

const SECOND: Duration = Duration::from_secs(1);
/// Two places' distance, and the answer's.
const WAY: Duration = Duration::from_millis(100);
/// The least piece.
const SHORTEST: Duration = Duration::from_millis(50);
/// How long one cycle takes, give or take a tenth.
const PERIODS: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(40),
    Duration::from_secs(180),
];
/// From this period on, each piece is drawn by itself. Shorter ones are one fault that flaps.
const DRAWN_APART_FROM: Duration = Duration::from_secs(10);
/// More pieces than this say nothing new.
const PIECES_MAX: u32 = 60;

/// What flaps.
pub(super) const FLAPS: &[Kind] = &[
    Kind::new("flap-order-path", order_path),
    Kind::new("flap-database", database),
    Kind::new("flap-link-to-the-standby", |draft| flap_link(draft, draft.standby())),
    Kind::new("flap-link-to-the-observer", |draft| flap_link(draft, Place::Witness)),
    Kind::new("flap-link-to-the-internet", |draft| flap_link(draft, Place::Internet)),
    Kind::new("flap-region", region),
];

/// One in five platforms failed over long ago, and home is the standby.
const SERVING: [Region; 5] = [Region::Home, Region::Home, Region::Home, Region::Home, Region::Away];

/// Draws one: one thing that flaps, and nothing else.
pub(super) fn draw(draft: &mut Draft<'_>) -> bool {
    draft.sidecars = if draft.chance(1, 4) { 2 } else { 1 };
    draft.serving = draft.one_of(&SERVING);
    let kind = draft.number(0, FLAPS.len() as u64 - 1);
    kinds::draw(draft, Group::Flap, usize::try_from(kind).unwrap_or_default());
    false
}

/// The longest piece that no policy like this one answers with a failover. None: the policy answers any.
fn longest_piece(draft: &Draft<'_>) -> Duration {
    let policy = draft.policy;
    let quorum = policy.witnesses.iter().filter(|witness| witness.quorum);
    let until_decided = quorum.map(|witness| {
        let quorum_stands = witness.interval * witness.breach_after.saturating_sub(1);
        (quorum_stands + policy.quorum.dwell).saturating_sub(witness.interval)
    });
    until_decided
        .min()
        .unwrap_or_default()
        .saturating_sub(policy.bounds.signal_delivery + WAY)
}

/// The longest piece of which one may come in each period, and for how long the region is up between two of them at the
/// least.
fn rhythm(draft: &Draft<'_>, period: Duration) -> (Duration, Duration) {
    let quorum = || draft.policy.witnesses.iter().filter(|witness| witness.quorum);
    let most = |of: fn(&Witness) -> Duration| quorum().map(of).max().unwrap_or(SECOND) + WAY;
    let longest = |pause| longest_piece(draft).min(period.saturating_sub(pause));
    let cleared = most(|it| it.interval * it.clear_after);
    let seen_up = most(|it| it.interval);
    let settles = quorum().map(|it| it.interval * it.breach_after.saturating_sub(1)).min();
    let unsettled = settles.unwrap_or_default().saturating_sub(WAY);
    let (slow, fast) = (longest(cleared), longest(seen_up).min(unsettled));
    if slow >= fast { (slow, cleared) } else { (fast, seen_up) }
}

fn order_path(draft: &mut Draft<'_>) {
    let parts: Vec<Part> = draft
        .order_path
        .iter()
        .copied()
        .filter(|it| *it != Part::Aurora)
        .collect();
    let it = draft.one_of(&parts);
    let serving = draft.serving();
    flap(draft, part(it, serving), &[FaultState::Down, FaultState::Hang]);
}

fn database(draft: &mut Draft<'_>) {
    let serving = draft.serving();
    flap(
        draft,
        part(Part::Aurora, serving),
        &[FaultState::Down, FaultState::Hang],
    );
}

fn flap_link(draft: &mut Draft<'_>, to: Place) {
    let serving = draft.serving();
    flap(draft, link(serving, to), &[FaultState::Down, FaultState::Hang]);
}

fn region(draft: &mut Draft<'_>) {
    let serving = draft.serving();
    flap(draft, part(Part::Region, serving), &[FaultState::Hang]);
}

fn flap(draft: &mut Draft<'_>, subject: Subject, states: &[FaultState]) {
    let period = draft.one_of(&PERIODS);
    let period = draft.between(period * 9 / 10, period * 11 / 10);
    let (longest, pause) = rhythm(draft, period);
    if longest < SHORTEST {
        return;
    }
    let until = draft.between(BEGUN_BY / 2, HEALED_BY);
    let state = draft.one_of(states);
    if state == FaultState::Down && period < DRAWN_APART_FROM {
        let down_for = draft.between(SHORTEST, longest);
        draft.fault(
            subject,
            FaultState::Flapping { period, down_for },
            Duration::ZERO,
            until,
        );
        return;
    }
    let spare = period.saturating_sub(longest + pause).min(period / 10);
    let mut from = Duration::ZERO;
    for _ in 0..PIECES_MAX {
        if from >= until {
            break;
        }
        // The longest pieces are the most telling ones.
        let lasts = if draft.chance(1, 2) {
            longest
        } else {
            draft.between(SHORTEST, longest)
        };
        let at = from + draft.between(Duration::ZERO, spare);
        draft.fault(subject, state, at, lasts);
        from += period;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use understudy_policies::shipped;

    use super::*;

    #[test]
    fn the_longest_honest_piece_follows_from_the_policy() {
        let policy = shipped::trading();
        let draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(1));
        assert_eq!(longest_piece(&draft), Duration::from_millis(2_400));
    }

    #[test]
    fn no_piece_is_longer_and_the_region_is_up_between_them() {
        for policy in shipped::ALL.iter().map(|shipped| shipped.policy().unwrap()) {
            let most = |of: fn(&Witness) -> Duration| {
                let quorum = policy.witnesses.iter().filter(|witness| witness.quorum);
                quorum.map(of).max().unwrap() + WAY
            };
            let (seen_up, cleared) = (most(|it| it.interval), most(|it| it.interval * it.clear_after));
            let settles = most(|it| it.interval * (it.breach_after - 1)) - WAY;
            for seed in 0..300 {
                let mut draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(seed));
                draw(&mut draft);
                let longest = longest_piece(&draft);
                let mut before: Option<(Duration, Duration)> = None;
                for piece in draft.finish().pieces {
                    let (at, until) = (piece.fault.at, piece.fault.until.unwrap());
                    if let FaultState::Flapping { period, down_for } = piece.fault.state {
                        let pause = if down_for < settles { seen_up } else { cleared };
                        assert!(
                            down_for <= longest && period - down_for >= pause,
                            "{} seed {seed}",
                            policy.name
                        );
                        continue;
                    }
                    assert!(until - at <= longest, "seed {seed}");
                    if let Some((lasted, up_since)) = before {
                        let pause = if lasted < settles { seen_up } else { cleared };
                        assert!(at - up_since >= pause, "{} seed {seed}", policy.name);
                    }
                    before = Some((until - at, until));
                }
            }
        }
    }

    #[test]
    fn every_seed_flaps_under_the_default_policy() {
        let policy = shipped::trading();
        for seed in 0..300 {
            let mut draft = Draft::new(&policy, ChaCha8Rng::seed_from_u64(seed));
            draw(&mut draft);
            assert!(!draft.is_empty(), "seed {seed}");
        }
    }
}
