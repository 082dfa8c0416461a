//! What a template would change, told by comparing it with the one that a stack was made of.
//!
//! CloudFormation tells more by a change set: whether something is replaced, and what another resource's change leads to. But it
//! takes a template of more than 51,200 bytes from a bucket only, and a plan puts nothing anywhere.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::types::TemplateStage;
use serde_json::{Map, Value};
use understudy_policies::model::RegionName;

use super::changes::at_risk;
use super::{StackChange, Stacks};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};
use crate::spanning::ChangeKind;

/// What only a change set tells.
const NOT_TOLD: &str =
    "whether by a new one is not known: the template is too large to ask without putting it into a bucket";

impl Stacks {
    /// The template that a stack was made of.
    ///
    /// # Errors
    /// When AWS does not tell, or it is none of ours.
    pub async fn template(&self, region: &RegionName, name: &str) -> Result<Value, Trouble> {
        let call = self.client(region).get_template().stack_name(name);
        let answer = call.template_stage(TemplateStage::Original).send().await;
        let answer = answer.map_err(failed("cloudformation:GetTemplate", region))?;
        serde_json::from_str(answer.template_body().unwrap_or_default()).map_err(|why| {
            Trouble::own(
                TroubleKind::Unfit,
                format!("the template of the stack {name} in {region} is none that this program has sent: {why}"),
            )
        })
    }
}

/// What differs between two templates, resource by resource.
#[must_use]
pub fn compared(before: &Value, after: &Value) -> Vec<StackChange> {
    let none = Map::new();
    let [old, new] = [before, after].map(|template| template["Resources"].as_object().unwrap_or(&none));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    ids.into_iter()
        .filter_map(|id| {
            let (change, detail) = match (old.get(id), new.get(id)) {
                (Some(old), Some(new)) if old == new => return None,
                (Some(old), Some(new)) => {
                    let what = properties(old, new).join(", ");
                    let change = if old["Type"] == new["Type"] {
                        ChangeKind::Change
                    } else {
                        ChangeKind::Replace
                    };
                    (change, format!("{what} ({NOT_TOLD})"))
                }
                (None, _) => (ChangeKind::Add, String::new()),
                (Some(_), None) => (ChangeKind::Remove, String::new()),
            };
            let kind = new
                .get(id)
                .or_else(|| old.get(id))
                .map_or(&Value::Null, |one| &one["Type"]);
            let kind = kind.as_str().unwrap_or_default().to_owned();
            let risk = at_risk(change, &kind).or_else(|| {
                (change == ChangeKind::Change)
                    .then_some("perhaps a replacement")
                    .filter(|_| at_risk(ChangeKind::Replace, &kind).is_some())
            });
            Some(StackChange {
                change,
                resource: id.clone(),
                kind,
                detail,
                risk: risk.map(str::to_owned),
            })
        })
        .collect()
}

/// The properties, or other parts, in which a resource differs.
fn properties<'a>(old: &'a Value, new: &'a Value) -> Vec<&'a str> {
    let differ = |old: &'a Map<String, Value>, new: &'a Map<String, Value>| -> Vec<&'a str> {
        let keys: BTreeSet<&'a String> = old.keys().chain(new.keys()).collect();
        let differ = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
        differ.map(String::as_str).collect()
    };
    let inside = |one: &'a Value| one["Properties"].as_object();
    let (old_parts, new_parts) = (old.as_object(), new.as_object());
    let (Some(old_parts), Some(new_parts)) = (old_parts, new_parts) else {
        return Vec::new();
    };
    let mut all = match (inside(old), inside(new)) {
        (Some(old), Some(new)) => differ(old, new),
        _ => Vec::new(),
    };
    all.extend(
        differ(old_parts, new_parts)
            .into_iter()
            .filter(|part| *part != "Properties"),
    );
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told_by_resource_and_property() {
        let queue = |seconds: u32| json!({"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds, "QueueName": "a"}});
        let alarm = json!({"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": 1}});
        let before = json!({"Resources": {"A": queue(1), "B": queue(1), "C": alarm}});
        let after = json!({"Resources": {"A": queue(2), "C": alarm, "D": alarm}});
        let told = compared(&before, &after);
        let of = |id: &str| told.iter().find(|change| change.resource == id);
        assert_eq!(told.len(), 3);
        assert_eq!(of("A").unwrap().change, ChangeKind::Change);
        assert!(
            of("A")
                .unwrap()
                .detail
                .starts_with("VisibilityTimeout (whether by a new one")
        );
        assert!(
            of("A").unwrap().risk.is_some(),
            "a queue that is made anew loses what it holds"
        );
        assert_eq!(of("B").unwrap().change, ChangeKind::Remove);
        assert!(of("B").unwrap().risk.is_some());
        assert_eq!(
            (of("D").unwrap().change, &of("D").unwrap().risk),
            (ChangeKind::Add, &None)
        );
        assert_eq!(compared(&after, &after), []);
    }
}
