//! The layers, each with what it exports.

mod data;
mod keys;
mod messaging;
mod network;
mod storage;

use super::Platform;
use super::site::Site;

/// Makes the stacks of one region.
pub(super) fn region(site: &Site<'_>, platform: &mut Platform) {
    let stacks = &mut platform.stacks;
    let keys = keys::build(site, stacks);
    let network = network::build(site, &keys, stacks);
    data::build(site, &network, stacks);
    let storage = storage::build(site, &keys, stacks);
    let messaging = messaging::build(site, &keys, stacks);
}
