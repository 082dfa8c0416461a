//! The lease.

use std::time::Duration;

use crate::gather;
use crate::model::{Lease, LeaseStore, RegionName};
use crate::rules;
use crate::source::{Named, Table};

pub(super) fn lease(table: &Table<'_>) -> Option<Lease> {
    let up_to_a_minute = |from_ms| Duration::from_millis(from_ms)..=Duration::from_secs(60);
    gather!(Lease {
        store: table.table("store", store),
        ttl: table.duration("ttl", up_to_a_minute(2_000)),
        margin: table.duration("margin", up_to_a_minute(0)),
        renew_every: table.duration("renew-every", up_to_a_minute(100)),
        operation_timeout: table.duration("operation-timeout", up_to_a_minute(10)),
        drift_max: table.duration("drift-max", up_to_a_minute(0)),
        grant: table.duration("grant", up_to_a_minute(100)),
        store_lost: table.name("store-lost"),
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum StoreKind {
    MultiRegion,
    SingleTable,
}

impl Named for StoreKind {
    const WHAT: &'static str = "a kind of lease store";
    const NAMES: &'static [(&'static str, Self)] =
        &[("multi-region", Self::MultiRegion), ("single-table", Self::SingleTable)];
}

fn store(table: &Table<'_>) -> Option<LeaseStore> {
    let kind = table.name("kind");
    let region = match kind {
        Some(StoreKind::SingleTable) => table.parsed("region", RegionName::new).map(Some),
        _ => table.optional("region", |region| region.parsed(RegionName::new)),
    };
    match (kind?, region?) {
        (StoreKind::MultiRegion, None) => Some(LeaseStore::MultiRegion),
        (StoreKind::SingleTable, Some(region)) => Some(LeaseStore::SingleTable { region }),
        (StoreKind::MultiRegion, Some(_)) | (StoreKind::SingleTable, None) => {
            table.refuse(
                "region",
                rules::structure::UNKNOWN_KEY.code,
                "a multi-region lease store has no region of its own".to_owned(),
                "remove `region`, or make the kind `single-table`".to_owned(),
            );
            None
        }
    }
}
