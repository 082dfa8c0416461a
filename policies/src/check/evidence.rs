//! UP2xx: witnesses and quorum.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Check;
use crate::budget::detection;
use crate::duration::format;
use crate::model::{Component, FailureDomain, LossAction, MissingData, Witness, WitnessKind};
use crate::rules::{Rule, evidence as rule};
use crate::source::name_of;

pub(super) fn check(check: &mut Check<'_>) {
    for (index, witness) in check.policy().witnesses.iter().enumerate() {
        one(check, index, witness);
        if witness.quorum {
            of_the_quorum(check, index, witness);
        }
    }
    names(check);
    domains(check);
    quorum(check);
    companions(check);
}

fn key(index: usize, field: &str) -> String {
    format!("witness[{index}].{field}")
}

/// What holds for every witness.
fn one(check: &mut Check<'_>, index: usize, witness: &Witness) {
    let name = &witness.name;
    if witness.missing_after < witness.interval * 2 {
        let message = format!(
            "`{name}` is called missing after {}, and observes every {}",
            format(witness.missing_after),
            format(witness.interval)
        );
        let help = format!("set `missing-after` to at least {}", format(witness.interval * 2));
        let places = [
            (key(index, "missing-after"), "too short"),
            (key(index, "interval"), "for this"),
        ];
        report(check, &rule::MISSING_AFTER_SHORT, message, Some(help), &places);
    }
    if witness.missing_data == MissingData::Breached && !witness.quorum {
        let message = format!("silence of `{name}` is read as a breach");
        report(
            check,
            &rule::SILENCE_BREACHED,
            message,
            None,
            &[(key(index, "missing-data"), "silence is not a breach")],
        );
    }
    if !can_observe(witness.kind, witness.observes) {
        let (kind, component) = (name_of(witness.kind), name_of(witness.observes));
        let message = format!("`{name}`: a `{kind}` cannot observe the {component}");
        let places = [(key(index, "observes"), "not this"), (key(index, "kind"), "with this")];
        report(check, &rule::KIND_CANNOT_OBSERVE, message, None, &places);
    }
    if !stands_in(witness.kind, witness.failure_domain) {
        let (kind, domain) = (name_of(witness.kind), name_of(witness.failure_domain));
        let message = format!("`{name}`: a `{kind}` does not stand in the domain `{domain}`");
        let places = [
            (key(index, "failure-domain"), "not here"),
            (key(index, "kind"), "with this"),
        ];
        report(check, &rule::KIND_ELSEWHERE, message, None, &places);
    }
}

fn can_observe(kind: WitnessKind, component: Component) -> bool {
    use Component as C;
    match kind {
        WitnessKind::HttpProbe => matches!(component, C::Application | C::Database),
        WitnessKind::DatabaseProbe => component == C::Database,
        WitnessKind::Heartbeat | WitnessKind::LeaseRenewal => component == C::Engine,
        WitnessKind::CloudwatchAlarm | WitnessKind::AwsHealth => component != C::Network,
        WitnessKind::Route53Check => component == C::Application,
        WitnessKind::ReplicationLag => component == C::Replication,
        WitnessKind::Reference => component == C::Network,
    }
}

fn stands_in(kind: WitnessKind, domain: FailureDomain) -> bool {
    use FailureDomain as D;
    match kind {
        WitnessKind::HttpProbe => matches!(domain, D::TargetRegion | D::PeerRegion | D::WitnessRegion),
        // The observer in the witness region has no path into the network.
        WitnessKind::DatabaseProbe | WitnessKind::Heartbeat | WitnessKind::LeaseRenewal => {
            matches!(domain, D::TargetRegion | D::PeerRegion)
        }
        WitnessKind::CloudwatchAlarm | WitnessKind::ReplicationLag => matches!(domain, D::TargetRegion | D::PeerRegion),
        WitnessKind::Route53Check | WitnessKind::Reference => domain == D::Internet,
        WitnessKind::AwsHealth => domain == D::Provider,
    }
}

/// What must hold for a witness whose verdict counts.
fn of_the_quorum(check: &mut Check<'_>, index: usize, witness: &Witness) {
    let name = &witness.name;
    let counted = (key(index, "quorum"), "it counts");
    if let Some((rule, reason)) = never_counts(witness) {
        let message = format!("`{name}` counts in the quorum, and {reason}");
        report(
            check,
            rule,
            message,
            None,
            &[
                counted.clone(),
                (key(index, "kind"), "this"),
                (key(index, "failure-domain"), "from here"),
            ],
        );
    } else if !matches!(witness.observes, Component::Application | Component::Database) {
        let message = format!(
            "`{name}` counts in the quorum, and observes the {}",
            name_of(witness.observes)
        );
        report(
            check,
            &rule::COMPONENT_IN_QUORUM,
            message,
            None,
            &[counted, (key(index, "observes"), "not the platform")],
        );
    }
    if witness.missing_data == MissingData::Breached {
        let message = format!("silence of `{name}` would count as a breach in the quorum");
        report(
            check,
            &rule::MISSING_BREACHED,
            message,
            None,
            &[(key(index, "missing-data"), "silence is not a breach")],
        );
    }
    if witness.timeout > witness.interval {
        let message = format!(
            "`{name}` waits {} for an answer, and observes every {}",
            format(witness.timeout),
            format(witness.interval)
        );
        report(
            check,
            &rule::PROBES_OVERLAP,
            message,
            None,
            &[(key(index, "timeout"), "longer"), (key(index, "interval"), "than this")],
        );
    }
    if witness.breach_after == 1 {
        let message = format!("one failed observation makes `{name}` call the region breached");
        report(
            check,
            &rule::ONE_STRIKE,
            message,
            None,
            &[(key(index, "breach-after"), "one lost packet")],
        );
    }
}

/// Why a witness must not count, whatever else it is.
fn never_counts(witness: &Witness) -> Option<(&'static Rule, &'static str)> {
    match (witness.kind, witness.failure_domain) {
        (WitnessKind::CloudwatchAlarm, _) => Some((
            &rule::ALARM_IN_QUORUM,
            "CloudWatch and EventBridge are late or silent when a region is in trouble",
        )),
        (WitnessKind::Route53Check, _) => Some((&rule::ROUTE53_IN_QUORUM, "its metrics exist only in us-east-1")),
        (WitnessKind::AwsHealth, _) | (_, FailureDomain::Provider) => Some((
            &rule::PROVIDER_IN_QUORUM,
            "the provider's reports come tens of minutes late",
        )),
        (_, FailureDomain::TargetRegion) => {
            Some((&rule::TARGET_IN_QUORUM, "goes down with the region that it observes"))
        }
        _ => None,
    }
}

fn names(check: &mut Check<'_>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, witness) in check.policy().witnesses.iter().enumerate() {
        if let Some(before) = first.insert(&witness.name, index) {
            let message = format!("two witnesses are named `{}`", witness.name);
            let places = [(key(index, "name"), "again"), (key(before, "name"), "first")];
            report(check, &rule::DUPLICATE_WITNESS, message, None, &places);
        }
    }
}

/// Witnesses of one component that stand in the same failure domain.
fn domains(check: &mut Check<'_>) {
    let mut first: BTreeMap<(Component, FailureDomain), usize> = BTreeMap::new();
    for (index, witness) in check
        .policy()
        .witnesses
        .iter()
        .enumerate()
        .filter(|(_, witness)| witness.quorum)
    {
        let Some(before) = first.get(&(witness.observes, witness.failure_domain)).copied() else {
            first.insert((witness.observes, witness.failure_domain), index);
            continue;
        };
        let message = format!(
            "`{}` and `{}` observe the {} from one failure domain, and count once",
            check.policy().witnesses[before].name,
            witness.name,
            name_of(witness.observes),
        );
        let places = [
            (key(index, "failure-domain"), "the same"),
            (key(before, "failure-domain"), "as here"),
        ];
        report(check, &rule::DOMAIN_COUNTED_ONCE, message, None, &places);
    }
}

fn quorum(check: &mut Check<'_>) {
    let policy = check.policy();
    let quorum = &policy.quorum;
    let mut spare = true;
    let needed = [
        (Component::Application, true),
        (
            Component::Database,
            policy.losses.database.action == LossAction::FailOver,
        ),
    ];
    for (component, _) in needed.into_iter().filter(|(_, needed)| *needed) {
        if let Err(unreachable) = detection(policy, component) {
            let message = format!(
                "the quorum asks for {} failure domains, and {} observe the {}",
                unreachable.needed,
                unreachable.found,
                name_of(component),
            );
            let voices = voices(check, component);
            let mut places = vec![("quorum.failure-domains".to_owned(), "asked for")];
            places.extend(voices.into_iter().map(|index| (key(index, "failure-domain"), "counts")));
            report(check, &rule::QUORUM_UNREACHABLE, message, None, &places);
        } else {
            spare &= voices(check, component).len() > quorum.failure_domains as usize;
        }
    }
    if quorum.failure_domains == 1 {
        let message = "one failure domain alone may call a region lost";
        check.report(
            &rule::SINGLE_DOMAIN,
            message,
            &[("quorum.failure-domains", "one voice")],
        );
    } else if !spare {
        let message = format!(
            "the quorum needs every one of the {} failure domains: there is no spare one",
            quorum.failure_domains
        );
        check.report(
            &rule::NO_SPARE_DOMAIN,
            message,
            &[("quorum.failure-domains", "all of them")],
        );
    }
    flapping(check);
    if let Some((index, witness)) = check
        .policy()
        .witnesses
        .iter()
        .enumerate()
        .filter(|(_, witness)| witness.quorum)
        .max_by_key(|(_, witness)| witness.interval)
        && quorum.dwell < witness.interval
    {
        let message = format!(
            "the dwell of {} ends before `{}` observes again, every {}",
            format(quorum.dwell),
            witness.name,
            format(witness.interval)
        );
        report(
            check,
            &rule::DWELL_BLIND,
            message,
            None,
            &[
                ("quorum.dwell".to_owned(), "too short"),
                (key(index, "interval"), "for this"),
            ],
        );
    }
}

/// One witness of each failure domain that observes a component.
fn voices(check: &Check<'_>, component: Component) -> Vec<usize> {
    let mut domains = Vec::new();
    let mut voices = Vec::new();
    for (index, witness) in check.policy().witnesses.iter().enumerate() {
        if witness.quorum && witness.observes == component && !domains.contains(&witness.failure_domain) {
            domains.push(witness.failure_domain);
            voices.push(index);
        }
    }
    voices
}

fn flapping(check: &mut Check<'_>) {
    let quorum = &check.policy().quorum;
    // The quickest a witness of the quorum can change its mind, there and back on average.
    let change = |witness: &Witness| witness.interval * (witness.breach_after + witness.clear_after) / 2;
    let quickest = check
        .policy()
        .witnesses
        .iter()
        .filter(|witness| witness.quorum)
        .map(change)
        .min();
    let needs = quickest.unwrap_or(Duration::ZERO) * quorum.flap_changes;
    if quorum.flap_window < needs || quorum.flap_window < quorum.flap_dwell {
        let message = if quorum.flap_window < needs {
            format!(
                "{} changes need at least {}, and are counted over {}",
                quorum.flap_changes,
                format(needs),
                format(quorum.flap_window)
            )
        } else {
            format!(
                "flapping is forgotten after {}, and waited out for {}",
                format(quorum.flap_window),
                format(quorum.flap_dwell)
            )
        };
        let help = format!("set `flap-window` to at least {}", format(needs.max(quorum.flap_dwell)));
        let places = [
            ("quorum.flap-window", "too short"),
            ("quorum.flap-changes", "for these"),
            ("quorum.flap-dwell", "and this"),
        ];
        check.report_with(&rule::FLAP_UNSEEN, message, help, &places);
    }
    if quorum.flap_dwell < quorum.dwell {
        let message = format!(
            "the dwell is {}, and only {} while a witness flaps",
            format(quorum.dwell),
            format(quorum.flap_dwell)
        );
        check.report(
            &rule::FLAP_DWELL_SHORT,
            message,
            &[("quorum.flap-dwell", "shorter"), ("quorum.dwell", "than this")],
        );
    }
}

/// Witnesses that the guards and assessments need besides the quorum.
fn companions(check: &mut Check<'_>) {
    let policy = check.policy();
    let of_kind = |kind| {
        policy
            .witnesses
            .iter()
            .enumerate()
            .filter(move |(_, witness)| witness.kind == kind)
    };
    if of_kind(WitnessKind::Reference).next().is_none() {
        let message = "no witness looks at anything outside both regions, so being cut off looks like a lost region";
        check.report(&rule::NO_REFERENCE, message, &[("quorum", "decides without it")]);
    }
    let age = policy.guards.data_loss.lag_age_max;
    match of_kind(WitnessKind::ReplicationLag).min_by_key(|(_, witness)| witness.interval) {
        None => {
            let message = "no witness measures the replication lag, so every failover meets an unknown one";
            check.report(
                &rule::NO_LAG,
                message,
                &[("guards.data-loss.lag-unknown", "always the case")],
            );
        }
        Some((index, witness)) if age < witness.interval * 2 => {
            let message = format!(
                "the lag may be {} old, and `{}` measures it every {}",
                format(age),
                witness.name,
                format(witness.interval)
            );
            let help = format!("set `lag-age-max` to at least {}", format(witness.interval * 2));
            let places = [
                ("guards.data-loss.lag-age-max".to_owned(), "too short"),
                (key(index, "interval"), "for this"),
            ];
            report(check, &rule::LAG_STALE, message, Some(help), &places);
        }
        Some(_) => {}
    }
}

fn report(check: &mut Check<'_>, rule: &Rule, message: String, help: Option<String>, places: &[(String, &str)]) {
    let places: Vec<(&str, &str)> = places.iter().map(|(key, text)| (key.as_str(), *text)).collect();
    match help {
        Some(help) => check.report_with(rule, message, help, &places),
        None => check.report(rule, message, &places),
    }
}
