//! Queues and topics between the parts.

use std::collections::BTreeSet;

use super::aurora::properties_differ;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Leeway, Resource, Side};

rules! {
    VISIBILITY = "UL441": "a message comes back before its function gives up",
        "the queue hands the message out again while the first function still works on it: in a failover's backlog orders run twice; Lambda refuses the mapping",
        "set VisibilityTimeout to at least six times the function's Timeout";
    REDRIVE = "UL442": "dead letters differ",
        "a message that cannot be handled blocks the queue in one region and is put aside in the other",
        "give both queues a RedrivePolicy with the same maxReceiveCount";
    QUEUE = "UL443": "queue settings differ",
        "messages are ordered, kept or delayed in another way after a failover",
        "give both queues the same settings";
    ENCRYPTION = "UL444": "a queue or topic that is encrypted on one side only",
        "orders that are protected in one region are not in the other",
        "encrypt both in the same way";
    SUBSCRIBERS = "UL445": "subscriptions differ",
        "somebody who is told of the loss of one region is not told of the loss of the other",
        "subscribe the same endpoints in both regions";
    LETTERS_ABROAD = "UL446": "dead letters for another region",
        "a dead-letter queue must be in the region of its queue: messages that fail have nowhere to go",
        "name a dead-letter queue of this region";
}

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for side in pair.sides() {
        visibility(side, found);
        for queue in side.of("AWS::SQS::Queue") {
            let target = queue.get("RedrivePolicy.deadLetterTargetArn");
            if let Some(region) = side.abroad(target) {
                let reason = format!(
                    "dead letters of `{}` in {} go to {region}",
                    queue.logical(),
                    named(side)
                );
                found.add(&LETTERS_ABROAD, reason, &[Spot::value(side, queue, target)]);
            }
        }
    }
    for couple in pair.couples(&["AWS::SQS::Queue"]) {
        let policies = [couple.0.get("RedrivePolicy"), couple.1.get("RedrivePolicy")];
        if policies[0].is_absent() == policies[1].is_absent() {
            properties_differ(pair, couple, &[("RedrivePolicy.maxReceiveCount", "")], &REDRIVE, found);
        } else {
            let with = if policies[0].is_absent() {
                &pair.standby
            } else {
                &pair.primary
            };
            let reason = format!("`{}` has a RedrivePolicy only in {}", couple.1.logical(), named(with));
            found.differ(&REDRIVE, couple, "RedrivePolicy", reason);
        }
        let settings = [
            ("FifoQueue", "false"),
            ("ContentBasedDeduplication", "false"),
            ("MessageRetentionPeriod", "345600"),
            ("VisibilityTimeout", "30"),
            ("DelaySeconds", "0"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
        ];
        properties_differ(pair, couple, &settings, &QUEUE, found);
    }
    for couple in pair.couples(&["AWS::SQS::Queue", "AWS::SNS::Topic"]) {
        let encrypted = couple.0.get("KmsMasterKeyId").is_present();
        let managed = |queue: &Resource| queue.get("SqsManagedSseEnabled").yes_or(true) == Some(false);
        let differs =
            encrypted != couple.1.get("KmsMasterKeyId").is_present() || managed(couple.0) != managed(couple.1);
        if differs {
            let reason = format!(
                "`{}` is not encrypted in the same way in both regions",
                couple.1.logical()
            );
            found.differ(&ENCRYPTION, couple, "KmsMasterKeyId", reason);
        }
    }
    subscribers(pair, found);
}

fn visibility(side: &Side, found: &mut Findings<'_>) {
    for mapping in side.of("AWS::Lambda::EventSourceMapping") {
        let queue = side
            .find(mapping.get("EventSourceArn"))
            .filter(|queue| queue.kind == "AWS::SQS::Queue");
        let function = side
            .find(mapping.get("FunctionName"))
            .filter(|function| function.kind == "AWS::Lambda::Function");
        let (Some(queue), Some(function)) = (queue, function) else {
            continue;
        };
        let visible = queue.get("VisibilityTimeout").number_or(30.0);
        let timeout = function.get("Timeout").number_or(3.0);
        if let (Some(visible), Some(timeout)) = (visible, timeout)
            && visible < timeout
        {
            let reason = format!(
                "`{}` shows a message again after {visible} s, `{}` may take {timeout} s",
                queue.logical(),
                function.logical()
            );
            let spots = [
                Spot::value(side, queue, queue.get("VisibilityTimeout")),
                Spot::value(side, function, function.get("Timeout")),
            ];
            found.add(&VISIBILITY, reason, &spots);
        }
    }
}

fn subscribers(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for (a, b) in pair.couples(&["AWS::SNS::Topic"]) {
        let of = |side: &Side, topic: &Resource, leeway: Leeway| -> Option<BTreeSet<String>> {
            let beside = side
                .of("AWS::SNS::Subscription")
                .filter(|one| {
                    side.find(one.get("TopicArn"))
                        .is_some_and(|found| found.target == topic.target)
                })
                .map(|one| &one.properties);
            let inside = topic.get("Subscription");
            let unclear = side
                .of("AWS::SNS::Subscription")
                .any(|one| one.get("TopicArn").has_unknown());
            if inside.is_unknown() || unclear {
                return None;
            }
            let all = inside.items().iter().chain(beside);
            all.map(|one| {
                Some(format!(
                    "{} {}",
                    one.get("Protocol").text()?,
                    pair.key(side, one.get("Endpoint"), leeway)?
                ))
            })
            .collect()
        };
        let both = |leeway| Some((of(&pair.primary, a, leeway)?, of(&pair.standby, b, leeway)?));
        let Some(all) = Leeway::ALL.into_iter().map(both).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let [(_, _), (x, y), (_, _)] = all.as_slice() else {
            continue;
        };
        if all.iter().all(|(x, y)| x != y) {
            let reason = format!(
                "`{}` has {} of {} subscriptions in {}, and {} in {}",
                b.logical(),
                y.intersection(x).count(),
                x.union(y).count(),
                named(&pair.standby),
                x.len(),
                named(&pair.primary)
            );
            found.differ(&SUBSCRIBERS, (a, b), "Subscription", reason);
        }
    }
}
