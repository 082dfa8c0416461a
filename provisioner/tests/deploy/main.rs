//! Plan, apply, verify, drift and destroy on an empty ministack; interrupted anywhere; and every bad input that only AWS can see.

mod alarms;
mod bad_inputs;
mod checkers;
mod command;
mod destroying;
mod documentation;
#[path = "../../../engine/tests/aws/emulator.rs"]
#[expect(dead_code, reason = "only the engine needs moto")]
mod emulator;
mod interrupted;
mod left_behind;
mod not_ours;
mod operations;
mod pins;
mod platform;
#[path = "../../../engine/tests/service/ports.rs"]
mod ports;
mod proxy;
mod requirements;
mod sidecars;
mod stacks;
mod support;
mod verification;
mod whole;
