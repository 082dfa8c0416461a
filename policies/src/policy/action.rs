//! Traffic, database, failback and gates.

use std::time::Duration;

use crate::gather;
use crate::model::{ArcRoutingControl, Database, Failback, Gates, Traffic};
use crate::source::Table;

pub(super) fn traffic(table: &Table<'_>) -> Option<Traffic> {
    gather!(Traffic {
        method: table.name("method"),
        trigger: table.name("trigger"),
        record: table.name("record"),
        ttl: table.duration("ttl", Duration::from_secs(1)..=Duration::from_secs(3_600)),
        pin_record: table.boolean("pin-record"),
        arc: table.optional("arc", |arc| arc.table(arc_routing_control)),
    })
}

fn arc_routing_control(table: &Table<'_>) -> Option<ArcRoutingControl> {
    gather!(ArcRoutingControl {
        cluster: table.parsed("cluster", arc_arn),
        primary_control: table.parsed("primary-control", arc_arn),
        standby_control: table.parsed("standby-control", arc_arn),
    })
}

fn arc_arn(text: &str) -> Result<String, String> {
    if text.starts_with("arn:") && text.contains(":route53-recovery-control:") {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not the ARN of an ARC resource; copy it from the recovery-control console"
        ))
    }
}

pub(super) fn database(table: &Table<'_>) -> Option<Database> {
    gather!(Database {
        method: table.name("method"),
        global_db_rpo_seconds: table.optional("global-db-rpo-seconds", |rpo| rpo.integer(1..=u32::MAX)),
        standby_instance: table.boolean("standby-instance"),
    })
}

pub(super) fn failback(table: &Table<'_>) -> Option<Failback> {
    gather!(Failback {
        mode: table.name("mode"),
        soak: table.duration("soak", Duration::from_secs(60)..=Duration::from_secs(7 * 86_400)),
        during_trading: table.boolean("during-trading"),
        while_unprotected: table.boolean("while-unprotected"),
        wait_for_health_event: table.boolean("wait-for-health-event"),
    })
}

pub(super) fn gates(table: &Table<'_>) -> Option<Gates> {
    gather!(Gates {
        approve_failover: table.boolean("approve-failover"),
        approve_failback: table.boolean("approve-failback"),
        two_person_loss: table.boolean("two-person-loss"),
        reconcile_venues: table.boolean("reconcile-venues"),
    })
}
