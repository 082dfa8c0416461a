//! RDS events of clusters and instances. Those of a global cluster come as events of its member clusters.
//!
//! No event says that a cluster was detached from its global cluster: AWS publishes none. The engine sees it when it
//! describes the database, which every notice here makes it do.

use super::arn::Arn;
use super::decoded::{Content, Ignored};
use super::detail::Detail;
use super::document::Envelope;
use super::rejection::{Excerpt, Reason};
use super::time;
use crate::core::signal::{DatabaseChange, Notice};

/// Reads an `RDS DB Cluster Event` or an `RDS DB Instance Event`.
pub(super) fn event(envelope: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
    let region = envelope.serving_region()?;
    let arn = detail.source_arn.required("detail.SourceArn")?;
    let event_id = detail.event_id.required("detail.EventID")?;
    let number = number(&event_id)?;
    let observed = time::parse(&detail.date.required("detail.Date")?, "detail.Date")?;
    let categories = detail.categories.optional("detail.EventCategories")?;
    let arn = Arn::parse(&arn, "detail.SourceArn")?;
    if envelope.directory.own(arn.name(), region).is_none() {
        return Ok(Content::Ignored(Ignored::OtherResource));
    }
    let failover = categories.is_some_and(|categories| categories.failover);
    Ok(
        change(number, failover).map_or(Content::Ignored(Ignored::RoutineDatabaseEvent), |change| {
            Content::Notice {
                notice: Notice::Database { region, change },
                observed,
            }
        }),
    )
}

fn number(event_id: &str) -> Result<u16, Reason> {
    event_id
        .strip_prefix("RDS-EVENT-")
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Reason::UnknownValue {
            path: "detail.EventID",
            value: Excerpt::of(event_id),
            expected: "an event such as `RDS-EVENT-0181`",
        })
}

/// What an event means; none: routine. The numbers and their meaning are those of the event tables in the user guides of
/// Aurora and of RDS.
const fn change(number: u16, failover: bool) -> Option<DatabaseChange> {
    match number {
        // 13: Multi-AZ. 72, 73: within a zone, between zones.
        13 | 72 | 73 => Some(DatabaseChange::FailoverStarted),
        // 15, 49: Multi-AZ. 71: cluster. 238, 519: global cluster, 519 onto a cluster that has no instance yet.
        15 | 49 | 71 | 238 | 519 => Some(DatabaseChange::FailoverCompleted),
        // 69: cluster. 239: global failover. 186, 187: global switchover cancelled, failed.
        69 | 186 | 187 | 239 => Some(DatabaseChange::FailoverFailed),
        // Started, old writer shut down, waiting for replication (183, 423), new writer promoted, finished.
        181..=185 | 423 => Some(DatabaseChange::Switchover),
        // Instance: shut down 4, restarted 6, recovery 20 and 21, stopped 87, started 88, topology changed 385, key out
        // of reach 418 and 419. Replication: stopped 45, resumed 46, ended 57. Cluster: stopped 150, started 151,
        // created 170, deleted 171, writes blocked for a global failover 390, blocking them timed out 391, volume
        // replaced 512 and 513. Members rebuilt after a global failover: 240, 241. Global writer endpoint moved: 397.
        4 | 6 | 20 | 21 | 45 | 46 | 57 | 87 | 88 | 150 | 151 | 170 | 171 | 240 | 241 | 385 | 390 | 391 | 397 | 418
        | 419 | 512 | 513 => Some(DatabaseChange::Other),
        // A number that AWS has added since.
        _ if failover => Some(DatabaseChange::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_switchover_is_followed_from_start_to_end() {
        for number in 181..=185 {
            assert_eq!(change(number, true), Some(DatabaseChange::Switchover), "{number}");
        }
        assert_eq!(change(187, true), Some(DatabaseChange::FailoverFailed));
    }

    #[test]
    fn an_unknown_number_is_looked_at_only_if_it_speaks_of_a_failover() {
        assert_eq!(change(9_999, true), Some(DatabaseChange::Other));
        assert_eq!(change(9_999, false), None);
    }

    #[test]
    fn a_backup_is_routine() {
        assert_eq!(change(1, false), None);
    }

    #[test]
    fn only_numbers_of_rds_are_numbers() {
        assert_eq!(number("RDS-EVENT-0181"), Ok(181));
        for bad in [
            "",
            "0181",
            "RDS-EVENT-",
            "RDS-EVENT-99999",
            "RDS-EVENT--1",
            "rds-event-0181",
        ] {
            assert!(number(bad).is_err(), "{bad}");
        }
    }
}
