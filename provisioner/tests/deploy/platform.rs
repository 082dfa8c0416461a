//! A platform that `apply` made.

use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Account, Options, apply};

use crate::emulator::Emulator;
use crate::support::{Log, world};

pub(crate) const REGIONS: [&str; 2] = ["us-east-1", "us-east-2"];

pub(crate) async fn applied(world: &World) -> Account {
    let account = apply(world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    account
}

/// The platform of the shipped example.
pub(crate) async fn platform() -> (Emulator, World) {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    applied(&world).await;
    (emulator, world)
}

/// What services say that the provisioner has no client for, by region.
pub(crate) fn read(emulator: &Emulator) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(folder.join("../target/emulators/venv/bin/python"))
        .arg(folder.join("tests/deploy/read.py"))
        .arg(emulator.url().as_str())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Makes the lease item, as `understudy-engine create-lease` does.
pub(crate) async fn create_lease(world: &World) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let client = world.shared.aws.dynamodb(&world.regions()[0]);
    let lease = client
        .put_item()
        .table_name(world.names.lease_table())
        .item("id", text("lease"))
        .item("epoch", AttributeValue::N("1".to_owned()))
        .item("renewals", AttributeValue::N("1".to_owned()))
        .item("holder", text("home"))
        .item("protected", AttributeValue::Bool(true));
    lease.send().await.unwrap();
}
