//! One environment on an emulator.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// One environment, without what the emulator lacks.
pub(crate) async fn world(endpoint: &str) -> World {
    let mut world = whole_world(endpoint).await;
    let types = LACKS.map(str::to_owned).into();
    world.leave_out(&types).unwrap();
    world
}

/// One environment, with everything.
pub(crate) async fn whole_world(endpoint: &str) -> World {
    let policy = shipped::trading();
    let environment = Environment::new("dev1").unwrap();
    let deployment = Deployment::example(&policy, &environment).unwrap();
    let aws = Connections::from_loader(loader(), Some(endpoint)).await;
    let mut world = World::new(policy, shipped::TRADING.text.to_owned(), deployment, aws);
    world.patience = Patience {
        look_every: Duration::from_millis(50),
        wait_max: Duration::from_secs(120),
    };
    world
}

/// The types that ministack does not have.
pub(crate) const LACKS: [&str; 7] = [
    "AWS::ApiGateway::ClientCertificate",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
];

/// Remembers what was done, and may stop the run at a step as a kill would: from there on nothing goes on.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) steps: Mutex<Vec<String>>,
    /// What was waited for.
    pub(crate) waits: Mutex<Vec<String>>,
    /// Stop right after this many calls of reconcilers.
    pub(crate) stop_after_calls: Option<usize>,
    /// Stop at this many events of stacks.
    pub(crate) stop_at_events: Option<usize>,
    pub(crate) calls: AtomicUsize,
    pub(crate) events: AtomicUsize,
    pub(crate) stopped: tokio::sync::Notify,
}

impl Log {
    pub(crate) fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap().clone()
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
        Box::pin(async { Ok(()) })
    }

    fn done<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
            if self.stop_after_calls.is_some_and(|stop| calls >= stop) {
                self.stopped.notify_one();
                std::future::pending::<()>().await;
            }
        })
    }

    fn waits(&self, node: &str, what: &str, _: Duration) {
        self.waits.lock().unwrap().push(format!("{node}: {what}"));
    }
}

impl Listen for Log {
    fn node_begins(&self, _: &str, _: u64) {}
    fn node_ends(&self, _: &str, _: Result<Done, &Trouble>, _: u64) {}
}

impl Report for Log {
    fn event(&self, _: &RegionName, stack: &str, event: &Event) {
        let Event { resource, status, .. } = event;
        self.steps.lock().unwrap().push(format!("{stack}: {status} {resource}"));
        let events = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        if self.stop_at_events.is_some_and(|stop| events >= stop) {
            self.stopped.notify_one();
        }
    }

    fn note(&self, _: &str) {}
}
