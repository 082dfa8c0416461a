//! The way out to the internet: to venues, to Route 53, and to the other region's endpoints. Nothing comes in.
//!
//! One gateway per zone: what goes wrong in one zone stays there.

use serde_json::json;

use super::super::Stack;
use super::super::excuse::Excuse;
use super::super::kinds::{
    ElasticIp, GatewayAttachment, InternetGateway, NatGateway, Route, RouteTable, RouteTableAssociation, Subnet,
};
use super::super::model::{Import, Template};
use super::super::site::{Layer, Site};
use crate::deployment::cidr::Cidr;

const IDS: [[&str; 5]; 3] = [
    [
        "EgressSubnetA",
        "EgressRoutesOfSubnetA",
        "AddressA",
        "GatewayA",
        "WayOutA",
    ],
    [
        "EgressSubnetB",
        "EgressRoutesOfSubnetB",
        "AddressB",
        "GatewayB",
        "WayOutB",
    ],
    [
        "EgressSubnetC",
        "EgressRoutesOfSubnetC",
        "AddressC",
        "GatewayC",
        "WayOutC",
    ],
];
const ANYWHERE: &str = "0.0.0.0/0";

/// `vpc` and `tables` are the network's, `subnets` the addresses of the gateways.
pub(super) fn build(site: &Site<'_>, vpc: &Import, tables: &[Import; 3], subnets: [Cidr; 3], stacks: &mut Vec<Stack>) {
    let mut template = Template::new(site, Layer::Egress, "the way out to the internet");
    let internet = template.add(InternetGateway, "Internet", &site.name("internet"), json!({}));
    template.add(
        GatewayAttachment,
        "InternetOfNetwork",
        "",
        json!({"VpcId": vpc, "InternetGatewayId": internet.reference()}),
    );
    let routes = template.add(RouteTable, "EgressRoutes", &site.name("egress"), json!({"VpcId": vpc}));
    let out = template.add(
        Route,
        "ToTheInternet",
        "",
        json!({
            "RouteTableId": routes.reference(), "DestinationCidrBlock": ANYWHERE, "GatewayId": internet.reference(),
        }),
    );
    template.wait(&out, &["InternetOfNetwork"]);
    let reason = "only the gateways are here: what is behind them is called by nobody from outside";
    template.excuse(&out, &[Excuse::Nag("VPCNoUnrestrictedRouteToIGW", reason)]);
    for (index, [subnet_id, association, address, gateway, way_out]) in IDS.into_iter().enumerate() {
        let name = site.name(&format!("egress-{}", ["a", "b", "c"][index]));
        let (place, is) = site.zone(index);
        let subnet = template.add(
            Subnet,
            subnet_id,
            &name,
            json!({
                "VpcId": vpc, "CidrBlock": subnets[index].to_string(), "MapPublicIpOnLaunch": false,
                place: is,
            }),
        );
        template.add(
            RouteTableAssociation,
            association,
            "",
            json!({"SubnetId": subnet.reference(), "RouteTableId": routes.reference()}),
        );
        let address = template.add(ElasticIp, address, &name, json!({"Domain": "vpc"}));
        template.wait(&address, &["InternetOfNetwork"]);
        let gateway = template.add(
            NatGateway,
            gateway,
            &name,
            json!({"SubnetId": subnet.reference(), "AllocationId": address.allocation()}),
        );
        template.add(
            Route,
            way_out,
            "",
            json!({
                "RouteTableId": tables[index], "DestinationCidrBlock": ANYWHERE,
                "NatGatewayId": gateway.reference(),
            }),
        );
    }
    stacks.push(template.finish(stacks));
}
