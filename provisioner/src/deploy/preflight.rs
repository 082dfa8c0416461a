//! What is looked at before anything is changed: credentials and account in every region, who is about to move, whether
//! Aurora's version is offered in both, and whether there is room.

use understudy_policies::model::RegionName;

use super::progress::Report;
use super::world::World;
use crate::aws::Trouble;
use crate::aws::settings::objects_may_be_public;
use crate::aws::trouble::{TroubleKind, failed};
use crate::spanning::situation::Situation;

impl World {
    /// Looks at everything that can be seen beforehand.
    ///
    /// # Errors
    /// With the first thing that stands in the way.
    pub async fn preflight(&self, report: &dyn Report) -> Result<Situation, Trouble> {
        self.reachable().await?;
        let situation = self.at_rest().await?;
        for region in self.regions() {
            self.engine_version(region).await?;
        }
        if let Some(trouble) = self.domain_left_behind().await? {
            return Err(trouble);
        }
        self.zones(report).await?;
        self.quotas(report).await?;
        self.switch_may_be_public(report).await?;
        report.note("credentials, account, regions and engine version are fit for it");
        Ok(situation)
    }

    /// Every region answers, to credentials of the right account.
    ///
    /// # Errors
    /// When one does not.
    pub async fn reachable(&self) -> Result<(), Trouble> {
        let [home, away] = self.regions();
        for region in [home, away, &self.shared.witness] {
            let answer = self.shared.aws.sts(region).get_caller_identity().send().await;
            let answer = answer.map_err(failed("sts:GetCallerIdentity", region))?;
            let account = answer.account().unwrap_or_default();
            if account != self.deployment.account {
                return Err(Trouble::own(
                    TroubleKind::Unfit,
                    format!(
                        "these credentials are of the account {account}, and the deployment file says {}: choose the other \
                         profile (`AWS_PROFILE`), or correct the file",
                        self.deployment.account
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Why a domain that is no longer in the file stands in the way: clients may still follow it.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub(super) async fn domain_left_behind(&self) -> Result<Option<Trouble>, Trouble> {
        let left = self.left_behind().await?;
        if left.is_empty() {
            return Ok(None);
        }
        let what: Vec<&str> = left.iter().map(|kept| kept.what.as_str()).collect();
        Ok(Some(Trouble::refused(format!(
            "the deployment file has no `[domain]` any more, and {} are still there, which clients may follow: write `[domain]` \
             back into the file; or, if nobody follows them, remove them in Route 53, records first, then health checks and zone, \
             and run the same command again",
            what.join(", ")
        ))))
    }

    /// Switch B answers health checks, which sign nothing. An account that blocks everything public would make it mute.
    async fn switch_may_be_public(&self, report: &dyn Report) -> Result<(), Trouble> {
        match objects_may_be_public(&self.shared.aws, &self.shared.witness, &self.shared.account).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Trouble::own(
                TroubleKind::Unfit,
                format!(
                    "S3 Block Public Access is on for the whole account {}, and the one object of {} must be readable by Route \
                     53's health checks: turn `BlockPublicPolicy` and `RestrictPublicBuckets` off for the account (every other \
                     bucket here has them on by itself), or use an account of its own",
                    self.shared.account,
                    self.names.switch_bucket()
                ),
            )),
            Err(trouble) => {
                report.note(&format!(
                    "whether the account lets switch B be public is not known: {trouble}"
                ));
                Ok(())
            }
        }
    }

    async fn engine_version(&self, region: &RegionName) -> Result<(), Trouble> {
        let wanted = &self.deployment.database.engine_version;
        let offered = self.versions(region, Some(wanted)).await?;
        if offered.iter().any(|version| version == wanted) {
            return Ok(());
        }
        let mut in_both = self.versions(&self.regions()[0], None).await?;
        let other = self.versions(&self.regions()[1], None).await?;
        in_both.retain(|version| other.contains(version));
        let choice = match in_both.as_slice() {
            [] => {
                "there is none that both offer: ask for the list with `aws rds describe-db-engine-versions`".to_owned()
            }
            some => format!("both offer {}", some.join(", ")),
        };
        Err(Trouble::own(
            TroubleKind::Unfit,
            format!(
                "Aurora PostgreSQL {wanted} is not offered in {region}, and both regions must run the same version: {choice}; \
                 write one of them into the deployment file"
            ),
        ))
    }

    async fn versions(&self, region: &RegionName, one: Option<&String>) -> Result<Vec<String>, Trouble> {
        let client = self.shared.aws.rds(region);
        let call = client
            .describe_db_engine_versions()
            .engine("aurora-postgresql")
            .set_engine_version(one.cloned());
        let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let all = match all.map_err(failed("rds:DescribeDBEngineVersions", region)) {
            // Asked for one that is unknown, RDS says so instead of answering with none.
            Err(trouble) if one.is_some() && trouble.code == "InvalidParameterValue" => return Ok(Vec::new()),
            all => all?,
        };
        Ok(all.into_iter().filter_map(|version| version.engine_version).collect())
    }
}
