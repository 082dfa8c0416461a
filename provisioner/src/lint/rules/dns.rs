//! The records and health checks that send clients to one region or the other.

use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Role, Side};
use crate::lint::value::{Node, Piece, shown};

rules! {
    TWICE = "UL541": "one record owned by two stacks",
        "the second stack cannot make it, or each deployment puts its own answer in place",
        "declare each record once";
    LOST_OWNER = "UL542": "a failover record owned by the region that may be lost",
        "when that region is lost its stack cannot be changed, and a rollback of it takes the record along",
        "declare the failover records outside of the primary's stacks";
    INCOMPLETE = "UL543": "half a failover pair",
        "with one record only there is nothing to fail over to",
        "declare a PRIMARY and a SECONDARY record of the same name and type";
    BOTH_PRIMARY = "UL544": "two records of the same role",
        "a name has one PRIMARY and one SECONDARY: the second record is refused",
        "make the standby's record SECONDARY";
    SECONDARY_CHECK = "UL545": "a health check on the SECONDARY record",
        "when both are unhealthy, Route 53 answers with the PRIMARY: the lost region gets all clients",
        "remove the health check from the SECONDARY record";
    UNCHECKED = "UL546": "a PRIMARY record without a health check",
        "nothing ever moves clients away from it; an alias's own health only notices the loss of the whole service",
        "attach a health check that a switch outside of the primary region turns";
    ALIAS = "UL547": "a failover record that is an alias",
        "an alias has the target's TTL, 60 s for API Gateway and load balancers: the budget is gone before clients ask again",
        "use a CNAME with a TTL of 5 to 10 s";
    TTL = "UL548": "a failover record that is kept too long",
        "clients keep the lost region's address for the TTL, whatever was decided",
        "set TTL to what the policy says";
    SHARED_NAME = "UL549": "a health check of the shared name",
        "it follows its own failover: once clients have moved it looks at the standby and says that the primary is healthy",
        "check a name of the region itself";
    ANY_ANSWER = "UL550": "a health check that any answer satisfies",
        "2xx and 3xx both count as healthy, an error page behind a redirect included",
        "match a string with HTTPS_STR_MATCH and SearchString";
    NO_SNI = "UL551": "a health check without SNI",
        "API Gateway answers a handshake without a name with an error: the region looks lost for ever",
        "leave EnableSNI on";
    SLOW = "UL552": "a health check that is slower than the policy",
        "detection alone takes longer than the budget has for it",
        "set RequestInterval and FailureThreshold to what the policy says";
    UNLIKE_CHECKS = "UL553": "health checks of the two regions differ",
        "the same fault is seen in one region and not in the other",
        "give both checks the same type, path, string, interval and threshold";
}

/// A record, of its own or in a group.
#[derive(Clone, Copy)]
struct Record<'a> {
    side: &'a Side,
    resource: &'a Resource,
    node: &'a Node,
}

impl Record<'_> {
    /// Name and type; `None` if one of them is unknown.
    fn name(&self) -> Option<String> {
        let name = self.side.expand(self.node.get("Name").pieces());
        let known = !name.is_empty() && name.iter().all(|piece| matches!(piece, Piece::Literal(_)));
        let kind = self.node.get("Type").text()?;
        known.then(|| format!("{} {kind}", shown(&name).trim_end_matches('.').to_lowercase()))
    }

    fn failover(&self) -> Option<&str> {
        self.node.get("Failover").text()
    }
}

fn records<'a>(pair: &'a Pair<'_>) -> Vec<Record<'a>> {
    let mut records = Vec::new();
    for side in pair.sides() {
        for resource in side.of("AWS::Route53::RecordSet") {
            records.push(Record {
                side,
                resource,
                node: &resource.properties,
            });
        }
        for resource in side.of("AWS::Route53::RecordSetGroup") {
            records.extend(
                resource
                    .get("RecordSets")
                    .items()
                    .iter()
                    .map(|node| Record { side, resource, node }),
            );
        }
    }
    records
}

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    let records = records(pair);
    for (index, record) in records.iter().enumerate() {
        for other in &records[index + 1..] {
            two(record, other, found);
        }
        if record.failover().is_some() {
            failover(pair, record, &records, found);
        }
    }
    for side in pair.sides() {
        for check in side.of("AWS::Route53::HealthCheck") {
            health(pair, side, check, &records, found);
        }
    }
    for couple in pair.couples(&["AWS::Route53::HealthCheck"]) {
        let properties = [
            ("HealthCheckConfig.Type", ""),
            ("HealthCheckConfig.ResourcePath", ""),
            ("HealthCheckConfig.SearchString", ""),
            ("HealthCheckConfig.RequestInterval", "30"),
            ("HealthCheckConfig.FailureThreshold", "3"),
            ("HealthCheckConfig.Inverted", "false"),
            ("HealthCheckConfig.Disabled", "false"),
        ];
        super::aurora::properties_differ(pair, couple, &properties, &UNLIKE_CHECKS, found);
    }
}

fn two(first: &Record<'_>, second: &Record<'_>, found: &mut Findings<'_>) {
    let (Some(x), Some(y)) = (first.name(), second.name()) else {
        return;
    };
    let set = |record: &Record<'_>| match record.node.get("SetIdentifier") {
        node if node.is_absent() => Some(String::new()),
        node => node.text().map(str::to_owned),
    };
    if x != y || first.side.role == second.side.role && first.failover().is_none() {
        return;
    }
    let spots = [
        Spot::value(second.side, second.resource, second.node),
        Spot::value(first.side, first.resource, first.node),
    ];
    let same_set = set(first).is_some() && set(first) == set(second);
    if first.side.role != second.side.role && same_set {
        found.add(&TWICE, format!("both sides declare the record `{x}`"), &spots);
    } else if first.failover().is_some() && first.failover() == second.failover() {
        let role = first.failover().unwrap_or_default();
        found.add(&BOTH_PRIMARY, format!("two records of `{x}` are {role}"), &spots);
    }
}

fn failover(pair: &Pair<'_>, record: &Record<'_>, records: &[Record<'_>], found: &mut Findings<'_>) {
    let Record { side, resource, node } = *record;
    let spot = |node: &Node| Spot::value(side, resource, node);
    let shown_name = node.get("Name").shown();
    let role = record.failover().unwrap_or_default();
    if side.role == Role::Primary {
        let reason = format!("the {role} record of `{shown_name}` is declared in {}", named(side));
        found.add(&LOST_OWNER, reason, &[spot(node)]);
    }
    let unclear = records
        .iter()
        .any(|other| other.failover().is_some() && other.name().is_none());
    if let Some(name) = record
        .name()
        .filter(|_| !unclear && pair.sides().iter().all(|side| side.opaque.is_empty()))
    {
        let partner = records
            .iter()
            .any(|other| other.name().as_ref() == Some(&name) && other.failover().is_some_and(|other| other != role));
        let twin = records
            .iter()
            .filter(|other| other.name().as_ref() == Some(&name) && other.failover() == Some(role))
            .count()
            > 1;
        if !partner && !twin {
            let missing = if role == "PRIMARY" { "SECONDARY" } else { "PRIMARY" };
            found.add(
                &INCOMPLETE,
                format!("`{shown_name}` has a {role} record and no {missing}"),
                &[spot(node)],
            );
        }
    }
    let check = node.get("HealthCheckId");
    if role == "SECONDARY" && check.is_present() {
        found.add(
            &SECONDARY_CHECK,
            format!("the SECONDARY record of `{shown_name}` has one"),
            &[spot(check)],
        );
    }
    if role == "PRIMARY" && check.is_absent() {
        found.add(
            &UNCHECKED,
            format!("the PRIMARY record of `{shown_name}` has none"),
            &[spot(node)],
        );
    }
    let alias = node.get("AliasTarget");
    if alias.is_present() {
        found.add(
            &ALIAS,
            format!("`{shown_name}` is an alias of {}", alias.get("DNSName").shown()),
            &[spot(alias)],
        );
    }
    let ttl = node.get("TTL");
    if let Some(seconds) = ttl.number().filter(|seconds| *seconds > pair.limits.record_ttl_s) {
        let reason = format!(
            "`{shown_name}` is kept for {seconds} s, and the policy says {} s",
            pair.limits.record_ttl_s
        );
        found.add(&TTL, reason, &[spot(ttl)]);
    }
}

fn health(pair: &Pair<'_>, side: &Side, check: &Resource, records: &[Record<'_>], found: &mut Findings<'_>) {
    let config = check.get("HealthCheckConfig");
    let Some(kind) = config.get("Type").text() else { return };
    let spot = |node: &Node| Spot::value(side, check, if node.is_absent() { config } else { node });
    if !(kind.starts_with("HTTP") || kind == "TCP") {
        return;
    }
    let host = config.get("FullyQualifiedDomainName");
    let asked = shown(&side.expand(host.pieces())).trim_end_matches('.').to_lowercase();
    let shared = records.iter().find(|record| {
        let name = record.failover().and_then(|_| record.name());
        name.is_some_and(|name| name.split(' ').next() == Some(asked.as_str()))
    });
    if let Some(record) = shared.filter(|_| !asked.is_empty()) {
        let spots = [spot(host), Spot::value(record.side, record.resource, record.node)];
        found.add(
            &SHARED_NAME,
            format!("`{}` checks `{asked}`, which itself fails over", check.logical()),
            &spots,
        );
    }
    if matches!(kind, "HTTP" | "HTTPS") {
        found.add(
            &ANY_ANSWER,
            format!("`{}` is of type {kind}", check.logical()),
            &[spot(config.get("Type"))],
        );
    }
    let sni = config.get("EnableSNI");
    if kind.starts_with("HTTPS") && sni.yes_or(true) == Some(false) {
        found.add(
            &NO_SNI,
            format!("`{}` sends no name in its handshake", check.logical()),
            &[spot(sni)],
        );
    }
    for (key, default, limit, unit) in [
        ("RequestInterval", 30.0, pair.limits.check_interval_s, " s"),
        ("FailureThreshold", 3.0, pair.limits.check_failures, ""),
    ] {
        let node = config.get(key);
        if let Some(number) = node.number_or(default).filter(|number| *number > limit) {
            let reason = format!(
                "{key} of `{}` is {number}{unit}, and the policy says {limit}{unit}",
                check.logical()
            );
            found.add(&SLOW, reason, &[spot(node)]);
        }
    }
}
