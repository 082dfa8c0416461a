//! What is left in Route 53 of a domain that the deployment file no longer names.
//!
//! Without `[domain]` there is nothing that zone, health checks and records are compared with, and clients still follow them. They
//! are found by the names that we gave them, and only told: a zone that is deleted has other name servers when it is made again.

use std::collections::BTreeSet;

use aws_sdk_route53::types::TagResourceType;

use super::hosted::{is_ours, plain, records, tags_of, value};
use super::{GLOBAL, Kept, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};

/// Where to look.
#[derive(Debug)]
pub struct LeftBehind {
    /// What is shared.
    pub shared: Shared,
    /// The zone's name tag.
    pub zone: String,
    /// The names of all health checks that there may be.
    pub checks: Vec<String>,
    /// The parameter that names the zone, ours or not.
    pub parameter: String,
}

/// The way out.
const WHY: &str = "the deployment file has no `[domain]` any more: write it back, or remove this in Route 53";

impl LeftBehind {
    /// What there is.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn find(&self) -> Result<Vec<Kept>, Trouble> {
        let mut zones = self.zones().await?;
        let mut all = self.checks().await?;
        all.extend(zones.iter().map(|id| kept(format!("hosted zone {id}"))));
        zones.extend(self.given_zone().await?);
        for zone in zones {
            let there = records(&self.shared, &zone).await?;
            let ours = there.iter().filter(|record| is_ours(record, &self.shared));
            let ours: BTreeSet<String> = ours.map(|record| plain(record.name())).collect();
            // The public name leads to one of those.
            let names = there.iter().filter_map(|record| {
                let name = plain(record.name());
                (ours.contains(&name) || ours.contains(&value(record))).then_some(name)
            });
            let names: BTreeSet<String> = names.collect();
            all.extend(names.into_iter().map(|name| kept(format!("record {name}"))));
        }
        Ok(all)
    }

    async fn zones(&self) -> Result<BTreeSet<String>, Trouble> {
        let region = &self.shared.regions[0];
        let client = self.shared.aws.route53(region);
        let pages = client.list_hosted_zones().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        let mut zones = BTreeSet::new();
        for zone in all.map_err(failed("route53:ListHostedZones", region))? {
            if is_named(zone.caller_reference(), &self.zone) {
                let id = zone.id().trim_start_matches("/hostedzone/").to_owned();
                let tags = tags_of(&client, TagResourceType::Hostedzone, &id, &self.shared).await?;
                zones.extend(self.shared.owns(&tags).then_some(id));
            }
        }
        Ok(zones)
    }

    async fn checks(&self) -> Result<Vec<Kept>, Trouble> {
        let region = &self.shared.regions[0];
        let client = self.shared.aws.route53(region);
        let pages = client.list_health_checks().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        let mut found = Vec::new();
        for check in all.map_err(failed("route53:ListHealthChecks", region))? {
            let mut names = self.checks.iter();
            let Some(name) = names.find(|name| is_named(check.caller_reference(), name)) else {
                continue;
            };
            let tags = tags_of(&client, TagResourceType::Healthcheck, check.id(), &self.shared).await?;
            found.extend(
                self.shared
                    .owns(&tags)
                    .then(|| kept(format!("health check {name} ({})", check.id()))),
            );
        }
        Ok(found)
    }

    /// A zone that the deployment file named by its id holds records of ours as well.
    async fn given_zone(&self) -> Result<Option<String>, Trouble> {
        let region = &self.shared.regions[0];
        let answer = self.shared.aws.ssm(region).get_parameter().name(&self.parameter);
        let answer = found(answer.send().await, &["ParameterNotFound"], "ssm:GetParameter", region)?;
        let Some(zone) = answer.and_then(|answer| answer.parameter?.value) else {
            return Ok(None);
        };
        let client = self.shared.aws.route53(region);
        let there = client.get_hosted_zone().id(&zone).send().await;
        let there = found(there, &["NoSuchHostedZone"], "route53:GetHostedZone", region)?;
        Ok(there.map(|_| zone))
    }
}

/// Whether whoever made it called it so.
fn is_named(reference: &str, name: &str) -> bool {
    reference.rsplit_once("-at-").is_some_and(|(before, _)| before == name)
}

fn kept(what: String) -> Kept {
    Kept {
        what,
        region: GLOBAL.to_owned(),
        why: WHY.to_owned(),
    }
}
