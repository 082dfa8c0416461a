//! Witnesses and the quorum.

use std::time::Duration;

use super::short_name;
use crate::gather;
use crate::model::{Quorum, Witness};
use crate::source::Table;

pub(super) fn witness(table: &Table<'_>) -> Option<Witness> {
    gather!(Witness {
        name: table.parsed("name", short_name),
        kind: table.name("kind"),
        observes: table.name("observes"),
        failure_domain: table.name("failure-domain"),
        quorum: table.boolean("quorum"),
        interval: table.duration("interval", Duration::from_millis(100)..=Duration::from_secs(600)),
        timeout: table.duration("timeout", Duration::from_millis(10)..=Duration::from_secs(60)),
        breach_after: table.integer("breach-after", 1..=20),
        clear_after: table.integer("clear-after", 1..=100),
        missing_after: table.duration("missing-after", Duration::from_millis(200)..=Duration::from_secs(3_600)),
        missing_data: table.name("missing-data"),
    })
}

pub(super) fn quorum(table: &Table<'_>) -> Option<Quorum> {
    gather!(Quorum {
        failure_domains: table.integer("failure-domains", 1..=5),
        dwell: table.duration("dwell", Duration::ZERO..=Duration::from_secs(600)),
        flap_changes: table.integer("flap-changes", 2..=8),
        flap_window: table.duration("flap-window", Duration::from_secs(1)..=Duration::from_secs(3_600)),
        flap_dwell: table.duration("flap-dwell", Duration::ZERO..=Duration::from_secs(3_600)),
    })
}
