//! Planning: what `apply` would change, in both regions, as one preview.

use std::fmt::Write as _;

use serde::Serialize;

use super::apply::obsolete;
use super::leave_out::LeftOut;
use super::parts;
use super::progress::sign;
use super::world::World;
use crate::aws::Trouble;
use crate::aws::trouble::TroubleKind;
use crate::spanning::{ChangeKind, Next};

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
            Ok(changes) => plan.changes.extend(changes.into_iter().map(|change| Line {
                part: stack.name.clone(),
                region: stack.region.to_string(),
                change: change.change,
                what: format!("{} {}", change.kind, change.resource),
                detail: change.detail,
                risk: change.risk,
            })),
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
