//! What a signal costs: `cargo bench -p understudy-engine --bench core`.

use std::hint::black_box;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use understudy_engine::core::effect::{Intent, Outcome};
use understudy_engine::core::engine::{Engine, Identity};
use understudy_engine::core::ids::{Region, SidecarId, WitnessId};
use understudy_engine::core::lease::LeaseRecord;
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::core::time::{Now, Timestamp, WallTime};
use understudy_engine::decode::{Content, Decoder, Directory, Environment};
use understudy_policies::shipped;

const ALARM: &[u8] = include_bytes!("../tests/fixtures/events/alarm-metric.json");

/// 2026-11-23T14:41:00Z, a little after the alarm in the fixture.
const RECEIVED: i64 = 1_795_444_860_000;

fn main() {
    divan::main();
}

/// The standby's engine, with its starting reads answered and every witness of the quorum healthy.
fn engine() -> (Engine, Now) {
    let mut now = Now {
        boot: Timestamp::from_micros(1_000_000),
        wall: WallTime::from_millis(RECEIVED),
    };
    let identity = Identity {
        region: Region::Away,
        sidecar: SidecarId(1),
        incarnation: 1,
    };
    let mut engine = Engine::new(&shipped::trading(), identity, now);
    while let Some(effect) = engine.poll_effect() {
        let outcome = match effect.intent {
            Intent::Lease { .. } => Outcome::Lease(LeaseRecord::initial()),
            _ => Outcome::Failed,
        };
        engine.handle_outcome(now, effect.id, outcome);
    }
    for _ in 0..10 {
        now = later(now);
        for witness in 0..4 {
            for target in Region::BOTH {
                engine.handle_signal(now, healthy(witness, target, now));
            }
        }
    }
    while engine.poll_journal().is_some() {}
    (engine, now)
}

fn later(now: Now) -> Now {
    Now {
        boot: now.boot.after(Duration::from_millis(1)),
        wall: WallTime::from_millis(now.wall.as_millis() + 1),
    }
}

fn healthy(witness: u8, target: Region, now: Now) -> Signal {
    Signal {
        witness: WitnessId(witness),
        target,
        observation: Observation::Healthy,
        observed: now.wall,
    }
}

#[divan::bench(sample_size = 10_000)]
fn steady_state_signal(bencher: Bencher<'_, '_>) {
    let (mut engine, mut now) = engine();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        now = later(now);
        engine.handle_signal(black_box(now), healthy(0, Region::Home, now));
    });
}

#[divan::bench(sample_size = 1_000)]
fn alarm_decoded_and_handled(bencher: Bencher<'_, '_>) {
    let (mut engine, now) = engine();
    let policy = shipped::trading();
    let environment = Environment::new("prod").expect("a valid name");
    let mut decoder = Decoder::new(Directory::new(&policy.regions, &policy.witnesses, &environment));
    let mut boot = now.boot;
    let mut handled = 0_u64;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        boot = boot.after(Duration::from_millis(1));
        let received = WallTime::from_millis(RECEIVED);
        if let Ok(decoded) = decoder.decode(black_box(ALARM), received) {
            if let Content::Signal(signal) = decoded.content {
                engine.handle_signal(Now { boot, wall: received }, signal);
                handled += 1;
            }
        }
    });
    assert!(handled > 0, "the fixture is an alarm of a known witness");
}
