//! Parameters that must say the same in both regions.
//!
//! What belongs to one region is in its own stack. What both must agree on is written here, to both, and compared.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging, Tag};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{failed, found};

/// A value with more bytes needs an advanced parameter.
const STANDARD_BYTES_MAX: usize = 4096;
/// The most names that one call takes.
const NAMES_MAX: usize = 10;

/// The parameters.
#[derive(Debug)]
pub struct Parameters {
    /// What is shared.
    pub shared: Shared,
    /// Names and values.
    pub values: BTreeMap<String, String>,
    /// Names whose values are not known before something else is there.
    pub later: Vec<String>,
}

#[async_trait]
impl Reconciler for Parameters {
    fn name(&self) -> &'static str {
        "parameters"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for region in &self.shared.regions {
            let there = self.read(region).await?;
            for (name, value) in &self.values {
                let what = format!("parameter {name}");
                let is = there.get(name);
                if is.is_some() {
                    let tags = self.tags(name, region).await?;
                    if !self.shared.owns(&tags) {
                        return Err(self.shared.not_ours(&what, region));
                    }
                    let missing = self.shared.missing_tags(&tags);
                    if !missing.is_empty() {
                        let act = tag(self.shared.clone(), region.clone(), name.clone(), missing);
                        all.push(Difference::new(Change, region, &what, "tags").by(act));
                    }
                }
                if is == Some(value) {
                    continue;
                }
                let (change, detail) = match is {
                    None => (Add, shortened(value)),
                    Some(is) => (Change, format!("{} -> {}", shortened(is), shortened(value))),
                };
                let act = put(
                    self.shared.clone(),
                    region.clone(),
                    name.clone(),
                    value.clone(),
                    is.is_some(),
                );
                all.push(Difference::new(change, region, what, detail).by(act));
            }
            for name in self.later.iter().filter(|name| !there.contains_key(*name)) {
                let what = format!("parameter {name}");
                all.push(Difference::new(Add, region, what, "once what it names is there"));
            }
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for region in &self.shared.regions {
            for name in self.read(region).await?.into_keys() {
                if !self.shared.owns(&self.tags(&name, region).await?) {
                    continue;
                }
                let what = format!("parameter {name}");
                let (client, place) = (self.shared.aws.ssm(region), region.clone());
                let act = async move {
                    let answer = client.delete_parameter().name(name).send().await;
                    answer.map_err(failed("ssm:DeleteParameter", &place))?;
                    Ok(())
                };
                left.remove.push(Difference::new(Remove, region, what, "").by(act));
            }
        }
        Ok(left)
    }
}

impl Parameters {
    /// What a region has of them.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn read(&self, region: &RegionName) -> Result<BTreeMap<String, String>, Trouble> {
        let client = self.shared.aws.ssm(region);
        let names: Vec<&String> = self.values.keys().chain(&self.later).collect();
        let mut there = BTreeMap::new();
        for some in names.chunks(NAMES_MAX) {
            let names = some.iter().map(|name| (*name).clone()).collect();
            let answer = client
                .get_parameters()
                .set_names(Some(names))
                .with_decryption(false)
                .send()
                .await;
            let answer = answer.map_err(failed("ssm:GetParameters", region))?;
            let found = answer.parameters.unwrap_or_default().into_iter();
            there.extend(found.filter_map(|parameter| Some((parameter.name?, parameter.value?))));
        }
        Ok(there)
    }

    async fn tags(&self, name: &str, region: &RegionName) -> Result<BTreeMap<String, String>, Trouble> {
        let client = self.shared.aws.ssm(region);
        let call = client
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name);
        let answer = found(
            call.send().await,
            &["InvalidResourceId"],
            "ssm:ListTagsForResource",
            region,
        )?;
        let tags = answer.and_then(|answer| answer.tag_list).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}

async fn put(shared: Shared, region: RegionName, name: String, value: String, there: bool) -> Result<(), Trouble> {
    let client = shared.aws.ssm(&region);
    let tier = if value.len() > STANDARD_BYTES_MAX {
        ParameterTier::Advanced
    } else {
        ParameterTier::Standard
    };
    let call = client
        .put_parameter()
        .name(name)
        .value(value)
        .r#type(ParameterType::String)
        .tier(tier)
        .overwrite(there);
    // Tags can only be given to a new one.
    let tags = built(shared.each_tag())?;
    let call = call.set_tags((!there).then_some(tags));
    call.send().await.map_err(failed("ssm:PutParameter", &region))?;
    Ok(())
}

async fn tag(shared: Shared, region: RegionName, name: String, tags: Vec<(String, String)>) -> Result<(), Trouble> {
    let call = shared.aws.ssm(&region).add_tags_to_resource();
    let call = call.resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
    let call = call.set_tags(Some(built(tags)?));
    call.send().await.map_err(failed("ssm:AddTagsToResource", &region))?;
    Ok(())
}

fn built(tags: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Tag>, Trouble> {
    let tags = tags.into_iter();
    let tags: Result<Vec<Tag>, _> = tags
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    Ok(tags?)
}

/// Enough of a value to tell it from another one.
fn shortened(value: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    let mut short: String = value.chars().take(CHARACTERS_MAX).collect();
    if value.chars().count() > CHARACTERS_MAX {
        short.push('…');
    }
    short
}
