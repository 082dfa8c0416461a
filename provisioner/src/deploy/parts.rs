//! The reconcilers of one environment, made from its files and from what its stacks export.

mod domain;

use std::collections::BTreeMap;
use std::sync::Arc;

use understudy_policies::model::{LeaseStore, RegionName};

use super::world::{Exports, WITNESS, World};
use crate::aws::Trouble;
use crate::deployment::platform_file::{Chosen, DATABASE_USER, platform_file};
use crate::deployment::sidecar_secret::SidecarSecret;
use crate::spanning::Part;
use crate::spanning::account::Account;
use crate::spanning::database::{Cluster, Database, Wanted};
use crate::spanning::forwarding::Forwarding;
use crate::spanning::parameters::Parameters;
use crate::spanning::peering::{Network, Peering, Peerings};
use crate::spanning::replication::{Pair, Replication};
use crate::spanning::secrets::{Holds, Replica, Secret, Secrets};
use crate::spanning::sidecar_names::{SidecarNames, SidecarNetwork, SidecarZone};
use crate::spanning::switches::Switches;
use crate::spanning::tables::{Table, Tables};
use crate::templates::{HEALTH_PATH, Layer};
use crate::workflow::{CHECK_PARAMETER, ZONE_PARAMETER};

/// The attribute by which sessions expire.
const EXPIRES: &str = "expires";
/// What a healthy answer holds. 2xx and 3xx alone would count as healthy too.
pub(super) const HEALTHY: &str = "\"status\":\"healthy\"";
/// The roles of the pairs of buckets that replicate.
pub(super) const REPLICATED: [&str; 3] = ["config", "audit", "assets"];

/// Every reconciler, by name, in the order in which they are made.
pub(super) const ALL: [&str; 15] = [
    "zone",
    "tables",
    "secrets",
    "peering",
    "database",
    "replication",
    "account",
    "certificates",
    "parameters",
    "switches",
    "health checks",
    "forwarding",
    "records",
    "engine files",
    "sidecar names",
];

impl World {
    /// One reconciler. None: the environment has no use for it.
    ///
    /// # Errors
    /// When what it builds on cannot be read.
    pub async fn part(&self, name: &str, exports: &Exports) -> Result<Option<Part>, Trouble> {
        Ok(match name {
            "zone" => self.zone().map(|zone| Arc::new(zone) as Part),
            "tables" => Some(Arc::new(self.tables())),
            "secrets" => Some(Arc::new(self.secrets(exports))),
            "peering" => Some(Arc::new(self.peerings(exports))),
            "database" => Some(Arc::new(self.database(exports))),
            "replication" => Some(Arc::new(self.replication(exports))),
            "account" => Some(Arc::new(self.account(exports))),
            "certificates" => self.certificates().map(|part| Arc::new(part) as Part),
            "parameters" => Some(Arc::new(self.parameters().await?)),
            "switches" => Some(Arc::new(self.switches())),
            "health checks" => self.checks().map(|part| Arc::new(part) as Part),
            "forwarding" => self
                .has(Layer::Signals)
                .then(|| Arc::new(self.forwarding(exports)) as Part),
            "records" => self.records(exports).await?.map(|part| Arc::new(part) as Part),
            "engine files" => Some(Arc::new(self.engine_files(exports).await?)),
            "sidecar names" => self.sidecar_names(exports).map(|part| Arc::new(part) as Part),
            _ => None,
        })
    }

    /// Whether the platform has a layer.
    fn has(&self, layer: Layer) -> bool {
        self.platform.stacks.iter().any(|stack| stack.layer == layer)
    }

    /// Whether a template exports this.
    fn exports_name(&self, name: &str) -> bool {
        self.platform.stacks.iter().any(|stack| {
            let outputs = stack.template["Outputs"].as_object().into_iter().flatten();
            let mut names = outputs.map(|(_, output)| &output["Export"]["Name"]);
            names.any(|export| export == name)
        })
    }

    /// All tables.
    #[must_use]
    pub fn tables(&self) -> Tables {
        let [home, away] = self.regions().clone();
        let table = |name: String| Table {
            name,
            home: home.clone(),
            replicas: vec![away.clone()],
            witness: None,
            key: "id".to_owned(),
            expires: None,
        };
        let lease = match &self.policy.lease.store {
            LeaseStore::MultiRegion => Table {
                witness: Some(self.shared.witness.clone()),
                ..table(self.names.lease_table())
            },
            LeaseStore::SingleTable { region } => Table {
                home: region.clone(),
                replicas: Vec::new(),
                ..table(self.names.lease_table())
            },
        };
        let single = |name: String, home: &RegionName| Table {
            home: home.clone(),
            replicas: Vec::new(),
            ..table(name)
        };
        Tables {
            shared: self.shared.clone(),
            tables: vec![
                lease,
                Table {
                    expires: Some(EXPIRES.to_owned()),
                    ..table(self.names.session_table())
                },
                table(self.names.intake_table()),
                single(self.names.order_path_table(), &home),
                single(self.names.order_path_table(), &away),
                single(self.names.switch_table(), &away),
            ],
        }
    }

    fn secrets(&self, exports: &Exports) -> Secrets {
        Secrets {
            name: "secrets",
            shared: self.shared.clone(),
            asked_for: true,
            secrets: vec![Secret {
                name: self.names.database_secret(),
                holds: Holds::Login(self.deployment.database.user.clone()),
                description: format!("The owner of the order database of {}", self.environment()),
                key: exports.get(self, 0, "data-key"),
                replicas: vec![self.replica(exports, 1)],
            }],
        }
    }

    /// A secret's place in another region.
    fn replica(&self, exports: &Exports, index: usize) -> Replica {
        Replica {
            region: self.region(index).clone(),
            key: exports.get(self, index, "data-key"),
        }
    }

    /// What the sidecars and the observer are started with, if they run in ECS; or were, so that `destroy` finds it.
    ///
    /// # Errors
    /// When the database or Route 53 does not tell what it has chosen.
    pub async fn engine_files(&self, exports: &Exports) -> Result<Secrets, Trouble> {
        let platform = self.platform_file(exports).await?;
        let holds = |what| match what {
            SidecarSecret::Policy => Holds::Text(Some(self.policy_text.clone())),
            SidecarSecret::Platform => Holds::Text(platform.clone()),
            SidecarSecret::Token | SidecarSecret::PeerToken => Holds::Token,
            SidecarSecret::Database => Holds::Login(DATABASE_USER.to_owned()),
        };
        let places = |what| {
            let observes = self.observer().is_some() && SidecarSecret::OF_OBSERVER.contains(&what);
            let places = [Some(1), observes.then_some(WITNESS)].into_iter().flatten();
            places.map(|index| self.replica(exports, index)).collect()
        };
        Ok(Secrets {
            name: "engine files",
            shared: self.shared.clone(),
            asked_for: self.deployment.engine.is_some(),
            secrets: SidecarSecret::ALL
                .into_iter()
                .map(|what| Secret {
                    name: self.names.sidecar_secret(what),
                    holds: holds(what),
                    description: format!("Of the sidecars of {}: {}", self.environment(), what.variable()),
                    key: exports.get(self, 0, "data-key"),
                    replicas: places(what),
                })
                .collect(),
        })
    }

    /// None: the engine runs elsewhere, or AWS has not chosen everything yet.
    async fn platform_file(&self, exports: &Exports) -> Result<Option<String>, Trouble> {
        let (Some(_), Some(domain), Some(zone)) = (&self.deployment.engine, &self.deployment.domain, self.zone())
        else {
            return Ok(None);
        };
        let zone = zone.find().await?.map(|zone| zone.id);
        let (Some(zone), [Some(home), Some(away)]) = (zone, self.database(exports).endpoints().await?) else {
            return Ok(None);
        };
        let chosen = Chosen {
            zone,
            databases: [home, away],
        };
        let answers = [HEALTH_PATH, HEALTHY];
        Ok(Some(platform_file(
            &self.policy,
            &self.deployment,
            domain,
            &chosen,
            answers,
        )))
    }

    fn sidecar_names(&self, exports: &Exports) -> Option<SidecarNames> {
        self.deployment.engine.as_ref()?;
        let zones = [0, 1].map(|index| SidecarZone {
            name: self.names.sidecar_zone(&self.regions()[index]),
            id: exports.get(self, index, "sidecar-zone"),
        });
        let networks = self.inhabited().into_iter().enumerate();
        let networks = networks.map(|(index, region)| SidecarNetwork {
            region: region.clone(),
            vpc: exports.get(self, index, "network"),
        });
        Some(SidecarNames {
            shared: self.shared.clone(),
            zones,
            networks: networks.collect(),
        })
    }

    /// Of both regions with each other, and of each with the observer's network.
    fn peerings(&self, exports: &Exports) -> Peerings {
        let mut peerings = vec![self.peering(exports, self.names.shared("peering"), [0, 1])];
        for index in [0, 1] {
            let name = self.names.regional(self.region(index), "observer-peering");
            let peering = self.peering(exports, name, [index, WITNESS]);
            peerings.push(Peering {
                asked_for: self.observer().is_some(),
                ..peering
            });
        }
        Peerings(peerings)
    }

    fn peering(&self, exports: &Exports, name: String, indices: [usize; 2]) -> Peering {
        let networks = indices.map(|index| {
            let tables: Option<Vec<String>> = ["routes-a", "routes-b", "routes-c"]
                .into_iter()
                .map(|role| exports.get(self, index, role))
                .collect();
            Some(Network {
                vpc: exports.get(self, index, "network")?,
                route_tables: tables?,
                cidr: exports.get(self, index, "network-cidr")?,
            })
        });
        Peering {
            shared: self.shared.clone(),
            name,
            asked_for: true,
            regions: indices.map(|index| self.region(index).clone()),
            networks,
        }
    }

    fn database(&self, exports: &Exports) -> Database {
        let wanted = &self.deployment.database;
        let clusters = [0, 1].map(|index| {
            let region = &self.regions()[index];
            let or_named = |role: &str| {
                exports
                    .get(self, index, role)
                    .unwrap_or_else(|| self.names.regional(region, role))
            };
            Cluster {
                name: self.names.cluster(region),
                subnet_group: or_named("database-subnets"),
                parameter_group: or_named("cluster-parameters"),
                instance_parameter_group: or_named("instance-parameters"),
                monitoring_role: exports.get(self, index, "database-monitoring-role"),
                security_groups: exports.get(self, index, "database-group").map(|group| vec![group]),
                key: exports.get(self, index, "data-key"),
            }
        });
        Database {
            shared: self.shared.clone(),
            wanted: Wanted {
                global: self.names.global_cluster(),
                clusters,
                lease_table: self.names.lease_table(),
                engine_version: wanted.engine_version.clone(),
                database: wanted.name.clone(),
                user: wanted.user.clone(),
                secret: self.names.database_secret(),
                class: wanted.instance_class.clone(),
                instances: wanted.instances,
                retention_days: days(self.deployment.retention.backups_days),
                rebuild_standby: self.rebuild_standby,
            },
        }
    }

    /// Replication of buckets.
    #[must_use]
    pub fn replication(&self, exports: &Exports) -> Replication {
        let pairs = REPLICATED.map(|role| Pair {
            buckets: self.regions().each_ref().map(|region| self.names.bucket(region, role)),
            keys: exports.both(self, "storage-key"),
            roles: exports.both(self, "replication-role"),
        });
        Replication {
            shared: self.shared.clone(),
            pairs: pairs.into(),
        }
    }

    fn account(&self, exports: &Exports) -> Account {
        let roles = self.regions().each_ref();
        Account {
            shared: self.shared.clone(),
            roles: roles.map(|region| self.names.role_arn(region, "api-logs")),
            ready: exports.both(self, "api-logs-role").map(|role| role.is_some()),
        }
    }

    /// What both regions must agree on.
    ///
    /// # Errors
    /// When Route 53 does not tell what has been made there.
    pub async fn parameters(&self) -> Result<Parameters, Trouble> {
        let regions = &self.policy.regions;
        let mut values = BTreeMap::from([
            ("environment".to_owned(), self.environment()),
            ("policy-name".to_owned(), self.policy.name.clone()),
            ("primary".to_owned(), regions.primary.to_string()),
            ("standby".to_owned(), regions.standby.to_string()),
            ("witness".to_owned(), regions.witness.to_string()),
            ("lease-table".to_owned(), self.names.lease_table()),
            ("global-cluster".to_owned(), self.names.global_cluster()),
            ("record-ttl".to_owned(), self.policy.traffic.ttl.as_secs().to_string()),
        ]);
        if let Some(domain) = &self.deployment.domain {
            values.insert("public-name".to_owned(), domain.public_name.clone());
        }
        // The state machines read these: AWS chooses them.
        let mut later = Vec::new();
        if let (Some(zone), Some(checks)) = (self.zone(), self.checks()) {
            let zone = zone.find().await?.map(|zone| zone.id);
            let check = checks.id(&self.names.shared("primary")).await?;
            for (name, value) in [(ZONE_PARAMETER, zone), (CHECK_PARAMETER, check)] {
                match value {
                    Some(value) => drop(values.insert(name.to_owned(), value)),
                    None => later.push(self.names.shared_parameter(name)),
                }
            }
        }
        Ok(Parameters {
            shared: self.shared.clone(),
            values: values
                .into_iter()
                .map(|(name, value)| (self.names.shared_parameter(&name), value))
                .collect(),
            later,
        })
    }

    /// The two switches.
    #[must_use]
    pub fn switches(&self) -> Switches {
        Switches {
            shared: self.shared.clone(),
            table: self.names.switch_table(),
            bucket: self.names.switch_bucket(),
            versions_days: days(self.deployment.retention.versions_days),
        }
    }

    fn forwarding(&self, exports: &Exports) -> Forwarding {
        Forwarding {
            shared: self.shared.clone(),
            rules: self
                .regions()
                .each_ref()
                .map(|region| self.names.forwarding_rule(region)),
            roles: exports.both(self, "forwarding-role"),
            dead_letters: exports.both(self, "undelivered"),
        }
    }
}

/// Days, as AWS's calls count them.
fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}
