//! A signal that changes nothing allocates nothing.

use std::time::Duration;

use understudy_engine::core::engine::{Engine, Identity};
use understudy_engine::core::evidence::Assessment;
use understudy_engine::core::ids::{Region, SidecarId, WitnessId};
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::core::time::{Now, Timestamp, WallTime};
use understudy_policies::shipped;

/// Every witness of the default policy that probes, about both regions.
fn hand_in(engine: &mut Engine, now: &mut Now, rounds: u32) {
    for _ in 0..rounds {
        now.boot = now.boot.after(Duration::from_millis(100));
        now.wall = WallTime::from_millis(now.wall.as_millis() + 100);
        for witness in 0..6 {
            for target in Region::BOTH {
                let signal = Signal {
                    witness: WitnessId(witness),
                    target,
                    observation: Observation::Healthy,
                    observed: now.wall,
                };
                engine.handle_signal(*now, signal);
            }
        }
    }
}

#[test]
fn a_steady_state_signal_allocates_nothing() {
    let mut now = Now {
        boot: Timestamp::from_micros(1),
        wall: WallTime::from_millis(1_780_000_000_000),
    };
    let identity = Identity {
        region: Region::Away,
        sidecar: SidecarId(1),
        incarnation: 1,
    };
    let mut engine = Engine::new(&shipped::trading(), identity, now);
    hand_in(&mut engine, &mut now, 10);
    let allocations = allocation_counter::measure(|| hand_in(&mut engine, &mut now, 100));
    assert_eq!(allocations.count_total, 0);
    let status = engine.status(now);
    assert_eq!(status.assessments, [Assessment::Steady; 2], "the signals were taken in");
    assert_eq!(status.disregarded.duplicate, 0, "and each was a new observation");
}
