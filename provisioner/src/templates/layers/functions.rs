//! The functions. One program each, one package for all, the same digest in both regions.
//!
//! | Function | Who calls it | What it does |
//! |--|--|--|
//! | `order-intake` | the API | accepts an order durably, and queues it |
//! | `order-processor` | the queue `orders` | commits it, under the commit fence |
//! | `health` | health checks | says whether orders could be placed here |
//! | `readiness` | a schedule, every hour | says whether this region could take over |
//! | `starter` | the alarm on the other region's heartbeat | probes for itself, and starts the failover machine |
//! | `steps` | the state machines | what Step Functions cannot do itself: other regions, and SQL |
//!
//! Whether a region may work is asked of its order path item and of the database, never of the region's role: the same
//! functions run in both.

use serde_json::{Value, json};

use super::super::excuse::Excuse;
use super::super::kinds::{EventSource, Function, LogGroup, Role};
use super::super::model::{Expr, Handle, Import, Template};
use super::super::package::Package;
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::keys::Keys;
use super::messaging::Messaging;
use super::network::Network;
use super::storage::Storage;

/// What is exported.
#[derive(Debug)]
pub(super) struct Functions {
    pub(super) intake: Import,
    pub(super) health: Import,
    pub(super) readiness: Import,
    pub(super) starter: Import,
    pub(super) steps: Import,
}

/// The functions, by role.
const ROLES: [&str; 6] = [
    "order-intake",
    "order-processor",
    "health",
    "readiness",
    "starter",
    "steps",
];
/// The policy that all of them have: to run in the network, and to be traced.
const COMMON: &str = "FunctionsPolicy";
/// Concurrency of the functions that carry no orders.
const CONCURRENCY: u32 = 10;

pub(super) struct Below<'a> {
    pub(super) network: &'a Network,
    pub(super) keys: &'a Keys,
    pub(super) storage: &'a Storage,
    pub(super) messaging: &'a Messaging,
    pub(super) package: &'a Package,
}

struct Program<'a> {
    ids: [&'static str; 4],
    role: &'static str,
    what: &'static str,
    concurrency: u32,
    environment: Value,
    statements: Vec<Value>,
    below: &'a Below<'a>,
}

pub(super) fn build(site: &Site<'_>, below: &Below<'_>, stacks: &mut Vec<Stack>) -> Functions {
    let mut template = Template::new(site, Layer::Functions, "the functions, all of one package");
    let orders = site.deployment.functions.reserved_concurrency;
    let item = |table: String, actions: &[&str], sid: &str| {
        iam::allow(sid, actions, json!(site.names.table_arn(site.region, &table)))
    };
    let order_path = || item(site.names.order_path_table(), &["dynamodb:GetItem"], "OrderPath");
    let database = || {
        [
            iam::allow(
                "DatabaseOwner",
                &["secretsmanager:GetSecretValue"],
                json!(iam::secret(site, &site.names.database_secret())),
            ),
            iam::allow("DataKey", &["kms:Decrypt"], json!(below.keys.data)),
        ]
    };
    let program = |ids, role, what, concurrency, environment, statements: Vec<Value>| Program {
        ids,
        role,
        what,
        concurrency,
        environment,
        statements,
        below,
    };

    let intake = program(
        ["OrderIntake", "OrderIntakeRole", "OrderIntakePolicy", "OrderIntakeLogs"],
        "order-intake",
        "accepts orders durably, and queues them",
        orders,
        json!({"INTAKE_TABLE": site.names.intake_table(), "ORDERS_QUEUE": below.messaging.orders_url}),
        vec![
            order_path(),
            item(
                site.names.intake_table(),
                &["dynamodb:GetItem", "dynamodb:PutItem"],
                "Intake",
            ),
            item(site.names.session_table(), &["dynamodb:GetItem"], "Sessions"),
            iam::allow("Orders", &["sqs:SendMessage"], json!(below.messaging.orders)),
        ],
    );
    let (intake, intake_role) = intake.add(&mut template, site);

    let mut statements = vec![
        order_path(),
        item(
            site.names.intake_table(),
            &["dynamodb:GetItem", "dynamodb:UpdateItem"],
            "Intake",
        ),
        iam::allow(
            "Orders",
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            json!(below.messaging.orders),
        ),
    ];
    statements.extend(database());
    let processor = program(
        [
            "OrderProcessor",
            "OrderProcessorRole",
            "OrderProcessorPolicy",
            "OrderProcessorLogs",
        ],
        "order-processor",
        "commits orders, under the commit fence",
        orders,
        json!({"INTAKE_TABLE": site.names.intake_table(), "DATABASE_SECRET": site.names.database_secret()}),
        statements,
    );
    let (processor, processor_role) = processor.add(&mut template, site);
    template.add(
        EventSource,
        "OrdersToProcessor",
        "",
        json!({
            "EventSourceArn": below.messaging.orders, "FunctionName": processor.reference(), "Enabled": true,
            // One order at a time would not keep up after a failover; what fails in a batch comes back alone.
            "BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": orders.clamp(2, 1000)},
        }),
    );

    let mut statements = vec![order_path()];
    statements.extend(database());
    let health = program(
        ["Health", "HealthRole", "HealthPolicy", "HealthLogs"],
        "health",
        "says whether orders could be placed here",
        CONCURRENCY,
        json!({"DATABASE_SECRET": site.names.database_secret()}),
        statements,
    );
    let (health, health_role) = health.add(&mut template, site);

    let readiness = program(
        ["Readiness", "ReadinessRole", "ReadinessPolicy", "ReadinessLogs"],
        "readiness",
        "says whether this region could take over",
        CONCURRENCY,
        json!({"GLOBAL_CLUSTER": site.names.global_cluster()}),
        readiness(site),
    );
    let (readiness, readiness_role) = readiness.add(&mut template, site);

    let starter = program(
        ["Starter", "StarterRole", "StarterPolicy", "StarterLogs"],
        "starter",
        "starts the failover machine when both sidecars of the other region are silent, if it finds that region lost",
        CONCURRENCY,
        json!({"LEASE_TABLE": site.names.lease_table()}),
        vec![
            item(site.names.lease_table(), &["dynamodb:GetItem"], "Lease"),
            iam::allow(
                "Failover",
                &["states:StartExecution"],
                json!(site.arn("states", &format!("stateMachine:{}", site.name("failover")))),
            ),
            iam::allow(
                "Executions",
                &["states:DescribeExecution"],
                json!(site.arn("states", &format!("execution:{}:*", site.name("failover")))),
            ),
        ],
    );
    let (starter, starter_role) = starter.add(&mut template, site);

    let mut statements = steps(site);
    statements.extend(database());
    let program = program(
        ["Steps", "StepsRole", "StepsPolicy", "StepsLogs"],
        "steps",
        "does for the state machines what they cannot do themselves",
        CONCURRENCY,
        json!({
            "SWITCH_TABLE": site.names.switch_table(), "SWITCH_BUCKET": site.names.switch_bucket(),
            "DATABASE_SECRET": site.names.database_secret(), "GLOBAL_CLUSTER": site.names.global_cluster(),
        }),
        statements,
    );
    let (steps, steps_role) = program.add(&mut template, site);

    let roles = [
        intake_role,
        processor_role,
        health_role,
        readiness_role,
        starter_role,
        steps_role,
    ];
    let mut common = vec![iam::tracing()];
    common.extend(iam::interfaces(site));
    iam::policy(&mut template, COMMON, &site.name("functions"), &roles, common);

    super::api::logs_role(&mut template, site);
    template.export("order-processor", processor.arn());
    let functions = Functions {
        intake: template.export("order-intake", intake.arn()),
        health: template.export("health", health.arn()),
        readiness: template.export("readiness", readiness.arn()),
        starter: template.export("starter", starter.arn()),
        steps: template.export("steps", steps.arn()),
    };
    stacks.push(template.finish(stacks));
    functions
}

/// Looks at everything that a failover to this region would need, and changes nothing.
fn readiness(site: &Site<'_>) -> Vec<Value> {
    let tables = [
        site.names.lease_table(),
        site.names.intake_table(),
        site.names.session_table(),
    ];
    let tables: Vec<String> = tables
        .iter()
        .map(|table| site.names.table_arn(site.region, table))
        .collect();
    let clusters = site.both(|region| {
        site.names
            .arn("rds", Some(region), &format!("cluster:{}", site.names.cluster(region)))
    });
    // The pair is found by its members: after a detach it is in another global cluster.
    let global = site.names.arn("rds", None, "global-cluster:*");
    let buckets =
        ["config", "audit", "assets"].map(|role| site.names.bucket_arn(&site.names.bucket(site.region, role)));
    let functions = ROLES.map(|role| site.arn("lambda", &format!("function:{}", site.name(role))));
    let parameters = site.arn("ssm", &format!("parameter/understudy/{}/*", site.names.environment()));
    let machines = ["failover", "failback"].map(|way| site.arn("states", &format!("stateMachine:{}", site.name(way))));
    vec![
        iam::allow(
            "Tables",
            &["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"],
            json!(tables),
        ),
        iam::allow("Clusters", &["rds:DescribeDBClusters"], json!(clusters)),
        iam::allow("GlobalCluster", &["rds:DescribeGlobalClusters"], json!(global)),
        iam::allow(
            "Buckets",
            &["s3:GetBucketVersioning", "s3:GetReplicationConfiguration"],
            json!(buckets),
        ),
        iam::allow("Functions", &["lambda:GetFunctionConfiguration"], json!(functions)),
        iam::allow("Parameters", &["ssm:GetParametersByPath"], json!(parameters)),
        iam::allow("Machines", &["states:DescribeStateMachine"], json!(machines)),
        // CloudWatch knows no resources for metrics; the namespace is all that can be said.
        iam::allow_if(
            "Verdict",
            &["cloudwatch:PutMetricData"],
            json!("*"),
            json!({"StringEquals": {"cloudwatch:namespace": "Understudy"}}),
        ),
    ]
}

/// What the machines cannot do: the switches are in other regions, and the serving row is in the database.
fn steps(site: &Site<'_>) -> Vec<Value> {
    let switch_b = format!("{}/switch-b.json", site.names.bucket_arn(&site.names.switch_bucket()));
    let table = site.names.switch_table();
    vec![
        iam::allow(
            "SwitchA",
            &["dynamodb:GetItem", "dynamodb:UpdateItem"],
            json!(site.names.table_arn(site.names.standby(), &table)),
        ),
        iam::allow("SwitchB", &["s3:GetObject", "s3:PutObject"], json!(switch_b)),
        iam::allow(
            "Rejoin",
            &["rds:DescribeGlobalClusters"],
            // The pair is found by its members: after a detach it is in another global cluster.
            json!(site.names.arn("rds", None, "global-cluster:*")),
        ),
    ]
}

impl Program<'_> {
    fn add(mut self, template: &mut Template<'_>, site: &Site<'_>) -> (Handle<Function>, Expr) {
        let [id, role_id, policy_id, logs_id] = self.ids;
        let below = self.below;
        let logs = template.add(
            LogGroup,
            logs_id,
            &site.names.log_group(site.region, self.role),
            json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": below.keys.logs}),
        );
        let own_switch = site.is_standby() || self.role != "steps";
        self.statements.extend([
            iam::logging(&logs.arn()),
            iam::allow("Undelivered", &["sqs:SendMessage"], json!(below.messaging.undelivered)),
            // The queue is encrypted, and so is the environment.
            iam::with_key("Messages", &below.keys.messages),
            iam::allow("Environment", &["kms:Decrypt"], json!(below.keys.functions)),
        ]);
        let role: Handle<Role> = iam::role(
            template,
            site,
            [role_id, policy_id],
            self.role,
            "lambda.amazonaws.com",
            self.statements,
        );
        if !own_switch {
            let reason = "switch A is one item in the standby region, and both regions turn it";
            template.excuse_id(policy_id, &[Excuse::Lint("UL582", reason)]);
        }
        let mut environment = json!({
            "ENVIRONMENT": site.names.environment(),
            "PRIMARY_REGION": site.policy.regions.primary.as_str(),
            "STANDBY_REGION": site.policy.regions.standby.as_str(),
            "ORDER_PATH_TABLE": site.names.order_path_table(),
            // The global endpoint of STS is in us-east-1.
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        });
        for (key, value) in self.environment.as_object().into_iter().flatten() {
            environment[key] = value.clone();
        }
        let function = template.add(
            Function,
            id,
            &site.name(self.role),
            json!({
                "Description": self.what,
                "Runtime": "provided.al2023", "Handler": self.role, "Architectures": [below.package.architecture.name()],
                "Code": {"S3Bucket": below.storage.packages, "S3Key": below.package.key()},
                "Role": role.arn(),
                "MemorySize": site.deployment.functions.memory_mb,
                "Timeout": site.deployment.functions.timeout.as_secs(),
                "ReservedConcurrentExecutions": self.concurrency,
                "Environment": {"Variables": environment},
                "KmsKeyArn": below.keys.functions,
                "VpcConfig": {"SubnetIds": below.network.subnets, "SecurityGroupIds": [below.network.functions]},
                "DeadLetterConfig": {"TargetArn": below.messaging.undelivered},
                "TracingConfig": {"Mode": "Active"},
                "LoggingConfig": {"LogGroup": logs.reference(), "LogFormat": "JSON"},
            }),
        );
        template.wait(&function, &[policy_id, COMMON]);
        (function, role.reference())
    }
}
