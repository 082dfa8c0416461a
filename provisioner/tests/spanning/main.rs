//! Each reconciler against ministack: what it makes is read back through the service's own API, a second run changes
//! nothing, and what it removes is gone.

mod account;
mod across_regions;
mod database;
mod dns;
#[path = "../../../engine/tests/aws/emulator.rs"]
mod emulator;
mod foreign;
mod network;
#[path = "../../../engine/tests/service/ports.rs"]
mod ports;
#[path = "../deploy/proxy.rs"]
#[expect(dead_code, reason = "only deployments are let down")]
mod proxy;
mod sidecars;
mod storage;
mod support;
