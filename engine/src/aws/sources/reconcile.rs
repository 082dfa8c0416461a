//! What an event that got lost would have said, asked for at the start and every few minutes: the alarms' states, and
//! whether a Step Functions execution is doing the same.

use std::time::Duration;

use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use aws_sdk_sfn::operation::list_executions::ListExecutionsError;
use aws_sdk_sfn::types::ExecutionStatus as SfnStatus;
use tracing::{debug, info};

use crate::aws::Side;
use crate::aws::verdict::note;
use crate::core::ids::{Region, WitnessId};
use crate::core::lease::RoleChangeKind;
use crate::core::signal::{ExecutionStatus, Notice, Observation, Signal};
use crate::decode::{DRY_RUN, Directory};
use crate::service::context::Sidecar;
use crate::service::shell::Input;
use understudy_policies::model::{RegionName, WitnessKind};

/// At least and at most so long between two looks.
const EVERY: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(150));
/// Running executions that are looked at. A machine runs one role change at a time, and dry runs take a second.
const EXECUTIONS_MAX: i32 = 10;
/// Names that CloudWatch takes at once.
const NAMES_MAX: usize = 100;

/// One alarm that is a witness.
#[derive(Debug, Clone)]
struct Alarm {
    witness: WitnessId,
    target: Region,
    name: String,
    located: RegionName,
}

/// Looks, now and again.
pub(super) async fn keep(side: Side, sidecar: Sidecar) {
    let context = &sidecar.context;
    let directory = Directory::new(
        &context.policy.regions,
        &context.policy.witnesses,
        &context.platform.environment,
    );
    let alarms: Vec<Alarm> = directory
        .alarms()
        .filter_map(|(witness, target, name, located)| {
            let located = RegionName::new(located).ok()?;
            Some(Alarm {
                witness,
                target,
                name,
                located,
            })
        })
        .collect();
    let every = interval(&sidecar);
    loop {
        tokio::join!(
            look_at_alarms(&side, &sidecar, &alarms),
            look_at_executions(&side, &sidecar),
        );
        context.clock.sleep(every).await;
    }
}

/// Often enough that an alarm which does not change does not fall silent.
fn interval(sidecar: &Sidecar) -> Duration {
    let witnesses = sidecar.context.policy.witnesses.iter();
    let shortest = witnesses
        .filter(|witness| matches!(witness.kind, WitnessKind::CloudwatchAlarm | WitnessKind::Route53Check))
        .map(|witness| witness.missing_after)
        .min();
    shortest.map_or(EVERY.1, |missing| (missing / 3).clamp(EVERY.0, EVERY.1))
}

async fn look_at_alarms(side: &Side, sidecar: &Sidecar, alarms: &[Alarm]) {
    let mut regions: Vec<&RegionName> = alarms.iter().map(|alarm| &alarm.located).collect();
    regions.sort();
    regions.dedup();
    for region in regions {
        let there: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.located == *region).collect();
        for some in there.chunks(NAMES_MAX) {
            look_at(side, sidecar, region, some).await;
        }
    }
}

async fn look_at(side: &Side, sidecar: &Sidecar, region: &RegionName, alarms: &[&Alarm]) {
    let names = alarms.iter().map(|alarm| alarm.name.clone());
    let answer = side
        .connections
        .cloudwatch(region)
        .describe_alarms()
        .set_alarm_names(Some(names.collect()))
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .send()
        .await;
    let Ok(answer) = answer.inspect_err(|failure| note("look at the alarms", failure)) else {
        return;
    };
    let metric = answer
        .metric_alarms()
        .iter()
        .map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    let composite = answer
        .composite_alarms()
        .iter()
        .map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    let states: Vec<_> = metric.chain(composite).collect();
    for alarm in alarms {
        let state = states.iter().find(|(name, _)| *name == Some(alarm.name.as_str()));
        let Some(observation) = state.and_then(|(_, state)| observation((*state)?)) else {
            debug!(alarm = alarm.name, %region, "there is no such alarm");
            continue;
        };
        // It is what the alarm says now, whenever it came to it.
        let signal = Signal {
            witness: alarm.witness,
            target: alarm.target,
            observation,
            observed: sidecar.context.clock.wall(),
        };
        sidecar.inbox.put(Input::Signal(signal, None));
    }
}

const fn observation(state: &StateValue) -> Option<Observation> {
    match state {
        StateValue::Ok => Some(Observation::Healthy),
        StateValue::Alarm => Some(Observation::Breached),
        StateValue::InsufficientData => Some(Observation::Missing),
        _ => None,
    }
}

async fn look_at_executions(side: &Side, sidecar: &Sidecar) {
    for way in [RoleChangeKind::Failover, RoleChangeKind::Failback] {
        let machine = side.names.machine_arn(side.own, way);
        let answer = side
            .connections
            .sfn(side.names.region(side.own))
            .list_executions()
            .state_machine_arn(&machine)
            .status_filter(SfnStatus::Running)
            .max_results(EXECUTIONS_MAX)
            .send()
            .await;
        match answer {
            Ok(answer) if answer.executions.iter().all(|one| one.name.starts_with(DRY_RUN)) => {}
            Ok(_) => {
                info!(machine, "a Step Functions execution is running");
                let notice = Notice::Execution {
                    region: side.own,
                    failover: way == RoleChangeKind::Failover,
                    status: ExecutionStatus::Running,
                };
                sidecar.inbox.put(Input::Notice(notice, None));
            }
            Err(failure)
                if matches!(
                    failure.as_service_error(),
                    Some(ListExecutionsError::StateMachineDoesNotExist(_))
                ) =>
            {
                debug!(machine, "there is no such state machine");
            }
            Err(failure) => note("look for executions", &failure),
        }
    }
}
