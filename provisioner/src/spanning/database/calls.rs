//! The calls that make the global database what it should be.

use std::future::Future;

use aws_sdk_rds::error::ProvideErrorMetadata as _;
use aws_sdk_rds::operation::create_db_cluster::builders::CreateDBClusterFluentBuilder;
use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, GlobalCluster, Tag};
use understudy_policies::model::RegionName;

use super::{Database, ENGINE, LOG, MONITORING_S, Seen, tags_of};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};
use crate::spanning::ChangeKind::Change;
use crate::spanning::{Difference, GLOBAL, secrets};

/// Global clusters that were made after a detach, and not tidied up since.
const GLOBALS_MAX: u32 = 9;

/// The same as a call's result.
type Done = Result<(), Trouble>;

impl Database {
    pub(super) fn tags(&self) -> Option<Vec<Tag>> {
        let tags = self.shared.each_tag();
        Some(
            tags.map(|(key, value)| Tag::builder().key(key).value(value).build())
                .collect(),
        )
    }

    /// The name of the next global cluster: the engine takes the same one after a detach.
    pub(super) fn free_global(&self, seen: &Seen) -> String {
        let base = &self.wanted.global;
        let taken = |name: &String| {
            let mut globals = seen.globals.iter();
            globals.any(|global| global.global_cluster_identifier() == Some(name))
        };
        std::iter::once(base.clone())
            .chain((2..=GLOBALS_MAX).map(|number| format!("{base}-{number}")))
            .find(|name| !taken(name))
            .unwrap_or_else(|| base.clone())
    }

    pub(super) fn create_writer(&self, index: usize) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let secrets = self.shared.aws.secrets(&region);
        let call = self.cluster(index).database_name(&self.wanted.database);
        let secret = self.wanted.secret.clone();
        async move {
            let (username, password) = secrets::read(&secrets, &secret, &region).await?;
            create(call.master_username(username).master_user_password(password), &region).await
        }
    }

    /// A secondary takes neither a user nor a password nor a database: it gets them with the volume.
    pub(super) fn create_secondary(&self, index: usize, global: String) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let call = self.cluster(index).global_cluster_identifier(global);
        async move { create(call, &region).await }
    }

    /// What the clusters of both regions have, whoever writes.
    fn cluster(&self, index: usize) -> CreateDBClusterFluentBuilder {
        let cluster = &self.wanted.clusters[index];
        self.shared
            .aws
            .rds(&self.shared.regions[index])
            .create_db_cluster()
            .db_cluster_identifier(&cluster.name)
            .engine(ENGINE)
            .engine_version(&self.wanted.engine_version)
            .db_subnet_group_name(&cluster.subnet_group)
            .db_cluster_parameter_group_name(&cluster.parameter_group)
            .set_vpc_security_group_ids(cluster.security_groups.clone())
            .storage_encrypted(true)
            .set_kms_key_id(cluster.key.clone())
            .backup_retention_period(self.wanted.retention_days)
            .deletion_protection(true)
            .copy_tags_to_snapshot(true)
            .enable_cloudwatch_logs_exports(LOG)
            .enable_iam_database_authentication(true)
            .set_tags(self.tags())
    }

    pub(super) fn create_global(&self, seen: &Seen, writer: usize) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[writer].clone();
        let rds = self.shared.aws.rds(&region);
        let arn = seen.clusters[writer]
            .as_ref()
            .and_then(|cluster| cluster.db_cluster_arn.clone());
        let (name, tags) = (self.free_global(seen), self.tags());
        async move {
            let call = rds
                .create_global_cluster()
                .global_cluster_identifier(name)
                .set_source_db_cluster_identifier(arn)
                .deletion_protection(true)
                .set_tags(tags);
            match call.send().await {
                Err(failure) if failure.code() == Some("GlobalClusterAlreadyExistsFault") => Ok(()),
                answer => answer.map(drop).map_err(failed("rds:CreateGlobalCluster", &region)),
            }
        }
    }

    pub(super) fn create_instance(&self, index: usize, name: &str) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let cluster = self.wanted.clusters[index].clone();
        let (class, tags, name) = (self.wanted.class.clone(), self.tags(), name.to_owned());
        async move {
            let call = rds
                .create_db_instance()
                .db_instance_identifier(name)
                .db_cluster_identifier(cluster.name)
                .engine(ENGINE)
                .db_instance_class(class)
                .db_parameter_group_name(cluster.instance_parameter_group)
                .monitoring_interval(MONITORING_S)
                .set_monitoring_role_arn(cluster.monitoring_role)
                .publicly_accessible(false)
                // Versions change for both regions at once, and never by themselves.
                .auto_minor_version_upgrade(false)
                .enable_performance_insights(true)
                .set_tags(tags);
            match call.send().await {
                Err(failure) if failure.code() == Some("DBInstanceAlreadyExists") => Ok(()),
                answer => answer.map(drop).map_err(failed("rds:CreateDBInstance", &region)),
            }
        }
    }

    pub(super) fn modify_instance(&self, index: usize, name: &str) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let cluster = self.wanted.clusters[index].clone();
        let (class, name) = (self.wanted.class.clone(), name.to_owned());
        async move {
            let call = rds
                .modify_db_instance()
                .db_instance_identifier(name)
                .db_instance_class(class)
                .db_parameter_group_name(cluster.instance_parameter_group)
                .set_monitoring_interval(cluster.monitoring_role.is_some().then_some(MONITORING_S))
                .set_monitoring_role_arn(cluster.monitoring_role)
                .publicly_accessible(false)
                .auto_minor_version_upgrade(false)
                .apply_immediately(true);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:ModifyDBInstance", &region))
        }
    }

    /// `log`: the log is not kept outside yet. RDS does not take one that is.
    pub(super) fn modify(&self, index: usize, log: bool) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let cluster = self.wanted.clusters[index].clone();
        let days = self.wanted.retention_days;
        async move {
            let logs = CloudwatchLogsExportConfiguration::builder()
                .enable_log_types(LOG)
                .build();
            let call = rds
                .modify_db_cluster()
                .db_cluster_identifier(cluster.name)
                .backup_retention_period(days)
                .deletion_protection(true)
                .db_cluster_parameter_group_name(cluster.parameter_group)
                .set_vpc_security_group_ids(cluster.security_groups)
                .enable_iam_database_authentication(true)
                .set_cloudwatch_logs_export_configuration(log.then_some(logs))
                .apply_immediately(true);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:ModifyDBCluster", &region))
        }
    }

    pub(super) fn tag_global(&self, global: &GlobalCluster, what: &str) -> Difference {
        let missing = self.shared.missing_tags(&tags_of(global.tag_list()));
        let act = self.tag(0, global.global_cluster_arn().unwrap_or_default(), missing);
        Difference::new(Change, GLOBAL, what, "tags").by(act)
    }

    pub(super) fn tag(
        &self,
        index: usize,
        arn: &str,
        missing: Vec<(String, String)>,
    ) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[index].clone();
        let rds = self.shared.aws.rds(&region);
        let arn = arn.to_owned();
        async move {
            let tags = missing.into_iter();
            let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
            let call = rds
                .add_tags_to_resource()
                .resource_name(arn)
                .set_tags(Some(tags.collect()));
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:AddTagsToResource", &region))
        }
    }

    pub(super) fn upgrade(&self, global: &GlobalCluster) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[0].clone();
        let rds = self.shared.aws.rds(&region);
        let name = global.global_cluster_identifier().unwrap_or_default().to_owned();
        let (from, to) = (
            global.engine_version().unwrap_or_default().to_owned(),
            self.wanted.engine_version.clone(),
        );
        async move {
            let major = |version: &str| version.split('.').next().map(str::to_owned);
            if major(&from) != major(&to) {
                return Err(Trouble::own(
                    TroubleKind::Unfit,
                    format!(
                        "the database is of version {from} and the deployment file says {to}: a major version is changed by \
                         hand, with a rehearsal on a copy; write {from} into the file until then"
                    ),
                ));
            }
            let call = rds
                .modify_global_cluster()
                .global_cluster_identifier(name)
                .engine_version(to);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:ModifyGlobalCluster", &region))
        }
    }

    pub(super) fn protect_global(
        &self,
        global: &GlobalCluster,
        on: bool,
    ) -> impl Future<Output = Done> + Send + 'static {
        let region = self.shared.regions[0].clone();
        let rds = self.shared.aws.rds(&region);
        let name = global.global_cluster_identifier().unwrap_or_default().to_owned();
        async move {
            let call = rds
                .modify_global_cluster()
                .global_cluster_identifier(name)
                .deletion_protection(on);
            call.send()
                .await
                .map(drop)
                .map_err(failed("rds:ModifyGlobalCluster", &region))
        }
    }
}

async fn create(call: CreateDBClusterFluentBuilder, region: &RegionName) -> Done {
    match call.send().await {
        Err(failure) if failure.code() == Some("DBClusterAlreadyExistsFault") => Ok(()),
        answer => answer.map(drop).map_err(failed("rds:CreateDBCluster", region)),
    }
}
