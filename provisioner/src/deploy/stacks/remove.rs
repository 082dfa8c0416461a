//! Deleting stacks.

use understudy_policies::model::RegionName;

use super::{Follow, Stacks, Standing};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};

/// Asks for a stack's deletion. `retain` are resources that stay.
///
/// # Errors
/// When CloudFormation refuses.
pub async fn delete(stacks: &Stacks, region: &RegionName, name: &str, retain: &[String]) -> Result<(), Trouble> {
    let client = stacks.client(region);
    let call = client
        .update_termination_protection()
        .stack_name(name)
        .enable_termination_protection(false);
    call.send()
        .await
        .map_err(failed("cloudformation:UpdateTerminationProtection", region))?;
    let call = client
        .delete_stack()
        .stack_name(name)
        .set_retain_resources((!retain.is_empty()).then(|| retain.to_vec()));
    call.send()
        .await
        .map_err(failed("cloudformation:DeleteStack", region))?;
    Ok(())
}

/// Whether a stack of ours is there.
///
/// # Errors
/// When AWS does not tell. Somebody else's stack counts as none.
pub async fn still_there(stacks: &Stacks, region: &RegionName, name: &str) -> Result<bool, Trouble> {
    match stacks.look(region, name).await {
        Ok((standing, _)) => Ok(standing != Standing::Absent),
        Err(trouble) if trouble.kind == TroubleKind::NotOurs => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

impl Stacks {
    /// Deletes a stack, and waits until it is gone.
    ///
    /// # Errors
    /// With the first resource that could not be deleted.
    pub async fn remove(&self, region: &RegionName, name: &str, follow: &mut Follow<'_>) -> Result<(), Trouble> {
        if !still_there(self, region, name).await? {
            return Ok(());
        }
        follow.begin(&self.client(region), region, name).await?;
        if self.settled(region, name, follow).await? == Standing::Absent {
            return Ok(());
        }
        delete(self, region, name, &[]).await?;
        tokio::time::sleep(self.patience.look_every.min(std::time::Duration::from_secs(1))).await;
        match self.settled(region, name, follow).await? {
            Standing::Absent => Ok(()),
            _ => Err(self.explained_deletion(region, name, follow)),
        }
    }

    fn explained_deletion(&self, region: &RegionName, name: &str, follow: &Follow<'_>) -> Trouble {
        let cause = follow.failure.as_ref().map_or_else(
            || "see its events in the console".to_owned(),
            |event| format!("{} ({}): {}", event.resource, event.kind, event.reason),
        );
        Trouble::own(
            TroubleKind::Call,
            format!(
                "the stack {name} in {region} is not deleted: {cause}; mend that, and run the same command again: it goes on \
                 where it stopped"
            ),
        )
    }
}
