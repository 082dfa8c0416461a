//! One run: everything is started, the fault happens, and what the client finds is counted.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls};
use understudy_engine::core::evidence::WitnessState;
use understudy_engine::core::ids::Region;
use understudy_engine::core::journal::Happening;
use understudy_engine::core::ledger::Ledger;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::time::Timestamp;
use understudy_engine::service::clock::Clock;
use understudy_policies::Policy;

use super::super::fleet::{Fleet, Member, free_addresses};
use super::super::folder::random;
use super::super::platform::{ENVIRONMENT, HEALTHY, Seat};
use super::super::{Incoming, Stop};
use super::report::{RunReport, lines, millis};
use super::server::{Folder, PASSWORD, Server};
use super::stand_in::{StandIn, name};
use super::writer::{Account, Writer};
use super::{Failure, Fault, PostgresDrill};

const FENCE: &str = include_str!("../../../../engine/sql/fence.sql");
const SIDECAR: &str = include_str!("../../../../engine/sql/sidecar.sql");
const ENGINE_USER: &str = "engine";
const ORDERS: &str = "create table if not exists orders (
        id bigint primary key,
        epoch bigint not null default understudy.current_epoch(),
        placed timestamptz not null default clock_timestamp()
    )";

/// How long the engine may take until it serves and everything has been seen to be healthy.
const COMING_UP: Duration = Duration::from_secs(60);
/// Rows before the fault.
const ROWS_BEFORE: usize = 40;
/// How long a failover may take. Far above any target: a run that takes longer has failed.
const GIVING_UP: Duration = Duration::from_secs(60);
/// How long rows are written after the failover.
const AFTERWARDS: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Everything of one run. Dropped, nothing of it is left.
pub(super) struct Bench {
    runtime: Runtime,
    clock: Clock,
    fleet: Fleet,
    told: Receiver<Incoming>,
    stand_in: StandIn,
    seats: Vec<Seat>,
    /// What must be healthy before a failover may happen.
    awaited: Vec<(usize, Region)>,
    fenced: bool,
    servers: [Server; 2],
    // Last: whatever is in it is used until the others are gone.
    folder: Folder,
}

impl Bench {
    /// Two servers, level; the engine's processes do not run yet.
    pub(super) fn new(drill: &PostgresDrill<'_>, policy: &Policy, stop: &Stop) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let folder = Folder::new("drill")?;
        let mut home = Server::create(&folder, "home", "")?;
        home.start()?;
        runtime.block_on(prepare(&config(&home)?, drill.fenced))?;
        if stop.is_asked() {
            return Err(Failure::Interrupted);
        }
        let mut away = Server::follow(&folder, "away", &home)?;
        away.start()?;
        let servers = [home, away];

        let stand_in = StandIn::new([config(&servers[0])?, config(&servers[1])?]);
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        drop(runtime.spawn(stand_in.clone().serve(listener)));

        let seats = Seat::all(1);
        let (tell, told) = channel();
        let members = members(&folder, &seats, policy, drill.policy_text, address, &servers)?;
        Ok(Self {
            runtime,
            clock: Clock::real(),
            fleet: Fleet::new(drill.program.clone(), members, tell),
            told,
            stand_in,
            seats,
            awaited: awaited(policy),
            fenced: drill.fenced,
            servers,
            folder,
        })
    }

    /// The fault, and what became of it.
    pub(super) fn play(mut self, fault: Fault, stop: &Stop, watch: &mut dyn FnMut(&str)) -> Result<RunReport, Failure> {
        for seat in self.seats.clone() {
            self.fleet.start(seat.process, 1)?;
        }
        let ports = [self.servers[0].port(), self.servers[1].port()];
        let writer = {
            let _inside = self.runtime.enter();
            Writer::begin(ports)
        };
        self.come_up(&writer, stop)?;
        watch("home serves, away follows; now the fault");
        let at = self.clock.boot();
        self.strike(fault);
        let ledger = self.fail_over(&writer, at, ports, stop)?;
        let account = self.runtime.block_on(writer.end());
        let survived = self.runtime.block_on(survivors(&config(&self.servers[1])?))?;
        Ok(self.report(fault, at, &account, &survived, ledger.as_ref()))
    }

    /// Waits until rows are acknowledged, and away has seen everything healthy that it will judge by.
    fn come_up(&mut self, writer: &Writer, stop: &Stop) -> Result<(), Failure> {
        let give_up = self.clock.boot().after(COMING_UP);
        let mut steady = false;
        loop {
            for (process, what) in self.heard()? {
                if process != Region::Away.index() {
                    continue;
                }
                match what {
                    Happening::Witness {
                        witness,
                        target,
                        to: WitnessState::Healthy,
                        ..
                    } => {
                        self.awaited
                            .retain(|awaited| *awaited != (usize::from(witness.0), target));
                    }
                    Happening::Moved { to, .. } => steady = to == StateName::Steady,
                    _ => {}
                }
            }
            if steady && self.awaited.is_empty() && writer.account().acknowledged.len() >= ROWS_BEFORE {
                return Ok(());
            }
            if self.clock.boot() > give_up {
                let account = writer.account();
                return Err(Failure::Engine(format!(
                    "{} rows were acknowledged ({}); away is {}steady; not seen healthy: {:?}\n{}",
                    account.acknowledged.len(),
                    account.trouble,
                    if steady { "" } else { "not " },
                    self.awaited,
                    self.logs()
                )));
            }
            self.pause(stop)?;
        }
    }

    fn strike(&mut self, fault: Fault) {
        let home = Region::Home.index();
        match fault {
            Fault::Killed => {
                self.servers[home].kill_postmaster();
                self.fleet.stop(home);
            }
            Fault::NodeSuspended => {
                self.servers[home].suspend();
                self.fleet.pause(home);
                self.stand_in.suspend(Region::Home);
            }
            Fault::PostmasterSuspended => {
                self.servers[home].suspend_postmaster();
                self.fleet.pause(home);
            }
        }
    }

    /// Waits until the new writer has acknowledged rows for a while, or for long enough. Returns the engine's ledger.
    fn fail_over(
        &mut self,
        writer: &Writer,
        fault: Timestamp,
        ports: [u16; 2],
        stop: &Stop,
    ) -> Result<Option<Ledger>, Failure> {
        let give_up = fault.after(GIVING_UP);
        let mut ledger = None;
        let mut completed_at = None;
        loop {
            for (process, what) in self.heard()? {
                if let (true, Happening::Completed(completed)) = (process == Region::Away.index(), what) {
                    ledger = Some(completed);
                    completed_at = Some(self.clock.boot());
                }
            }
            let now = self.clock.boot();
            let writable = first_by(&writer.account(), ports[1]);
            // Without the fence the client may go on with the old writer for ever.
            let since = if self.fenced {
                writable.max(completed_at)
            } else {
                completed_at
            };
            let written = writable.is_some() || !self.fenced;
            if (written && ledger.is_some() && since.is_some_and(|since| now > since.after(AFTERWARDS)))
                || now > give_up
            {
                return Ok(ledger);
            }
            self.pause(stop)?;
        }
    }

    /// What the engine's processes have written down since it was last asked. A process that ended is an error, unless it
    /// was killed.
    fn heard(&self) -> Result<Vec<(usize, Happening)>, Failure> {
        let mut heard = Vec::new();
        while let Ok(incoming) = self.told.try_recv() {
            match incoming {
                Incoming::Journal { process, entry, .. } => heard.push((process, entry.what)),
                Incoming::Ended { process, .. } if self.fleet.is_awake(process) => {
                    return Err(Failure::Engine(format!("process {process} has ended\n{}", self.logs())));
                }
                Incoming::Trouble(trouble) => return Err(Failure::Engine(trouble)),
                _ => {}
            }
        }
        Ok(heard)
    }

    fn pause(&self, stop: &Stop) -> Result<(), Failure> {
        if stop.is_asked() {
            return Err(Failure::Interrupted);
        }
        self.runtime.block_on(async { tokio::time::sleep(LOOK_EVERY).await });
        Ok(())
    }

    fn logs(&self) -> String {
        let mut text = String::new();
        for seat in &self.seats {
            let path = self.folder.path().join(format!("{}.log", seat.name()));
            let log = std::fs::read_to_string(path).unwrap_or_default();
            let all: Vec<&str> = log.lines().collect();
            let _ = writeln!(
                text,
                "-- {}\n{}",
                seat.name(),
                all[all.len().saturating_sub(8)..].join("\n")
            );
        }
        text
    }

    fn report(
        &self,
        fault: Fault,
        at: Timestamp,
        account: &Account,
        survived: &[i64],
        ledger: Option<&Ledger>,
    ) -> RunReport {
        let [home, away] = [self.servers[0].port(), self.servers[1].port()];
        let lost = account
            .acknowledged
            .keys()
            .filter(|id| survived.binary_search(id).is_err());
        let old = account
            .acknowledged
            .values()
            .filter(|row| row.by == home && row.at > at);
        RunReport {
            fault,
            writable_again_ms: first_by(account, away).map(|since| millis(since, at)),
            old_writer_until_ms: old.map(|row| millis(row.at, at)).max(),
            acknowledged: account.acknowledged.len() as u64,
            acknowledged_lost: lost.count() as u64,
            refused_by_fence: account.fenced,
            ledger: ledger.map_or_else(Vec::new, |ledger| lines(ledger, at)),
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // The engine first, so that it does not answer to the end of its databases.
        self.fleet.end_all();
    }
}

/// When a server acknowledged its first row.
fn first_by(account: &Account, port: u16) -> Option<Timestamp> {
    account
        .acknowledged
        .values()
        .filter(|row| row.by == port)
        .map(|row| row.at)
        .min()
}

/// What away judges home by: the quorum's witnesses, and how far its replica lags.
fn awaited(policy: &Policy) -> Vec<(usize, Region)> {
    use understudy_policies::model::WitnessKind;
    let judged =
        |witness: &understudy_policies::model::Witness| witness.quorum || witness.kind == WitnessKind::ReplicationLag;
    let witnesses = policy.witnesses.iter().enumerate();
    witnesses
        .filter(|(_, witness)| judged(witness))
        .map(|(index, _)| (index, Region::Home))
        .collect()
}

fn config(server: &Server) -> Result<Config, Failure> {
    let mut config: Config = server.url().parse().map_err(|error| database(&error))?;
    config.password(PASSWORD).application_name("drill");
    Ok(config)
}

async fn connect(config: &Config) -> Result<Client, Failure> {
    let (client, connection) = config.connect(NoTls).await.map_err(|error| database(&error))?;
    drop(tokio::spawn(connection));
    Ok(client)
}

async fn prepare(config: &Config, fenced: bool) -> Result<(), Failure> {
    let client = connect(config).await?;
    let fence = if fenced {
        "select understudy.fence('orders')"
    } else {
        ""
    };
    // The engine may do what sidecar.sql allows, and no more.
    let user = format!("create role {ENGINE_USER} login password '{PASSWORD}' in role understudy_sidecar");
    for sql in [FENCE, SIDECAR, &user, ORDERS, fence] {
        client.batch_execute(sql).await.map_err(|error| database(&error))?;
    }
    Ok(())
}

/// The rows of the new writer, in order.
async fn survivors(config: &Config) -> Result<Vec<i64>, Failure> {
    let client = connect(config).await?;
    let rows = client.query("select id from orders order by id", &[]).await;
    Ok(rows
        .map_err(|error| database(&error))?
        .iter()
        .map(|row| row.get(0))
        .collect())
}

fn database(error: &tokio_postgres::Error) -> Failure {
    Failure::Database(match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => error.to_string(),
    })
}

/// What each process of the engine is started with.
fn members(
    folder: &Folder,
    seats: &[Seat],
    policy: &Policy,
    policy_text: &str,
    stand_in: SocketAddr,
    servers: &[Server; 2],
) -> Result<Vec<Member>, Failure> {
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(path(name), text);
    write("policy.toml", policy_text)?;
    write("token", &random(32)?)?;
    write("peer-token", &random(32)?)?;
    let addresses = free_addresses(seats.len() * 2)?;
    let peers: Vec<SocketAddr> = addresses.iter().copied().skip(seats.len()).collect();
    let mut members = Vec::new();
    for (index, seat) in seats.iter().enumerate() {
        let name = seat.name();
        write(&format!("{name}.toml"), &platform(seat, stand_in, &peers, servers))?;
        let region = match seat.region {
            Some(Region::Home) => &policy.regions.primary,
            Some(Region::Away) => &policy.regions.standby,
            None => &policy.regions.witness,
        };
        let file = |name: &str| path(name).display().to_string();
        let mut arguments: Vec<String> = [
            ("region", region.to_string()),
            ("policy", file("policy.toml")),
            ("platform", file(&format!("{name}.toml"))),
            ("journal", file(&format!("{name}.journal"))),
            ("listen", addresses[index].to_string()),
            ("peer-listen", peers[index].to_string()),
            ("token-file", file("token")),
            ("peer-token-file", file("peer-token")),
        ]
        .into_iter()
        .flat_map(|(option, value)| [format!("--{option}"), value])
        .collect();
        arguments.insert(0, "run".to_owned());
        arguments.push("--drill-journal".to_owned());
        if seat.region.is_none() {
            arguments.push("--observer".to_owned());
        }
        members.push(Member {
            seat: *seat,
            arguments,
            log: path(&format!("{name}.log")),
            operators: addresses[index],
            peers: peers[index],
        });
    }
    Ok(members)
}

fn platform(seat: &Seat, stand_in: SocketAddr, peers: &[SocketAddr], servers: &[Server; 2]) -> String {
    let mut text = format!(
        "version = 1\nenvironment = \"{ENVIRONMENT}\"\nhealthy-answer = \"{HEALTHY}\"\n\
         references = [\"http://{stand_in}/reference\"]\n"
    );
    for region in Region::BOTH {
        let (name, server) = (name(region), &servers[region.index()]);
        let _ = write!(
            text,
            "\n[{name}]\nhealth = \"http://{stand_in}/health/{name}\"\n\
             database-health = \"http://{stand_in}/database-health/{name}\"\ndatabase = \"{}\"\n\
             database-password-file = \"{}\"\nsidecars = [\"http://{}\"]\n",
            server.url_for(ENGINE_USER),
            server.password_file().display(),
            peers[region.index()],
        );
    }
    if let Some(region) = seat.region {
        let _ = write!(
            text,
            "\n[played]\naddress = \"http://{stand_in}/{}\"\n\
             parts = [\"lease\", \"switches\", \"name\", \"order-path\", \"humans\"]\n",
            name(region)
        );
    }
    text
}
