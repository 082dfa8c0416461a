//! What sidecars and the observer have in common: how ECS starts the engine.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::super::iam;
use super::super::super::kinds::{EcsCluster, LogGroup, Role};
use super::super::super::model::{Handle, Import, Template};
use super::super::super::site::Site;
use crate::deployment::Engine;
use crate::deployment::sidecar_secret::SidecarSecret;

/// The user of the image.
pub(super) const USER: &str = "65532";

pub(super) fn logs(template: &mut Template<'_>, site: &Site<'_>, key: &Import) -> Handle<LogGroup> {
    template.add(
        LogGroup,
        "EngineLogs",
        &site.names.log_group(site.region, "engine"),
        json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": key}),
    )
}

pub(super) fn cluster(template: &mut Template<'_>, site: &Site<'_>) -> Handle<EcsCluster> {
    template.add(
        EcsCluster,
        "Cluster",
        &site.name("engine"),
        json!({"ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}]}),
    )
}

/// A service of one task. The old task ends before the new one begins: a journal has one writer, and there is one observer.
pub(super) fn service(mut properties: Value) -> Value {
    properties["DesiredCount"] = 1.into();
    properties["LaunchType"] = "FARGATE".into();
    properties["PlatformVersion"] = "LATEST".into();
    properties["EnableExecuteCommand"] = false.into();
    properties["PropagateTags"] = "SERVICE".into();
    properties["DeploymentConfiguration"] = json!({
        "MinimumHealthyPercent": 0, "MaximumPercent": 100,
        "DeploymentCircuitBreaker": {"Enable": true, "Rollback": true},
    });
    properties
}

/// What ECS asks the process in its container, by the engine's own words.
pub(super) fn healthy(words: &[&str]) -> Value {
    let command = [&["CMD", "understudy-engine"], words].concat();
    json!({"Command": command, "Interval": 10, "Timeout": 3, "Retries": 3, "StartPeriod": 10})
}

pub(super) fn network(subnets: &Value, group: &Import) -> Value {
    json!({"AwsvpcConfiguration": {"Subnets": subnets, "SecurityGroups": [group], "AssignPublicIp": "DISABLED"}})
}

/// How a process of the engine is started.
pub(super) struct Start<'a> {
    pub(super) site: &'a Site<'a>,
    pub(super) engine: &'a Engine,
    pub(super) logs: &'a Handle<LogGroup>,
    /// What it is started with.
    pub(super) secrets: &'a [SidecarSecret],
}

impl Start<'_> {
    /// The role that ECS starts the task with. The engine itself reads no secret.
    pub(super) fn role(&self, template: &mut Template<'_>, key: &Import) -> Handle<Role> {
        let Self {
            site, logs, secrets, ..
        } = self;
        let secrets = secrets
            .iter()
            .map(|what| iam::secret(site, &site.names.sidecar_secret(*what)));
        let mut statements = vec![
            iam::logging(&logs.arn()),
            iam::allow(
                "StartsWith",
                &["secretsmanager:GetSecretValue"],
                json!(secrets.collect::<Vec<_>>()),
            ),
            iam::allow("StartsWithKey", &["kms:Decrypt"], json!(key)),
        ];
        statements.extend(self.image());
        iam::service_role(
            template,
            site,
            ["StartRole", "StartPolicy"],
            "engine-execution",
            &iam::trust(site, "ecs-tasks.amazonaws.com"),
            statements,
        )
    }

    /// A task's definition.
    pub(super) fn task(&self, mut properties: Value) -> Value {
        properties["NetworkMode"] = "awsvpc".into();
        properties["RequiresCompatibilities"] = json!(["FARGATE"]);
        properties["Cpu"] = self.engine.cpu.to_string().into();
        properties["Memory"] = self.engine.memory_mb.to_string().into();
        properties["RuntimePlatform"] = json!({"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"});
        properties
    }

    /// What every process of the engine is told. Its files come out of secrets into its environment.
    pub(super) fn command(&self, what: &[String]) -> Vec<String> {
        let given = |option: &str, what: SidecarSecret| format!("{option}=env:{}", what.variable());
        let mut command = vec!["run".to_owned(), format!("--region={}", self.site.region)];
        command.extend_from_slice(what);
        command.extend([
            given("--policy", SidecarSecret::Policy),
            given("--platform", SidecarSecret::Platform),
            given("--token-file", SidecarSecret::Token),
            given("--peer-token-file", SidecarSecret::PeerToken),
            "--log=json".to_owned(),
        ]);
        command
    }

    pub(super) fn container(&self, command: &[String], stream: &str) -> Value {
        let Self { site, engine, .. } = self;
        json!({
            "Name": "engine", "Image": engine.image_in(site.region), "Essential": true,
            "User": format!("{USER}:{USER}"), "ReadonlyRootFilesystem": true, "Privileged": false,
            "LinuxParameters": {"InitProcessEnabled": true, "Capabilities": {"Drop": ["ALL"]}},
            // A driver hands its seat over before it leaves.
            "StopTimeout": 45,
            "Command": command,
            "Secrets": self.secrets(),
            "DockerLabels": {"understudy.policy": self.digest()},
            "LogConfiguration": self.logged(stream),
        })
    }

    fn secrets(&self) -> Vec<Value> {
        let given = |what: &SidecarSecret| {
            let mut from = self.secret(*what);
            if *what == SidecarSecret::Database {
                from.push_str(":password::");
            }
            json!({"Name": what.variable(), "ValueFrom": from})
        };
        self.secrets.iter().map(given).collect()
    }

    /// Its ARN without the end that Secrets Manager gives it: that finds it as well.
    fn secret(&self, what: SidecarSecret) -> String {
        let name = self.site.names.sidecar_secret(what);
        self.site.arn("secretsmanager", &format!("secret:{name}"))
    }

    /// Another policy makes another task, so that `apply` replaces it.
    fn digest(&self) -> String {
        let policy = serde_json::to_vec(self.site.policy).unwrap_or_default();
        let digest = Sha256::digest(policy);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn logged(&self, stream: &str) -> Value {
        json!({
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": self.logs.reference(), "awslogs-region": self.site.region.as_str(),
                "awslogs-stream-prefix": stream,
                // A log that is not taken must not hold up the engine.
                "mode": "non-blocking", "max-buffer-size": "4m",
            },
        })
    }

    /// Fetching the image, from a registry that asks who fetches.
    fn image(&self) -> Vec<Value> {
        let Some(repository) = self.engine.repository(self.site.region) else {
            return Vec::new();
        };
        vec![
            // The token for a registry has no resource.
            iam::allow("Registry", &["ecr:GetAuthorizationToken"], json!("*")),
            iam::allow(
                "Image",
                &[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                json!(repository.arn(self.site.names.partition())),
            ),
        ]
    }
}
