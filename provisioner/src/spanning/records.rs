//! The records: names per region, and the public name with its two failover records.
//!
//! ```text
//!   orders.example.com  PRIMARY, SECONDARY --> to-us-east-1.orders.example.com --> d-….execute-api.us-east-1.amazonaws.com
//!   us-east-1.orders.example.com                                               --> another d-…, the region's own name's
//! ```
//!
//! Each name leads to what API Gateway gave for *that* name, which is the only thing that answers for it: the certificate and
//! the mapping hang on it. The step in between stays when an API is made anew, so engine and state machines can pin the public
//! name to a region without knowing what API Gateway chose.
//!
//! They do so during a failover, by pointing both records to one region. So a value that is one of the two regions' is never
//! changed here, whichever it is.

use async_trait::async_trait;
use aws_sdk_route53::types::{
    Change as RecordChange, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover,
    RrType,
};

use super::ChangeKind::{Add, Change, Remove};
use super::zone::{Zone, records};
use super::{Difference, GLOBAL, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};

/// The identifiers of the two failover records, home and away.
pub const IDENTIFIERS: [&str; 2] = ["primary", "standby"];
/// Seconds for which a region's own name may be cached. It moves only when an API is made anew.
const REGIONAL_TTL_S: i64 = 60;

/// A name that follows no failover.
#[derive(Debug, Clone)]
pub struct Regional {
    /// The name.
    pub host: String,
    /// Where it leads; none: not known before the region's API is there.
    pub target: Option<String>,
}

/// What should be.
#[derive(Debug)]
pub struct Records {
    /// What is shared.
    pub shared: Shared,
    /// The zone they are in.
    pub zone: Zone,
    /// The name that clients use.
    pub public: String,
    /// What the public name leads to while a region serves, home and away.
    pub hosts: [String; 2],
    /// These, the regions' own names, and others that follow no failover.
    pub regional: Vec<Regional>,
    /// Seconds for which the public name may be cached.
    pub ttl_s: i64,
    /// The health check of the PRIMARY record; none: not known before it is there.
    pub check: Option<String>,
    /// The one of the SECONDARY record: only if the policy says so.
    pub secondary_check: Option<String>,
}

#[async_trait]
impl Reconciler for Records {
    fn name(&self) -> &'static str {
        "records"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let zone = self.zone.find().await?.map(|zone| zone.id);
        let there = match &zone {
            Some(id) => records(&self.shared, id).await?,
            None => Vec::new(),
        };
        let mut all = Vec::new();
        for regional in &self.regional {
            self.regional(regional, zone.as_deref(), &there, &mut all)?;
        }
        for index in 0..2 {
            self.failover(index, zone.as_deref(), &there, &mut all)?;
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        let Some(zone) = self.zone.find().await? else {
            return Ok(left);
        };
        for record in records(&self.shared, &zone.id).await? {
            let name = plain(record.name());
            let public = name == self.public && record.set_identifier().is_some_and(|id| IDENTIFIERS.contains(&id));
            let regional =
                self.regional.iter().any(|regional| regional.host == name) && record.r#type() == &RrType::Cname;
            if public || regional {
                let what = described(&record);
                let act = change(self.shared.clone(), zone.id.clone(), ChangeAction::Delete, record);
                left.remove.push(Difference::new(Remove, GLOBAL, what, "").by(act));
            }
        }
        Ok(left)
    }
}

impl Records {
    fn regional(
        &self,
        regional: &Regional,
        zone: Option<&str>,
        there: &[ResourceRecordSet],
        all: &mut Vec<Difference>,
    ) -> Result<(), Trouble> {
        let Regional { host, target } = regional;
        let what = format!("record {host}");
        let found = there
            .iter()
            .find(|record| plain(record.name()) == *host && record.r#type() == &RrType::Cname);
        let change_kind = match (found, target) {
            (None, _) => Add,
            (Some(record), Some(target)) if value(record) != *target => Change,
            (Some(_), _) => return Ok(()),
        };
        let detail = target.clone().unwrap_or_else(|| "once its API is there".to_owned());
        let ready = zone.is_some() && target.is_some();
        let record = ResourceRecordSet::builder()
            .name(host)
            .r#type(RrType::Cname)
            .ttl(REGIONAL_TTL_S)
            .resource_records(resource(target.as_deref().unwrap_or("unknown"))?)
            .build()?;
        let act = change(
            self.shared.clone(),
            zone.unwrap_or_default().to_owned(),
            ChangeAction::Upsert,
            record,
        );
        all.push(Difference::new(change_kind, GLOBAL, what, detail).by_if(ready, act));
        Ok(())
    }

    fn failover(
        &self,
        index: usize,
        zone: Option<&str>,
        there: &[ResourceRecordSet],
        all: &mut Vec<Difference>,
    ) -> Result<(), Trouble> {
        let role = [ResourceRecordSetFailover::Primary, ResourceRecordSetFailover::Secondary][index].clone();
        let identifier = IDENTIFIERS[index];
        let what = format!("record {} ({})", self.public, role.as_str());
        let check = [&self.check, &self.secondary_check][index];
        let same_name: Vec<_> = there
            .iter()
            .filter(|record| plain(record.name()) == self.public)
            .collect();
        if let Some(other) = same_name
            .iter()
            .find(|record| !record.set_identifier().is_some_and(|id| IDENTIFIERS.contains(&id)))
        {
            return Err(Trouble::own(
                TroubleKind::NotOurs,
                format!(
                    "the zone already has a record of type {} for {} that is not ours: remove it, or choose another public \
                     name in the deployment file",
                    other.r#type().as_str(),
                    self.public
                ),
            ));
        }
        let found = same_name
            .iter()
            .find(|record| record.set_identifier() == Some(identifier));
        let mut wrong = Vec::new();
        let mut target = self.hosts[index].clone();
        if let Some(record) = found {
            let points_to = value(record);
            // Where it points is the engine's business, as long as it is one of the two.
            if self.hosts.contains(&points_to) {
                target = points_to;
            } else {
                wrong.push(format!("{points_to} -> {target}"));
            }
            if record.ttl() != Some(self.ttl_s) {
                wrong.push(format!("TTL {} -> {} s", record.ttl().unwrap_or_default(), self.ttl_s));
            }
            if check.is_some() && record.health_check_id() != check.as_deref() {
                wrong.push("its health check".to_owned());
            }
            if check.is_none() && index == 1 && record.health_check_id().is_some() {
                wrong.push("no health check".to_owned());
            }
            if record.failover() != Some(&role) {
                wrong.push("its role".to_owned());
            }
            if wrong.is_empty() {
                return Ok(());
            }
        }
        let ready = zone.is_some() && (index == 1 || check.is_some());
        let record = ResourceRecordSet::builder()
            .name(&self.public)
            .r#type(RrType::Cname)
            .set_identifier(identifier)
            .failover(role)
            .ttl(self.ttl_s)
            .set_health_check_id(check.clone())
            .resource_records(resource(&target)?)
            .build()?;
        let act = change(
            self.shared.clone(),
            zone.unwrap_or_default().to_owned(),
            ChangeAction::Upsert,
            record,
        );
        let difference = if found.is_some() {
            Difference::new(Change, GLOBAL, what, wrong.join(", ")).risky("clients follow it")
        } else {
            Difference::new(Add, GLOBAL, what, format!("leads to {target}, TTL {} s", self.ttl_s))
        };
        all.push(difference.by_if(ready, act));
        Ok(())
    }
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

fn described(record: &ResourceRecordSet) -> String {
    let role = record
        .failover()
        .map_or_else(String::new, |role| format!(" ({})", role.as_str()));
    format!("record {}{role}", plain(record.name()))
}

pub(super) fn resource(value: &str) -> Result<ResourceRecord, Trouble> {
    Ok(ResourceRecord::builder().value(value).build()?)
}

/// Changes one record.
pub(super) async fn change(
    shared: Shared,
    zone: String,
    action: ChangeAction,
    record: ResourceRecordSet,
) -> Result<(), Trouble> {
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
    call.send()
        .await
        .map_err(failed("route53:ChangeResourceRecordSets", region))?;
    Ok(())
}
