//! Who and what the platform is, as far as events name it.

use understudy_policies::model::{FailureDomain, RegionName, Regions, Witness, WitnessKind};

use super::naming::{Environment, Naming, strip_region};
use super::rejection::{Excerpt, Reason, UnknownAlarm};
use crate::core::ids::{Region, WitnessId};

/// The metrics of Route 53 and of AWS's other global services exist only there, and so do alarms on them.
const GLOBAL_METRICS_REGION: &str = "us-east-1";

/// The names of a policy's regions and witnesses.
#[derive(Debug, Clone)]
pub struct Directory {
    naming: Naming,
    /// Home, then away.
    regions: [RegionName; 2],
    witness_region: RegionName,
    witnesses: Vec<Entry>,
    accounts: Vec<String>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: WitnessId,
    name: String,
    kind: WitnessKind,
    domain: FailureDomain,
}

impl Directory {
    /// The directory of a policy's regions and witnesses in one environment. Witnesses keep their position in the
    /// policy as their [`WitnessId`]; those beyond the 256th have none and are left out.
    #[must_use]
    pub fn new(regions: &Regions, witnesses: &[Witness], environment: &Environment) -> Self {
        Self {
            naming: Naming::new(environment),
            regions: [regions.primary.clone(), regions.standby.clone()],
            witness_region: regions.witness.clone(),
            witnesses: witnesses
                .iter()
                .zip(0..=u8::MAX)
                .map(|(witness, id)| Entry {
                    id: WitnessId(id),
                    name: witness.name.clone(),
                    kind: witness.kind,
                    domain: witness.failure_domain,
                })
                .collect(),
            accounts: Vec::new(),
        }
    }

    /// Believes only events of these accounts. Without any, the queue's own policy decides who may send.
    #[must_use]
    pub fn with_accounts(mut self, accounts: impl IntoIterator<Item = String>) -> Self {
        self.accounts.extend(accounts);
        self
    }

    /// The names of this environment's resources.
    #[must_use]
    pub const fn naming(&self) -> &Naming {
        &self.naming
    }

    /// The name of a serving region.
    #[must_use]
    pub const fn region_name(&self, region: Region) -> &RegionName {
        &self.regions[region.index()]
    }

    /// The serving region of this name.
    #[must_use]
    pub fn region(&self, name: &str) -> Option<Region> {
        Region::BOTH
            .into_iter()
            .find(|region| self.region_name(*region).as_str() == name)
    }

    pub(super) fn serving_region(&self, name: &str, path: &'static str) -> Result<Region, Reason> {
        self.region(name).ok_or_else(|| Reason::ForeignRegion {
            path,
            region: Excerpt::of(name),
        })
    }

    pub(super) fn check_account(&self, account: &str) -> Result<(), Reason> {
        if self.accounts.is_empty() || self.accounts.iter().any(|known| known == account) {
            Ok(())
        } else {
            Err(Reason::ForeignAccount {
                account: Excerpt::of(account),
            })
        }
    }

    /// The first witness of a kind that the policy has at most one of.
    pub(super) fn witness_of(&self, kind: WitnessKind) -> Option<WitnessId> {
        self.witnesses
            .iter()
            .find(|entry| entry.kind == kind)
            .map(|entry| entry.id)
    }

    /// The witness and the observed region of an alarm that is in `located`.
    pub(super) fn alarm(&self, name: &str, located: &str) -> Result<(WitnessId, Region), Reason> {
        let unknown = |because| Reason::UnknownAlarm {
            name: Excerpt::of(name),
            because,
        };
        let rest = self
            .naming
            .strip(name)
            .ok_or_else(|| unknown(UnknownAlarm::Environment))?;
        let (target, witness) = Region::BOTH
            .into_iter()
            .find_map(|region| Some((region, strip_region(rest, self.region_name(region))?)))
            .ok_or_else(|| unknown(UnknownAlarm::Region))?;
        let entry = self
            .witnesses
            .iter()
            .find(|entry| entry.name == witness)
            .ok_or_else(|| unknown(UnknownAlarm::Witness))?;
        if !matches!(entry.kind, WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check) {
            return Err(unknown(UnknownAlarm::Kind));
        }
        let expected = self.vantage(entry.domain, target);
        if expected == located {
            Ok((entry.id, target))
        } else {
            Err(Reason::MisplacedAlarm {
                name: Excerpt::of(name),
                expected: Excerpt::of(expected),
                found: Excerpt::of(located),
            })
        }
    }

    /// Every alarm that is a witness: whose, about which region, its name, and the region in which it is.
    pub fn alarms(&self) -> impl Iterator<Item = (WitnessId, Region, String, &str)> {
        self.witnesses
            .iter()
            .filter(|entry| matches!(entry.kind, WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check))
            .flat_map(|entry| {
                Region::BOTH.map(|target| {
                    let name = self.naming.alarm(self.region_name(target), &entry.name);
                    (entry.id, target, name, self.vantage(entry.domain, target))
                })
            })
    }

    /// Whether a resource is one of the platform's databases, or state machines, in a region: what its name ends with.
    pub(super) fn own<'a>(&self, name: &'a str, region: Region) -> Option<&'a str> {
        strip_region(self.naming.strip(name)?, self.region_name(region))
    }

    /// The region in which an alarm must be to stand in its witness's failure domain.
    fn vantage(&self, domain: FailureDomain, target: Region) -> &str {
        match domain {
            FailureDomain::TargetRegion => self.region_name(target).as_str(),
            FailureDomain::PeerRegion => self.region_name(target.other()).as_str(),
            FailureDomain::WitnessRegion => self.witness_region.as_str(),
            FailureDomain::Internet | FailureDomain::Provider => GLOBAL_METRICS_REGION,
        }
    }
}
