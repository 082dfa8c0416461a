//! `run`: one process of the engine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use reqwest::Url;
use understudy_policies::Policy;
use understudy_policies::source::Style;

use crate::core::ids::{Region, SidecarId};
use crate::service::clock::{Clock, DrillTime};
use crate::service::given::Given;
use crate::service::observability;
use crate::service::platform::{self, Place, Platform};
use crate::service::policy_file;
use crate::service::run::{Settings, run as run_service};
use crate::service::secret::{Secret, Tokens};
use crate::service::shell::ShellEnd;
use crate::service::sources::Recording;

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct RunArguments {
    /// The region that it runs in: one of the policy's.
    #[arg(long, value_name = "REGION")]
    region: String,
    /// Watches both regions from the witness region, and tells both. Holds no lease.
    #[arg(long)]
    observer: bool,
    /// The policy file. Like every FILE that is only read, it may be `env:NAME`, a variable of the environment.
    #[arg(long, value_name = "FILE")]
    policy: Given,
    /// The platform file: where everything is.
    #[arg(long, value_name = "FILE")]
    platform: Given,
    /// Which of the region's sidecars this is, from 1. Each has another number.
    #[arg(long, value_name = "N", default_value_t = 1)]
    sidecar: u16,
    /// The folder of the journal.
    #[arg(long, value_name = "DIR", default_value = "understudy-journal")]
    journal: PathBuf,
    /// Where operators ask: the API, the status page, metrics.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    listen: SocketAddr,
    /// Where the other region's sidecars and the observer send.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7443")]
    peer_listen: SocketAddr,
    /// Recorded events to play, one JSON object in each line; with pauses as `{"after_ms": 1500, "event": {...}}`.
    #[arg(long, value_name = "FILE", conflicts_with = "observer")]
    events: Option<PathBuf>,
    /// Another name under which operators may reach this process, besides `localhost` and addresses.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// The file with the token that operators must show for changes; or with one for each, a line, after their name.
    #[arg(long, value_name = "FILE")]
    token_file: Given,
    /// The file with the token that peers must show.
    #[arg(long, value_name = "FILE")]
    peer_token_file: Given,
    /// Where every AWS service is, instead of AWS: an emulator.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<Url>,
    /// How the log looks: for people, or one JSON object a line.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = observability::Format::Human)]
    log: observability::Format,
    /// What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, or a list of `target=level`. Of how credentials were
    /// found only warnings are, unless their target is named.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// Where traces of role changes go: an OpenTelemetry collector, such as `http://127.0.0.1:4318/v1/traces`. Needs the
    /// feature `otel`.
    #[arg(long, value_name = "URL")]
    otel_endpoint: Option<Url>,
    /// For drills: the file that holds the drill's time.
    #[arg(long, value_name = "FILE", hide = true)]
    drill_clock: Option<PathBuf>,
    /// For drills: prints every journal entry on standard output, one JSON object per line.
    #[arg(long, hide = true)]
    drill_journal: bool,
}

pub(super) fn run(arguments: &RunArguments) -> ExitCode {
    let settings = match settings(arguments) {
        Ok(settings) => settings,
        Err(wrong) => {
            eprint!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let rest = match observability::start_log(arguments.log, &arguments.log_level) {
        Ok(rest) => rest,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(because) => {
            eprintln!("error: the process cannot be set up: {because}");
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(run_service(settings)) {
        Ok(ShellEnd::MayEnd | ShellEnd::Rested) => ExitCode::SUCCESS,
        Ok(ShellEnd::Closed) => ExitCode::from(130),
        Ok(ShellEnd::JournalFailed | ShellEnd::CoreFailed) => ExitCode::from(3),
        Err(failure) => {
            // Standard error is the log's now.
            match arguments.log {
                observability::Format::Human => rest.say(&format!("error: {failure}")),
                observability::Format::Json => tracing::error!("{failure}"),
            }
            ExitCode::from(if failure.is_usage() { 2 } else { 3 })
        }
    }
}

fn settings(arguments: &RunArguments) -> Result<Settings, String> {
    let policy = policy_file::read(&arguments.policy, Style::for_stderr())?;
    let platform = platform(&arguments.platform)?;
    #[cfg(feature = "aws")]
    let platform = elsewhere(platform, arguments.endpoint_url.as_ref());
    let place = place(&arguments.region, arguments.observer, &policy)?;
    let secret = |place: &Given| Secret::read(place).map_err(|wrong| format!("error: {wrong}\n"));
    let clock = match &arguments.drill_clock {
        Some(path) => Clock::of_drill(
            DrillTime::join(path)
                .map_err(|wrong| format!("error: {wrong}\n"))?
                .forever(),
        ),
        None => Clock::real(),
    };
    Ok(Settings {
        place,
        sidecar: SidecarId(arguments.sidecar),
        policy,
        policy_file: arguments.policy.clone(),
        platform,
        clock,
        journal: arguments.journal.clone(),
        listen: arguments.listen,
        peer_listen: arguments.peer_listen,
        events: arguments.events.as_deref().map(events).transpose()?,
        operator_token: Tokens::read(&arguments.token_file).map_err(|wrong| format!("error: {wrong}\n"))?,
        peer_token: secret(&arguments.peer_token_file)?,
        host_names: arguments.allow_host.clone(),
        traces: arguments.otel_endpoint.clone(),
        tell_journal: arguments.drill_journal,
    })
}

pub(super) fn platform(place: &Given) -> Result<Platform, String> {
    let source = place.source().map_err(|wrong| format!("error: {wrong}\n"))?;
    platform::read(&source).map_err(|wrong| wrong.render(Style::for_stderr()))
}

/// The command line goes before the file.
#[cfg(feature = "aws")]
fn elsewhere(mut platform: Platform, endpoint: Option<&Url>) -> Platform {
    if let (Some(aws), Some(url)) = (&mut platform.aws, endpoint) {
        aws.endpoint = Some(url.clone());
    }
    platform
}

fn events(path: &Path) -> Result<Recording, String> {
    Recording::read(path).map_err(|wrong| format!("error: {wrong}\n"))
}

fn place(name: &str, observer: bool, policy: &Policy) -> Result<Place, String> {
    let regions = &policy.regions;
    let place = match (name, observer) {
        (name, false) if name == regions.primary.as_str() => Place::Serving(Region::Home),
        (name, false) if name == regions.standby.as_str() => Place::Serving(Region::Away),
        (name, true) if name == regions.witness.as_str() => Place::Witness,
        (_, true) => {
            return Err(format!(
                "error: an observer runs in the policy's witness region; give `--region {}`\n",
                regions.witness
            ));
        }
        (name, false) if name == regions.witness.as_str() => {
            return Err(format!(
                "error: {name} is the policy's witness region, where no sidecar runs; add `--observer`\n"
            ));
        }
        _ => {
            return Err(format!(
                "error: the policy knows no region {name}; give `--region {}` or `--region {}`\n",
                regions.primary, regions.standby
            ));
        }
    };
    Ok(place)
}
