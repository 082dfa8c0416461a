//! Asks a sidecar over HTTP.

use std::future::Future;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::{RequestBuilder, Url};
use serde_json::{Value, json};

use crate::service::operators::shapes::ErrorAnswer;
use crate::service::parts::http::impatient_client;

/// Longer than the sidecar waits for its core.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which sidecar is asked, and how it answers.
#[derive(Debug, Args)]
pub(super) struct Reach {
    /// The sidecar that is asked.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7070")]
    pub(super) address: Url,
    /// Answers with one JSON object on standard output.
    #[arg(long)]
    pub(super) json: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The request was wrong.
    Wrong(String),
    /// Nobody answered, or not as a sidecar does.
    Outside(String),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Unanswered {
    /// Tells it, and gives its exit code.
    pub(super) fn tell(&self, as_json: bool) -> ExitCode {
        let (code, text) = match self {
            Self::Wrong(text) => (2, text.as_str()),
            Self::Outside(text) => (3, text.as_str()),
            Self::Interrupted => (130, "interrupted"),
        };
        if as_json {
            // The error itself is told below, whatever becomes of this.
            let _ = print(&format!("{}\n", json!({ "error": text })));
        }
        eprintln!("error: {text}");
        ExitCode::from(code)
    }
}

/// An answer: the object, and whether its status was that of success.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) object: Value,
}

impl Reach {
    /// An address of the API.
    pub(super) fn at(&self, path: &str) -> Result<Url, Unanswered> {
        let wrong = |_| {
            Unanswered::Wrong(format!(
                "`{}` is no address; write it like `http://127.0.0.1:7070`",
                self.address
            ))
        };
        self.address.join(path).map_err(wrong)
    }

    /// What a request brought, if anybody answered as a sidecar does: yes, or no with a reason.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let answer = self.exchange(request).await?;
        let status = answer.status;
        match status {
            200..=299 | 409 => Ok(answer),
            _ => {
                let said = serde_json::from_value::<ErrorAnswer>(answer.object);
                let text = said.map_or_else(
                    |_| format!("{} answers with status {status}", self.address),
                    |said| said.error,
                );
                Err(if status < 500 {
                    Unanswered::Wrong(text)
                } else {
                    Unanswered::Outside(text)
                })
            }
        }
    }

    /// What a request brought, whatever its status.
    pub(super) async fn exchange(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let response = request.send().await.map_err(|error| self.out_of_reach(&error))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|error| self.out_of_reach(&error))?;
        match serde_json::from_slice::<Value>(&body) {
            Ok(object) => Ok(Answer { status, object }),
            Err(_) => Err(Unanswered::Outside(format!(
                "{} does not answer as a sidecar does (status {status}); look at `--address`",
                self.address
            ))),
        }
    }

    fn out_of_reach(&self, error: &reqwest::Error) -> Unanswered {
        let because = if error.is_connect() {
            "nobody listens there"
        } else if error.is_timeout() {
            "there is no answer"
        } else {
            "the answer broke off"
        };
        Unanswered::Outside(format!(
            "cannot ask the sidecar at {}: {because}; is it running, and is this the `--listen` address of its `run`?",
            self.address
        ))
    }

    /// Shows an answer.
    pub(super) fn show<T: serde::de::DeserializeOwned>(
        &self,
        answer: Answer,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Unanswered> {
        if self.json {
            return print(&format!("{:#}\n", answer.object));
        }
        let read = serde_json::from_value::<T>(answer.object).map_err(|error| {
            Unanswered::Outside(format!(
                "the sidecar at {} is of another version: {error}; use `--json`",
                self.address
            ))
        })?;
        print(&text(&read))
    }
}

/// Writes an answer to standard output. Whoever reads only its beginning has what they wanted.
pub(super) fn print(answer: &str) -> Result<(), Unanswered> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Unanswered::Outside(format!("the answer cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// A client that goes nowhere but where it is told.
pub(super) fn client() -> Result<reqwest::Client, Unanswered> {
    impatient_client(PATIENCE).map_err(|error| Unanswered::Outside(format!("the client cannot be set up: {error}")))
}

/// Runs something that waits, until it is done or somebody presses Ctrl-C.
pub(super) fn wait<T>(work: impl Future<Output = Result<T, Unanswered>>) -> Result<T, Unanswered> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Unanswered::Outside(format!("the process cannot be set up: {error}")))?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(Unanswered::Interrupted),
        }
    });
    // Somebody may still be asked on a thread of its own.
    runtime.shutdown_background();
    done
}
