//! Every physical name, in one place: stacks and reconcilers ask here, and so find what the other one made.
//!
//! | What | Name |
//! |--|--|
//! | what belongs to one region | `understudy-<environment>-<region>-<role>` |
//! | what spans regions, or is there once | `understudy-<environment>-<role>` |
//! | buckets, which share one namespace over all accounts | the same, and `-<account>` |
//! | parameters | `/understudy/<environment>/<region>/<name>`, or `…/shared/<name>` |
//!
//! The form is the engine's own ([`Naming`]): it finds alarms, machines and clusters again by these names.

use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::decode::{Environment, Naming};
use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use super::sidecar_secret::SidecarSecret;

/// The key of the tag by which the provisioner knows its own. Its value is the environment.
pub const OWNER_TAG: &str = "understudy-environment";

/// Kinds of resources whose names are limited, with the longest name that AWS takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// An S3 bucket.
    Bucket,
    /// A database cluster, or its groups.
    Database,
    /// An EventBridge rule or schedule.
    Event,
    /// A Lambda function.
    Function,
    /// A state machine.
    Machine,
    /// An SQS queue.
    Queue,
    /// An IAM role.
    Role,
}

impl Limit {
    /// In letters.
    #[must_use]
    pub const fn length_max(self) -> usize {
        match self {
            Self::Bucket | Self::Database => 63,
            Self::Event | Self::Function | Self::Role => 64,
            Self::Machine | Self::Queue => 80,
        }
    }

    /// In words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Database => "database",
            Self::Event => "rule or schedule",
            Self::Function => "function",
            Self::Machine => "state machine",
            Self::Queue => "queue",
            Self::Role => "role",
        }
    }
}

/// The longest role in each kind of name. A test compares it with the templates.
pub(super) const LONGEST: [(Limit, &str); 7] = [
    (Limit::Bucket, "access-logs"),
    (Limit::Database, "instance-parameters"),
    (Limit::Event, "readiness-schedule"),
    (Limit::Function, "order-processor"),
    (Limit::Machine, "failover"),
    (Limit::Queue, "order-dead-letters"),
    (Limit::Role, "database-monitoring"),
];

/// The part of AWS that a region belongs to.
pub(super) fn partition(region: &str) -> &'static str {
    match region {
        name if name.starts_with("cn-") => "aws-cn",
        name if name.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// What is called how.
#[derive(Debug, Clone)]
pub struct Names {
    naming: Naming,
    environment: String,
    account: String,
    partition: &'static str,
    standby: RegionName,
    witness: RegionName,
}

impl Names {
    /// The names of one environment.
    #[must_use]
    pub fn new(policy: &Policy, environment: &Environment, account: &str) -> Self {
        Self {
            naming: Naming::new(environment),
            environment: environment.to_string(),
            account: account.to_owned(),
            partition: partition(policy.regions.primary.as_str()),
            standby: policy.regions.standby.clone(),
            witness: policy.regions.witness.clone(),
        }
    }

    /// The engine's own names.
    #[must_use]
    pub const fn naming(&self) -> &Naming {
        &self.naming
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// AWS keeps China and GovCloud apart, and says so in every ARN.
    #[must_use]
    pub const fn partition(&self) -> &'static str {
        self.partition
    }

    /// What belongs to one region: `role` says which.
    #[must_use]
    pub fn regional(&self, region: &RegionName, role: &str) -> String {
        self.naming.regional(region, role)
    }

    /// What spans regions, or is there once: `role` says which.
    #[must_use]
    pub fn shared(&self, role: &str) -> String {
        self.naming.shared(role)
    }

    /// A stack, by its layer.
    #[must_use]
    pub fn stack(&self, region: &RegionName, layer: &str) -> String {
        self.regional(region, layer)
    }

    /// What a stack exports under `name`.
    #[must_use]
    pub fn export(&self, region: &RegionName, name: &str) -> String {
        self.regional(region, name)
    }

    /// A region's bucket.
    #[must_use]
    pub fn bucket(&self, region: &RegionName, role: &str) -> String {
        format!("{}-{}", self.regional(region, role), self.account)
    }

    /// The bucket of switch B, in the witness region.
    #[must_use]
    pub fn switch_bucket(&self) -> String {
        format!("{}-{}", self.shared("switch-b"), self.account)
    }

    /// The table of switch A, in the standby region.
    #[must_use]
    pub fn switch_table(&self) -> String {
        self.shared("switches")
    }

    /// The lease table.
    #[must_use]
    pub fn lease_table(&self) -> String {
        self.shared("lease")
    }

    /// The table of the order path's item, one in each region.
    #[must_use]
    pub fn order_path_table(&self) -> String {
        self.shared("order-path")
    }

    /// The global table into which orders are accepted.
    #[must_use]
    pub fn intake_table(&self) -> String {
        self.shared("intake")
    }

    /// The global table of sessions.
    #[must_use]
    pub fn session_table(&self) -> String {
        self.shared("sessions")
    }

    /// The global database cluster.
    #[must_use]
    pub fn global_cluster(&self) -> String {
        self.shared("global")
    }

    /// A region's database cluster.
    #[must_use]
    pub fn cluster(&self, region: &RegionName) -> String {
        self.naming.database(region, "database")
    }

    /// The secret of the database's owner: the same name in both regions.
    #[must_use]
    pub fn database_secret(&self) -> String {
        self.shared("database-owner")
    }

    /// A secret that sidecars are started with: the same name in both regions.
    #[must_use]
    pub fn sidecar_secret(&self, what: SidecarSecret) -> String {
        self.shared(what.role())
    }

    /// The private zone in which a region's sidecars find each other.
    #[must_use]
    pub fn sidecar_zone(&self, region: &RegionName) -> String {
        format!("{}.internal", self.regional(region, "sidecars"))
    }

    /// Where a sidecar's peers reach it.
    #[must_use]
    pub fn sidecar_host(&self, region: &RegionName, number: usize) -> String {
        format!("sidecar-{number}.{}", self.sidecar_zone(region))
    }

    /// The queue that feeds a region's engine.
    #[must_use]
    pub fn engine_queue(&self, region: &RegionName) -> String {
        self.regional(region, "events")
    }

    /// Where its messages go that cannot be understood.
    #[must_use]
    pub fn engine_dead_letters(&self, region: &RegionName) -> String {
        self.regional(region, "dead-letters")
    }

    /// The topic of a region's operators.
    #[must_use]
    pub fn topic(&self, region: &RegionName) -> String {
        self.regional(region, "operators")
    }

    /// The rule that tells the other region of this one's events. A reconciler makes it.
    #[must_use]
    pub fn forwarding_rule(&self, region: &RegionName) -> String {
        self.regional(region, "forwarding")
    }

    /// The state machine for one way.
    #[must_use]
    pub fn machine(&self, region: &RegionName, way: RoleChangeKind) -> String {
        self.naming.machine(region, way)
    }

    /// The alarm of a witness that observes `target`.
    #[must_use]
    pub fn alarm(&self, target: &RegionName, witness: &str) -> String {
        self.naming.alarm(target, witness)
    }

    /// A parameter of one region.
    #[must_use]
    pub fn parameter(&self, region: &RegionName, name: &str) -> String {
        self.naming.parameter(region, name)
    }

    /// A parameter that says the same in both regions. A reconciler writes it.
    #[must_use]
    pub fn shared_parameter(&self, name: &str) -> String {
        format!("/understudy/{}/shared/{name}", self.environment)
    }

    /// A log group.
    #[must_use]
    pub fn log_group(&self, region: &RegionName, role: &str) -> String {
        format!("/understudy/{}/{region}/{role}", self.environment)
    }

    /// An ARN of this account. Without a region: of a service that has none.
    #[must_use]
    pub fn arn(&self, service: &str, region: Option<&RegionName>, resource: &str) -> String {
        let region = region.map_or("", RegionName::as_str);
        format!("arn:{}:{service}:{region}:{}:{resource}", self.partition, self.account)
    }

    /// The ARN of a role, whose name carries its region although IAM has none.
    #[must_use]
    pub fn role_arn(&self, region: &RegionName, role: &str) -> String {
        self.arn("iam", None, &format!("role/{}", self.regional(region, role)))
    }

    /// The ARN of a table's replica.
    #[must_use]
    pub fn table_arn(&self, region: &RegionName, table: &str) -> String {
        self.arn("dynamodb", Some(region), &format!("table/{table}"))
    }

    /// The ARN of a bucket.
    #[must_use]
    pub fn bucket_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.partition)
    }

    /// The standby region: switch A is there.
    #[must_use]
    pub const fn standby(&self) -> &RegionName {
        &self.standby
    }

    /// The witness region: switch B is there.
    #[must_use]
    pub const fn witness(&self) -> &RegionName {
        &self.witness
    }

    /// The longest name of each kind in a region, with its limit.
    #[must_use]
    pub fn longest(&self, region: &RegionName) -> Vec<(Limit, String)> {
        let name = |(limit, role)| match limit {
            Limit::Bucket => (limit, self.bucket(region, role)),
            _ => (limit, self.regional(region, role)),
        };
        LONGEST.into_iter().map(name).collect()
    }
}
