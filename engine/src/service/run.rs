//! One process of the engine, from its start to its end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{info, warn};
use understudy_policies::Policy;

use super::clock::Clock;
use super::context::{Context, Sidecar};
use super::journal::{Journal, JournalFailure};
use super::parts;
use super::parts::http::{client, fresh_client};
use super::parts::postgres;
use super::platform::{Place, Platform};
use super::secret::Secret;
use super::shell::{Inbox, Input, Shell, ShellEnd};
use super::sources::{Intake, Recording};
use super::{http, sources, telling};
use crate::core::engine::Identity;
use crate::core::ids::{Region, SidecarId};
use crate::core::signal::Command;

/// What a process is started with.
#[derive(Debug)]
pub struct Settings {
    /// Where it runs.
    pub place: Place,
    /// Which of the region's sidecars.
    pub sidecar: SidecarId,
    /// What may happen.
    pub policy: Policy,
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
    pub operator_token: Secret,
    /// What peers must show.
    pub peer_token: Secret,
    /// Whether every journal entry is told on standard output: to a drill.
    pub tell_journal: bool,
}

/// Why a process could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalFailure),
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

/// Runs until it is told to end, or cannot go on.
///
/// # Errors
/// When it cannot start, or its journal fails.
pub async fn run(settings: Settings) -> Result<ShellEnd, Failure> {
    let machine = |error: reqwest::Error| Failure::Machine(error.to_string());
    let mut context = Context {
        place: settings.place,
        policy: Arc::new(settings.policy),
        platform: Arc::new(settings.platform),
        clock: settings.clock,
        client: client().map_err(machine)?,
        fresh: fresh_client().map_err(machine)?,
        database_probes: [None, None],
        peer_token: Arc::new(settings.peer_token),
    };
    context.database_probes = postgres::probe::both(&context);
    let tell_journal = settings.tell_journal;
    let operators = bind(settings.listen, "--listen").await?;
    match settings.place {
        Place::Witness => observe(&context, operators).await,
        Place::Serving(region) => {
            let peers = bind(settings.peer_listen, "--peer-listen").await?;
            let journal = Journal::open(&settings.journal)?;
            let identity = identity(region, settings.sidecar, settings.clock);
            let token = Arc::new(settings.operator_token);
            serve(
                context,
                identity,
                journal,
                token,
                settings.events,
                [operators, peers],
                tell_journal,
            )
            .await
        }
    }
}

async fn serve(
    context: Context,
    identity: Identity,
    journal: Journal,
    operator_token: Arc<Secret>,
    events: Option<Recording>,
    [operators, peers]: [TcpListener; 2],
    tell_journal: bool,
) -> Result<ShellEnd, Failure> {
    let machine = |error: std::io::Error| Failure::Machine(error.to_string());
    let (parts, router) = parts::assemble(&context, identity);
    let executor = Arc::new(router);
    let (policy, clock) = (Arc::clone(&context.policy), context.clock);
    let mut shell = Shell::start(&policy, identity, clock, journal, executor, &Handle::current()).map_err(machine)?;
    if let Some(journal) = shell.journal().filter(|_| tell_journal) {
        telling::tell(journal).map_err(machine)?;
    }
    let intake = Arc::new(Intake::new(&context, Arc::clone(shell.inbox())));
    let sidecar = Sidecar {
        context,
        identity,
        inbox: Arc::clone(shell.inbox()),
        intake,
        views: shell.views().clone(),
        operator_token,
    };
    let mut tasks = JoinSet::new();
    sources::start(&sidecar, &parts, &mut tasks);
    if let Some(events) = events {
        tasks.spawn(events.play(Arc::clone(&sidecar.intake), clock));
    }
    http::serve(&sidecar, operators, peers, &mut tasks);
    tasks.spawn(leave_when_told(Arc::clone(shell.inbox())));
    info!(region = %sidecar.context.region_name(identity.region), sidecar = identity.sidecar.0, "the sidecar runs");
    let end = shell.ended().await;
    tasks.shutdown().await;
    Ok(end)
}

async fn observe(context: &Context, operators: TcpListener) -> Result<ShellEnd, Failure> {
    let mut tasks = JoinSet::new();
    sources::start_observer(context, &mut tasks);
    http::serve_observer(context, operators, &mut tasks);
    info!("the observer runs");
    told_to_end().await;
    tasks.shutdown().await;
    Ok(ShellEnd::Closed)
}

/// The first signal asks the engine to leave, which hands its seat over and may take a while; the second ends at once.
async fn leave_when_told(inbox: Arc<Inbox>) {
    loop {
        told_to_end().await;
        let (answer, refused) = oneshot::channel();
        inbox.put(Input::Command(Command::ShutDown, answer));
        match refused.await {
            Ok(Ok(())) => break,
            Ok(Err(refusal)) => warn!(%refusal, "not yet: send the signal again once that is over"),
            Err(_) => break,
        }
    }
    told_to_end().await;
    inbox.close();
}

async fn told_to_end() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|because| Failure::Listen {
        address,
        option,
        because,
    })
}

/// The incarnation is the real moment of the start: no two starts of a sidecar share a microsecond.
fn identity(region: Region, sidecar: SidecarId, clock: Clock) -> Identity {
    let wall = u64::try_from(clock.wall().as_millis()).unwrap_or(0);
    Identity {
        region,
        sidecar,
        incarnation: wall << 20 | u64::from(std::process::id() & 0xF_FFFF),
    }
}
