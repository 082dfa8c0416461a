//! Networks that must reach each other, and must each stand alone.

use std::collections::{BTreeMap, BTreeSet};

use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Leeway, Resource, Side};
use crate::lint::value::Node;

rules! {
    OVERLAP = "UL201": "networks that overlap",
        "networks whose ranges overlap cannot be peered: replication and probes have no path",
        "give each region a range of its own";
    ONE_WAY_ROUTE = "UL202": "a route over the peering on one side only",
        "packets find their way there and none back: nothing works over the peering",
        "add the route to the route tables of this side as well";
    FOREIGN_GROUP = "UL203": "one security group in both regions",
        "a security group belongs to one region and cannot be referred to across a peering between regions",
        "allow the other network's range instead, or name a group of this region";
    ENDPOINT = "UL204": "a service endpoint on one side only",
        "the private network reaches the service in one region only: after a failover the calls hang",
        "declare the endpoint in both regions";
    ZONES = "UL205": "fewer subnets on one side",
        "the region with fewer zones cannot carry the same load, nor survive the loss of a zone as well",
        "spread both networks over the same number of zones";
    PEER_REGION = "UL206": "a peering that stays at home",
        "the peering looks for the other network in its own region: it is never made, or joins the wrong one",
        "set PeerRegion to the other region";
    FOREIGN_ID = "UL207": "one network's id in both regions",
        "networks, subnets and route tables belong to one region: the id means nothing in the other",
        "refer to the network of this region";
    PORTS = "UL208": "ports that are open on one side only",
        "a connection that works in one region is refused in the other",
        "open the same ports on both sides";
    ASTRAY = "UL209": "a route over the peering that misses the other network",
        "packets for the other region leave by another way, or not at all",
        "route the other network's range over the peering";
}

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    overlaps(pair, found);
    routes(pair, found);
    endpoints(pair, found);
    zones(pair, found);
    for side in pair.sides() {
        for resource in side.of("AWS::EC2::VPCPeeringConnection") {
            let region = resource.get("PeerRegion");
            if region.text() == Some(&side.region) {
                let reason = format!("PeerRegion is {}, the region of this side itself", side.region);
                found.add(&PEER_REGION, reason, &[Spot::value(side, resource, region)]);
            }
        }
    }
    for couple in pair.couples(&[]) {
        ids(pair, couple, (&couple.0.properties, &couple.1.properties), found);
    }
    for couple in pair.couples(&["AWS::EC2::SecurityGroup"]) {
        ports(pair, couple, found);
    }
}

/// A range of addresses, as its first and its last one.
fn range(cidr: &str) -> Option<(u32, u32)> {
    let (address, bits) = cidr.trim().split_once('/')?;
    let address = u32::from(address.parse::<std::net::Ipv4Addr>().ok()?);
    let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
    let mask = u32::MAX.checked_shr(bits).unwrap_or(0);
    Some((address & !mask, address | mask))
}

/// The ranges of a side's networks.
fn ranges(side: &Side) -> Vec<(&Resource, &Node, (u32, u32))> {
    let networks = side.of("AWS::EC2::VPC").chain(side.of("AWS::EC2::VPCCidrBlock"));
    networks
        .filter_map(|resource| {
            let node = resource.get("CidrBlock");
            Some((resource, node, range(node.text()?)?))
        })
        .collect()
}

fn overlaps(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for (a, x, first) in ranges(&pair.primary) {
        for (b, y, second) in ranges(&pair.standby) {
            if first.0 <= second.1 && second.0 <= first.1 {
                let reason = format!(
                    "{} in {} overlaps {} in {}",
                    y.shown(),
                    named(&pair.standby),
                    x.shown(),
                    named(&pair.primary)
                );
                found.add(
                    &OVERLAP,
                    reason,
                    &[Spot::value(&pair.standby, b, y), Spot::value(&pair.primary, a, x)],
                );
            }
        }
    }
}

fn peered(side: &Side) -> Vec<&Resource> {
    side.of("AWS::EC2::Route")
        .filter(|route| route.get("VpcPeeringConnectionId").is_present())
        .collect()
}

fn routes(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        let other = pair.side(side.role.other());
        let (here, there) = (peered(side), peered(other));
        if let (true, Some(route), true) = (here.is_empty(), there.first(), side.opaque.is_empty()) {
            let reason = format!(
                "{} has a route over the peering, {} has none",
                named(other),
                named(side)
            );
            found.add(
                &ONE_WAY_ROUTE,
                reason,
                &[Spot::side(side), Spot::resource(other, route)],
            );
        }
        let networks = ranges(other);
        for route in here {
            let node = route.get("DestinationCidrBlock");
            let Some((first, last)) = node.text().and_then(range) else {
                continue;
            };
            let misses = |network: &(u32, u32)| network.1 < first || last < network.0;
            if !networks.is_empty() && networks.iter().all(|(_, _, network)| misses(network)) {
                let reason = format!("{} is no range of the network in {}", node.shown(), named(other));
                let (network, cidr, _) = networks[0];
                found.add(
                    &ASTRAY,
                    reason,
                    &[Spot::value(side, route, node), Spot::value(other, network, cidr)],
                );
            }
        }
    }
}

fn endpoints(pair: &Pair<'_>, found: &mut Findings<'_>) {
    let of = |side: &Side| -> Option<BTreeMap<String, usize>> {
        let mut own = 0;
        side.of("AWS::EC2::VPCEndpoint")
            .map(|endpoint| {
                let service = endpoint.get("ServiceName");
                // A service of one's own has an id that AWS chose, another one in each region.
                let key = if service.text().is_some_and(|name| name.contains(".vpce-svc-")) {
                    own += 1;
                    format!("a service of one's own, {own}")
                } else {
                    pair.key(side, service, Leeway::Regions)?
                };
                Some((key, side.number(&endpoint.target)?))
            })
            .collect()
    };
    let (Some(a), Some(b)) = (of(&pair.primary), of(&pair.standby)) else {
        return;
    };
    for (side, other, have, lack) in [
        (&pair.primary, &pair.standby, &a, &b),
        (&pair.standby, &pair.primary, &b, &a),
    ] {
        // A side without a network of its own has nothing to reach from.
        if other.of("AWS::EC2::VPC").next().is_none() || !other.opaque.is_empty() {
            continue;
        }
        for (_, number) in have.iter().filter(|(key, _)| !lack.contains_key(*key)) {
            let endpoint = &side.resources[*number];
            let reason = format!(
                "{} has no endpoint as `{}` of {}",
                named(other),
                endpoint.get("ServiceName").shown(),
                named(side)
            );
            found.alone(&ENDPOINT, side, endpoint, reason);
        }
    }
}

fn zones(pair: &Pair<'_>, found: &mut Findings<'_>) {
    let count = |side: &Side| side.of("AWS::EC2::Subnet").count();
    let (a, b) = (count(&pair.primary), count(&pair.standby));
    let known = pair
        .sides()
        .iter()
        .all(|side| side.opaque.is_empty() && side.resources.iter().all(|resource| !resource.doubtful));
    if a == b || a == 0 || b == 0 || !known {
        return;
    }
    let (few, many) = if a < b {
        (&pair.primary, &pair.standby)
    } else {
        (&pair.standby, &pair.primary)
    };
    let reason = format!(
        "{} has {} subnets, {} has {}",
        named(few),
        a.min(b),
        named(many),
        a.max(b)
    );
    found.add(&ZONES, reason, &[Spot::side(few), Spot::side(many)]);
}

fn ids(pair: &Pair<'_>, couple: (&Resource, &Resource), nodes: (&Node, &Node), found: &mut Findings<'_>) {
    let (a, b) = nodes;
    for (key, value) in a.entries() {
        ids(pair, couple, (value, b.get(key)), found);
    }
    for (x, y) in a.items().iter().zip(b.items()) {
        ids(pair, couple, (x, y), found);
    }
    let (Some(x), Some(y)) = (a.text(), b.text()) else {
        return;
    };
    let is_id = |prefix: &str| {
        x.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let rule = if x != y {
        return;
    } else if is_id("sg-") {
        &FOREIGN_GROUP
    } else if ["subnet-", "vpc-", "rtb-", "vpce-", "eni-"]
        .iter()
        .any(|prefix| is_id(prefix))
    {
        &FOREIGN_ID
    } else {
        return;
    };
    let reason = format!("`{y}` is used in both regions, and exists in one");
    let spots = [
        Spot::value(&pair.standby, couple.1, b),
        Spot::value(&pair.primary, couple.0, a),
    ];
    found.add(rule, reason, &spots);
}

/// The ports that a group opens, its own rules and those that are declared beside it.
fn open(side: &Side, group: &Resource) -> Option<BTreeSet<String>> {
    let beside = side
        .of("AWS::EC2::SecurityGroupIngress")
        .filter(|rule| {
            rule.get("GroupId")
                .target()
                .is_some_and(|(target, _)| *target == group.target)
        })
        .map(|rule| &rule.properties);
    let own = group.get("SecurityGroupIngress");
    if own.is_unknown() {
        return None;
    }
    own.each()
        .iter()
        .chain(beside)
        .map(|rule| {
            let part = |key: &str| match rule.get(key) {
                node if node.is_absent() => Some("any".to_owned()),
                node => node.text().map(str::to_owned),
            };
            Some(format!(
                "{} {}-{}",
                part("IpProtocol")?,
                part("FromPort")?,
                part("ToPort")?
            ))
        })
        .collect()
}

fn ports(pair: &Pair<'_>, (a, b): (&Resource, &Resource), found: &mut Findings<'_>) {
    let (Some(x), Some(y)) = (open(&pair.primary, a), open(&pair.standby, b)) else {
        return;
    };
    if x != y {
        let list = |ports: Vec<&String>| ports.iter().map(|port| port.as_str()).collect::<Vec<_>>().join(", ");
        let (only_primary, only_standby) = (
            x.difference(&y).collect::<Vec<_>>(),
            y.difference(&x).collect::<Vec<_>>(),
        );
        let mut parts = Vec::new();
        for (ports, side) in [(only_primary, &pair.primary), (only_standby, &pair.standby)] {
            if !ports.is_empty() {
                parts.push(format!("{} only in {}", list(ports), named(side)));
            }
        }
        found.differ(&PORTS, (a, b), "SecurityGroupIngress", parts.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_a_first_and_a_last_address() {
        assert_eq!(range("10.0.0.0/16"), Some((0x0A00_0000, 0x0A00_FFFF)));
        assert_eq!(range("0.0.0.0/0"), Some((0, u32::MAX)));
        assert_eq!(range("10.0.0.1/32"), Some((0x0A00_0001, 0x0A00_0001)));
        assert_eq!(range("10.0.0.0/33"), None);
    }
}
