//! What the reconcilers of zone, records, validation records and health checks share of Route 53: lists, tags, changes, and the
//! mark by which we know our own records.
//!
//! Records carry no tags. Ours are weighted records whose set identifier is `mark`: the owner's tag, written in one word. One
//! weighted record alone answers like a plain one, and costs the same. The mark is a part of the record, so no run that dies
//! between two calls leaves a record of ours without it; nobody sees it who asks the DNS; and Route 53 itself refuses a plain record
//! beside it. A TXT record beside each would be none of that.
//!
//! The two failover records of the public name cannot have it: their identifiers are what engine and state machines look for. They
//! are known by where they lead, see [`super::records`].

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{
    Change as RecordChange, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord, ResourceRecordSet, RrType, Tag,
    TagResourceType,
};
use tokio::time::Instant;

use super::ChangeKind::Change;
use super::zone::Zone;
use super::{Difference, GLOBAL, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};

/// Pages of records that are read, 300 on each. A bound, so that nothing turns for ever.
const PAGES_MAX: usize = 100;
/// Within this time a change is known to all name servers: Route 53 says 60 s, so this is twice as long.
const IN_SYNC_MAX: Duration = Duration::from_secs(120);
/// Before the second look.
const SOON: Duration = Duration::from_millis(100);
/// Any weight will do for a record that is alone, except none.
const WEIGHT: i64 = 1;

/// A zone that is there or not, with its records.
#[derive(Debug)]
pub(super) struct Hosted {
    /// Its id, without its path.
    pub(super) zone: Option<String>,
    /// All of its records.
    pub(super) records: Vec<ResourceRecordSet>,
}

impl Hosted {
    /// The records of a name, whatever their type.
    pub(super) fn at(&self, name: &str) -> impl Iterator<Item = &ResourceRecordSet> {
        self.records.iter().filter(move |record| plain(record.name()) == name)
    }

    /// The zone's id, for a call that is only made if there is one.
    pub(super) fn id(&self) -> String {
        self.zone.clone().unwrap_or_default()
    }
}

impl Zone {
    /// The zone and its records.
    pub(super) async fn hosted(&self) -> Result<Hosted, Trouble> {
        let zone = self.find().await?.map(|zone| zone.id);
        let records = match &zone {
            Some(id) => records(&self.shared, id).await?,
            None => Vec::new(),
        };
        Ok(Hosted { zone, records })
    }

    /// Changes one record, and remembers that it has to arrive.
    pub(super) fn change(
        &self,
        zone: String,
        action: ChangeAction,
        record: ResourceRecordSet,
    ) -> impl Future<Output = Result<(), Trouble>> + Send + 'static {
        let (shared, changes) = (self.shared.clone(), self.changes.clone());
        async move {
            let region = &shared.regions[0];
            let change = RecordChange::builder()
                .action(action)
                .resource_record_set(record)
                .build()?;
            let batch = ChangeBatch::builder().changes(change).build()?;
            let client = shared.aws.route53(region);
            let call = client
                .change_resource_record_sets()
                .hosted_zone_id(zone)
                .change_batch(batch);
            let answer = call.send().await;
            let answer = answer.map_err(failed("route53:ChangeResourceRecordSets", region))?;
            changes.note(answer.change_info.map(|info| info.id));
            Ok(())
        }
    }

    /// A refusal to touch a record that somebody else made.
    pub(super) fn foreign(&self, record: &ResourceRecordSet) -> Trouble {
        Trouble::own(
            TroubleKind::NotOurs,
            format!(
                "the zone {} already has a record of type {} for {} that is not ours, so it is left alone: remove it, or choose \
                 another public name in the deployment file",
                self.domain,
                record.r#type().as_str(),
                plain(record.name()),
            ),
        )
    }
}

/// What was changed in Route 53 and may not have reached all of its name servers.
#[derive(Debug, Clone, Default)]
pub struct Changes(Arc<Mutex<Vec<(String, Instant)>>>);

impl Changes {
    /// A change was made.
    pub(super) fn note(&self, id: Option<String>) {
        let id = id.map(|id| id.trim_start_matches("/change/").to_owned());
        self.all().extend(id.map(|id| (id, Instant::now())));
    }

    /// Waits until all changes have arrived, if that is all that is left to do: what comes next asks the DNS.
    pub(super) async fn arrive(&self, shared: &Shared, all: &mut Vec<Difference>) -> Result<(), Trouble> {
        if !all.is_empty() || self.arrived(shared).await? {
            return Ok(());
        }
        // An emulator has it with the second look; Route 53 takes half a minute.
        tokio::time::sleep(SOON).await;
        if !self.arrived(shared).await? {
            let waits = Difference::new(Change, GLOBAL, "Route 53", "what was changed reaches its name servers");
            all.push(waits.waits());
        }
        Ok(())
    }

    async fn arrived(&self, shared: &Shared) -> Result<bool, Trouble> {
        let region = &shared.regions[0];
        let client = shared.aws.route53(region);
        let open = self.all().clone();
        for (id, since) in open {
            let answer = client.get_change().id(&id).send().await;
            let info = answer.map_err(failed("route53:GetChange", region))?.change_info;
            if info.is_some_and(|info| info.status == ChangeStatus::Insync) {
                self.all().retain(|(other, _)| *other != id);
            } else if since.elapsed() >= IN_SYNC_MAX {
                return Err(Trouble::own(
                    TroubleKind::TooLong,
                    format!(
                        "Route 53 has not made its change {id} known to all of its name servers within {} s: see the AWS Health \
                         Dashboard, and run the same command again",
                        IN_SYNC_MAX.as_secs()
                    ),
                ));
            }
        }
        Ok(self.all().is_empty())
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<(String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells our records from others'.
pub(super) fn mark(shared: &Shared) -> String {
    let (key, value) = shared.owner();
    format!("{key}={value}")
}

/// Whether a record carries our mark.
pub(super) fn is_ours(record: &ResourceRecordSet, shared: &Shared) -> bool {
    record.set_identifier() == Some(&mark(shared))
}

/// A record of ours that follows no failover.
pub(super) fn marked(shared: &Shared, name: &str, to: &str, ttl_s: i64) -> Result<ResourceRecordSet, Trouble> {
    Ok(ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::Cname)
        .ttl(ttl_s)
        .set_identifier(mark(shared))
        .weight(WEIGHT)
        .resource_records(resource(to)?)
        .build()?)
}

/// Every record of a zone.
pub(super) async fn records(shared: &Shared, zone: &str) -> Result<Vec<ResourceRecordSet>, Trouble> {
    let region = &shared.regions[0];
    let client = shared.aws.route53(region);
    let mut all = Vec::new();
    let mut call = client.list_resource_record_sets().hosted_zone_id(zone);
    for _ in 0..PAGES_MAX {
        let answer = call
            .clone()
            .send()
            .await
            .map_err(failed("route53:ListResourceRecordSets", region))?;
        all.extend(answer.resource_record_sets);
        if !answer.is_truncated {
            break;
        }
        call = call
            .set_start_record_name(answer.next_record_name)
            .set_start_record_type(answer.next_record_type)
            .set_start_record_identifier(answer.next_record_identifier);
    }
    Ok(all)
}

/// A name without its last dot.
pub(super) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_lowercase()
}

/// Where a record points.
pub(super) fn value(record: &ResourceRecordSet) -> String {
    let mut values = record.resource_records().iter();
    values.next().map_or_else(String::new, |value| plain(value.value()))
}

/// Where a record is to point.
pub(super) fn resource(value: &str) -> Result<ResourceRecord, Trouble> {
    Ok(ResourceRecord::builder().value(value).build()?)
}

/// A mark that no two runs have in common: Route 53 takes each caller's reference once, even after a removal.
pub(super) fn reference(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{name}-at-{}", now.as_millis())
}

/// The tags of a zone or a health check.
pub(super) async fn tags_of(
    client: &Client,
    kind: TagResourceType,
    id: &str,
    shared: &Shared,
) -> Result<BTreeMap<String, String>, Trouble> {
    let answer = client
        .list_tags_for_resource()
        .resource_type(kind)
        .resource_id(id)
        .send()
        .await;
    let answer = answer.map_err(failed("route53:ListTagsForResource", &shared.regions[0]))?;
    let tags = answer.resource_tag_set.and_then(|set| set.tags).unwrap_or_default();
    Ok(tags
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value?)))
        .collect())
}

/// Tags a zone or a health check.
pub(super) async fn tag(
    kind: TagResourceType,
    id: String,
    tags: Vec<(String, String)>,
    shared: Shared,
) -> Result<(), Trouble> {
    let region = &shared.regions[0];
    let tags = tags.into_iter();
    let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
    let call = shared.aws.route53(region).change_tags_for_resource();
    let call = call
        .resource_type(kind)
        .resource_id(id)
        .set_add_tags(Some(tags.collect()));
    call.send()
        .await
        .map_err(failed("route53:ChangeTagsForResource", region))?;
    Ok(())
}
