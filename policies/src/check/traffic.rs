//! UP4xx: how clients are moved.

use std::time::Duration;

use super::Check;
use crate::duration::format;
use crate::model::{RecordType, RedirectTrigger, TrafficMethod};
use crate::rules::traffic as rule;

/// Above this, the TTL costs more of the budget than it saves in queries.
const TTL_MAX: Duration = Duration::from_secs(10);

/// Below this, resolvers do not follow any more.
const TTL_MIN: Duration = Duration::from_secs(5);

pub(super) fn check(check: &mut Check<'_>) {
    let traffic = &check.policy().traffic;
    match traffic.record {
        RecordType::Alias => {
            let message = format!(
                "the alias has a TTL of 60s, and `ttl = \"{}\"` has no effect",
                format(traffic.ttl)
            );
            check.report(
                &rule::ALIAS_TTL,
                message,
                &[("traffic.record", "60s of TTL"), ("traffic.ttl", "no effect")],
            );
        }
        RecordType::Cname if traffic.ttl > TTL_MAX => {
            let message = format!("clients may keep the lost region for {}", format(traffic.ttl));
            check.report(&rule::TTL_LONG, message, &[("traffic.ttl", "long")]);
        }
        RecordType::Cname if traffic.ttl < TTL_MIN => {
            let message = format!("a TTL of {} gains little over 5s", format(traffic.ttl));
            check.report(&rule::TTL_SHORT, message, &[("traffic.ttl", "short")]);
        }
        RecordType::Cname => {}
    }
    method(check);
    trigger(check);
    checkers(check);
}

fn method(check: &mut Check<'_>) {
    let traffic = &check.policy().traffic;
    match (traffic.method, &traffic.arc) {
        (TrafficMethod::RecordChange, _) => {
            let message = "moving traffic needs Route 53's control plane in us-east-1, and has no other way";
            check.report(
                &rule::RECORD_CHANGE_ONLY,
                message,
                &[("traffic.method", "the only way")],
            );
        }
        (TrafficMethod::Arc, None) => {
            let message = "the method is `arc`, and no routing controls are named";
            check.report(
                &rule::ARC_MISSING,
                message,
                &[("traffic.method", "needs `[traffic.arc]`")],
            );
        }
        (TrafficMethod::Arc, Some(_)) => {
            let message = "no latency is published for ARC routing controls: the bounds count them as switches";
            check.report(&rule::ARC_LATENCY, message, &[("traffic.method", "not measured")]);
        }
        (TrafficMethod::Switch, _) => {}
    }
    if traffic.arc.is_some() && traffic.method != TrafficMethod::Arc {
        let message = "routing controls are named, and the method does not use them";
        check.report(
            &rule::ARC_UNUSED,
            message,
            &[("traffic.arc", "not used"), ("traffic.method", "by this")],
        );
    }
}

fn trigger(check: &mut Check<'_>) {
    let traffic = &check.policy().traffic;
    if traffic.trigger != RedirectTrigger::SwitchAndEndpoint {
        return;
    }
    let place = ("traffic.trigger", "Route 53 acts by itself");
    if traffic.method == TrafficMethod::Switch {
        check.report(
            &rule::ENDPOINT_MOVES,
            "Route 53 may move traffic without the engine, flapping included",
            &[place],
        );
    } else {
        let places = [("traffic.trigger", "needs switches"), ("traffic.method", "has none")];
        check.report(
            &rule::TRIGGER_MISFIT,
            "`switch-and-endpoint` needs the method `switch`",
            &places,
        );
    }
}

/// The declared reach of the checkers against what their interval allows.
fn checkers(check: &mut Check<'_>) {
    let policy = check.policy();
    let route_check = &policy.infrastructure.route53_check;
    let needs = route_check.interval * route_check.failure_threshold;
    if policy.traffic.method == TrafficMethod::Switch && policy.bounds.checker_reach < needs {
        let message = format!(
            "the checkers need up to {} to see a flipped switch, and the declared bound is {}",
            format(needs),
            format(policy.bounds.checker_reach),
        );
        let places = [
            ("bounds.checker-reach", "too short"),
            ("infrastructure.route53-check.interval", "for this"),
            ("infrastructure.route53-check.failure-threshold", "times this"),
        ];
        check.report(&rule::CHECKER_BOUND, message, &places);
    }
}
