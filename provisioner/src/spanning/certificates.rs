//! The records by which AWS sees that the certificates' names are ours, as soon as the certificates are asked for.
//!
//! A stack that makes a certificate waits until it is issued. So this runs beside that stack, not after it.

use async_trait::async_trait;
use aws_sdk_acm::types::{CertificateDetail, CertificateStatus, ResourceRecord as ValidationRecord};
use aws_sdk_route53::types::ChangeAction;

use super::ChangeKind::{Add, Change, Remove};
use super::hosted::{Hosted, is_ours, marked, plain, value};
use super::zone::Zone;
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
        let hosted = self.zone.hosted().await?;
        let mut all = Vec::new();
        for (index, names) in self.names.iter().enumerate() {
            for name in names {
                self.certificate(index, name, &hosted, &mut all).await?;
            }
        }
        self.zone.changes.arrive(&self.shared, &mut all).await?;
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        let hosted = self.zone.hosted().await?;
        for record in hosted.records.iter().filter(|record| is_ours(record, &self.shared)) {
            let name = plain(record.name());
            let mut names = self.names.iter().flatten();
            if name.starts_with('_') && names.any(|ours| name.ends_with(&format!(".{ours}"))) {
                let act = self.zone.change(hosted.id(), ChangeAction::Delete, record.clone());
                let gone = Difference::new(Remove, GLOBAL, format!("validation record {name}"), "");
                left.remove.push(gone.by(act));
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
        hosted: &Hosted,
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
            pending |= self.validation(record, hosted, all)?;
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

    /// Whether a record is missing. One that leads where ours would is as good, whoever made it; it is never removed.
    fn validation(
        &self,
        wanted: &ValidationRecord,
        hosted: &Hosted,
        all: &mut Vec<Difference>,
    ) -> Result<bool, Trouble> {
        let name = plain(wanted.name());
        let mut change = Add;
        for there in hosted.at(&name) {
            if value(there) == plain(wanted.value()) {
                return Ok(false);
            }
            if !is_ours(there, &self.shared) {
                return Err(self.zone.foreign(there));
            }
            change = Change;
        }
        let what = format!("validation record {name}");
        // Both regions' certificates for one name ask for the same record.
        if !all.iter().any(|difference| difference.what == what) {
            let record = marked(&self.shared, wanted.name(), wanted.value(), TTL_S)?;
            let act = self.zone.change(hosted.id(), ChangeAction::Upsert, record);
            let missing = Difference::new(change, GLOBAL, what, format!("to {VALIDATIONS}"));
            all.push(missing.by_if(hosted.zone.is_some(), act));
        }
        Ok(true)
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
