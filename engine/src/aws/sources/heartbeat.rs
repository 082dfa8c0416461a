//! This sidecar's signs of life, for the other region: an event on its bus, and a metric whose absence raises an alarm
//! there.
//!
//! The metric is `Heartbeat` in the namespace `Understudy`, with the dimensions `Environment` and `Region`, which is the
//! region that lives.

use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use understudy_policies::model::WitnessKind;

use crate::aws::Side;
use crate::aws::names::NAMESPACE;
use crate::aws::verdict::note;
use crate::decode::{HEARTBEAT, Heartbeat};
use crate::service::context::Sidecar;

/// Between two heartbeats, if the policy has no witness that waits for them.
const EVERY: Duration = Duration::from_secs(5);
/// Between two data points: the shortest period of an alarm.
const METRIC_EVERY: Duration = Duration::from_secs(10);

/// Sends, until the process ends.
pub(super) async fn keep(side: Side, sidecar: Sidecar) {
    tokio::join!(events(&side, &sidecar), metrics(&side, &sidecar));
}

async fn events(side: &Side, sidecar: &Sidecar) {
    let context = &sidecar.context;
    let witness = context
        .policy
        .witnesses
        .iter()
        .find(|witness| witness.kind == WitnessKind::Heartbeat);
    let every = witness.map_or(EVERY, |witness| witness.interval);
    loop {
        let heartbeat = Heartbeat {
            region: side.names.region(side.own).clone(),
            sent: context.clock.wall(),
        };
        // A bus that does not answer costs its own beats, and no more: each has the interval to get through.
        let detail = heartbeat.detail();
        let put = side.bus.put(side.own.other(), HEARTBEAT, &detail);
        tokio::join!(context.clock.sleep(every), async {
            drop(tokio::time::timeout(context.clock.real_span(every), put).await);
        });
    }
}

async fn metrics(side: &Side, sidecar: &Sidecar) {
    let context = &sidecar.context;
    let client = side.connections.cloudwatch(side.names.region(side.own.other()));
    let dimension = |name: &str, value: String| Dimension::builder().name(name).value(value).build();
    let datum = MetricDatum::builder()
        .metric_name("Heartbeat")
        .dimensions(dimension("Environment", context.platform.environment.to_string()))
        .dimensions(dimension("Region", side.names.region(side.own).to_string()))
        .unit(StandardUnit::Count)
        .value(1.0)
        .build();
    loop {
        let sent = client
            .put_metric_data()
            .namespace(NAMESPACE)
            .metric_data(datum.clone())
            .send()
            .await;
        drop(sent.inspect_err(|failure| note("publish the heartbeat", failure)));
        context.clock.sleep(METRIC_EVERY).await;
    }
}
