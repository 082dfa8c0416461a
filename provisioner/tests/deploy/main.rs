//! Plan, apply, verify, drift and destroy on an empty ministack; interrupted anywhere; and every bad input that only AWS can see.

mod bad_inputs;
mod command;
mod documentation;
#[path = "../../../engine/tests/aws/emulator.rs"]
#[expect(dead_code, reason = "only the engine needs moto")]
mod emulator;
mod interrupted;
mod left_behind;
mod pins;
#[path = "../../../engine/tests/service/ports.rs"]
mod ports;
mod proxy;
mod requirements;
mod stacks;
mod support;
mod whole;
