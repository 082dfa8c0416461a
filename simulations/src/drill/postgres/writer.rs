//! The client: a row every 50 ms, through one connection string that names both servers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};
use understudy_engine::core::time::Timestamp;
use understudy_engine::service::clock::Clock;

use super::server::{DATABASE, PASSWORD, USER};

/// Between the beginnings of two rows.
const EVERY: Duration = Duration::from_millis(50);
/// A row that takes longer is given up, and its connection with it.
const ROW_PATIENCE: Duration = Duration::from_secs(1);
/// Finding the writer may take this long, all servers together. A driver that waits for a server which lets nobody in
/// never gets to the next one, so this is bounded, and the servers are tried in an order that differs each time.
const FINDING: Duration = Duration::from_millis(500);

/// A row that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledged {
    /// When.
    pub(super) at: Timestamp,
    /// By the server on this port.
    pub(super) by: u16,
}

/// What the client was told so far.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) acknowledged: BTreeMap<i64, Acknowledged>,
    /// Rows that the commit fence refused.
    pub(super) fenced: u64,
    /// The last thing that went wrong, for whoever asks why nothing is acknowledged.
    pub(super) trouble: String,
}

/// A client that writes.
#[derive(Debug)]
pub(super) struct Writer {
    account: Arc<Mutex<Account>>,
    over: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Begins to write, to whichever of these servers takes writes.
    pub(super) fn begin(ports: [u16; 2]) -> Self {
        let account = Arc::<Mutex<Account>>::default();
        let over = Arc::<AtomicBool>::default();
        let task = tokio::spawn(write(ports, Arc::clone(&account), Arc::clone(&over)));
        Self { account, over, task }
    }

    /// What it was told so far.
    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    /// Ends with the row in hand.
    pub(super) async fn end(self) -> Account {
        self.over.store(true, Ordering::Relaxed);
        // It has panicked, or is done: what it was told until then counts.
        let _ = self.task.await;
        std::mem::take(&mut lock(&self.account))
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection string.
fn address([home, away]: [u16; 2]) -> String {
    format!(
        "postgresql://{USER}@127.0.0.1:{home},127.0.0.1:{away}/{DATABASE}\
         ?target_session_attrs=read-write&load_balance_hosts=random&connect_timeout=1&application_name=client"
    )
}

async fn write(ports: [u16; 2], account: Arc<Mutex<Account>>, over: Arc<AtomicBool>) {
    let mut config: Config = match address(ports).parse() {
        Ok(config) => config,
        Err(wrong) => {
            lock(&account).trouble = wrong.to_string();
            return;
        }
    };
    config.password(PASSWORD);
    let clock = Clock::real();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut connected: Option<Connected> = None;
    let mut id = 0;
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let Some(session) = &connected else {
            match tokio::time::timeout(FINDING, Connected::open(&config)).await {
                Ok(Ok(session)) => connected = Some(session),
                Ok(Err(wrong)) => lock(&account).trouble = wrong.to_string(),
                Err(_) => lock(&account).trouble = "no answer while connecting".to_owned(),
            }
            continue;
        };
        id += 1;
        let row = format!("insert into orders (id) values ({id})");
        match tokio::time::timeout(ROW_PATIENCE, session.client.batch_execute(&row)).await {
            Ok(Ok(())) => {
                let acknowledged = Acknowledged {
                    at: clock.boot(),
                    by: session.port,
                };
                lock(&account).acknowledged.insert(id, acknowledged);
                continue;
            }
            Ok(Err(error)) => {
                let mut account = lock(&account);
                let refused = error.code().is_some_and(|code| code.code().starts_with("UF"));
                account.fenced += u64::from(refused);
                account.trouble = error
                    .as_db_error()
                    .map_or_else(|| error.to_string(), |said| said.message().to_owned());
            }
            Err(_) => lock(&account).trouble = "no answer".to_owned(),
        }
        // Not acknowledged, so nobody counts on it. Whoever serves now is looked for anew, as the fence's hint says.
        connected = None;
    }
}

/// A connection to whoever took writes when it was opened.
struct Connected {
    client: Client,
    port: u16,
    driver: JoinHandle<()>,
}

impl Connected {
    async fn open(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // The next row finds out.
            let _ = connection.await;
        });
        let port: i32 = client.query_one("select inet_server_port()", &[]).await?.get(0);
        Ok(Self {
            client,
            port: u16::try_from(port).unwrap_or(0),
            driver,
        })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
