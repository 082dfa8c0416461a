//! One long-lived connection to one region's database, and when to give it up.
//!
//! A connection whose question was not answered in time is not used again: it may be half open, and what was asked would
//! stand before everything that is asked next. The next question opens another. Opening goes on when whoever waited for
//! it has given up, so a question with little time does not keep a slow connection from ever being there.
#![expect(
    clippy::disallowed_types,
    reason = "the shell is where threads meet; the core behind it sees none of this"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tracing::info;

use super::background::Background;
use super::tls;
use crate::service::given::Given;
use crate::service::secret::Secret;

/// How long opening a connection may take, from the name's resolution to the first question. A choice: four round trips
/// between distant regions and a slow authentication.
const OPENING: Duration = Duration::from_secs(2);
/// A connection that is silent for this long is asked whether it still is one.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
const KEEPALIVE_TRIES: u32 = 3;
/// What was sent and not acknowledged for this long ends the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// Why a question was not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The platform file names no database for the region.
    #[error("the platform file names no `database` for this region")]
    NotNamed,
    /// It certainly was not asked.
    #[error("the database of {region} cannot be reached: {because}")]
    Unreachable {
        /// The region.
        region: String,
        /// What the system or the server said.
        because: String,
    },
    /// It was asked, and may have been done.
    #[error("the database of {region} did not answer")]
    Unanswered {
        /// The region.
        region: String,
    },
    /// The server said no, and nothing was done.
    #[error("the database of {region} refuses: {message} ({})", code.code())]
    Refused {
        /// The region.
        region: String,
        /// The SQLSTATE.
        code: SqlState,
        /// The server's words, with its hint.
        message: String,
    },
}

/// A database that cannot be connected to, whatever happens.
#[derive(Debug, thiserror::Error)]
pub enum BadAddress {
    /// Not PostgreSQL's.
    #[error("`{0}` is no address of a database; write it like `postgresql://user@host:5432/name`")]
    Form(String),
    /// Asks for what this build cannot do.
    #[error("`sslmode=require` needs a build with the feature `tls`")]
    NoTls,
}

/// One region's database.
#[derive(Debug)]
pub struct Link {
    region: String,
    config: Config,
    password_file: Option<Given>,
    /// How long one question may take.
    patience: Duration,
    session: Arc<Mutex<Option<Arc<Session>>>>,
    opening: Background<Result<Arc<Session>, Failure>>,
}

/// An open connection. Dropped, its socket is closed, whatever the server is still doing.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    driver: AbortHandle,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    /// A link that is not open yet. `patience` is real time, for one question.
    ///
    /// # Errors
    /// When the address can never be connected to.
    pub fn new(
        region: &str,
        address: &str,
        password_file: Option<Given>,
        patience: Duration,
    ) -> Result<Self, BadAddress> {
        let mut config: Config = address.parse().map_err(|_| BadAddress::Form(address.to_owned()))?;
        config.ssl_mode(tls::decided(config.get_ssl_mode()));
        if config.get_ssl_mode() == SslMode::Require && !cfg!(feature = "tls") {
            return Err(BadAddress::NoTls);
        }
        // What is given up here must be given up there, or a slow server would work off what nobody waits for. Nothing
        // that the sidecar writes may wait for a standby: its loss would stop the writer.
        let limit = patience.as_millis().max(1);
        let options = format!(
            "{} -c statement_timeout={limit} -c lock_timeout={limit} -c idle_in_transaction_session_timeout=60000 \
             -c synchronous_commit=local",
            config.get_options().unwrap_or_default()
        );
        config
            .application_name("understudy")
            .connect_timeout(OPENING)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_EVERY)
            .keepalives_retries(KEEPALIVE_TRIES)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .options(options);
        Ok(Self {
            region: region.to_owned(),
            config,
            password_file,
            patience,
            session: Arc::default(),
            opening: Background::default(),
        })
    }

    /// The rows of one statement, as text. Numbers and names that stand in it must be the caller's own, never anybody's
    /// input. It is one round trip, and works through a pooler.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        self.rows_within(sql, self.patience).await
    }

    /// The first column of the only row.
    pub(super) async fn value(&self, sql: &str) -> Result<Option<String>, Failure> {
        let rows = self.rows(sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// A session of its own, without a limit on the server, for what takes long.
    pub(super) async fn open_apart(&self) -> Result<Apart, Failure> {
        let mut config = self.config.clone();
        let options = format!(
            "{} -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0",
            config.get_options().unwrap_or_default()
        );
        config.options(options);
        let session = open(&config, self.password_file.as_ref(), &self.region).await?;
        Ok(Apart {
            session,
            region: self.region.clone(),
        })
    }

    /// A new connection, one statement, and the end of it: what a new client would see.
    pub(super) async fn ask_afresh(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let session = open(&self.config, self.password_file.as_ref(), &self.region).await?;
        let answer = session.client.simple_query(sql).await;
        answer.map(rows).map_err(|error| failure(&self.region, &error))
    }

    async fn rows_within(&self, sql: &str, patience: Duration) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let session = self.session().await?;
        let mut asked = Asking {
            link: self,
            session: &session,
            answered: false,
        };
        let answer = tokio::time::timeout(patience, session.client.simple_query(sql)).await;
        match answer {
            Ok(Ok(messages)) => {
                asked.answered = true;
                Ok(rows(messages))
            }
            Ok(Err(error)) => {
                let failure = failure(&self.region, &error);
                asked.answered = matches!(failure, Failure::Refused { .. }) && !session.client.is_closed();
                Err(failure)
            }
            Err(_) => Err(Failure::Unanswered {
                region: self.region.clone(),
            }),
        }
    }

    async fn session(&self) -> Result<Arc<Session>, Failure> {
        if let Some(session) = self.current().as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(Arc::clone(session));
        }
        let (config, password_file) = (self.config.clone(), self.password_file.clone());
        let (region, current) = (self.region.clone(), Arc::clone(&self.session));
        let opened = self.opening.join(|| async move {
            let session = Arc::new(open(&config, password_file.as_ref(), &region).await?);
            info!(region, "connected to the database");
            *current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&session));
            Ok(session)
        });
        opened.await
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        // A thread that panicked while it held the lock left nothing half done.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is being asked. Dropped before its answer, it takes its connection along.
struct Asking<'a> {
    link: &'a Link,
    session: &'a Arc<Session>,
    answered: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        self.session.driver.abort();
        let mut current = self.link.current();
        if current
            .as_ref()
            .is_some_and(|session| Arc::ptr_eq(session, self.session))
        {
            *current = None;
        }
    }
}

/// A session that nobody else uses.
#[derive(Debug)]
pub(super) struct Apart {
    session: Session,
    region: String,
}

impl Apart {
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let answer = self.session.client.simple_query(sql).await;
        answer.map(rows).map_err(|error| failure(&self.region, &error))
    }
}

async fn open(config: &Config, password_file: Option<&Given>, region: &str) -> Result<Session, Failure> {
    let unreachable = |because: String| Failure::Unreachable {
        region: region.to_owned(),
        because,
    };
    let mut config = config.clone();
    // Read each time: a password that was changed is known without a restart.
    if let Some(place) = password_file {
        let password = Secret::read(place).map_err(|wrong| unreachable(wrong.to_string()))?;
        config.password(password.expose());
    }
    match tokio::time::timeout(OPENING, tls::open(&config)).await {
        Ok(Ok((client, driver))) => Ok(Session { client, driver }),
        Ok(Err(error)) => Err(unreachable(in_words(&error))),
        Err(_) => Err(unreachable("no answer while connecting".to_owned())),
    }
}

fn failure(region: &str, error: &tokio_postgres::Error) -> Failure {
    let region = region.to_owned();
    match error.as_db_error() {
        // The server ends the session: what it was about to do, it may have done.
        Some(said) if !matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) => Failure::Refused {
            region,
            code: said.code().clone(),
            message: match said.hint() {
                Some(hint) => format!("{}; {hint}", said.message()),
                None => said.message().to_owned(),
            },
        },
        _ => Failure::Unanswered { region },
    }
}

/// An error with its causes. The library's own says only which kind it is.
fn in_words(error: &tokio_postgres::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Vec<Vec<Option<String>>> {
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
