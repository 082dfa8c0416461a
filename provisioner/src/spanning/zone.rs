//! The public hosted zone of the domain.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{HostedZone, HostedZoneConfig, RrType, TagResourceType};

use super::ChangeKind::{Add, Change, Remove};
use super::hosted::{Changes, records, reference, tag, tags_of};
use super::{Difference, GLOBAL, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};

/// The zone.
#[derive(Debug)]
pub struct Zone {
    /// What is shared.
    pub shared: Shared,
    /// The domain, without a dot at its end.
    pub domain: String,
    /// Its name tag.
    pub name: String,
    /// A zone that is not ours, if the deployment file names one: used, and never changed itself.
    pub given: Option<String>,
    /// What was changed in it by this run.
    pub changes: Changes,
}

/// A zone that is there.
#[derive(Debug, Clone)]
pub struct FoundZone {
    /// Its id, without its path.
    pub id: String,
    /// Whether it carries our tag.
    pub ours: bool,
    /// What it carries.
    pub tags: BTreeMap<String, String>,
}

#[async_trait]
impl Reconciler for Zone {
    fn name(&self) -> &'static str {
        "zone"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let what = format!("hosted zone {}", self.domain);
        let Some(zone) = self.find().await? else {
            if let Some(given) = &self.given {
                return Err(Trouble::own(
                    TroubleKind::Unfit,
                    format!(
                        "the deployment file names the zone {given}, and there is no such zone for {}",
                        self.domain
                    ),
                ));
            }
            let act = create(
                self.client(),
                self.domain.clone(),
                self.name.clone(),
                self.shared.clone(),
                self.changes.clone(),
            );
            return Ok(vec![Difference::new(Add, GLOBAL, what, "public").by(act)]);
        };
        let mut all = Vec::new();
        if self.given.is_some() {
            return Ok(all);
        }
        let missing = self.shared.missing_tags(&zone.tags);
        if !missing.is_empty() {
            let act = tag(TagResourceType::Hostedzone, zone.id, missing, self.shared.clone());
            all.push(Difference::new(Change, GLOBAL, what, "tags").by(act));
        }
        self.changes.arrive(&self.shared, &mut all).await?;
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        let Some(zone) = self.find().await?.filter(|zone| zone.ours && self.given.is_none()) else {
            return Ok(left);
        };
        let what = format!("hosted zone {}", self.domain);
        let records = records(&self.shared, &zone.id).await?;
        let mut others = records
            .iter()
            .filter(|record| !matches!(record.r#type(), RrType::Ns | RrType::Soa));
        if let Some(record) = others.next() {
            left.kept.push(super::Kept {
                what,
                region: GLOBAL.to_owned(),
                why: format!(
                    "it holds records that are not ours, such as {}: remove them first",
                    record.name()
                ),
            });
            return Ok(left);
        }
        let (client, region) = (self.client(), self.shared.regions[0].clone());
        let act = async move {
            let answer = client.delete_hosted_zone().id(zone.id).send().await;
            answer.map_err(failed("route53:DeleteHostedZone", &region))?;
            Ok(())
        };
        left.remove.push(
            Difference::new(Remove, GLOBAL, what, "empty")
                .risky("a new one has other name servers and must be delegated to again")
                .by(act),
        );
        Ok(left)
    }
}

impl Zone {
    fn client(&self) -> Client {
        self.shared.aws.route53(&self.shared.regions[0])
    }

    /// The zone, if it is there.
    ///
    /// # Errors
    /// When AWS does not tell, or several zones could be meant.
    pub async fn find(&self) -> Result<Option<FoundZone>, Trouble> {
        let region = &self.shared.regions[0];
        let client = self.client();
        let wanted = format!("{}.", self.domain);
        let pages = client.list_hosted_zones().into_paginator();
        let all: Result<Vec<HostedZone>, _> = pages.items().send().collect().await;
        let all = all.map_err(failed("route53:ListHostedZones", region))?;
        let mut mine = Vec::new();
        let mut others = 0;
        for zone in all {
            let private = zone.config().is_some_and(HostedZoneConfig::private_zone);
            let id = zone.id().trim_start_matches("/hostedzone/").to_owned();
            if zone.name() != wanted || private {
                continue;
            }
            let tags = self.tags(&client, &id).await?;
            // A run that was interrupted between making it and tagging it.
            let ours = self.shared.owns(&tags) || zone.caller_reference().starts_with(&format!("{}-at-", self.name));
            if self.given.as_ref() == Some(&id) || (self.given.is_none() && ours) {
                mine.push(FoundZone { id, ours, tags });
            } else {
                others += 1;
            }
        }
        if mine.len() > 1 {
            return Err(Trouble::own(
                TroubleKind::Unfit,
                format!(
                    "there are {} zones of ours for {}; remove the one that nobody delegates to",
                    mine.len(),
                    self.domain
                ),
            ));
        }
        if mine.is_empty() && others > 0 && self.given.is_none() {
            let what = format!("a hosted zone for {}", self.domain);
            let mut trouble = self.shared.not_ours(&what, region);
            trouble
                .said
                .push_str("; to use it as it is, name its id in the deployment file");
            return Err(trouble);
        }
        Ok(mine.pop())
    }

    /// The name servers of the zone.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn name_servers(&self, id: &str) -> Result<Vec<String>, Trouble> {
        let answer = self.client().get_hosted_zone().id(id).send().await;
        let answer = answer.map_err(failed("route53:GetHostedZone", &self.shared.regions[0]))?;
        let set = answer.delegation_set.map(|set| set.name_servers).unwrap_or_default();
        Ok(set
            .into_iter()
            .map(|name| name.trim_end_matches('.').to_lowercase())
            .collect())
    }

    async fn tags(&self, client: &Client, id: &str) -> Result<BTreeMap<String, String>, Trouble> {
        tags_of(client, TagResourceType::Hostedzone, id, &self.shared).await
    }
}

async fn create(client: Client, domain: String, name: String, shared: Shared, changes: Changes) -> Result<(), Trouble> {
    let config = HostedZoneConfig::builder().comment(&name).private_zone(false).build();
    let call = client
        .create_hosted_zone()
        .name(&domain)
        .caller_reference(reference(&name))
        .hosted_zone_config(config);
    let made = call
        .send()
        .await
        .map_err(failed("route53:CreateHostedZone", &shared.regions[0]))?;
    changes.note(made.change_info.map(|info| info.id));
    let id = made.hosted_zone.map(|zone| zone.id).unwrap_or_default();
    let id = id.trim_start_matches("/hostedzone/").to_owned();
    let tags = shared.each_tag().chain([("Name".to_owned(), name)]).collect();
    tag(TagResourceType::Hostedzone, id, tags, shared).await
}
