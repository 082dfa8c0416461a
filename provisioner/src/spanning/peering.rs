//! The peering of two regions' networks, and the routes on both sides: of the regions that serve with each other, and of each with
//! the observer's.

use async_trait::async_trait;
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove, Replace};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::ec2::{Ec2, Element};
use crate::aws::trouble::TroubleKind;

/// One region's network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Its VPC.
    pub vpc: String,
    /// The tables that get a route to the other region.
    pub route_tables: Vec<String>,
    /// Its addresses.
    pub cidr: String,
}

/// The peering.
#[derive(Debug)]
pub struct Peering {
    /// What is shared.
    pub shared: Shared,
    /// Its name tag.
    pub name: String,
    /// Whether the files ask for it.
    pub asked_for: bool,
    /// The region that asks for it, then the one that accepts it.
    pub regions: [RegionName; 2],
    /// Their networks; none: not known before they are there.
    pub networks: [Option<Network>; 2],
}

/// All of an environment.
#[derive(Debug)]
pub struct Peerings(pub Vec<Peering>);

#[async_trait]
impl Reconciler for Peerings {
    fn name(&self) -> &'static str {
        "peering"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for peering in &self.0 {
            all.extend(peering.differences().await?);
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for peering in &self.0 {
            left.remove.extend(peering.leftovers().await?);
        }
        Ok(left)
    }
}

/// A peering connection.
#[derive(Debug, Clone)]
struct Connection {
    id: String,
    status: String,
    requester: String,
    accepter: String,
    tags: std::collections::BTreeMap<String, String>,
}

/// The statuses of what is gone, or as good as gone.
const GONE: [&str; 5] = ["deleted", "deleting", "rejected", "expired", "failed"];

impl Peering {
    /// One that the files no longer ask for goes: AWS keeps a network that is peered.
    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        if !self.asked_for {
            return self.leftovers().await;
        }
        let [home, away] = &self.regions;
        let what = format!("peering {}", self.name);
        let mut all = Vec::new();
        let [Some(mine), Some(theirs)] = &self.networks else {
            all.push(Difference::new(
                Add,
                home,
                what,
                format!("to {away}, with routes on both sides"),
            ));
            return Ok(all);
        };
        let found = self.find().await?;
        if let Some(other) = found.iter().find(|connection| !self.shared.owns(&connection.tags)) {
            let what = format!("the peering {} ({})", self.name, other.id);
            return Err(self.shared.not_ours(&what, home));
        }
        let fits = |connection: &Connection| connection.requester == mine.vpc && connection.accepter == theirs.vpc;
        for stale in found.iter().filter(|connection| !fits(connection)) {
            let act = delete(self.shared.clone(), home.clone(), stale.id.clone());
            all.push(Difference::new(Replace, home, &what, format!("{} is of another network", stale.id)).by(act));
        }
        let connection = found.iter().find(|connection| fits(connection));
        let active = connection.is_some_and(|connection| connection.status == "active");
        match connection {
            None => {
                let vpcs = [mine.vpc.clone(), theirs.vpc.clone()];
                let act = create(self.shared.clone(), self.name.clone(), self.regions.clone(), vpcs);
                all.push(Difference::new(Add, home, &what, format!("{} to {}", mine.vpc, theirs.vpc)).by(act));
            }
            Some(connection) => match connection.status.as_str() {
                "active" => {}
                "pending-acceptance" => {
                    let act = accept(self.shared.clone(), away.clone(), connection.id.clone());
                    all.push(Difference::new(Change, away, &what, "is accepted").by(act));
                }
                status => all.push(Difference::new(Change, away, &what, format!("is {status}")).waits()),
            },
        }
        if let Some(connection) = connection {
            let missing = self.shared.missing_tags(&connection.tags);
            if !missing.is_empty() {
                let act = tag(self.shared.clone(), home.clone(), connection.id.clone(), missing);
                all.push(Difference::new(Change, home, &what, "tags").by(act));
            }
        }
        let id = connection.map(|connection| connection.id.clone()).unwrap_or_default();
        for (index, (network, other)) in [(mine, theirs), (theirs, mine)].into_iter().enumerate() {
            self.routes(index, network, &other.cidr, &id, active, &mut all).await?;
        }
        Ok(all)
    }

    async fn leftovers(&self) -> Result<Vec<Difference>, Trouble> {
        let mut left = Vec::new();
        let found = self.find().await?;
        for connection in found.iter().filter(|connection| self.shared.owns(&connection.tags)) {
            for (index, network) in self.networks.iter().enumerate() {
                let Some(network) = network else { continue };
                let region = &self.regions[index];
                for table in self.tables(index, network).await? {
                    let id = table.at(&["routeTableId"]).to_owned();
                    let routes = table.items("routeSet");
                    for route in routes.filter(|route| route.at(&["vpcPeeringConnectionId"]) == connection.id) {
                        let to = route.at(&["destinationCidrBlock"]).to_owned();
                        let act = unroute(self.shared.clone(), region.clone(), id.clone(), to.clone());
                        left.push(Difference::new(Remove, region, format!("route of {id}"), to).by(act));
                    }
                }
            }
            let act = delete(self.shared.clone(), self.regions[0].clone(), connection.id.clone());
            left.push(
                Difference::new(
                    Remove,
                    &self.regions[0],
                    format!("peering {}", self.name),
                    &connection.id,
                )
                .by(act),
            );
        }
        Ok(left)
    }

    fn ec2(&self, index: usize) -> Ec2<'_> {
        Ec2::new(&self.shared.aws, &self.regions[index])
    }

    /// Those with our name that are not gone, whoever made them.
    async fn find(&self) -> Result<Vec<Connection>, Trouble> {
        let filter = [("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", self.name.as_str())];
        let answer = self.ec2(0).call("DescribeVpcPeeringConnections", &filter).await?;
        let mut found = Vec::new();
        for item in answer.items("vpcPeeringConnectionSet") {
            let connection = Connection {
                id: item.at(&["vpcPeeringConnectionId"]).to_owned(),
                status: item.at(&["status", "code"]).to_owned(),
                requester: item.at(&["requesterVpcInfo", "vpcId"]).to_owned(),
                accepter: item.at(&["accepterVpcInfo", "vpcId"]).to_owned(),
                tags: item
                    .items("tagSet")
                    .map(|tag| (tag.at(&["key"]).to_owned(), tag.at(&["value"]).to_owned()))
                    .collect(),
            };
            if connection.tags.get("Name") == Some(&self.name) && !GONE.contains(&connection.status.as_str()) {
                found.push(connection);
            }
        }
        Ok(found)
    }

    async fn tables(&self, index: usize, network: &Network) -> Result<Vec<Element>, Trouble> {
        if network.route_tables.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = (1..=network.route_tables.len())
            .map(|number| format!("RouteTableId.{number}"))
            .collect();
        let parameters: Vec<(&str, &str)> = names
            .iter()
            .map(String::as_str)
            .zip(network.route_tables.iter().map(String::as_str))
            .collect();
        let answer = self.ec2(index).call("DescribeRouteTables", &parameters).await?;
        let wanted = |table: &&Element| {
            let id = table.at(&["routeTableId"]);
            network.route_tables.iter().any(|wanted| wanted == id)
        };
        Ok(answer.items("routeTableSet").filter(wanted).cloned().collect())
    }

    async fn routes(
        &self,
        index: usize,
        network: &Network,
        to: &str,
        through: &str,
        active: bool,
        all: &mut Vec<Difference>,
    ) -> Result<(), Trouble> {
        let region = &self.regions[index];
        let tables = self.tables(index, network).await?;
        if tables.len() < network.route_tables.len() {
            return Err(Trouble::own(
                TroubleKind::Unfit,
                format!("{region} lacks a route table that its network stack made: apply that stack again"),
            ));
        }
        for table in tables {
            let id = table.at(&["routeTableId"]).to_owned();
            let what = format!("route of {id}");
            match route(&table, to) {
                Some((is, "active")) if is == through => {}
                // Of a peering that is gone. The next look makes it anew.
                Some((is, _)) => {
                    let act = unroute(self.shared.clone(), region.clone(), id, to.to_owned());
                    all.push(
                        Difference::new(Change, region, what, format!("{to} leads through {is}")).by_if(active, act),
                    );
                }
                None => {
                    let act = set_route(
                        self.shared.clone(),
                        region.clone(),
                        id,
                        to.to_owned(),
                        through.to_owned(),
                    );
                    all.push(
                        Difference::new(Add, region, what, format!("{to} through the peering")).by_if(active, act),
                    );
                }
            }
        }
        Ok(())
    }
}

/// Through which peering a table leads to some addresses, and whether the route works.
fn route<'a>(table: &'a Element, to: &str) -> Option<(&'a str, &'a str)> {
    let mut routes = table.items("routeSet");
    let route = routes.find(|route| route.at(&["destinationCidrBlock"]) == to)?;
    Some((route.at(&["vpcPeeringConnectionId"]), route.at(&["state"])))
}

async fn create(
    shared: Shared,
    name: String,
    [home, away]: [RegionName; 2],
    [mine, theirs]: [String; 2],
) -> Result<(), Trouble> {
    let mut parameters = vec![
        ("VpcId".to_owned(), mine),
        ("PeerVpcId".to_owned(), theirs),
        ("PeerRegion".to_owned(), away.as_str().to_owned()),
        (
            "TagSpecification.1.ResourceType".to_owned(),
            "vpc-peering-connection".to_owned(),
        ),
    ];
    let tags = shared.each_tag().chain([("Name".to_owned(), name)]).enumerate();
    for (index, (key, value)) in tags {
        parameters.push((format!("TagSpecification.1.Tag.{}.Key", index + 1), key));
        parameters.push((format!("TagSpecification.1.Tag.{}.Value", index + 1), value));
    }
    let parameters: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Ec2::new(&shared.aws, &home)
        .call("CreateVpcPeeringConnection", &parameters)
        .await?;
    Ok(())
}

async fn accept(shared: Shared, region: RegionName, id: String) -> Result<(), Trouble> {
    let ec2 = Ec2::new(&shared.aws, &region);
    ec2.call("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &id)])
        .await?;
    Ok(())
}

async fn delete(shared: Shared, region: RegionName, id: String) -> Result<(), Trouble> {
    let ec2 = Ec2::new(&shared.aws, &region);
    ec2.call("DeleteVpcPeeringConnection", &[("VpcPeeringConnectionId", &id)])
        .await?;
    Ok(())
}

async fn tag(shared: Shared, region: RegionName, id: String, tags: Vec<(String, String)>) -> Result<(), Trouble> {
    let mut parameters = vec![("ResourceId.1".to_owned(), id)];
    for (index, (key, value)) in tags.into_iter().enumerate() {
        parameters.push((format!("Tag.{}.Key", index + 1), key));
        parameters.push((format!("Tag.{}.Value", index + 1), value));
    }
    let parameters: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Ec2::new(&shared.aws, &region).call("CreateTags", &parameters).await?;
    Ok(())
}

async fn set_route(
    shared: Shared,
    region: RegionName,
    table: String,
    to: String,
    through: String,
) -> Result<(), Trouble> {
    let ec2 = Ec2::new(&shared.aws, &region);
    let parameters = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", &to),
        ("VpcPeeringConnectionId", &through),
    ];
    match ec2.call("CreateRoute", &parameters).await {
        Err(trouble) if trouble.is(&["RouteAlreadyExists"]) => Ok(()),
        answer => answer.map(drop),
    }
}

async fn unroute(shared: Shared, region: RegionName, table: String, to: String) -> Result<(), Trouble> {
    let ec2 = Ec2::new(&shared.aws, &region);
    let parameters = [("RouteTableId", table.as_str()), ("DestinationCidrBlock", &to)];
    match ec2.call("DeleteRoute", &parameters).await {
        Err(trouble) if trouble.is(&["InvalidRoute.NotFound"]) => Ok(()),
        answer => answer.map(drop),
    }
}
