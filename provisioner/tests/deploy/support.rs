//! One environment on an emulator.

use std::sync::Mutex;
use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use futures_util::future::BoxFuture;
use understudy_engine::decode::Environment;
use understudy_policies::model::RegionName;
use understudy_policies::shipped;
use understudy_provisioner::aws::{Connections, Trouble};
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::graph::{Done, Listen};
use understudy_provisioner::deploy::progress::Report;
use understudy_provisioner::deploy::stacks::Event;
use understudy_provisioner::deployment::Deployment;
use understudy_provisioner::spanning::{Difference, Patience, Watch};

/// What every emulator accepts.
const CREDENTIALS: &str = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";

pub(crate) fn loader() -> ConfigLoader {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Credentials, CREDENTIALS)
        .build();
    aws_config::defaults(BehaviorVersion::latest()).profile_files(files)
}

pub(crate) fn region(name: &str) -> RegionName {
    RegionName::new(name).unwrap()
}

pub(crate) async fn world(endpoint: &str) -> World {
    let policy = shipped::trading();
    let environment = Environment::new("dev1").unwrap();
    let deployment = Deployment::example(&policy, &environment).unwrap();
    let aws = Connections::from_loader(loader(), Some(endpoint)).await;
    let mut world = World::new(policy, deployment, aws);
    world.patience = Patience {
        look_every: Duration::from_millis(50),
        wait_max: Duration::from_secs(120),
    };
    let types = LACKS.map(str::to_owned).into();
    world.leave_out(&types).unwrap();
    world
}

/// The types that ministack does not have.
pub(crate) const LACKS: [&str; 8] = [
    "AWS::ApiGateway::ClientCertificate",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::Events::Archive",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
];

/// Remembers what was done, and may stop the run at a step as a kill would: from there on nothing goes on.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) steps: Mutex<Vec<String>>,
    /// Stop when this many steps have begun.
    pub(crate) stop_at: Option<usize>,
    /// Stop right after the call of the step, not before it.
    pub(crate) after: bool,
    pub(crate) stopped: tokio::sync::Notify,
}

impl Log {
    pub(crate) fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap().clone()
    }

    fn reached(&self) -> bool {
        self.stop_at
            .is_some_and(|stop| self.steps.lock().unwrap().len() >= stop)
    }

    async fn stop(&self) {
        self.stopped.notify_one();
        std::future::pending::<()>().await;
    }
}

impl Watch for Log {
    fn begins<'a>(&'a self, node: &'a str, difference: &'a Difference) -> BoxFuture<'a, Result<(), Trouble>> {
        let Difference {
            change,
            what,
            region,
            detail,
            ..
        } = difference;
        self.steps
            .lock()
            .unwrap()
            .push(format!("{node}: {change:?} {what} in {region}: {detail}"));
        Box::pin(async {
            if self.reached() && !self.after {
                self.stop().await;
            }
            Ok(())
        })
    }

    fn done<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if self.reached() {
                self.stop().await;
            }
        })
    }

    fn waits(&self, _: &str, _: &str, _: Duration) {}
}

impl Listen for Log {
    fn node_begins(&self, _: &str, _: u64) {}
    fn node_ends(&self, _: &str, _: Result<Done, &Trouble>, _: u64) {}
}

impl Report for Log {
    fn event(&self, _: &RegionName, stack: &str, event: &Event) {
        let Event { resource, status, .. } = event;
        self.steps.lock().unwrap().push(format!("{stack}: {status} {resource}"));
        if self.reached() {
            // The stack's own node ends at its next call.
            self.stopped.notify_one();
        }
    }

    fn note(&self, _: &str) {}
}
