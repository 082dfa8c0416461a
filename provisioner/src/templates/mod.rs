//! The regional stacks: what CloudFormation owns, one stack per region and layer.
//!
//! ```text
//!   policy, deployment --> Site (one per region) --> layers, each made from what the earlier ones export --> Platform
//! ```
//!
//! What spans regions, or moves in a failover, is in none of them: see the reconcilers. Nothing here asks anybody anything:
//! the same files give the same bytes.
//!
//! A reference is a value that only the resource itself can hand out ([`model::Handle`]), and each kind hands out only what
//! it has ([`kinds`]). What another stack exports can only be imported through what its layer returned. What is left,
//! a reference that was carried into another template, is caught when the template is finished.

mod excuse;
mod iam;
pub mod kinds;
mod layers;
pub mod limits;
pub mod model;
pub mod output;
pub mod package;
mod site;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use understudy_engine::core::lease::RoleChangeKind;
use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use crate::deployment::Deployment;
use package::Package;

pub use layers::{HEALTH_PATH, SWITCH_PATH};
pub use site::Layer;

/// One stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Its region.
    pub region: RegionName,
    /// Its layer.
    pub layer: Layer,
    /// Its name.
    pub name: String,
    /// Its template.
    pub template: Value,
    /// The stacks that must be there before it. Those of the other region only where it subscribes what they made.
    pub after: Vec<String>,
    /// Values of its parameters. None has any: what differs between environments is in the template.
    pub parameters: BTreeMap<String, String>,
}

impl Stack {
    /// How many resources it has.
    #[must_use]
    pub fn resources(&self) -> usize {
        self.template["Resources"].as_object().map_or(0, serde_json::Map::len)
    }
}

/// A state machine's definition, as its stack has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// The region that runs it.
    pub region: RegionName,
    /// Which way it moves the platform.
    pub way: RoleChangeKind,
    /// Its definition, in the Amazon States Language.
    pub definition: Value,
}

/// Everything that CloudFormation owns, in every region.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// The stacks, the primary's first, the witness region's last, each after those that it needs.
    pub stacks: Vec<Stack>,
    /// The state machines.
    pub machines: Vec<Machine>,
    /// The packages that must be in each region's bucket before the functions are made.
    pub packages: Vec<Package>,
}

impl Platform {
    /// The stacks of one region, in their order.
    pub fn of<'a>(&'a self, region: &'a RegionName) -> impl Iterator<Item = &'a Stack> {
        self.stacks.iter().filter(move |stack| stack.region == *region)
    }

    /// One stack.
    #[must_use]
    pub fn stack(&self, region: &RegionName, layer: Layer) -> Option<&Stack> {
        self.stacks
            .iter()
            .find(|stack| stack.region == *region && stack.layer == layer)
    }

    /// How many resources there are in all regions.
    #[must_use]
    pub fn resources(&self) -> usize {
        self.stacks.iter().map(Stack::resources).sum()
    }

    /// Every type of resource.
    #[must_use]
    pub fn types(&self) -> BTreeSet<String> {
        let resources = self
            .stacks
            .iter()
            .filter_map(|stack| stack.template["Resources"].as_object());
        let types = resources.flat_map(|all| all.values().filter_map(|resource| resource["Type"].as_str()));
        types.map(str::to_owned).collect()
    }
}

/// Makes the stacks of both regions, and what the observer needs in the witness region.
///
/// # Panics
/// If a template refers to something that it does not have: a mistake in a layer, which no input can cause. And where the
/// provisioner has no package of the functions: [`package::functions`] says so before.
#[must_use]
pub fn synthesize(policy: &Policy, deployment: &Deployment) -> Platform {
    let mut platform = Platform {
        stacks: Vec::new(),
        machines: Vec::new(),
        packages: vec![package::functions().unwrap_or_else(|missing| panic!("{missing}"))],
    };
    for site in site::both(policy, deployment) {
        layers::region(&site, &mut platform);
    }
    let engine = deployment.engine.as_ref();
    if let Some((engine, observer)) = engine.and_then(|engine| Some((engine, engine.observer.as_ref()?))) {
        let site = site::witness(policy, deployment, observer);
        layers::witness(&site, engine, observer, &mut platform);
    }
    platform
}
