//! Events that each region forwards to the other, both ways and without loops.

use super::aurora::{properties_differ, short};
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side};
use crate::lint::value::{Node, Piece};

rules! {
    LOOP = "UL501": "forwarding without a filter for the region",
        "two rules that face each other send every event back and forth for ever",
        "match in the pattern only events of this region: \"region\": [the region itself]";
    ROLE = "UL502": "forwarding without a role",
        "a bus of another region takes events only from a role that may put them: nothing arrives",
        "give the target a RoleArn that allows events:PutEvents on the other bus";
    ONE_WAY = "UL503": "forwarding one way only",
        "the other region learns nothing of this one, and cannot decide after a failover",
        "forward from this region to the other as well";
    LETTERS = "UL504": "a target's dead letters on one side only",
        "events that cannot be delivered are kept in one region and lost in the other",
        "give the targets of both rules a DeadLetterConfig";
    STATE = "UL505": "switched off on one side",
        "what the rule or schedule does is not done in that region, until somebody calls its control plane",
        "switch it on in both regions, and let what it calls decide whether to act";
    PATTERN = "UL506": "patterns or schedules differ",
        "the regions react to other events, or at other times",
        "give both the same pattern or schedule, apart from the names of regions";
    TARGET = "UL507": "a rule whose target is in another region",
        "only an event bus can be a target across regions: what is sent there is dropped",
        "forward to the other region's bus, and let a rule there call the target";
}

const RULE: &str = "AWS::Events::Rule";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        for rule in side.of(RULE) {
            for target in rule.get("Targets").items() {
                target_abroad(side, rule, target, found);
            }
        }
        let other = pair.side(side.role.other());
        let forwarding = side.of(RULE).find(|rule| forwards(side, rule));
        let unclear = other.of(RULE).any(|rule| {
            rule.get("Targets").is_unknown()
                || rule
                    .get("Targets")
                    .items()
                    .iter()
                    .any(|target| target.get("Arn").has_unknown())
        });
        let back = other.of(RULE).any(|rule| forwards(other, rule));
        if let Some(rule) = forwarding.filter(|_| !back && !unclear && other.opaque.is_empty()) {
            let reason = format!(
                "{} forwards events to {}, which forwards none",
                named(side),
                named(other)
            );
            found.add(&ONE_WAY, reason, &[Spot::side(other), Spot::resource(side, rule)]);
        }
    }
    for couple in pair.couples(&[RULE]) {
        properties_differ(pair, couple, &[("State", "ENABLED")], &STATE, found);
        properties_differ(pair, couple, &[("ScheduleExpression", "")], &PATTERN, found);
        pattern(pair, couple, found);
        letters(pair, couple, found);
    }
    for couple in pair.couples(&["AWS::Scheduler::Schedule"]) {
        properties_differ(pair, couple, &[("State", "ENABLED")], &STATE, found);
        let when = [
            ("ScheduleExpression", ""),
            ("ScheduleExpressionTimezone", "UTC"),
            ("FlexibleTimeWindow", ""),
        ];
        properties_differ(pair, couple, &when, &PATTERN, found);
    }
}

fn is_bus(node: &Node) -> bool {
    node.pieces()
        .iter()
        .any(|piece| matches!(piece, Piece::Literal(letters) if letters.contains(":event-bus/")))
}

/// Does the rule send events to the other region's bus?
pub(super) fn forwards(side: &Side, rule: &Resource) -> bool {
    let targets = rule.get("Targets").items().iter().map(|target| target.get("Arn"));
    targets
        .filter(|arn| is_bus(arn))
        .any(|arn| side.abroad(arn).as_ref() == Some(&side.peer))
}

fn target_abroad(side: &Side, rule: &Resource, target: &Node, found: &mut Findings<'_>) {
    let arn = target.get("Arn");
    let Some(region) = side.abroad(arn) else { return };
    if !is_bus(arn) {
        let reason = format!("`{}` of {} sends to {}", rule.logical(), named(side), short(arn));
        found.add(&TARGET, reason, &[Spot::value(side, rule, arn)]);
        return;
    }
    if target.get("RoleArn").is_absent() {
        let reason = format!("`{}` sends to the bus of {region} without a role", rule.logical());
        found.add(&ROLE, reason, &[Spot::value(side, rule, target)]);
    }
    let pattern = rule.get("EventPattern");
    if region != side.peer || pattern.is_unknown() {
        return;
    }
    let regions = pattern.get("region");
    let admits = regions.is_absent() || regions.texts().contains(&region.as_str());
    // A source of the region's own name, such as an event of one of its own resources, does not loop either.
    let own = pattern.get("resources").texts();
    let bound = !own.is_empty() && own.iter().all(|arn| arn.contains(&format!(":{}:", side.region)));
    if admits && !bound {
        let reason = format!(
            "`{}` forwards events to {region} whatever region they come from",
            rule.logical()
        );
        let node = if regions.is_present() { regions } else { pattern };
        found.add(&LOOP, reason, &[Spot::value(side, rule, node)]);
    }
}

fn pattern(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let parsed = |rule: &Resource| {
        let node = rule.get("EventPattern");
        node.parsed().unwrap_or_else(|| node.clone())
    };
    let (a, b) = (parsed(couple.0), parsed(couple.1));
    if pair.differ(&a, &b) {
        let mut keys = a.entries().iter().chain(b.entries()).map(|(key, _)| key.as_str());
        let differing = keys
            .find(|key| pair.differ(a.get(key), b.get(key)))
            .unwrap_or("EventPattern");
        let reason = format!(
            "{differing} of `{}` is {} in {} and {} in {}",
            couple.1.logical(),
            short(b.get(differing)),
            named(&pair.standby),
            short(a.get(differing)),
            named(&pair.primary)
        );
        found.differ(&PATTERN, couple, "EventPattern", reason);
    }
}

fn letters(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let count = |rule: &Resource| {
        let targets = rule.get("Targets");
        (!targets.is_unknown()).then(|| {
            targets
                .items()
                .iter()
                .filter(|target| target.get("DeadLetterConfig").is_present())
                .count()
        })
    };
    if let (Some(x), Some(y)) = (count(couple.0), count(couple.1))
        && (x == 0) != (y == 0)
    {
        let with = if x == 0 { &pair.standby } else { &pair.primary };
        let reason = format!(
            "targets of `{}` have a DeadLetterConfig only in {}",
            couple.1.logical(),
            named(with)
        );
        found.differ(&LETTERS, couple, "Targets", reason);
    }
}
