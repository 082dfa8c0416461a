//! The platform file, typed.

use reqwest::Url;
use understudy_policies::source::Named;

use super::aws::Aws;
use crate::core::ids::Region;
use crate::decode::Environment;
use crate::service::given::Given;

/// Where a process of the engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a region that can serve: a sidecar.
    Serving(Region),
    /// In the witness region: an observer.
    Witness,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The suffix of every name.
    pub environment: Environment,
    /// Home, then away.
    pub regions: [RegionParts; 2],
    /// What the answer of a health path must contain. Every answer of 200 to 299 will do, if left out.
    pub healthy_answer: Option<String>,
    /// Addresses outside both regions: if none answers, it is we who are cut off.
    pub references: Vec<Url>,
    /// Systems of the house's own.
    pub webhooks: Option<Webhooks>,
    /// Parts that somebody else plays behind HTTP, in a drill.
    pub played: Option<Played>,
    /// What is in AWS.
    pub aws: Option<Aws>,
}

/// One region as probes and peers reach it.
#[derive(Debug, Clone)]
pub struct RegionParts {
    /// The health path of the application, on the region's own name.
    pub health: Option<Url>,
    /// The health path that goes through to the database.
    pub database_health: Option<Url>,
    /// The region's own database, as `postgresql://user@host:port/name`. Without a password.
    pub database: Option<String>,
    /// What holds the database's password.
    pub database_password_file: Option<Given>,
    /// Stops the region's PostgreSQL server in order, so that its replica has everything. For the way home.
    pub demote_command: Vec<String>,
    /// Makes the region's PostgreSQL server a standby of the other region's, whatever it is now.
    pub rejoin_command: Vec<String>,
    /// The addresses on which the region's sidecars listen to peers.
    pub sidecars: Vec<Url>,
}

/// Systems of the house's own that are told and asked over HTTP.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// Who knows whether the open orders agree with the venues. Only asked if the policy has that gate.
    pub venue_reconciliation: Option<Url>,
    /// Who is told of every announcement and page.
    pub notices: Option<Url>,
    /// What holds the token that is shown to them.
    pub token_file: Option<Given>,
}

/// Parts that a drill plays.
#[derive(Debug, Clone)]
pub struct Played {
    /// Where: this sidecar's own address.
    pub address: Url,
    /// Which parts.
    pub parts: Vec<Part>,
}

/// The parts that a drill can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the traits of `parts` say what they are")]
pub enum Part {
    Lease,
    Database,
    Switches,
    Name,
    OrderPath,
    Peers,
    Humans,
}

impl Named for Part {
    const WHAT: &'static str = "part";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("lease", Self::Lease),
        ("database", Self::Database),
        ("switches", Self::Switches),
        ("name", Self::Name),
        ("order-path", Self::OrderPath),
        ("peers", Self::Peers),
        ("humans", Self::Humans),
    ];
}
