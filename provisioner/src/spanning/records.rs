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
//!
//! What somebody else has at one of these names is left alone, and named. The regions' names carry our mark, see
//! [`super::hosted`]; the public name is ours if one of its two records leads to a region or follows our health check.

use async_trait::async_trait;
use aws_sdk_route53::types::{ChangeAction, ResourceRecordSet, ResourceRecordSetFailover, RrType};

use super::ChangeKind::{Add, Change, Remove};
use super::hosted::{Hosted, is_ours, marked, plain, resource, value};
use super::zone::Zone;
use super::{Difference, GLOBAL, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;

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
        let hosted = self.zone.hosted().await?;
        self.all_ours(&hosted)?;
        let mut all = Vec::new();
        for regional in &self.regional {
            self.regional(regional, &hosted, &mut all)?;
        }
        for index in 0..2 {
            self.failover(index, &hosted, &mut all)?;
        }
        self.zone.changes.arrive(&self.shared, &mut all).await?;
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        let hosted = self.zone.hosted().await?;
        let public = self.public_is_ours(&hosted);
        for record in &hosted.records {
            let name = plain(record.name());
            let regional = self.regional.iter().any(|regional| regional.host == name) && is_ours(record, &self.shared);
            if regional || (public && name == self.public && has_role(record)) {
                let act = self.zone.change(hosted.id(), ChangeAction::Delete, record.clone());
                let gone = Difference::new(Remove, GLOBAL, described(record), "");
                left.remove.push(gone.by(act));
            }
        }
        Ok(left)
    }
}

impl Records {
    /// Refuses names of ours at which somebody else has a record, before anything is changed.
    fn all_ours(&self, hosted: &Hosted) -> Result<(), Trouble> {
        for Regional { host, .. } in &self.regional {
            let mut others = hosted.at(host).filter(|record| !is_ours(record, &self.shared));
            if let Some(other) = others.next() {
                return Err(self.zone.foreign(other));
            }
        }
        let ours = self.public_is_ours(hosted);
        let mut others = hosted.at(&self.public).filter(|record| !ours || !has_role(record));
        match others.next() {
            Some(other) => Err(self.zone.foreign(other)),
            None => Ok(()),
        }
    }

    /// The two records of the public name are ours if one of them leads to a region, or follows our health check. Somebody who
    /// turns one of them by hand does not take the name away from us.
    fn public_is_ours(&self, hosted: &Hosted) -> bool {
        let check =
            |record: &ResourceRecordSet| self.check.is_some() && record.health_check_id() == self.check.as_deref();
        let leads = |record: &ResourceRecordSet| self.hosts.contains(&value(record));
        let mut records = hosted.at(&self.public).filter(|record| has_role(record));
        records.any(|record| leads(record) || check(record))
    }

    fn regional(&self, regional: &Regional, hosted: &Hosted, all: &mut Vec<Difference>) -> Result<(), Trouble> {
        let Regional { host, target } = regional;
        let what = format!("record {host}");
        let change_kind = match (hosted.at(host).next(), target) {
            (None, _) => Add,
            (Some(record), Some(target)) if value(record) != *target => Change,
            (Some(_), _) => return Ok(()),
        };
        let detail = target.clone().unwrap_or_else(|| "once its API is there".to_owned());
        let ready = hosted.zone.is_some() && target.is_some();
        let record = marked(
            &self.shared,
            host,
            target.as_deref().unwrap_or("unknown"),
            REGIONAL_TTL_S,
        )?;
        let act = self.zone.change(hosted.id(), ChangeAction::Upsert, record);
        all.push(Difference::new(change_kind, GLOBAL, what, detail).by_if(ready, act));
        Ok(())
    }

    fn failover(&self, index: usize, hosted: &Hosted, all: &mut Vec<Difference>) -> Result<(), Trouble> {
        let role = [ResourceRecordSetFailover::Primary, ResourceRecordSetFailover::Secondary][index].clone();
        let identifier = IDENTIFIERS[index];
        let what = format!("record {} ({})", self.public, role.as_str());
        let check = [&self.check, &self.secondary_check][index];
        let found = hosted
            .at(&self.public)
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
        let ready = hosted.zone.is_some() && (index == 1 || check.is_some());
        let record = ResourceRecordSet::builder()
            .name(&self.public)
            .r#type(RrType::Cname)
            .set_identifier(identifier)
            .failover(role)
            .ttl(self.ttl_s)
            .set_health_check_id(check.clone())
            .resource_records(resource(&target)?)
            .build()?;
        let act = self.zone.change(hosted.id(), ChangeAction::Upsert, record);
        let difference = if found.is_some() {
            Difference::new(Change, GLOBAL, what, wrong.join(", ")).risky("clients follow it")
        } else {
            Difference::new(Add, GLOBAL, what, format!("leads to {target}, TTL {} s", self.ttl_s))
        };
        all.push(difference.by_if(ready, act));
        Ok(())
    }
}

/// Whether a record is one of a pair of failover records, as we name them.
fn has_role(record: &ResourceRecordSet) -> bool {
    record.failover().is_some() && record.set_identifier().is_some_and(|id| IDENTIFIERS.contains(&id))
}

fn described(record: &ResourceRecordSet) -> String {
    let role = record
        .failover()
        .map_or_else(String::new, |role| format!(" ({})", role.as_str()));
    format!("record {}{role}", plain(record.name()))
}
