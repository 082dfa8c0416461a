//! The records by which AWS sees that the certificates' names are ours, as soon as the certificates are asked for.
//!
//! A stack that makes a certificate waits until it is issued. So this runs beside that stack, not after it.

use async_trait::async_trait;
use aws_sdk_acm::types::{CertificateDetail, CertificateStatus, ResourceRecord as ValidationRecord};
use aws_sdk_route53::types::{ChangeAction, ResourceRecordSet, RrType};

use super::ChangeKind::{Add, Remove};
use super::records::{change, plain, resource, value};
use super::zone::{Zone, records};
use super::{Difference, GLOBAL, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed};

/// Seconds for which a validation record may be cached.
const TTL_S: i64 = 300;
/// Where all validation records lead.
const VALIDATIONS: &str = "acm-validations.aws";

/// What should be.
#[derive(Debug)]
pub struct Certificates {
    /// What is shared.
    pub shared: Shared,
    /// The zone that the records are in.
    pub zone: Zone,
    /// The names that each region's certificates are for, home and away.
    pub names: [Vec<String>; 2],
    /// Wait for certificates that are not there yet, because their stack is at it.
    pub expected: bool,
}

#[async_trait]
impl Reconciler for Certificates {
    fn name(&self) -> &'static str {
        "certificates"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let zone = self.zone.find().await?.map(|zone| zone.id);
        let there = match &zone {
            Some(id) => records(&self.shared, id).await?,
            None => Vec::new(),
        };
        let mut all = Vec::new();
        for (index, names) in self.names.iter().enumerate() {
            for name in names {
                self.certificate(index, name, zone.as_deref(), &there, &mut all).await?;
            }
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        let Some(zone) = self.zone.find().await? else {
            return Ok(left);
        };
        let names: Vec<&String> = self.names.iter().flatten().collect();
        for record in records(&self.shared, &zone.id).await? {
            let name = plain(record.name());
            let of_ours = names.iter().any(|ours| name.ends_with(&format!(".{ours}")));
            if of_ours && name.starts_with('_') && record.r#type() == &RrType::Cname {
                let act = change(self.shared.clone(), zone.id.clone(), ChangeAction::Delete, record);
                left.remove
                    .push(Difference::new(Remove, GLOBAL, format!("validation record {name}"), "").by(act));
            }
        }
        Ok(left)
    }
}

impl Certificates {
    async fn certificate(
        &self,
        index: usize,
        name: &str,
        zone: Option<&str>,
        there: &[ResourceRecordSet],
        all: &mut Vec<Difference>,
    ) -> Result<(), Trouble> {
        let region = &self.shared.regions[index];
        let what = format!("certificate of {name}");
        let Some(certificate) = self.find(index, name).await? else {
            let missing = Difference::new(Add, region, what, "its stack makes it");
            all.push(if self.expected { missing.waits() } else { missing });
            return Ok(());
        };
        let mut pending = false;
        for option in certificate.domain_validation_options() {
            let Some(record) = option.resource_record() else {
                continue;
            };
            let known = there
                .iter()
                .any(|found| plain(found.name()) == plain(record.name()) && value(found) == plain(record.value()));
            if !known {
                pending = true;
                let act = change(
                    self.shared.clone(),
                    zone.unwrap_or_default().to_owned(),
                    ChangeAction::Upsert,
                    wanted(record)?,
                );
                let name = plain(record.name());
                all.push(
                    Difference::new(
                        Add,
                        GLOBAL,
                        format!("validation record {name}"),
                        format!("to {VALIDATIONS}"),
                    )
                    .by_if(zone.is_some(), act),
                );
            }
        }
        match certificate.status() {
            Some(CertificateStatus::Issued) => {}
            Some(CertificateStatus::PendingValidation) | None => {
                let waits = Difference::new(Add, region, what, "is validated");
                all.push(if pending { waits } else { waits.waits() });
            }
            Some(other) => {
                let reason = certificate
                    .failure_reason()
                    .map_or("no reason given", |reason| reason.as_str());
                return Err(Trouble::own(
                    TroubleKind::Unfit,
                    format!(
                        "the {what} in {region} is {} ({reason}): remove it in ACM, and run the same command again",
                        other.as_str()
                    ),
                ));
            }
        }
        Ok(())
    }

    async fn find(&self, index: usize, name: &str) -> Result<Option<CertificateDetail>, Trouble> {
        let region = &self.shared.regions[index];
        let client = self.shared.aws.acm(region);
        let pages = client.list_certificates().into_paginator();
        let all: Result<Vec<_>, _> = pages.items().send().collect().await;
        for certificate in all.map_err(failed("acm:ListCertificates", region))? {
            if certificate.domain_name() != Some(name) {
                continue;
            }
            let arn = certificate.certificate_arn().unwrap_or_default();
            let tags = client.list_tags_for_certificate().certificate_arn(arn).send().await;
            let tags = tags.map_err(failed("acm:ListTagsForCertificate", region))?;
            let tags = tags.tags.unwrap_or_default().into_iter();
            let tags = tags.map(|tag| (tag.key, tag.value.unwrap_or_default())).collect();
            if !self.shared.owns(&tags) {
                continue;
            }
            let answer = client.describe_certificate().certificate_arn(arn).send().await;
            return Ok(answer.map_err(failed("acm:DescribeCertificate", region))?.certificate);
        }
        Ok(None)
    }
}

fn wanted(record: &ValidationRecord) -> Result<ResourceRecordSet, Trouble> {
    Ok(ResourceRecordSet::builder()
        .name(record.name())
        .r#type(RrType::Cname)
        .ttl(TTL_S)
        .resource_records(resource(record.value())?)
        .build()?)
}
