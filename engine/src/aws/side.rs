//! From the platform file to adapters.

use std::sync::Arc;

use understudy_policies::model::{DatabaseMethod, TrafficMethod};

use super::bus::Bus;
use super::connect::Connections;
use super::database::Aurora;
use super::humans::Operators;
use super::lease::LeaseTable;
use super::name::PublicRecords;
use super::names::{Names, SWITCH_B};
use super::order_path::OrderPathItem;
use super::switches::{RoutingControls, SwitchItem, SwitchObject, Told, TwoSwitches};
use crate::core::ids::Region;
use crate::service::context::Context;
use crate::service::parts::{Database, Parts, Switches};

/// AWS, as the sidecars of one region see it.
#[derive(Debug, Clone)]
pub struct Side {
    pub(super) own: Region,
    pub(super) names: Names,
    pub(super) connections: Connections,
    pub(super) bus: Bus,
}

impl Side {
    /// AWS as a platform file describes it; none: it has no `[aws]`.
    pub async fn of(context: &Context, own: Region) -> Option<Self> {
        let aws = context.platform.aws.as_ref()?;
        let names = Names::new(&context.policy, &context.platform, aws);
        let connections = Connections::load(names.region(own), aws.endpoint.as_ref()).await;
        Some(Self::new(own, names, connections))
    }

    /// AWS by way of these connections.
    #[must_use]
    pub fn new(own: Region, names: Names, connections: Connections) -> Self {
        let bus = Bus::new(Region::BOTH.map(|region| connections.eventbridge(names.region(region))));
        Self {
            own,
            names,
            connections,
            bus,
        }
    }

    /// Puts an adapter wherever AWS has the part. What is there already and speaks PostgreSQL goes on speaking it.
    pub fn put_into(&self, parts: &mut Parts, context: &Context) {
        let policy = &context.policy;
        if policy.database.method != DatabaseMethod::Postgres {
            let speaks = context.platform.regions[self.own.index()].database.is_some();
            parts.database = Arc::new(self.aurora(speaks.then(|| Arc::clone(&parts.database))));
        }
        parts.lease = Arc::new(self.lease());
        parts.switches = self.switches(context);
        parts.order_path = Arc::new(self.order_path(context, Arc::clone(&parts.database)));
        parts.humans = Arc::new(self.operators(context));
        if self.names.public().is_some() {
            parts.name = Arc::new(self.public_records());
        }
    }

    /// The lease item.
    #[must_use]
    pub fn lease(&self) -> LeaseTable {
        let regions = self.names.lease_regions(self.own);
        let endpoints = regions.iter().map(|region| self.connections.dynamodb(region));
        LeaseTable::new(endpoints.collect(), self.names.lease_table())
    }

    /// The database.
    #[must_use]
    pub fn aurora(&self, postgres: Option<Arc<dyn Database>>) -> Aurora {
        let rds = Region::BOTH.map(|region| self.connections.rds(self.names.region(region)));
        let cloudwatch = self.connections.cloudwatch(self.names.region(self.own));
        Aurora::new(self.own, self.names.clone(), rds, cloudwatch, postgres)
    }

    /// Both switches, in their two regions.
    #[must_use]
    pub fn two_switches(&self) -> TwoSwitches {
        let standby = self.names.region(Region::Away);
        let witness = self.names.witness();
        TwoSwitches {
            item: SwitchItem::new(self.connections.dynamodb(standby), self.names.switch_table()),
            object: SwitchObject::new(self.connections.s3(witness), self.names.switch_bucket(), SWITCH_B),
        }
    }

    /// The public name.
    #[must_use]
    pub fn public_records(&self) -> PublicRecords {
        // Route 53 has one endpoint, wherever it is asked from.
        let client = self.connections.route53(self.names.region(self.own));
        PublicRecords::new(client, self.names.clone(), self.names.aws().resolver)
    }

    fn switches(&self, context: &Context) -> Arc<dyn Switches> {
        let (bus, clock) = (self.bus.clone(), context.clock);
        match (&context.policy.traffic.arc, context.policy.traffic.method) {
            (Some(arc), TrafficMethod::Arc) => {
                let mut endpoints: Vec<_> = self.names.aws().arc_endpoints.iter().collect();
                endpoints.sort_by_key(|endpoint| &endpoint.region != self.names.region(self.own));
                let clients = endpoints
                    .into_iter()
                    .map(|endpoint| self.connections.arc(&endpoint.region, &endpoint.address));
                let switches = RoutingControls::new(clients.collect(), arc);
                Arc::new(Told { switches, bus, clock })
            }
            _ => Arc::new(Told {
                switches: self.two_switches(),
                bus,
                clock,
            }),
        }
    }

    fn order_path(&self, context: &Context, database: Arc<dyn Database>) -> OrderPathItem {
        let aws = self.names.aws();
        let probe = aws.regions[self.own.index()].probe_order.clone();
        OrderPathItem::new(
            self.connections.dynamodb(self.names.region(self.own)),
            self.names.order_path_table(),
            aws.orders_finish_within,
            probe.map(|url| (context.client.clone(), url)),
            database,
        )
    }

    fn operators(&self, context: &Context) -> Operators {
        let region_name = self.names.region(self.own).clone();
        Operators {
            client: self.connections.sns(&region_name),
            topic_arn: self.names.topic_arn(self.own),
            bus: self.bus.clone(),
            region_name,
            clock: context.clock,
        }
    }
}
