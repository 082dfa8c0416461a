//! UP3xx: the lease. The lease that is too long for its phase (UP306) is found with the budget.

use super::Check;
use crate::duration::format;
use crate::model::{LeaseStore, RegionName, StoreLost};
use crate::rules::lease as rule;

/// Regions among which a table can be strongly consistent: any three of one set.
const STRONG_SETS: [&[&str]; 3] = [
    &["us-east-1", "us-east-2", "us-west-2"],
    &["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"],
    &["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
];

pub(super) fn check(check: &mut Check<'_>) {
    endurance(check);
    margin(check);
    operations(check);
    last_moment(check);
    grants(check);
    store(check);
}

/// How long the holder can go without renewing.
fn endurance(check: &mut Check<'_>) {
    let policy = check.policy();
    let (lease, stall) = (&policy.lease, policy.bounds.lease_stall);
    let endures = lease.ttl.saturating_sub(lease.margin);
    let (ttl, margin) = (("lease.ttl", "less"), ("lease.margin", "this"));
    // The next renewal may begin an interval later, wait out the stall, and then take as long as one operation may.
    let outlasts = lease.renew_every + stall + policy.bounds.lease_operation;
    if endures < outlasts {
        let message = format!(
            "the holder endures {} without renewing, and the next renewal may take {}: an interval of {}, \
             a stall of {} and an operation of {}",
            format(endures),
            format(outlasts),
            format(lease.renew_every),
            format(stall),
            format(policy.bounds.lease_operation),
        );
        let help = format!("set `ttl` to at least {}", format(outlasts + lease.margin));
        let places = [
            ttl,
            margin,
            ("lease.renew-every", "an interval"),
            ("bounds.lease-stall", "a stall"),
            ("bounds.lease-operation", "and an operation"),
        ];
        check.report_with(&rule::STALL_FENCES, message, help, &places);
    }
    let unanswered = lease.renew_every + lease.operation_timeout * 3;
    if endures <= unanswered {
        let message = format!(
            "the holder endures {} without renewing, and settling one unanswered renewal may take {}",
            format(endures),
            format(unanswered),
        );
        let help = format!(
            "set `operation-timeout` lower, or `ttl` to more than {}",
            format(unanswered + lease.margin)
        );
        let places = [
            ("lease.operation-timeout", "three of these"),
            ("lease.renew-every", "and an interval"),
            ttl,
            margin,
        ];
        check.report_with(&rule::ONE_TIMEOUT_FENCES, message, help, &places);
    }
}

fn margin(check: &mut Check<'_>) {
    let policy = check.policy();
    let lease = &policy.lease;
    let commit = lease.drift_max + policy.bounds.database_write;
    if lease.margin <= lease.drift_max {
        let message = format!(
            "the margin of {} does not cover a drift of {}",
            format(lease.margin),
            format(lease.drift_max)
        );
        check.report(
            &rule::MARGIN_DRIFT,
            message,
            &[("lease.margin", "too short"), ("lease.drift-max", "for this")],
        );
    } else if lease.margin < commit {
        let message = format!(
            "the margin of {} is shorter than a drift and a commit together, {}",
            format(lease.margin),
            format(commit)
        );
        let help = format!("set `margin` to at least {}", format(commit));
        let places = [
            ("lease.margin", "too short"),
            ("lease.drift-max", "a drift"),
            ("bounds.database-write", "and a commit"),
        ];
        check.report_with(&rule::MARGIN_COMMIT, message, help, &places);
    }
}

fn operations(check: &mut Check<'_>) {
    let policy = check.policy();
    let (timeout, bound, every) = (
        policy.lease.operation_timeout,
        policy.bounds.lease_operation,
        policy.lease.renew_every,
    );
    if timeout > bound {
        let message = format!(
            "a lease operation may take {}, and its declared bound is {}",
            format(timeout),
            format(bound)
        );
        let places = [
            ("lease.operation-timeout", "longer"),
            ("bounds.lease-operation", "than this"),
        ];
        check.report(&rule::BOUND_NOT_KEPT, message, &places);
    }
    if timeout > every {
        let message = format!(
            "a renewal may take {}, and the next is due after {}",
            format(timeout),
            format(every)
        );
        let places = [
            ("lease.operation-timeout", "longer"),
            ("lease.renew-every", "than this"),
        ];
        check.report(&rule::RENEWALS_OVERLAP, message, &places);
    }
}

fn last_moment(check: &mut Check<'_>) {
    let lease = &check.policy().lease;
    if lease.operation_timeout > lease.margin {
        let message = format!(
            "an operation may take {}, and may start {} before the lease ends",
            format(lease.operation_timeout),
            format(lease.margin),
        );
        let places = [("lease.operation-timeout", "longer"), ("lease.margin", "than this")];
        check.report(&rule::OPERATION_OUTLIVES, message, &places);
    }
}

fn grants(check: &mut Check<'_>) {
    let lease = &check.policy().lease;
    if lease.grant > lease.ttl {
        let message = format!(
            "a grant lasts {}, and a lease {}",
            format(lease.grant),
            format(lease.ttl)
        );
        check.report(
            &rule::GRANT_LONG,
            message,
            &[("lease.grant", "longer"), ("lease.ttl", "than this")],
        );
    }
    let needs = lease.margin + lease.renew_every + lease.operation_timeout;
    if lease.grant <= needs {
        let message = format!(
            "a grant of {} runs out before the next can be had, which takes {}",
            format(lease.grant),
            format(needs)
        );
        let places = [
            ("lease.grant", "too short"),
            ("lease.margin", "a margin"),
            ("lease.renew-every", "an interval"),
            ("lease.operation-timeout", "and an operation"),
        ];
        let help = format!("set `grant` to more than {}", format(needs));
        check.report_with(&rule::GRANT_SHORT, message, help, &places);
    }
}

fn store(check: &mut Check<'_>) {
    let policy = check.policy();
    let (regions, lost) = (&policy.regions, policy.lease.store_lost);
    match &policy.lease.store {
        LeaseStore::SingleTable { region } => {
            if *region != regions.standby {
                let message = format!(
                    "the lease table is in `{region}`, and the standby is `{}`",
                    regions.standby
                );
                let places = [
                    ("lease.store.region", "not the standby"),
                    ("regions.standby", "the standby"),
                ];
                check.report(&rule::TABLE_ELSEWHERE, message, &places);
            }
            let message = format!("losing `{region}` stops the primary as well: the lease table is only there");
            check.report(
                &rule::TABLE_SHARED_FATE,
                message,
                &[("lease.store.region", "one region")],
            );
            if lost == StoreLost::ServeOnGrants {
                let message = "the region that would grant is the region that holds the table";
                let places = [
                    ("lease.store-lost", "rests on the peer"),
                    ("lease.store.region", "in the same region"),
                ];
                check.report(&rule::TABLE_GRANTS, message, &places);
            }
        }
        LeaseStore::MultiRegion => {
            let three = [&regions.primary, &regions.standby, &regions.witness];
            let inside = |set: &&[&str]| three.iter().all(|region| set.contains(&RegionName::as_str(region)));
            if !STRONG_SETS.iter().any(inside) {
                let message = format!(
                    "`{}`, `{}` and `{}` are not known to form a strongly consistent table",
                    regions.primary, regions.standby, regions.witness
                );
                let places = [
                    ("lease.store.kind", "needs one set"),
                    ("regions.primary", "this"),
                    ("regions.standby", "this"),
                    ("regions.witness", "and this"),
                ];
                check.report(&rule::STRONG_SET, message, &places);
            }
            if lost == StoreLost::Fence {
                let message = "losing the lease store in every region stops the platform";
                check.report(&rule::FENCE_OUTAGE, message, &[("lease.store-lost", "stops")]);
            }
        }
    }
}
