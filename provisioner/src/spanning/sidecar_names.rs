//! The private zones in which sidecars find each other: each region's is resolved in the other region's network as well.
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

/// One region's zone, and its network.
#[derive(Debug, Clone)]
pub struct SidecarZone {
    /// The zone's name.
    pub name: String,
    /// The zone's id; none: it is not there yet.
    pub id: Option<String>,
    /// The region's network; none: it is not there yet.
    pub vpc: Option<String>,
}

/// The zones of both regions.
#[derive(Debug)]
pub struct SidecarNames {
    /// What is shared.
    pub shared: Shared,
    /// Home, then away.
    pub zones: [SidecarZone; 2],
}

/// A zone that is there, and a network of the other region that it answers or should answer.
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
        for index in 0..2 {
            let difference = Difference::new(
                Add,
                &self.shared.regions[1 - index],
                format!("private zone {}", self.zones[index].name),
                "resolved in this region's network as well",
            );
            let Some(pair) = self.pair(index) else {
                all.push(difference);
                continue;
            };
            match self.is_resolved(&pair).await? {
                Some(true) => {}
                Some(false) => all.push(difference.by(associate(self.client(), pair))),
                None => all.push(difference),
            }
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for index in 0..2 {
            let Some(pair) = self.pair(index) else { continue };
            if self.is_resolved(&pair).await? == Some(true) {
                let region = &self.shared.regions[1 - index];
                let what = format!("private zone {}", self.zones[index].name);
                let act = dissociate(self.client(), pair);
                left.remove
                    .push(Difference::new(Remove, region, what, "no longer resolved in this region").by(act));
            }
        }
        Ok(left)
    }
}

impl SidecarNames {
    fn client(&self) -> Client {
        self.shared.aws.route53(&self.shared.regions[0])
    }

    /// A region's zone, and the other region's network.
    fn pair(&self, index: usize) -> Option<Pair> {
        Some(Pair {
            zone: self.zones[index].id.clone()?,
            vpc: self.zones[1 - index].vpc.clone()?,
            region: self.shared.regions[1 - index].clone(),
        })
    }

    /// Whether the network is among those that the zone answers. None: there is no such zone.
    async fn is_resolved(&self, pair: &Pair) -> Result<Option<bool>, Trouble> {
        let answer = self.client().get_hosted_zone().id(&pair.zone).send().await;
        let zone = found(answer, ABSENT, "route53:GetHostedZone", &self.shared.regions[0])?;
        Ok(zone.map(|zone| zone.vpcs().iter().any(|vpc| vpc.vpc_id() == Some(pair.vpc.as_str()))))
    }
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
