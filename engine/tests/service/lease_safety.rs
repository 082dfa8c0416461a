//! The lease store is cut off, slow, or keeps its answers to itself, for each process by itself, while regions are lost
//! and come back: whatever happens, the orders of one region at most commit at any time, and in the end one serves.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;

use crate::stage::{Cast, SECOND, Stage};
use crate::world::Reach;

/// A generator that is nobody's but the test's: the same numbers everywhere, from the seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's multiplier and increment; the upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn reach(dice: &mut Dice) -> Reach {
    let open = Reach::default();
    match dice.roll(8) {
        0 | 1 => Reach {
            drops_requests: true,
            ..open
        },
        2 | 3 => Reach {
            drops_answers: true,
            ..open
        },
        4 => Reach {
            delay: Duration::from_millis(300 + dice.roll(2_500)),
            ..open
        },
        5 => Reach {
            drops_answers: true,
            delay: Duration::from_millis(300 + dice.roll(1_500)),
            ..open
        },
        _ => open,
    }
}

/// Two minutes in which nothing can be relied upon, and then peace.
fn storm(seed: u64) {
    let stage = Stage::settled(Cast {
        sidecars: [2, 2],
        ..Cast::default()
    });
    let mut dice = Dice(seed);
    let mut lost = false;
    for _ in 0..30 {
        {
            let mut state = stage.world.lock();
            for engine in stage.sidecars.iter().flatten() {
                let reach = reach(&mut dice);
                state.reaches.insert(engine.name().to_owned(), reach);
            }
        }
        match dice.roll(6) {
            0 if !lost => {
                lost = true;
                stage.lose(Region::Home);
            }
            1 | 2 if lost => {
                lost = false;
                stage.bring_back(Region::Home);
            }
            // One that does not know what it missed.
            3 => {
                let engine = &stage.sidecars[1][usize::try_from(dice.roll(2)).unwrap()];
                engine.suspend();
                stage.world.pass(Duration::from_secs(1 + dice.roll(12)));
                engine.wake();
            }
            _ => {}
        }
        stage.world.pass(4 * SECOND);
    }
    stage.world.lock().reaches.clear();
    if lost {
        stage.bring_back(Region::Home);
    }
    stage.until("peace", 600 * SECOND, |stage| {
        let at_home = stage.is_at([StateName::Serving, StateName::Steady]) && stage.serves(Region::Home);
        let away = stage.is_at([StateName::Steady, StateName::Soaking]) && stage.serves(Region::Away);
        at_home || away
    });
    stage.check();
}

/// The region is lost while the other one's sidecars are told nothing of what they wrote.
fn unanswered(who: &[&str], drops: Reach) {
    let stage = Stage::settled(Cast {
        sidecars: [1, 2],
        ..Cast::default()
    });
    let set = |reach: Reach| {
        let mut state = stage.world.lock();
        for who in who {
            state.reaches.insert((*who).to_owned(), reach);
        }
    };
    set(drops);
    stage.world.pass(2 * SECOND);
    stage.lose(Region::Home);
    // Longer than a lease: the taker has claimed, or could not.
    stage.world.pass(20 * SECOND);
    set(Reach::default());
    stage.until("the failover", 300 * SECOND, |stage| {
        stage.is_anywhere(Region::Away, StateName::Rejoining) && stage.serves(Region::Away)
    });
    stage.bring_back(Region::Home);
    stage.until("rest", 300 * SECOND, |stage| {
        stage.is_at([StateName::Steady, StateName::Soaking]) && stage.serves(Region::Away)
    });
    stage.check();
}

#[test]
fn a_claim_whose_answer_is_lost_is_read_back() {
    unanswered(
        &["away-1", "away-2"],
        Reach {
            drops_answers: true,
            ..Reach::default()
        },
    );
}

#[test]
fn one_sidecar_that_is_cut_off_is_replaced_by_the_other() {
    unanswered(
        &["away-1"],
        Reach {
            drops_requests: true,
            ..Reach::default()
        },
    );
}

#[test]
fn a_store_that_is_slow_delays_a_failover_and_breaks_nothing() {
    unanswered(
        &["home-1", "away-1", "away-2"],
        Reach {
            delay: Duration::from_millis(900),
            ..Reach::default()
        },
    );
}

#[test]
fn a_holder_that_is_cut_off_serves_on_its_peers_word_and_stops_without_it() {
    let stage = Stage::settled(Cast::default());
    let cut = Reach {
        drops_requests: true,
        ..Reach::default()
    };
    stage.world.lock().reaches.insert("home-1".to_owned(), cut);
    // Four leases long: the other region sees that it is well, and promises.
    stage.world.pass(32 * SECOND);
    stage.until("serving on grants", 10 * SECOND, |stage| stage.serves(Region::Home));
    assert_eq!(stage.home().state(), Some(StateName::Serving), "{}", stage.story());
    // Now nobody can promise anything: it stops by itself.
    stage.away().kill();
    stage.until("the fence", 60 * SECOND, |stage| {
        stage.home().state() == Some(StateName::SelfFenced) && !stage.serves(Region::Home)
    });
    stage.world.lock().reaches.clear();
    stage.away().start();
    stage.until("serving again", 120 * SECOND, |stage| {
        stage.is_at([StateName::Serving, StateName::Steady]) && stage.serves(Region::Home)
    });
    stage.check();
}

macro_rules! storms {
    ($($name:ident: $seed:literal;)+) => {
        $(#[test]
        fn $name() {
            storm($seed);
        })+
    };
}

storms! {
    storm_1: 1;
    storm_2: 2;
    storm_3: 3;
    storm_4: 4;
    storm_5: 5;
    storm_6: 6;
}
