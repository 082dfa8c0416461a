//! Route 53's health checks.
//!
//! The PRIMARY record follows a calculated check: all of two inverted switches. A switch matches only while it is engaged,
//! so a switch that is lost moves nothing, and either one alone holds traffic away. The endpoint checks of both regions are
//! witnesses: they are attached to no record unless the policy says so.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{HealthCheck, HealthCheckConfig, HealthCheckType, TagResourceType};

use super::ChangeKind::{Add, Change, Remove, Replace};
use super::hosted::{reference, tag, tags_of};
use super::{Difference, GLOBAL, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::failed;

/// What a check asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A web answer that must hold a text.
    Text {
        /// The host.
        host: String,
        /// The path.
        path: String,
        /// The text.
        text: String,
        /// Healthy if it does not.
        inverted: bool,
    },
    /// All of these checks, by name.
    All(Vec<String>),
    /// A routing control of ARC.
    RoutingControl(String),
}

/// One check.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub asks: Asks,
}

/// The checks; those that others are made of come first.
#[derive(Debug)]
pub struct Checks {
    /// What is shared.
    pub shared: Shared,
    /// What should be.
    pub checks: Vec<Check>,
    /// Seconds between two requests of one checker: 10 or 30.
    pub interval_s: i32,
    /// Failures in a row after which an endpoint is unhealthy.
    pub failures: i32,
}

#[async_trait]
impl Reconciler for Checks {
    fn name(&self) -> &'static str {
        "health checks"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let found = self.find().await?;
        let mut all = Vec::new();
        for check in &self.checks {
            self.check(check, &found, &mut all).await?;
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let found = self.find().await?;
        let mut left = Leftovers::default();
        let mut before = false;
        // A check that another one is made of cannot go before it.
        for check in self.checks.iter().rev() {
            if let Some(there) = found.get(&check.name) {
                let composed = matches!(check.asks, Asks::All(_));
                if !self.may_be_ours(&self.tags(there).await?) {
                    continue;
                }
                let act = delete(self.client(), there.id().to_owned(), self.shared.clone());
                let gone = Difference::new(Remove, GLOBAL, format!("health check {}", check.name), "");
                left.remove.push(gone.by_if(!before, act));
                before |= composed;
            }
        }
        Ok(left)
    }
}

impl Checks {
    fn client(&self) -> Client {
        self.shared.aws.route53(&self.shared.regions[0])
    }

    /// The id of a check by its name, if it is there.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn id(&self, name: &str) -> Result<Option<String>, Trouble> {
        Ok(self.find().await?.get(name).map(|check| check.id().to_owned()))
    }

    /// Ours, by name. The reference is chosen by who makes it, so it tells even before the tags are there.
    async fn find(&self) -> Result<BTreeMap<String, HealthCheck>, Trouble> {
        let client = self.client();
        let pages = client.list_health_checks().into_paginator();
        let all: Result<Vec<HealthCheck>, _> = pages.items().send().collect().await;
        let all = all.map_err(failed("route53:ListHealthChecks", &self.shared.regions[0]))?;
        let mut found = BTreeMap::new();
        for check in all {
            let name = check
                .caller_reference()
                .rsplit_once("-at-")
                .map(|(name, _)| name.to_owned());
            if let Some(name) = name.filter(|name| self.checks.iter().any(|check| check.name == *name)) {
                found.entry(name).or_insert(check);
            }
        }
        Ok(found)
    }

    async fn tags(&self, check: &HealthCheck) -> Result<BTreeMap<String, String>, Trouble> {
        tags_of(&self.client(), TagResourceType::Healthcheck, check.id(), &self.shared).await
    }

    /// One without tags is one whose making was interrupted.
    fn may_be_ours(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.is_empty() || self.shared.owns(tags)
    }

    async fn check(
        &self,
        check: &Check,
        found: &BTreeMap<String, HealthCheck>,
        all: &mut Vec<Difference>,
    ) -> Result<(), Trouble> {
        let what = format!("health check {}", check.name);
        let config = self.config(check, found)?;
        let Some(there) = found.get(&check.name) else {
            let ready = config.is_some();
            let act = create(self.client(), check.name.clone(), config, self.shared.clone());
            all.push(Difference::new(Add, GLOBAL, what, described(&check.asks)).by_if(ready, act));
            return Ok(());
        };
        let tags = self.tags(there).await?;
        if !self.may_be_ours(&tags) {
            let what = format!("the {what} ({})", there.id());
            return Err(self.shared.not_ours(&what, &self.shared.regions[0]));
        }
        if let (Some(config), Some(is)) = (&config, there.health_check_config()) {
            let wrong = different(config, is);
            let fixed = config.r#type() != is.r#type() || config.request_interval() != is.request_interval();
            if fixed {
                let act = delete(self.client(), there.id().to_owned(), self.shared.clone());
                all.push(
                    Difference::new(Replace, GLOBAL, &what, "its kind or interval")
                        .risky("the record has no health in between")
                        .by(act),
                );
            } else if !wrong.is_empty() {
                let act = update(
                    self.client(),
                    there.id().to_owned(),
                    config.clone(),
                    self.shared.clone(),
                );
                all.push(Difference::new(Change, GLOBAL, &what, wrong.join(", ")).by(act));
            }
        }
        let mut missing = self.shared.missing_tags(&tags);
        if tags.get("Name") != Some(&check.name) {
            missing.push(("Name".to_owned(), check.name.clone()));
        }
        if !missing.is_empty() {
            let id = there.id().to_owned();
            let act = tag(TagResourceType::Healthcheck, id, missing, self.shared.clone());
            all.push(Difference::new(Change, GLOBAL, what, "tags").by(act));
        }
        Ok(())
    }

    /// None: a check that it is made of is not there yet.
    fn config(
        &self,
        check: &Check,
        found: &BTreeMap<String, HealthCheck>,
    ) -> Result<Option<HealthCheckConfig>, Trouble> {
        let config = HealthCheckConfig::builder();
        let config = match &check.asks {
            Asks::Text {
                host,
                path,
                text,
                inverted,
            } => config
                .r#type(HealthCheckType::HttpsStrMatch)
                .fully_qualified_domain_name(host)
                .port(443)
                .resource_path(path)
                .search_string(text)
                .enable_sni(true)
                .request_interval(self.interval_s)
                .failure_threshold(if *inverted { 1 } else { self.failures })
                .inverted(*inverted),
            Asks::All(names) => {
                let ids: Option<Vec<String>> = names
                    .iter()
                    .map(|name| found.get(name).map(|check| check.id().to_owned()))
                    .collect();
                let Some(ids) = ids else {
                    return Ok(None);
                };
                let all = i32::try_from(ids.len()).unwrap_or(i32::MAX);
                config
                    .r#type(HealthCheckType::Calculated)
                    .health_threshold(all)
                    .set_child_health_checks(Some(ids))
            }
            Asks::RoutingControl(arn) => config.r#type(HealthCheckType::RecoveryControl).routing_control_arn(arn),
        };
        let config = config.build();
        Ok(Some(config?))
    }
}

fn described(asks: &Asks) -> String {
    match asks {
        Asks::Text {
            host,
            path,
            text,
            inverted,
        } => {
            let when = if *inverted { "unhealthy" } else { "healthy" };
            format!("{when} while https://{host}{path} answers {text}")
        }
        Asks::All(names) => format!("all of {}", names.join(", ")),
        Asks::RoutingControl(arn) => format!("follows {arn}"),
    }
}

/// In what two checks of one kind differ.
fn different(wanted: &HealthCheckConfig, is: &HealthCheckConfig) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |name: &str, wanted: Option<String>, is: Option<String>| {
        if wanted.is_some() && wanted != is {
            wrong.push(format!(
                "{name} {} -> {}",
                is.unwrap_or_default(),
                wanted.unwrap_or_default()
            ));
        }
    };
    let text = |text: Option<&str>| text.map(str::to_owned);
    compare(
        "host",
        text(wanted.fully_qualified_domain_name()),
        text(is.fully_qualified_domain_name()),
    );
    let number = |number: Option<i32>| number.map(|number| number.to_string());
    compare("port", number(wanted.port()), number(is.port()));
    compare("path", text(wanted.resource_path()), text(is.resource_path()));
    compare("text", text(wanted.search_string()), text(is.search_string()));
    compare(
        "threshold",
        number(wanted.failure_threshold()),
        number(is.failure_threshold()),
    );
    compare("of", number(wanted.health_threshold()), number(is.health_threshold()));
    // An emulator may not keep these: what is not answered is not compared.
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    if is.inverted().is_some() {
        compare("inverted", flag(wanted.inverted()), flag(is.inverted()));
    }
    if is.enable_sni().is_some() {
        compare("names its host (SNI)", flag(wanted.enable_sni()), flag(is.enable_sni()));
    }
    let children = |config: &HealthCheckConfig| {
        let mut ids = config.child_health_checks().to_vec();
        ids.sort_unstable();
        (!ids.is_empty()).then(|| ids.join(" "))
    };
    if is.child_health_checks().iter().any(|id| !id.is_empty()) {
        compare("parts", children(wanted), children(is));
    }
    // A check that is off counts as healthy: a switch would hold nothing away any more.
    if is.disabled() == Some(true) {
        wrong.push("it is off".to_owned());
    }
    wrong
}

async fn create(
    client: Client,
    name: String,
    config: Option<HealthCheckConfig>,
    shared: Shared,
) -> Result<(), Trouble> {
    let call = client
        .create_health_check()
        .caller_reference(reference(&name))
        .set_health_check_config(config);
    let made = call
        .send()
        .await
        .map_err(failed("route53:CreateHealthCheck", &shared.regions[0]))?;
    let id = made.health_check.map(|check| check.id).unwrap_or_default();
    let tags = shared.each_tag().chain([("Name".to_owned(), name)]).collect();
    tag(TagResourceType::Healthcheck, id, tags, shared).await
}

async fn delete(client: Client, id: String, shared: Shared) -> Result<(), Trouble> {
    let answer = client.delete_health_check().health_check_id(id).send().await;
    answer.map_err(failed("route53:DeleteHealthCheck", &shared.regions[0]))?;
    Ok(())
}

async fn update(client: Client, id: String, config: HealthCheckConfig, shared: Shared) -> Result<(), Trouble> {
    let call = client
        .update_health_check()
        .health_check_id(id)
        .set_fully_qualified_domain_name(config.fully_qualified_domain_name)
        .set_port(config.port)
        .set_enable_sni(config.enable_sni)
        .disabled(false)
        .set_resource_path(config.resource_path)
        .set_search_string(config.search_string)
        .set_failure_threshold(config.failure_threshold)
        .set_inverted(config.inverted)
        .set_health_threshold(config.health_threshold)
        .set_child_health_checks(config.child_health_checks);
    call.send()
        .await
        .map_err(failed("route53:UpdateHealthCheck", &shared.regions[0]))?;
    Ok(())
}
