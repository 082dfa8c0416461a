//! Drift: what somebody changed by hand, in the stacks and in what spans regions.
//!
//! Roles are no drift. Whoever writes after a failover is what the lease says, and no file says otherwise.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_cloudformation::types::{StackDriftDetectionStatus, StackResourceDriftStatus};
use serde::Serialize;
use tokio::time::Instant;

use super::apply::obsolete;
use super::parts;
use super::stacks::{Standing, is_protected};
use super::world::World;
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};
use crate::templates::Stack;

/// One thing that drifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drifted {
    /// The stack or the reconciler.
    pub part: String,
    /// Where.
    pub region: String,
    /// The resource.
    pub what: String,
    /// In what.
    pub detail: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What drifted.
    pub drifted: Vec<Drifted>,
    /// Stacks that could not be looked at, and why.
    pub untold: Vec<String>,
}

/// Looks for drift.
///
/// # Errors
/// When AWS does not tell.
pub async fn drift(world: &World) -> Result<Drift, Trouble> {
    world.reachable().await?;
    let mut drift = Drift::default();
    for (stack, found) in futures_util::future::join_all(
        world
            .platform
            .stacks
            .iter()
            .map(async |stack| (stack, of_stack(world, stack).await)),
    )
    .await
    {
        match found {
            Ok(drifted) => drift.drifted.extend(drifted),
            Err(trouble) if matches!(trouble.kind, TroubleKind::Credentials | TroubleKind::Unreachable) => {
                return Err(trouble);
            }
            Err(trouble) => drift.untold.push(format!("{}: {trouble}", stack.name)),
        }
    }
    for (region, name) in obsolete(world).await? {
        drift.drifted.push(Drifted {
            what: format!("stack {name}"),
            part: name,
            region: region.to_string(),
            detail: "the files no longer ask for it: `apply` removes it".to_owned(),
        });
    }
    let left = world.left_behind().await?.into_iter();
    drift.drifted.extend(left.map(|kept| Drifted {
        part: "domain".to_owned(),
        region: kept.region,
        what: kept.what,
        detail: kept.why,
    }));
    let exports = world.exports().await?;
    for name in parts::ALL {
        let Some(part) = world.part(name, &exports).await? else {
            continue;
        };
        match part.differences().await {
            Ok(differences) => drift.drifted.extend(differences.into_iter().map(|difference| Drifted {
                part: name.to_owned(),
                region: difference.region,
                what: difference.what,
                detail: difference.detail,
            })),
            Err(trouble) if trouble.kind == TroubleKind::Refused => drift.untold.push(trouble.to_string()),
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(drift)
}

async fn of_stack(world: &World, stack: &Stack) -> Result<Vec<Drifted>, Trouble> {
    let Stack { region, name, .. } = stack;
    let line = |what: String, detail: String| Drifted {
        part: name.clone(),
        region: region.to_string(),
        what,
        detail,
    };
    let (standing, found) = world.stacks().look(region, name).await?;
    if standing == Standing::Absent {
        return Ok(vec![line(format!("stack {name}"), "is not there".to_owned())]);
    }
    let mut drifted = Vec::new();
    if !found.as_ref().is_none_or(is_protected) {
        let detail = "is not protected against deletion".to_owned();
        drifted.push(line(format!("stack {name}"), detail));
    }
    let client = world.shared.aws.cloudformation(region);
    let started = client.detect_stack_drift().stack_name(name).send().await;
    let started = started.map_err(failed("cloudformation:DetectStackDrift", region))?;
    let id = started.stack_drift_detection_id().unwrap_or_default();
    let began = Instant::now();
    loop {
        let call = client
            .describe_stack_drift_detection_status()
            .stack_drift_detection_id(id);
        let answer = call.send().await;
        let answer = answer.map_err(failed("cloudformation:DescribeStackDriftDetectionStatus", region))?;
        match answer.detection_status() {
            Some(StackDriftDetectionStatus::DetectionInProgress) => {}
            // What cannot be compared is left out; the rest is told all the same.
            _ => break,
        }
        if began.elapsed() > world.patience.wait_max {
            return Err(Trouble::own(
                TroubleKind::TooLong,
                format!("looking for drift in {name} takes too long"),
            ));
        }
        tokio::time::sleep(world.patience.look_every.min(Duration::from_secs(3))).await;
    }
    let mut token = None;
    loop {
        let answer = client
            .describe_stack_resource_drifts()
            .stack_name(name)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Modified)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted)
            .set_next_token(token)
            .send()
            .await
            .map_err(failed("cloudformation:DescribeStackResourceDrifts", region))?;
        for found in answer.stack_resource_drifts() {
            let what = format!(
                "{} {}",
                found.resource_type().unwrap_or_default(),
                found.logical_resource_id().unwrap_or_default()
            );
            let detail = if found.stack_resource_drift_status() == Some(&StackResourceDriftStatus::Deleted) {
                "is gone".to_owned()
            } else {
                let differences = found.property_differences().iter();
                let differences: Vec<String> = differences
                    .map(|difference| {
                        format!(
                            "{}: {} -> {}",
                            difference.property_path().unwrap_or_default(),
                            difference.expected_value().unwrap_or_default(),
                            difference.actual_value().unwrap_or_default()
                        )
                    })
                    .collect();
                differences.join(", ")
            };
            drifted.push(line(what, detail));
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(drifted);
        }
    }
}

impl Drift {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Drifted {
            part,
            region,
            what,
            detail,
        } in &self.drifted
        {
            let _ = writeln!(text, "{part}: {what} in {region}: {detail}");
        }
        for untold in &self.untold {
            let _ = writeln!(text, "not known: {untold}");
        }
        let _ = match self.drifted.len() {
            0 => writeln!(text, "nothing drifted"),
            1 => writeln!(
                text,
                "1 thing drifted; `apply` brings back what spans regions, and see the stack for the rest"
            ),
            many => writeln!(
                text,
                "{many} things drifted; `apply` brings back what spans regions, and see the stacks for the rest"
            ),
        };
        text
    }
}
