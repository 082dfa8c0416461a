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
use crate::aws::trouble::{TroubleKind, failed};
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

/// What functions can run at once in a region, as Service Quotas calls it: 1,000, and much less in new accounts.
const CONCURRENCY: &str = "L-B99A9384";
/// Lambda refuses a reservation that leaves less for the functions that reserve nothing.
const UNRESERVED_MIN: i64 = 100;
/// What a template says of a function's reservation.
const RESERVED: &str = "ReservedConcurrentExecutions";

impl World {
    /// Whether every region has room for what is not there yet.
    ///
    /// # Errors
    /// With the quota that is too small. That nobody tells a quota is a note, and stops nothing.
    pub(super) async fn quotas(&self, report: &dyn Report) -> Result<(), Trouble> {
        let mut untold = None;
        for region in self.inhabited() {
            let mut looks = vec![self.room_to_run(region).await];
            for quota in &QUOTAS {
                looks.push(self.room(region, quota).await);
            }
            for look in looks {
                match look {
                    Ok(None) => {}
                    Ok(Some(too_small)) => return Err(too_small),
                    Err(trouble) => untold = untold.or(Some(trouble)),
                }
            }
        }
        if let Some(trouble) = untold {
            report.note(&format!("whether the quotas leave room is not known: {trouble}"));
        }
        Ok(())
    }

    /// Functions reserve what they run at once, and Lambda wants some left for the functions that reserve nothing.
    async fn room_to_run(&self, region: &RegionName) -> Result<Option<Trouble>, Trouble> {
        let Some(stack) = self.platform.stack(region, Layer::Functions) else {
            return Ok(None);
        };
        let resources = stack.template["Resources"].as_object().into_iter().flatten();
        let reserved = resources.filter_map(|(_, resource)| resource["Properties"][RESERVED].as_i64());
        let needed: i64 = reserved.sum();
        if needed == 0 || still_there(&self.stacks(), region, &stack.name).await? {
            return Ok(None);
        }
        let answer = self.shared.aws.lambda(region).get_account_settings().send().await;
        let answer = answer.map_err(failed("lambda:GetAccountSettings", region))?;
        let limit = answer.account_limit().ok_or_else(|| {
            Trouble::own(
                TroubleKind::Call,
                format!("Lambda says no limits of the account in {region}"),
            )
        })?;
        let free = i64::from(limit.unreserved_concurrent_executions().unwrap_or_default());
        if needed + UNRESERVED_MIN <= free {
            return Ok(None);
        }
        let said = format!(
            "{region} runs {} functions at once, and {free} of these are not reserved: {needed} are to be reserved, and Lambda \
             wants {UNRESERVED_MIN} to remain. Have the quota {CONCURRENCY} of `lambda` raised in Service Quotas, in both regions, or \
             lower `functions.reserved-concurrency` in the deployment file, and run the same command again",
            limit.concurrent_executions()
        );
        Ok(Some(too_small(region, said)))
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
        Ok(Some(too_small(region, said)))
    }
}

fn too_small(region: &RegionName, said: String) -> Trouble {
    Trouble {
        region: region.to_string(),
        ..Trouble::own(TroubleKind::Quota, "").said_as(said)
    }
}
