//! What a changed key means, in the operator's words.

use super::values::Setting;
use crate::duration::format;
use crate::schema;

/// What it means when a duration or a number grows, and when it shrinks. `{}` is by how much, `{to}` the new value.
const GRADUAL: &[(&str, &str, &str)] = &[
    (
        "budget.total",
        "the platform may be away {} longer before the promise is broken",
        "the promise is {} tighter",
    ),
    (
        "quorum.dwell",
        "every failover starts {} later, and a blip of that length no longer causes one",
        "every failover starts {} sooner, and a blip that is {} shorter can cause one",
    ),
    (
        "quorum.failure-domains",
        "{} more failure domains must agree: harder to fool, and one lost vantage point more can stop a failover",
        "{} fewer failure domains must agree: easier to fool",
    ),
    (
        "quorum.flap-changes",
        "a witness may change its mind {} times more before it counts as flapping",
        "a witness counts as flapping {} changes sooner",
    ),
    (
        "quorum.flap-window",
        "flapping is remembered {} longer",
        "flapping is forgotten {} sooner",
    ),
    (
        "quorum.flap-dwell",
        "while a witness flaps, a failover waits {} longer",
        "while a witness flaps, a failover waits {} less",
    ),
    (
        "losses.region.wait",
        "a lost region is waited for {} longer: all of it comes off the budget",
        "a lost region is waited for {} less",
    ),
    (
        "losses.application.wait",
        "a lost application is waited for {} longer",
        "a lost application is waited for {} less",
    ),
    (
        "losses.database.wait",
        "a lost database has {} more to mend itself inside its region, and orders wait as long",
        "a lost database has {} less to mend itself inside its region; more of them cost a failover, and data",
    ),
    (
        "guards.cool-down",
        "after a role change the next one is held for {} longer",
        "the next role change may follow {} sooner",
    ),
    (
        "guards.role-changes-max",
        "{} more role changes may happen by themselves",
        "a human is asked {} role changes sooner",
    ),
    (
        "guards.role-changes-window",
        "role changes are remembered {} longer",
        "role changes are forgotten {} sooner",
    ),
    (
        "guards.data-loss.lag-max",
        "a failover may lose {} more of the latest commits without asking",
        "two people are asked at {} less of lag",
    ),
    (
        "guards.data-loss.lag-age-max",
        "a measurement of the lag may be {} older",
        "a measurement of the lag counts as unknown {} sooner",
    ),
    (
        "lease.ttl",
        "a gray primary is waited for {} longer, and a healthy holder endures {} more without its lease store",
        "a gray primary is waited for {} less, and a healthy holder endures {} less without its lease store",
    ),
    (
        "lease.margin",
        "the holder stops {} earlier before its lease ends: more room for drift and commits, less endurance",
        "the holder stops {} later before its lease ends: more endurance, less room for drift and commits",
    ),
    (
        "lease.renew-every",
        "the lease is renewed and read every {to}: fewer operations, and a renewal is missed later",
        "the lease is renewed and read every {to}: more operations, and a renewal is missed sooner",
    ),
    (
        "lease.operation-timeout",
        "an unanswered lease operation is given up {} later",
        "an unanswered lease operation is given up {} sooner",
    ),
    (
        "lease.drift-max",
        "clocks may drift {} more, and every wait for a lease is as much longer",
        "clocks may drift {} less, and every wait for a lease is as much shorter",
    ),
    (
        "lease.grant",
        "a grant of the other region lasts {} longer",
        "a grant of the other region lasts {} less",
    ),
    (
        "traffic.ttl",
        "clients keep the lost region for {} longer",
        "clients leave the lost region {} sooner, and resolve the name more often",
    ),
    (
        "failback.soak",
        "home must be healthy for {} longer before the way back",
        "the way home opens {} sooner",
    ),
    (
        "infrastructure.route53-check.interval",
        "Route 53 looks every {to} only",
        "Route 53 looks every {to}",
    ),
    (
        "infrastructure.route53-check.failure-threshold",
        "Route 53 needs {} failures more",
        "Route 53 needs {} failures fewer",
    ),
];

/// What it means when a key gets this value.
const DEFINITE: &[(&str, &str, &str)] = &[
    ("mode", "armed", "the engine acts on its decisions"),
    (
        "mode",
        "shadow",
        "the engine only records its decisions: no take-over happens",
    ),
    (
        "guards.cool-down-escape",
        "true",
        "the loss of a whole region overrides the cool-down",
    ),
    (
        "guards.cool-down-escape",
        "false",
        "a cool-down can block a needed failover",
    ),
    (
        "guards.data-loss.lag-unknown",
        "ask",
        "with an unknown replication lag a human is asked",
    ),
    (
        "guards.data-loss.lag-unknown",
        "proceed",
        "with an unknown replication lag the engine fails over and finds out afterwards what was lost",
    ),
    (
        "lease.store",
        "multi-region",
        "the lease survives the loss of any one region",
    ),
    (
        "lease.store-lost",
        "serve-on-grants",
        "with the lease store lost everywhere, the holder trades on while the regions see each other",
    ),
    (
        "lease.store-lost",
        "fence",
        "with the lease store lost everywhere, the platform stops when the lease runs out",
    ),
    (
        "traffic.method",
        "switch",
        "traffic moves by switches outside the lost region, without any control plane",
    ),
    (
        "traffic.method",
        "arc",
        "traffic moves by ARC routing controls, whose latency nobody publishes",
    ),
    (
        "traffic.method",
        "record-change",
        "traffic moves only by a record change, which fails when us-east-1 is lost",
    ),
    (
        "traffic.trigger",
        "switch",
        "only the engine or the workflow moves traffic",
    ),
    (
        "traffic.trigger",
        "switch-and-endpoint",
        "Route 53 may move traffic by itself, flapping included",
    ),
    ("traffic.record", "cname", "the record's TTL is the policy's"),
    (
        "traffic.record",
        "alias",
        "the record's TTL is 60s, whatever the policy says",
    ),
    (
        "traffic.pin-record",
        "true",
        "the record is pinned as well, once Route 53's control plane answers",
    ),
    (
        "traffic.pin-record",
        "false",
        "the record is never changed: the switches alone hold traffic away",
    ),
    (
        "database.method",
        "aurora-managed",
        "Aurora promotes in its own time (assumed median 35 s, p99 110 s) and rebuilds the old region by itself",
    ),
    (
        "database.method",
        "aurora-detach",
        "the standby is detached (assumed median 25 s, p99 55 s), and the global cluster must be built anew afterwards",
    ),
    (
        "database.method",
        "postgres",
        "a PostgreSQL streaming standby is promoted",
    ),
    (
        "database.standby-instance",
        "true",
        "the standby's database can be promoted",
    ),
    (
        "database.standby-instance",
        "false",
        "the standby's database cannot be promoted",
    ),
    ("failback.mode", "automatic", "the engine starts the way home"),
    ("failback.mode", "manual", "an operator starts the way home"),
    (
        "failback.during-trading",
        "true",
        "the way home may lead through a trading session",
    ),
    (
        "failback.during-trading",
        "false",
        "the way home waits until the market is closed",
    ),
    (
        "failback.while-unprotected",
        "true",
        "the way home may begin without a way back",
    ),
    (
        "failback.while-unprotected",
        "false",
        "the way home waits for a promotable standby",
    ),
    (
        "failback.wait-for-health-event",
        "true",
        "an open AWS Health event holds back the way home",
    ),
    (
        "failback.wait-for-health-event",
        "false",
        "an open AWS Health event does not hold back the way home",
    ),
    (
        "gates.approve-failover",
        "true",
        "a failover waits for a person: the 60 seconds are not kept",
    ),
    ("gates.approve-failover", "false", "a failover waits for nobody"),
    ("gates.approve-failback", "true", "the way home waits for a person"),
    ("gates.approve-failback", "false", "the way home waits for nobody"),
    (
        "gates.two-person-loss",
        "true",
        "two people can accept a loss above the bound",
    ),
    (
        "gates.two-person-loss",
        "false",
        "a failover with a loss above the bound is refused",
    ),
    (
        "gates.reconcile-venues",
        "true",
        "processing waits until orders are reconciled with the venues",
    ),
    (
        "gates.reconcile-venues",
        "false",
        "processing resumes at once, and orders are reconciled afterwards",
    ),
    (
        "infrastructure.secondary-check",
        "none",
        "the standby answers whenever the primary is held away",
    ),
    (
        "infrastructure.secondary-check",
        "endpoint",
        "with both regions unhealthy, Route 53 answers with the primary",
    ),
    (
        "infrastructure.route53-check.backing",
        "endpoint",
        "Route 53's own checkers watch the endpoints",
    ),
    (
        "infrastructure.route53-check.backing",
        "latency-alarm",
        "Route 53 follows an alarm, minutes late",
    ),
];

/// The sentence for one change.
pub(super) fn of(key: &str, from: Option<&Setting>, to: Option<&Setting>) -> String {
    if let Some(rest) = key.strip_prefix("witness.") {
        return of_a_witness(rest, from, to);
    }
    if let Some((_, more, less)) = GRADUAL.iter().find(|(known, ..)| *known == key)
        && let Some((grows, by)) = step(from, to)
    {
        let to = to.map(Setting::to_string).unwrap_or_default();
        return (if grows { *more } else { *less })
            .replace("{}", &by)
            .replace("{to}", &to);
    }
    if let (Some(_), Some((grows, by))) = (key.strip_prefix("budget.phases."), step(from, to)) {
        let phase = key.rsplit('.').next().unwrap_or(key);
        let turn = if grows {
            format!("`{phase}` may take {by} more")
        } else {
            format!("`{phase}` must be done {by} sooner")
        };
        return format!("{turn} before the ledger calls it an overrun");
    }
    if let (true, Some(to)) = (key.starts_with("bounds."), to) {
        return format!(
            "the promise covers timelines in which this takes up to {to}: {}",
            first_sentence(key)
        );
    }
    if let (Some(state), Some((grows, by))) = (key.strip_prefix("deadlines."), step(from, to)) {
        let turn = if grows { "later" } else { "sooner" };
        return format!("`{}` takes its deadline edge {by} {turn}", state.replace('-', "_"));
    }
    if let Some(loss) = key
        .strip_prefix("losses.")
        .and_then(|rest| rest.strip_suffix(".action"))
    {
        return match to.map(Setting::to_string).as_deref() {
            Some("fail-over") => format!("a lost {loss} leads to a failover"),
            Some("page") => format!("a lost {loss} pages a human, and nothing moves"),
            _ => format!("a lost {loss} is recorded, and nothing moves"),
        };
    }
    let value = to.map(Setting::to_string);
    let definite = DEFINITE
        .iter()
        .find(|(known, name, _)| *known == key && Some(*name) == value.as_deref());
    if let Some((_, _, meaning)) = definite {
        return (*meaning).to_owned();
    }
    if key == "lease.store" {
        return "the lease lives in one region: its loss stops the other one as well".to_owned();
    }
    if let (Some(Setting::List(from)), Some(Setting::List(to))) = (from, to) {
        return of_a_list(from, to);
    }
    first_sentence(key)
}

fn of_a_list(from: &[String], to: &[String]) -> String {
    let missing = |items: &[String], others: &[String]| {
        items
            .iter()
            .filter(|item| !others.contains(item))
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (missing(to, from), missing(from, to)) {
        (added, gone) if gone.is_empty() && added.is_empty() => "the same days in another order".to_owned(),
        (added, gone) if gone.is_empty() => format!("added: {added}"),
        (added, gone) if added.is_empty() => format!("removed: {gone}"),
        (added, gone) => format!("added: {added}; removed: {gone}"),
    }
}

fn of_a_witness(rest: &str, from: Option<&Setting>, to: Option<&Setting>) -> String {
    let (name, field) = rest.split_once('.').unwrap_or((rest, ""));
    let value = to.map(Setting::to_string).unwrap_or_default();
    match (field, from, to) {
        ("", None, _) => format!("`{name}` watches as well"),
        ("", _, None) => format!("`{name}` no longer watches"),
        ("quorum", _, Some(Setting::Boolean(true))) => format!("`{name}` counts in the quorum"),
        ("quorum", ..) => format!("`{name}` only informs, and does not count in the quorum"),
        ("interval", ..) => format!("`{name}` observes every {value}"),
        ("timeout", ..) => format!("`{name}` waits up to {value} for an answer"),
        ("breach-after", ..) => format!("`{name}` calls a breach after this many failures in a row: {value}"),
        ("clear-after", ..) => format!("`{name}` clears a breach after this many healthy answers in a row: {value}"),
        ("missing-after", ..) => format!("`{name}` counts as missing after {value} of silence"),
        ("missing-data", ..) => format!("`{name}`: silence is read as {value}"),
        _ => format!("`{name}`: {}", first_sentence(&format!("witness.{field}"))),
    }
}

/// Whether a value grows, and by how much.
fn step(from: Option<&Setting>, to: Option<&Setting>) -> Option<(bool, String)> {
    match (from?, to?) {
        (Setting::Duration(from), Setting::Duration(to)) => Some((to > from, format(to.abs_diff(*from)))),
        (Setting::Number(from), Setting::Number(to)) => Some((to > from, (to - from).abs().to_string())),
        _ => None,
    }
}

/// What the documentation says about a key, in its first sentence.
fn first_sentence(key: &str) -> String {
    let description = schema::key(key).map(|doc| doc.description).unwrap_or_default();
    let sentence = description.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut letters = sentence.chars();
    // "IANA" and "ARC" stay as they are.
    match letters.next() {
        Some(first) if !sentence.chars().nth(1).is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFINITE, GRADUAL};
    use crate::schema;

    #[test]
    fn every_sentence_is_about_a_key_and_a_name_that_exist() {
        for (key, ..) in GRADUAL {
            assert!(schema::key(key).is_some(), "{key}");
        }
        for (key, name, _) in DEFINITE {
            let doc = schema::key(key).unwrap_or_else(|| panic!("{key}"));
            let known = doc.choices.is_empty() || doc.choices.iter().any(|(choice, _)| choice == name);
            assert!(known, "{key}: {name}");
        }
    }
}
