//! The rendered state machines: looked at, and run on an emulator, in which the writer really moves.
//!
//! `run.py` plays what is around them (the lease item, the home region's renewals, the function `steps`) and tells what it saw.
//! `scripts/test emulators` installs the emulator.

mod emulator;
mod rendered;
mod run;
mod waits;

use understudy_policies::source::Source;
use understudy_policies::{Policy, policy, shipped};
use understudy_provisioner::deployment::{Deployment, EXAMPLE};
use understudy_provisioner::templates::{Platform, synthesize};

/// The trading policy with another way to move the database.
pub(crate) fn with_method(method: &str) -> Policy {
    let text = shipped::TRADING
        .text
        .replace("method = \"aurora-detach\"", &format!("method = \"{method}\""));
    policy::parse("trading.toml", &text).unwrap()
}

pub(crate) fn made(policy: &Policy) -> (Platform, Deployment) {
    let deployment = Deployment::read(&Source::new("deployment.toml", EXAMPLE), policy, None).unwrap();
    (synthesize(policy, &deployment), deployment)
}
