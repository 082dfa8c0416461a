//! The layers, each with what it exports.

mod api;
mod certificates;
mod configuration;
mod data;
mod egress;
mod engine;
mod functions;
mod keys;
mod messaging;
mod network;
mod signals;
mod storage;
mod workflows;

pub use api::{HEALTH_PATH, SWITCH_PATH};

use super::Platform;
use super::site::Site;
use crate::deployment::{Engine, Observer};

/// Makes the stacks of one region.
pub(super) fn region(site: &Site<'_>, platform: &mut Platform) {
    let stacks = &mut platform.stacks;
    let keys = keys::build(site, stacks);
    let network = network::build(site, &keys, stacks);
    if let Some(egress) = &site.deployment.egress {
        let subnets = egress.of(site.is_standby());
        egress::build(site, &network.vpc, &network.route_tables, subnets, stacks);
    }
    data::build(site, &network, &keys, stacks);
    let storage = storage::build(site, &keys, stacks);
    let messaging = messaging::build(site, &keys, stacks);
    let below = functions::Below {
        network: &network,
        keys: &keys,
        storage: &storage,
        messaging: &messaging,
        package: &platform.packages[0],
    };
    let functions = functions::build(site, &below, stacks);
    let domain = site.deployment.domain.as_ref();
    let certificates = domain.map(|domain| certificates::build(site, domain, stacks));
    api::build(site, &keys, &functions, domain.zip(certificates.as_ref()), stacks);
    workflows::build(site, &keys, &messaging, &functions, platform);
    let stacks = &mut platform.stacks;
    signals::build(site, &keys, &messaging, &functions, stacks);
    configuration::build(site, stacks);
    if let Some(engine) = &site.deployment.engine {
        let below = engine::Below {
            network: &network,
            keys: &keys,
        };
        engine::build(site, engine, &below, stacks);
    }
}

/// Makes the stacks of the witness region.
pub(super) fn witness(site: &Site<'_>, engine: &Engine, observer: &Observer, platform: &mut Platform) {
    let stacks = &mut platform.stacks;
    let keys = keys::witness(site, stacks);
    let network = network::witness(site, &keys, stacks);
    egress::build(site, &network.vpc, &network.route_tables, observer.egress, stacks);
    engine::observer::build(site, engine, &network, &keys, stacks);
}
