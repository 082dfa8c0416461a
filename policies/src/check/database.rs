//! UP5xx: how the database is moved, and what may be lost.

use std::time::Duration;

use super::Check;
use crate::duration::format;
use crate::figures::{AURORA_IN_REGION_MAX, GLOBAL_DB_RPO_SECONDS_MIN};
use crate::model::{DatabaseMethod, LossAction, WhenUnknown};
use crate::rules::database as rule;

/// Aurora's lag between regions is typically just under this.
const LAG_ORDINARY: Duration = Duration::from_secs(1);

/// A rebuilt standby takes longer than this, once its region is back.
const REBUILD_MIN: Duration = Duration::from_secs(3_600);

pub(super) fn check(check: &mut Check<'_>) {
    let policy = check.policy();
    let aurora = policy.database.method != DatabaseMethod::Postgres;
    rpo(check, aurora);
    if !policy.database.standby_instance {
        let message = "the standby's cluster has no instance, so it cannot be promoted";
        check.report(&rule::HEADLESS, message, &[("database.standby-instance", "headless")]);
    }
    if policy.database.method == DatabaseMethod::AuroraManaged {
        let message =
            "no distribution is published for Aurora's managed failover; its bound here rests on an assumption";
        let places = [
            ("database.method", "minutes, says AWS"),
            ("bounds.promotion", "the declared bound"),
        ];
        check.report(&rule::MANAGED_SLOW, message, &places);
    }
    let database = policy.losses.database;
    if aurora && database.action == LossAction::FailOver && database.wait < AURORA_IN_REGION_MAX {
        let message = format!(
            "a lost database is given {} to mend itself, and Aurora's in-region failover takes up to 30s",
            format(database.wait)
        );
        check.report(&rule::DATABASE_WAIT, message, &[("losses.database.wait", "too short")]);
    }
    if aurora && policy.deadlines.rejoining < REBUILD_MIN {
        let message = format!(
            "the lost region's database is given {} to be rebuilt",
            format(policy.deadlines.rejoining)
        );
        let places = [("deadlines.rejoining", "too short"), ("database.method", "for this")];
        check.report(&rule::REJOIN_SHORT, message, &places);
    }
    data_loss(check, aurora);
}

fn rpo(check: &mut Check<'_>, aurora: bool) {
    let Some(seconds) = check.policy().database.global_db_rpo_seconds else {
        return;
    };
    let place = "database.global-db-rpo-seconds";
    if !aurora {
        let places = [(place, "no effect"), ("database.method", "with this")];
        check.report(
            &rule::RPO_UNUSED,
            "`rds.global_db_rpo` means nothing to plain PostgreSQL",
            &places,
        );
    } else if seconds < GLOBAL_DB_RPO_SECONDS_MIN {
        let message =
            format!("`rds.global_db_rpo` is {seconds}, and Aurora accepts {GLOBAL_DB_RPO_SECONDS_MIN} or more");
        check.report(&rule::RPO_TOO_SMALL, message, &[(place, "refused by Aurora")]);
    } else {
        let message = "with two regions, `rds.global_db_rpo` can block commits when the standby is lost";
        check.report(&rule::RPO_BLOCKS, message, &[(place, "blocks commits")]);
    }
}

fn data_loss(check: &mut Check<'_>, aurora: bool) {
    let data_loss = &check.policy().guards.data_loss;
    if data_loss.lag_unknown == WhenUnknown::Proceed {
        let message = "a failover goes on when nobody knows what it loses";
        check.report(
            &rule::LAG_UNKNOWN,
            message,
            &[("guards.data-loss.lag-unknown", "unknown is not small")],
        );
    }
    if aurora && data_loss.lag_max < LAG_ORDINARY {
        let message = format!(
            "a lag above {} asks two people, and Aurora's is typically just under 1s",
            format(data_loss.lag_max)
        );
        check.report(
            &rule::LAG_TIGHT,
            message,
            &[("guards.data-loss.lag-max", "ordinary lag is above")],
        );
    }
}
