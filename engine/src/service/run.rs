//! One process of the engine, from its start to its end.
//!
//! ```text
//!   start -> a round: core, sources, listeners -> end
//!              ^                      |
//!              +---- new policy <-----+  SIGHUP: once the engine rests
//! ```
//!
//! A new policy is taken over by a new round: everything that was made from the old one is dropped, and the core starts
//! again with what it remembers, as after a restart. Only listeners and journal are kept.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Url;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;
use understudy_policies::Policy;

use super::clock::Clock;
use super::context::{Context, Sidecar};
use super::given::Given;
use super::journal::{Journal, JournalFailure, Owner};
use super::parts;
use super::parts::http::{client, fresh_client};
use super::parts::postgres;
use super::platform::{Place, Platform};
use super::round::{Round, RoundEnd, read_next};
use super::secret::{NoSecret, Secret, Tokens};
use super::shell::{Shell, ShellEnd};
use super::signals::{Signals, Told};
use super::sources::{Intake, Recording};
use super::standing::{Standing, Standings};
use super::{http, observability, sources, telling};
use crate::core::engine::Identity;
use crate::core::ids::{Region, SidecarId};

/// What a process is started with.
#[derive(Debug)]
pub struct Settings {
    /// Where it runs.
    pub place: Place,
    /// Which of the region's sidecars.
    pub sidecar: SidecarId,
    /// What may happen.
    pub policy: Policy,
    /// Where it was read from, and is again when somebody asks for it.
    pub policy_file: Given,
    /// Where everything is.
    pub platform: Platform,
    /// Its clocks.
    pub clock: Clock,
    /// The journal's folder. An observer keeps none.
    pub journal: PathBuf,
    /// Where operators ask.
    pub listen: SocketAddr,
    /// Where peers send.
    pub peer_listen: SocketAddr,
    /// Recorded events to play. An observer takes none.
    pub events: Option<Recording>,
    /// What operators must show.
    pub operator_token: Tokens,
    /// What peers must show.
    pub peer_token: Secret,
    /// Whether every journal entry is told on standard output: to a drill.
    pub tell_journal: bool,
    /// Names under which operators may reach it, besides `localhost` and addresses.
    pub host_names: Vec<String>,
    /// Where traces go: an OpenTelemetry collector. An observer makes none.
    pub traces: Option<Url>,
}

/// Why a process could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalFailure),
    /// A file that should hold a secret.
    #[error(transparent)]
    Secret(#[from] NoSecret),
    /// A listener.
    #[error("cannot listen on {address}: {because}; name another address with `{option}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Which option names it.
        option: &'static str,
        /// What the system said.
        because: std::io::Error,
    },
    /// The machine itself.
    #[error("the process cannot be set up: {0}")]
    Machine(String),
}

impl Failure {
    /// Whether it was started in the wrong way, so that trying again will not help.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::Journal(journal) => journal.is_usage(),
            Self::Secret(_) => true,
            Self::Listen { .. } | Self::Machine(_) => false,
        }
    }

    fn machine(error: impl std::fmt::Display) -> Self {
        Self::Machine(error.to_string())
    }
}

/// Runs until it is told to end, or cannot go on.
///
/// # Errors
/// When it cannot start, or its journal fails.
pub async fn run(settings: Settings) -> Result<ShellEnd, Failure> {
    let signals = Signals::listen().map_err(Failure::machine)?;
    let mut context = Context {
        place: settings.place,
        policy: Arc::new(settings.policy),
        platform: Arc::new(settings.platform),
        clock: settings.clock,
        client: client().map_err(Failure::machine)?,
        fresh: fresh_client().map_err(Failure::machine)?,
        database_probes: [None, None],
        peer_token: Arc::new(settings.peer_token),
        host_names: settings.host_names.into(),
    };
    context.database_probes = postgres::probe::both(&context);
    let place = match settings.place {
        Place::Serving(region) => context.region_name(region),
        Place::Witness => &context.policy.regions.witness,
    };
    observability::install(place.as_str(), settings.sidecar);
    let operators = Socket::bind(settings.listen, "--listen").await?;
    match settings.place {
        Place::Witness => observe(context, settings.policy_file, &operators, signals).await,
        Place::Serving(region) => {
            let peers = Socket::bind(settings.peer_listen, "--peer-listen").await?;
            let owner = Owner {
                region: context.region_name(region).to_string(),
                sidecar: settings.sidecar,
            };
            let journal = Journal::open(&settings.journal, &owner, context.clock.wall())?;
            let process = Process {
                region,
                sidecar: settings.sidecar,
                policy_file: settings.policy_file,
                operator_token: Arc::new(settings.operator_token),
                operators,
                peers,
                events: settings.events,
                tell_journal: settings.tell_journal,
                traces: settings.traces,
                standings: watch::Sender::new(Arc::new(Standing {
                    set_aside: journal.set_aside().to_vec(),
                    ..Standing::default()
                })),
            };
            process.serve(context, journal, signals).await
        }
    }
}

/// What a sidecar keeps from one round to the next.
struct Process {
    region: Region,
    sidecar: SidecarId,
    policy_file: Given,
    operator_token: Arc<Tokens>,
    operators: Socket,
    peers: Socket,
    /// Played in the first round only.
    events: Option<Recording>,
    tell_journal: bool,
    traces: Option<Url>,
    standings: Standings,
}

impl Process {
    #[cfg(feature = "otel")]
    fn trace(&self, context: &Context, shell: &Shell) -> Result<(), Failure> {
        use observability::traces::{Whose, trace};
        let Some(endpoint) = &self.traces else { return Ok(()) };
        let whose = Whose {
            regions: Region::BOTH.map(|region| context.region_name(region).to_string()),
            region: context.region_name(self.region).to_string(),
            sidecar: self.sidecar.0,
        };
        let journal = shell.views().journal.subscribe();
        trace(endpoint, context.client.clone(), whose, journal).map_err(Failure::machine)
    }

    #[cfg(not(feature = "otel"))]
    #[expect(clippy::unnecessary_wraps, reason = "with the feature it can fail")]
    fn trace(&self, _: &Context, _: &Shell) -> Result<(), Failure> {
        if self.traces.is_some() {
            tracing::warn!("no traces are sent: this program was built without the feature `otel`");
        }
        Ok(())
    }

    async fn serve(
        mut self,
        mut context: Context,
        mut journal: Journal,
        mut signals: Signals,
    ) -> Result<ShellEnd, Failure> {
        loop {
            let identity = identity(self.region, self.sidecar, context.clock);
            let (policy, clock) = (Arc::clone(&context.policy), context.clock);
            journal.name_witnesses(policy.witnesses.iter().map(|witness| witness.name.clone()).collect());
            #[cfg(feature = "aws")]
            let aws = crate::aws::Side::of(&context, self.region).await;
            let (parts, router) = parts::assemble(&context, identity, |parts| {
                #[cfg(feature = "aws")]
                if let Some(aws) = &aws {
                    aws.put_into(parts, &context);
                }
                #[cfg(not(feature = "aws"))]
                if context.platform.aws.is_some() {
                    tracing::warn!("nothing in AWS is used: this program was built without the feature `aws`");
                    let _ = parts;
                }
            })?;
            let executor = Arc::new(router);
            let mut shell = Shell::start(&policy, identity, clock, journal, executor, &Handle::current())
                .map_err(Failure::machine)?;
            if let Some(journal) = shell.journal().filter(|_| self.tell_journal) {
                telling::tell(journal).map_err(Failure::machine)?;
            }
            self.trace(&context, &shell)?;
            let sidecar = Sidecar {
                context: context.clone(),
                identity,
                inbox: Arc::clone(shell.inbox()),
                intake: Arc::new(Intake::new(&context, Arc::clone(shell.inbox()))),
                views: shell.views().clone(),
                standing: self.standings.subscribe(),
                operator_token: Arc::clone(&self.operator_token),
            };
            let mut tasks = JoinSet::new();
            sources::start(&sidecar, &parts, &mut tasks);
            #[cfg(feature = "aws")]
            if let Some(aws) = &aws {
                aws.start(&sidecar, &mut tasks);
            }
            if let Some(events) = self.events.take() {
                tasks.spawn(events.play(Arc::clone(&sidecar.intake), clock));
            }
            http::serve(&sidecar, self.operators.again()?, self.peers.again()?, &mut tasks);
            info!(
                region = %context.region_name(self.region),
                sidecar = self.sidecar.0,
                policy = policy.name,
                "the sidecar runs"
            );
            let round = Round::new(&sidecar, &self.policy_file, &self.standings);
            let end = round.last(&mut shell, &mut signals).await;
            tasks.shutdown().await;
            match end {
                RoundEnd::Over(end) => return Ok(end),
                RoundEnd::Next(next) => {
                    info!(policy = next.policy.name, "starting again with the new policy");
                    journal = next.journal;
                    context.policy = Arc::new(next.policy);
                }
            }
        }
    }
}

async fn observe(
    mut context: Context,
    policy_file: Given,
    operators: &Socket,
    mut signals: Signals,
) -> Result<ShellEnd, Failure> {
    loop {
        let mut tasks = JoinSet::new();
        sources::start_observer(&context, &mut tasks);
        http::serve_observer(&context, operators.again()?, &mut tasks);
        info!(policy = context.policy.name, "the observer runs");
        let next = loop {
            match signals.next().await {
                Told::End => break None,
                // It holds nothing that would have to rest.
                Told::Reload => match read_next(&policy_file, &context.policy) {
                    Ok(next) => break Some(next),
                    Err(because) => super::round::log_refusal(&because),
                },
            }
        };
        tasks.shutdown().await;
        match next {
            None => return Ok(ShellEnd::MayEnd),
            Some(next) => context.policy = Arc::new(next),
        }
    }
}

/// A listening socket that outlives rounds: what connects between two of them waits.
struct Socket(std::net::TcpListener);

impl Socket {
    async fn bind(address: SocketAddr, option: &'static str) -> Result<Self, Failure> {
        let bound = TcpListener::bind(address).await.and_then(TcpListener::into_std);
        bound.map(Self).map_err(|because| Failure::Listen {
            address,
            option,
            because,
        })
    }

    fn again(&self) -> Result<TcpListener, Failure> {
        self.0
            .try_clone()
            .and_then(TcpListener::from_std)
            .map_err(Failure::machine)
    }
}

/// The incarnation is the moment of the start: no two starts of a sidecar share it.
fn identity(region: Region, sidecar: SidecarId, clock: Clock) -> Identity {
    let wall = u64::try_from(clock.wall().as_millis()).unwrap_or(0);
    Identity {
        region,
        sidecar,
        incarnation: wall << 20 | u64::from(std::process::id() & 0xF_FFFF),
    }
}
