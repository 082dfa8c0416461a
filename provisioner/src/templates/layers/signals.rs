//! What is seen and told: alarms, rules, the schedule, the dashboard.
//!
//! Alarms of the policy's witnesses go to both engines and to the operators; all others to the operators only, because the
//! engine takes no alarm that is not a witness's. A region's alarm on the *other* region's heartbeat is here as well: the one
//! that falls silent cannot say so.

use serde_json::{Value, json};
use understudy_engine::decode::{HEARTBEAT, SOURCE, SWITCH_CHANGED};
use understudy_policies::model::{
    AlarmStatistic, AlarmThreshold, Component, FailureDomain, RegionName, Witness, WitnessKind,
};

use super::super::kinds::{Alarm, CompositeAlarm, Dashboard, Permission, Rule, Schedule, ScheduleGroup, Subscription};
use super::super::model::Template;
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::api::STAGE;
use super::functions::Functions;
use super::keys::Keys;
use super::messaging::Messaging;

/// Minutes without a heartbeat after which the alarm rises: the metric comes every 10 s.
const SILENT_MIN: u32 = 2;

pub(super) fn build(
    site: &Site<'_>,
    keys: &Keys,
    messaging: &Messaging,
    functions: &Functions,
    stacks: &mut Vec<Stack>,
) {
    let template = Template::new(site, Layer::Signals, "alarms, rules, schedule, dashboard");
    let mut alarms = Alarms {
        template,
        site,
        messaging,
        of_region: Vec::new(),
    };
    alarms.witnesses();
    alarms.operations();
    let Alarms {
        mut template,
        of_region,
        ..
    } = alarms;

    let any: Vec<String> = of_region.iter().map(|name| format!("ALARM(\"{name}\")")).collect();
    let composite = template.add(
        CompositeAlarm,
        "RegionAlarm",
        &site.name("impaired"),
        json!({
            "AlarmDescription": "something in this region is impaired; a composite alarm cannot span regions, the engine compares both",
            "AlarmRule": any.join(" OR "), "ActionsEnabled": true,
            "AlarmActions": [messaging.operators], "OKActions": [messaging.operators],
        }),
    );
    let members: Vec<String> = template.ids_of(Alarm);
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    template.wait(&composite, &members);

    subscriptions(&mut template, site, messaging);
    rules(&mut template, site, messaging, functions);
    schedule(&mut template, site, keys, messaging, functions);
    dashboard(&mut template, site);
    template.after_in_both(Layer::Messaging);
    stacks.push(template.finish(stacks));
}

/// The alarms that the engine knows, which are in a region: name, and the region that they observe.
fn witnesses<'a>(site: &'a Site<'_>) -> Vec<(&'a Witness, &'a RegionName)> {
    let observed = |witness: &Witness| match witness.failure_domain {
        FailureDomain::TargetRegion => Some(site.region),
        FailureDomain::PeerRegion => Some(site.peer),
        // Metrics of the global services, and of other vantage points, are none of a region's.
        FailureDomain::WitnessRegion | FailureDomain::Internet | FailureDomain::Provider => None,
    };
    let all = site.policy.witnesses.iter();
    let alarms = all.filter(|witness| witness.kind == WitnessKind::CloudwatchAlarm);
    alarms
        .filter_map(|witness| Some((witness, observed(witness)?)))
        .collect()
}

struct Alarms<'a> {
    template: Template<'a>,
    site: &'a Site<'a>,
    messaging: &'a Messaging,
    of_region: Vec<String>,
}

impl Alarms<'_> {
    /// What the policy's witnesses watch, with the policy's thresholds.
    fn witnesses(&mut self) {
        let site = self.site;
        for (witness, target) in witnesses(site) {
            let name = site.names.alarm(target, &witness.name);
            let infrastructure = &site.policy.infrastructure;
            let properties = match witness.observes {
                Component::Replication => {
                    let metric = metric(
                        "AWS/RDS",
                        "AuroraGlobalDBReplicationLag",
                        &[("DBClusterIdentifier", &site.names.cluster(target))],
                    );
                    threshold(
                        metric,
                        &infrastructure.replication_lag,
                        "the standby's database is behind",
                    )
                }
                Component::Engine => heartbeat(site, target),
                Component::Application | Component::Database | Component::Network
                    if witness.name.contains("latency") =>
                {
                    let metric = metric(
                        "AWS/ApiGateway",
                        "Latency",
                        &[("ApiName", &site.name("api")), ("Stage", STAGE)],
                    );
                    threshold(metric, &infrastructure.api_latency, "orders are answered slowly")
                }
                Component::Application | Component::Database | Component::Network => {
                    let metric = metric(
                        "AWS/Lambda",
                        "Errors",
                        &[("FunctionName", &site.name("order-processor"))],
                    );
                    threshold(metric, &infrastructure.lambda_errors, "orders are not processed")
                }
            };
            let both = json!([self.messaging.alarms, self.messaging.operators]);
            self.add(&format!("{}Alarm", pascal(&witness.name)), &name, properties, &both);
        }
    }

    /// What operators want to know beside that.
    fn operations(&mut self) {
        let site = self.site;
        let errors = &site.policy.infrastructure.lambda_errors;
        for role in ["order-intake", "health", "readiness", "starter", "steps"] {
            let metric = metric("AWS/Lambda", "Errors", &[("FunctionName", &site.name(role))]);
            let properties = threshold(metric, errors, "a function fails");
            self.operators_only(&format!("{role}-errors"), properties);
        }
        for role in ["order-dead-letters", "dead-letters", "undelivered"] {
            let metric = metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                &[("QueueName", &site.name(role))],
            );
            self.operators_only(
                &format!("{role}-waiting"),
                above(metric, 1, "somebody has to look at what could not be handled"),
            );
        }
        let age = metric(
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            &[("QueueName", &site.name("orders"))],
        );
        self.operators_only(
            "orders-waiting",
            above(age, 60, "orders are not processed as fast as they come"),
        );
        for way in ["failover", "failback"] {
            let machine = site.arn("states", &format!("stateMachine:{}", site.name(way)));
            for (end, metric_name, why) in [
                (
                    "failed",
                    "ExecutionsFailed",
                    "a role change ended in a failure: its cause says why",
                ),
                (
                    "timed-out",
                    "ExecutionsTimedOut",
                    "a role change did not end in time: look where it stands",
                ),
                (
                    "aborted",
                    "ExecutionsAborted",
                    "somebody stopped a role change: look where it stands",
                ),
            ] {
                let metric = metric("AWS/States", metric_name, &[("StateMachineArn", &machine)]);
                self.operators_only(&format!("{way}-{end}"), above(metric, 1, why));
            }
        }
        let faults = metric(
            "AWS/ApiGateway",
            "5XXError",
            &[("ApiName", &site.name("api")), ("Stage", STAGE)],
        );
        self.operators_only("api-faults", threshold(faults, errors, "the API answers with errors"));
    }

    fn operators_only(&mut self, role: &str, properties: Value) {
        let operators = json!([self.messaging.operators]);
        let name = self.site.name(role);
        self.add(&format!("{}Alarm", pascal(role)), &name, properties, &operators);
    }

    fn add(&mut self, id: &str, name: &str, mut properties: Value, actions: &Value) {
        for key in ["AlarmActions", "OKActions", "InsufficientDataActions"] {
            properties[key] = actions.clone();
        }
        properties["ActionsEnabled"] = true.into();
        self.template.add(Alarm, id, name, properties);
        self.of_region.push(name.to_owned());
    }
}

fn metric(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Value {
    let dimensions: Vec<Value> = dimensions
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    json!({"Namespace": namespace, "MetricName": name, "Dimensions": dimensions})
}

/// An alarm as the policy wants it.
fn threshold(mut metric: Value, wanted: &AlarmThreshold, what: &str) -> Value {
    let (key, statistic) = match wanted.statistic {
        AlarmStatistic::Average => ("Statistic", "Average"),
        AlarmStatistic::Sum => ("Statistic", "Sum"),
        AlarmStatistic::Minimum => ("Statistic", "Minimum"),
        AlarmStatistic::Maximum => ("Statistic", "Maximum"),
        AlarmStatistic::SampleCount => ("Statistic", "SampleCount"),
        AlarmStatistic::P90 => ("ExtendedStatistic", "p90"),
        AlarmStatistic::P99 => ("ExtendedStatistic", "p99"),
    };
    metric[key] = statistic.into();
    metric["AlarmDescription"] = what.into();
    metric["ComparisonOperator"] = "GreaterThanOrEqualToThreshold".into();
    metric["Threshold"] = wanted.threshold.into();
    metric["Period"] = wanted.period.as_secs().into();
    metric["EvaluationPeriods"] = wanted.periods.into();
    metric["DatapointsToAlarm"] = wanted.periods.into();
    // Silence is a state of its own, and the engine hears of it. It is never a breach by itself.
    metric["TreatMissingData"] = match wanted.missing_data {
        understudy_policies::model::MissingData::Missing => "missing",
        understudy_policies::model::MissingData::Breached => "breaching",
    }
    .into();
    metric
}

fn above(mut metric: Value, threshold: u32, what: &str) -> Value {
    metric["Statistic"] = "Maximum".into();
    metric["AlarmDescription"] = what.into();
    metric["ComparisonOperator"] = "GreaterThanOrEqualToThreshold".into();
    metric["Threshold"] = threshold.into();
    metric["Period"] = 60.into();
    metric["EvaluationPeriods"] = 1.into();
    metric["TreatMissingData"] = "notBreaching".into();
    metric
}

/// Both sidecars of a region publish into the other one. The alarm rises when neither does.
fn heartbeat(site: &Site<'_>, target: &RegionName) -> Value {
    let mut metric = metric(
        "Understudy",
        "Heartbeat",
        &[("Environment", site.names.environment()), ("Region", target.as_str())],
    );
    metric["Statistic"] = "SampleCount".into();
    metric["AlarmDescription"] = "no sidecar of that region is heard of any more".into();
    metric["ComparisonOperator"] = "LessThanThreshold".into();
    metric["Threshold"] = 1.into();
    metric["Period"] = 60.into();
    metric["EvaluationPeriods"] = SILENT_MIN.into();
    // Here alone silence is what is looked for.
    metric["TreatMissingData"] = "breaching".into();
    metric
}

fn subscriptions(template: &mut Template<'_>, site: &Site<'_>, messaging: &Messaging) {
    let queues = [("AlarmsToOwnEngine", site.region), ("AlarmsToOtherEngine", site.peer)];
    for (id, region) in queues {
        let queue = site.names.arn("sqs", Some(region), &site.names.engine_queue(region));
        template.add(
            Subscription,
            id,
            "",
            // Not raw: the envelope says which region's topic it was.
            json!({"TopicArn": messaging.alarms, "Protocol": "sqs", "Endpoint": queue, "RawMessageDelivery": false}),
        );
    }
    for (index, recipient) in site.deployment.recipients.iter().enumerate() {
        template.add(
            Subscription,
            format!("Operator{}", index + 1),
            "",
            json!({"TopicArn": messaging.operators, "Protocol": "email", "Endpoint": recipient}),
        );
    }
}

fn rules(template: &mut Template<'_>, site: &Site<'_>, messaging: &Messaging, functions: &Functions) {
    let queue = |id: &str| {
        json!([{
            "Id": id, "Arn": messaging.events, "DeadLetterConfig": {"Arn": messaging.undelivered},
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 300},
        }])
    };
    let alarms: Vec<String> = {
        let regions = [&site.policy.regions.primary, &site.policy.regions.standby];
        let all = witnesses(site);
        let name = |region: &&RegionName| {
            all.iter()
                .map(|(witness, _)| site.names.alarm(region, &witness.name))
                .collect::<Vec<_>>()
        };
        regions.iter().flat_map(name).collect()
    };
    let prefix = format!("understudy-{}-", site.names.environment());
    let machine = |way: &str| {
        site.both(|region| {
            let name = site.names.regional(region, way);
            site.names.arn("states", Some(region), &format!("stateMachine:{name}"))
        })
    };
    let machines = [machine("failover"), machine("failback")].concat();
    // What comes from the other region comes with that region's name, and leads to the same queue; nothing is sent on.
    let heard = [
        (
            "AlarmsRule",
            "alarms",
            "alarms of the witnesses, of both regions",
            json!({"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": {"alarmName": alarms}}),
        ),
        (
            "DatabaseRule",
            "database-events",
            "what happens to the clusters of both regions",
            json!({
                "source": ["aws.rds"], "detail-type": ["RDS DB Cluster Event", "RDS DB Instance Event"],
                "detail": {"SourceIdentifier": [{"prefix": prefix}]},
            }),
        ),
        (
            "HealthRule",
            "health-events",
            "what AWS says of itself",
            json!({"source": ["aws.health"], "detail-type": ["AWS Health Event"], "detail": {"eventTypeCategory": ["issue", "investigation"]}}),
        ),
        (
            "ExecutionsRule",
            "executions",
            "what the state machines of both regions do",
            json!({
                "source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"stateMachineArn": machines},
            }),
        ),
        (
            "ParametersRule",
            "parameter-changes",
            "configuration that changes",
            json!({
                "source": ["aws.ssm"], "detail-type": ["Parameter Store Change"],
                "detail": {"name": [{"prefix": format!("/understudy/{}/", site.names.environment())}]},
            }),
        ),
        (
            "EngineRule",
            "engine-events",
            "heartbeats and switches, as the engines tell both regions",
            json!({"source": [SOURCE], "detail-type": [HEARTBEAT, SWITCH_CHANGED]}),
        ),
    ];
    for (id, role, what, pattern) in heard {
        template.add(
            Rule,
            id,
            &site.name(role),
            json!({"Description": what, "State": "ENABLED", "EventPattern": pattern, "Targets": queue("events")}),
        );
    }
    starter(template, site, messaging, functions);
    forwarding(template, site);
}

/// By which the rule that forwards may put events on the other region's bus. The rule itself is a reconciler's.
fn forwarding(template: &mut Template<'_>, site: &Site<'_>) {
    let bus = site.names.arn("events", Some(site.peer), "event-bus/default");
    let role = iam::service_role(
        template,
        site,
        ["ForwardingRole", "ForwardingPolicy"],
        "forwarding",
        &iam::trust(site, "events.amazonaws.com"),
        vec![iam::allow("OtherBus", &["events:PutEvents"], json!(bus))],
    );
    template.export("forwarding-role", role.arn());
}

/// All sidecars of the other region are silent: somebody has to look, even if our own are gone as well.
fn starter(template: &mut Template<'_>, site: &Site<'_>, messaging: &Messaging, functions: &Functions) {
    let silent: Vec<String> = witnesses(site)
        .into_iter()
        .filter(|(witness, target)| witness.observes == Component::Engine && *target == site.peer)
        .map(|(witness, target)| site.names.alarm(target, &witness.name))
        .collect();
    if silent.is_empty() {
        return;
    }
    let rule = template.add(
        Rule,
        "SilenceRule",
        &site.name("silence"),
        json!({
            "Description": "the other region's sidecars are silent", "State": "ENABLED",
            "EventPattern": {
                "source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
                "region": [site.region.as_str()],
                "detail": {"alarmName": silent, "state": {"value": ["ALARM"]}},
            },
            "Targets": [{
                "Id": "starter", "Arn": functions.starter, "DeadLetterConfig": {"Arn": messaging.undelivered},
                "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 300},
            }],
        }),
    );
    template.add(
        Permission,
        "SilencePermission",
        "",
        json!({
            "Action": "lambda:InvokeFunction", "FunctionName": functions.starter, "Principal": "events.amazonaws.com",
            "SourceArn": rule.arn(),
        }),
    );
}

fn schedule(template: &mut Template<'_>, site: &Site<'_>, keys: &Keys, messaging: &Messaging, functions: &Functions) {
    let role = iam::service_role(
        template,
        site,
        ["ScheduleRole", "SchedulePolicy"],
        "readiness-schedule",
        &iam::trust(site, "scheduler.amazonaws.com"),
        vec![
            iam::allow("Readiness", &["lambda:InvokeFunction"], json!(functions.readiness)),
            iam::allow("Undelivered", &["sqs:SendMessage"], json!(messaging.undelivered)),
            iam::with_key("Messages", &keys.messages),
            iam::allow("Schedule", &["kms:Decrypt"], json!(keys.functions)),
        ],
    );
    let group = template.add(ScheduleGroup, "Schedules", &site.name("schedules"), json!({}));
    let schedule = template.add(
        Schedule,
        "ReadinessSchedule",
        &site.name("readiness-schedule"),
        json!({
            "Description": "every hour: could this region take over?", "GroupName": group.reference(), "State": "ENABLED",
            "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "KmsKeyArn": keys.functions,
            "Target": {
                "Arn": functions.readiness, "RoleArn": role.arn(), "DeadLetterConfig": {"Arn": messaging.undelivered},
                "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600},
            },
        }),
    );
    template.wait(&schedule, &["SchedulePolicy"]);
}

fn dashboard(template: &mut Template<'_>, site: &Site<'_>) {
    let region = site.region.as_str();
    let widget = |index: usize, title: &str, metrics: Value| {
        json!({
            "type": "metric", "x": (index % 2) * 12, "y": (index / 2) * 6, "width": 12, "height": 6,
            "properties": {"title": title, "region": region, "period": 60, "view": "timeSeries", "metrics": metrics},
        })
    };
    let latency = json!([["AWS/ApiGateway", "Latency", "ApiName", site.name("api"), "Stage", STAGE, {"stat": "p99"}]]);
    let errors: Value = ["order-intake", "order-processor"]
        .map(|role| json!(["AWS/Lambda", "Errors", "FunctionName", site.name(role), {"stat": "Sum"}]))
        .into_iter()
        .collect();
    let lag = json!([["AWS/RDS", "AuroraGlobalDBReplicationLag", "DBClusterIdentifier", site.names.cluster(site.region), {"stat": "Maximum"}]]);
    let queues: Value = ["orders", "order-dead-letters", "events", "dead-letters", "undelivered"]
        .map(|role| json!(["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", site.name(role), {"stat": "Maximum"}]))
        .into_iter()
        .collect();
    let environment = site.names.environment();
    let beats: Value = site
        .both(ToString::to_string)
        .iter()
        .map(|from| json!(["Understudy", "Heartbeat", "Environment", environment, "Region", from, {"stat": "SampleCount"}]))
        .collect();
    let widgets = [
        widget(0, "Latency of the API, p99, ms", latency),
        widget(1, "Errors of the order functions", errors),
        widget(2, "Replication lag, ms", lag),
        widget(3, "Waiting messages", queues),
        widget(4, "Heartbeats of the engines, as seen here", beats),
    ];
    let body = json!({"widgets": widgets});
    template.add(
        Dashboard,
        "Dashboard",
        &site.name("platform"),
        json!({"DashboardBody": body.to_string()}),
    );
}

/// `alarm-api-latency` as `AlarmApiLatency`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    name.split('-').map(word).collect()
}
