//! The deployment file: everything about one environment that the policy does not say.
//!
//! The policy says what may happen and how fast, and is the same in every environment. This file says where it happens and
//! how large it is: account, suffix, domain, addresses, sizes, tags, retention, recipients. Every key is required, apart from the
//! tables `[domain]`, `[egress]`, `[engine]` and `[engine.observer]`, whose absence means that there is none.
//!
//! A [`Deployment`] is only ever made by [`Deployment::read`], which has looked at everything that can be seen in the file,
//! together with the policy. Every physical name follows from it by [`Names`].

pub mod cidr;
pub mod image;
pub(crate) mod known;
pub mod names;
pub mod platform_file;
mod read;
pub mod rules;
pub mod sidecar_secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use names::Names;
use understudy_engine::decode::{Environment, entry_name};
use understudy_policies::Policy;
use understudy_policies::model::RegionName;
use understudy_policies::source::{Diagnostics, Source};

use cidr::Cidr;

/// The text of the shipped example, which is also what is used when no file is named.
pub const EXAMPLE: &str = include_str!("../../examples/deployment.toml");

/// One environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// The account: 12 digits.
    pub account: String,
    /// The suffix that every name carries.
    pub environment: Environment,
    /// The names under which the platform is reached, if there are any.
    pub domain: Option<Domain>,
    /// The networks of both regions.
    pub network: Network,
    /// The ways out to the internet, if there are any.
    pub egress: Option<Egress>,
    /// The database.
    pub database: Database,
    /// The functions.
    pub functions: Functions,
    /// The order API.
    pub api: Api,
    /// For how long things are kept.
    pub retention: Retention,
    /// Who is told of alarms, by mail.
    pub recipients: Vec<String>,
    /// What every resource carries, beside the tags that the provisioner sets itself.
    pub tags: BTreeMap<String, String>,
    /// The engine as a service in both regions, if it is to run there.
    pub engine: Option<Engine>,
}

/// The names under which the platform is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The hosted zone's domain, such as `example.com`.
    pub zone: String,
    /// The id of a zone that exists already. Without it, the zone is made.
    pub zone_id: Option<String>,
    /// The name that clients use, inside the zone.
    pub public_name: String,
}

impl Domain {
    /// A region's own name, which follows no failover.
    #[must_use]
    pub fn regional_name(&self, region: &str) -> String {
        format!("{region}.{}", self.public_name)
    }

    /// The name that the public name leads to while a region serves: the engine pins to the same one.
    #[must_use]
    pub fn entry_name(&self, region: &RegionName) -> String {
        entry_name(&self.public_name, region)
    }

    /// The name under which switch A answers. It is never looked up through the record that it decides about.
    #[must_use]
    pub fn switch_name(&self) -> String {
        format!("switch.{}", self.public_name)
    }
}

/// Addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The primary region's.
    pub primary: RegionNetwork,
    /// The standby region's.
    pub standby: RegionNetwork,
}

/// The addresses of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionNetwork {
    /// All of them.
    pub cidr: Cidr,
    /// The private subnets, one in each zone.
    pub subnets: [Cidr; 3],
    /// The ids of the zones. None: the first three that the account is shown.
    pub zones: Option<[String; 3]>,
}

/// The subnets of the gateways to the internet, one in each zone, inside the regions' networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// The primary region's.
    pub primary: [Cidr; 3],
    /// The standby region's.
    pub standby: [Cidr; 3],
}

impl Egress {
    /// Those of one region.
    #[must_use]
    pub const fn of(&self, standby: bool) -> [Cidr; 3] {
        if standby { self.standby } else { self.primary }
    }
}

/// The database's sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Aurora PostgreSQL's version, the same in both regions.
    pub engine_version: String,
    /// The name of the first database.
    pub name: String,
    /// Its owner.
    pub user: String,
    /// The class of every instance.
    pub instance_class: String,
    /// Instances per region. 1 to 15: a cluster without one cannot be promoted.
    pub instances: u32,
}

impl Database {
    /// The parameter groups' family, such as `aurora-postgresql16`.
    #[must_use]
    pub fn family(&self) -> String {
        let major = self.engine_version.split('.').next().unwrap_or_default();
        format!("aurora-postgresql{major}")
    }
}

/// The functions' sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Functions {
    /// Memory of each function, in MB.
    pub memory_mb: u32,
    /// How long one call may take.
    pub timeout: Duration,
    /// Concurrency that is reserved for each order function, in each region.
    pub reserved_concurrency: u32,
}

/// The order API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Requests per second.
    pub rate_per_s: u32,
    /// Requests at once.
    pub burst: u32,
}

/// For how long things are kept, in days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Logs.
    pub logs_days: u32,
    /// Database backups.
    pub backups_days: u32,
    /// Audit objects: locked for this long.
    pub audit_days: u32,
    /// Older versions of other objects.
    pub versions_days: u32,
}

/// The engine as a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The container image, with its digest, as it stands in a registry in each region; `{region}` becomes the region.
    pub image: String,
    /// CPU units of a task: 1,024 are one.
    pub cpu: u32,
    /// Memory of a task, in MB.
    pub memory_mb: u32,
    /// From where operators reach the sidecars' API. From nowhere: the API answers inside its task only.
    pub operators: Vec<Cidr>,
    /// The observer in the witness region, if it is to run there.
    pub observer: Option<Observer>,
}

/// The observer's place: a network of its own in the witness region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observer {
    /// Its addresses.
    pub network: RegionNetwork,
    /// The subnets of its gateways to the internet, one in each zone.
    pub egress: [Cidr; 3],
}

impl Deployment {
    /// Reads a deployment file for a policy. `environment` is what the command line says; the file must say the same.
    ///
    /// # Errors
    /// With everything that is wrong with the file, at once.
    pub fn read(source: &Source, policy: &Policy, environment: Option<&Environment>) -> Result<Self, Diagnostics> {
        read::deployment(source, policy, environment)
    }

    /// The shipped example for another environment: what is used when no file is named.
    ///
    /// # Errors
    /// When the environment's name makes another name too long, or the policy's regions do not fit.
    pub fn example(policy: &Policy, environment: &Environment) -> Result<Self, Diagnostics> {
        let text = EXAMPLE.replace("environment = \"dev1\"", &format!("environment = \"{environment}\""));
        Self::read(&Source::new("deployment.toml", &text), policy, Some(environment))
    }

    /// Every physical name.
    #[must_use]
    pub fn names(&self, policy: &Policy) -> Names {
        Names::new(policy, &self.environment, &self.account)
    }

    /// All tags of every resource: the file's, and those by which the provisioner knows its own.
    #[must_use]
    pub fn all_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        tags.insert(names::OWNER_TAG.to_owned(), self.environment.to_string());
        tags
    }
}
