//! How fast events are decoded, on one core: `cargo bench -p understudy-engine --bench decode`.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use understudy_engine::core::time::WallTime;
use understudy_engine::decode::{Decoder, Directory, Environment};
use understudy_policies::shipped;

const ALARM: &[u8] = include_bytes!("../tests/fixtures/events/alarm-metric.json");
const COMPOSITE: &[u8] = include_bytes!("../tests/fixtures/events/alarm-composite.json");
const ALARM_BY_SNS: &[u8] = include_bytes!("../tests/fixtures/events/sns-alarm.json");
const HEARTBEAT: &[u8] = include_bytes!("../tests/fixtures/events/heartbeat.json");
const DATABASE: &[u8] = include_bytes!("../tests/fixtures/events/rds-global-switchover-started.json");

/// 2026-11-23T14:41:00Z
const RECEIVED: WallTime = WallTime::from_millis(1_795_444_860_000);

fn main() {
    divan::main();
}

#[divan::bench(sample_size = 1_000)]
fn metric_alarm(bencher: Bencher<'_, '_>) {
    run(bencher, ALARM);
}

#[divan::bench(sample_size = 1_000)]
fn composite_alarm(bencher: Bencher<'_, '_>) {
    run(bencher, COMPOSITE);
}

#[divan::bench(sample_size = 1_000)]
fn metric_alarm_by_sns(bencher: Bencher<'_, '_>) {
    run(bencher, ALARM_BY_SNS);
}

#[divan::bench(sample_size = 1_000)]
fn heartbeat(bencher: Bencher<'_, '_>) {
    run(bencher, HEARTBEAT);
}

#[divan::bench(sample_size = 1_000)]
fn global_switchover(bencher: Bencher<'_, '_>) {
    run(bencher, DATABASE);
}

fn run(bencher: Bencher<'_, '_>, body: &'static [u8]) {
    let mut decoder = decoder();
    assert!(
        decoder.decode(body, RECEIVED).is_ok(),
        "the benchmark decodes a real event"
    );
    bencher
        .counter(ItemsCount::new(1_usize))
        .counter(BytesCount::of_slice(body))
        .bench_local(|| decoder.decode(black_box(body), RECEIVED).is_ok());
}

fn decoder() -> Decoder {
    let policy = shipped::trading();
    let environment = Environment::new("prod").expect("an environment");
    Decoder::new(
        Directory::new(&policy.regions, &policy.witnesses, &environment).with_accounts(["111122223333".to_owned()]),
    )
}
