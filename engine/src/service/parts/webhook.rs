//! Systems of the house's own that are told and asked over HTTP: a pager, a chat, or whoever knows whether the open
//! orders agree with the venues.
//!
//! Everything is `POST`ed as JSON, with `version`, `environment`, `region` and `epoch`. A notice adds `notice`, and
//! nothing is read of its answer. A question adds `gate`, and is answered by `200 {"answer": "approved"}` or
//! `{"answer": "declined"}`. Any other answer means *not yet*: the same question comes again, with the same epoch, so
//! whoever answers needs no memory of it. People may also answer with the command `approve`; the first answer counts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::Humans;
use crate::core::effect::{Announcement, Gate, Outcome, PageReason};
use crate::core::ids::{Epoch, Region};
use crate::service::clock::Clock;
use crate::service::context::Context;
use crate::service::platform::Webhooks;
use crate::service::secret::{NoSecret, Secret};

/// The version of what is sent.
const VERSION: u32 = 1;
/// Between two times that the same question is asked. A choice: orders wait for the answer.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long one answer may take. A choice: whoever compares orders meanwhile answers *not yet*.
const PATIENCE: Duration = Duration::from_secs(5);

/// Humans, and the systems beside them.
#[derive(Debug)]
pub(super) struct WithWebhooks {
    hooks: Webhooks,
    token: Option<Secret>,
    client: Client,
    clock: Clock,
    environment: String,
    region: String,
    others: Arc<dyn Humans>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Message<'a> {
    version: u32,
    environment: &'a str,
    region: &'a str,
    epoch: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Gate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<Notice>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Gate(Gate),
    Notice(Notice),
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Notice {
    Announcement(Announcement),
    Page(PageReason),
}

#[derive(Debug, Deserialize)]
struct Reply {
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Approved,
    Declined,
}

impl WithWebhooks {
    /// The same humans, with the systems of the platform file beside them.
    ///
    /// # Errors
    /// When the token's file cannot be read.
    pub(super) fn beside(
        others: Arc<dyn Humans>,
        hooks: Webhooks,
        context: &Context,
        region: Region,
    ) -> Result<Self, NoSecret> {
        let token = hooks.token_file.as_ref().map(Secret::read).transpose()?;
        Ok(Self {
            hooks,
            token,
            client: context.client.clone(),
            clock: context.clock,
            environment: context.platform.environment.to_string(),
            region: context.region_name(region).to_string(),
            others,
        })
    }

    /// Asks until somebody answers.
    async fn ask(&self, url: &Url, epoch: Epoch, gate: Gate) -> Outcome {
        loop {
            match self.post(url, epoch, What::Gate(gate)).await {
                Ok(Some(Answer::Approved)) => return Outcome::Done,
                Ok(Some(Answer::Declined)) => return Outcome::Refused,
                Ok(None) => info!(?gate, "not yet answered"),
                Err(why) => warn!(?gate, %why, "cannot be asked; it is tried again"),
            }
            self.clock.sleep(ASK_EVERY).await;
        }
    }

    async fn tell(&self, epoch: Epoch, notice: Notice) {
        let Some(url) = &self.hooks.notices else { return };
        if let Err(why) = self.post(url, epoch, What::Notice(notice)).await {
            warn!(?notice, %why, "was not told");
        }
    }

    /// Sends one message. None: it was taken, and says nothing yet.
    async fn post(&self, url: &Url, epoch: Epoch, what: What) -> Result<Option<Answer>, String> {
        let (gate, notice) = match what {
            What::Gate(gate) => (Some(gate), None),
            What::Notice(notice) => (None, Some(notice)),
        };
        let mut request = self.client.post(url.clone()).json(&Message {
            version: VERSION,
            environment: &self.environment,
            region: &self.region,
            epoch,
            gate,
            notice,
        });
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let exchange = async {
            let response = request.send().await.map_err(|error| error.without_url().to_string())?;
            match response.status() {
                StatusCode::OK => Ok(response.json::<Reply>().await.ok().map(|reply| reply.answer)),
                status if status.is_success() => Ok(None),
                status => Err(format!("it answers {status}")),
            }
        };
        match self.clock.timeout(PATIENCE, exchange).await {
            Some(answer) => answer,
            None => Err("it does not answer".to_owned()),
        }
    }
}

#[async_trait]
impl Humans for WithWebhooks {
    async fn announce(&self, epoch: Epoch, announcement: Announcement) -> Outcome {
        let told = self.tell(epoch, Notice::Announcement(announcement));
        tokio::join!(self.others.announce(epoch, announcement), told).0
    }

    async fn page(&self, epoch: Epoch, reason: PageReason) -> Outcome {
        let told = self.tell(epoch, Notice::Page(reason));
        tokio::join!(self.others.page(epoch, reason), told).0
    }

    async fn request_approval(&self, epoch: Epoch, gate: Gate) -> Outcome {
        match (&self.hooks.venue_reconciliation, gate) {
            (Some(url), Gate::VenueReconciliation) => {
                tokio::select! {
                    answer = self.ask(url, epoch, gate) => answer,
                    answer = self.others.request_approval(epoch, gate) => answer,
                }
            }
            _ => self.others.request_approval(epoch, gate).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::extract::State;
    use axum::http::HeaderMap;
    use axum::response::IntoResponse;
    use axum::routing::post;
    use axum::{Json, Router};
    use serde_json::{Value, json};

    use super::super::Absent;
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[derive(Clone, Default)]
    struct House {
        asked: Arc<AtomicUsize>,
    }

    /// Says *not yet*, then something that is no answer, then the answer that the address names.
    async fn venues(
        State(house): State<House>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> axum::response::Response {
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(body["gate"], "venue-reconciliation");
        assert_eq!((&body["region"], &body["epoch"]), (&json!("us-east-2"), &json!(7)));
        match house.asked.fetch_add(1, Ordering::SeqCst) {
            0 => StatusCode::ACCEPTED.into_response(),
            1 => "perhaps".into_response(),
            2 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => Json(json!({ "answer": "declined", "why": "three orders are unknown to the venue" })).into_response(),
        }
    }

    async fn humans(path: &str, house: &House) -> WithWebhooks {
        let router = Router::new().route("/venues", post(venues)).with_state(house.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        WithWebhooks {
            hooks: Webhooks {
                venue_reconciliation: Some(Url::parse(&format!("http://{address}{path}")).unwrap()),
                token_file: None,
                notices: Some(Url::parse(&format!("http://{address}/nowhere")).unwrap()),
            },
            token: Some(Secret::new(TOKEN.to_owned())),
            client: super::super::http::client().unwrap(),
            clock: Clock::real(),
            environment: "dev1".to_owned(),
            region: "us-east-2".to_owned(),
            others: Arc::new(Absent),
        }
    }

    #[tokio::test]
    async fn a_question_is_asked_until_it_is_answered() {
        let house = House::default();
        let humans = humans("/venues", &house).await;
        let answer = humans.request_approval(Epoch(7), Gate::VenueReconciliation).await;
        assert_eq!(answer, Outcome::Refused);
        assert_eq!(house.asked.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_gate_for_people_is_none_of_the_webhooks_business() {
        let house = House::default();
        let humans = humans("/venues", &house).await;
        let asked = humans.request_approval(Epoch(7), Gate::Failover);
        assert!(tokio::time::timeout(Duration::from_millis(200), asked).await.is_err());
        assert_eq!(house.asked.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn whoever_cannot_be_told_stops_nobody_else_from_being_told() {
        let humans = humans("/venues", &House::default()).await;
        // `Absent` tells nobody; what matters is that its answer comes back.
        let told = humans.page(Epoch(7), PageReason::NeedsOperator).await;
        assert_eq!(told, Outcome::Failed);
    }
}
