//! Connections of clients, and what they may meet.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Error, NoTls};
use understudy_engine::core::ids::Region;
use understudy_engine::service::clock::Clock;
use understudy_engine::service::context::Context;
use understudy_engine::service::parts::http::{client, fresh_client};
use understudy_engine::service::parts::postgres::Postgres;
use understudy_engine::service::platform::{self, Place};
use understudy_engine::service::secret::Secret;
use understudy_policies::shipped::LOCAL_POSTGRES;
use understudy_policies::source::Source;

use crate::server::{Folder, PASSWORD, Server};

pub(crate) const FENCE: &str = include_str!("../../sql/fence.sql");
pub(crate) const SIDECAR: &str = include_str!("../../sql/sidecar.sql");

/// Nothing here has to survive a loss of power.
pub(crate) const QUICK: &str = "fsync = off\n";

/// A server with the fence, and a table of orders behind it.
pub(crate) async fn fenced(label: &str) -> (Folder, Server, Client) {
    let folder = Folder::new(label).unwrap();
    let mut server = Server::create(&folder, "home", QUICK).unwrap();
    server.start().unwrap();
    let client = connect(&server).await;
    client.batch_execute(FENCE).await.unwrap();
    client
        .batch_execute(
            "create table orders (id bigint primary key, epoch bigint not null default understudy.current_epoch());
             select understudy.fence('orders');",
        )
        .await
        .unwrap();
    (folder, server, client)
}

pub(crate) async fn connect(server: &Server) -> Client {
    let text = format!("{}?application_name=test&connect_timeout=10", server.url());
    let mut config: tokio_postgres::Config = text.parse().unwrap();
    config.password(PASSWORD);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Lets an epoch serve, from now on for this many seconds of the server's own clock: fewer than none are in the past.
pub(crate) async fn serve(client: &Client, epoch: i64, seconds: i32) -> bool {
    let sql = format!("select understudy.write_serving({epoch}, clock_timestamp() + interval '{seconds} seconds')");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

/// The SQLSTATE of a refusal; panics if it was none.
pub(crate) fn refused(result: Result<(), Error>) -> String {
    let error = result.expect_err("this commit should have been refused");
    error.code().unwrap_or_else(|| panic!("{error}")).code().to_owned()
}

pub(crate) async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Waits, but not for ever.
pub(crate) async fn until<F: Future<Output = bool>>(mut so: impl FnMut() -> F) {
    for _ in 0..600 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("this has not become so within a minute");
}

/// A server's address, as the sidecar has it.
pub(crate) fn as_sidecar(server: &Server) -> String {
    server.url_for("sidecar")
}

/// A writer at home and its streaming standby, and the platform file that names them.
pub(crate) struct Pair {
    /// A session of the writer's.
    pub(crate) client: Client,
    session_of_away: Option<Client>,
    pub(crate) home: Server,
    pub(crate) away: Server,
    platform: String,
    folder: Folder,
}

impl Pair {
    pub(crate) async fn new(label: &str) -> Self {
        let (folder, home, client) = fenced(label).await;
        client.batch_execute(SIDECAR).await.unwrap();
        // The sidecar's user may do what sidecar.sql allows, and no more.
        let user = format!(
            "create role sidecar login password '{PASSWORD}' in role understudy_sidecar;
             grant select on orders to understudy_sidecar;"
        );
        client.batch_execute(&user).await.unwrap();
        let mut away = Server::follow(&folder, "away", &home).unwrap();
        away.start().unwrap();
        let session_of_away = Some(connect(&away).await);
        // Writes down what it was told, and waits while there is a file `wait`.
        let script = folder.path().join("command");
        let here = folder.path().display();
        let text = format!(
            "#!/bin/sh\necho \"$UNDERSTUDY_REGION $UNDERSTUDY_WRITER\" >> {here}/called\n\
             while [ -e {here}/wait ]; do sleep 0.05; done\n"
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let region = |server: &Server| {
            format!(
                "database = \"{}\"\ndatabase-password-file = \"{}\"\ndemote-command = [\"{script}\"]\n\
                 rejoin-command = [\"{script}\"]\n",
                as_sidecar(server),
                server.password_file().display(),
                script = script.display(),
            )
        };
        let platform = format!(
            "version = 1\nenvironment = \"test1\"\n[primary]\n{}[standby]\n{}",
            region(&home),
            region(&away)
        );
        let pair = Self {
            client,
            session_of_away,
            home,
            away,
            platform,
            folder,
        };
        until(|| async { pair.is_level().await }).await;
        pair
    }

    /// What a sidecar of a region has.
    pub(crate) fn context(&self, region: Region) -> Context {
        let platform = platform::read(&Source::new("platform.toml", &self.platform)).unwrap();
        let mut policy = LOCAL_POSTGRES.policy().unwrap();
        // The machine that runs the tests may be busy.
        policy.bounds.database_write = Duration::from_secs(2);
        policy.lease.operation_timeout = Duration::from_secs(4);
        Context {
            place: Place::Serving(region),
            policy: Arc::new(policy),
            platform: Arc::new(platform),
            clock: Clock::real(),
            client: client().unwrap(),
            fresh: fresh_client().unwrap(),
            database_probes: [None, None],
            peer_token: Arc::new(Secret::new("a-token-of-peers".to_owned())),
            host_names: Arc::new([]),
        }
    }

    /// The part that a sidecar of a region acts on.
    pub(crate) fn database(&self, region: Region) -> Postgres {
        Postgres::of(&self.context(region), region).unwrap()
    }

    /// A session of the standby's that was open before anything happened to it.
    pub(crate) async fn open_session_of_away(&mut self) -> Client {
        self.session_of_away.take().unwrap()
    }

    /// Whether the standby has replayed everything.
    pub(crate) async fn is_level(&self) -> bool {
        let Some(away) = &self.session_of_away else {
            return false;
        };
        let written = count(&self.client, "select (pg_current_wal_lsn() - '0/0')::bigint").await;
        count(away, "select (pg_last_wal_replay_lsn() - '0/0')::bigint").await >= written
    }

    /// The file in which the command writes down what it was told.
    pub(crate) fn called(&self) -> PathBuf {
        self.folder.path().join("called")
    }

    pub(crate) fn commands_wait(&self) {
        fs::write(self.folder.path().join("wait"), "").unwrap();
    }

    pub(crate) fn command_may_end(&self) {
        fs::remove_file(self.folder.path().join("wait")).unwrap();
    }
}
