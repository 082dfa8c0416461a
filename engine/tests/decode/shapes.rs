//! Each real shape of event, and what becomes of it.

use std::error::Error;

use understudy_engine::core::ids::{Epoch, Region, Switch, WitnessId};
use understudy_engine::core::signal::{DatabaseChange, ExecutionStatus, Notice, Observation, Signal};
use understudy_engine::core::time::WallTime;
use understudy_engine::decode::{
    Content, Decoder, Directory, Environment, Heartbeat, Ignored, Kind, OutcomeGroup, ReasonKind, Rejection,
    SwitchChange, decode,
};
use understudy_policies::model::{FailureDomain, RegionName, WitnessKind};
use understudy_policies::shipped;

use crate::fixture::{
    API_LATENCY, AWS_HEALTH, HEARTBEAT, HEARTBEAT_ALARM, LAMBDA_ERRORS, MOMENT, RECEIVED, REPLICATION_LAG,
    ROUTE53_ENDPOINT, all, changed, decode_text, directory, directory_with, event, ignored,
};

fn signal(witness: WitnessId, target: Region, observation: Observation, millis: i64) -> Result<Content, Rejection> {
    Ok(Content::Signal(Signal {
        witness,
        target,
        observation,
        observed: WallTime::from_millis(MOMENT + millis),
    }))
}

fn notice(notice: Notice, millis: i64) -> Result<Content, Rejection> {
    Ok(Content::Notice {
        notice,
        observed: WallTime::from_millis(MOMENT + millis),
    })
}

#[test]
fn a_metric_alarm_is_observed_when_cloudwatch_came_to_its_state() {
    assert_eq!(
        decode_text(&event("alarm-metric")),
        signal(LAMBDA_ERRORS, Region::Home, Observation::Breached, 7_418)
    );
}

#[test]
fn a_metric_math_alarm_that_is_ok_is_healthy() {
    assert_eq!(
        decode_text(&event("alarm-metric-math")),
        signal(API_LATENCY, Region::Home, Observation::Healthy, 561_084)
    );
}

#[test]
fn a_composite_alarm_without_data_is_missing_and_not_breached() {
    assert_eq!(
        decode_text(&event("alarm-composite")),
        signal(REPLICATION_LAG, Region::Away, Observation::Missing, 242_140)
    );
}

#[test]
fn an_alarm_in_the_peer_region_observes_the_region_in_its_name() {
    assert_eq!(
        decode_text(&event("alarm-in-peer-region")),
        signal(HEARTBEAT_ALARM, Region::Home, Observation::Breached, 30_250)
    );
}

#[test]
fn an_alarm_on_route_53_is_where_its_metrics_are_for_both_regions() {
    for (name, target) in [("us-east-1", Region::Home), ("us-east-2", Region::Away)] {
        let text = changed(
            "alarm-metric",
            "understudy-prod-us-east-1-alarm-lambda-errors",
            &format!("understudy-prod-{name}-route53-endpoint"),
        );
        assert_eq!(
            decode_text(&text),
            signal(ROUTE53_ENDPOINT, target, Observation::Breached, 7_418)
        );
    }
}

#[test]
fn the_message_of_an_alarm_says_the_same_by_way_of_sns() {
    let expected = signal(LAMBDA_ERRORS, Region::Home, Observation::Breached, 7_418);
    assert_eq!(decode_text(&event("alarm-message-raw")), expected);
    assert_eq!(decode_text(&event("sns-alarm")), expected);
    // An alarm that does not say where it is published to a topic of its own region.
    let without = event("sns-alarm").replace(r#"\"AlarmArn\":"#, r#"\"elsewhere\":"#);
    assert_ne!(without, event("sns-alarm"));
    assert_eq!(decode_text(&without), expected);
    assert_eq!(
        decode_text(&event("sns-alarm-composite")),
        signal(REPLICATION_LAG, Region::Away, Observation::Healthy, 1_740_007)
    );
}

#[test]
fn any_envelope_may_stand_in_sns_and_in_a_cloud_event() {
    assert_eq!(
        decode_text(&event("cloudevent-alarm")),
        decode_text(&event("alarm-metric-math"))
    );
    assert_eq!(
        decode_text(&event("cloudevent-sns-event")),
        decode_text(&event("heartbeat"))
    );
    assert_eq!(
        decode_text(&event("sns-eventbridge")),
        decode_text(&event("rds-cluster-failover-started"))
    );
}

#[test]
fn a_database_that_moves_is_a_notice() {
    use DatabaseChange::{FailoverCompleted, FailoverFailed, FailoverStarted, Other, Switchover};
    for (name, region, change, millis) in [
        ("rds-cluster-failover-started", Region::Home, FailoverStarted, 5_193),
        (
            "rds-cluster-failover-completed",
            Region::Home,
            FailoverCompleted,
            17_004,
        ),
        ("rds-cluster-failover-failed", Region::Home, FailoverFailed, 25_004),
        ("rds-global-switchover-started", Region::Away, Switchover, 404_940_120),
        ("rds-global-failover-completed", Region::Away, FailoverCompleted, 61_558),
        ("rds-instance-restarted", Region::Home, Other, 9_301),
    ] {
        assert_eq!(
            decode_text(&event(name)),
            notice(Notice::Database { region, change }, millis),
            "{name}"
        );
    }
}

#[test]
fn databases_of_others_and_routine_events_are_ignored() {
    assert_eq!(
        decode_text(&event("rds-other-cluster")),
        ignored(Ignored::OtherResource)
    );
    assert_eq!(
        decode_text(&event("rds-cluster-routine")),
        ignored(Ignored::RoutineDatabaseEvent)
    );
}

#[test]
fn an_open_health_event_is_about_the_region_inside_it_wherever_it_is_delivered() {
    let expected = signal(AWS_HEALTH, Region::Home, Observation::Breached, 1_390_000);
    assert_eq!(decode_text(&event("health-open")), expected);
    assert_eq!(decode_text(&event("health-open-backup-region")), expected);
    let without_region = changed("health-open", r#""eventRegion": "us-east-1","#, "");
    assert_eq!(decode_text(&without_region), expected);
}

#[test]
fn a_closed_health_event_is_healthy() {
    assert_eq!(
        decode_text(&event("health-closed")),
        signal(AWS_HEALTH, Region::Home, Observation::Healthy, 12_840_000)
    );
}

#[test]
fn a_health_event_that_is_no_fault_or_not_ours_is_ignored() {
    assert_eq!(decode_text(&event("health-upcoming")), ignored(Ignored::NotAFault));
    assert_eq!(
        decode_text(&event("health-scheduled-change")),
        ignored(Ignored::NotAFault)
    );
    assert_eq!(
        decode_text(&event("health-other-region")),
        ignored(Ignored::OtherRegion)
    );
}

#[test]
fn only_the_platforms_own_executions_are_noticed() {
    let execution = |region, failover, status| Notice::Execution {
        region,
        failover,
        status,
    };
    assert_eq!(
        decode_text(&event("execution-running")),
        notice(execution(Region::Away, true, ExecutionStatus::Running), 40_000)
    );
    assert_eq!(
        decode_text(&event("execution-timed-out")),
        notice(execution(Region::Home, false, ExecutionStatus::TimedOut), 40_000)
    );
    assert_eq!(
        decode_text(&changed("execution-running", "failover-5eed-7-1", "dry-run-1")),
        Ok(Content::Ignored(Ignored::OtherResource)),
        "it only looks"
    );
    assert_eq!(
        decode_text(&event("execution-other-machine")),
        ignored(Ignored::OtherResource)
    );
}

#[test]
fn a_heartbeat_is_of_the_region_that_sent_it_not_of_the_bus_it_arrived_on() {
    assert_eq!(
        decode_text(&event("heartbeat")),
        signal(HEARTBEAT, Region::Home, Observation::Healthy, 40_125)
    );
}

#[test]
fn a_flipped_switch_carries_its_epoch() {
    assert_eq!(
        decode_text(&event("switch-changed")),
        notice(
            Notice::SwitchFlipped {
                switch: Switch::A,
                engaged: true,
                epoch: Epoch(7)
            },
            40_310
        )
    );
}

#[test]
fn only_the_platforms_own_parameters_are_noticed_and_only_when_they_changed() {
    assert_eq!(
        decode_text(&event("parameter-changed")),
        notice(Notice::ParameterChanged { region: Region::Away }, -16_259_000)
    );
    assert_eq!(
        decode_text(&event("parameter-failed")),
        ignored(Ignored::FailedOperation)
    );
    assert_eq!(decode_text(&event("parameter-other")), ignored(Ignored::OtherResource));
}

#[test]
fn a_subscription_is_for_a_human_to_confirm() {
    assert_eq!(
        decode_text(&event("sns-subscription-confirmation")),
        ignored(Ignored::SubscriptionMessage)
    );
}

#[test]
fn without_a_witness_of_its_kind_an_observation_is_ignored() {
    let none = directory_with(&[]);
    for name in ["heartbeat", "health-open"] {
        let content = decode(&none, event(name).as_bytes(), RECEIVED).map(|decoded| decoded.content);
        assert_eq!(content, ignored(Ignored::NoWitness), "{name}");
    }
}

#[test]
fn every_alarm_of_the_default_policy_is_found_by_the_name_that_the_naming_gives_it() -> Result<(), Box<dyn Error>> {
    let policy = shipped::trading();
    let directory = Directory::new(&policy.regions, &policy.witnesses, &Environment::new("prod")?);
    let alarms = policy
        .witnesses
        .iter()
        .enumerate()
        .filter(|(_, witness)| matches!(witness.kind, WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check));
    let mut found = 0;
    for ((index, witness), target) in alarms.flat_map(|alarm| Region::BOTH.map(|target| (alarm, target))) {
        let located = match witness.failure_domain {
            FailureDomain::TargetRegion => directory.region_name(target).as_str(),
            FailureDomain::PeerRegion => directory.region_name(target.other()).as_str(),
            FailureDomain::WitnessRegion => policy.regions.witness.as_str(),
            FailureDomain::Internet | FailureDomain::Provider => "us-east-1",
        };
        let text = changed(
            "alarm-metric",
            "understudy-prod-us-east-1-alarm-lambda-errors",
            &directory.naming().alarm(directory.region_name(target), &witness.name),
        )
        .replace(r#""region":"us-east-1""#, &format!(r#""region":"{located}""#));
        let content = decode(&directory, text.as_bytes(), RECEIVED)?.content;
        let expected = signal(WitnessId(u8::try_from(index)?), target, Observation::Breached, 7_418);
        assert_eq!(Ok(content), expected, "{} of {target:?}", witness.name);
        found += 1;
    }
    assert!(found > 0, "the default policy has alarms");
    Ok(())
}

#[test]
fn the_order_of_the_fields_does_not_matter() {
    for name in all() {
        let text = event(&name);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A `Value` keeps its keys sorted, so this text has them in another order.
        assert_eq!(decode_text(&value.to_string()), decode_text(&text), "{name}");
    }
}

#[test]
fn what_the_engine_sends_is_what_it_reads() -> Result<(), String> {
    let sent = WallTime::from_millis(MOMENT + 125);
    let heartbeat = Heartbeat {
        region: RegionName::new("us-east-2")?,
        sent,
    };
    let old = r#"{
    "region": "us-east-1",
    "sent": "2026-11-23T14:31:40.125Z"
  }"#;
    assert_eq!(
        decode_text(&changed("heartbeat", old, &heartbeat.detail())),
        signal(HEARTBEAT, Region::Away, Observation::Healthy, 125)
    );
    let flipped = SwitchChange {
        switch: Switch::B,
        engaged: false,
        epoch: Epoch(8),
        changed: sent,
    };
    let old = r#"{
    "switch": "a",
    "engaged": true,
    "epoch": 7,
    "changed": "2026-11-23T14:31:40.310Z"
  }"#;
    assert_eq!(
        decode_text(&changed("switch-changed", old, &flipped.detail())),
        notice(
            Notice::SwitchFlipped {
                switch: Switch::B,
                engaged: false,
                epoch: Epoch(8)
            },
            125
        )
    );
    Ok(())
}

#[test]
fn every_outcome_is_counted_once() {
    let mut decoder = Decoder::new(directory());
    for name in all() {
        assert!(decoder.decode(event(&name).as_bytes(), RECEIVED).is_ok(), "{name}");
    }
    assert!(decoder.decode(b"{", RECEIVED).is_err());
    let counters = decoder.counters();
    assert_eq!(counters.total(), u64::try_from(all().len()).unwrap_or(0) + 1);
    assert_eq!(counters.decoded(Kind::DatabaseCluster), 6);
    assert_eq!(counters.ignored(Ignored::NotAFault), 2);
    assert_eq!(counters.rejected(ReasonKind::Truncated), 1);
    let every_kind_decoded = counters
        .iter()
        .filter(|(group, label, _)| *group == OutcomeGroup::Decoded && *label != "subscription")
        .all(|(_, _, count)| count > 0);
    assert!(every_kind_decoded);
}

#[test]
fn the_delay_is_from_the_observation_to_the_arrival() {
    let mut decoder = Decoder::new(directory());
    let delay = |decoder: &mut Decoder, received: i64| {
        decoder
            .decode(event("alarm-metric").as_bytes(), WallTime::from_millis(received))
            .ok()
            .and_then(|decoded| decoded.delay())
            .map(|delay| delay.as_millis())
    };
    assert_eq!(delay(&mut decoder, MOMENT + 9_000), Some(1_582));
    // An observation in the future is carried as it is; only the metric is cut off at zero.
    assert_eq!(delay(&mut decoder, MOMENT), Some(0));
}
