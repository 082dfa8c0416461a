//! One environment: what should be, as the files say it, and how AWS is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use crate::aws::trouble::{TroubleKind, failed};
use crate::aws::{Connections, Trouble};
use crate::deployment::{Deployment, Names, Observer, names};
use crate::spanning::situation::{Places, Situation};
use crate::spanning::{Patience, Shared};
use crate::templates::{Platform, Stack, synthesize};

use super::leave_out::{LeftOut, leave_out};
use super::stacks::{Stacks, Wanted};

/// One environment.
#[derive(Debug)]
pub struct World {
    /// What every reconciler needs.
    pub shared: Shared,
    /// What may happen, and how fast.
    pub policy: Policy,
    /// The text that it was read from: sidecars in ECS are started with it.
    pub policy_text: String,
    /// Where, and how large.
    pub deployment: Deployment,
    /// What is called how.
    pub names: Names,
    /// Everything that CloudFormation owns.
    pub platform: Platform,
    /// How long AWS is waited for.
    pub patience: Patience,
    /// What is not made, because an emulator lacks its type.
    pub left_out: Vec<LeftOut>,
    /// A resolver that is asked whether the domain is delegated.
    pub resolver: Option<SocketAddr>,
    /// After a detach: replace the old region's database cluster.
    pub rebuild_standby: bool,
}

/// The witness region's number, after home and away.
pub(super) const WITNESS: usize = 2;

/// What the stacks export: home, away, and in the witness region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exports([BTreeMap<String, String>; 3]);

impl World {
    /// The environment of a policy and a deployment file.
    #[must_use]
    pub fn new(policy: Policy, policy_text: String, deployment: Deployment, aws: Connections) -> Self {
        let names = deployment.names(&policy);
        let platform = synthesize(&policy, &deployment);
        let shared = Shared {
            aws,
            account: deployment.account.clone(),
            regions: [policy.regions.primary.clone(), policy.regions.standby.clone()],
            witness: policy.regions.witness.clone(),
            tags: deployment.all_tags(),
            owner_key: names::OWNER_TAG.to_owned(),
        };
        Self {
            shared,
            policy,
            policy_text,
            deployment,
            names,
            platform,
            patience: Patience::default(),
            left_out: Vec::new(),
            resolver: None,
            rebuild_standby: false,
        }
    }

    /// Leaves out every resource of some types: an emulator's gaps.
    ///
    /// # Errors
    /// Against AWS, which has every type, and for a type that no stack has.
    pub fn leave_out(&mut self, types: &BTreeSet<String>) -> Result<(), Trouble> {
        if !types.is_empty() && !self.shared.aws.is_elsewhere() {
            return Err(Trouble::own(
                TroubleKind::Unfit,
                "nothing is left out against AWS: `--leave-out` is for emulators, with `--endpoint-url`",
            ));
        }
        let known = self.platform.types();
        if let Some(unknown) = types.iter().find(|kind| !known.contains(*kind)) {
            let end = unknown.rsplit("::").next().unwrap_or(unknown);
            let near: Vec<&str> = known
                .iter()
                .filter(|kind| kind.ends_with(end))
                .map(String::as_str)
                .collect();
            let help = match near.as_slice() {
                [] => String::new(),
                near => format!("; did you mean {}?", near.join(" or ")),
            };
            return Err(Trouble::own(
                TroubleKind::Unfit,
                format!("`--leave-out {unknown}`: no stack has a resource of that type{help}"),
            ));
        }
        self.left_out.extend(leave_out(&mut self.platform, types));
        Ok(())
    }

    /// The environment's suffix.
    #[must_use]
    pub fn environment(&self) -> String {
        self.deployment.environment.to_string()
    }

    /// The two regions, home first.
    #[must_use]
    pub const fn regions(&self) -> &[RegionName; 2] {
        &self.shared.regions
    }

    /// A region by its number: home, away, the witness.
    #[must_use]
    pub fn region(&self, index: usize) -> &RegionName {
        self.shared.regions.get(index).unwrap_or(&self.shared.witness)
    }

    /// The regions in which there are stacks: both, and the witness region if the observer runs there.
    #[must_use]
    pub fn inhabited(&self) -> Vec<&RegionName> {
        let mut regions: Vec<&RegionName> = self.regions().iter().collect();
        if self.observer().is_some() {
            regions.push(&self.shared.witness);
        }
        regions
    }

    /// The observer, if it is to run in the witness region.
    #[must_use]
    pub fn observer(&self) -> Option<&Observer> {
        self.deployment.engine.as_ref()?.observer.as_ref()
    }

    /// Stacks, as CloudFormation has them.
    #[must_use]
    pub fn stacks(&self) -> Stacks {
        Stacks {
            shared: self.shared.clone(),
            patience: self.patience,
        }
    }

    /// A stack, as it should be. Large templates go through the region's own bucket, as soon as it is there.
    #[must_use]
    pub fn wanted(&self, stack: &Stack, exports: &Exports) -> Wanted {
        let index = self.regions().iter().position(|region| *region == stack.region);
        Wanted {
            region: stack.region.clone(),
            name: stack.name.clone(),
            template: stack.template.clone(),
            bucket: exports.get(self, index.unwrap_or(WITNESS), "packages-bucket"),
        }
    }

    /// Who writes, and in which epoch.
    ///
    /// # Errors
    /// When nobody tells.
    pub async fn situation(&self) -> Result<Situation, Trouble> {
        let places = Places {
            lease_table: self.names.lease_table(),
            clusters: self.regions().each_ref().map(|region| self.names.cluster(region)),
        };
        Situation::read(&self.shared, &places).await
    }

    /// Refuses while roles are about to change.
    ///
    /// # Errors
    /// With the reason.
    pub async fn at_rest(&self) -> Result<Situation, Trouble> {
        let situation = self.situation().await?;
        match situation.held_back(&self.shared) {
            Some(trouble) => Err(trouble),
            None => Ok(situation),
        }
    }

    /// What the stacks of every region export now.
    ///
    /// # Errors
    /// When a region does not tell.
    pub async fn exports(&self) -> Result<Exports, Trouble> {
        let [home, away] = self.regions();
        let (home, away) = futures_util::future::try_join(self.exports_of(home), self.exports_of(away)).await?;
        let witness = match self.observer() {
            Some(_) => self.exports_of(&self.shared.witness).await?,
            None => BTreeMap::new(),
        };
        Ok(Exports([home, away, witness]))
    }

    async fn exports_of(&self, region: &RegionName) -> Result<BTreeMap<String, String>, Trouble> {
        let client = self.shared.aws.cloudformation(region);
        let pages = client.list_exports().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        let all = all.map_err(failed("cloudformation:ListExports", region))?;
        Ok(all
            .into_iter()
            .filter_map(|export| Some((export.name?, export.value?)))
            .collect())
    }
}

impl Exports {
    /// What a region exports under a role.
    #[must_use]
    pub fn get(&self, world: &World, index: usize, role: &str) -> Option<String> {
        let region = world.region(index);
        self.0[index].get(&world.names.export(region, role)).cloned()
    }

    /// What both regions export under a role.
    #[must_use]
    pub fn both(&self, world: &World, role: &str) -> [Option<String>; 2] {
        [0, 1].map(|index| self.get(world, index, role))
    }
}
