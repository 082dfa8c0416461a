//! One look at something that speaks HTTP, and what became of it.
//!
//! Every look has a connection of its own. A kept one could be half open: the far end is gone and nobody said so, and
//! each such connection would eat a look and its whole time-out. A kept one could also still be served by a process that
//! takes no new clients. The price is one handshake more, and what is seen is what a new client sees.

use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, CONNECTION};
use reqwest::{Client, Response, Url};
use tokio::task::JoinSet;

use crate::service::clock::Clock;

/// As much of an answer is looked at. The same as Route 53's own string matching.
const LOOKED_AT_BYTES: usize = 5_120;

/// What became of a look. Only one of them is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It answered as it should.
    Healthy,
    /// Nobody listens there, or the name leads nowhere.
    Unreachable,
    /// It answered with a status outside 200 to 299. A redirect is one: nobody follows it.
    WrongStatus,
    /// It answered without what a healthy one says.
    WrongAnswer,
    /// What came was no HTTP, or broke off.
    Broken,
    /// There was no answer in time.
    TimedOut,
}

impl Seen {
    /// Its name in metrics and logs.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unreachable => "unreachable",
            Self::WrongStatus => "wrong-status",
            Self::WrongAnswer => "wrong-answer",
            Self::Broken => "broken",
            Self::TimedOut => "timed-out",
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            Self::Unreachable
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Broken
        }
    }
}

/// Asks a health path. `patience` covers everything from the name's resolution to the answer.
pub(super) async fn ask(
    clock: Clock,
    client: &Client,
    url: &Url,
    healthy_answer: Option<&str>,
    patience: Duration,
) -> Seen {
    let asked = async {
        match get(client, url).await {
            Ok(answer) if answer.status().is_success() => read(answer, healthy_answer.unwrap_or_default()).await,
            Ok(_) => Seen::WrongStatus,
            Err(error) => Seen::of(&error),
        }
    };
    clock.timeout(patience, asked).await.unwrap_or(Seen::TimedOut)
}

/// Asks all of these at once. Any answer of any of them will do: whoever hears it is not cut off.
pub(super) async fn ask_any(clock: Clock, client: &Client, urls: &[Url], patience: Duration) -> Seen {
    let mut asked = JoinSet::new();
    for url in urls {
        let (client, url) = (client.clone(), url.clone());
        asked.spawn(async move { get(&client, &url).await.map(drop) });
    }
    let first = async {
        let mut worst = Seen::TimedOut;
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok(Ok(())) => return Seen::Healthy,
                Ok(Err(error)) => worst = Seen::of(&error),
                Err(_) => {}
            }
        }
        worst
    };
    clock.timeout(patience, first).await.unwrap_or(Seen::TimedOut)
}

async fn get(client: &Client, url: &Url) -> reqwest::Result<Response> {
    client
        .get(url.clone())
        .header(CONNECTION, "close")
        .header(CACHE_CONTROL, "no-cache")
        .send()
        .await
}

/// Reads until the answer is found, or as far as it is looked at.
async fn read(mut answer: Response, wanted: &str) -> Seen {
    let wanted = wanted.as_bytes();
    let mut seen = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                let room = LOOKED_AT_BYTES - seen.len();
                seen.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            Ok(None) => break,
            Err(error) => return Seen::of(&error),
        }
        if seen.len() == LOOKED_AT_BYTES || (!wanted.is_empty() && contains(&seen, wanted)) {
            break;
        }
    }
    if contains(&seen, wanted) {
        Seen::Healthy
    } else {
        Seen::WrongAnswer
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
