//! Instances and settings: what differs of clusters that are there.

use aws_sdk_rds::types::{DbCluster, DbInstance, GlobalCluster};

use super::{AVAILABLE, Database, LOG, MONITORING_S, Seen, tags_of};
use crate::aws::Trouble;
use crate::aws::trouble::TroubleKind;
use crate::spanning::ChangeKind::{Add, Change, Replace};
use crate::spanning::{Difference, GLOBAL};

impl Database {
    /// What the writer's cluster was made with, and keeps, though the deployment file now says something else.
    pub(super) fn kept_for_good(&self, seen: &Seen, writer: usize, all: &mut Vec<Difference>) {
        let region = &self.shared.regions[writer];
        let what = self.what(writer);
        let Some(cluster) = &seen.clusters[writer] else {
            return;
        };
        let wanted = &self.wanted.database;
        if let Some(is) = cluster.database_name().filter(|is| is != wanted) {
            let said = format!(
                "{what} in {region} was made with the database {is}, and the deployment file says {wanted}: the first \
                 database's name cannot be changed, and whoever is told the new one finds nothing there; write {is} back \
                 into `database.name`"
            );
            all.push(
                Difference::new(Change, region, &what, format!("database {is} -> {wanted}"))
                    .refused(Trouble::own(TroubleKind::Unfit, said)),
            );
        }
        let wanted = &self.wanted.user;
        if let Some(is) = cluster.master_username().filter(|is| is != wanted) {
            let said = format!(
                "{what} in {region} was made for the user {is}, and the deployment file says {wanted}: a cluster's owner cannot be \
                 changed; write {is} back into `database.user`"
            );
            all.push(
                Difference::new(Change, region, &what, format!("user {is} -> {wanted}"))
                    .refused(Trouble::own(TroubleKind::Unfit, said)),
            );
        }
        let global = self.global_of(seen, writer);
        let runs = global.and_then(GlobalCluster::engine_version);
        let wanted = &self.wanted.engine_version;
        if let Some(is) = runs
            .or_else(|| cluster.engine_version())
            .filter(|is| is_older(wanted, is))
        {
            let said = format!(
                "{what} in {region} runs version {is}, and the deployment file says {wanted}: RDS goes back to no older \
                 version; write {is} into `database.engine-version`"
            );
            all.push(
                Difference::new(Change, region, &what, format!("version {is} -> {wanted}"))
                    .refused(Trouble::own(TroubleKind::Unfit, said)),
            );
        }
    }

    /// The instances and the settings of one region's cluster.
    pub(super) fn details(&self, seen: &Seen, index: usize, all: &mut Vec<Difference>) {
        let region = &self.shared.regions[index];
        let what = self.what(index);
        let cluster = seen.clusters[index].as_ref();
        let available = cluster.and_then(|cluster| cluster.status.as_deref()) == Some(AVAILABLE);
        if let Some(cluster) = cluster.filter(|_| !available) {
            let status = cluster.status.as_deref().unwrap_or("in an unknown state");
            all.push(Difference::new(Change, region, &what, format!("is {status}")).waits());
        }
        for number in 1..=self.wanted.instances {
            let name = self.instance(index, number);
            let mut instances = seen.instances[index].iter();
            match instances.find(|instance| instance.db_instance_identifier() == Some(&name)) {
                None => {
                    // With the role, for nobody looks at an instance that was made without.
                    let ready = available && self.wanted.clusters[index].monitoring_role.is_some();
                    let act = self.create_instance(index, &name);
                    let what = format!("database instance {name}");
                    all.push(Difference::new(Add, region, what, self.wanted.class.clone()).by_if(ready, act));
                }
                Some(instance) => self.of_instance(index, instance, &name, available, all),
            }
        }
        if let Some(cluster) = cluster {
            self.settings(cluster, index, available, all);
        }
    }

    fn of_instance(&self, index: usize, instance: &DbInstance, name: &str, available: bool, all: &mut Vec<Difference>) {
        let region = &self.shared.regions[index];
        let what = format!("database instance {name}");
        if instance.db_instance_status() != Some(AVAILABLE) {
            let status = instance.db_instance_status().unwrap_or("in an unknown state");
            all.push(Difference::new(Change, region, what, format!("is {status}")).waits());
            return;
        }
        let cluster = &self.wanted.clusters[index];
        let mut wrong = Vec::new();
        let resized = instance.db_instance_class() != Some(&self.wanted.class);
        if resized {
            let from = instance.db_instance_class().unwrap_or_default();
            wrong.push(format!("{from} -> {}", self.wanted.class));
        }
        let group = &cluster.instance_parameter_group;
        let mut groups = instance.db_parameter_groups().iter();
        if !groups.any(|is| is.db_parameter_group_name() == Some(group)) {
            // What is read only at the start, such as preloaded libraries, comes with the next restart.
            wrong.push(format!("parameter group {group}"));
        }
        let every_s = instance.monitoring_interval().unwrap_or_default();
        if every_s != MONITORING_S && cluster.monitoring_role.is_some() {
            wrong.push(format!("monitored every {every_s} -> {MONITORING_S} s"));
        }
        if let Some(role) = &cluster.monitoring_role
            && instance.monitoring_role_arn() != Some(role)
        {
            wrong.push("the role for monitoring".to_owned());
        }
        if instance.publicly_accessible() == Some(true) {
            wrong.push("it has a public address".to_owned());
        }
        if instance.auto_minor_version_upgrade() == Some(true) {
            wrong.push("minor versions come by themselves".to_owned());
        }
        if !wrong.is_empty() {
            let act = self.modify_instance(index, name);
            let changed = Difference::new(Change, region, &what, wrong.join(", ")).by_if(available, act);
            all.push(if resized {
                changed.risky("it restarts: seconds to minutes without this instance")
            } else {
                changed
            });
        }
        let missing = self.shared.missing_tags(&tags_of(instance.tag_list()));
        if !missing.is_empty() {
            let act = self.tag(index, instance.db_instance_arn().unwrap_or_default(), missing);
            all.push(Difference::new(Change, region, what, "tags").by(act));
        }
    }

    fn settings(&self, cluster: &DbCluster, index: usize, available: bool, all: &mut Vec<Difference>) {
        let region = &self.shared.regions[index];
        let what = self.what(index);
        if cluster.storage_encrypted() != Some(true) {
            let said = format!("{what} in {region} is not encrypted, and that cannot be changed: restore it encrypted");
            all.push(
                Difference::new(Replace, region, &what, "encryption")
                    .risky("only by a new cluster")
                    .refused(Trouble::own(TroubleKind::Unfit, said)),
            );
        }
        let mut wrong = self.wrong(cluster, index);
        // ministack does not keep it, so nothing can be said of one that is not AWS's own.
        let log = self.shared.aws.endpoint_of("RDS").is_none() && !keeps_its_log(cluster);
        if log {
            wrong.push(format!("its log `{LOG}` is not kept outside"));
        }
        if !wrong.is_empty() {
            let act = self.modify(index, log);
            all.push(Difference::new(Change, region, &what, wrong.join(", ")).by_if(available, act));
        }
        let missing = self.shared.missing_tags(&tags_of(cluster.tag_list()));
        if !missing.is_empty() {
            let act = self.tag(index, cluster.db_cluster_arn().unwrap_or_default(), missing);
            all.push(Difference::new(Change, region, &what, "tags").by(act));
        }
    }

    /// The settings that differ, each in words.
    fn wrong(&self, cluster: &DbCluster, index: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        if cluster.backup_retention_period() != Some(self.wanted.retention_days) {
            wrong.push(format!(
                "backups for {} -> {} days",
                cluster.backup_retention_period().unwrap_or_default(),
                self.wanted.retention_days
            ));
        }
        if cluster.deletion_protection() != Some(true) {
            wrong.push("deletion protection".to_owned());
        }
        let group = &self.wanted.clusters[index].parameter_group;
        if cluster.db_cluster_parameter_group() != Some(group) {
            wrong.push(format!("parameter group {group}"));
        }
        if let Some(mut wanted) = self.wanted.clusters[index].security_groups.clone() {
            let groups = cluster.vpc_security_groups().iter();
            let stays = groups.filter(|group| group.status() != Some("removing"));
            let mut is: Vec<&str> = stays.filter_map(|group| group.vpc_security_group_id()).collect();
            wanted.sort_unstable();
            is.sort_unstable();
            if is != wanted {
                wrong.push(format!("security groups {} -> {}", is.join(" "), wanted.join(" ")));
            }
        }
        if cluster.iam_database_authentication_enabled() != Some(true) {
            wrong.push("who may connect by IAM".to_owned());
        }
        wrong
    }

    /// What belongs to the pair.
    pub(super) fn of_global(&self, global: &GlobalCluster, all: &mut Vec<Difference>) {
        let what = format!(
            "global cluster {}",
            global.global_cluster_identifier().unwrap_or_default()
        );
        let from = global.engine_version().unwrap_or_default();
        // An older one is refused already.
        if from != self.wanted.engine_version && !is_older(&self.wanted.engine_version, from) {
            let act = self.upgrade(global);
            all.push(
                Difference::new(
                    Change,
                    GLOBAL,
                    &what,
                    format!("version {from} -> {}", self.wanted.engine_version),
                )
                .risky("both regions restart, one after the other")
                .by(act),
            );
        }
        if global.deletion_protection() != Some(true) {
            let act = self.protect_global(global, true);
            all.push(Difference::new(Change, GLOBAL, &what, "deletion protection").by(act));
        }
        if !self.shared.missing_tags(&tags_of(global.tag_list())).is_empty() {
            all.push(self.tag_global(global, &what));
        }
    }
}

/// Whether a version is older than another one, number by number.
fn is_older(version: &str, than: &str) -> bool {
    let numbers = |version: &str| -> Option<Vec<u32>> { version.split('.').map(|part| part.parse().ok()).collect() };
    numbers(version)
        .zip(numbers(than))
        .is_some_and(|(version, than)| version < than)
}

/// Whether a cluster's log goes to CloudWatch.
fn keeps_its_log(cluster: &DbCluster) -> bool {
    let mut logs = cluster.enabled_cloudwatch_logs_exports().iter();
    logs.any(|log| log == LOG)
}
