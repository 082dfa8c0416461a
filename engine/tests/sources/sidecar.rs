//! A sidecar in the test's own process: its core, its listeners, its sources.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use understudy_engine::core::engine::Identity;
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::{Region, SidecarId};
use understudy_engine::core::status::{Explanation, WitnessView};
use understudy_engine::core::time::Timestamp;
use understudy_engine::service::clock::{Clock, DrillTime, Pace};
use understudy_engine::service::context::{Context, Sidecar};
use understudy_engine::service::http;
use understudy_engine::service::journal::{Journal, Owner};
use understudy_engine::service::parts::http::{client, fresh_client};
use understudy_engine::service::parts::{Executor, Parts};
use understudy_engine::service::platform::{self, Place};
use understudy_engine::service::secret::{Secret, Tokens};
use understudy_engine::service::shell::{Input, Shell};
use understudy_engine::service::sources::{self, Intake};
use understudy_policies::Policy;
use understudy_policies::shipped::trading;
use understudy_policies::source::Source;

pub(crate) const PEER_TOKEN: &str = "the-peers-know-this-one";
pub(crate) const OPERATOR_TOKEN: &str = "the-operators-know-this-one";

/// A Wednesday at noon in New York.
const NOON: i64 = 1_780_502_400_000;

/// A drill's clock.
pub(crate) fn clock(speed: f64) -> Clock {
    let path = a_path("time");
    let time = DrillTime::begin(&path, &Pace::from_now(0, speed, NOON)).unwrap();
    // Whoever has it open keeps it.
    std::fs::remove_file(&path).unwrap();
    Clock::of_drill(time.forever())
}

/// A path that nothing else has.
pub(crate) fn a_path(name: &str) -> PathBuf {
    static PATHS: AtomicU32 = AtomicU32::new(0);
    let number = PATHS.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("understudy-sources-{}-{number}-{name}", std::process::id()))
}

/// The trading policy, with probes that are quick to believe.
pub(crate) fn quick() -> Policy {
    let mut policy = trading();
    for witness in &mut policy.witnesses {
        witness.breach_after = 1;
        witness.clear_after = 1;
        witness.missing_after = Duration::from_secs(600);
    }
    policy
}

/// A context without any part.
pub(crate) fn context(place: Place, policy: Policy, platform: &str, clock: Clock) -> Context {
    let text = format!("version = 1\nenvironment = \"prod\"\nhealthy-answer = \"ok\"\n{platform}");
    let platform = platform::read(&Source::new("platform.toml", &text)).unwrap();
    Context {
        place,
        policy: Arc::new(policy),
        platform: Arc::new(platform),
        clock,
        client: client().unwrap(),
        fresh: fresh_client().unwrap(),
        database_probes: [None, None],
        peer_token: Arc::new(Secret::new(PEER_TOKEN.to_owned())),
        host_names: Arc::default(),
    }
}

/// One that runs. It ends with its owner.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) sidecar: Sidecar,
    pub(crate) operators: String,
    pub(crate) peers: String,
    pub(crate) tasks: JoinSet<()>,
    shell: Option<Shell>,
    folder: PathBuf,
}

/// Two listeners on free ports, so that their addresses are known before anything runs.
pub(crate) async fn listeners() -> (TcpListener, TcpListener) {
    let bind = || TcpListener::bind("127.0.0.1:0");
    (bind().await.unwrap(), bind().await.unwrap())
}

pub(crate) fn address(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

impl Running {
    /// Starts one with everything: listeners, and its own eyes.
    pub(crate) async fn start(context: Context) -> Self {
        let (operators, peers) = listeners().await;
        let executor = Arc::new(Parts::absent());
        let mut running = Self::listening(context, executor, operators, peers);
        running.look();
        running
    }

    /// Starts one that hears, and does not look by itself.
    pub(crate) fn listening(
        context: Context,
        executor: Arc<dyn Executor>,
        operators: TcpListener,
        peers: TcpListener,
    ) -> Self {
        let folder = a_path("journal");
        let Place::Serving(region) = context.place else {
            panic!("an observer has no core")
        };
        let identity = Identity {
            region,
            sidecar: SidecarId(1),
            incarnation: 1,
        };
        let owner = Owner {
            region: context.region_name(region).to_string(),
            sidecar: identity.sidecar,
        };
        let journal = Journal::open(&folder, &owner, context.clock.wall()).unwrap();
        let (policy, clock) = (Arc::clone(&context.policy), context.clock);
        let shell = Shell::start(&policy, identity, clock, journal, executor, &Handle::current()).unwrap();
        let intake = Intake::new(&context, Arc::clone(shell.inbox()));
        let sidecar = Sidecar {
            context,
            identity,
            inbox: Arc::clone(shell.inbox()),
            intake: Arc::new(intake),
            views: shell.views().clone(),
            standing: watch::Sender::default().subscribe(),
            operator_token: Arc::new(Tokens::one(Secret::new(OPERATOR_TOKEN.to_owned()))),
        };
        let (at, peers_at) = (address(&operators), address(&peers));
        let mut tasks = JoinSet::new();
        http::serve(&sidecar, operators, peers, &mut tasks);
        Self {
            sidecar,
            operators: at,
            peers: peers_at,
            tasks,
            shell: Some(shell),
            folder,
        }
    }

    pub(crate) fn look(&mut self) {
        sources::start(&self.sidecar, &Arc::new(Parts::absent()), &mut self.tasks);
    }

    pub(crate) async fn explain(&self) -> Explanation {
        let (answer, explanation) = oneshot::channel();
        assert!(self.sidecar.inbox.put(Input::Explain(answer)));
        explanation.await.unwrap()
    }

    pub(crate) async fn witness(&self, name: &str, target: Region) -> WitnessView {
        let witnesses = &self.sidecar.context.policy.witnesses;
        let position = witnesses.iter().position(|witness| witness.name == name).unwrap();
        let explanation = self.explain().await;
        let mut views = explanation.witnesses.iter();
        *views
            .find(|view| usize::from(view.witness.0) == position && view.target == target)
            .unwrap()
    }

    /// When a witness was last heard.
    pub(crate) async fn heard(&self, name: &str, target: Region) -> Option<Timestamp> {
        self.witness(name, target).await.heard
    }

    /// Waits until a witness says so.
    pub(crate) async fn until(&self, name: &str, target: Region, state: WitnessState) {
        let says = async || self.witness(name, target).await.state == state;
        until(&format!("{name} about {target:?} says {state:?}"), says).await;
    }

    pub(crate) async fn end(&mut self) {
        self.sidecar.inbox.close();
        if let Some(mut shell) = self.shell.take() {
            shell.ended().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.sidecar.inbox.close();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Waits until it is so. The bound is against hangs only.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(waited.is_ok(), "not within a minute: {what}");
}
