//! The platform's public name: pinned through Route 53's control plane, verified through the DNS.
//!
//! The name has two records, PRIMARY and SECONDARY, each a CNAME to its region's own name. Pinning points both to one
//! region; unpinning points each to its own again. The records' health checks and times to live stay what they are. Route
//! 53's control plane is in us-east-1, so this may fail exactly when it is wanted: the switches move traffic without it.

mod dns;

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover,
};
use tracing::{debug, warn};

use self::dns::{Answer, lookup};
use super::names::Names;
use super::verdict::{Verdict, judge};
use crate::core::effect::Outcome;
use crate::core::ids::Region;
use crate::service::parts::PublicName;

/// How long the resolver may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// Records of one name: the two, and whatever else has the name (TXT, CAA).
const RECORDS_MAX: i32 = 20;

/// The public name of a platform.
#[derive(Debug)]
pub struct PublicRecords {
    client: Client,
    names: Names,
    resolver: Option<SocketAddr>,
}

impl PublicRecords {
    /// The public name, looked up at this resolver; none: the machine's own.
    #[must_use]
    pub const fn new(client: Client, names: Names, resolver: Option<SocketAddr>) -> Self {
        Self {
            client,
            names,
            resolver,
        }
    }

    async fn records(&self, zone: &str, name: &str) -> Result<Vec<ResourceRecordSet>, Verdict> {
        let answer = self
            .client
            .list_resource_record_sets()
            .hosted_zone_id(zone)
            .start_record_name(name)
            .max_items(RECORDS_MAX)
            .send()
            .await
            .map_err(|failure| judge("read the public records", &failure))?;
        let mut records = answer.resource_record_sets;
        records.retain(|record| record.name.trim_end_matches('.') == name && record.failover.is_some());
        Ok(records)
    }

    /// The records that do not point yet to where they should.
    fn changes(&self, records: Vec<ResourceRecordSet>, to: Option<Region>) -> Result<Vec<Change>, &'static str> {
        let mut changes = Vec::new();
        for mut record in records {
            let own = match record.failover {
                Some(ResourceRecordSetFailover::Primary) => Region::Home,
                _ => Region::Away,
            };
            let host = self.names.host(to.unwrap_or(own)).ok_or(
                "the region has no name of its own in the platform file: set `aws.primary.name` and `aws.standby.name`",
            )?;
            if record.alias_target.is_some() {
                return Err("the public record is an alias, which is not pinned; its health check moves it");
            }
            let values = record.resource_records.get_or_insert_default();
            if matches!(&values[..], [value] if value.value.trim_end_matches('.') == host) {
                continue;
            }
            let value = ResourceRecord::builder().value(host).build();
            *values = vec![value.map_err(|_| "a record has no value")?];
            let change = Change::builder()
                .action(ChangeAction::Upsert)
                .resource_record_set(record)
                .build();
            changes.push(change.map_err(|_| "a change has no action")?);
        }
        Ok(changes)
    }

    async fn look_up(&self, name: &str) -> Option<Answer> {
        let resolver = match self.resolver {
            Some(resolver) => resolver,
            None => dns::resolver_of_the_machine().await?,
        };
        match tokio::time::timeout(LOOKUP_TIMEOUT, lookup(resolver, name)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(why)) => {
                warn!(name, %resolver, %why, "the name could not be looked up");
                None
            }
            Err(_) => {
                warn!(name, %resolver, "the resolver does not answer");
                None
            }
        }
    }
}

#[async_trait]
impl PublicName for PublicRecords {
    async fn pin(&self, to: Option<Region>) -> Outcome {
        let Some(public) = self.names.public() else {
            warn!("nobody pins the public name: the platform file has no `aws.zone` and `aws.public-name`");
            return Outcome::Failed;
        };
        let records = match self.records(&public.zone, &public.name).await {
            Ok(records) if records.is_empty() => {
                warn!(public.name, "the zone has no failover records of this name");
                return Outcome::Failed;
            }
            Ok(records) => records,
            // Nothing was written.
            Err(_) => return Outcome::Failed,
        };
        let changes = match self.changes(records, to) {
            Ok(changes) if changes.is_empty() => return Outcome::Done,
            Ok(changes) => changes,
            Err(why) => {
                warn!(public.name, why, "the public name is not pinned");
                return Outcome::Failed;
            }
        };
        let Ok(batch) = ChangeBatch::builder()
            .comment("Understudy")
            .set_changes(Some(changes))
            .build()
        else {
            return Outcome::Failed;
        };
        let sent = self
            .client
            .change_resource_record_sets()
            .hosted_zone_id(&public.zone)
            .change_batch(batch)
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::Done,
            Err(failure) => judge("change the public records", &failure).into(),
        }
    }

    async fn verify(&self, region: Region) -> Outcome {
        let (Some(public), Some(wanted)) = (self.names.public(), self.names.host(region)) else {
            warn!("the public name is not verified: the platform file has no `aws.public-name`, or the region no name");
            return Outcome::Failed;
        };
        let Some(answer) = self.look_up(&public.name).await else {
            return Outcome::Failed;
        };
        if answer.names.iter().any(|name| name == wanted) {
            return Outcome::Done;
        }
        let other = self.names.host(region.other());
        if answer.names.iter().any(|name| Some(name.as_str()) == other) {
            debug!(wanted, "the public name still answers with the other region");
            return Outcome::Failed;
        }
        // An alias shows no name of the region: its addresses are compared.
        match self.look_up(wanted).await {
            Some(own) if !own.addresses.is_disjoint(&answer.addresses) => Outcome::Done,
            _ => Outcome::Failed,
        }
    }
}
