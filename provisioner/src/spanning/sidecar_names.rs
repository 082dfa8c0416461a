//! The private zones in which sidecars find each other: each region's is resolved in the other region's network as well, and in
//! the observer's.
//!
//! Cloud Map makes a zone for its own region's network, in the stack of the engine. Whom else it answers is Route 53's, and
//! needs what both regions' stacks made.

use async_trait::async_trait;
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{Vpc, VpcRegion};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Remove};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};

const ABSENT: &[&str] = &["NoSuchHostedZone"];

/// One region's zone.
#[derive(Debug, Clone)]
pub struct SidecarZone {
    /// The zone's name.
    pub name: String,
    /// The zone's id; none: it is not there yet.
    pub id: Option<String>,
}

/// A region's network.
#[derive(Debug, Clone)]
pub struct SidecarNetwork {
    /// The region.
    pub region: RegionName,
    /// The network; none: it is not there yet.
    pub vpc: Option<String>,
}

/// The zones of both regions.
#[derive(Debug)]
pub struct SidecarNames {
    /// What is shared.
    pub shared: Shared,
    /// Home, then away. Cloud Map has made each for the network of its own region.
    pub zones: [SidecarZone; 2],
    /// The networks in which both are asked: home, away, and the observer's, if there is one.
    pub networks: Vec<SidecarNetwork>,
}

/// A zone that is there, and another region's network that it answers or should answer.
#[derive(Debug, Clone)]
struct Pair {
    zone: String,
    vpc: String,
    /// The region of the network.
    region: RegionName,
}

#[async_trait]
impl Reconciler for SidecarNames {
    fn name(&self) -> &'static str {
        "sidecar names"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for (zone, network) in self.across() {
            let difference = Difference::new(
                Add,
                &network.region,
                format!("private zone {}", zone.name),
                "resolved in this region's network as well",
            );
            let Some(pair) = pair(zone, network) else {
                all.push(difference);
                continue;
            };
            match self.is_resolved(&pair).await? {
                Some(true) => {}
                Some(false) => all.push(difference.by(associate(self.client(), pair))),
                None => all.push(difference),
            }
        }
        all.extend(self.of_no_observer().await?);
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for (zone, network) in self.across() {
            let Some(pair) = pair(zone, network) else { continue };
            if self.is_resolved(&pair).await? == Some(true) {
                let what = format!("private zone {}", zone.name);
                let act = dissociate(self.client(), pair);
                left.remove
                    .push(Difference::new(Remove, &network.region, what, "no longer resolved in this region").by(act));
            }
        }
        left.remove.extend(self.of_no_observer().await?);
        Ok(left)
    }
}

impl SidecarNames {
    /// The witness region's networks that a zone still answers although the files no longer ask for an observer.
    async fn of_no_observer(&self) -> Result<Vec<Difference>, Trouble> {
        let witness = &self.shared.witness;
        let mut all = Vec::new();
        if self.networks.iter().any(|network| network.region == *witness) {
            return Ok(all);
        }
        for zone in &self.zones {
            let Some(id) = &zone.id else { continue };
            let there = VpcRegion::from(witness.as_str());
            let vpcs = self.answered(id).await?.into_iter().flatten();
            for vpc in vpcs.filter(|vpc| vpc.vpc_region() == Some(&there)) {
                let pair = Pair {
                    zone: id.clone(),
                    vpc: vpc.vpc_id().unwrap_or_default().to_owned(),
                    region: witness.clone(),
                };
                let what = format!("private zone {}", zone.name);
                let act = dissociate(self.client(), pair);
                all.push(Difference::new(Remove, witness, what, "no longer resolved in this region").by(act));
            }
        }
        Ok(all)
    }

    /// Each zone, with each network of another region.
    fn across(&self) -> impl Iterator<Item = (&SidecarZone, &SidecarNetwork)> {
        self.zones.iter().enumerate().flat_map(|(own, zone)| {
            let networks = self.networks.iter().enumerate();
            networks.filter_map(move |(index, network)| (index != own).then_some((zone, network)))
        })
    }

    fn client(&self) -> Client {
        self.shared.aws.route53(&self.shared.regions[0])
    }

    /// Whether the network is among those that the zone answers. None: there is no such zone.
    async fn is_resolved(&self, pair: &Pair) -> Result<Option<bool>, Trouble> {
        let vpcs = self.answered(&pair.zone).await?;
        Ok(vpcs.map(|vpcs| vpcs.iter().any(|vpc| vpc.vpc_id() == Some(pair.vpc.as_str()))))
    }

    /// The networks that a zone answers. None: there is no such zone.
    async fn answered(&self, zone: &str) -> Result<Option<Vec<Vpc>>, Trouble> {
        let answer = self.client().get_hosted_zone().id(zone).send().await;
        let zone = found(answer, ABSENT, "route53:GetHostedZone", &self.shared.regions[0])?;
        Ok(zone.map(|zone| zone.vpcs.unwrap_or_default()))
    }
}

/// Both, once they are there.
fn pair(zone: &SidecarZone, network: &SidecarNetwork) -> Option<Pair> {
    Some(Pair {
        zone: zone.id.clone()?,
        vpc: network.vpc.clone()?,
        region: network.region.clone(),
    })
}

fn network(pair: &Pair) -> Vpc {
    Vpc::builder()
        .vpc_id(&pair.vpc)
        .vpc_region(VpcRegion::from(pair.region.as_str()))
        .build()
}

async fn associate(client: Client, pair: Pair) -> Result<(), Trouble> {
    let call = client.associate_vpc_with_hosted_zone().hosted_zone_id(&pair.zone);
    let answer = call.vpc(network(&pair)).send().await;
    answer.map_err(failed("route53:AssociateVPCWithHostedZone", &pair.region))?;
    Ok(())
}

async fn dissociate(client: Client, pair: Pair) -> Result<(), Trouble> {
    let call = client.disassociate_vpc_from_hosted_zone().hosted_zone_id(&pair.zone);
    let answer = call.vpc(network(&pair)).send().await;
    answer.map_err(failed("route53:DisassociateVPCFromHostedZone", &pair.region))?;
    Ok(())
}
