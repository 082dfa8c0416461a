//! The stacks as files, and the two-region linter on them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use understudy_engine::core::lease::RoleChangeKind;
use understudy_policies::Policy;

use super::Platform;
use crate::deployment::Deployment;
use crate::lint::document::Malformed;
use crate::lint::pair::Limits;
use crate::lint::{self, Given, Report, Template};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, with a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Cow<'static, [u8]>,
}

impl Platform {
    /// Every file: a template per stack, a definition per state machine, the packages, and what belongs together.
    #[must_use]
    pub fn files(&self, deployment: &Deployment) -> Vec<File> {
        let mut files: Vec<File> = self
            .stacks
            .iter()
            .map(|stack| text(template_name(&stack.name), &stack.template))
            .collect();
        for machine in &self.machines {
            files.push(text(
                machine_name(&machine.region.to_string(), machine.way),
                &machine.definition,
            ));
        }
        for package in &self.packages {
            files.push(File {
                name: format!("packages/{}", package.key()),
                bytes: package.bytes.into(),
            });
        }
        files.push(text("manifest.json".to_owned(), &self.manifest(deployment)));
        files
    }

    /// What there is: stacks in their order, machines, packages.
    #[must_use]
    pub fn manifest(&self, deployment: &Deployment) -> Value {
        let stacks = self.stacks.iter().map(|stack| {
            json!({
                "name": stack.name, "region": stack.region, "layer": stack.layer.name(), "after": stack.after,
                "resources": stack.resources(), "template": template_name(&stack.name),
            })
        });
        let machines = self.machines.iter().map(|machine| {
            let region = machine.region.to_string();
            json!({"region": region, "way": machine.way, "definition": machine_name(&region, machine.way)})
        });
        let packages = self.packages.iter().map(|package| {
            json!({
                "name": package.name, "sha256": package.digest, "architecture": package.architecture.name(),
                "file": format!("packages/{}", package.key()),
            })
        });
        json!({
            "environment": deployment.environment.to_string(),
            "account": deployment.account,
            "resources": self.resources(),
            "stacks": stacks.collect::<Vec<_>>(),
            "machines": machines.collect::<Vec<_>>(),
            "packages": packages.collect::<Vec<_>>(),
        })
    }

    /// What the two-region linter says of the stacks.
    ///
    /// # Errors
    /// When a template cannot be read, which no template of ours is.
    pub fn lint(&self, policy: &Policy, deployment: &Deployment) -> Result<Report, Malformed> {
        self.lint_files(&self.files(deployment), policy, deployment)
    }

    /// The same, of files that are made already.
    ///
    /// # Errors
    /// When a template cannot be read, which no template of ours is.
    pub fn lint_files(&self, files: &[File], policy: &Policy, deployment: &Deployment) -> Result<Report, Malformed> {
        let text = |name: &str| {
            let file = files.iter().find(|file| file.name == name);
            // Every template of ours is a text.
            file.map_or_else(String::new, |file| {
                String::from_utf8(file.bytes.to_vec()).unwrap_or_default()
            })
        };
        let side = |region| Given {
            region: format!("{region}"),
            templates: self
                .of(region)
                .map(|stack| {
                    let file = template_name(&stack.name);
                    let text = text(&file);
                    Template { file, text }
                })
                .collect(),
            parameters: BTreeMap::new(),
        };
        let check = &policy.infrastructure.route53_check;
        let limits = Limits {
            check_interval_s: check.interval.as_secs_f64(),
            check_failures: f64::from(check.failure_threshold),
            record_ttl_s: policy.traffic.ttl.as_secs_f64(),
            suffix: Some(deployment.environment.to_string()),
        };
        lint::lint(
            &side(&policy.regions.primary),
            &side(&policy.regions.standby),
            limits,
            &[],
        )
    }
}

fn template_name(stack: &str) -> String {
    format!("{stack}.template.json")
}

fn machine_name(region: &str, way: RoleChangeKind) -> String {
    let way = match way {
        RoleChangeKind::Failover => "failover",
        RoleChangeKind::Failback => "failback",
    };
    format!("machines/{region}-{way}.asl.json")
}

/// For people; a template is kept as text, and looked at in reviews.
fn pretty(content: &Value) -> String {
    // Values always can be written.
    let mut text = serde_json::to_string_pretty(content).unwrap_or_default();
    text.push('\n');
    text
}

fn text(name: String, content: &Value) -> File {
    File {
        name,
        bytes: pretty(content).into_bytes().into(),
    }
}
