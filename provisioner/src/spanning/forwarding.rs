//! Events that are told to the other region: one rule on each side.
//!
//! A rule takes only what originated in its own region. Otherwise the two rules would send each event back and forth for
//! ever. The engine's own events are left out: it tells both regions itself.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::{DeadLetterConfig, RetryPolicy, RuleState, Tag, Target};
use serde_json::{Value, json};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove};
use super::switches::partition;
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};

const ABSENT: &[&str] = &["ResourceNotFoundException"];
const TARGET: &str = "other-region";
/// What is older is of no use to an engine that must be done within 60 s. EventBridge takes 60 to 86,400.
const AGE_MAX_S: i32 = 300;
/// The most that EventBridge takes: the age decides.
const TRIES_MAX: i32 = 185;
/// Alarms, databases, AWS Health, executions of the state machines, parameters.
const SOURCES: [&str; 5] = ["aws.cloudwatch", "aws.rds", "aws.health", "aws.states", "aws.ssm"];

/// Forwarding.
#[derive(Debug)]
pub struct Forwarding {
    /// What is shared.
    pub shared: Shared,
    /// The rules' names, home and away.
    pub rules: [String; 2],
    /// The roles by which a rule may put events there; none: not known before they are there.
    pub roles: [Option<String>; 2],
    /// The queues for what could not be told; none: not known before they are there.
    pub dead_letters: [Option<String>; 2],
}

#[async_trait]
impl Reconciler for Forwarding {
    fn name(&self) -> &'static str {
        "forwarding"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for index in 0..2 {
            self.rule(index, &mut all).await?;
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for index in 0..2 {
            let region = &self.shared.regions[index];
            if self.read(index).await?.is_none() || !self.shared.owns(&self.tags(index).await?) {
                continue;
            }
            let what = format!("rule {}", self.rules[index]);
            // A rule with a target cannot go, whoever gave it that target.
            let ids = self.targets(index).await?.into_iter().map(|target| target.id);
            let ids: Vec<String> = ids.collect();
            let targets = !ids.is_empty();
            if targets {
                let act = drop_targets(self.client(index), self.rules[index].clone(), ids, region.clone());
                left.remove
                    .push(Difference::new(Remove, region, &what, "its targets").by(act));
            }
            let (client, rule, place) = (self.client(index), self.rules[index].clone(), region.clone());
            let act = async move {
                let answer = client.delete_rule().name(rule).send().await;
                answer.map_err(failed("events:DeleteRule", &place))?;
                Ok(())
            };
            left.remove
                .push(Difference::new(Remove, region, what, "").by_if(!targets, act));
        }
        Ok(left)
    }
}

/// What is there of a rule.
#[derive(Debug)]
struct Rule {
    pattern: Value,
    enabled: bool,
}

impl Forwarding {
    fn client(&self, index: usize) -> Client {
        self.shared.aws.eventbridge(&self.shared.regions[index])
    }

    fn rule_arn(&self, index: usize) -> String {
        let region = &self.shared.regions[index];
        let (partition, account, rule) = (partition(region), &self.shared.account, &self.rules[index]);
        format!("arn:{partition}:events:{region}:{account}:rule/{rule}")
    }

    fn pattern(&self, index: usize) -> Value {
        json!({
            "account": [self.shared.account],
            "region": [self.shared.regions[index].as_str()],
            "source": SOURCES,
        })
    }

    async fn read(&self, index: usize) -> Result<Option<Rule>, Trouble> {
        let answer = self.client(index).describe_rule().name(&self.rules[index]).send().await;
        let answer = found(answer, ABSENT, "events:DescribeRule", &self.shared.regions[index])?;
        Ok(answer.map(|rule| Rule {
            pattern: rule
                .event_pattern()
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default(),
            enabled: rule.state() == Some(&RuleState::Enabled),
        }))
    }

    async fn tags(&self, index: usize) -> Result<BTreeMap<String, String>, Trouble> {
        let arn = self.rule_arn(index);
        let answer = self
            .client(index)
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await;
        let answer = found(
            answer,
            ABSENT,
            "events:ListTagsForResource",
            &self.shared.regions[index],
        )?;
        let tags = answer.and_then(|answer| answer.tags).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn targets(&self, index: usize) -> Result<Vec<Target>, Trouble> {
        let answer = self
            .client(index)
            .list_targets_by_rule()
            .rule(&self.rules[index])
            .send()
            .await;
        let answer = found(answer, ABSENT, "events:ListTargetsByRule", &self.shared.regions[index])?;
        Ok(answer.and_then(|answer| answer.targets).unwrap_or_default())
    }

    async fn rule(&self, index: usize, all: &mut Vec<Difference>) -> Result<(), Trouble> {
        let region = &self.shared.regions[index];
        let other = &self.shared.regions[1 - index];
        let what = format!("rule {}", self.rules[index]);
        let pattern = self.pattern(index);
        let rule = self.read(index).await?;
        if let Some(rule) = &rule {
            let tags = self.tags(index).await?;
            if !self.shared.owns(&tags) {
                return Err(self.shared.not_ours(&what, region));
            }
            let missing = self.shared.missing_tags(&tags);
            if !missing.is_empty() {
                let act = tag(self.client(index), self.rule_arn(index), missing, region.clone());
                all.push(Difference::new(Change, region, &what, "tags").by(act));
            }
            if rule.pattern != pattern || !rule.enabled {
                let act = put(
                    self.client(index),
                    self.rules[index].clone(),
                    pattern,
                    None,
                    region.clone(),
                );
                all.push(Difference::new(Change, region, &what, "what it forwards").by(act));
            }
        } else {
            let tags = Some(self.shared.each_tag().collect());
            let act = put(
                self.client(index),
                self.rules[index].clone(),
                pattern,
                tags,
                region.clone(),
            );
            all.push(Difference::new(Add, region, &what, format!("{} to {other}", SOURCES.join(", "))).by(act));
        }
        let account = &self.shared.account;
        let bus = format!("arn:{}:events:{other}:{account}:event-bus/default", partition(region));
        let targets = self.targets(index).await?;
        let (role, letters) = (self.roles[index].clone(), self.dead_letters[index].clone());
        let fits = |target: &Target| {
            target.id() == TARGET
                && target.arn() == bus
                && (role.is_none() || target.role_arn() == role.as_deref())
                && (letters.is_none() || letters_of(target) == letters.as_deref())
                && target.retry_policy() == Some(&patience())
                // An event is told as it is.
                && target.input().is_none()
                && target.input_path().is_none()
                && target.input_transformer().is_none()
        };
        // The rule is ours: so is what hears of it.
        for other in targets.iter().filter(|target| target.id() != TARGET) {
            let ids = vec![other.id().to_owned()];
            let act = drop_targets(self.client(index), self.rules[index].clone(), ids, region.clone());
            let detail = format!("a target that is not ours: {}, {}", other.id(), other.arn());
            all.push(Difference::new(Remove, region, &what, detail).by(act));
        }
        if !targets.iter().any(fits) {
            let ready = rule.is_some() && role.is_some() && letters.is_some();
            let target = Target::builder()
                .id(TARGET)
                .arn(bus)
                .set_role_arn(role)
                .retry_policy(patience())
                .dead_letter_config(DeadLetterConfig::builder().set_arn(letters).build())
                .build()?;
            let act = aim(self.client(index), self.rules[index].clone(), target, region.clone());
            let change = if targets.iter().any(|target| target.id() == TARGET) {
                Change
            } else {
                Add
            };
            let detail = format!("its target, the bus of {other}");
            all.push(Difference::new(change, region, what, detail).by_if(ready, act));
        }
        Ok(())
    }
}

async fn put(
    client: Client,
    rule: String,
    pattern: Value,
    tags: Option<Vec<(String, String)>>,
    region: RegionName,
) -> Result<(), Trouble> {
    let tags = tags.map(built).transpose()?;
    let call = client
        .put_rule()
        .name(rule)
        .description("What happens here is told to the other region")
        .event_pattern(pattern.to_string())
        .state(RuleState::Enabled)
        .set_tags(tags);
    call.send().await.map_err(failed("events:PutRule", &region))?;
    Ok(())
}

async fn tag(client: Client, arn: String, tags: Vec<(String, String)>, region: RegionName) -> Result<(), Trouble> {
    let call = client.tag_resource().resource_arn(arn).set_tags(Some(built(tags)?));
    call.send().await.map_err(failed("events:TagResource", &region))?;
    Ok(())
}

fn built(tags: Vec<(String, String)>) -> Result<Vec<Tag>, Trouble> {
    let tags = tags.into_iter();
    let tags: Result<_, _> = tags
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    tags.map_err(|why| Trouble::own(TroubleKind::Unfit, why.to_string()))
}

fn patience() -> RetryPolicy {
    RetryPolicy::builder()
        .maximum_event_age_in_seconds(AGE_MAX_S)
        .maximum_retry_attempts(TRIES_MAX)
        .build()
}

/// Where a target's undeliverable events go.
fn letters_of(target: &Target) -> Option<&str> {
    target.dead_letter_config()?.arn()
}

async fn drop_targets(client: Client, rule: String, ids: Vec<String>, region: RegionName) -> Result<(), Trouble> {
    let answer = client.remove_targets().rule(rule).set_ids(Some(ids)).send().await;
    let answer = answer.map_err(failed("events:RemoveTargets", &region))?;
    match answer.failed_entries().first() {
        None => Ok(()),
        Some(entry) => Err(Trouble::of(
            "events:RemoveTargets",
            region.as_str(),
            entry.error_code().unwrap_or_default(),
            entry.error_message().unwrap_or_default(),
        )),
    }
}

async fn aim(client: Client, rule: String, target: Target, region: RegionName) -> Result<(), Trouble> {
    let answer = client.put_targets().rule(rule).targets(target).send().await;
    let answer = answer.map_err(failed("events:PutTargets", &region))?;
    match answer.failed_entries().first() {
        None => Ok(()),
        Some(entry) => Err(Trouble::of(
            "events:PutTargets",
            region.as_str(),
            entry.error_code().unwrap_or_default(),
            entry.error_message().unwrap_or_default(),
        )),
    }
}
