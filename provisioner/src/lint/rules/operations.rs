//! What is kept for later: logs and backups.

use super::aurora::properties_differ;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::value::Node;

rules! {
    RETENTION = "UL591": "logs are kept for different times",
        "after a failover what happened is gone earlier than the rules allow, or kept for longer",
        "give both log groups the same RetentionInDays";
    COPIES = "UL592": "backup copies that stay in the region",
        "the copy is lost together with what it was made of",
        "copy to a vault of the other region";
    PLAN = "UL593": "backup plans differ",
        "what is backed up in one region is not, or is kept for another time, in the other",
        "give both plans the same rules";
}

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for couple in pair.couples(&["AWS::Logs::LogGroup"]) {
        properties_differ(pair, couple, &[("RetentionInDays", "for ever")], &RETENTION, found);
    }
    for side in pair.sides() {
        for plan in side.of("AWS::Backup::BackupPlan") {
            for rule in plan.get("BackupPlan.BackupPlanRule").items() {
                for copy in rule.get("CopyActions").items() {
                    let vault = copy.get("DestinationBackupVaultArn");
                    if side.region_of(vault).as_ref() == Some(&side.region) {
                        let reason = format!("`{}` copies to a vault of {} itself", plan.logical(), named(side));
                        found.add(&COPIES, reason, &[Spot::value(side, plan, vault)]);
                    }
                }
            }
        }
    }
    for couple in pair.couples(&["AWS::Backup::BackupPlan"]) {
        let rules = |plan: &crate::lint::side::Resource| -> Vec<Node> {
            let rules = plan.get("BackupPlan.BackupPlanRule").items().iter();
            rules
                .flat_map(|rule| ["ScheduleExpression", "Lifecycle"].map(|key| rule.get(key).clone()))
                .collect()
        };
        let list = |nodes: Vec<Node>| Node {
            at: None,
            value: crate::lint::value::Value::List(nodes),
        };
        if pair.differ(&list(rules(couple.0)), &list(rules(couple.1))) {
            found.differ(
                &PLAN,
                couple,
                "BackupPlan",
                format!("`{}` has other schedules or lifecycles", couple.1.logical()),
            );
        }
    }
}
