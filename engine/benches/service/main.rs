//! What the sidecar needs, measured: `cargo bench -p understudy-engine --bench service`.
//!
//! | Case | What is measured |
//! |--|--|
//! | `shell` | from an input to the call of its first effect, in this process: without the journal, and with a durable one; beside the disk's own fsync in the same folder |
//! | `effect` | the same with a real process: from the event that is posted to the request that arrives at the part |
//! | `storm` | 10,000 events a second are posted to a real process: the time from an event to its effect meanwhile, memory and processor |
//! | `idle` | memory and processor of a real process that has nothing to do |
//! | `start` | from the start of a real process until it is ready |
//!
//! Without a case, all. `--seconds N`: how long `storm` and `idle` last (60, and 30). `--json`: one object on standard
//! output. Every figure is of this machine, and of what else runs on it.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads clocks and runs processes; the core that it tries sees none of it"
)]

mod figures;
mod processes;
mod shell;

// The stage of the tests.
#[path = "../../tests/service/engines.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod engines;
#[path = "../../tests/service/ports.rs"]
mod ports;
#[path = "../../tests/service/stage.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod stage;
#[path = "../../tests/service/world/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod world;

use std::time::Duration;

use figures::Report;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let seconds = arguments
        .iter()
        .position(|argument| argument == "--seconds")
        .and_then(|at| arguments.get(at + 1)?.parse().ok());
    let span = |by_default: u64| Duration::from_secs(seconds.unwrap_or(by_default));
    let cases = ["shell", "effect", "storm", "idle", "start"];
    let all = !cases.iter().any(|case| has(case));
    let mut report = Report::default();
    if all || has("shell") {
        shell::measure(&mut report);
    }
    if all || has("effect") {
        processes::effect(&mut report);
    }
    if all || has("start") {
        processes::start(&mut report);
    }
    if all || has("idle") {
        processes::idle(&mut report, span(30));
    }
    if all || has("storm") {
        processes::storm(&mut report, span(60));
    }
    if has("--json") {
        println!("{}", report.json());
    } else {
        print!("{}", report.text());
    }
}
