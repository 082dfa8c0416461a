//! Killed at every step, and run again.
//!
//! A step is a call of a reconciler, or an event of a stack. The run is dropped there: nothing of it goes on, as after a kill,
//! also what ran beside it in the middle of a call, while the emulator goes on with what it was told, as AWS would.

use std::time::Duration;

use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};

use crate::emulator::Emulator;
use crate::support::{Log, world};

/// At how many events a run is killed, in one environment each. A stack that a run began to make is finished by the emulator
/// meanwhile, as AWS would; so a few kills are enough to come to the end.
const EVENTS: [usize; 5] = [1, 5, 20, 60, 150];
/// A bound against turning for ever.
const KILLS_MAX: usize = 600;

/// Applies until the log says stop, and drops it there. True: the run came to its end before.
async fn killed_before_its_end(world: &World, log: &Log) -> bool {
    tokio::select! {
        // The kill comes first if both are ready.
        biased;
        () = log.stopped.notified() => true,
        account = apply(world, Options::default(), log) => {
            let account = account.unwrap();
            assert!(account.failure.is_none(), "{:#?}", account.failure);
            false
        }
    }
}

/// One environment, whose making is killed again and again, until it is made. Answers how often that was.
async fn sweep(log: impl Fn() -> Log) -> usize {
    let emulator = Emulator::ministack();
    let mut world = world(emulator.url().as_str()).await;
    world.patience.look_every = Duration::from_millis(10);
    let mut kills = 0;
    while killed_before_its_end(&world, &log()).await {
        kills += 1;
        assert!(kills < KILLS_MAX, "it does not converge");
    }
    let last = Log::default();
    let account = apply(&world, Options::default(), &last).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    assert_eq!(
        (account.changed, last.steps()),
        (Vec::new(), Vec::new()),
        "after {kills} kills nothing is left to do"
    );
    assert!(account.verification.unwrap().synchronized);
    kills
}

/// No reconciler makes two calls in one run: a kill follows right behind each, and so comes before the next one.
#[tokio::test]
async fn a_run_that_is_killed_after_every_single_call_comes_to_the_same_end() {
    let kills = sweep(|| Log {
        stop_after_calls: Some(1),
        ..Log::default()
    });
    let kills = kills.await;
    assert!(kills > 40, "only {kills} kills");
    println!("{kills} kills");
}

#[tokio::test]
async fn a_run_that_is_killed_while_stacks_are_made_comes_to_the_same_end() {
    let mut kills = 0;
    for events in EVENTS {
        kills += sweep(|| Log {
            stop_at_events: Some(events),
            ..Log::default()
        })
        .await;
    }
    assert!(kills > 10, "only {kills} kills");
    println!("{kills} kills");
}
