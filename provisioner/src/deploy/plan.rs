//! Planning: what `apply` would change, in both regions, as one preview.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::apply::obsolete;
use super::leave_out::LeftOut;
use super::parts;
use super::progress::sign;
use super::stacks::{StackChange, still_there};
use super::world::World;
use crate::aws::Trouble;
use crate::aws::trouble::TroubleKind;
use crate::spanning::{ChangeKind, Next};
use crate::templates::Stack;

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The stack or the reconciler.
    pub part: String,
    /// Where; `global` for what has no region.
    pub region: String,
    /// What happens.
    pub change: ChangeKind,
    /// The resource.
    pub what: String,
    /// In what it differs.
    pub detail: String,
    /// Why it deserves a second look.
    pub risk: Option<String>,
}

/// Something that would not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The stack or the reconciler.
    pub part: String,
    /// Why, and what to do.
    pub why: String,
}

/// A plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What would change.
    pub changes: Vec<Line>,
    /// What would be refused.
    pub held: Vec<Held>,
    /// What is left out, because an emulator lacks its type.
    pub left_out: Vec<LeftOut>,
}

/// Makes a plan. Changes nothing, and leaves nothing behind.
///
/// # Errors
/// When AWS does not tell.
pub async fn plan(world: &World) -> Result<Plan, Trouble> {
    world.reachable().await?;
    let mut plan = Plan {
        left_out: world.left_out.clone(),
        ..Plan::default()
    };
    if let Some(trouble) = world.situation().await?.held_back(&world.shared) {
        plan.hold("everything", &trouble);
    }
    if let Some(trouble) = world.domain_left_behind().await? {
        plan.hold("domain", &trouble);
    }
    let exports = world.exports().await?;
    let stacks = world.stacks();
    for stack in &world.platform.stacks {
        match stacks.plan(&world.wanted(stack, &exports)).await {
            Ok(changes) => {
                if let Some(trouble) = held_by_imports(world, stack, &changes).await? {
                    plan.hold(&stack.name, &trouble);
                }
                plan.changes.extend(changes.into_iter().map(|change| Line {
                    part: stack.name.clone(),
                    region: stack.region.to_string(),
                    change: change.change,
                    what: format!("{} {}", change.kind, change.resource),
                    detail: change.detail,
                    risk: change.risk,
                }));
            }
            Err(trouble) => plan.hold_or(&stack.name, trouble)?,
        }
    }
    for (region, name) in obsolete(world).await? {
        plan.changes.push(Line {
            part: name.clone(),
            region: region.to_string(),
            change: ChangeKind::Remove,
            what: format!("stack {name}"),
            detail: "the files no longer ask for it".to_owned(),
            risk: Some("with everything in it".to_owned()),
        });
    }
    for name in parts::ALL {
        let differences = async {
            match world.part(name, &exports).await? {
                Some(part) => part.differences().await,
                None => Ok(Vec::new()),
            }
        };
        match differences.await {
            Ok(differences) => {
                for difference in differences {
                    if let Next::Refuse(trouble) = &difference.next {
                        plan.hold(name, trouble);
                    }
                    plan.changes.push(Line {
                        part: name.to_owned(),
                        region: difference.region,
                        change: difference.change,
                        what: difference.what,
                        detail: difference.detail,
                        risk: difference.risk,
                    });
                }
            }
            Err(trouble) => plan.hold_or(name, trouble)?,
        }
    }
    Ok(plan)
}

/// Why CloudFormation would refuse the changes of a stack: it keeps the value of an export for as long as another stack imports it.
async fn held_by_imports(world: &World, stack: &Stack, changes: &[StackChange]) -> Result<Option<Trouble>, Trouble> {
    let exports = exports_replaced(stack, changes);
    if exports.is_empty() {
        return Ok(None);
    }
    for other in world
        .platform
        .of(&stack.region)
        .filter(|other| other.name != stack.name)
    {
        let Some(export) = exports.iter().find(|export| imports(&other.template, export)) else {
            continue;
        };
        if still_there(&world.stacks(), &stack.region, &other.name).await? {
            let said = format!(
                "{} replaces what it exports as {export}, and {} imports that: CloudFormation refuses to change it while it is \
                 in use. Take the change back; a platform with other addresses, zones or keys is made beside this one, under \
                 another suffix",
                stack.name, other.name
            );
            return Ok(Some(Trouble::refused(said)));
        }
    }
    Ok(None)
}

/// The exports of a stack whose value is another one once its changes are made.
fn exports_replaced<'a>(stack: &'a Stack, changes: &[StackChange]) -> Vec<&'a str> {
    let goes = |id: &str| {
        let mut changes = changes.iter().filter(|change| change.resource == id);
        changes.any(StackChange::surely_goes)
    };
    let outputs = stack.template["Outputs"].as_object().into_iter().flatten();
    let replaced = outputs.filter(|(_, output)| {
        let value = &output["Value"];
        let id = value["Ref"].as_str().or_else(|| value["Fn::GetAtt"][0].as_str());
        id.is_some_and(goes)
    });
    replaced
        .filter_map(|(_, output)| output["Export"]["Name"].as_str())
        .collect()
}

fn imports(value: &Value, export: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| imports(item, export)),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, below)| (key == "Fn::ImportValue" && below == export) || imports(below, export)),
        _ => false,
    }
}

impl Plan {
    fn hold(&mut self, part: &str, trouble: &Trouble) {
        let why = trouble.to_string();
        if !self.held.iter().any(|held| held.why == why) {
            self.held.push(Held {
                part: part.to_owned(),
                why,
            });
        }
    }

    /// What we refuse belongs into the plan; what AWS does not tell leaves none.
    fn hold_or(&mut self, part: &str, trouble: Trouble) -> Result<(), Trouble> {
        match trouble.kind {
            TroubleKind::Refused | TroubleKind::NotOurs | TroubleKind::Unfit => {
                self.hold(part, &trouble);
                Ok(())
            }
            _ => Err(trouble),
        }
    }

    /// How many changes there are of a kind.
    #[must_use]
    pub fn count(&self, change: ChangeKind) -> usize {
        self.changes.iter().filter(|line| line.change == change).count()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut part = "";
        for line in &self.changes {
            if line.part != part {
                part = &line.part;
                let _ = writeln!(text, "{part}");
            }
            let _ = writeln!(
                text,
                "  {} {:<10} {}{}{}",
                sign(line.change),
                line.region,
                line.what,
                if line.detail.is_empty() { "" } else { "  " },
                line.detail
            );
            if let Some(risk) = &line.risk {
                let _ = writeln!(text, "      RISK: {risk}");
            }
        }
        for left_out in &self.left_out {
            let _ = writeln!(
                text,
                "LEFT OUT: {} {} of {}",
                left_out.kind, left_out.resource, left_out.stack
            );
        }
        for held in &self.held {
            let _ = writeln!(text, "HELD: {}: {}", held.part, held.why);
        }
        if self.changes.is_empty() && self.held.is_empty() {
            text.push_str("nothing to change: both regions are as the files say\n");
        } else {
            let risky = self.changes.iter().filter(|line| line.risk.is_some()).count();
            let _ = writeln!(
                text,
                "{} to add, {} to change, {} to replace, {} to remove; {risky} marked RISK, {} held",
                self.count(ChangeKind::Add),
                self.count(ChangeKind::Change),
                self.count(ChangeKind::Replace),
                self.count(ChangeKind::Remove),
                self.held.len()
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use understudy_engine::decode::Environment;
    use understudy_policies::shipped;

    use super::*;
    use crate::deployment::Deployment;
    use crate::templates::{Layer, synthesize};

    #[test]
    fn what_replaces_an_export_is_seen() {
        let policy = shipped::trading();
        let deployment = Deployment::example(&policy, &Environment::new("dev1").unwrap()).unwrap();
        let platform = synthesize(&policy, &deployment);
        let stack = platform.stack(&policy.regions.primary, Layer::Network).unwrap();
        let change = |resource: &str, change, detail: &str| StackChange {
            change,
            resource: resource.to_owned(),
            kind: String::new(),
            detail: detail.to_owned(),
            risk: None,
        };
        let replaced = |change: StackChange| exports_replaced(stack, &[change]);
        let subnet = "understudy-dev1-us-east-1-private-subnet-a";
        assert_eq!(
            replaced(change("PrivateSubnetA", ChangeKind::Replace, "CidrBlock")),
            [subnet]
        );
        let none: [&str; 0] = [];
        assert_eq!(replaced(change("PrivateSubnetA", ChangeKind::Change, "Tags")), none);
        // What may only be one is left to CloudFormation.
        assert_eq!(
            replaced(change(
                "PrivateSubnetA",
                ChangeKind::Replace,
                "X (perhaps a replacement)"
            )),
            none
        );
        assert_eq!(
            replaced(change("PrivateRoutesOfSubnetA", ChangeKind::Replace, "SubnetId")),
            none
        );
        let importers = platform
            .of(&stack.region)
            .filter(|other| imports(&other.template, subnet));
        assert!(importers.count() > 2);
    }
}
