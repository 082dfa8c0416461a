//! Certificates of this region: for its own name, and for the one that both share.
//!
//! A stack of their own: it waits until the validation records are there, which a reconciler writes meanwhile.

use serde_json::json;

use super::super::Stack;
use super::super::kinds::Certificate;
use super::super::model::{Import, Template};
use super::super::site::{Layer, Site};
use crate::deployment::Domain;

/// What is exported.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) regional: Import,
    pub(super) public: Import,
    /// Of the name under which switch A answers: in the standby region only.
    pub(super) switch: Option<Import>,
}

pub(super) fn build(site: &Site<'_>, domain: &Domain, stacks: &mut Vec<Stack>) -> Certificates {
    let mut template = Template::new(site, Layer::Certificates, "certificates");
    let mut certificate = |id: &'static str, export: &'static str, name: &str| {
        let made = template.add(
            Certificate,
            id,
            &site.name(export),
            json!({"DomainName": name, "ValidationMethod": "DNS"}),
        );
        template.export(export, made.reference())
    };
    let switch = site
        .is_standby()
        .then(|| certificate("SwitchCertificate", "switch-certificate", &domain.switch_name()));
    let certificates = Certificates {
        switch,
        regional: certificate(
            "RegionalCertificate",
            "regional-certificate",
            &domain.regional_name(site.region.as_str()),
        ),
        public: certificate("PublicCertificate", "public-certificate", &domain.public_name),
    };
    stacks.push(template.finish(stacks));
    certificates
}
