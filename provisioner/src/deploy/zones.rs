//! Which zones the subnets get where the file names none: looked at before a network is made.

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

impl World {
    /// Whether the zones that CloudFormation would choose will do. Every account has letters of its own for them.
    ///
    /// # Errors
    /// With the one that will not. That nobody tells them is a note, and stops nothing.
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
            let Some(RegionNetwork { zones: None, .. }) = network else {
                continue;
            };
            match self.chosen_zones(self.region(index)).await {
                Ok(zones) => {
                    if let Some(zone) = unfit(zones) {
                        return Err(refused(self.region(index), &zone));
                    }
                }
                Err(trouble) => report.note(&format!(
                    "which zones the subnets of {} get is not known: {trouble}",
                    self.region(index)
                )),
            }
        }
        Ok(())
    }

    /// The zones that the account is shown, by name, if the network is not there yet.
    async fn chosen_zones(&self, region: &RegionName) -> Result<Vec<Zone>, Trouble> {
        let stack = self.names.stack(region, Layer::Network.name());
        if still_there(&self.stacks(), region, &stack).await? {
            return Ok(Vec::new());
        }
        let filter = [
            ("Filter.1.Name", "zone-type"),
            ("Filter.1.Value.1", "availability-zone"),
        ];
        let answer = Ec2::new(&self.shared.aws, region)
            .call("DescribeAvailabilityZones", &filter)
            .await?;
        let zones = answer.items("availabilityZoneInfo");
        Ok(zones
            .map(|zone| Zone {
                name: zone.at(&["zoneName"]).to_owned(),
                id: zone.at(&["zoneId"]).to_owned(),
            })
            .collect())
    }
}

/// A zone, by the account's name for it and by its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Zone {
    name: String,
    id: String,
}

/// The first one that will not do among those that a template gets: the first ones by name.
fn unfit(mut zones: Vec<Zone>) -> Option<Zone> {
    zones.sort_by(|one, other| one.name.cmp(&other.name));
    zones
        .into_iter()
        .take(SUBNETS)
        .find(|zone| UNFIT_ZONES.contains(&zone.id.as_str()))
}

fn refused(region: &RegionName, zone: &Zone) -> Trouble {
    let Zone { name, id } = zone;
    Trouble::own(
        TroubleKind::Unfit,
        format!(
            "in this account {name} is the zone {id}, which lacks Lambda and some of the endpoints, and a subnet of {region} \
             would be in it: name three others by their ids in the deployment file, such as `primary-zones = [\"use1-az1\", \
             \"use1-az2\", \"use1-az4\"]` under `[network]`, and run the same command again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_will_not_do_is_seen_whatever_the_account_calls_it() {
        let zones = |ids: [&str; 6]| -> Vec<Zone> {
            // EC2 promises no order.
            let named = ids.iter().zip(["a", "b", "c", "d", "e", "f"]).rev();
            named
                .map(|(id, letter)| Zone {
                    name: format!("us-east-1{letter}"),
                    id: format!("use1-az{id}"),
                })
                .collect()
        };
        assert_eq!(unfit(zones(["1", "2", "4", "6", "3", "5"])), None);
        let found = unfit(zones(["6", "3", "1", "2", "4", "5"])).unwrap();
        assert_eq!(found.name, "us-east-1b");
        let said = refused(&RegionName::new("us-east-1").unwrap(), &found).to_string();
        assert!(said.contains("us-east-1b") && said.contains("primary-zones"), "{said}");
        assert_eq!(unfit(Vec::new()), None);
    }
}
