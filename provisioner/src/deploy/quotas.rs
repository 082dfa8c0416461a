//! Quotas that are small by default and that a new environment needs at once: looked at before anything is changed.
//!
//! The others show when they are used up; then the message names the call, and Service Quotas.

use understudy_policies::model::RegionName;

use super::progress::Report;
use super::stacks::still_there;
use super::world::World;
use crate::aws::Trouble;
use crate::aws::ec2::Ec2;
use crate::aws::json::quota;
use crate::aws::trouble::TroubleKind;
use crate::templates::Layer;

/// A quota, with what counts against it.
struct Quota {
    /// What it is about.
    what: &'static str,
    /// The service, as Service Quotas calls it.
    service: &'static str,
    /// The quota, as Service Quotas calls it.
    code: &'static str,
    /// The call of EC2 that lists what is there, and the list in its answer.
    list: [&'static str; 2],
    /// The layer that needs some, and the type of those.
    layer: Layer,
    kind: &'static str,
}

const QUOTAS: [Quota; 2] = [
    Quota {
        what: "VPCs",
        service: "vpc",
        code: "L-F678F1CE",
        list: ["DescribeVpcs", "vpcSet"],
        layer: Layer::Network,
        kind: "AWS::EC2::VPC",
    },
    Quota {
        what: "elastic addresses",
        service: "ec2",
        code: "L-0263D0A3",
        list: ["DescribeAddresses", "addressesSet"],
        layer: Layer::Egress,
        kind: "AWS::EC2::EIP",
    },
];

impl World {
    /// Whether both regions have room for what is not there yet.
    ///
    /// # Errors
    /// With the quota that is too small. That nobody tells a quota is a note, and stops nothing.
    pub(super) async fn quotas(&self, report: &dyn Report) -> Result<(), Trouble> {
        for region in self.regions() {
            for quota in &QUOTAS {
                match self.room(region, quota).await {
                    Ok(None) => {}
                    Ok(Some(too_small)) => return Err(too_small),
                    Err(trouble) => {
                        report.note(&format!("whether the quotas leave room is not known: {trouble}"));
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    async fn room(&self, region: &RegionName, wanted: &Quota) -> Result<Option<Trouble>, Trouble> {
        let Some(stack) = self.platform.stack(region, wanted.layer) else {
            return Ok(None);
        };
        let resources = stack.template["Resources"].as_object().into_iter().flatten();
        let needed = resources
            .filter(|(_, resource)| resource["Type"] == wanted.kind)
            .count();
        if needed == 0 || still_there(&self.stacks(), region, &stack.name).await? {
            return Ok(None);
        }
        let [call, list] = wanted.list;
        let answer = Ec2::new(&self.shared.aws, region).call(call, &[]).await?;
        let used = answer.items(list).count();
        let most = quota(&self.shared.aws, region, wanted.service, wanted.code).await?;
        let Quota {
            what, service, code, ..
        } = wanted;
        if (used + needed) as f64 <= most {
            return Ok(None);
        }
        let said = format!(
            "{region} has room for {most:.0} {what}, and {used} are there: {needed} more are needed. Have the quota {code} of \
             `{service}` raised in Service Quotas, in both regions, or remove what is not needed, and run the same command again"
        );
        Ok(Some(Trouble {
            region: region.to_string(),
            ..Trouble::own(TroubleKind::Quota, "").said_as(said)
        }))
    }
}
