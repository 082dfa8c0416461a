//! What AWS says of itself, in the envelopes in which EventBridge delivers it.

use serde_json::{Value, json};
use understudy_engine::core::ids::Region;
use understudy_engine::core::signal::{Observation, Signal};
use understudy_engine::core::time::WallTime;
use understudy_engine::decode::{Environment, Naming};
use understudy_policies::Policy;
use understudy_policies::model::{FailureDomain, RegionName, WitnessKind};

use super::platform::ENVIRONMENT;

/// The account of every event in a drill: one of those that AWS's own documentation uses.
const ACCOUNT: &str = "111122223333";
/// Where metrics of global services are.
const GLOBAL_METRICS_REGION: &str = "us-east-1";

/// The event that carries a signal; none: the witness is none that events come from.
pub(crate) fn envelope(policy: &Policy, signal: &Signal, number: u64) -> Option<Value> {
    let witness = policy.witnesses.get(usize::from(signal.witness.0))?;
    let target = name_of(policy, signal.target);
    match witness.kind {
        WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check => {
            let located = match witness.failure_domain {
                FailureDomain::TargetRegion => target.as_str(),
                FailureDomain::PeerRegion => name_of(policy, signal.target.other()).as_str(),
                FailureDomain::WitnessRegion => policy.regions.witness.as_str(),
                FailureDomain::Internet | FailureDomain::Provider => GLOBAL_METRICS_REGION,
            };
            let environment = Environment::new(ENVIRONMENT).ok()?;
            let alarm = Naming::new(&environment).alarm(target, &witness.name);
            let value = match signal.observation {
                Observation::Healthy | Observation::Lag(_) => "OK",
                Observation::Breached => "ALARM",
                Observation::Missing => "INSUFFICIENT_DATA",
            };
            let detail = json!({
                "alarmName": alarm,
                "state": { "value": value, "timestamp": moment(signal.observed), "reason": "a drill" },
            });
            let arn = format!("arn:aws:cloudwatch:{located}:{ACCOUNT}:alarm:{alarm}");
            let kind = ("CloudWatch Alarm State Change", "aws.cloudwatch");
            Some(whole(kind, located, signal.observed, number, &[arn], &detail))
        }
        WitnessKind::AwsHealth => {
            let status = match signal.observation {
                Observation::Breached => "open",
                Observation::Healthy => "closed",
                Observation::Missing | Observation::Lag(_) => return None,
            };
            let detail = json!({
                "eventArn": format!("arn:aws:health:{target}::event/LAMBDA/AWS_LAMBDA_OPERATIONAL_ISSUE/DRILL"),
                "service": "LAMBDA",
                "eventTypeCode": "AWS_LAMBDA_OPERATIONAL_ISSUE",
                "eventTypeCategory": "issue",
                "statusCode": status,
                "eventRegion": target.as_str(),
            });
            let kind = ("AWS Health Event", "aws.health");
            Some(whole(kind, target.as_str(), signal.observed, number, &[], &detail))
        }
        _ => None,
    }
}

const fn name_of(policy: &Policy, region: Region) -> &RegionName {
    match region {
        Region::Home => &policy.regions.primary,
        Region::Away => &policy.regions.standby,
    }
}

fn whole(
    (kind, source): (&str, &str),
    region: &str,
    at: WallTime,
    number: u64,
    resources: &[String],
    detail: &Value,
) -> Value {
    json!({
        "version": "0",
        "id": format!("00000000-0000-4000-8000-{number:012x}"),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": moment(at),
        "region": region,
        "resources": resources,
        "detail": detail,
    })
}

fn moment(at: WallTime) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use understudy_engine::core::ids::WitnessId;
    use understudy_engine::decode::{Content, Decoder, Directory};
    use understudy_policies::shipped;

    use super::*;

    #[test]
    fn what_a_drill_sends_is_what_the_engine_decodes() {
        let policy = shipped::trading();
        let environment = Environment::new(ENVIRONMENT).unwrap();
        let mut decoder = Decoder::new(Directory::new(&policy.regions, &policy.witnesses, &environment));
        let mut sent = 0;
        for witness in 0..u8::try_from(policy.witnesses.len()).unwrap() {
            for target in Region::BOTH {
                for observation in [Observation::Healthy, Observation::Breached] {
                    let signal = Signal {
                        witness: WitnessId(witness),
                        target,
                        observation,
                        observed: WallTime::from_millis(1_772_549_700_250),
                    };
                    let Some(envelope) = envelope(&policy, &signal, sent) else {
                        continue;
                    };
                    let decoded = decoder
                        .decode(envelope.to_string().as_bytes(), signal.observed)
                        .unwrap();
                    sent += 1;
                    match decoded.content {
                        Content::Signal(heard)
                            if policy.witnesses[usize::from(witness)].kind != WitnessKind::AwsHealth =>
                        {
                            assert_eq!(heard, signal);
                        }
                        // AWS Health's envelopes tell the second.
                        Content::Signal(heard) => {
                            assert_eq!((heard.target, heard.observation), (target, observation));
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        assert_eq!(sent, 24, "four alarms, one check, AWS Health; two regions; two states");
    }
}
