//! A policy as a list of keys and values that can be compared.

use std::fmt;
use std::time::Duration;

use crate::duration;
use crate::model::{LeaseStore, Policy, RecordType, Witness};
use crate::source::{Named, name_of};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    Duration(Duration),
    Number(f64),
    Boolean(bool),
    Text(String),
    List(Vec<String>),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(value) => f.write_str(&duration::format(*value)),
            Self::Number(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

fn name<T: Named>(value: T) -> Setting {
    Setting::Text(name_of(value).to_owned())
}

fn text(value: impl fmt::Display) -> Setting {
    Setting::Text(value.to_string())
}

fn clock(minute: u16) -> Setting {
    Setting::Text(format!("{:02}:{:02}", minute / 60, minute % 60))
}

use Setting::{Boolean, Duration as Span, List, Number};

/// Every key of a policy with its value, in the order of the file. A witness is one entry by its name, followed by an
/// entry for each of its keys.
pub(super) fn settings(policy: &Policy) -> Vec<(String, Setting)> {
    let mut all: Vec<(String, Setting)> = Vec::new();
    let mut push = |key: &str, setting: Setting| all.push((key.to_owned(), setting));
    push("name", text(&policy.name));
    push("mode", name(policy.mode));
    push("regions.primary", text(&policy.regions.primary));
    push("regions.standby", text(&policy.regions.standby));
    push("regions.witness", text(&policy.regions.witness));

    let budget = &policy.budget;
    push("budget.total", Span(budget.total));
    push("budget.phases.detect", Span(budget.phases.detect));
    push("budget.phases.corroborate", Span(budget.phases.corroborate));
    push("budget.phases.decide", Span(budget.phases.decide));
    push("budget.phases.claim", Span(budget.phases.claim));
    push("budget.phases.promote", Span(budget.phases.promote));
    push("budget.phases.redirect", Span(budget.phases.redirect));
    push("budget.phases.verify", Span(budget.phases.verify));

    let bounds = &policy.bounds;
    push("bounds.signal-delivery", Span(bounds.signal_delivery));
    push("bounds.lease-operation", Span(bounds.lease_operation));
    push("bounds.lease-stall", Span(bounds.lease_stall));
    push("bounds.switch-write", Span(bounds.switch_write));
    push("bounds.checker-reach", Span(bounds.checker_reach));
    push("bounds.dns-propagation", Span(bounds.dns_propagation));
    push("bounds.promotion", Span(bounds.promotion));
    push("bounds.database-write", Span(bounds.database_write));
    push("bounds.engine-turn", Span(bounds.engine_turn));

    push("quorum.failure-domains", Number(policy.quorum.failure_domains.into()));
    push("quorum.dwell", Span(policy.quorum.dwell));
    push("quorum.flap-changes", Number(policy.quorum.flap_changes.into()));
    push("quorum.flap-window", Span(policy.quorum.flap_window));
    push("quorum.flap-dwell", Span(policy.quorum.flap_dwell));

    let losses = &policy.losses;
    for (loss, rule) in [
        ("region", losses.region),
        ("application", losses.application),
        ("database", losses.database),
    ] {
        push(&format!("losses.{loss}.action"), name(rule.action));
        push(&format!("losses.{loss}.wait"), Span(rule.wait));
    }
    guards(policy, &mut push);
    lease(policy, &mut push);
    actions(policy, &mut push);
    infrastructure(policy, &mut push);
    for witness in &policy.witnesses {
        self::witness(witness, &mut push);
    }
    all
}

fn guards(policy: &Policy, push: &mut impl FnMut(&str, Setting)) {
    let guards = &policy.guards;
    push("guards.cool-down", Span(guards.cool_down));
    push("guards.cool-down-escape", Boolean(guards.cool_down_escape));
    push("guards.role-changes-max", Number(guards.role_changes_max.into()));
    push("guards.role-changes-window", Span(guards.role_changes_window));
    push("guards.data-loss.lag-max", Span(guards.data_loss.lag_max));
    push("guards.data-loss.lag-age-max", Span(guards.data_loss.lag_age_max));
    push("guards.data-loss.lag-unknown", name(guards.data_loss.lag_unknown));
    push("guards.trading.time-zone", text(&guards.trading.time_zone));
    push(
        "guards.trading.days",
        List(guards.trading.days.iter().map(|day| name_of(*day).to_owned()).collect()),
    );
    push("guards.trading.opens", clock(guards.trading.opens_minute));
    push("guards.trading.closes", clock(guards.trading.closes_minute));
    push("guards.trading.holidays", List(guards.trading.holidays.clone()));
}

fn lease(policy: &Policy, push: &mut impl FnMut(&str, Setting)) {
    let lease = &policy.lease;
    match &lease.store {
        LeaseStore::MultiRegion => push("lease.store", text("multi-region")),
        LeaseStore::SingleTable { region } => push("lease.store", text(format_args!("single-table in {region}"))),
    }
    push("lease.ttl", Span(lease.ttl));
    push("lease.margin", Span(lease.margin));
    push("lease.renew-every", Span(lease.renew_every));
    push("lease.operation-timeout", Span(lease.operation_timeout));
    push("lease.drift-max", Span(lease.drift_max));
    push("lease.grant", Span(lease.grant));
    push("lease.store-lost", name(lease.store_lost));
}

fn actions(policy: &Policy, push: &mut impl FnMut(&str, Setting)) {
    let traffic = &policy.traffic;
    push("traffic.method", name(traffic.method));
    push("traffic.trigger", name(traffic.trigger));
    push("traffic.record", name(traffic.record));
    if traffic.record == RecordType::Cname {
        push("traffic.ttl", Span(traffic.ttl));
    }
    push("traffic.pin-record", Boolean(traffic.pin_record));
    if let Some(arc) = &traffic.arc {
        push("traffic.arc.cluster", text(&arc.cluster));
        push("traffic.arc.primary-control", text(&arc.primary_control));
        push("traffic.arc.standby-control", text(&arc.standby_control));
    }
    push("database.method", name(policy.database.method));
    if let Some(seconds) = policy.database.global_db_rpo_seconds {
        push("database.global-db-rpo-seconds", Number(seconds.into()));
    }
    push("database.standby-instance", Boolean(policy.database.standby_instance));
    push("failback.mode", name(policy.failback.mode));
    push("failback.soak", Span(policy.failback.soak));
    push("failback.during-trading", Boolean(policy.failback.during_trading));
    push("failback.while-unprotected", Boolean(policy.failback.while_unprotected));
    push(
        "failback.wait-for-health-event",
        Boolean(policy.failback.wait_for_health_event),
    );
    push("gates.approve-failover", Boolean(policy.gates.approve_failover));
    push("gates.approve-failback", Boolean(policy.gates.approve_failback));
    push("gates.two-person-loss", Boolean(policy.gates.two_person_loss));
    push("gates.reconcile-venues", Boolean(policy.gates.reconcile_venues));
    let deadlines = &policy.deadlines;
    for (state, deadline) in [
        ("recovering", deadlines.recovering),
        ("suspicious", deadlines.suspicious),
        ("draining", deadlines.draining),
        ("claiming", deadlines.claiming),
        ("acquiring", deadlines.acquiring),
        ("moving", deadlines.moving),
        ("verifying", deadlines.verifying),
        ("reverting", deadlines.reverting),
        ("rejoining", deadlines.rejoining),
        ("reconciling", deadlines.reconciling),
        ("handing-back", deadlines.handing_back),
    ] {
        push(&format!("deadlines.{state}"), Span(deadline));
    }
}

fn infrastructure(policy: &Policy, push: &mut impl FnMut(&str, Setting)) {
    let infrastructure = &policy.infrastructure;
    for (alarm, threshold) in [
        ("replication-lag", &infrastructure.replication_lag),
        ("lambda-errors", &infrastructure.lambda_errors),
        ("api-latency", &infrastructure.api_latency),
    ] {
        let key = |field: &str| format!("infrastructure.{alarm}.{field}");
        push(&key("threshold"), Number(threshold.threshold));
        push(&key("statistic"), name(threshold.statistic));
        push(&key("period"), Span(threshold.period));
        push(&key("periods"), Number(threshold.periods.into()));
        push(&key("missing-data"), name(threshold.missing_data));
    }
    let check = &infrastructure.route53_check;
    push("infrastructure.route53-check.interval", Span(check.interval));
    push(
        "infrastructure.route53-check.failure-threshold",
        Number(check.failure_threshold.into()),
    );
    push("infrastructure.route53-check.backing", name(check.backing));
    push("infrastructure.secondary-check", name(infrastructure.secondary_check));
}

fn witness(witness: &Witness, push: &mut impl FnMut(&str, Setting)) {
    let key = |field: &str| format!("witness.{}.{field}", witness.name);
    push(&format!("witness.{}", witness.name), text("there"));
    push(&key("kind"), name(witness.kind));
    push(&key("observes"), name(witness.observes));
    push(&key("failure-domain"), name(witness.failure_domain));
    push(&key("quorum"), Boolean(witness.quorum));
    push(&key("interval"), Span(witness.interval));
    push(&key("timeout"), Span(witness.timeout));
    push(&key("breach-after"), Number(witness.breach_after.into()));
    push(&key("clear-after"), Number(witness.clear_after.into()));
    push(&key("missing-after"), Span(witness.missing_after));
    push(&key("missing-data"), name(witness.missing_data));
}
