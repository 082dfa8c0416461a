//! Bad input has a defined outcome: counted, explained, never a panic, never a decision.

use std::time::Duration;

use crate::pair::{NOON, Pair};
use proptest::prelude::*;
use understudy_engine::core::effect::{DatabaseView, Intent, Outcome};
use understudy_engine::core::engine::{Engine, Identity};
use understudy_engine::core::ids::{EffectId, Epoch, Nonce, Region, SidecarId, Switch, WitnessId};
use understudy_engine::core::lease::LeaseRecord;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::{
    Command, DatabaseChange, ExecutionStatus, Notice, Observation, PeerMessage, Signal,
};
use understudy_engine::core::status::Disregarded;
use understudy_engine::core::time::{DatabaseTime, Now, Timestamp, WallTime};
use understudy_policies::shipped;

/// The engine of the standby region of a quiet platform, and the moment.
fn standby() -> (Engine, Now) {
    let pair = Pair::settled(shipped::trading());
    (pair.sides[1].engine.clone(), pair.at())
}

fn breach(witness: u8, observed: i64) -> Signal {
    Signal {
        witness: WitnessId(witness),
        target: Region::Home,
        observation: Observation::Breached,
        observed: WallTime::from_millis(observed),
    }
}

/// Hands in a breach many times over, changed a little each time, and returns what was counted.
fn hand_in(signal: impl Fn(Now, i64) -> Signal) -> (StateName, Disregarded) {
    let (mut engine, mut now) = standby();
    let before = engine.status(now).disregarded;
    assert_eq!(before, Disregarded::default());
    for step in 0..20 {
        // Faster than any dead-man timer, so that nothing but these signals can have an effect.
        now.boot = now.boot.after(Duration::from_millis(10));
        now.wall = WallTime::from_millis(now.wall.as_millis() + 10);
        engine.handle_signal(now, signal(now, step));
    }
    (engine.state(), engine.status(now).disregarded)
}

#[test]
fn a_stale_signal_is_counted_and_decides_nothing() {
    let (state, counted) = hand_in(|now, _| breach(0, now.wall.as_millis() - 60_000));
    assert_eq!((state, counted.stale), (StateName::Steady, 20));
}

#[test]
fn a_signal_from_the_future_is_counted_and_decides_nothing() {
    let (state, counted) = hand_in(|now, _| breach(0, now.wall.as_millis() + 60_000));
    assert_eq!((state, counted.future_dated), (StateName::Steady, 20));
}

#[test]
fn a_duplicate_counts_once() {
    let (_, first) = standby();
    let (state, counted) = hand_in(|_, _| breach(0, first.wall.as_millis() + 5));
    assert_eq!(
        (state, counted.duplicate),
        (StateName::Steady, 19),
        "three in a row would have been a breach"
    );
}

#[test]
fn a_signal_that_was_overtaken_is_counted_and_decides_nothing() {
    let (_, first) = standby();
    let (state, counted) = hand_in(|_, step| breach(0, first.wall.as_millis() + 20 - step));
    assert_eq!((state, counted.out_of_order), (StateName::Steady, 19));
}

#[test]
fn a_witness_that_the_policy_does_not_know_is_counted() {
    let (state, counted) = hand_in(|now, _| breach(200, now.wall.as_millis()));
    assert_eq!((state, counted.unknown_witness), (StateName::Steady, 20));
}

#[test]
fn the_same_signals_in_order_and_in_time_do_count() {
    let (state, counted) = hand_in(|now, _| breach(0, now.wall.as_millis()));
    assert_eq!((state, counted), (StateName::Suspicious, Disregarded::default()));
}

#[test]
fn an_outcome_that_nobody_waits_for_is_counted() {
    let (mut engine, now) = standby();
    engine.handle_outcome(now, EffectId(u64::MAX), Outcome::Done);
    assert_eq!(engine.status(now).disregarded.late_outcome, 1);
}

#[test]
fn a_wall_clock_that_steps_back_only_silences_the_witnesses() {
    let mut pair = Pair::settled(shipped::trading());
    pair.wall_start = NOON - 3_600_000;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.states(), [StateName::Serving, StateName::Steady]);
    assert_eq!(pair.lease.epoch, Epoch(1));
}

/// Anything that can be handed to an engine.
#[derive(Debug, Clone)]
enum Input {
    Signal(Signal),
    Notice(Notice),
    Peer(PeerMessage),
    Outcome(usize, Outcome),
    Command(Command),
    Time,
}

fn region() -> impl Strategy<Value = Region> {
    prop_oneof![Just(Region::Home), Just(Region::Away)]
}

fn record() -> impl Strategy<Value = LeaseRecord> {
    (0_u64..4, region(), 0_u64..50, any::<bool>(), any::<bool>(), 0_u64..80).prop_map(
        |(epoch, holder, renewals, released, protected, version)| LeaseRecord {
            version,
            epoch: Epoch(epoch),
            holder,
            renewals,
            released,
            protected,
            ..LeaseRecord::initial()
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Done),
        4 => record().prop_map(Outcome::Lease),
        2 => record().prop_map(Outcome::Conflict),
        1 => any::<i64>().prop_map(|micros| Outcome::DatabaseClock(DatabaseTime(micros))),
        2 => (proptest::option::of(region()), any::<bool>(), any::<bool>()).prop_map(
            |(writer, moving, replica_attached)| Outcome::Database(DatabaseView { writer, moving, replica_attached })
        ),
        1 => Just(Outcome::Switches([Some(true), None])),
        1 => Just(Outcome::Refused),
        2 => Just(Outcome::Failed),
        2 => Just(Outcome::TimedOut),
    ]
}

fn input(commands: bool) -> impl Strategy<Value = Input> {
    let observation = prop_oneof![
        Just(Observation::Healthy),
        Just(Observation::Breached),
        Just(Observation::Missing),
        any::<u32>().prop_map(|millis| Observation::Lag(Duration::from_millis(millis.into()))),
    ];
    let signal =
        (any::<u8>(), region(), observation, -10_000_i64..10_000).prop_map(|(witness, target, observation, offset)| {
            Signal {
                witness: WitnessId(witness % 20),
                target,
                observation,
                observed: WallTime::from_millis(offset),
            }
        });
    let notice = prop_oneof![
        region().prop_map(|region| Notice::Database {
            region,
            change: DatabaseChange::FailoverCompleted
        }),
        (region(), any::<bool>()).prop_map(|(region, failover)| Notice::Execution {
            region,
            failover,
            status: ExecutionStatus::Failed
        }),
        any::<u64>().prop_map(|epoch| Notice::SwitchFlipped {
            switch: Switch::A,
            engaged: true,
            epoch: Epoch(epoch)
        }),
    ];
    let nonce = Nonce {
        incarnation: 1,
        serial: 1,
    };
    let peer = prop_oneof![
        (region(), 0_u64..4).prop_map(move |(from, epoch)| PeerMessage::GrantRequest {
            from,
            epoch: Epoch(epoch),
            nonce
        }),
        any::<Option<u16>>().prop_map(move |granted| PeerMessage::GrantAnswer {
            nonce,
            granted: granted.map(|millis| Duration::from_millis(millis.into()))
        }),
    ];
    let command = prop_oneof![
        Just(Command::Pause),
        Just(Command::Resume),
        Just(Command::FailOver { accept_loss: true }),
        Just(Command::FailBack),
        Just(Command::Approve),
        Just(Command::Acknowledge),
        Just(Command::Arm),
        Just(Command::Disarm),
        Just(Command::ShutDown),
    ];
    prop_oneof![
        8 => signal.prop_map(Input::Signal),
        1 => notice.prop_map(Input::Notice),
        1 => peer.prop_map(Input::Peer),
        8 => (any::<usize>(), outcome()).prop_map(|(which, outcome)| Input::Outcome(which, outcome)),
        u32::from(commands) => command.prop_map(Input::Command),
        4 => Just(Input::Time),
    ]
}

/// Hands all inputs in, whatever the engine asks for meanwhile. Returns what it asked for.
fn feed(inputs: Vec<(u32, Input)>, region: Region) -> Vec<Intent> {
    let mut now = Now {
        boot: Timestamp::from_micros(5_000_000),
        wall: WallTime::from_millis(NOON),
    };
    let identity = Identity {
        region,
        sidecar: SidecarId(1),
        incarnation: 1,
    };
    let mut engine = Engine::new(&shipped::trading(), identity, now);
    let (mut waiting, mut asked) = (Vec::new(), Vec::new());
    for (micros, input) in inputs {
        now.boot = now.boot.after(Duration::from_micros(micros.into()));
        now.wall = WallTime::from_millis(NOON + i64::try_from(now.boot.as_micros() / 1_000).unwrap());
        match input {
            Input::Signal(signal) => {
                let observed = WallTime::from_millis(now.wall.as_millis() + signal.observed.as_millis());
                engine.handle_signal(now, Signal { observed, ..signal });
            }
            Input::Notice(notice) => engine.handle_notice(now, notice),
            Input::Peer(message) => engine.handle_peer(now, message),
            Input::Outcome(which, outcome) if !waiting.is_empty() => {
                let id = waiting.swap_remove(which % waiting.len());
                engine.handle_outcome(now, id, outcome);
            }
            Input::Outcome(which, outcome) => engine.handle_outcome(now, EffectId(which as u64), outcome),
            Input::Command(command) => drop(engine.handle_command(now, command)),
            Input::Time => engine.handle_timeout(now),
        }
        while let Some(effect) = engine.poll_effect() {
            waiting.push(effect.id);
            asked.push(effect.intent);
        }
        while engine.poll_journal().is_some() {}
        drop(engine.explain(now));
    }
    asked
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_handed_in_makes_an_engine_panic(
        inputs in proptest::collection::vec((0_u32..3_000_000, input(true)), 0..150),
        region in region(),
    ) {
        feed(inputs, region);
    }

    #[test]
    fn without_a_breach_nothing_makes_an_engine_claim(
        inputs in proptest::collection::vec((0_u32..3_000_000, input(false)), 0..150),
    ) {
        let healthy = inputs
            .into_iter()
            .filter(|(_, input)| !matches!(input, Input::Signal(Signal { observation: Observation::Breached, .. })))
            .collect();
        let claims = feed(healthy, Region::Away)
            .into_iter()
            .filter(|intent| matches!(intent, Intent::Lease { request, .. } if format!("{request:?}").starts_with("Claim")))
            .count();
        prop_assert_eq!(claims, 0);
    }
}
