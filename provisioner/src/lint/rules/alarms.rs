//! Alarms: in both regions the same, each about its own region, and heard outside of it.

use super::aurora::properties_differ;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Role, Side, regions};
use crate::lint::value::Node;

rules! {
    ALONE = "UL521": "an alarm in one region only",
        "what is watched in one region fails unseen in the other",
        "declare the alarm in both regions";
    ACTION = "UL522": "an alarm's action in another region",
        "alarms act on topics and functions of their own region only: nobody is told",
        "notify a topic of this region, and subscribe the other region's queue to it";
    COMPOSITE = "UL523": "a composite alarm over another region's alarms",
        "a composite alarm cannot span regions: it is refused, or waits for ever for data",
        "compose the alarms of each region there, and let the engine compare the two";
    ROUTE_METRICS = "UL524": "a Route 53 metric outside of us-east-1",
        "the metrics of AWS/Route53 exist in us-east-1 only: the alarm never has data",
        "declare the alarm in us-east-1, or watch the endpoint with probes";
    PERCENTILE = "UL525": "a health check behind an alarm that it cannot use",
        "Route 53 reads standard-resolution metrics without percentiles: the check stays unknown",
        "back the check with an average, minimum, maximum or sum over periods of a minute or more";
    SILENCE = "UL526": "silence that counts as failure",
        "when monitoring is lost, and nothing else, the region looks lost: a false failover",
        "let missing data stay missing, and InsufficientDataHealthStatus be LastKnownStatus or Healthy";
    UNLIKE = "UL527": "alarms that judge differently",
        "the same fault raises the alarm in one region and not in the other",
        "give both alarms the same metric, threshold, periods and treatment of missing data";
    CHECKED = "UL528": "a health check of an alarm that is not there",
        "the check finds no such alarm in the region that it names, and stays unknown",
        "name an alarm that this region declares";
    DEAF = "UL529": "an alarm that nobody hears on one side",
        "the alarm rises in that region, and nothing happens",
        "give both alarms the same kinds of actions, and leave ActionsEnabled on";
    FOREIGN = "UL530": "an alarm about the other region's resource",
        "metrics stay in the region of their resource: the alarm never has data",
        "name the resource of this region in the dimension";
}

const ALARM: &str = "AWS::CloudWatch::Alarm";
const COMPOSED: &str = "AWS::CloudWatch::CompositeAlarm";
const ACTIONS: [&str; 3] = ["AlarmActions", "OKActions", "InsufficientDataActions"];

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        let other = pair.side(side.role.other());
        for alarm in pair.alone(side, &[ALARM, COMPOSED]) {
            // These exist in us-east-1 only, and what needs another region's metrics has no counterpart.
            if alarm.get("Namespace").text() == Some("AWS/Route53")
                || alarm.get("Namespace").text() == Some("AWS/Billing")
            {
                continue;
            }
            // Only the secondary of a global database lags.
            if side.role == Role::Standby && alarm.get("MetricName").text() == Some("AuroraGlobalDBReplicationLag") {
                continue;
            }
            let shown = if alarm.name().is_present() {
                alarm.name().shown()
            } else {
                alarm.logical().to_owned()
            };
            let reason = format!("`{shown}` of {} has no counterpart in {}", named(side), named(other));
            found.alone(&ALONE, side, alarm, reason);
        }
        for alarm in side.of(ALARM).chain(side.of(COMPOSED)) {
            for node in ACTIONS.iter().flat_map(|actions| alarm.get(actions).items()) {
                if let Some(region) = side.abroad(node) {
                    let reason = format!("`{}` is in {}, its action in {region}", alarm.logical(), named(side));
                    found.add(&ACTION, reason, &[Spot::value(side, alarm, node)]);
                }
            }
        }
        for alarm in side.of(ALARM) {
            metric(pair, side, alarm, found);
        }
        for alarm in side.of(COMPOSED) {
            composite(pair, side, alarm, found);
        }
        for check in side.of("AWS::Route53::HealthCheck") {
            checked(pair, side, check, found);
        }
    }
    for couple in pair.couples(&[ALARM]) {
        let judged = [
            ("Namespace", ""),
            ("MetricName", ""),
            ("Statistic", ""),
            ("ExtendedStatistic", ""),
            ("Threshold", ""),
            ("ComparisonOperator", ""),
            ("Period", ""),
            ("EvaluationPeriods", ""),
            ("DatapointsToAlarm", ""),
            ("TreatMissingData", "missing"),
        ];
        properties_differ(pair, couple, &judged, &UNLIKE, found);
    }
    for couple in pair.couples(&[ALARM, COMPOSED]) {
        deaf(pair, couple, found);
    }
}

fn metric(pair: &Pair<'_>, side: &Side, alarm: &Resource, found: &mut Findings<'_>) {
    let namespace = alarm.get("Namespace");
    if namespace.text() == Some("AWS/Route53") && side.region != "us-east-1" {
        let reason = format!("`{}` watches AWS/Route53 from {}", alarm.logical(), named(side));
        found.add(&ROUTE_METRICS, reason, &[Spot::value(side, alarm, namespace)]);
    }
    let other = pair.side(side.role.other());
    let aws = namespace
        .text()
        .is_some_and(|namespace| namespace.starts_with("AWS/") && namespace != "AWS/Route53");
    for dimension in alarm.get("Dimensions").items().iter().filter(|_| aws) {
        // A lag is measured at the replica and names the region of its source.
        if dimension.get("Name").text() == Some("SourceRegion") {
            continue;
        }
        let value = dimension.get("Value");
        let Some(text) = value.text() else { continue };
        let named_there = regions(text).contains(&other.region);
        let is_there = |side: &Side| {
            side.resources
                .iter()
                .any(|resource| resource.name().text() == Some(text))
        };
        if named_there || is_there(other) && !is_there(side) {
            let reason = format!(
                "`{}` in {} watches `{text}`, which is in {}",
                alarm.logical(),
                named(side),
                named(other)
            );
            found.add(&FOREIGN, reason, &[Spot::value(side, alarm, value)]);
        }
    }
}

fn composite(pair: &Pair<'_>, side: &Side, alarm: &Resource, found: &mut Findings<'_>) {
    let rule = alarm.get("AlarmRule");
    let Some(text) = rule
        .text()
        .map(str::to_owned)
        .or_else(|| (!rule.pieces().is_empty()).then(|| rule.shown()))
    else {
        return;
    };
    let other = pair.side(side.role.other());
    // ALARM("name or ARN"), OK(...), INSUFFICIENT_DATA(...)
    for named_alarm in text
        .split('(')
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(inner, _)| inner)
    {
        let name = named_alarm.trim().trim_matches(['"', '\'']);
        let declares = |side: &Side| {
            side.of(ALARM)
                .chain(side.of(COMPOSED))
                .any(|alarm| alarm.name().text() == Some(name))
        };
        let abroad = name.starts_with("arn:") && regions(name).iter().any(|region| *region != side.region);
        if abroad || !declares(side) && declares(other) {
            let reason = format!(
                "`{}` in {} is composed of `{name}` of another region",
                alarm.logical(),
                named(side)
            );
            found.add(&COMPOSITE, reason, &[Spot::value(side, alarm, rule)]);
        }
    }
}

fn checked(pair: &Pair<'_>, side: &Side, check: &Resource, found: &mut Findings<'_>) {
    let config = check.get("HealthCheckConfig");
    if config.get("Type").text() != Some("CLOUDWATCH_METRIC") {
        return;
    }
    let silence = config.get("InsufficientDataHealthStatus");
    if silence.text() == Some("Unhealthy") {
        let reason = format!("`{}` is unhealthy whenever its alarm has no data", check.logical());
        found.add(&SILENCE, reason, &[Spot::value(side, check, silence)]);
    }
    let identifier = config.get("AlarmIdentifier");
    let Some(region) = identifier.get("Region").text() else {
        return;
    };
    let Some(of) = pair.sides().into_iter().find(|side| side.region == region) else {
        return;
    };
    let name = identifier.get("Name");
    let alarm = match name.text() {
        Some(text) => of
            .of(ALARM)
            .chain(of.of(COMPOSED))
            .find(|alarm| alarm.name().text() == Some(text)),
        None if of.role == side.role => side.find(name),
        None => None,
    };
    let Some(alarm) = alarm else {
        let all_known = of.opaque.is_empty() && of.of(ALARM).all(|alarm| alarm.name().text().is_some());
        if name.text().is_some() && all_known {
            let reason = format!("{} declares no alarm `{}`", named(of), name.shown());
            found.add(&CHECKED, reason, &[Spot::value(side, check, name), Spot::side(of)]);
        }
        return;
    };
    let spots = |node: &Node| [Spot::value(of, alarm, node), Spot::value(side, check, identifier)];
    let percentile = alarm.get("ExtendedStatistic");
    let period = alarm.get("Period");
    if percentile.is_present() {
        found.add(
            &PERCENTILE,
            format!("`{}` evaluates {}", alarm.logical(), percentile.shown()),
            &spots(percentile),
        );
    } else if period.number().is_some_and(|period| period < 60.0) {
        found.add(
            &PERCENTILE,
            format!("`{}` evaluates periods of {} s", alarm.logical(), period.shown()),
            &spots(period),
        );
    }
    let missing = alarm.get("TreatMissingData");
    if missing.text() == Some("breaching") {
        let reason = format!(
            "`{}` rises when data are missing, and `{}` follows it",
            alarm.logical(),
            check.logical()
        );
        found.add(&SILENCE, reason, &spots(missing));
    }
}

fn deaf(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let hears = |alarm: &Resource| {
        let actions = alarm.get("AlarmActions");
        let enabled = alarm.get("ActionsEnabled").yes_or(true)?;
        (!actions.is_unknown()).then(|| enabled && !actions.items().is_empty())
    };
    if let (Some(x), Some(y)) = (hears(couple.0), hears(couple.1))
        && x != y
    {
        let silent = if y { &pair.primary } else { &pair.standby };
        let reason = format!("`{}` does nothing in {}", couple.1.logical(), named(silent));
        found.differ(&DEAF, couple, "AlarmActions", reason);
    }
}
