//! Killed at every step, and run again.
//!
//! A step is a call of a reconciler, or an event of a stack. The run is dropped there: nothing of it goes on, as after a kill,
//! while the emulator goes on with what it was told, as AWS would.

use understudy_provisioner::deploy::apply::{Options, apply};

use crate::emulator::Emulator;
use crate::support::{Log, world};

/// Steps between two kills in one environment. Every step is hit, each in one of the runs.
const APART: usize = 7;

async fn steps_of_a_whole_run() -> usize {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let log = Log::default();
    let account = apply(&world, Options::default(), &log).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    log.steps().len()
}

/// Applies until step `stop_at` of this run, and drops it there. True: the run came to its end before.
async fn killed(world: &understudy_provisioner::deploy::World, stop_at: usize, after: bool) -> bool {
    let log = Log {
        stop_at: Some(stop_at),
        after,
        ..Log::default()
    };
    tokio::select! {
        account = apply(world, Options::default(), &log) => {
            let account = account.unwrap();
            assert!(account.failure.is_none(), "{:#?}", account.failure);
            true
        }
        () = log.stopped.notified() => false,
    }
}

/// One environment is killed again and again on its way: at steps `first`, then every [`APART`] steps further on.
async fn sweep(first: usize, after: bool) {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let mut kills = 0;
    let mut stop_at = first;
    while !killed(&world, stop_at, after).await {
        kills += 1;
        stop_at = APART;
        assert!(kills < 400, "it does not converge");
    }
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    assert_eq!(
        account.changed,
        Vec::<String>::new(),
        "after {kills} kills there is nothing left to do"
    );
    assert!(account.verification.unwrap().synchronized);
    assert!(kills > 10, "only {kills} kills");
}

#[tokio::test]
async fn a_run_that_is_killed_before_a_call_is_taken_up() {
    assert!(steps_of_a_whole_run().await > 100);
    for first in 1..=APART {
        sweep(first, false).await;
    }
}

#[tokio::test]
async fn a_run_that_is_killed_after_a_call_is_taken_up() {
    for first in 1..=APART {
        sweep(first, true).await;
    }
}
