//! Every name and ARN that the adapters use, in one place: from the environment, the policy's regions, and what the
//! platform file says otherwise.

use understudy_policies::Policy;
use understudy_policies::model::{LeaseStore, RegionName};

use crate::core::ids::Region;
use crate::core::lease::RoleChangeKind;
use crate::decode::{Naming, entry_name};
use crate::service::platform::{Aws, Platform, PublicRecord};

/// The key of switch B's object in its bucket. A path of its own, so that a permission can name it.
pub(crate) const SWITCH_B: &str = "switch-b.json";

/// The namespace of the engine's own metrics in CloudWatch.
pub(crate) const NAMESPACE: &str = "Understudy";

/// What is called how.
#[derive(Debug, Clone)]
pub struct Names {
    naming: Naming,
    aws: Aws,
    hosts: [Option<String>; 2],
    /// Home, then away.
    regions: [RegionName; 2],
    witness: RegionName,
    lease_regions: Vec<RegionName>,
}

impl Names {
    /// The names of one platform.
    #[must_use]
    pub fn new(policy: &Policy, platform: &Platform, aws: &Aws) -> Self {
        let regions = [policy.regions.primary.clone(), policy.regions.standby.clone()];
        Self {
            naming: Naming::new(&platform.environment),
            aws: aws.clone(),
            hosts: regions
                .each_ref()
                .map(|region| Some(entry_name(&aws.public.as_ref()?.name, region))),
            lease_regions: match &policy.lease.store {
                LeaseStore::MultiRegion => regions.to_vec(),
                LeaseStore::SingleTable { region } => vec![region.clone()],
            },
            regions,
            witness: policy.regions.witness.clone(),
        }
    }

    /// A serving region's name.
    #[must_use]
    pub const fn region(&self, region: Region) -> &RegionName {
        &self.regions[region.index()]
    }

    /// The serving region of this name.
    #[must_use]
    pub fn region_called(&self, name: &str) -> Option<Region> {
        Region::BOTH
            .into_iter()
            .find(|region| self.region(*region).as_str() == name)
    }

    /// The witness region's name.
    #[must_use]
    pub const fn witness(&self) -> &RegionName {
        &self.witness
    }

    /// The names that follow from the environment.
    #[must_use]
    pub const fn naming(&self) -> &Naming {
        &self.naming
    }

    /// The lease table.
    #[must_use]
    pub fn lease_table(&self) -> String {
        self.shared(self.aws.names.lease_table.as_ref(), "lease")
    }

    /// The regions in which the lease table can be asked, the one of `from` first.
    #[must_use]
    pub fn lease_regions(&self, from: Region) -> Vec<RegionName> {
        let mut regions = self.lease_regions.clone();
        regions.sort_by_key(|region| region != self.region(from));
        regions
    }

    /// The table of switch A, in the standby region.
    #[must_use]
    pub fn switch_table(&self) -> String {
        self.shared(self.aws.names.switch_table.as_ref(), "switches")
    }

    /// The bucket of switch B, in the witness region. Buckets share one namespace over all accounts.
    #[must_use]
    pub fn switch_bucket(&self) -> String {
        let account = &self.aws.account;
        self.shared(self.aws.names.switch_bucket.as_ref(), &format!("switch-b-{account}"))
    }

    /// The table of the order path's item, one in each region.
    #[must_use]
    pub fn order_path_table(&self) -> String {
        self.shared(self.aws.names.order_path_table.as_ref(), "order-path")
    }

    /// The global database cluster, as long as it is the one that the provisioner made.
    #[must_use]
    pub fn global_cluster(&self) -> String {
        self.shared(self.aws.names.global_cluster.as_ref(), "global")
    }

    /// A region's database cluster.
    #[must_use]
    pub fn cluster(&self, region: Region) -> String {
        let set = self.aws.regions[region.index()].cluster.clone();
        set.unwrap_or_else(|| self.naming.database(self.region(region), "database"))
    }

    /// The ARN of a region's database cluster.
    #[must_use]
    pub fn cluster_arn(&self, region: Region) -> String {
        self.arn(
            "rds",
            Some(self.region(region)),
            &format!("cluster:{}", self.cluster(region)),
        )
    }

    /// The queue that feeds a region's sidecars.
    #[must_use]
    pub fn queue(&self, region: Region) -> String {
        self.regional(self.aws.regions[region.index()].queue.as_ref(), region, "events")
    }

    /// Where its messages go that cannot be understood.
    #[must_use]
    pub fn dead_letter_queue(&self, region: Region) -> String {
        let set = self.aws.regions[region.index()].dead_letter_queue.as_ref();
        self.regional(set, region, "dead-letters")
    }

    /// The ARN of the topic of a region's operators.
    #[must_use]
    pub fn topic_arn(&self, region: Region) -> String {
        let name = self.regional(self.aws.regions[region.index()].topic.as_ref(), region, "operators");
        self.arn("sns", Some(self.region(region)), &name)
    }

    /// The ARN of a region's state machine.
    #[must_use]
    pub fn machine_arn(&self, region: Region, way: RoleChangeKind) -> String {
        let name = self.naming.machine(self.region(region), way);
        self.arn("states", Some(self.region(region)), &format!("stateMachine:{name}"))
    }

    /// The name to which the public record points while a region serves.
    #[must_use]
    pub fn host(&self, region: Region) -> Option<&str> {
        let set = self.aws.regions[region.index()].name.as_deref();
        set.or(self.hosts[region.index()].as_deref())
    }

    /// The public record.
    #[must_use]
    pub const fn public(&self) -> Option<&PublicRecord> {
        self.aws.public.as_ref()
    }

    /// What else the platform file says.
    #[must_use]
    pub const fn aws(&self) -> &Aws {
        &self.aws
    }

    /// An ARN of this account. Without a region: of a service that has none.
    #[must_use]
    pub fn arn(&self, service: &str, region: Option<&RegionName>, resource: &str) -> String {
        let partition = self.partition();
        let (region, account) = (region.map_or("", RegionName::as_str), self.aws.account.as_str());
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// AWS keeps China and GovCloud apart, and says so in every ARN.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        match self.regions[0].as_str() {
            name if name.starts_with("cn-") => "aws-cn",
            name if name.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    fn shared(&self, set: Option<&String>, role: &str) -> String {
        set.cloned().unwrap_or_else(|| self.naming.shared(role))
    }

    fn regional(&self, set: Option<&String>, region: Region, role: &str) -> String {
        set.cloned()
            .unwrap_or_else(|| self.naming.regional(self.region(region), role))
    }
}
