//! What every part of one running process shares.

use std::sync::Arc;

use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use super::clock::Clock;
use super::platform::{Place, Platform};
use super::secret::{Secret, Tokens};
use super::shell::{Inbox, Views};
use super::sources::{DatabaseProbe, Intake};
use super::standing::Standing;
use crate::core::engine::Identity;
use crate::core::ids::Region;

/// What every part of one running process shares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where it runs.
    pub place: Place,
    /// The policy that it started with, or reloaded last.
    pub policy: Arc<Policy>,
    /// Where everything is.
    pub platform: Arc<Platform>,
    /// Its clocks.
    pub clock: Clock,
    /// For everything that speaks HTTP.
    pub client: reqwest::Client,
    /// For probes, and for what peers tell each other: opens a connection for each request.
    pub fresh: reqwest::Client,
    /// Who looks at each region's database over a connection of its own, home first. Without one, a sidecar still looks
    /// at its own region's through the part that it acts on.
    pub database_probes: [Option<Arc<dyn DatabaseProbe>>; 2],
    /// What peers show each other.
    pub peer_token: Arc<Secret>,
    /// Names under which operators may reach this process, besides `localhost` and addresses.
    pub host_names: Arc<[String]>,
}

impl Context {
    /// The name of a serving region.
    #[must_use]
    pub fn region_name(&self, region: Region) -> &RegionName {
        match region {
            Region::Home => &self.policy.regions.primary,
            Region::Away => &self.policy.regions.standby,
        }
    }
}

/// What a sidecar has besides: its engine.
#[derive(Debug, Clone)]
pub struct Sidecar {
    /// What every process has.
    pub context: Context,
    /// Who it is.
    pub identity: Identity,
    /// Where everything for the core goes.
    pub inbox: Arc<Inbox>,
    /// Where events go that have yet to be decoded.
    pub intake: Arc<Intake>,
    /// What may be looked at.
    pub views: Views,
    /// What is to be known of the process itself.
    pub standing: tokio::sync::watch::Receiver<Arc<Standing>>,
    /// What operators, and whoever posts events, must show.
    pub operator_token: Arc<Tokens>,
}
