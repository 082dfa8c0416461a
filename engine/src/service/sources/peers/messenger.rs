//! Sends to sidecars: to each at once, so that one that hangs holds up none of the others.
#![expect(
    clippy::disallowed_types,
    reason = "several messages to one sidecar are under way at once, and share what is known of it"
)]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONNECTION, CONTENT_TYPE};
use reqwest::{Client, Response, Url};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::{info, warn};

use crate::service::clock::Clock;
use crate::service::context::Context;
use crate::service::secret::Secret;
use crate::service::sources::throttle::Throttle;

/// Messages to one sidecar that are under way. More only if it takes nothing any more; what comes then is dropped, since
/// every message is worth a second or two.
const UNDER_WAY_MAX: usize = 32;

/// As much of what a sidecar says to a message that it refuses goes into the log.
const REASON_BYTES_MAX: usize = 300;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The sidecar has it.
    Taken,
    /// The sidecar refused it.
    Refused,
    /// It certainly reached nobody.
    Unreachable,
    /// There was no answer in time.
    Unknown,
}

impl Sent {
    const fn label(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }
}

/// What is sent, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    Heartbeat,
    Signals,
    Message,
}

impl Letter {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Signals => "signals",
            Self::Message => "message",
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Heartbeat => "/peer/v1/heartbeat",
            Self::Signals => "/peer/v1/signals",
            Self::Message => "/peer/v1/messages",
        }
    }
}

/// Sends to a number of sidecars.
#[derive(Debug, Clone)]
pub(crate) struct Messenger {
    clock: Clock,
    client: Client,
    token: Arc<Secret>,
    sidecars: Vec<Arc<Destination>>,
}

#[derive(Debug)]
struct Destination {
    url: Url,
    under_way: Arc<Semaphore>,
    told: Mutex<Told>,
}

/// What the log was told of a sidecar.
#[derive(Debug, Default)]
struct Told {
    last: Option<Sent>,
    throttle: Throttle,
}

impl Messenger {
    /// One that sends to the sidecars at these addresses.
    pub(crate) fn new<'a>(context: &Context, sidecars: impl IntoIterator<Item = &'a Url>) -> Self {
        let destination = |url: &Url| Destination {
            url: url.clone(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            told: Mutex::default(),
        };
        Self {
            clock: context.clock,
            client: context.fresh.clone(),
            token: Arc::clone(&context.peer_token),
            sidecars: sidecars.into_iter().map(|url| Arc::new(destination(url))).collect(),
        }
    }

    /// Sends to every sidecar, and goes on sending also if nobody waits for what becomes of it.
    pub(crate) fn send(&self, letter: Letter, body: &impl Serialize, patience: Duration) -> mpsc::Receiver<Sent> {
        // Room for one of each, so that no report waits.
        let (report, reports) = mpsc::channel(self.sidecars.len().max(1));
        // Writing plain numbers and texts cannot fail.
        let text = serde_json::to_string(body).unwrap_or_default();
        for sidecar in &self.sidecars {
            let Ok(permit) = Arc::clone(&sidecar.under_way).try_acquire_owned() else {
                count(letter, "dropped");
                let _ = report.try_send(Sent::Unreachable);
                continue;
            };
            let post = Post {
                clock: self.clock,
                client: self.client.clone(),
                token: Arc::clone(&self.token),
                letter,
                to: Arc::clone(sidecar),
                _permit: permit,
            };
            let (text, report) = (text.clone(), report.clone());
            drop(tokio::spawn(async move {
                let (sent, why) = post.send(text, patience).await;
                count(letter, sent.label());
                post.to.tell_the_log(letter, sent, why.as_deref(), post.clock);
                let _ = report.try_send(sent);
            }));
        }
        reports
    }
}

/// One message on its way.
struct Post {
    clock: Clock,
    client: Client,
    token: Arc<Secret>,
    letter: Letter,
    to: Arc<Destination>,
    _permit: OwnedSemaphorePermit,
}

impl Post {
    /// What became of it, and what the sidecar said if it refused.
    async fn send(&self, body: String, patience: Duration) -> (Sent, Option<String>) {
        let mut url = self.to.url.clone();
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), self.letter.path()));
        let request = self
            .client
            .post(url)
            .bearer_auth(self.token.expose())
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(body);
        let sent = async {
            match request.send().await {
                Ok(answer) if answer.status().is_success() => (Sent::Taken, None),
                Ok(answer) => (Sent::Refused, Some(reason(answer).await)),
                Err(error) if error.is_connect() => (Sent::Unreachable, None),
                Err(_) => (Sent::Unknown, None),
            }
        };
        let sent = self.clock.timeout(patience, sent).await;
        sent.unwrap_or((Sent::Unknown, None))
    }
}

/// The status, and the beginning of what was said with it. Of a refusal only: nothing there is secret.
async fn reason(mut answer: Response) -> String {
    let status = answer.status();
    let said = answer.chunk().await.ok().flatten().unwrap_or_default();
    let said = String::from_utf8_lossy(said.get(..REASON_BYTES_MAX).unwrap_or(&said));
    let said: String = said.chars().filter(|char| !char.is_control()).collect();
    format!("{status} {said}")
}

impl Destination {
    /// Only a change is worth a line, and not every change: one that is refused half of what it is sent would fill the log.
    fn tell_the_log(&self, letter: Letter, sent: Sent, why: Option<&str>, clock: Clock) {
        // Whoever panicked while holding it left a line unwritten at most.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last == Some(sent) || told.throttle.admit(clock.boot()).is_none() {
            return;
        }
        told.last = Some(sent);
        drop(told);
        let (sidecar, kind) = (self.url.as_str(), letter.label());
        match sent {
            Sent::Taken => info!(sidecar, kind, "a sidecar takes what it is sent"),
            _ => warn!(
                sidecar,
                kind,
                outcome = sent.label(),
                why,
                "a sidecar does not take what it is sent"
            ),
        }
    }
}

fn count(letter: Letter, outcome: &'static str) {
    metrics::counter!("understudy_peer_sent_total", "kind" => letter.label(), "outcome" => outcome).increment(1);
}
