//! The reconcilers of a platform that has a domain: zone, certificates, health checks, records.

use understudy_policies::model::{HealthCheckBacking, RedirectTrigger, SecondaryCheck, TrafficMethod};

use super::super::world::{Exports, World};
use super::HEALTHY;
use crate::aws::Trouble;
use crate::spanning::Kept;
use crate::spanning::certificates::Certificates;
use crate::spanning::checks::{Asks, Check, Checks};
use crate::spanning::hosted::Changes;
use crate::spanning::left_behind::LeftBehind;
use crate::spanning::records::{Records, Regional};
use crate::spanning::switches::{ENGAGED, OBJECT};
use crate::spanning::zone::Zone;
use crate::templates::{HEALTH_PATH, Layer, SWITCH_PATH};
use crate::workflow::ZONE_PARAMETER;

/// The roles of all health checks; which of them there are, the policy says.
const CHECKS: [&str; 5] = ["home-endpoint", "away-endpoint", "switch-a", "switch-b", "primary"];

impl World {
    /// The zone, if the platform has a domain.
    #[must_use]
    pub fn zone(&self) -> Option<Zone> {
        self.deployment.domain.as_ref().map(|domain| Zone {
            shared: self.shared.clone(),
            domain: domain.zone.clone(),
            name: self.names.shared("zone"),
            given: domain.zone_id.clone(),
            changes: Changes::default(),
        })
    }

    pub(super) fn certificates(&self) -> Option<Certificates> {
        let domain = self.deployment.domain.as_ref()?;
        let names = self.regions().each_ref().map(|region| {
            let wanted = self.platform.of(region).flat_map(|stack| {
                let resources = stack.template["Resources"].as_object().into_iter().flatten();
                resources.filter_map(|(_, resource)| {
                    let of_certificates = resource["Type"] == "AWS::CertificateManager::Certificate";
                    of_certificates.then(|| {
                        resource["Properties"]["DomainName"]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned()
                    })
                })
            });
            wanted.collect()
        });
        debug_assert!(!domain.zone.is_empty());
        Some(Certificates {
            shared: self.shared.clone(),
            zone: self.zone()?,
            names,
            expected: true,
        })
    }

    /// The health checks, if the platform has names that can be asked.
    #[must_use]
    pub fn checks(&self) -> Option<Checks> {
        let domain = self.deployment.domain.as_ref()?;
        let check = &self.policy.infrastructure.route53_check;
        let name = |role: &str| self.names.shared(role);
        let ask = |host: String, path: &str, text: &str, inverted| Asks::Text {
            host,
            path: path.to_owned(),
            text: text.to_owned(),
            inverted,
        };
        let witness = &self.shared.witness;
        let china = if witness.as_str().starts_with("cn-") { ".cn" } else { "" };
        let object_store = format!("{}.s3.{witness}.amazonaws.com{china}", self.names.switch_bucket());
        let mut checks = Vec::new();
        let mut add = |role: &str, asks| {
            checks.push(Check { name: name(role), asks });
        };
        if check.backing == HealthCheckBacking::Endpoint {
            for (role, region) in ["home-endpoint", "away-endpoint"].into_iter().zip(self.regions()) {
                add(
                    role,
                    ask(domain.regional_name(region.as_str()), HEALTH_PATH, HEALTHY, false),
                );
            }
        }
        let arc = self.policy.traffic.arc.as_ref();
        match (self.policy.traffic.method, arc) {
            (TrafficMethod::Arc, Some(arc)) => add("primary", Asks::RoutingControl(arc.primary_control.clone())),
            _ => {
                add("switch-a", ask(domain.switch_name(), SWITCH_PATH, ENGAGED, true));
                add("switch-b", ask(object_store, &format!("/{OBJECT}"), ENGAGED, true));
                let mut parts = vec![name("switch-a"), name("switch-b")];
                if self.policy.traffic.trigger == RedirectTrigger::SwitchAndEndpoint {
                    parts.push(name("home-endpoint"));
                }
                add("primary", Asks::All(parts));
            }
        }
        Some(Checks {
            shared: self.shared.clone(),
            checks,
            interval_s: i32::try_from(check.interval.as_secs()).unwrap_or(10),
            failures: i32::try_from(check.failure_threshold).unwrap_or(3),
        })
    }

    pub(super) async fn records(&self, exports: &Exports) -> Result<Option<Records>, Trouble> {
        if !self.has(Layer::Api) {
            return Ok(None);
        }
        let (Some(domain), Some(zone), Some(checks)) = (&self.deployment.domain, self.zone(), self.checks()) else {
            return Ok(None);
        };
        let check = checks.id(&self.names.shared("primary")).await?;
        let secondary_check = match self.policy.infrastructure.secondary_check {
            SecondaryCheck::None => None,
            SecondaryCheck::Endpoint => checks.id(&self.names.shared("away-endpoint")).await?,
        };
        let hosts = self.regions().each_ref().map(|region| domain.entry_name(region));
        let own = self
            .regions()
            .each_ref()
            .map(|region| domain.regional_name(region.as_str()));
        let mut regional = Vec::new();
        // Each name leads to what API Gateway gave for it, and for no other.
        for (hosts, export) in [(&own, "api-domain"), (&hosts, "public-domain")] {
            let targets = exports.both(self, export);
            regional.extend(hosts.iter().zip(targets).map(|(host, target)| Regional {
                host: host.clone(),
                target,
            }));
        }
        let switch = self.names.export(&self.regions()[1], "switch-domain");
        if self.exports_name(&switch) {
            regional.push(Regional {
                host: domain.switch_name(),
                target: exports.get(self, 1, "switch-domain"),
            });
        }
        Ok(Some(Records {
            shared: self.shared.clone(),
            zone,
            public: domain.public_name.clone(),
            hosts,
            regional,
            ttl_s: i64::try_from(self.policy.traffic.ttl.as_secs()).unwrap_or(i64::MAX),
            check,
            secondary_check,
        }))
    }

    /// What a domain left behind that the deployment file no longer names.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn left_behind(&self) -> Result<Vec<Kept>, Trouble> {
        if self.deployment.domain.is_some() {
            return Ok(Vec::new());
        }
        let left_behind = LeftBehind {
            shared: self.shared.clone(),
            zone: self.names.shared("zone"),
            checks: CHECKS.iter().map(|role| self.names.shared(role)).collect(),
            parameter: self.names.shared_parameter(ZONE_PARAMETER),
        };
        left_behind.find().await
    }
}
