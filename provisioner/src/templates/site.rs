//! What a layer knows of its region.

use serde_json::{Value, json};
use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use crate::deployment::{Deployment, Names, Observer, RegionNetwork};

/// The layers, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Keys.
    Keys,
    /// VPC, subnets, endpoints, security groups.
    Network,
    /// The way out to the internet.
    Egress,
    /// Subnet and parameter groups of the database.
    Data,
    /// Buckets.
    Storage,
    /// Queues and topics.
    Messaging,
    /// Functions.
    Functions,
    /// Certificates. A stack of their own, because it waits until somebody has proved that the names are ours.
    Certificates,
    /// The REST API.
    Api,
    /// The state machines.
    Workflows,
    /// Alarms, rules, schedules, dashboards.
    Signals,
    /// Parameters.
    Configuration,
    /// The sidecars of the engine as services.
    Engine,
    /// The observer of the engine as a service, in the witness region.
    Observer,
}

impl Layer {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::Keys,
        Self::Network,
        Self::Egress,
        Self::Data,
        Self::Storage,
        Self::Messaging,
        Self::Functions,
        Self::Certificates,
        Self::Api,
        Self::Workflows,
        Self::Signals,
        Self::Configuration,
        Self::Engine,
        Self::Observer,
    ];

    /// As it stands in the stack's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Egress => "egress",
            Self::Keys => "keys",
            Self::Data => "data",
            Self::Storage => "storage",
            Self::Messaging => "messaging",
            Self::Functions => "functions",
            Self::Certificates => "certificates",
            Self::Api => "api",
            Self::Workflows => "workflows",
            Self::Signals => "signals",
            Self::Configuration => "configuration",
            Self::Engine => "engine",
            Self::Observer => "observer",
        }
    }
}

/// One region of one environment.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) policy: &'a Policy,
    pub(super) deployment: &'a Deployment,
    pub(super) names: Names,
    /// The region.
    pub(super) region: &'a RegionName,
    /// The other one. The witness region has none, and stands here itself.
    pub(super) peer: &'a RegionName,
    pub(super) network: &'a RegionNetwork,
    pub(super) peer_network: &'a RegionNetwork,
}

impl Site<'_> {
    /// A name of this region.
    pub(super) fn name(&self, role: &str) -> String {
        self.names.regional(self.region, role)
    }

    /// What every name of this region begins with.
    pub(super) fn region_prefix(&self) -> String {
        let name = self.name("");
        name.trim_end_matches('-').to_owned()
    }

    /// An ARN in this region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        self.names.arn(service, Some(self.region), resource)
    }

    /// This region's ARN and the other one's, of what has the same role in both.
    pub(super) fn both(&self, arn: impl Fn(&RegionName) -> String) -> Vec<String> {
        vec![arn(self.region), arn(self.peer)]
    }

    /// Where the subnet with this number is: a property, and its value.
    ///
    /// Every account has letters of its own for the zones of a region, so the file names them by their ids.
    pub(super) fn zone(&self, index: usize) -> (&'static str, Value) {
        match &self.network.zones {
            Some(zones) => ("AvailabilityZoneId", zones[index].as_str().into()),
            None => ("AvailabilityZone", json!({"Fn::Select": [index, {"Fn::GetAZs": ""}]})),
        }
    }

    /// Whether this is the standby region.
    pub(super) fn is_standby(&self) -> bool {
        *self.region == self.policy.regions.standby
    }
}

/// Both regions, the primary first.
pub(super) fn both<'a>(policy: &'a Policy, deployment: &'a Deployment) -> [Site<'a>; 2] {
    let regions = [&policy.regions.primary, &policy.regions.standby];
    let networks = [&deployment.network.primary, &deployment.network.standby];
    [0, 1].map(|index| Site {
        policy,
        deployment,
        names: deployment.names(policy),
        region: regions[index],
        peer: regions[1 - index],
        network: networks[index],
        peer_network: networks[1 - index],
    })
}

/// The witness region, where nothing runs but the observer.
pub(super) fn witness<'a>(policy: &'a Policy, deployment: &'a Deployment, observer: &'a Observer) -> Site<'a> {
    let region = &policy.regions.witness;
    Site {
        policy,
        deployment,
        names: deployment.names(policy),
        region,
        peer: region,
        network: &observer.network,
        peer_network: &observer.network,
    }
}
