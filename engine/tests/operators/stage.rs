//! A sidecar in this process, listening as it would, in a made-up world whose time runs faster.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use understudy_engine::core::engine::Identity;
use understudy_engine::core::ids::{Region, SidecarId};
use understudy_engine::service::clock::{Clock, DrillTime, Pace};
use understudy_engine::service::context::{Context, Sidecar};
use understudy_engine::service::journal::{Journal, Owner};
use understudy_engine::service::parts::http::client;
use understudy_engine::service::platform::{self, Place};
use understudy_engine::service::secret::{Secret, Tokens};
use understudy_engine::service::shell::Shell;
use understudy_engine::service::sources::Intake;
use understudy_engine::service::standing::Standing;
use understudy_engine::service::{http, observability};
use understudy_policies::source::Source;
use understudy_policies::{Policy, shipped};

use crate::world::{Conditions, World};

pub(crate) const TOKEN: &str = "0123456789abcdef0123";
/// Seconds of the stage in one real one.
const SPEED: f64 = 4.0;
/// Real time for anything that is waited for: a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) world: Arc<World>,
    pub(crate) client: reqwest::Client,
    shell: Shell,
    _tasks: JoinSet<()>,
    _standing: watch::Sender<Arc<Standing>>,
}

/// Time that runs faster than life, held by nobody.
fn drill_time() -> &'static DrillTime {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace {
        began: Clock::real().boot().as_micros(),
        shows: 0,
        speed: SPEED,
        held_at: u64::MAX,
        starts: Clock::real().wall().as_millis(),
    };
    // The file stays open when its folder is gone.
    DrillTime::begin(&folder.path().join("time"), &pace).unwrap().forever()
}

impl Stage {
    /// A sidecar of the away region that stands by.
    pub(crate) async fn new() -> Self {
        Self::with(shipped::trading(), one_token()).await
    }

    pub(crate) async fn with(policy: Policy, tokens: Tokens) -> Self {
        let clock = Clock::of_drill(drill_time());
        let identity = Identity {
            region: Region::Away,
            sidecar: SidecarId(1),
            incarnation: 7,
        };
        let empty = "version = 1\nenvironment = \"dev1\"\n[primary]\n[standby]\n";
        let world = World::new(Region::Away, clock);
        // A test may get no processor for a second: that is no silence of a witness.
        let mut policy = policy;
        for witness in &mut policy.witnesses {
            witness.missing_after = Duration::from_secs(600);
        }
        let policy = Arc::new(policy);
        let context = Context {
            place: Place::Serving(Region::Away),
            policy: Arc::clone(&policy),
            platform: Arc::new(platform::read(&Source::new("platform.toml", empty)).unwrap()),
            clock,
            client: client().unwrap(),
            fresh: client().unwrap(),
            database_probes: [None, None],
            peer_token: Arc::new(Secret::new(TOKEN.to_owned())),
            host_names: Arc::new(["sidecar.test".to_owned()]),
        };
        observability::install("us-east-2", SidecarId(1));
        let memory = redb::Database::builder()
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .unwrap();
        let owner = Owner {
            region: "us-east-2".to_owned(),
            sidecar: SidecarId(1),
        };
        let mut journal = Journal::in_database(memory, &owner).unwrap();
        journal.name_witnesses(policy.witnesses.iter().map(|witness| witness.name.clone()).collect());
        let executor = Arc::clone(&world);
        let shell = Shell::start(&policy, identity, clock, journal, executor, &Handle::current()).unwrap();
        let standing = watch::Sender::new(Arc::new(Standing::default()));
        let sidecar = Sidecar {
            identity,
            inbox: Arc::clone(shell.inbox()),
            intake: Arc::new(Intake::new(&context, Arc::clone(shell.inbox()))),
            context,
            views: shell.views().clone(),
            standing: standing.subscribe(),
            operator_token: Arc::new(tokens),
        };
        let (operators, peers) = (free().await, free().await);
        let address = operators.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&world).live(policy, Arc::clone(shell.inbox())));
        http::serve(&sidecar, operators, peers, &mut tasks);
        let stage = Self {
            address,
            world,
            client: client().unwrap(),
            shell,
            _tasks: tasks,
            _standing: standing,
        };
        stage
            .until("steady", |status| status["state"]["name"] == "steady")
            .await;
        stage
            .until("a lag", |status| !status["replication_lag"].is_null())
            .await;
        stage
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.text().await.unwrap()
    }

    pub(crate) async fn command(&self, body: &Value) -> (u16, Value) {
        self.command_with(TOKEN, body).await
    }

    pub(crate) async fn command_with(&self, token: &str, body: &Value) -> (u16, Value) {
        let post = self.client.post(self.url("/v1/commands")).bearer_auth(token).json(body);
        let response = post.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// Waits until the status is as wanted.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let wait = async {
            loop {
                last = self.get("/v1/status").await.1;
                if so(&last) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, wait).await;
        assert!(in_time.is_ok(), "{what}, not within {PATIENCE:?}: {last:#}");
        last
    }

    pub(crate) async fn until_state(&self, state: &str) -> Value {
        self.until(state, |status| status["state"]["name"] == state).await
    }

    /// The journal as it grows.
    #[cfg(feature = "otel")]
    pub(crate) fn journal(
        &self,
    ) -> tokio::sync::broadcast::Receiver<Arc<understudy_engine::core::journal::JournalEntry>> {
        self.shell.views().journal.subscribe()
    }

    pub(crate) fn change(&self, how: impl FnOnce(&mut Conditions)) {
        self.world.change(how);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shell.inbox().close();
    }
}

pub(crate) fn one_token() -> Tokens {
    Tokens::one(Secret::new(TOKEN.to_owned()))
}

async fn free() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}
