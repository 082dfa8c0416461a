//! Peering with its routes, and events that are told to the other region.

use understudy_policies::model::RegionName;
use understudy_provisioner::aws::ec2::Ec2;
use understudy_provisioner::spanning::Shared;
use understudy_provisioner::spanning::forwarding::Forwarding;
use understudy_provisioner::spanning::peering::{Network, Peering, Peerings};

use crate::support::{apply, plan, remove, start};

pub(crate) async fn network(shared: &Shared, index: usize, cidr: &str) -> Network {
    network_in(shared, &shared.regions[index], cidr).await
}

async fn network_in(shared: &Shared, region: &RegionName, cidr: &str) -> Network {
    let ec2 = Ec2::new(&shared.aws, region);
    let vpc = ec2.call("CreateVpc", &[("CidrBlock", cidr)]).await.unwrap();
    let vpc = vpc.at(&["vpc", "vpcId"]).to_owned();
    let mut route_tables = Vec::new();
    for _ in 0..3 {
        let table = ec2.call("CreateRouteTable", &[("VpcId", &vpc)]).await.unwrap();
        route_tables.push(table.at(&["routeTable", "routeTableId"]).to_owned());
    }
    Network {
        vpc,
        route_tables,
        cidr: cidr.to_owned(),
    }
}

/// R8.1.
#[tokio::test]
async fn networks_are_peered_with_routes_on_both_sides() {
    let (_emulator, shared) = start().await;
    let networks = [
        Some(network(&shared, 0, "10.10.0.0/16").await),
        Some(network(&shared, 1, "10.20.0.0/16").await),
    ];
    let peering = Peerings(vec![Peering {
        shared: shared.clone(),
        asked_for: true,
        name: "understudy-dev1-peering".to_owned(),
        regions: shared.regions.clone(),
        networks: networks.clone(),
    }]);
    apply(&peering).await;
    for (index, cidr) in ["10.20.0.0/16", "10.10.0.0/16"].into_iter().enumerate() {
        let ec2 = Ec2::new(&shared.aws, &shared.regions[index]);
        for table in &networks[index].as_ref().unwrap().route_tables {
            let answer = ec2
                .call("DescribeRouteTables", &[("RouteTableId.1", table)])
                .await
                .unwrap();
            let table = answer.items("routeTableSet").next().unwrap();
            let mut routes = table.items("routeSet");
            let route = routes
                .find(|route| route.at(&["destinationCidrBlock"]) == cidr)
                .unwrap();
            assert!(route.at(&["vpcPeeringConnectionId"]).starts_with("pcx-"));
        }
        let answer = ec2.call("DescribeVpcPeeringConnections", &[]).await.unwrap();
        let connection = answer.items("vpcPeeringConnectionSet").next().unwrap();
        assert_eq!(connection.at(&["status", "code"]), "active");
    }
    // A route is lost.
    let table = networks[1].as_ref().unwrap().route_tables[2].clone();
    let ec2 = Ec2::new(&shared.aws, &shared.regions[1]);
    let parameters = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "10.10.0.0/16"),
    ];
    ec2.call("DeleteRoute", &parameters).await.unwrap();
    assert_eq!(
        plan(&peering).await,
        [format!(
            "Add route of {table} in us-east-2: 10.10.0.0/16 through the peering"
        )]
    );
    apply(&peering).await;
    assert_eq!(remove(&peering, false).await, []);
    assert_eq!(plan(&peering).await.len(), 7, "a peering and six routes");
}

/// The observer reaches the sidecars of both regions, and they answer it.
#[tokio::test]
async fn the_observers_network_is_peered_with_both() {
    let (_emulator, shared) = start().await;
    let [home, away] = shared.regions.clone();
    let places = [
        (home, "10.20.0.0/16"),
        (away, "10.21.0.0/16"),
        (shared.witness.clone(), "10.22.0.0/22"),
    ];
    let mut networks = Vec::new();
    for (region, cidr) in &places {
        networks.push(network_in(&shared, region, cidr).await);
    }
    let pairs = [[0, 1], [0, 2], [1, 2]];
    let peerings = pairs.map(|pair| Peering {
        shared: shared.clone(),
        asked_for: true,
        name: format!("understudy-dev1-{}-{}", pair[0], pair[1]),
        regions: pair.map(|index| places[index].0.clone()),
        networks: pair.map(|index| Some(networks[index].clone())),
    });
    let peerings = Peerings(peerings.into());
    apply(&peerings).await;
    for (own, (region, _)) in places.iter().enumerate() {
        let ec2 = Ec2::new(&shared.aws, region);
        for id in &networks[own].route_tables {
            let answer = ec2
                .call("DescribeRouteTables", &[("RouteTableId.1", id)])
                .await
                .unwrap();
            let table = answer.items("routeTableSet").next().unwrap();
            let routes = table.items("routeSet");
            let through = routes.filter(|route| route.at(&["vpcPeeringConnectionId"]).starts_with("pcx-"));
            let mut to: Vec<&str> = through.map(|route| route.at(&["destinationCidrBlock"])).collect();
            to.sort_unstable();
            let others = places.iter().enumerate().filter(|(index, _)| *index != own);
            let others: Vec<&str> = others.map(|(_, (_, cidr))| *cidr).collect();
            assert_eq!(to, others, "{region}");
        }
    }
    // One that the files no longer ask for goes, with the routes of the regions that stay.
    let mut peerings = peerings;
    for peering in &mut peerings.0[1..] {
        (peering.asked_for, peering.networks[1]) = (false, None);
    }
    let planned = plan(&peerings).await;
    assert_eq!(planned.len(), 2 * (1 + 3), "{planned:#?}");
    apply(&peerings).await;
    let table = &networks[0].route_tables[0];
    let ec2 = Ec2::new(&shared.aws, &places[0].0);
    let answer = ec2
        .call("DescribeRouteTables", &[("RouteTableId.1", table)])
        .await
        .unwrap();
    let table = answer.items("routeTableSet").next().unwrap();
    let mut routes = table.items("routeSet");
    assert!(routes.all(|route| route.at(&["destinationCidrBlock"]) != "10.22.0.0/22"));
    assert_eq!(remove(&peerings, false).await, []);
}

#[tokio::test]
async fn what_ec2_refuses_is_explained() {
    let (_emulator, shared) = start().await;
    let ec2 = Ec2::new(&shared.aws, &shared.regions[0]);
    let parameters = [("VpcPeeringConnectionId", "pcx-1")];
    let trouble = ec2.call("AcceptVpcPeeringConnection", &parameters).await.unwrap_err();
    assert_eq!(trouble.code, "InvalidVpcPeeringConnectionID.NotFound");
    assert!(
        trouble
            .to_string()
            .starts_with("`ec2:AcceptVpcPeeringConnection` in us-east-1 failed"),
        "{trouble}"
    );
}

/// R5.3: both ways, and without a loop. ministack drops what goes to another region's bus, so the rules are read back.
#[tokio::test]
async fn events_are_forwarded_both_ways_and_never_back() {
    let (_emulator, shared) = start().await;
    let rules = ["understudy-dev1-us-east-1-forward", "understudy-dev1-us-east-2-forward"].map(str::to_owned);
    let role = |region: &str| {
        Some(format!(
            "arn:aws:iam::000000000000:role/understudy-dev1-{region}-forward"
        ))
    };
    let letters = |region: &str| {
        Some(format!(
            "arn:aws:sqs:{region}:000000000000:understudy-dev1-{region}-undelivered"
        ))
    };
    let forwarding = Forwarding {
        shared: shared.clone(),
        rules: rules.clone(),
        roles: [role("us-east-1"), role("us-east-2")],
        dead_letters: [letters("us-east-1"), letters("us-east-2")],
    };
    apply(&forwarding).await;
    for (index, name) in rules.iter().enumerate() {
        let (here, there) = (&shared.regions[index], &shared.regions[1 - index]);
        let client = shared.aws.eventbridge(here);
        let rule = client.describe_rule().name(name).send().await.unwrap();
        let pattern: serde_json::Value = serde_json::from_str(rule.event_pattern().unwrap()).unwrap();
        assert_eq!(
            pattern["region"],
            serde_json::json!([here.as_str()]),
            "only what originated here"
        );
        let targets = client.list_targets_by_rule().rule(name).send().await.unwrap();
        let bus = format!("arn:aws:events:{there}:000000000000:event-bus/default");
        assert_eq!(targets.targets()[0].arn(), bus);
        let target = &targets.targets()[0];
        assert!(target.role_arn().is_some());
        // An engine that must be done within 60 s has no use for what is older than this.
        let patience = target.retry_policy().unwrap();
        assert_eq!(patience.maximum_event_age_in_seconds(), Some(300));
        let letters = target.dead_letter_config().unwrap().arn();
        assert_eq!(letters, forwarding.dead_letters[index].as_deref());
        // Somebody makes it patient.
        let mut patient = target.clone();
        patient.retry_policy = None;
        patient.dead_letter_config = None;
        client.put_targets().rule(name).targets(patient).send().await.unwrap();
    }
    let planned = plan(&forwarding).await;
    assert_eq!(planned.len(), 2, "{planned:#?}");
    assert!(
        planned[0].starts_with("Change rule understudy-dev1-us-east-1-forward"),
        "{planned:#?}"
    );
    apply(&forwarding).await;
    assert_eq!(remove(&forwarding, false).await, []);
    assert_eq!(plan(&forwarding).await.len(), 4);
}
