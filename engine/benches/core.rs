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
use understudy_engine::decode::{Content, Decoded, Decoder, Directory, Environment};
use understudy_policies::shipped;

const ALARM: &[u8] = include_bytes!("../tests/fixtures/events/alarm-metric.json");

/// When the alarm in the fixture changed its state.
const OBSERVED: &str = "2026-11-23T14:31:07.418+0000\",\"value\":\"ALARM\"";

/// 2026-11-23T14:31:09Z
const RECEIVED: i64 = 1_795_444_269_000;

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

/// A thousand alarms, each a millisecond after the last, so that each is a new observation.
#[divan::bench(sample_size = 1, sample_count = 200)]
fn alarms_decoded_and_handled(bencher: Bencher<'_, '_>) {
    let policy = shipped::trading();
    let environment = Environment::new("prod").expect("a valid name");
    let mut decoder = Decoder::new(Directory::new(&policy.regions, &policy.witnesses, &environment));
    let received = WallTime::from_millis(RECEIVED);
    let alarm = std::str::from_utf8(ALARM).expect("the fixture is text");
    let bodies: Vec<String> = (0..1_000)
        .map(|millis| alarm.replace(OBSERVED, &OBSERVED.replace("418", &format!("{millis:03}"))))
        .collect();
    bencher
        .counter(ItemsCount::new(bodies.len()))
        .with_inputs(engine)
        .bench_local_values(|(mut engine, now)| {
            let mut boot = now.boot;
            for body in &bodies {
                boot = boot.after(Duration::from_millis(1));
                if let Ok(Decoded {
                    content: Content::Signal(signal),
                    ..
                }) = decoder.decode(black_box(body.as_bytes()), received)
                {
                    engine.handle_signal(Now { boot, wall: received }, signal);
                }
            }
            let disregarded = engine.status(Now { boot, wall: received }).disregarded;
            assert_eq!(
                (disregarded.duplicate, disregarded.unknown_witness, disregarded.stale),
                (0, 0, 0),
                "each was taken in"
            );
            engine
        });
}
