//! An emulator with the connections to it, and the three things that every reconciler is held to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use futures_util::future::BoxFuture;
use understudy_policies::model::RegionName;
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::aws::{Connections, Trouble};
use understudy_provisioner::spanning::{Difference, Kept, Patience, Reconciler, Shared, Watch, converge};

use crate::emulator::Emulator;

/// What every emulator accepts.
const CREDENTIALS: &str = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";

pub(crate) const PATIENCE: Patience = Patience {
    look_every: Duration::from_millis(50),
    wait_max: Duration::from_secs(60),
};

pub(crate) fn region(name: &str) -> RegionName {
    RegionName::new(name).unwrap()
}

fn loader() -> ConfigLoader {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Credentials, CREDENTIALS)
        .build();
    aws_config::defaults(BehaviorVersion::latest()).profile_files(files)
}

/// Credentials, regions and tags of the tests.
pub(crate) async fn shared(endpoint: &str) -> Shared {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Shared {
        aws: Connections::from_loader(loader(), Some(endpoint)).await,
        account: "000000000000".to_owned(),
        regions: [region("us-east-1"), region("us-east-2")],
        witness: region("us-west-2"),
        tags: BTreeMap::from([tag("understudy:environment", "dev1"), tag("team", "trading")]),
        owner_key: "understudy:environment".to_owned(),
    }
}

pub(crate) async fn start() -> (Emulator, Shared) {
    let emulator = Emulator::ministack();
    let shared = shared(emulator.url().as_str()).await;
    (emulator, shared)
}

/// Remembers what was done.
#[derive(Debug, Default)]
pub(crate) struct Steps(Mutex<Vec<String>>);

impl Steps {
    pub(crate) fn taken(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Watch for Steps {
    fn begins<'a>(&'a self, _: &'a str, difference: &'a Difference) -> BoxFuture<'a, Result<(), Trouble>> {
        self.0.lock().unwrap().push(described(difference));
        Box::pin(async { Ok(()) })
    }

    fn done<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn waits(&self, _: &str, _: &str, _: Duration) {}
}

/// A difference in one line.
pub(crate) fn described(difference: &Difference) -> String {
    let Difference {
        change,
        what,
        region,
        detail,
        ..
    } = difference;
    format!("{change:?} {what} in {region}: {detail}")
}

pub(crate) async fn plan(part: &dyn Reconciler) -> Vec<String> {
    part.differences().await.unwrap().iter().map(described).collect()
}

/// Applies, and holds the reconciler to its word: the second run changes nothing.
pub(crate) async fn apply(part: &dyn Reconciler) -> Vec<String> {
    let steps = Steps::default();
    converge(part.name(), &steps, PATIENCE, async || part.differences().await)
        .await
        .unwrap_or_else(|trouble| panic!("{trouble}; after {:#?}", steps.taken()));
    let again = converge(part.name(), &Steps::default(), PATIENCE, async || {
        part.differences().await
    })
    .await;
    assert_eq!(again, Ok(0), "a second run changes nothing");
    steps.taken()
}

/// Removes, and holds the reconciler to its word: then there is nothing left. Answers what is kept.
pub(crate) async fn remove(part: &dyn Reconciler, data: bool) -> Vec<Kept> {
    let steps = Steps::default();
    let look = async || part.leftovers(data).await.map(|left| left.remove);
    converge(part.name(), &steps, PATIENCE, look)
        .await
        .unwrap_or_else(|trouble| panic!("{trouble}; after {:#?}", steps.taken()));
    part.leftovers(data).await.unwrap().kept
}

/// What stands in the way: nothing is touched then, not even on the way out.
pub(crate) async fn refused(part: &dyn Reconciler) -> Trouble {
    let steps = Steps::default();
    let look = async || part.differences().await;
    let trouble = converge(part.name(), &steps, PATIENCE, look).await.unwrap_err();
    assert_eq!(steps.taken(), Vec::<String>::new(), "nothing is touched: {trouble}");
    trouble
}

/// The same, because it is somebody else's. `names` are in what is said.
pub(crate) async fn not_ours(part: &dyn Reconciler, names: &[&str]) {
    let trouble = refused(part).await;
    assert_eq!(trouble.kind, TroubleKind::NotOurs, "{trouble}");
    let said = trouble.to_string();
    for name in names {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(said.contains("remove it"), "the way out is named: {said}");
}
