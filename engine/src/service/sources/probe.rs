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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::service::parts::http::fresh_client;

    /// Long enough for a busy machine, and never waited for by what answers.
    const PATIENT: Duration = Duration::from_secs(20);
    const IMPATIENT: Duration = Duration::from_millis(200);

    /// Someone who reads a request, says this, and then does as told.
    #[derive(Clone, Copy)]
    struct Server {
        pause: Duration,
        says: &'static str,
        then: Then,
    }

    #[derive(Clone, Copy)]
    enum Then {
        Closes,
        GoesSilent,
        SaysItForever,
    }

    async fn address(listener: &TcpListener) -> Url {
        let port = listener.local_addr().unwrap().port();
        Url::parse(&format!("http://127.0.0.1:{port}/health")).unwrap()
    }

    async fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    }

    impl Server {
        async fn start(self) -> Url {
            let listener = listener().await;
            let url = address(&listener).await;
            tokio::spawn(async move {
                while let Ok((connection, _)) = listener.accept().await {
                    tokio::spawn(self.serve(connection));
                }
            });
            url
        }

        async fn serve(self, mut connection: TcpStream) {
            let mut request = [0; 1_024];
            let _ = connection.read(&mut request).await;
            tokio::time::sleep(self.pause).await;
            let _ = connection.write_all(self.says.as_bytes()).await;
            match self.then {
                Then::Closes => {}
                Then::GoesSilent => tokio::time::sleep(PATIENT).await,
                Then::SaysItForever => while connection.write_all(&[b'x'; 1_024]).await.is_ok() {},
            }
        }
    }

    async fn seen(says: &'static str, then: Then, patience: Duration) -> Seen {
        let server = Server {
            pause: Duration::ZERO,
            says,
            then,
        };
        look_at(server.start().await, patience).await
    }

    async fn look_at(url: Url, patience: Duration) -> Seen {
        ask(Clock::real(), &fresh_client().unwrap(), &url, Some("\"ok\""), patience).await
    }

    #[tokio::test]
    async fn a_healthy_answer_is_healthy_even_if_it_never_ends() {
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"state\":\"ok\"}";
        assert_eq!(seen(whole, Then::Closes, PATIENT).await, Seen::Healthy);
        let endless = "HTTP/1.1 200 OK\r\n\r\n{\"state\":\"ok\"}";
        assert_eq!(seen(endless, Then::SaysItForever, PATIENT).await, Seen::Healthy);
        assert_eq!(seen(endless, Then::GoesSilent, PATIENT).await, Seen::Healthy);
    }

    #[tokio::test]
    async fn a_slow_answer_in_time_is_healthy() {
        let server = Server {
            pause: Duration::from_millis(100),
            says: "HTTP/1.1 204 No Content\r\n\r\n",
            then: Then::Closes,
        };
        let url = server.start().await;
        assert_eq!(
            ask(Clock::real(), &fresh_client().unwrap(), &url, None, PATIENT).await,
            Seen::Healthy
        );
    }

    #[tokio::test]
    async fn wrong_answers_are_told_apart() {
        let wrong = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"state\":\"bad\"}";
        assert_eq!(seen(wrong, Then::Closes, PATIENT).await, Seen::WrongAnswer);
        let failing = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\n\"ok\"";
        assert_eq!(seen(failing, Then::Closes, PATIENT).await, Seen::WrongStatus);
        let cut_off = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"state\":";
        assert_eq!(seen(cut_off, Then::Closes, PATIENT).await, Seen::Broken);
        assert_eq!(
            seen("SSH-2.0-server\r\n\r\n", Then::Closes, PATIENT).await,
            Seen::Broken
        );
        assert_eq!(seen("", Then::Closes, PATIENT).await, Seen::Broken);
    }

    #[tokio::test]
    async fn of_a_body_without_end_only_the_beginning_is_read() {
        let oversized = "HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(seen(oversized, Then::SaysItForever, PATIENT).await, Seen::WrongAnswer);
    }

    #[tokio::test]
    async fn heads_without_end_are_given_up() {
        let head = "HTTP/1.1 200 OK\r\nx-filler: ";
        assert_eq!(seen(head, Then::SaysItForever, PATIENT).await, Seen::Broken);
    }

    #[tokio::test]
    async fn a_redirect_is_followed_by_nobody() {
        let elsewhere = listener().await;
        let to = address(&elsewhere).await;
        let says: &'static str =
            Box::leak(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_boxed_str());
        assert_eq!(seen(says, Then::Closes, PATIENT).await, Seen::WrongStatus);
        let nobody = tokio::time::timeout(IMPATIENT, elsewhere.accept()).await;
        assert!(nobody.is_err(), "somebody followed");
    }

    #[tokio::test]
    async fn who_never_answers_costs_one_time_out() {
        let slow = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"state\":";
        assert_eq!(
            seen(slow, Then::GoesSilent, IMPATIENT).await,
            Seen::TimedOut,
            "in the middle"
        );
        assert_eq!(
            seen("", Then::GoesSilent, IMPATIENT).await,
            Seen::TimedOut,
            "after the request"
        );
        // The system takes the connection, and nobody else ever does.
        let half_open = listener().await;
        assert_eq!(look_at(address(&half_open).await, IMPATIENT).await, Seen::TimedOut);
    }

    #[tokio::test]
    async fn who_refuses_is_unreachable() {
        let url = address(&listener().await).await;
        assert_eq!(look_at(url, PATIENT).await, Seen::Unreachable);
    }

    #[tokio::test]
    async fn one_answer_of_any_reference_will_do() {
        let client = fresh_client().unwrap();
        let half_open = listener().await;
        let (silent, gone) = (address(&half_open).await, address(&listener().await).await);
        let failing = Server {
            pause: Duration::ZERO,
            says: "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            then: Then::Closes,
        };
        let urls = [silent.clone(), gone.clone(), failing.start().await];
        assert_eq!(ask_any(Clock::real(), &client, &urls, PATIENT).await, Seen::Healthy);
        assert_eq!(
            ask_any(Clock::real(), &client, &urls[..2], IMPATIENT).await,
            Seen::TimedOut
        );
        assert_eq!(
            ask_any(Clock::real(), &client, &[gone], PATIENT).await,
            Seen::Unreachable
        );
    }
}
