//! Which zones the subnets get: looked at before a network is made.

use std::collections::BTreeSet;

use understudy_policies::model::RegionName;

use super::progress::Report;
use super::stacks::still_there;
use super::world::World;
use crate::aws::Trouble;
use crate::aws::ec2::Ec2;
use crate::aws::trouble::TroubleKind;
use crate::deployment::RegionNetwork;
use crate::deployment::known::UNFIT_ZONES;
use crate::templates::Layer;

/// Subnets of a network.
const SUBNETS: usize = 3;
/// Where the file names zones: the key, and its table.
const KEYS: [[&str; 2]; 3] = [
    ["primary-zones", "[network]"],
    ["standby-zones", "[network]"],
    ["zones", "[engine.observer]"],
];

impl World {
    /// Whether the zones that CloudFormation would choose, or that the file names, will do. Every account has letters of its own
    /// for them.
    ///
    /// # Errors
    /// With what will not do. That nobody tells the zones is a note, and stops nothing.
    pub(super) async fn zones(&self, report: &dyn Report) -> Result<(), Trouble> {
        // What an emulator calls its zones says nothing of AWS's.
        if self.shared.aws.is_elsewhere() {
            return Ok(());
        }
        let network = &self.deployment.network;
        let networks = [
            Some(&network.primary),
            Some(&network.standby),
            self.observer().map(|one| &one.network),
        ];
        for (index, network) in networks.into_iter().enumerate() {
            let Some(RegionNetwork { zones: named, .. }) = network else {
                continue;
            };
            let region = self.region(index);
            match self.shown_zones(region).await {
                Ok(None) => {}
                Ok(Some(zones)) => {
                    if let Some(wrong) = wrong(zones, named.as_ref()) {
                        return Err(wrong.told(region, KEYS[index]));
                    }
                }
                Err(trouble) => report.note(&format!(
                    "which zones the subnets of {region} get is not known: {trouble}"
                )),
            }
        }
        Ok(())
    }

    /// The zones that the account is shown. None: the network is there already.
    async fn shown_zones(&self, region: &RegionName) -> Result<Option<Zones>, Trouble> {
        let stack = self.names.stack(region, Layer::Network.name());
        if still_there(&self.stacks(), region, &stack).await? {
            return Ok(None);
        }
        let ec2 = Ec2::new(&self.shared.aws, region);
        let filter = [
            ("Filter.1.Name", "zone-type"),
            ("Filter.1.Value.1", "availability-zone"),
        ];
        let answer = ec2.call("DescribeAvailabilityZones", &filter).await?;
        let zones = answer.items("availabilityZoneInfo").map(|zone| Zone {
            name: zone.at(&["zoneName"]).to_owned(),
            id: zone.at(&["zoneId"]).to_owned(),
        });
        let zones = zones.collect();
        let filter = [("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")];
        let answer = ec2.call("DescribeSubnets", &filter).await?;
        let subnets = answer.items("subnetSet");
        let with_default = subnets
            .map(|subnet| subnet.at(&["availabilityZone"]).to_owned())
            .collect();
        Ok(Some(Zones { zones, with_default }))
    }
}

/// The zones of a region, as an account is shown them.
#[derive(Debug, Default)]
struct Zones {
    zones: Vec<Zone>,
    /// The names of those with a default subnet: if there are any, CloudFormation chooses among them only.
    with_default: BTreeSet<String>,
}

/// A zone, by the account's name for it and by its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Zone {
    name: String,
    id: String,
}

/// What is wrong with the zones that the subnets would get.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// One that will not do.
    Unfit(Zone),
    /// Fewer than there are subnets: this many.
    TooFew(usize),
    /// A name that the account is not shown.
    Unknown(String),
}

fn wrong(
    Zones {
        mut zones,
        with_default,
    }: Zones,
    named: Option<&[String; SUBNETS]>,
) -> Option<Wrong> {
    if let Some(named) = named {
        let unknown = named.iter().find(|id| zones.iter().all(|zone| zone.id != **id));
        return unknown.map(|id| Wrong::Unknown(id.clone()));
    }
    if !with_default.is_empty() {
        zones.retain(|zone| with_default.contains(&zone.name));
    }
    if zones.len() < SUBNETS {
        return Some(Wrong::TooFew(zones.len()));
    }
    // A template takes the first ones by name.
    zones.sort_by(|one, other| one.name.cmp(&other.name));
    let mut first = zones.into_iter().take(SUBNETS);
    first
        .find(|zone| UNFIT_ZONES.contains(&zone.id.as_str()))
        .map(Wrong::Unfit)
}

impl Wrong {
    fn told(&self, region: &RegionName, [key, table]: [&str; 2]) -> Trouble {
        let why = match self {
            Self::Unfit(Zone { name, id }) => format!(
                "in this account {name} is the zone {id}, which lacks Lambda and some of the endpoints, and a subnet of {region} \
                 would be in it: name three others by their ids, such as `{key} = [\"use1-az1\", \"use1-az2\", \"use1-az4\"]`"
            ),
            Self::TooFew(count) => format!(
                "{region} shows this account {count} zones with a subnet for each, and three are needed; a region that has no more \
                 cannot be used. Make the default subnets again (`aws ec2 create-default-subnet`), or name three zones by their ids, \
                 in `{key}`"
            ),
            Self::Unknown(id) => format!(
                "{region} shows this account no zone {id}: name three of those that `aws ec2 describe-availability-zones --region \
                 {region}` shows, in `{key}`"
            ),
        };
        let said = format!("{why} under `{table}` of the deployment file, and run the same command again");
        Trouble::own(TroubleKind::Unfit, said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(ids: &[&str], with_default: &[&str]) -> Zones {
        let name = |letter: &str| format!("us-east-1{letter}");
        // EC2 promises no order.
        let named = ids.iter().zip(["a", "b", "c", "d", "e", "f"]).rev();
        Zones {
            zones: named
                .map(|(id, letter)| Zone {
                    name: name(letter),
                    id: format!("use1-az{id}"),
                })
                .collect(),
            with_default: with_default.iter().map(|letter| name(letter)).collect(),
        }
    }

    #[test]
    fn a_zone_that_will_not_do_is_seen_whatever_the_account_calls_it() {
        assert_eq!(wrong(zones(&["1", "2", "4", "6", "3", "5"], &[]), None), None);
        let found = wrong(zones(&["6", "3", "1", "2", "4", "5"], &[]), None).unwrap();
        let region = RegionName::new("us-east-1").unwrap();
        let said = found.told(&region, KEYS[1]).to_string();
        assert!(said.contains("us-east-1b is the zone use1-az3"), "{said}");
        assert!(
            said.contains("`standby-zones = [") && said.contains("under `[network]`"),
            "{said}"
        );
        // Without a default subnet CloudFormation does not choose it.
        let ids = ["6", "3", "1", "2", "4", "5"];
        assert_eq!(wrong(zones(&ids, &["a", "c", "d", "e"]), None), None);
        assert!(matches!(
            wrong(zones(&ids, &["a", "b", "e"]), None),
            Some(Wrong::Unfit(_))
        ));
    }

    #[test]
    fn too_few_zones_and_unknown_ones_are_seen() {
        assert_eq!(wrong(zones(&["1", "2"], &[]), None), Some(Wrong::TooFew(2)));
        assert_eq!(
            wrong(zones(&["1", "2", "4"], &["a", "b"]), None),
            Some(Wrong::TooFew(2))
        );
        let named = |ids: [&str; 3]| ids.map(|id| format!("use1-az{id}"));
        assert_eq!(wrong(zones(&["1", "2", "4"], &[]), Some(&named(["4", "1", "2"]))), None);
        let found = wrong(zones(&["1", "2", "4"], &[]), Some(&named(["1", "2", "9"])));
        assert_eq!(found, Some(Wrong::Unknown("use1-az9".to_owned())));
    }
}
