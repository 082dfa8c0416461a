//! What is asked of one region's database.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::link::{Failure, Link};
use crate::core::ids::Epoch;
use crate::core::time::DatabaseTime;

/// Whether it takes writes, and its clock in microseconds.
const CLOCK: &str = "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean, \
                     (extract(epoch from clock_timestamp()) * 1000000)::bigint";

/// The timeline is in the first eight digits of the name of the file that is being written. Positions are in bytes.
const STANDING: &str = "select pg_is_in_recovery(), current_setting('transaction_read_only')::boolean, \
     case when not pg_is_in_recovery() \
          then ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint end, \
     (select count(*) from pg_stat_replication where state = 'streaming'), \
     (select count(*) from pg_stat_wal_receiver where status = 'streaming'), \
     (case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) \
           else pg_current_wal_insert_lsn() end - '0/0')::bigint";

/// Nothing while it does not follow. A replica that has replayed everything that its writer last reported lags by
/// nothing, however long ago the last transaction was.
const LAG: &str = "select case when r.latest_end_lsn <= pg_last_wal_replay_lsn() then 0 \
     else greatest(0, extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000000) end::bigint \
     from pg_stat_wal_receiver r where r.status = 'streaming' and pg_is_in_recovery()";

/// What a database says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// It replays what a writer sends.
    pub in_recovery: bool,
    /// It takes writes.
    pub writable: bool,
    /// Rises with every promotion; none while it is in recovery.
    pub timeline: Option<i64>,
    /// How many replicas stream from it.
    pub replicas: i64,
    /// It streams from a writer.
    pub follows: bool,
    /// How far it has written or, as a replica, received: bytes.
    pub position: i64,
}

impl Link {
    /// The database's clock; none if it takes no writes.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn clock(&self) -> Result<Option<DatabaseTime>, Failure> {
        let rows = self.rows(CLOCK).await?;
        Ok(match cells(&rows)?[..] {
            [Some("f"), Some(micros)] => micros.parse().ok().map(DatabaseTime),
            _ => None,
        })
    }

    /// Writes the serving row. False: it is of a later epoch.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn write_serving(&self, epoch: Epoch, valid_until: DatabaseTime) -> Result<bool, Failure> {
        let sql = format!(
            "select understudy.write_serving({}, timestamptz 'epoch' + interval '{} microseconds')",
            epoch.0, valid_until.0
        );
        let written = self.value(&sql).await.map_err(explained)?;
        Ok(written.as_deref() == Some("t"))
    }

    /// How far this replica lags behind its writer; none: it is none, or does not follow.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn replication_lag(&self) -> Result<Option<Duration>, Failure> {
        let micros = self.value(LAG).await?;
        Ok(micros.and_then(|micros| micros.parse().ok()).map(Duration::from_micros))
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn standing(&self) -> Result<Standing, Failure> {
        let rows = self.rows(STANDING).await?;
        let cells = cells(&rows)?;
        let truth = |at: usize| cells.get(at).copied().flatten() == Some("t");
        let number = |at: usize| cells.get(at).copied().flatten().and_then(|text| text.parse().ok());
        Ok(Standing {
            in_recovery: truth(0),
            writable: !truth(0) && !truth(1),
            timeline: number(2),
            replicas: number(3).unwrap_or(0),
            follows: number(4).is_some_and(|count: i64| count > 0),
            position: number(5).unwrap_or(0),
        })
    }

    /// The epoch of the serving row.
    pub(super) async fn serving_epoch(&self) -> Result<i64, Failure> {
        let epoch = self
            .value("select epoch from understudy.serving")
            .await
            .map_err(explained)?;
        Ok(epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(0))
    }
}

fn cells(rows: &[Vec<Option<String>>]) -> Result<Vec<Option<&str>>, Failure> {
    let row = rows.first().ok_or(Failure::NotNamed)?;
    Ok(row.iter().map(Option::as_deref).collect())
}

/// Says what to do when the fence is not there.
pub(super) fn explained(failure: Failure) -> Failure {
    match failure {
        Failure::Refused { region, code, .. }
            if [
                SqlState::INVALID_SCHEMA_NAME,
                SqlState::UNDEFINED_FUNCTION,
                SqlState::UNDEFINED_TABLE,
            ]
            .contains(&code) =>
        {
            Failure::Refused {
                region,
                code,
                message: "the commit fence is not installed; run engine/sql/fence.sql and engine/sql/sidecar.sql"
                    .to_owned(),
            }
        }
        other => other,
    }
}
