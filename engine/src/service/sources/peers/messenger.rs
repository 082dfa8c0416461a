//! Sends to sidecars: to each at once, so that one that hangs holds up none of the others.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONNECTION;
use reqwest::{Client, Url};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::debug;

use crate::service::clock::Clock;
use crate::service::context::Context;
use crate::service::secret::Secret;

/// Messages to one sidecar that are under way. More only if it takes nothing any more; what comes then is dropped, since
/// every message is worth a second or two.
const UNDER_WAY_MAX: usize = 32;

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
    sidecars: Arc<[(Url, Arc<Semaphore>)]>,
}

impl Messenger {
    /// One that sends to the sidecars at these addresses.
    pub(crate) fn new<'a>(context: &Context, sidecars: impl IntoIterator<Item = &'a Url>) -> Self {
        Self {
            clock: context.clock,
            client: context.fresh.clone(),
            token: Arc::clone(&context.peer_token),
            sidecars: sidecars
                .into_iter()
                .map(|url| (url.clone(), Arc::new(Semaphore::new(UNDER_WAY_MAX))))
                .collect(),
        }
    }

    /// Sends to every sidecar, and goes on sending also if nobody waits for what becomes of it.
    pub(crate) fn send(&self, letter: Letter, body: &impl Serialize, patience: Duration) -> mpsc::Receiver<Sent> {
        let (report, reports) = mpsc::channel(self.sidecars.len().max(1));
        // Writing plain numbers and texts cannot fail.
        let text = serde_json::to_string(body).unwrap_or_default();
        for (url, under_way) in self.sidecars.iter() {
            let Ok(permit) = Arc::clone(under_way).try_acquire_owned() else {
                count(letter, "dropped");
                // The receiver has room for one of each.
                let _ = report.try_send(Sent::Unreachable);
                continue;
            };
            let mut url = url.clone();
            url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), letter.path()));
            let (this, text, report) = (self.clone(), text.clone(), report.clone());
            drop(tokio::spawn(async move {
                let sent = this.post(url, text, patience, permit).await;
                count(letter, sent.label());
                let _ = report.try_send(sent);
            }));
        }
        reports
    }

    async fn post(&self, url: Url, body: String, patience: Duration, _permit: OwnedSemaphorePermit) -> Sent {
        let shown = url.as_str().to_owned();
        let request = self
            .client
            .post(url)
            .bearer_auth(self.token.expose())
            .header("content-type", "application/json")
            .header(CONNECTION, "close")
            .body(body);
        match self.clock.timeout(patience, request.send()).await {
            Some(Ok(answer)) if answer.status().is_success() => Sent::Taken,
            Some(Ok(answer)) => {
                debug!(sidecar = shown, status = answer.status().as_u16(), "refused");
                Sent::Refused
            }
            Some(Err(error)) if error.is_connect() => Sent::Unreachable,
            Some(Err(_)) | None => Sent::Unknown,
        }
    }
}

fn count(letter: Letter, outcome: &'static str) {
    metrics::counter!("understudy_peer_sent_total", "kind" => letter.label(), "outcome" => outcome).increment(1);
}
