//! How far the replica is behind, as CloudWatch has it.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_smithy_types::DateTime;

use super::Aurora;
use crate::aws::verdict::note;

/// The metric of a replica cluster, in milliseconds.
const METRIC: &str = "AuroraGlobalDBReplicationLag";
/// Its data points are a minute apart; an older one says nothing about now.
const WINDOW: Duration = Duration::from_secs(180);

impl Aurora {
    pub(super) async fn lag(&self) -> Option<Duration> {
        // The writer's cluster has no such metric of its own; asking for it would show the past.
        let view = self.look().await.ok()?.as_the_core_sees_it();
        if view.writer != Some(self.own.other()) {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "CloudWatch wants a range of the wall clock")]
        let now = SystemTime::now();
        let cluster = self.names.cluster(self.own);
        let source = self.names.region(self.own.other()).as_str();
        // CloudWatch keeps it by cluster and source; older engine versions by cluster alone.
        let dimensions = [
            vec![
                dimension("DBClusterIdentifier", &cluster),
                dimension("SourceRegion", source),
            ],
            vec![dimension("DBClusterIdentifier", &cluster)],
        ];
        let queries = dimensions
            .into_iter()
            .zip(["by_source", "by_cluster"])
            .map(|(dimensions, id)| query(id, dimensions));
        let answer = self
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries.collect()))
            .start_time(DateTime::from(now - WINDOW))
            .end_time(DateTime::from(now))
            .scan_by(ScanBy::TimestampDescending)
            .send()
            .await
            .inspect_err(|failure| note("read the replication lag", failure))
            .ok()?;
        let latest = answer
            .metric_data_results()
            .iter()
            .filter_map(|series| series.timestamps().first().zip(series.values().first()))
            .max_by_key(|(time, _)| time.as_nanos())?;
        Duration::try_from_secs_f64(*latest.1 / 1000.0).ok()
    }
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

fn query(id: &str, dimensions: Vec<Dimension>) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace("AWS/RDS")
        .metric_name(METRIC)
        .set_dimensions(Some(dimensions))
        .build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Maximum").build();
    MetricDataQuery::builder()
        .id(id)
        .metric_stat(stat)
        .return_data(true)
        .build()
}
